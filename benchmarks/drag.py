"""How late is the last picture after a drag? 120 moves in 2 s through images that a ResNet-18 has never seen.

Run `python benchmarks/drag.py`. The view shows the 64 maps of `conv1`; each image is new, so that each redraw runs the
whole network. The index moves in three ways, in turns, each with the newest move wanted on the screen at the end:

- by mouse on the view's own slider, where ipywidgets' front end holds moves back while a redraw runs;
- by state updates of a linked slider, one for each of 120 events, none held back (as by older front ends);
- by custom messages, one for each event (as clicks and hovering are sent).

The clock runs from the last event to the frame in which the last picture is painted. Before each drag single moves tell
what one redraw costs in the kernel when nothing else goes on.
"""

from __future__ import annotations

import argparse
import json

from _lab import NOISE, PICTURED, drag_by_mouse, in_kernel, lab_page, mark_grid, press, shown_sha256, slider_handle
from _table import median, p95, print_times, verdict, where
from playwright.sync_api import Page

MOVES, SECONDS = 120, 2.0
REDRAWS, SLACK = 2, 60  # the bound: so many redraws, and so many milliseconds
IMAGES = 1000

VIEW = f"""{NOISE}
import hashlib
import time
import ipywidgets as W
from cnnwidgets import ActivationView, activations

noise = Noise({IMAGES})
view = ActivationView(model, noise, layer="conv1")
redraw, costs = view._newest._draw, []

def timed():
    start = time.perf_counter()
    redraw()
    costs.append(1e3 * (time.perf_counter() - start))

view._newest._draw = timed
control = W.IntSlider(max={IMAGES - 1})
W.link((view, "index"), (control, "value"))
control.on_msg(lambda _, content, buffers: view.set_trait("index", content["index"]))
display(view)
"""

# One message for each event, sent whether or not the kernel is ready for it.
SEND = """async ([id, content, from, to, moves, seconds]) => {
    const model = await (await watch.manager()).get_model(id);
    const start = performance.now();
    for (let i = 1; i <= moves; i++) {
        const value = Math.round(from + (to - from) * i / moves);
        watch.lastMove = performance.now();
        if (content === 'update') model.comm.send({method: 'update', state: {value}, buffer_paths: []});
        else model.comm.send({method: 'custom', content: {index: value}});
        const rest = start + 1000 * seconds * i / moves - performance.now();
        if (i < moves && rest > 0) await new Promise(r => setTimeout(r, rest));
    }
    watch.moves = moves;
}"""


def settle(page: Page) -> None:
    """Wait until the kernel has taken all that was sent and no new picture has come for a second."""
    in_kernel(page, "")
    count = -1
    while count != (count := page.evaluate("watch.pictures.length")):
        page.wait_for_timeout(1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reps", type=int, default=10, help="drags of each kind (default: 10)")
    reps = parser.parse_args().reps
    print(where("torch", "torchvision", "ipywidgets", "bqplot", "jupyterlab"))
    ways = {"mouse on the slider": "", "updates, not held back": "update", "custom messages": "custom"}
    lags: dict[str, list[float]] = {way: [] for way in ways}
    during: dict[str, list[int]] = {way: [] for way in ways}
    moved: dict[str, list[int]] = {way: [] for way in ways}
    alone: list[float] = []
    painted: list[float] = []
    with lab_page(PICTURED + VIEW) as page:
        print(f"Chromium {page.context.browser.version}")
        grid, handle = mark_grid(page), slider_handle(page, "Image")
        model_id = in_kernel(page, "print(control.model_id)")
        for _ in range(reps):
            for way, content in ways.items():
                in_kernel(page, "view.refresh()")  # so that no image is known
                page.wait_for_timeout(500)
                start = int(in_kernel(page, "costs.clear(); print(view.index)"))
                up = start < IMAGES / 2
                for _ in range(5):
                    painted.append(press(handle, "ArrowRight" if up else "ArrowLeft", ".cnnw", grid)["total"])
                    page.wait_for_timeout(300)
                alone += json.loads(in_kernel(page, "print(costs)"))
                in_kernel(page, "view.refresh(); costs.clear()")
                settle(page)

                page.evaluate("grid => watch.drag('.cnnw', grid)", grid)
                to = 0.8 if up else 0.1
                if content:
                    end = round(IMAGES * to)
                    page.evaluate(SEND, [model_id, content, start, end, MOVES, SECONDS])
                else:
                    drag_by_mouse(handle, to, MOVES, SECONDS)
                settle(page)
                last, pictures, moves = page.evaluate("[watch.lastMove, watch.pictures, watch.moves]")
                lags[way].append(pictures[-1] - last)
                during[way].append(sum(picture <= last for picture in pictures))
                moved[way].append(moves)
                check(page, grid, end if content else None)
    rows = [("one redraw by itself, in the kernel", alone), ("  the same, from key press to paint", painted)]
    print_times(rows + [(f"lag, {way}", lags[way]) for way in ways])
    bound = REDRAWS * median(alone) + SLACK
    for way in ways:
        print(f"{way}: {median(moved[way]):.0f} moves, {median(during[way]):.0f} pictures while they went on")
        verdict("  last picture after the last move, median", median(lags[way]), bound, unit=" ms")
        verdict("  last picture after the last move, 95th percentile", p95(lags[way]), bound, unit=" ms")


def check(page: Page, grid: str, index: int | None) -> None:
    """Raise unless the picture on the screen is that of the last position."""
    code = 'print(view.index, hashlib.sha256(view.box("maps").figure.png).hexdigest())'
    shown, wanted = in_kernel(page, code).split()
    same = in_kernel(page, 'print(torch.equal(view.maps, activations(model, noise[view.index], "conv1")[0]))')
    slider = float(slider_handle(page, "Image").get_attribute("aria-valuenow") or "nan")
    if index not in (None, int(shown)) or slider != int(shown) or same != "True" or shown_sha256(page, grid) != wanted:
        raise RuntimeError(
            f"the slider says {slider:.0f}, the view {shown}, wanted: {index}; or the picture is another"
        )


if __name__ == "__main__":
    main()
