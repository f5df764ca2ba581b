"""The strip of pictures in a real page: opened, scrolled and chosen from by mouse, wheel and keyboard; marks."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from page_tools import WATCH, becomes, in_kernel, keep, no_errors, press, state, steady, wait_until
from painted_tools import LENET, READ
from playwright.sync_api import Locator, Page, expect

MANY = """
import torch
class Many(torch.utils.data.Dataset):
    read = 0
    classes = ["<b>zero</b>", *map(str, range(1, 10))]
    def __len__(self):
        return 60_000
    def __getitem__(self, index):
        if index == 30_003:
            raise OSError("the file is broken")
        Many.read += 1
        return digits[index % 1000]

digits = cnnwidgets.data.digits()
model, dataset = cnnwidgets.models.lenet5(pretrained=True), Many()
view = cnnwidgets.ActivationView(model, dataset, layer="C1", index=3)
"""
FIRST = """room => Math.min(
    ...[...room.querySelectorAll('.cnnw-picker-tile')].map(tile => tile.getAttribute('aria-posinset'))) - 1"""


def opened(run_cells, cell: str = LENET) -> Page:
    page = run_cells(WATCH, cell + "view")
    button(page).click()
    room(page).wait_for()
    wait_until(page, lambda: not empty(page), "all pictures in sight")
    return page


def button(page: Page) -> Locator:
    return page.get_by_role("button", name="pictures").first


def room(page: Page) -> Locator:
    return page.locator(".cnnw-picker-room").first


def tile(page: Page, index: int) -> Locator:
    return room(page).locator(f"[aria-posinset='{index + 1}']")


def empty(page: Page) -> int:
    """How many tiles in sight have neither a picture nor a reason for having none."""
    return room(page).locator(".cnnw-picker-tile:not(.cnnw-picker-none) .cnnw-picker-picture:empty").count()


def framed(page: Page) -> list[str]:
    return room(page).locator("[aria-selected='true'] > b").all_inner_texts()


def first(page: Page) -> int:
    """The first image in sight."""
    return int(room(page).evaluate(FIRST))


def shown(page: Page) -> list[str]:
    """The numbers of the images in sight, from the left."""
    return sorted(room(page).locator(".cnnw-picker-tile > b").all_inner_texts(), key=int)


def seen(page: Page, index: int) -> np.ndarray:
    height, width, data = tile(page, index).locator("canvas").evaluate(READ)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[..., 0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_button_opens_the_strip_with_the_present_image_framed_and_wrong_ones_marked(run_cells, theme):
    page = run_cells(WATCH, LENET + "view")
    button(page).wait_for()
    wait_until(page, lambda: button(page).get_attribute("aria-expanded") == "false", "the button says that it is shut")
    expect(room(page)).to_have_count(0)
    keep(page, f"strip-shut-{theme}")
    button(page).click()
    wait_until(page, lambda: button(page).get_attribute("aria-expanded") == "true", "the button says that it is open")
    wait_until(page, lambda: framed(page) == ["3"] and not empty(page), "the present image is framed")
    pixels = in_kernel(page, "print((dataset[4][0][0] * 255).round().int().flatten().tolist())")
    becomes(page, lambda: seen(page, 4).flatten().tolist(), eval(pixels), "the pixels of image 4")
    wait_until(
        page, lambda: tile(page, 5).get_attribute("aria-label") == "image 5 · 5 · wrong: the network says class 3", "5"
    )
    becomes(page, room(page).locator(".cnnw-picker-wrong > b").all_inner_texts, ["5"], "one image is marked")
    wait_until(page, lambda: "the network is wrong" in page.locator(".cnnw-picker-legend").inner_text(), "the legend")
    keep(page, f"strip-open-{theme}")
    button(page).click()
    wait_until(page, lambda: room(page).count() == 0, "shut again")
    assert no_errors(page)


def test_a_click_chooses_and_the_slider_moves_the_frame(run_cells):
    page = opened(run_cells)
    tile(page, 6).click()
    wait_until(page, lambda: state(page, "index") == "6" and framed(page) == ["6"], "image 6 is chosen")
    in_kernel(page, "view.index = 44")
    wait_until(page, lambda: framed(page) == ["44"] and not empty(page), "the strip follows the slider")
    page.get_by_role("button", name="own image").first.click()
    page.locator("canvas.cnnw-pad").first.wait_for()
    expect(room(page)).to_be_visible()
    in_kernel(page, "import numpy; view.show(numpy.zeros((28, 28), 'uint8'))")
    wait_until(page, lambda: framed(page) == [], "an own image is none of the strip")
    tile(page, 43).click()
    wait_until(page, lambda: state(page, "index") == "43", "back to the data set")
    assert no_errors(page)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_menu_shows_the_wrong_images_alone_and_a_scan_knows_their_classes(run_cells, theme):
    page = opened(run_cells)
    wrong = in_kernel(
        page,
        "scan = cnnwidgets.scan(model, dataset, ['C3'], progress=False); print(sorted(scan.predictions.wrong()))",
    )
    numbers = [str(index) for index in eval(wrong)]
    menu = page.get_by_label("Which images are shown").first
    menu.select_option("wrong")
    wait_until(page, lambda: shown(page) == numbers and not empty(page), "the wrong images, looked at one by one")
    wait_until(page, lambda: room(page).locator(".cnnw-picker-wrong").count() == len(numbers), "all are marked")
    foot = page.locator(".cnnw-picker-foot").first
    becomes(page, lambda: foot.inner_text().count(f"{len(numbers)} of 50 images"), 1, "how many there are")
    room(page).focus()
    press(page, "ArrowRight")
    press(page, "Enter")
    wait_until(page, lambda: state(page, "index") == numbers[1] and framed(page) == [numbers[1]], "the second")
    keep(page, f"strip-wrong-{theme}")
    in_kernel(page, "view.pick_by(scan)")
    menu.select_option(label="3")
    threes = in_kernel(page, "print([at for at in range(50) if dataset[at][1] == 3])")
    wait_until(page, lambda: shown(page) == [str(at) for at in eval(threes)] and not empty(page), "the threes")
    wait_until(page, lambda: "images, by a scan" in foot.inner_text(), "it is said by what")
    in_kernel(page, "view.layer, view.channel = 'C3', 5")
    room_of, patches = page.locator(".cnnw-patches"), page.locator(".cnnw-patches .bqplot")
    wait_until(page, lambda: "channel 5" in room_of.inner_text() and patches.is_visible(), "the patches of channel 5")
    steady(patches)
    x, y = eval(in_kernel(page, "box = view.panel('patches').cells.box(1); print((box[0] + 20, box[1] + 20))"))
    patches.click(position={"x": x, "y": y}, force=True)
    second = in_kernel(page, "print(scan['C3'].strongest(5)[1].image, end='')")
    wait_until(page, lambda: state(page, "index") == second, "the image of the second patch")
    keep(page, f"patches-{theme}")
    menu.select_option("")
    wait_until(page, lambda: len(shown(page)) > len(numbers) and not empty(page), "all images again")
    assert no_errors(page)


def test_the_wheel_scrolls_and_a_drag_does_without_choosing(run_cells):
    page = opened(run_cells, MANY)
    box = steady(room(page))
    becomes(page, lambda: first(page), 0, "the first images")
    page.mouse.move(box["x"] + 300, box["y"] + 30)
    page.mouse.wheel(0, 700)
    wait_until(page, lambda: first(page) == 10 and not empty(page), "ten images on")
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 30, steps=5)
    page.mouse.up()
    wait_until(page, lambda: first(page) == 12 and not empty(page), "two more")
    page.wait_for_timeout(300)
    assert state(page, "index") == "3"
    assert no_errors(page)


def test_the_keyboard_moves_and_chooses(run_cells):
    page = opened(run_cells, MANY)
    room(page).focus()
    press(page, "ArrowRight", 2)
    press(page, "ArrowLeft")
    press(page, "Enter")
    wait_until(page, lambda: state(page, "index") == "4", "image 4 is chosen")
    press(page, "End")
    wait_until(page, lambda: tile(page, 59_999).count() == 1 and not empty(page), "the last images")
    press(page, "Enter")
    wait_until(page, lambda: state(page, "index") == "59999" and framed(page) == ["59999"], "the last is chosen")
    press(page, "PageUp")
    press(page, "Home")
    wait_until(page, lambda: first(page) == 0, "the first images")
    active = tile(page, 0).get_attribute("id") or ""
    expect(room(page)).to_have_attribute("aria-activedescendant", active)
    assert no_errors(page)


def test_of_60000_images_only_those_in_sight_are_read_and_a_broken_one_says_why(run_cells):
    page = opened(run_cells, MANY)
    in_kernel(page, "view.index = 30_000")
    wait_until(page, lambda: framed(page) == ["30000"] and not empty(page), "in the middle of the data set")
    why = "image 30003 · the data set cannot give item 30003: Many raises OSError (the file is broken)"
    expect(tile(page, 30_003)).to_have_attribute("aria-label", why)
    assert int(in_kernel(page, "print(Many.read)")) < 100
    wait_until(page, lambda: "60,000" in page.locator(".cnnw-picker-foot").inner_text(), "how many there are")
    becomes(page, tile(page, 30_000).locator("span").inner_text, "<b>zero</b>", "the name of the class")
    keep(page, "strip-60000")
    assert no_errors(page)


def test_changed_weights_take_the_marks_away_and_bring_new_ones(run_cells):
    page = opened(run_cells)
    wait_until(page, lambda: room(page).locator(".cnnw-picker-wrong").count() == 1, "one is wrong")
    in_kernel(page, "with torch.no_grad():\n    list(model.modules())[-1].bias[7] += 100\nview.refresh()")
    right = "print(sum(dataset[at][1] == 7 for at in range({}, {})))"

    def marked() -> bool:
        tiles = room(page).locator(".cnnw-picker-tile")
        count, start = tiles.count(), first(page)
        wrong = room(page).locator(".cnnw-picker-wrong").count()
        return wrong == count - int(in_kernel(page, right.format(start, start + count))) > 1

    wait_until(page, marked, "all but the sevens are wrong")
    assert no_errors(page)


def test_a_narrow_page_has_room_for_it_and_every_view_has_it(run_cells):
    page = run_cells(WATCH, LENET + "view = cnnwidgets.explore(model, dataset, index=5)\nview")
    page.set_viewport_size({"width": 700, "height": 900})
    button(page).click()
    wait_until(page, lambda: framed(page) == ["5"] and not empty(page), "the present image is framed")
    wait_until(page, lambda: room(page).locator(".cnnw-picker-wrong").count() == 1, "it is marked")
    wide = "card => card.scrollWidth - card.clientWidth"
    wait_until(page, lambda: page.locator(".cnnw").first.evaluate(wide) <= 1, "nothing is wider than the card")
    keep(page, "strip-700")
    tile(page, 6).click()
    wait_until(page, lambda: state(page, "index") == "6" and framed(page) == ["6"], "image 6 is chosen")
    assert no_errors(page)


def test_the_keyboard_stays_after_a_click(run_cells):
    page = opened(run_cells, MANY)
    tile(page, 2).click()
    wait_until(page, lambda: state(page, "index") == "2", "image 2 is chosen")
    page.wait_for_timeout(300)  # JupyterLab 3 takes it away, and it comes back
    focused = "() => document.activeElement.closest('.cnnw-picker-room') !== null"
    wait_until(page, lambda: page.evaluate(focused), "the strip has the keyboard")
    press(page, "ArrowRight")
    press(page, "Enter")
    wait_until(page, lambda: state(page, "index") == "3", "the keyboard goes on from there")
    assert no_errors(page)
