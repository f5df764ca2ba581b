"""FilterView as a person uses it: in JupyterLab, with keyboard and mouse, looking at what is painted."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from page_tools import (
    WATCH,
    drag_slider,
    focus_slider,
    in_kernel,
    no_errors,
    press,
    shown_pixels,
    soon,
    state,
    steady,
    steady_pixels,
    wait_for,
    wait_until,
)
from playwright.sync_api import Locator, Page, expect

# 16 filters of 5 x 5 in colour, number 6 near-dead; then 32 x 16 kernels in grey.
VIEW = """
import torch
from cnnwidgets.views.filter.view import FilterView
torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 16, 5), torch.nn.BatchNorm2d(16), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 3)
)
model[0].weight.data[6] *= 1e-4
view = FilterView(model{dataset})
view
"""

# What is on the sheet according to the kernel: shape, then RGBA.
SHEET = """
import base64
rgba = view.panel("sheet").drawn()
print(*rgba.shape[:2], base64.b64encode(rgba.tobytes()).decode())
"""

FILTER, CHANNEL, ZOOM = 1, 2, 4
"""Sliders in the order in which they stand on the card; those that a layer has no use for are there, hidden."""


@pytest.fixture
def page(run_cells) -> Page:
    page = run_cells(WATCH, VIEW.format(dataset=""))
    page.locator(".cnnw .bqplot image").first.wait_for()
    return page


def picture(page: Page, number: int) -> Locator:
    """The sheet, the chosen kernel, or the feature map."""
    return page.locator(".cnnw .bqplot image").nth(number)


def sheet_matches(page: Page) -> bool:
    """Whether what is painted is the sheet, but for the frame and the crosses."""
    height, width, pixels = in_kernel(page, SHEET).split()
    rgba = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(int(height), int(width), 4)
    painted = shown_pixels(picture(page, 0))[: int(height), : int(width)]
    if painted.shape[:2] != rgba.shape[:2]:
        return False
    alike = (np.abs(painted.astype(int) - rgba[..., :3]) <= 1).all(2)[rgba[..., 3] == 255]
    return bool(alike.mean() > 0.9)


def wait_for_sheet(page: Page) -> None:
    wait_until(page, lambda: sheet_matches(page), "the sheet is painted")


def test_filters_in_colour_are_chosen_with_slider_and_mouse(page):
    wait_for_sheet(page)
    focus_slider(page, FILTER)
    press(page, "ArrowRight", times=3)
    wait_for(page, "filter", 3)
    page.locator(".cnnw-heading:visible", has_text="Filter 3").wait_for()
    side = steady(picture(page, 0))["width"]
    place = {"x": 0.6 * side, "y": 0.35 * side}  # third in the second row of four
    tip = page.locator(".cnnw-tip", has_text="filter 6 · norm")

    def told() -> bool:
        for left in (place["x"] - 4, place["x"]):
            picture(page, 0).hover(position=place | {"x": left}, force=True)
        return tip.is_visible()

    wait_until(page, told, "the mouse is told of the filter")
    expect(page.locator(".cnnw-tip")).to_contain_text("near-dead", use_inner_text=True)
    picture(page, 0).click(position=place, force=True)
    wait_for(page, "filter", 6)
    page.locator(".cnnw-facts:visible", has_text="near-dead").wait_for()
    page.mouse.move(0, 0)
    wait_until(page, lambda: crossed(page, 6), "an orange cross")
    assert not crossed(page, 5)
    assert no_errors(page)


def crossed(page: Page, filter: int) -> bool:
    """Whether the sheet has orange on both diagonals of a filter, and none beside them."""
    box = in_kernel(page, f"print(*view.panel('sheet').cells.box({filter}))").split()
    left, top, right, bottom = (round(float(edge)) for edge in box)
    painted, orange = shown_pixels(picture(page, 0)).astype(int), np.array([0xEF, 0x6C, 0x00])
    high = (3 * top + bottom) // 4
    near = [
        np.abs(painted[high - 1 : high + 2, x - 1 : x + 2] - orange).max(2).min() < 60
        for x in ((3 * left + right) // 4, (left + 3 * right) // 4, (left + right) // 2)
    ]
    return near == [True, True, False]


def test_menus_change_what_is_painted(page):
    menus = {"Show": ("mode", "single"), "Order": ("order", "norm"), "Scale": ("scale", "layer")}
    for label, (trait, value) in menus.items():
        group = page.locator(".cnnw .widget-hbox", has=page.locator(".cnnw-label", has_text=label)).last
        group.locator("select").first.select_option(value)
        wait_for(page, trait, value)
        wait_for_sheet(page)
    page.locator(".cnnw input[type=checkbox]").check()
    wait_for(page, "folded", True)
    wait_for_sheet(page)
    expect(page.locator(".cnnw-title:visible")).to_contain_text("1 folded in", use_inner_text=True)
    assert no_errors(page)


def test_zooming_and_panning_down_to_one_kernel(page):
    in_kernel(page, "view.layer = '3'")
    wait_for_sheet(page)
    for zoom in (2, 4):
        page.locator(".cnnw button", has_text="+").click()
        wait_for(page, "zoom", zoom)
        wait_for_sheet(page)
    for arrow in ("→", "↓"):
        before = state(page, "panel('sheet').describe(0)")
        page.locator(".cnnw button", has_text=arrow).click()
        wait_until(page, lambda before=before: state(page, "panel('sheet').describe(0)") != before, "another window")
        wait_for_sheet(page)
    side = steady(picture(page, 0))["height"]
    picture(page, 0).click(position={"x": 5, "y": side - 5}, force=True)
    last = state(page, "panel('sheet').describe(view.panel('sheet').cells.count - 1)")
    wait_for(page, "filter", int(last.split(",")[0].split()[1]))
    drag_slider(page, ZOOM, 1.0)
    wait_for(page, "panel('sheet').cells.count", 1)
    wait_for_sheet(page)
    page.locator(".cnnw button", has_text="all").click()
    wait_for(page, "zoom", 1)
    wait_for_sheet(page)
    assert no_errors(page)


def test_the_feature_map_stands_beside_the_filter(run_cells):
    page = run_cells(WATCH, VIEW.format(dataset=", torch.rand(4, 3, 12, 12)"))
    picture(page, 2).wait_for()
    seen = steady_pixels(picture(page, 2))
    focus_slider(page, FILTER + 1)  # behind that of the image
    press(page, "ArrowRight")
    wait_for(page, "filter", 1)
    wait_until(page, lambda: not np.array_equal(shown_pixels(picture(page, 2)), seen), "another map")
    page.locator(".cnnw-heading:visible", has_text="Feature map 1").wait_for()
    page.locator(".cnnw button", has_text=">").click()
    wait_for(page, "index", 1)
    page.locator(".cnnw-heading:visible", has_text="Image 1").wait_for()

    def beside() -> None:
        left, right = (picture(page, number).bounding_box() for number in (1, 2))
        assert abs(left["y"] - right["y"]) < 3 and left["x"] + left["width"] < right["x"]

    soon(page, beside, "the map stands beside the filter")
    assert no_errors(page)


OUTSIDE = """() => {
    const card = document.querySelector('.cnnw').getBoundingClientRect();
    const parts = ['select', 'input', 'button', '.noUi-target', '.ui-slider', 'svg image'].map(part => '.cnnw ' + part);
    return [...document.querySelectorAll(parts.join(', '))].filter(e => e.getClientRects().length)
        .map(e => [e.className.baseVal ?? e.className, e.getBoundingClientRect()])
        .filter(([name, box]) => box.left < card.left || box.right > card.right).map(([name]) => name || 'part');
}"""


@pytest.mark.parametrize("theme", ["dark"])
def test_in_a_narrow_cell_everything_wraps_and_the_ground_is_that_of_the_theme(page, tmp_path):
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    page.set_viewport_size({"width": 700, "height": 1900})
    for layer in ("0", "3"):
        in_kernel(page, f"view.layer = '{layer}'")
        page.locator(".cnnw-title b:visible", has_text=layer).wait_for()

        def fits() -> None:
            assert page.evaluate("innerWidth") == 700
            assert page.locator(".cnnw").evaluate("e => e.scrollWidth <= e.clientWidth")
            assert page.evaluate(OUTSIDE) == []

        soon(page, fits, f"the card of layer {layer} fits")
        page.screenshot(path=tmp_path / f"{layer}.png")
    wait_until(page, lambda: (shown_pixels(page.locator(".cnnw"))[-6, 300] < 70).all(), "the ground is dark")
    assert no_errors(page)
