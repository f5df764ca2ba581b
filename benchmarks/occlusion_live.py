"""How quickly a notebook answers while OcclusionView makes its map, and how late a dragged patch is.

    python benchmarks/occlusion_live.py [--model resnet18] [--moves 30] [--drags 10]

A JupyterLab in a headless Chromium. While a long map grows, and once more without it: a cell is run, another widget's
slider is moved, and the view's own slider for the patch is; each clock runs until the answer is in the page. Then the
patch is dragged with the mouse over the photo: 120 moves in 2 s. The clock runs from the last of them to the frame in
which the last picture is painted; passes of the network and drawings are counted in the kernel.
"""

from __future__ import annotations

import argparse
import json
import time

from _lab import in_kernel, lab_page, press, slider_handle
from _page import MARK_PICTURE
from _table import median, p95, print_times, verdict, where
from playwright.sync_api import Page

ANSWER = 200  # ms: the bound for an answer
MOVES, SECONDS = 120, 2.0
FRAMES, SLACK, PASSES = 2, 60, 1.2  # the bounds for a drag: so many drawings, ms, and passes for each drawing

VIEW = """
import hashlib, os, time
from pathlib import Path
import ipywidgets as W
import torch, torchvision
from cnnwidgets import OcclusionView
from cnnwidgets.data import photos

torch.manual_seed(0)
model = torchvision.models.get_model("{model}", weights=None).eval()
files = sorted(Path(os.environ.get("CNNWIDGETS_DATA", ""), "weights").glob("{model}-*.pth"))
if files:
    model.load_state_dict(torch.load(files[0], weights_only=True))
slider, echo = W.IntSlider(), W.HTML()
echo.add_class("the-echo")
slider.observe(lambda change: echo.set_trait("value", str(change["new"])), "value")
view = OcclusionView(model, photos(), index=1, window=32, stride=2, top=10, left=10)
view.box("score").below.add_class("the-score")
passes, costs, draw = [0], [], view._newest._draw
model.register_forward_pre_hook(lambda *_: passes.__setitem__(0, passes[0] + 1))

def timed():
    start = time.perf_counter()
    draw()
    costs.append(1e3 * (time.perf_counter() - start))

view._newest._draw = timed
box = W.VBox([W.HBox([W.HTML('<span class="cnnw-label">Echo</span>'), slider, echo]), view])
box.add_class("cnnw")
box
"""

# Times the next key press until the text of an element changes.
TEXT = """selector => {
    let start;
    document.addEventListener('keydown', event => { start = event.timeStamp; }, {capture: true, once: true});
    watch.result = new Promise(done => {
        const observer = new MutationObserver(() => { observer.disconnect(); done(performance.now() - start); });
        observer.observe(document.querySelector(selector), {subtree: true, childList: true, characterData: true});
    });
}"""
AWAIT = "() => Promise.race([watch.result, new Promise(r => setTimeout(() => r(null), 20000))])"


def answers(page: Page, moves: int) -> dict[str, list[float]]:
    """Milliseconds of a cell, of another widget's slider, of the view's own."""
    found: dict[str, list[float]] = {"cell": [], "another widget's slider": [], "the view's own slider": []}
    handles = {"another widget's slider": ("Echo", ".the-echo"), "the view's own slider": ("Row", ".the-score")}
    for number in range(moves):
        start = time.perf_counter()
        in_kernel(page, f"print({number})")
        found["cell"].append(1e3 * (time.perf_counter() - start))
        for name, (label, selector) in handles.items():
            page.wait_for_timeout(250 + 37 * number % 101)  # not in step with the portions of the map
            slider_handle(page, label).focus()
            page.evaluate(TEXT, selector)
            page.keyboard.press("ArrowRight")
            answer = page.evaluate(AWAIT)
            if answer is None:
                raise RuntimeError(f"{name}: no answer within 20 s")
            found[name].append(answer)
        page.wait_for_timeout(250)
    return found


def drag(page: Page, there: bool) -> tuple[float, int, int]:
    """Lag of the last picture in ms, passes and drawings, of a drag over the photo."""
    image = page.locator(".the-grid").bounding_box()
    assert image
    in_kernel(page, f"view.move_to(*{(8, 8) if there else (150, 150)}); passes[0] = 0; costs.clear()")
    page.wait_for_timeout(600)
    before = json.loads(in_kernel(page, "print([passes[0], len(costs)])"))
    side = image["width"] / 224
    ends = [24 * side, 166 * side] if there else [166 * side, 24 * side]
    at = [image["x"] + ends[0], image["y"] + ends[0]]
    page.mouse.move(*at)
    page.mouse.down()
    page.evaluate("watch.drag('.cnnw', '.the-grid')")
    start = time.perf_counter()
    for number in range(1, MOVES + 1):
        step = (ends[1] - ends[0]) * number / MOVES
        page.mouse.move(at[0] + step, at[1] + step)
        time.sleep(max(0, start + SECONDS * number / MOVES - time.perf_counter()))
    page.wait_for_timeout(1500)
    page.mouse.up()
    page.wait_for_timeout(300)
    last, pictures = page.evaluate("[watch.lastMove, watch.pictures]")
    passes, drawings = json.loads(in_kernel(page, "print([passes[0], len(costs)])"))
    place = json.loads(in_kernel(page, "print([view.top, view.left])"))
    wanted = 150 if there else 8
    if max(abs(edge - wanted) for edge in place) > 2:
        raise RuntimeError(f"the patch is at {place}, not at {wanted}")
    return pictures[-1] - last, passes - before[0], drawings - before[1]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--moves", type=int, default=30)
    parser.add_argument("--drags", type=int, default=10)
    options = parser.parse_args()
    print(where("torch", "torchvision", "ipywidgets", "bqplot", "jupyterlab"))
    with lab_page(VIEW.format(model=options.model)) as page:
        running = answers(page, options.moves)
        if in_kernel(page, "print(view.growing.running)") != "True":
            raise RuntimeError("the map was complete before the last answer")
        in_kernel(page, "view.cancel()")
        page.wait_for_timeout(500)
        idle = answers(page, options.moves)
        states = ("map", running), ("idle", idle)
        print_times([(f"{name}, {state}", times[name]) for name in running for state, times in states])
        for name, times in running.items():
            late = sum(value > ANSWER for value in times)
            print(f"{name}, while the map runs: {late} of {len(times)} answers later than {ANSWER} ms")
            verdict("  longest", max(times), ANSWER, unit=" ms")
        if not options.drags:
            return
        in_kernel(page, "view.overlay = False")
        sha = in_kernel(page, "print(hashlib.sha256(view.box('photo').figure.png).hexdigest())")
        if not page.evaluate(MARK_PICTURE, sha):
            raise RuntimeError("the photo of the view is not on the page")
        in_kernel(page, "costs.clear()")
        for _ in range(10):
            press(slider_handle(page, "Row"), "ArrowRight", ".cnnw", ".the-grid")
            page.wait_for_timeout(300)
        alone = json.loads(in_kernel(page, "print(costs)"))
        drags = [drag(page, number % 2 == 0) for number in range(options.drags)]
    lags, passes, drawings = (list(part) for part in zip(*drags, strict=True))
    print_times([("one drawing by itself, in the kernel", alone), ("lag of the last picture", lags)])
    bound = FRAMES * median(alone) + SLACK
    verdict("last picture after the last move, median", median(lags), bound, unit=" ms")
    verdict("last picture after the last move, 95th percentile", p95(lags), bound, unit=" ms")
    verdict(f"passes for each of {sum(drawings)} drawings", sum(passes) / sum(drawings), PASSES)


if __name__ == "__main__":
    main()
