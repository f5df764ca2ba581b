"""How fast maps follow a hand that draws, and what a stability curve costs beside the bare batch.

Run `python benchmarks/own_image.py`. Two parts:

- Drawing: the mouse draws for 2 s on the pad of a LeNet-5 in a real JupyterLab. Counted are the frames with new maps
  while it goes on, and how late the last one is after the last move of the mouse: the bound is two redraws, as the
  kernel makes them when nothing else goes on, and 60 ms. `--no-page` leaves it out.
- The curve of 41 points by the batch of the same 41 images run bare: both in one thread, by the time of one core, in
  turns; other programs that run meanwhile do not count.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable

import numpy as np
import torch
from _lab import in_kernel, lab_page
from _table import median, p95, print_times, verdict, where
from playwright.sync_api import Page
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.perturbation import CHANGES

STROKES, ROUNDS, POINTS = 60, 15, 41
SECONDS, MOVES = 2.0, 120
A_SECOND, REDRAWS, SLACK = 15.0, 2, 60.0
CURVE = 1.2
VIEW = """
import time
import cnnwidgets as cw

view = cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits(), layer="C3")
view.toggle_input()
pad, costs = view.input.pad, []
drawn = pad._on_drawn

def timed(*given):
    start = time.perf_counter()
    drawn(*given)
    costs.append(1e3 * (time.perf_counter() - start))

pad._on_drawn = timed
display(view)
"""
MAPS = "canvas.cnnw-pixels"
# The pad keeps the mouse events from the page: pointer events are counted.
POINTER = """() => window.addEventListener('pointermove', event => {
    if (event.buttons) { watch.lastMove = event.timeStamp; watch.moves += 1; }
}, true)"""


def seconds(action: Callable[[], object], rounds: int = 1) -> float:
    """Of one core, the median of several runs."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        action()
        found.append(time.process_time() - start)
    return median(found)


def strokes() -> float:
    """Strokes a second in the kernel alone: each is a message with the whole canvas, which an ActivationView shows."""
    view = cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits(), layer="C3")
    view.toggle_input()
    pad, canvas, number = view.input.pad, np.zeros((28, 28), np.uint8), 0
    assert pad is not None

    def stroke() -> None:
        nonlocal number
        canvas[5 + number // 18, 5 + number % 18 : 8 + number % 18] = 255
        number += 1
        pad._handle_custom_msg({"kind": "drawn", "number": number, "final": False}, [canvas.tobytes()])

    taken = seconds(stroke, STROKES)
    view.close()
    return 1 / taken


def curve(model: nn.Module, image: torch.Tensor, rounds: int) -> list[float]:
    """Time of the curve by that of the bare batch, in several rounds."""
    low, high = CHANGES["rotate"].span
    values = [low + (high - low) * at / (POINTS - 1) for at in range(POINTS)]
    batch = torch.stack([cw.perturb(image, rotate=value) for value in values])
    model.eval()

    def bare() -> None:
        with torch.inference_mode():
            model(batch)

    def ours() -> None:
        cw.stability(model, image, "rotate", values)

    for action in (bare, ours):
        action()
    return [seconds(ours) / seconds(bare) for _ in range(rounds)]


def one_stroke(page: Page) -> None:
    """Draw a short line by itself, and wait until nothing is under way."""
    box = page.locator("canvas.cnnw-pad").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.3 * box["height"])
    page.wait_for_timeout(400)
    page.mouse.up()
    page.wait_for_timeout(600)


def draw(page: Page) -> None:
    """Draw a spiral for `SECONDS`, without a break."""
    box = page.locator("canvas.cnnw-pad").first.bounding_box()
    assert box
    start = time.perf_counter()
    for at in range(MOVES + 1):
        angle, radius = 4 * math.pi * at / MOVES, 0.4 * (1 - at / MOVES)
        x, y = 0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if not at:
            page.mouse.down()
        time.sleep(max(0.0, start + SECONDS * at / MOVES - time.perf_counter()))


def in_page(reps: int) -> None:
    """Draw in a JupyterLab."""
    lags: list[float] = []
    rates: list[float] = []
    moved: list[float] = []
    answered: list[float] = []
    with lab_page(VIEW) as page:
        print(f"Chromium {page.context.browser.version}")
        page.locator("canvas.cnnw-pad").first.scroll_into_view_if_needed()
        page.evaluate(POINTER)
        for _ in range(3):
            one_stroke(page)
        alone = json.loads(in_kernel(page, "print(costs[1:])"))
        for _ in range(reps):
            page.locator("canvas.cnnw-pad").first.press("Delete")
            page.wait_for_timeout(1000)
            in_kernel(page, "costs.clear()")
            page.evaluate("maps => watch.drag('.cnnw', maps)", MAPS)
            draw(page)
            page.wait_for_timeout(1500)  # before the hand is lifted: that sends one more
            last, pictures, moves = page.evaluate("[watch.lastMove, watch.pictures, watch.moves]")
            page.mouse.up()
            page.wait_for_timeout(500)
            lags.append(pictures[-1] - last)
            rates.append(sum(picture <= last for picture in pictures) / SECONDS)
            moved.append(moves / SECONDS)
            answered.append(float(in_kernel(page, "print(len(costs))")) / SECONDS)
    print_times([("one stroke by itself, in the kernel", alone), ("last maps after the last move", lags)])
    rows = [
        ("moves a second", moved),
        ("strokes a second that the kernel drew", answered),
        ("frames with new maps", rates),
    ]
    print_times(rows, unit="a second")
    verdict("frames with new maps a second while the mouse draws, median", median(rates), A_SECOND, at_least=True)
    bound = REDRAWS * median(alone) + SLACK
    verdict("last maps after the last move, median", median(lags), bound, unit=" ms")
    verdict("last maps after the last move, 95th percentile", p95(lags), bound, unit=" ms")


def main() -> None:
    import torchvision

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reps", type=int, default=7, help="strokes in the page (default: 7)")
    parser.add_argument("--no-page", action="store_true", help="no JupyterLab")
    given = parser.parse_args()
    print(where("torch", "torchvision", "ipywidgets", "jupyterlab"))
    if not given.no_page:
        in_page(given.reps)
    torch.set_num_threads(1)
    print(f"strokes a second in the kernel alone, LeNet-5: {strokes():.0f}")
    lenet = curve(cw.models.lenet5(pretrained=True), cw.data.digits()[0][0], ROUNDS)
    verdict("curve of 41 points by the bare batch, LeNet-5", median(lenet), CURVE)
    resnet = curve(torchvision.models.resnet18(), torch.rand(3, 224, 224), 3)
    verdict("curve of 41 points by the bare batch, ResNet-18 at 224 px", median(resnet), CURVE)


if __name__ == "__main__":
    main()
