"""What the page paints, read off its canvases."""

from __future__ import annotations

import base64
from collections.abc import Callable

import numpy as np
from page_tools import WATCH
from playwright.sync_api import Locator, Page

LENET = """
import torch
model, dataset = cnnwidgets.models.lenet5(pretrained=True), torch.utils.data.Subset(cnnwidgets.data.digits(), range(50))
view = cnnwidgets.ActivationView(model, dataset, layer="C1", index=3)
"""
READ = """canvas => {
    const {width, height} = canvas;
    const copy = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
    copy.drawImage(canvas, 0, 0);
    const {data} = copy.getImageData(0, 0, width, height);
    let text = '';
    for (let i = 0; i < data.length; i += 4096) text += String.fromCharCode(...data.subarray(i, i + 4096));
    return [height, width, btoa(text)];
}"""


def lenet(run_cells: Callable[..., Page]) -> Page:
    """A notebook in which the maps of a LeNet-5 are painted."""
    page = run_cells(WATCH, LENET + "view")
    canvases(page).nth(1).wait_for()
    return page


def canvases(page: Page) -> Locator:
    return page.locator(".cnnw canvas.cnnw-pixels:visible")


def painted(canvas: Locator) -> np.ndarray:
    """The pixels of a canvas, (H, W, 4); what is transparent is black."""
    height, width, data = canvas.evaluate(READ)
    return opaque(np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4))


def opaque(pixels: np.ndarray) -> np.ndarray:
    return np.where(pixels[..., 3:] == 0, np.uint8(0), pixels)
