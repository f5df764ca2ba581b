"""The picture at the top of the README: the widget as JupyterLab shows it. `python benchmarks/README_picture.py`.

Runs a notebook in a JupyterLab and a headless Chromium, goes one layer on by a key, and writes a picture of the widget
alone, two pixels a CSS pixel, to `notebooks/images/activation_view.png`. Needs what the browser tests need.
"""

from __future__ import annotations

import argparse
import base64
import io
from pathlib import Path

from _lab import lab_page, slider_handle
from PIL import Image

PICTURE = Path(__file__).parents[1] / "notebooks" / "images" / "activation_view.png"
CELL = """import cnnwidgets as cw

model = cw.models.lenet5(pretrained=True)
view = cw.ActivationView(model, cw.data.digits(), {traits})
view"""
TRAITS = 'layer="C1", index=0, channel=2'
WIDTH, HEIGHT = 1264, 1000  # CSS pixels of the browser's window: all three panels stand in one row


def screenshot(traits: str) -> bytes:
    """PNG of an `ActivationView` that began with these `traits` and went one layer on."""
    with lab_page(CELL.format(traits=traits), width=WIDTH, height=HEIGHT) as page:
        card = page.locator(".jp-OutputArea .cnnw")
        card.locator(".bqplot image").first.wait_for()
        slider_handle(page, "Layer").press("ArrowRight")
        page.wait_for_timeout(1500)
        page.evaluate("document.activeElement.blur()")
        clip = {**card.bounding_box(), "scale": 2}
        answer = page.context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "png", "clip": clip})
        return base64.b64decode(answer["data"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--traits", default=TRAITS, help=f"where the view begins (default: {TRAITS})")
    parser.add_argument("--out", type=Path, default=PICTURE, help="file to write")
    options = parser.parse_args()
    picture = Image.open(io.BytesIO(screenshot(options.traits))).convert("RGB")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    picture.save(options.out, optimize=True)
    print(f"{options.out.name}: {picture.width} x {picture.height}, {options.out.stat().st_size / 1000:,.0f} kB")


if __name__ == "__main__":
    main()
