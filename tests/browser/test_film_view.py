"""FilmView as a person uses it: a network is trained in the notebook, then its film is scrubbed through and played."""

from __future__ import annotations

import pytest
from page_tools import (
    WATCH,
    focus_slider,
    in_kernel,
    no_errors,
    press,
    shown,
    shown_pixels,
    state,
    wait_for,
    wait_until,
    widget_count,
)
from playwright.sync_api import Page

TRAIN = """
import torch
torch.manual_seed(0)
digits = cnnwidgets.data.digits()
images, targets = torch.stack([digits[i][0] for i in range(256)]), torch.tensor([digits[i][1] for i in range(256)])
model = cnnwidgets.models.lenet5()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
recorder = cnnwidgets.Recorder(model, ["C1", "C3", "OUTPUT"], [digits[i] for i in range(4)], every=2, gradients=True)
with recorder:
    for epoch in range(2):
        for batch in range(4):
            optimizer.zero_grad()
            chosen = slice(64 * batch, 64 * batch + 64)
            loss = torch.nn.functional.cross_entropy(model(images[chosen]), targets[chosen])
            loss.backward()
            optimizer.step()
            recorder.step(epoch, batch, of=4, loss=loss)
"""

SHOW = """
view = cnnwidgets.FilmView(recorder.recording, layer="C3", speed=10)
view
"""

FRAME, LAYER, PROBE, CHANNEL = 0, 1, 2, 3
"""Sliders in the order in which they stand on the card."""


@pytest.fixture
def page(run_cells) -> Page:
    page = run_cells(WATCH, TRAIN, SHOW)
    page.locator(".cnnw .bqplot image").first.wait_for()
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_film_is_scrubbed_through_played_and_seen_from_all_sides(page):
    grid = page.locator(".cnnw img.cnnw-pixels:visible").first
    shown(page, "before training")
    before = shown_pixels(grid)
    focus_slider(page, FRAME)
    press(page, "ArrowRight", 2)
    wait_for(page, "frame", 2)
    shown(page, "end of epoch 0")
    wait_until(page, lambda: (shown_pixels(grid) != before).any(), "the maps of another frame")
    press(page, "Home")
    wait_for(page, "frame", 0)
    wait_until(page, lambda: (shown_pixels(grid) == before).all(), "the maps of the first frame again")

    page.locator(".cnnw .widget-play button, .cnnw .jupyter-widget-play button").first.click()
    wait_for(page, "frame", 4)
    shown(page, "end of epoch 1")

    for slider, trait, value in ((LAYER, "layer", "OUTPUT"), (PROBE, "probe", 1), (CHANNEL, "channel", 1)):
        focus_slider(page, slider)
        press(page, "ArrowRight")
        wait_for(page, trait, value)
    shown(page, "All 10 units")

    for menu, option, trait, value, said in (
        ("What is seen", "gradients, batch image", "what", "gradients", "All 10 gradients"),
        ("What is seen", "feature maps of a probe", "what", "maps", "All 10 units"),
        ("Show what changed", "first frame", "difference", "first", "minus those of the first frame"),
        ("Value range", "map", "scale", "map", "scale: this frame"),  # numbers alone have no scale each
        ("auto", "magma", "colormap", "magma", "scale: this frame"),
        ("What is seen", "filters", "what", "filters", "All 6 filters"),
    ):
        group = page.locator(".cnnw .widget-hbox", has=page.locator(f'.cnnw-label[title^="{menu}"]')).last
        group.locator("select").first.select_option(label=option)
        wait_for(page, trait, value)
        shown(page, said)
    assert state(page, "layer") == "C1"
    assert no_errors(page)
    in_kernel(page, "view.close()")
    wait_until(page, lambda: widget_count(page) == 0, "no widget left in the page")
