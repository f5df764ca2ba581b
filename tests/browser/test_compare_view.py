"""CompareView as a person uses it: one set of controls moves both columns, the curtain, the ranking, the sample."""

from __future__ import annotations

import pytest
from page_tools import (
    comm_count,
    focus_slider,
    in_kernel,
    keep,
    press,
    shown,
    state,
    steady,
    wait_for,
    wait_until,
    widget_count,
)
from playwright.sync_api import Page

VIEW = """
import copy, torch, cnnwidgets
before, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
after = copy.deepcopy(before)
with torch.no_grad():
    after.C3.weight += 0.1 * torch.randn(after.C3.weight.shape, generator=torch.Generator().manual_seed(0))
view = cnnwidgets.compare([before, after], dataset, layer="C3", index=3)
view
"""


def click_cell(page: Page, heading: str, column: float, row: float) -> None:
    """Click a picture under a heading, at shares of its width and height."""
    panel = (
        page.locator(".cnnw .cnnw-heading")
        .filter(has_text=heading)
        .first.locator("xpath=ancestor::*[.//*[local-name()='image']][1]")
    )
    box = steady(panel.locator("image").first)
    page.mouse.click(box["x"] + column * box["width"], box["y"] + row * box["height"])


@pytest.mark.parametrize(("theme", "width"), [("light", None), ("dark", 700)])
def test_one_set_of_controls_moves_both_columns(run_cells, theme, width):
    page = run_cells(VIEW)
    if width:
        page.set_viewport_size({"width": width, "height": 900})
    shown(page, "linear CKA, 32 images")  # the sample was compared by itself
    shown(page, "They disagree")
    focus_slider(page, 2)  # layer, image, channel
    press(page, "ArrowRight", 2)
    wait_for(page, "channel", 2)
    for letter in ("A", "B", "A − B"):
        shown(page, f"{letter} · channel 2")
    keep(page, f"compare-{theme}-{width}", whole=True)

    focus_slider(page, 0)
    press(page, "ArrowRight")
    wait_for(page, "layer", "func2")
    wait_for(page, "columns[1].row.name", "func2")

    click_cell(page, "Are they alike", 0.01, 0.01)
    wait_for(page, "layer", state(page, "growing.comparer.similarity.rows[0]"))
    click_cell(page, "Which layers changed most", 0.3, 0.5)
    wait_for(page, "layer", "C3")
    click_cell(page, "They disagree", 0.1, 0.05)
    wait_for(page, "index", int(state(page, "growing.comparer.disagreements[0].index")))

    curtain = page.locator(".cnnw .noUi-handle, .cnnw .ui-slider-handle").last
    curtain.scroll_into_view_if_needed()
    curtain.focus()
    press(page, "End")
    wait_for(page, "curtain", 100)
    assert state(page, "error") == "" and page.errors == []

    in_kernel(page, "view.close()")
    wait_until(page, lambda: widget_count(page) == 0, "closing leaves no model in the page")
    assert comm_count(page) == 0 and page.errors == []
