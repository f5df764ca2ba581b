"""Looking closer at maps by wheel, drag and keys: all in the page."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from page_tools import (
    PICTURES,
    WATCH,
    at_rest,
    becomes,
    in_kernel,
    next_frames,
    no_errors,
    press,
    shown_pixels,
    soon,
    steady,
    wait_for,
    wait_until,
)
from painted_tools import LENET, canvases, lenet, painted
from playwright.sync_api import Locator, Page, expect
from test_painter import COUNT, KINDS

GRID, LARGE = 0, 1
# Px that a pixel takes, and where the picture begins in its room.
LOOK = """canvas => {
    const box = canvas.getBoundingClientRect(), room = canvas.parentNode.getBoundingClientRect();
    return [box.width / canvas.width, box.left - room.left, box.top - room.top - 2];
}"""
# Counts what the page says to the kernel by widgets.
LISTEN = """() => {
    const send = WebSocket.prototype.send, text = new TextDecoder();
    window.said = [];
    WebSocket.prototype.send = function (data) {
        const message = typeof data === 'string' ? data : text.decode(data);
        if (message.includes('comm_msg')) window.said.push(message);
        return send.call(this, data);
    };
}"""
FOCUSED = """() => {
    const at = document.activeElement;
    return at.classList.contains('cnnw-room') && at.getClientRects().length > 0;
}"""
SCROLLED = """room => {
    let total = 0;
    for (let node = room.parentNode; node; node = node.parentNode) total += node.scrollTop ?? 0;
    return total;
}"""


@pytest.fixture
def page(run_cells) -> Page:
    return lenet(run_cells)


def room(page: Page, at: int) -> Locator:
    return page.locator(".cnnw-room:visible").nth(at)


def look(page: Page, at: int) -> tuple[float, float, float]:
    return tuple(canvases(page).nth(at).evaluate(LOOK))


def looks(page: Page, at: int, size: float, left: float | None = None, top: float = 0, within: float = 0.1) -> None:
    """Wait until a picture is so large, and begins there."""
    wanted = [size] if left is None else [size, left, top]
    becomes(page, lambda: list(look(page, at)[: len(wanted)]), pytest.approx(wanted, abs=within), "so close")


def still(page: Page, at: int) -> tuple[float, float, float]:
    """How a picture is looked at, once it no longer moves."""
    return at_rest(page, lambda: look(page, at), "the picture is")


def point(page: Page, at: int, right: float, down: float) -> tuple[float, float]:
    """Put the mouse over a px of a room."""
    box = steady(room(page, at))
    place = box["x"] + right, box["y"] + 2 + down
    page.mouse.move(*place)
    return place


def turn(page: Page, notches: int, across: int = 0) -> None:
    """Turn the wheel; towards the picture for more than 0."""
    for _ in range(abs(notches)):
        page.mouse.wheel(across, -100 if notches > 0 else 100)
    page.wait_for_timeout(300)  # what turns after that is another movement
    next_frames(page)


def said(page: Page) -> str:
    """What the mouse is told."""
    return " | ".join(page.locator(".cnnw-says .cnnw-tip").all_inner_texts())


def note(page: Page) -> str:
    return " ".join(page.locator(".cnnw-note:visible").all_inner_texts())


def numbers(page: Page) -> list[str]:
    return page.locator(".cnnw-numbers text:visible").all_text_contents()


def heard(page: Page) -> list[Any]:
    """What the page said to the kernel since it was listened to."""
    return page.evaluate("window.said")


def test_the_wheel_looks_closer_at_what_is_under_the_mouse_without_the_kernel(page):
    page.evaluate(LISTEN)
    in_kernel(page, COUNT)
    point(page, LARGE, 145, 85)
    wait_until(page, lambda: said(page).startswith("row 8, column 14: "), "the value under the mouse")
    becomes(page, lambda: (note(page), numbers(page)), ("", []), "nothing is written")
    turn(page, 2)
    looks(page, LARGE, 10 * 2**0.8)
    size, left, top = still(page, LARGE)
    assert ((145 - left) / size, (85 - top) / size) == pytest.approx((14.5, 8.5), abs=0.1)
    becomes(page, lambda: note(page), "×1.7, double click resets", "how close it is looked at")
    point(page, LARGE, 145, 86)
    wait_until(page, lambda: said(page).startswith("row 8, column 14: "), "the value under the mouse")
    turn(page, 4)
    turn(page, -3)
    looks(page, LARGE, 10 * 2**1.2)
    assert heard(page) == []
    assert in_kernel(page, "print(sent)") == "[]\n"
    page.mouse.dblclick(*point(page, LARGE, 100, 100))
    wait_until(page, lambda: look(page, LARGE) == (10, 0, 0) and note(page) == "", "seen as a whole")
    assert no_errors(page)


def test_what_is_seen_closer_is_what_render_gives_crisp(page):
    point(page, LARGE, 60, 200)
    turn(page, 2)
    page.mouse.move(0, 0)
    expect(page.locator(".cnnw-says")).to_have_count(0)
    size, left, top = still(page, LARGE)

    def crisp() -> None:
        pixels, shown = painted(canvases(page).nth(LARGE))[..., :3], shown_pixels(room(page, LARGE))
        seen = 0
        for row in range(28):
            for column in range(28):
                x, y = round(left + (column + 0.5) * size), round(2 + top + (row + 0.5) * size)
                if 6 <= x < 280 and 6 <= y < 284:
                    around = shown[y - 6 : y + 7, x - 6 : x + 7]
                    assert (around == pixels[row, column]).all(), (row, column)
                    seen += 1
        assert seen > 200

    soon(page, crisp, "every pixel as a square of its colour")


def test_a_drag_moves_it_a_press_chooses_the_pixel_and_the_frame_is_around_it(page):
    page.evaluate(LISTEN)
    start = point(page, LARGE, 145, 85)
    turn(page, 3)
    size, left, top = still(page, LARGE)
    page.mouse.down()
    page.mouse.move(start[0] - 30, start[1] + 20, steps=4)
    becomes(page, lambda: said(page), "", "the hand that drags is told nothing")
    page.mouse.up()
    looks(page, LARGE, size, left - 30, top + 20, within=1)
    page.wait_for_timeout(100)
    assert heard(page) == []
    assert in_kernel(page, "print(view.pixel)") == "None\n"
    size, left, top = still(page, LARGE)
    page.mouse.click(*point(page, LARGE, left + 12.5 * size, top + 9.4 * size))
    wait_for(page, "pixel", (9, 12))
    expect(page.locator(".cnnw-facts:visible span", has_text="at row 9, column 12")).to_have_count(1)

    def framed() -> None:
        frame = page.locator(".cnnw-frames rect:visible").nth(2).bounding_box()
        around = room(page, LARGE).bounding_box()
        assert [frame["x"] - around["x"], frame["y"] - around["y"] - 2] == pytest.approx(
            [left + 12 * size, top + 9 * size], abs=2
        )
        assert [frame["width"], frame["height"]] == pytest.approx([size, size], abs=3)

    soon(page, framed, "the frame is around the pixel")
    assert no_errors(page)


def test_keys_look_closer_and_go_about(page):
    page.evaluate(LISTEN)
    room(page, LARGE).focus()
    press(page, "+", 4)
    looks(page, LARGE, 40, -420, -420, within=20)
    size, left, top = still(page, LARGE)
    press(page, "ArrowRight")
    press(page, "ArrowUp", 2)
    looks(page, LARGE, size, left - 72, top + 144, within=1)
    press(page, "-")
    looks(page, LARGE, 40 / 2**0.5)
    press(page, "0")
    becomes(page, lambda: look(page, LARGE), (10, 0, 0), "as a whole")
    assert heard(page) == []
    assert no_errors(page)


def test_a_map_that_was_pressed_keeps_the_keyboard(page):
    for row in (3, 6, 9):  # each is shown in the place that was out of sight
        page.mouse.click(*point(page, LARGE, 55, row * 10 + 5))
        wait_for(page, "pixel", (row, 5))
        wait_until(page, lambda: page.evaluate(FOCUSED), "the room that is seen has the keyboard")
        press(page, "+", 2)
        wait_until(page, lambda: look(page, LARGE)[0] == pytest.approx(20, abs=0.1), "closer")
        press(page, "0")
        wait_until(page, lambda: look(page, LARGE) == (10, 0, 0), "as a whole")
    page.locator(".cnnw-title").first.click()
    in_kernel(page, "view.pixel = (1, 1)")
    page.locator(".cnnw-facts:visible span", has_text="at row 1, column 1").wait_for()
    next_frames(page)
    assert page.evaluate("document.activeElement.className").find("cnnw-room") < 0  # it was given elsewhere
    assert no_errors(page)


def test_numbers_are_written_into_large_pixels_and_the_same_place_is_seen_in_another_channel(page):
    point(page, LARGE, 145, 85)
    turn(page, 5)
    for channel in (0, 4):
        in_kernel(page, f"view.channel = {channel}")
        page.locator(".cnnw-heading:visible", has_text=f"Channel {channel} ").wait_for()
        values = json.loads(in_kernel(page, f"print(view.maps[{channel}].tolist())"))

        def written(values: list[list[float]] = values) -> None:
            size, left, top = look(page, LARGE)
            first = int(-top // size), int(-left // size)
            texts = numbers(page)
            across = int((288 - left) // size) + 1 - first[1]
            assert len(texts) == pytest.approx(across * (288 / size + 1), abs=across)
            for at, text in enumerate(texts):
                value = values[first[0] + at // across][first[1] + at % across]
                assert float(text.replace("−", "-")) == pytest.approx(value, abs=0.0501), at

        soon(page, written, f"the numbers of channel {channel}")
    looks(page, LARGE, 40)
    becomes(page, lambda: note(page), "×4, double click resets", "how close it is looked at")
    in_kernel(page, "view.layer = 'C3'")
    page.locator(".cnnw-heading:visible", has_text="Channel 4 · 10 × 10").wait_for()
    becomes(page, lambda: look(page, LARGE), (28, 0, 0), "another size of maps is seen as a whole")
    becomes(page, lambda: note(page), "", "nothing is said of closeness")
    assert no_errors(page)


def test_the_page_scrolls_where_the_wheel_leads_no_further(page):
    page.set_viewport_size({"width": 1200, "height": 700})
    point(page, LARGE, 145, 85)

    def scrolled() -> float:
        return room(page, LARGE).evaluate(SCROLLED)

    before = at_rest(page, scrolled, "the page is")
    turn(page, 1)
    wait_until(page, lambda: look(page, LARGE)[0] > 12, "closer")
    assert scrolled() == before
    turn(page, -1)
    becomes(page, lambda: look(page, LARGE)[0], 10, "as a whole")
    assert scrolled() == before
    point(page, LARGE, 145, 285)
    turn(page, -1)
    wait_until(page, lambda: scrolled() > before, "the page scrolls down")
    point(page, LARGE, 145, 85)
    turn(page, 10)
    looks(page, LARGE, 96)
    before = at_rest(page, scrolled, "the page is")
    turn(page, 1)
    wait_until(page, lambda: scrolled() < before, "the page scrolls up")
    assert no_errors(page)


def test_a_movement_that_scrolls_the_page_is_not_caught_by_a_map(page):
    page.set_viewport_size({"width": 1200, "height": 700})
    box = steady(room(page, LARGE))
    page.mouse.move(box["x"] + 500, box["y"] + 100)  # beside it
    page.mouse.wheel(0, -40)
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.wheel(0, -40)
    next_frames(page)
    assert look(page, LARGE) == (10, 0, 0)


def test_the_grid_is_looked_at_closer_with_ctrl_and_the_chosen_tile_comes_into_sight(page):
    page.evaluate(LISTEN)
    point(page, GRID, 220, 200)
    whole = still(page, GRID)
    turn(page, 2)
    assert look(page, GRID) == whole
    page.keyboard.down("Control")
    turn(page, 5)
    page.keyboard.up("Control")
    looks(page, GRID, 5 * 2**2)
    size, left, top = still(page, GRID)
    before = at_rest(page, lambda: said(page), "what is told is")
    turn(page, -1)  # now it scrolls there
    wait_until(page, lambda: said(page) != before, "another value is under the mouse")
    looks(page, GRID, size, left, top - 100, within=1)
    assert heard(page) == []
    size, left, top = still(page, GRID)
    page.mouse.click(*point(page, GRID, left + 35 * size, top + 32 * size))  # fifth map: from pixel 30, 30
    wait_for(page, "channel", 4)
    page.keyboard.press("Home")
    wait_for(page, "channel", 0)
    becomes(page, lambda: list(look(page, GRID)[1:]), pytest.approx([0, 0], abs=1), "the first tile is in sight")
    press(page, "0")
    becomes(page, lambda: look(page, GRID), whole, "as a whole")
    assert no_errors(page)


def test_what_is_not_finite_is_written_as_a_word_and_what_came_reduced_says_so(run_cells):
    page = run_cells(WATCH, KINDS)
    canvases(page).nth(1).wait_for()

    def written() -> None:
        assert numbers(page)[:3] == ["NaN", "∞", "−∞"]
        assert len(numbers(page)) == 64
        inks = page.locator(".cnnw-numbers text:visible").evaluate_all("all => all.map(e => e.getAttribute('fill'))")
        colors = painted(canvases(page).nth(LARGE))[..., :3].reshape(-1, 3) @ (0.2126, 0.7152, 0.0722)
        assert {inks[int(np.argmax(colors))], inks[int(np.argmin(colors))]} == {"#000000", "#ffffff"}

    soon(page, written, "words and numbers in an ink that can be read")
    in_kernel(page, "view.layer = 'large'")
    page.locator(".cnnw-heading:visible", has_text="Channel 0 · 700 × 700").wait_for()
    wait_until(page, lambda: painted(canvases(page).nth(LARGE)).shape[0] == 700, "the map in full")
    page.wait_for_timeout(1000)  # its neighbours come when the hand rests
    page.evaluate(LISTEN)
    in_kernel(page, COUNT)
    room(page, GRID).focus()
    press(page, "+", 4)
    becomes(page, lambda: note(page), "×4, reduced, double click resets", "how close it is looked at")
    press(page, "0")
    room(page, LARGE).focus()
    press(page, "+", 14)
    looks(page, LARGE, 128 * 288 / 700)
    becomes(page, lambda: note(page), "×128, double click resets", "how close it is looked at")
    wait_until(page, lambda: len(numbers(page)) in (36, 42, 49, 56, 64), "as many numbers as pixels in sight")
    assert heard(page) == [] and in_kernel(page, "print(sent)") == "[]\n"
    assert no_errors(page)


GLASS = """glass => {
    const canvas = glass.querySelector('canvas'), data = canvas.getContext('2d').getImageData(0, 0, 11, 11).data;
    return [...data];
}"""


@pytest.mark.parametrize("paints", [True, False])
def test_a_magnifier_shows_the_pixels_of_the_photo_and_their_colour(run_cells, paints):
    page = run_cells(WATCH, LENET + ("" if paints else PICTURES) + "view")
    photo = page.locator(".cnnw img.cnnw-photo:visible")
    box = steady(photo)
    assert (box["width"], box["height"]) == (168, 168)  # 28 pixels, six times as large
    page.mouse.move(box["x"] + 14.5 * 6, box["y"] + 8.5 * 6)
    glass = page.locator(".cnnw-loupe")
    glass.wait_for()
    pixels = np.array(json.loads(in_kernel(page, "print(view.panel('image').pixels[::6, ::6].tolist())")))

    def magnified() -> np.ndarray:
        return np.array(glass.evaluate(GLASS)).reshape(11, 11, 4)

    wait_until(page, lambda: (magnified()[..., :3] == pixels[3:14, 9:20]).all(), "the pixels around the mouse")
    expect(glass).to_have_text(f"RGB {', '.join(map(str, pixels[8, 14]))}", use_inner_text=True)
    page.mouse.move(box["x"] + 1, box["y"] + 167)  # the last row, of which nothing is below

    def at_the_border() -> None:
        shown = magnified()
        assert (shown[:6, 5:, :3] == pixels[22:28, :6]).all() and not shown[6:].any() and not shown[:, :5].any()

    soon(page, at_the_border, "the pixels at the border, and nothing beyond")
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    expect(glass).to_have_count(0)
    assert no_errors(page)
