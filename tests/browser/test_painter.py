"""The page that paints: what is on its canvases, and what of it needs the kernel."""

from __future__ import annotations

import pytest
from page_tools import WATCH, focus_slider, in_kernel, next_frames, no_errors, press
from playwright.sync_api import Page

LENET = """
import torch
model, dataset = cnnwidgets.models.lenet5(pretrained=True), torch.utils.data.Subset(cnnwidgets.data.digits(), range(50))
view = cnnwidgets.ActivationView(model, dataset, layer="C1", index=3)
view
"""
LAYER, INDEX, CHANNEL = 0, 1, 2


@pytest.fixture
def page(run_cells) -> Page:
    page = run_cells(WATCH, LENET)
    page.locator(".cnnw canvas.cnnw-pixels:visible").nth(1).wait_for()
    return page


def test_scratch(page):
    page.screenshot(path="/tmp/shots/a.png")
    focus_slider(page, CHANNEL)
    press(page, "ArrowRight", times=2)
    next_frames(page, 5)
    page.screenshot(path="/tmp/shots/b.png")
    focus_slider(page, LAYER)
    press(page, "ArrowRight", times=3)
    page.wait_for_timeout(1500)
    page.screenshot(path="/tmp/shots/c.png")
    in_kernel(page, "view.layer = 'F6'")
    page.wait_for_timeout(1500)
    page.screenshot(path="/tmp/shots/d.png")
    in_kernel(page, "view.layer = 'C3'")
    page.wait_for_timeout(1500)
    page.screenshot(path="/tmp/shots/e.png")
    assert no_errors(page)
