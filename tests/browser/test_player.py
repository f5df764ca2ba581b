"""The window of ConvolutionView slides in the page: by the mouse, the sliders and the player, without the kernel."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from page_tools import (
    WATCH,
    at_rest,
    focus_slider,
    in_kernel,
    keep,
    no_errors,
    press,
    silent_kernel,
    state,
    steady,
    wait_for,
    wait_until,
)
from playwright.sync_api import Page, expect

VIEW = """
model, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
view = cnnwidgets.ConvolutionView(model, dataset, layer="C3", index=7, channel=5, pixel=(5, 5))
view
"""
PLAYGROUND = """
view = cnnwidgets.KernelPlayground(image="8 × 8 ramp", kernel="vertical edges", padding=1)
view
"""
CELL = 24
"""Side of a pixel of the 10 x 10 map on the screen, in px."""
TITLE = ".cnnw-of-output > .cnnw-own"
# The places that the page shows, frame by frame, for so many frames.
FRAMES = """async count => {
    const places = [];
    for (let i = 0; i < count; i++) {
        await new Promise(requestAnimationFrame);
        const place = document.querySelector('.cnnw-of-output > .cnnw-own')?.textContent;
        if (place !== places.at(-1)) places.push(place);
    }
    return places;
}"""


def painted(run_cells: Callable[..., Page], view: str = VIEW) -> Page:
    """A notebook in which the page slides the window."""
    page = run_cells(WATCH, view)
    page.locator(TITLE).wait_for()
    return page


def map_at(page: Page, key: str, row: float, column: float, side: float) -> tuple[float, float]:
    """Where a panel's map has the middle of that pixel, in the window."""
    box = steady(page.locator(f".cnnw-of-{key} .cnnw-slides > div"))
    return box["x"] + (column + 0.5) * side, box["y"] + (row + 0.5) * side


