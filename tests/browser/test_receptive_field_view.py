"""ReceptiveFieldView as a person uses it: clicks in the map and on the photo, keys on the sliders, menus."""

from __future__ import annotations

import numpy as np
import pytest
from page_tools import (
    becomes,
    comm_count,
    focus_slider,
    in_kernel,
    keep,
    press,
    shown,
    shown_pixels,
    silent_kernel,
    state,
    steady,
    steady_pixels,
    wait_for,
    wait_until,
    widget_count,
)
from playwright.sync_api import Page

from cnnwidgets.render.color.colormap import ACCENT

VIEW = """
import cnnwidgets
model, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
view = cnnwidgets.ReceptiveFieldView(model, dataset, layer="S2", index=7, overlay=False)
view
"""
PIXEL, CELL = 16, 20
"""Sides of a pixel of the 28 x 28 photo and of the 14 x 14 map on the screen, in px."""
COLOUR = np.array([int(ACCENT[start : start + 2], 16) for start in (1, 3, 5)])


def click_at(page: Page, n: int, x: float, y: float) -> None:
    """Click the n-th picture of pixels so many px from its left and upper edge."""
    page.mouse.click(*at(page, n, x, y))


def frame_on_photo(page: Page) -> list[int]:
    """Outer edges of the painted frame on the photo in px: top, left, bottom, right."""
    painted = shown_pixels(page.locator(".cnnw .bqplot").first).astype(int)
    rows, columns = (np.abs(painted - COLOUR).sum(-1) < 40).nonzero()
    return [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1] if len(rows) else []


def framed(page: Page, top: int, left: int, bottom: int, right: int) -> None:
    """Wait until the frame is painted around these pixels of the photo; its line is 2 px wide."""
    expected = np.array([top, left, bottom, right]) * PIXEL

    def there() -> bool:
        edges = frame_on_photo(page)
        return bool(edges) and bool((np.abs(np.array(edges) - expected) <= 2).all())

    wait_until(page, there, f"the frame is at {expected.tolist()}, not {frame_on_photo(page)}")


def at(page: Page, n: int, x: float, y: float) -> tuple[float, float]:
    """Where the n-th picture of pixels has a px, in the window."""
    box = steady(page.locator(".cnnw .bqplot image").nth(n))
    return box["x"] + x, box["y"] + y


def test_a_click_moves_the_frame_and_closing_leaves_nothing(run_cells, theme):
    page = run_cells(VIEW)
    page.locator(".cnnw .bqplot image").nth(1).wait_for()
    shown(page, "centre")
    shown(page, "sees 6 px, stride 2 px")  # unit (r, c) sees rows 2r - 2 to 2r + 3
    click_at(page, 1, 9.5 * CELL, 3.5 * CELL)
    wait_for(page, "unit", (3, 9))
    framed(page, 4, 16, 10, 22)
    click_at(page, 1, 0.5 * CELL, 13.5 * CELL)  # at the border: what is in the padding is cut off
    wait_for(page, "unit", (13, 0))
    framed(page, 24, 0, 28, 4)
    shown(page, "left 2, bottom 2 px")
    click_at(page, 0, 14.5 * PIXEL, 10.5 * PIXEL)  # on the photo: the unit with its centre there
    wait_for(page, "unit", (5, 7))
    framed(page, 8, 12, 14, 18)
    in_kernel(page, "view.close()")
    wait_until(page, lambda: widget_count(page) == 0, "closing leaves no model in the page")
    assert comm_count(page) == 0 and page.errors == []


@pytest.mark.parametrize("theme", ["dark"])
def test_each_control_moves_the_view(run_cells):
    page = run_cells(VIEW)
    page.locator(".cnnw .bqplot image").nth(1).wait_for()
    layer, index, channel, row, column, opacity = range(6)  # sliders in the order in which they stand
    focus_slider(page, row)
    press(page, "ArrowRight", 2)
    wait_for(page, "unit", (9, 7))
    focus_slider(page, column)
    press(page, "ArrowLeft", 3)
    wait_for(page, "unit", (9, 4))
    framed(page, 16, 6, 22, 12)
    focus_slider(page, channel)
    press(page, "ArrowRight")
    wait_for(page, "channel", 1)
    shown(page, "Channel 1")
    bare = steady_pixels(page.locator(".cnnw .bqplot").first)
    page.locator(".cnnw input[type=checkbox]").last.check()  # the first lists all layers
    wait_for(page, "overlay", True)
    wait_until(
        page, lambda: (shown_pixels(page.locator(".cnnw .bqplot").first) != bare).any(), "the gradient is on the photo"
    )
    focus_slider(page, opacity)
    press(page, "ArrowLeft", 2)
    wait_for(page, "opacity", 0.8)
    page.locator(".cnnw select").filter(has_text="this channel").select_option("this channel")
    wait_for(page, "gradient", "channel")
    shown(page, "gradient of channel 1")
    page.locator(".cnnw select").filter(has_text="viridis").select_option("magma")
    wait_for(page, "colormap", "magma")
    focus_slider(page, index)
    press(page, "ArrowRight")
    wait_for(page, "index", 8)
    shown(page, "Image 8")
    focus_slider(page, layer)
    press(page, "End")
    wait_for(page, "layer", "OUTPUT")
    shown(page, "sees the whole image")
    chosen = page.locator(".cnnw-fields tbody tr").last
    becomes(page, lambda: chosen.inner_text().split(), ["OUTPUT", "all"], "the last layer sees all")
    ground, other = "row => getComputedStyle(row.cells[0]).backgroundColor", page.locator(".cnnw-fields tbody tr").first
    wait_until(page, lambda: chosen.evaluate(ground) != other.evaluate(ground), "the chosen layer is marked")
    in_kernel(page, "try:\n view.channel = 99\nexcept IndexError as error:\n print(error)")
    assert state(page, "channel") == "1" and state(page, "error") == "" and page.errors == []


def test_the_frames_follow_the_hand_while_no_kernel_answers(run_cells):
    page = run_cells(VIEW)
    page.locator(".cnnw-of-photo .cnnw-slides rect").first.wait_for(state="attached")
    with silent_kernel(page):
        page.mouse.move(*at(page, 1, 2.5 * CELL, 2.5 * CELL))
        page.mouse.down()
        framed(page, 2, 2, 8, 8)
        page.mouse.move(*at(page, 1, 9.5 * CELL, 3.5 * CELL), steps=5)
        framed(page, 4, 16, 10, 22)
        page.mouse.up()
        focus_slider(page, 3)
        press(page, "ArrowRight", 2)
        framed(page, 8, 16, 14, 22)
        keep(page, "receptive-field-hand")
    wait_for(page, "unit", (5, 9))
    shown(page, "row 5, column 9")
    in_kernel(page, "view.unit = (13, 0)")
    framed(page, 24, 0, 28, 4)
    in_kernel(page, "view.layer = 'F6'")
    shown(page, "sees the whole image")
    assert state(page, "error") == "" and page.errors == []
