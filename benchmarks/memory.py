"""What is left behind after 2,000 redraws, and by a cell that is run again: memory, widgets, comms and blob URLs.

Run `python benchmarks/memory.py`, or with `--only redraws`, `--only runs`. The arrow keys move an ActivationView of a
ResNet-18 through its cached images; each press is a redraw of the whole card (64 maps of 112 x 112 and the two other
panels) and waits until it is painted. The counts are taken after 100 redraws and after 2,000 more, both times after a
collection of garbage in kernel and page.

Then a cell that makes a ResNet-18 and a view of it, and looks at 12 images, is run again 20 times, without a `close()`;
and so is one that does so with a LeNet-5. The first two runs fill the memory that is used again ever after.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from _lab import PICTURES, Rounds, in_kernel, lab_page, slider_handle
from _page import RUN_ALL_CELLS
from _table import verdict, where
from latency import IMAGES, VIEW
from playwright.sync_api import Page

KERNEL, HEAP = 20, 5  # MB that may be added
WARM = 100
RUNS, RUNS_WARM = 20, 2
AGAIN, TIMES = 50, 2  # MB in the kernel, and how many times as many widgets, that runs of a cell may add

RESNET = """
import torch, torchvision
import cnnwidgets as cw
images = torch.rand(12, 3, 224, 224)
model = torchvision.models.resnet18().eval()
view = cw.ActivationView(model, images)
for index in range(12):
    view.index = index
view
"""
LENET = """
import torch
import cnnwidgets as cw
view = cw.ActivationView(cw.models.LeNet5(), torch.rand(12, 1, 32, 32))
for index in range(12):
    view.index = index
view
"""

COUNT_IN_KERNEL = """
import gc, psutil
gc.collect()
print(psutil.Process().memory_info().rss / 1e6, len(get_ipython().kernel.comm_manager.comms))
"""
COUNT_IN_PAGE = """async () => {
    for (let i = 0; i < 5; i++) { gc(); await new Promise(r => setTimeout(r, 200)); }
    const manager = await watch.manager();
    const models = manager._models ?? Object.fromEntries(manager._modelsSync);
    const store = globalThis[Symbol.for('cnnwidgets.store.2')]?.bytes ?? 0;
    return [(performance.memory.usedJSHeapSize - store) / 1e6, Object.keys(models).length, blobUrls.size];
}"""
NAMES = ("kernel, resident MB", "JavaScript heap beside the store of the page, MB", "widgets", "comms", "blob URLs")


def count(page: Page) -> tuple[float, ...]:
    """The figures of NAMES."""
    page.wait_for_timeout(1000)
    rss, comms = map(float, in_kernel(page, COUNT_IN_KERNEL).split())
    heap, widgets, blobs = page.evaluate(COUNT_IN_PAGE)
    return rss, heap, widgets, comms, blobs


def redraws(moves: int) -> None:
    """What the redraws of one view add."""
    with lab_page(VIEW) as page:
        print(f"Chromium {page.context.browser.version}")
        slider = Rounds(slider_handle(page, "Image"), IMAGES - 1, ".cnnw", PICTURES)
        counts = []
        for part in (WARM, moves // 2, moves - moves // 2):
            for _ in range(part):
                slider.move()
            counts.append(count(page))
    before, middle, after = counts
    report(before, middle, after, moves)


def report(before: Sequence[float], middle: Sequence[float], after: Sequence[float], moves: int) -> None:
    """Print what `moves` added, the second figures being those half way."""
    print(f"{'':<50}{'before':>10}{f'{moves // 2:,} moves':>16}{f'{moves:,} moves':>16}{'added':>10}")
    for name, *values in zip(NAMES, before, middle, after, strict=True):
        print(f"{name:<50}{values[0]:>10.1f}{values[1]:>16.1f}{values[2]:>16.1f}{values[2] - values[0]:>10.1f}")
    for name, first, last, bound in zip(NAMES, before, after, (KERNEL, HEAP, 0, 0, 0), strict=True):
        verdict(f"{name}, added", last - first, bound)


def runs(name: str, cell: str, times: int) -> None:
    """What further runs of a cell add."""
    with lab_page(cell) as page:
        counts = [count(page)]
        for run in range(1, RUNS_WARM + times):
            if failure := page.evaluate(RUN_ALL_CELLS):
                raise RuntimeError(f"the cell failed when it ran again:\n{failure}")
            if run in (RUNS_WARM - 1, RUNS_WARM + times // 2 - 1, RUNS_WARM + times - 1):
                counts.append(count(page))
    first, warm, middle, last = counts
    heads = ("1 run", f"{RUNS_WARM} runs", f"{RUNS_WARM + times // 2} runs", f"{RUNS_WARM + times} runs")
    print(f"{name:<22}" + "".join(f"{head:>12}" for head in heads))
    for what, *values in zip(NAMES, first, warm, middle, last, strict=True):
        print(f"{what:<22}" + "".join(f"{value:>12.1f}" for value in values))
    verdict(f"{name} run {times} times more, kernel, added", last[0] - warm[0], AGAIN, unit=" MB")
    verdict(f"{name} run {times} times more, widgets, of one run's", last[2] / first[2], TIMES, unit=" times")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moves", type=int, default=2000, help="redraws (default: 2000)")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"further runs of a cell (default: {RUNS})")
    parser.add_argument("--only", choices=("redraws", "runs"), help="measure one of the two")
    options = parser.parse_args()
    print(where("torch", "ipywidgets", "bqplot", "jupyterlab"))
    if options.only != "runs":
        redraws(options.moves)
    if options.only != "redraws":
        runs("ResNet-18", RESNET, options.runs)
        runs("LeNet-5", LENET, options.runs)


if __name__ == "__main__":
    main()
