"""The moving picture at the top of the README: the widget in JupyterLab. `python benchmarks/README_picture.py`.

Runs a notebook in a JupyterLab and a headless Chromium, moves the layer slider and the image slider by keys, and writes
what is seen of the widget after each key to `notebooks/images/activation_view.gif`. Needs what the browser tests need.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from _lab import lab_page, slider_handle
from PIL import Image
from playwright.sync_api import Locator, Page

PICTURE = Path(__file__).parents[1] / "notebooks" / "images" / "activation_view.gif"
CELL = """import cnnwidgets as cw

model = cw.models.lenet5(pretrained=True)
view = cw.ActivationView(model, cw.data.digits(), layer="C1", index=0, channel=2)
view"""
KEYS = [("Layer", "ArrowRight")] * 5 + [("Image", "ArrowRight")] * 3 + [("Layer", "End")]
WIDTH, HEIGHT = 1264, 1000  # CSS pixels of the browser's window: all three panels stand in one row
EACH = 900
"""Milliseconds of each frame; the last stays twice as long."""


def frames() -> list[Image.Image]:
    """What is seen at first and after each key, all of the same size."""
    with lab_page(CELL, width=WIDTH, height=HEIGHT) as page:
        card = page.locator(".jp-OutputArea .cnnw")
        card.locator(".bqplot image").first.wait_for()
        page.wait_for_timeout(500)
        seen = [seen_of(page, card)]
        for slider, key in KEYS:
            slider_handle(page, slider).press(key)
            page.wait_for_timeout(600)
            seen.append(seen_of(page, card))
    size = max(frame.width for frame in seen), max(frame.height for frame in seen)
    whole = [Image.new("RGB", size, "white") for _ in seen]
    for canvas, frame in zip(whole, seen, strict=True):
        canvas.paste(frame)
    return whole


def seen_of(page: Page, card: Locator) -> Image.Image:
    """The widget as it is on the screen."""
    return Image.open(io.BytesIO(page.screenshot(clip=card.bounding_box()))).convert("RGB")


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURE, help="file to write")
    options = parser.parse_args()
    pictures = [frame.quantize(255, dither=Image.Dither.NONE) for frame in frames()]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    times = [EACH] * (len(pictures) - 1) + [2 * EACH]
    pictures[0].save(options.out, save_all=True, append_images=pictures[1:], duration=times, loop=0, optimize=True)
    size, count = pictures[0].size, len(pictures)
    print(f"{options.out.name}: {count} of {size[0]} x {size[1]}, {options.out.stat().st_size / 1000:,.0f} kB")


if __name__ == "__main__":
    main()
