"""AttributionView as a person uses it: boxes, menus, the sanity check, in both themes without an error."""

from __future__ import annotations

import pytest
from page_tools import focus_slider, press, shown_pixels, state, steady_pixels, wait_for, wait_until
from playwright.sync_api import Page, expect

VIEW = """
import cnnwidgets
model, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
view = cnnwidgets.AttributionView(model, dataset, methods=["saliency"], index=7)
view
"""


def maps(page: Page) -> int:
    """Pictures that can be seen, the input among them."""
    return page.locator(".cnnw img.cnnw-input:visible").count()


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
    picture = page.locator(".cnnw img.cnnw-input:visible").nth(1)
    before = steady_pixels(picture)
    page.locator(".cnnw select:visible", has=page.locator("option", has_text="negative")).select_option("all")
    wait_for(page, "sign", "all")
    wait_until(page, lambda: (shown_pixels(picture) != before).any(), "another picture")
    focus_slider(page, 0)
    press(page, "ArrowRight", 2)
    wait_for(page, "index", 9)
    assert state(page, "error") == ""
