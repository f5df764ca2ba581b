"""ExamplesView and ChannelsView as a person uses them: a scan that grows, a hand over patches, a click on a row."""

from __future__ import annotations

import pytest
from page_tools import focus_slider, in_kernel, keep, no_errors, press, shown, state, steady, wait_for, wait_until
from playwright.sync_api import Page

VIEWS = """
import torch, traitlets
from IPython.display import display
import cnnwidgets
faults = []
model = cnnwidgets.models.lenet5(pretrained=True)
data = torch.utils.data.Subset(cnnwidgets.data.digits(), range(120))
view = cnnwidgets.ExamplesView(model, data, layer="C3", channel=2)
channels = cnnwidgets.ChannelsView(cnnwidgets.scan(model, data, ["C3", "F6"], progress=False), channel=2, target=3)
links = [traitlets.link((channels, name), (view, name)) for name in ("layer", "channel")]
display(view, channels)
"""
CHANNEL, FIRST = 1, 2
"""Sliders in the order in which they stand on the card, behind that of the layer."""


def cell(page: Page, view: str, panel: str, cell: int) -> tuple[float, float]:
    """The middle of a cell of a panel, in px of its picture."""
    edges = in_kernel(page, f"print(*{view}.panel({panel!r}).cells.box({cell}))")
    left, top, right, bottom = map(int, edges.split())
    return (left + right) / 2, (top + bottom) / 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_patches_follow_the_scan_the_hand_and_the_table(run_cells, theme):
    page = run_cells(VIEWS)
    shown(page, "120 of 120 images")  # scanned while the page waits
    patches = page.locator(".cnnw .bqplot").first
    patches.wait_for()

    steady(patches)
    x, y = cell(page, "view", "patches", 5)

    def pointed() -> bool:
        for left in (x - 4, x):  # what grew may have moved it meanwhile
            patches.hover(position={"x": left, "y": y}, force=True)
        return state(page, "example") == "5"

    wait_until(page, pointed, "the mouse is over a patch")
    image = in_kernel(page, "print(view.examples[5].image, end='')")
    patches.click(position={"x": x, "y": y}, force=True)
    wait_for(page, "index", image)

    focus_slider(page, FIRST)
    press(page, "ArrowRight", 3)
    wait_for(page, "first", 3)
    shown(page, "no. 4 to 19")
    keep(page, f"examples_{theme}")

    rows = page.locator(".cnnw").nth(1).locator(".bqplot")
    steady(rows.nth(1))
    x, y = cell(page, "channels", "knowing", 13 * 2)  # its second row
    rows.nth(1).click(position={"x": x, "y": y}, force=True)
    alike = "print(channels.layer, (view.layer, view.channel) == (channels.layer, channels.channel), end='')"
    wait_until(page, lambda: in_kernel(page, alike) == "F6 True", "the channel of that row in both views")
    keep(page, f"channels_{theme}", whole=True)
    assert no_errors(page)
