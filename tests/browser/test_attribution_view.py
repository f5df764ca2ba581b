"""AttributionView as a person uses it: boxes, menus, the sanity check, in both themes without an error."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from page_tools import focus_slider, in_kernel, keep, press, silent_kernel, state, steady, wait_for, wait_until
from painted_tools import canvases, painted
from playwright.sync_api import Locator, Page, expect

VIEW = """
import cnnwidgets
model, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
view = cnnwidgets.AttributionView(model, dataset, methods=["saliency"], index=7)
view
"""


DRAWN = """
import base64, numpy as np
pixels = view.panel("saliency").pixels
print(base64.b64encode(np.ascontiguousarray(pixels[:: len(pixels) // 28, :: len(pixels) // 28])).decode())
"""


def maps(page: Page) -> int:
    """Pictures that can be seen, the input among them."""
    return page.locator(".cnnw img.cnnw-input:visible").count() + canvases(page).count()


def alike(page: Page, picture: Locator) -> bool:
    """Whether a canvas has what the kernel draws of the map, to a level of the colours."""
    drawn = np.frombuffer(base64.b64decode(in_kernel(page, DRAWN)), np.uint8).reshape(28, 28, 3)
    return bool((np.abs(painted(picture)[..., :3].astype(int) - drawn) <= 6).all())


def test_boxes_add_maps_and_the_sanity_check_doubles_them(run_cells):
    page = run_cells(VIEW)
    page.locator(".cnnw", has_text="Saliency").first.wait_for()
    wait_until(page, lambda: maps(page) == 2, "the image and one map")
    page.get_by_label("input × gradient").check()
    wait_for(page, "methods", ("saliency", "input_x_gradient"))
    wait_until(page, lambda: maps(page) == 3, "the image and two maps")
    page.get_by_role("button", name="Sanity check").click()
    wait_until(page, lambda: maps(page) == 5, "the image, two maps, and two of random weights")
    page.locator(".cnnw", has_text="rank correlation with the map above").first.wait_for()
    page.get_by_label("guided backprop", exact=True).check()
    page.locator(".cnnw", has_text="Guided backpropagation").first.wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_menus_and_sliders_move_the_view(run_cells, theme):
    page = run_cells(VIEW)
    page.locator(".cnnw", has_text="Saliency").first.wait_for()
    menus = page.locator(".cnnw select:visible")
    first = menus.first
    expect(first.locator("option:checked")).to_contain_text("predicted", use_inner_text=True)
    first.select_option(index=2)
    wait_until(page, lambda: state(page, "target") != "None", "a target is chosen")
    menus.nth(1).select_option(index=3)
    wait_until(page, lambda: state(page, "against") != "None", "another is taken off")
    picture = canvases(page).first
    wait_until(page, lambda: alike(page, picture), "the map")
    trips = state(page, "traffic.round_trips")
    value = float(in_kernel(page, "print(float(view._found['saliency'].values[12, 14]))"))
    before = painted(picture)

    def another() -> bool:
        nonlocal before
        now = painted(picture)
        changed, before = (now != before).any(), now
        return bool(changed)

    with silent_kernel(page):  # of all that follows it hears later
        page.locator(".cnnw select:visible", has=page.locator("option", has_text="negative")).select_option("all")
        wait_until(page, another, "another sign")
        page.locator(".cnnw select:visible", has=page.locator("option", has_text="PuOr")).select_option("PuOr")
        wait_until(page, another, "another colour map")
        focus_slider(page, 2)
        press(page, "ArrowLeft", 5)
        wait_until(page, another, "another opacity")
        box = steady(picture)
        page.mouse.move(box["x"] + 14.5 * box["width"] / 28, box["y"] + 12.5 * box["height"] / 28)
        tip = page.locator(".cnnw-says .cnnw-tip", has_text="row 12, column 14: ")

        def told() -> float:
            return float(tip.inner_text().split(": ")[1].replace("−", "-"))

        wait_until(page, lambda: abs(told() - value) < 1e-3 * abs(value), "the value under the mouse")
        keep(page, f"attribution-hand-{theme}", whole=True)
    for name, said in {"sign": "all", "colormap": "PuOr", "opacity": 0.55}.items():
        wait_for(page, name, said)
    wait_until(page, lambda: alike(page, picture), "the map as the kernel draws it")
    assert state(page, "traffic.round_trips") == trips
    focus_slider(page, 0)
    press(page, "ArrowRight", 2)
    wait_for(page, "index", 9)
    assert state(page, "error") == ""