def says(page: Page, key: str, text: str) -> None:
    """Wait until the page's own part of a panel says so."""
    expect(page.locator(f".cnnw-of-{key} > .cnnw-own").filter(has_text=text)).not_to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_window_follows_the_mouse_while_no_kernel_answers(run_cells, theme):
    page = painted(run_cells)
    says(page, "output", "row 5, column 5")
    with silent_kernel(page):
        page.mouse.move(*map_at(page, "output", 3, 6, CELL), steps=3)
        says(page, "output", "row 3, column 6")
        says(page, "tables", "rows 3 to 7, columns 6 to 10")
        page.mouse.move(*map_at(page, "input", 2, 2, 240 // 14), steps=3)  # there the first window has its middle
        says(page, "output", "row 0, column 0")
        page.mouse.click(*map_at(page, "output", 1, 8, CELL))  # holds it
        page.mouse.move(*map_at(page, "output", 4, 4, CELL))
        says(page, "output", "row 1, column 8")
        page.mouse.move(*map_at(page, "output", 1, 8, CELL))
        page.mouse.down()
        page.mouse.move(*map_at(page, "output", 6, 3, CELL), steps=5)
        page.mouse.up()
        says(page, "tables", "rows 6 to 10, columns 3 to 7")
        keep(page, f"player-{theme}")
    wait_for(page, "pixel", (6, 3))
    value = float(state(page, "explanation.value"))
    says(page, "sum", f"the network computed{value:.5g}".replace("-", "−"))
    assert no_errors(page)


def test_the_player_steps_in_the_page_and_the_trait_agrees_after_a_stop(run_cells):
    page = painted(run_cells)
    in_kernel(page, "view.speed = 60; view.pixel = (0, 0)")
    says(page, "output", "row 0, column 0")
    with silent_kernel(page):
        page.locator(".cnnw .fa-play").click()
        places = page.evaluate(FRAMES, 60)
        assert len(places) - 1 >= 30, places
        says(page, "output", "row 9, column 9")
    wait_for(page, "pixel", (9, 9))
    says(page, "output", "row 9, column 9")
    assert no_errors(page)


def test_sliders_and_cells_move_it_too(run_cells):
    page = painted(run_cells)
    page.get_by_role("button", name="more").click()
    with silent_kernel(page):
        focus_slider(page, 3)
        press(page, "ArrowRight", 2)
        says(page, "output", "row 7, column 5")
        focus_slider(page, 4)
        press(page, "ArrowLeft", 3)
        says(page, "output", "row 7, column 2")
    wait_for(page, "pixel", (7, 2))
    in_kernel(page, "view.pixel = (2, 4)")
    says(page, "tables", "rows 2 to 6, columns 4 to 8")
    in_kernel(page, "view.layer = 'S4'")
    says(page, "sum", "largest of 4 numbers")
    expect(page.locator(".cnnw-own .cnnw-won")).to_have_count(1)
    in_kernel(page, "view.layer = 'F6'")  # which the kernel draws
    expect(page.locator(".cnnw-own")).to_have_count(0)
    expect(page.locator(".cnnw-under")).to_have_count(0)
    assert no_errors(page)


def test_the_playground_slides_in_the_page(run_cells):
    page = painted(run_cells, PLAYGROUND)
    with silent_kernel(page):
        page.mouse.click(*map_at(page, "output", 2, 6, 220 // 8))
        says(page, "output", "row 2, column 6")
        says(page, "tables", "rows 1 to 3, columns 5 to 7")
        keep(page, "player-playground")
    wait_for(page, "pixel", (2, 6))
    page.mouse.click(*map_at(page, "image", 1, 1, 22))  # inside the padding, one pixel wide
    wait_for(page, "image[0][0]", 7.0)
    assert no_errors(page)


def test_a_moving_hand_makes_no_round_trip(run_cells):
    page = painted(run_cells)
    in_kernel(page, "view.traffic.reset()")
    for row in range(8):
        page.mouse.move(*map_at(page, "output", row, row, CELL))
        wait_for(page, "pixel", (row, row))
    assert state(page, "traffic.round_trips") == "0"
    assert no_errors(page)


LOOK = """room => {
    const box = room.querySelector('canvas').getBoundingClientRect(), outer = room.getBoundingClientRect();
    return [box.width, Math.round(box.left - outer.left), Math.round(box.top - outer.top)];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_map_is_looked_at_closer_with_its_numbers_while_no_kernel_answers(run_cells, theme):
    page = painted(run_cells)
    room = page.locator(".cnnw-of-output .cnnw-slides > div")
    numbers = room.locator(".cnnw-numbers text")

    def look() -> list[float]:
        return room.evaluate(LOOK)

    value = float(in_kernel(page, "print(float(view.explanation.value))"))

    def written() -> list[float]:
        return [float(text.replace("−", "-")) for text in numbers.all_text_contents()]

    with silent_kernel(page):
        page.mouse.move(*map_at(page, "output", 5, 5, CELL))
        for _ in range(3):
            page.mouse.wheel(0, -100)
        wait_until(page, lambda: look()[0] > 400, f"three notches of the wheel enlarge it: {look()}")
        says(page, "output", "row 5, column 5")  # what is under the mouse stays there
        keep(page, f"player-closer-{theme}")
        wait_until(page, lambda: any(abs(each - value) < 0.01 for each in written()), f"{value}: {written()}")
        before = at_rest(page, look, "it is")
        page.mouse.move(*map_at(page, "output", 5, 5, CELL))
        page.mouse.down()
        page.mouse.move(*map_at(page, "output", 6.5, 6.5, CELL), steps=5)
        page.mouse.up()
        wait_until(page, lambda: look() == [before[0], before[1] + 36, before[2] + 36], f"dragged: {look()}, {before}")
        press(page, "0")
        wait_until(page, lambda: numbers.count() == 0, "the whole map is seen again")
        says(page, "output", "row 5, column 5")
        press(page, "ArrowRight")
        says(page, "output", "row 5, column 6")
        page.mouse.move(*map_at(page, "input", 6, 6, 240 // 14))
        page.mouse.wheel(0, -100)
        page.locator(".cnnw-of-input .cnnw-closeness", has_text="×").wait_for()
        says(page, "output", "row 4, column 4")  # whose window of 5 x 5 has its middle there
    wait_for(page, "pixel", (4, 4))
    assert no_errors(page)
