"""The same view in the other places where people open notebooks: Notebook 7, and Voila, which shows no code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest
from page_tools import GRIDS, OLD, drag_slider, run_all_cells, shown_pixels, steady, steady_pixels, wait_until
from playwright.sync_api import Page, expect

VIEW = """
import cnnwidgets as cw
view = cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits(), layer="C1", index=3)
view
"""
NARROW = """
import torch, cnnwidgets as cw
cw.OcclusionView(cw.models.lenet5(pretrained=True), cw.data.digits(), index=3)
"""
pytestmark = pytest.mark.skipif(OLD, reason="Notebook 7 and Voila 0.5 are of JupyterLab 4's generation")
TITLE = ".cnnw-title b:visible"
STILL = ".jp-RenderedImage img"


@pytest.fixture
def page(browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    with contextlib.suppress(Exception):
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    context.close()


def moves_with_the_slider(page: Page) -> None:
    """The layer slider changes title and picture; a click on a map chooses it."""
    page.locator(GRIDS).first.wait_for(timeout=60_000)
    expect(page.locator(TITLE)).to_have_text("C1", use_inner_text=True)
    expect(page.locator(STILL)).to_have_count(1)  # for when the view is gone; not seen beside it
    expect(page.locator(f"{STILL}:visible")).to_have_count(0)
    wait_until(page, lambda: shown_pixels(page.locator(GRIDS).first).std() > 10, "a picture, not an empty box")
    before = steady_pixels(page.locator(GRIDS).first)
    drag_slider(page, 0, 1.0)  # by mouse: Notebook 7 takes the keyboard away from sliders
    wait_until(page, lambda: page.locator(TITLE).inner_text() == "OUTPUT", "the last layer is shown")
    drag_slider(page, 0, 0.3)
    wait_until(page, lambda: page.locator(TITLE).inner_text() == "C3", "layer C3 is shown")
    wait_until(
        page, lambda: not np.array_equal(shown_pixels(page.locator(GRIDS).first), before), "another picture is painted"
    )
    wait_until(page, lambda: "Channel 0" in page.locator(".cnnw").inner_text(), "the first map is large")
    box = steady(page.locator(GRIDS).first)  # the figure has a new size, which bqplot takes on step by step
    page.mouse.click(box["x"] + box["width"] - 10, box["y"] + 10)
    wait_until(page, lambda: "Channel 0" not in page.locator(".cnnw").inner_text(), "the clicked map is shown large")
    assert page.errors == []


def test_voila_shows_the_live_view(page, lab):
    page.goto(f"{lab.url}/voila/render/{lab.write(VIEW)}", timeout=120_000)
    moves_with_the_slider(page)


def test_notebook_7_shows_the_live_view(page, lab):
    page.goto(f"{lab.url}/notebooks/{lab.write(VIEW)}", timeout=60_000)
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady", timeout=60_000)
    page.errors.clear()  # what an empty notebook says by itself, before there is a view
    assert run_all_cells(page) == ""
    moves_with_the_slider(page)


def test_voila_lets_the_occlusion_map_grow(page, lab):
    page.goto(f"{lab.url}/voila/render/{lab.write(NARROW)}", timeout=120_000)
    page.locator(GRIDS).first.wait_for(timeout=60_000)
    wait_until(page, lambda: "169 of 169" in page.locator(".cnnw").inner_text(), "the map is done", seconds=30)
    assert page.errors == []
