"""What a view counts of the messages of a real page."""

from __future__ import annotations

import json

import pytest
from page_tools import WATCH, focus_slider, in_kernel, no_errors, press, wait_for
from playwright.sync_api import Page

VIEW = """
model, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
view = cnnwidgets.ActivationView(model, dataset, layer="C1", index=3)
view
"""
LAYER, INDEX, CHANNEL = 0, 1, 2
COUNTS = """
import json
t = view.traffic
print(json.dumps([*t.to_page, *t.from_page, t.round_trips, t.cached]))
t.reset()
"""


@pytest.fixture
def page(run_cells) -> Page:
    page = run_cells(WATCH, VIEW)
    page.locator(".cnnw canvas.cnnw-pixels:visible").nth(1).wait_for()
    return page


def settled(page: Page) -> list[int]:
    """The counts since the last call, once nothing has passed for a while."""
    total = [0] * 6
    quiet = 0
    while quiet < 5:
        page.wait_for_timeout(150)
        counts = json.loads(in_kernel(page, COUNTS))
        quiet = 0 if any(counts) else quiet + 1
        total = [a + b for a, b in zip(total, counts, strict=True)]
    return total


def test_a_channel_takes_no_round_trip_a_layer_takes_one_and_going_back_sends_no_maps(page):
    settled(page)
    focus_slider(page, CHANNEL)
    press(page, "ArrowRight", times=3)
    wait_for(page, "channel", 3)
    sent, bytes_sent, heard, bytes_heard, trips, cached = settled(page)
    assert 0 < heard <= 2 * 3 and bytes_heard < 1000
    assert sent < 6 * 3 and bytes_sent < 10_000
    assert (trips, cached) == (0, 0)
    focus_slider(page, LAYER)
    press(page, "ArrowRight")
    wait_for(page, "layer", "func1")
    _, new, _, _, trips, cached = settled(page)
    assert (trips, cached) == (1, 0)
    press(page, "ArrowLeft")
    wait_for(page, "layer", "C1")
    _, back, _, _, trips, cached = settled(page)
    assert trips <= 1 and cached == 1
    assert back + 6 * 28 * 28 < new  # a byte for each value, deflated or not, at least
    assert no_errors(page)
