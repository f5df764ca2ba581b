"""The camera, for which Chromium has one of its own (a ball over green): its picture is the own image; it goes off."""

from __future__ import annotations

import numpy as np
import pytest
from page_tools import WATCH, becomes, in_kernel, keep, no_errors, soon, state, wait_until
from playwright.sync_api import Locator, Page, expect

COLOUR = """
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
view = cnnwidgets.ActivationView(model, [(torch.rand(3, 32, 32), at) for at in range(4)])
view
"""
KEEP_STREAMS = """delay => {
    const devices = navigator.mediaDevices, real = devices.getUserMedia.bind(devices);
    window.streams = [];
    devices.getUserMedia = async wanted => {
        await new Promise(done => setTimeout(done, delay));
        const stream = await real(wanted);
        window.streams.push(stream);
        return stream;
    };
}"""
TRACKS = "() => window.streams.flatMap(stream => stream.getTracks().map(track => track.readyState))"


@pytest.fixture
def flags() -> tuple[str, ...]:
    return "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True).first


def looking(run_cells, *, delay: int = 0) -> Page:
    """The input panel is open and the camera was asked for."""
    page = run_cells(WATCH, COLOUR)
    page.evaluate(KEEP_STREAMS, delay)
    page.get_by_role("button", name="own image").first.click()
    button(page, "camera").click()
    return page


def on(run_cells) -> Page:
    page = looking(run_cells)
    button(page, "take it").wait_for()
    wait_until(
        page, lambda: page.locator("video.cnnw-pad-video").evaluate("v => v.videoWidth") > 0, "the camera's picture"
    )
    becomes(page, lambda: page.evaluate(TRACKS), ["live"], "one stream")
    return page


def off(page: Page) -> bool:
    return page.evaluate(TRACKS) == ["ended"]


def test_its_picture_becomes_the_own_image_and_it_goes_off(run_cells):
    page = on(run_cells)
    keep(page, "camera", whole=True)
    button(page, "take it").click()
    wait_until(page, lambda: int(state(page, "index")) < 0, "the own image is shown")
    wait_until(page, lambda: off(page), "the camera is off")
    expect(page.locator("video.cnnw-pad-video")).to_be_hidden()
    button(page, "camera").wait_for()

    def green_above_all() -> None:
        red, green, blue = map(float, in_kernel(page, "print(*view.item.image.mean((1, 2)).tolist())").split())
        assert green > red and green > blue

    soon(page, green_above_all, "the image is the camera's")
    wait_until(page, lambda: len(np.unique(_canvas(page))) > 3, "the picture stands on the canvas")
    assert no_errors(page)


def test_it_goes_off_when_the_panel_is_hidden_with_a_word_or_without_and_when_the_view_is_closed(run_cells):
    page = on(run_cells)
    page.get_by_role("button", name="own image").first.click()
    wait_until(page, lambda: off(page), "the camera is off")
    page.get_by_role("button", name="own image").first.click()
    button(page, "camera").wait_for()
    assert no_errors(page)
    button(page, "camera").click()
    becomes(page, lambda: page.evaluate(TRACKS), ["ended", "live"], "the camera is on again")
    page.locator(".cnnw-input-panel").evaluate("panel => { panel.style.display = 'none'; }")
    becomes(page, lambda: page.evaluate(TRACKS), ["ended", "ended"], "the camera is off")
    page.locator(".cnnw-input-panel").evaluate("panel => { panel.style.display = ''; }")
    button(page, "camera").click()
    becomes(page, lambda: page.evaluate(TRACKS), ["ended", "ended", "live"], "the camera is on once more")
    in_kernel(page, "view.close()")
    becomes(page, lambda: page.evaluate(TRACKS), ["ended"] * 3, "the camera is off")


def test_a_camera_that_comes_when_nobody_looks_is_off_at_once_and_a_second_press_opens_no_second_stream(run_cells):
    page = looking(run_cells, delay=700)
    page.get_by_role("button", name="own image").first.click()
    wait_until(page, lambda: off(page), "the camera is off")
    page.get_by_role("button", name="own image").first.click()
    button(page, "camera").click()
    button(page, "camera").click()  # while the browser asks
    button(page, "take it").wait_for()
    page.wait_for_timeout(900)
    becomes(page, lambda: page.evaluate(TRACKS), ["ended", "live"], "one stream more")


def _canvas(page: Page) -> np.ndarray:
    pixels = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    return np.array(page.locator("canvas.cnnw-pad").first.evaluate(pixels))
