"""SignatureView and ModelSummary as a person uses them: type classes, move sliders, click strips and outliers."""

from __future__ import annotations

import pytest
from page_tools import (
    comm_count,
    drag_slider,
    focus_slider,
    in_kernel,
    no_errors,
    press,
    shown,
    shown_pixels,
    soon,
    steady,
    steady_pixels,
    wait_for,
    wait_until,
)
from playwright.sync_api import Page

VIEW = """
import cnnwidgets
faults = []
view = cnnwidgets.SignatureView(
    cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits(), "F6", targets=[1, 3, 5], count=4
)
view
"""
SUMMARY = """
import cnnwidgets
faults = []
view = cnnwidgets.ModelSummary(cnnwidgets.models.lenet5(), cnnwidgets.data.digits())
view
"""
ACROSS = 15
"""Squares in the row of a strip, each a cell that answers the mouse."""
COUNT, IMAGE = 1, 2
"""Sliders in the order in which they stand on the card, behind that of the layer."""


def click_cell(page: Page, figure: int, panel: str, cell: int) -> None:
    image = page.locator(".cnnw .bqplot image").nth(figure)
    steady(image)
    left, top, right, bottom = map(int, in_kernel(page, f"print(*view.panel({panel!r}).cells.box({cell}))").split())
    image.click(position={"x": (left + right) / 2, "y": (top + bottom) / 2}, force=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_strips_are_compared_and_outliers_looked_at(run_cells, theme):
    page = run_cells(VIEW)
    page.locator(".cnnw .bqplot image").nth(1).wait_for()
    shown(page, "12 images of 3 classes")

    click_cell(page, 0, "strips", 3 * ACROSS + 7)  # below the heading of its class the third
    wait_for(page, "index", in_kernel(page, "print(int(view.signatures.indices[2]), end='')"))
    click_cell(page, 1, "outliers", 0)
    wait_for(page, "index", in_kernel(page, "print(view.signatures.outliers(5)[0].index, end='')"))
    shown(page, "label: 5")

    strips = page.locator(".cnnw .bqplot").first
    before = steady_pixels(strips)
    page.locator(".cnnw select").filter(has_text="hsv").select_option("hsv")
    wait_for(page, "colormap", "hsv")
    wait_until(page, lambda: (shown_pixels(strips) != before).any(), "the strips in other colours")
    page.locator(".cnnw select").filter(has_text="each strip its own").select_option("each strip its own")
    wait_for(page, "scale", "strip")
    shown(page, "each strip's lowest")
    page.locator(".cnnw select").filter(has_text="euclidean").select_option("euclidean")
    wait_for(page, "metric", "euclidean")

    page.locator(".cnnw input[title^=Classes]").fill("0, 7")
    page.keyboard.press("Enter")
    wait_for(page, "targets", (0, 7))
    shown(page, "Outliers of class 7")
    page.locator(".cnnw select").filter(has_text="class 0").last.select_option("class 0")
    wait_for(page, "target", 0)

    focus_slider(page, COUNT)
    press(page, "ArrowRight", 2)
    wait_for(page, "count", 6)
    shown(page, "12 images of 2 classes")
    drag_slider(page, 0, 0.0)
    wait_for(page, "layer", "C1")
    page.locator(".cnnw select").filter(has_text="mean").select_option("max")
    shown(page, "6 maps, the largest of each")
    assert no_errors(page)
    in_kernel(page, "view.close()")
    assert comm_count(page) == 0


def test_the_summary_is_a_table_with_totals(run_cells):
    page = run_cells(SUMMARY)
    shown(page, "61,706 parameters")

    def complete() -> None:
        cells = page.locator(".cnnw-summary > *").all_inner_texts()
        at = cells.index("C3")
        assert cells[at : at + 5] == ["C3", "Conv2d(6, 16, 5×5)", "16 × 10 × 10", "", "2,416"]
        assert cells[-1] == "61,706"

    soon(page, complete, "a row for each layer, and the totals")
    assert no_errors(page)
