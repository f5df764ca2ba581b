"""ConvolutionView and KernelPlayground as a person uses them: keys, clicks, drags, typing, the player."""

from __future__ import annotations

import pytest
from page_tools import (
    comm_count,
    focus_slider,
    in_kernel,
    press,
    shown,
    state,
    steady,
    wait_for,
    wait_until,
    widget_count,
)
from playwright.sync_api import Page, expect

VIEW = """
import cnnwidgets
from cnnwidgets.views.convolution.view import ConvolutionView
model, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
view = ConvolutionView(model, dataset, layer="C3", index=7, channel=5, pixel=(5, 5))
view
"""
PLAYGROUND = """
from cnnwidgets.views.convolution.playground import KernelPlayground
view = KernelPlayground()
view
"""
CELL = 24
"""Side of a pixel of the 10 x 10 map on the screen, in px."""


def map_at(page: Page, n: int, row: float, column: float, side: float) -> tuple[float, float]:
    """Where the n-th picture of pixels has the middle of that pixel, in the window."""
    box = steady(page.locator(".cnnw .bqplot image").nth(n))
    return box["x"] + (column + 0.5) * side, box["y"] + (row + 0.5) * side


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_control_of_the_convolution_view_moves_it(run_cells, theme):
    page = run_cells(VIEW)
    page.locator(".cnnw .bqplot image").nth(1).wait_for()
    value = float(state(page, "explanation.value"))
    shown(page, f"the network computed{value:.5g}".replace("-", "−"))

    expect(page.locator(".cnnw .cnnw-rest")).to_be_hidden()
    page.get_by_role("button", name="more").click()
    expect(page.locator(".cnnw .cnnw-rest")).to_be_visible()
    layer, channel, index, row, column, _ = range(6)  # sliders in the order in which they stand
    focus_slider(page, row)
    press(page, "ArrowRight", 2)
    wait_for(page, "pixel", (7, 5))
    focus_slider(page, column)
    press(page, "ArrowLeft", 3)
    wait_for(page, "pixel", (7, 2))
    shown(page, "rows 7 to 11, columns 2 to 6")

    page.mouse.move(*map_at(page, 1, 3, 6, CELL), steps=3)
    wait_for(page, "pixel", (3, 6))
    page.mouse.move(*map_at(page, 0, 2, 2, 240 // 14), steps=3)  # the window of the first pixel has its middle there
    wait_for(page, "pixel", (0, 0))
    page.mouse.click(*map_at(page, 1, 1, 8, CELL))
    wait_for(page, "pixel", (1, 8))
    shown(page, "row 1, column 8")

    page.mouse.move(*map_at(page, 1, 4, 4, CELL))  # the click holds it
    page.mouse.move(*map_at(page, 1, 1, 8, CELL))
    wait_for(page, "pixel", (1, 8))
    page.mouse.down()
    page.mouse.move(*map_at(page, 1, 6, 3, CELL), steps=10)
    wait_for(page, "pixel", (6, 3))
    page.mouse.up()
    shown(page, "rows 6 to 10, columns 3 to 7")

    focus_slider(page, channel)
    press(page, "ArrowRight")
    wait_for(page, "channel", 6)
    shown(page, "Output 6")
    page.locator(".cnnw input[type=checkbox]").uncheck()
    wait_for(page, "strongest", False)
    focus_slider(page, index)
    press(page, "ArrowRight")
    wait_for(page, "index", 8)
    shown(page, "image 8 · label: 8")

    in_kernel(page, "view.speed = 30; view.pixel = (9, 0)")
    page.locator(".cnnw .fa-play").click()
    wait_for(page, "pixel", (9, 9))
    focus_slider(page, layer)
    press(page, "ArrowRight", 2)  # the activation lies between
    wait_for(page, "layer", "S4")
    shown(page, "largest of 4 numbers")
    expect(page.locator(".cnnw .cnnw-won:visible")).to_have_count(1)
    press(page, "End")
    wait_for(page, "layer", "OUTPUT")
    shown(page, "Contribution of each input feature")
    assert state(page, "error") == "" and page.errors == []


def test_the_reader_types_draws_and_slides_in_the_playground(run_cells):
    page = run_cells(PLAYGROUND)
    page.locator(".cnnw .bqplot image").nth(1).wait_for()
    shown(page, "1 + 0 + 0 + 1 + 0 (bias) = 2")
    kernel = page.locator(".cnnw textarea").nth(1)
    kernel.fill("1 2\n3 x")
    shown(page, "row 2: 'x' is no number")
    kernel.fill("1 2\n3 4")
    wait_for(page, "output.tolist()", [[5.0, 3.0, 0.0], [2.0, 5.0, 3.0], [0.0, 2.0, 5.0]])
    expect(kernel).to_have_value("1 2\n3 4")
    numbers = page.locator(".cnnw .bqplot").nth(1).locator("text:visible")
    wait_until(page, lambda: numbers.all_text_contents().count("5") == 3, "the three fives of the output are written")

    page.mouse.click(*map_at(page, 0, 0, 3, 55))
    wait_for(page, "image[0]", (1.0, 0.0, 0.0, 1.0))
    page.locator(".cnnw select").filter(has_text="sharpen").select_option("vertical edges")
    wait_for(page, "output.shape", (2, 2))
    page.locator(".cnnw input[type=number]").nth(1).fill("1")
    page.keyboard.press("Tab")
    wait_for(page, "padding", 1)
    shown(page, "4 × 4 output")
    in_kernel(page, "view.speed = 30; view.pixel = (0, 0)")
    page.locator(".cnnw .fa-play").click()
    wait_for(page, "pixel", (3, 3))
    page.locator(".cnnw input[type=number]").nth(2).fill("8")
    page.keyboard.press("Tab")
    shown(page, "the kernel, 17 high, does not fit into the image, 6 high with its padding")
    assert page.errors == []


def test_closing_leaves_no_widget_in_kernel_or_page(run_cells):
    page = run_cells("import cnnwidgets", "print('ready')")
    page.locator(".jp-OutputArea pre", has_text="ready").wait_for()
    widgets, comms = widget_count(page), comm_count(page)
    in_kernel(page, VIEW.replace("\nview\n", "\ndisplay(view)\n"))
    in_kernel(page, "view.pixel = (0, 0); view.layer = 'F6'; view.close()")
    wait_until(page, lambda: widget_count(page) == widgets, "no model more than before")
    assert comm_count(page) == comms and page.errors == []
