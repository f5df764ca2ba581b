"""What is left behind after 2,000 redraws: memory of kernel and browser, widgets, comms and blob URLs.

Run `python benchmarks/memory.py`. The arrow keys move an ActivationView of a ResNet-18 through its cached images; each
press is a redraw of the whole card (64 maps of 112 x 112 and the two other panels) and waits until it is painted. The
counts are taken after 100 redraws and after 2,000 more, both times after a collection of garbage in kernel and page.
"""

from __future__ import annotations

import argparse

from _lab import Rounds, in_kernel, lab_page, mark_grid, slider_handle
from _table import verdict, where
from latency import IMAGES, VIEW
from playwright.sync_api import Page

KERNEL, HEAP = 20, 5  # MB that may be added
WARM = 100

COUNT_IN_KERNEL = """
import gc, psutil
gc.collect()
print(psutil.Process().memory_info().rss / 1e6, len(get_ipython().kernel.comm_manager.comms))
"""
COUNT_IN_PAGE = """async () => {
    for (let i = 0; i < 5; i++) { gc(); await new Promise(r => setTimeout(r, 200)); }
    const manager = await watch.manager();
    const models = manager._models ?? Object.fromEntries(manager._modelsSync);
    return [performance.memory.usedJSHeapSize / 1e6, Object.keys(models).length, blobUrls.size];
}"""
NAMES = ("kernel, resident MB", "JavaScript heap, MB", "widgets", "comms", "blob URLs")


def count(page: Page) -> tuple[float, ...]:
    """The figures of NAMES."""
    page.wait_for_timeout(1000)
    rss, comms = map(float, in_kernel(page, COUNT_IN_KERNEL).split())
    heap, widgets, blobs = page.evaluate(COUNT_IN_PAGE)
    return rss, heap, widgets, comms, blobs


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moves", type=int, default=2000, help="redraws (default: 2000)")
    moves = parser.parse_args().moves
    print(where("torch", "ipywidgets", "bqplot", "jupyterlab"))
    with lab_page(VIEW) as page:
        print(f"Chromium {page.context.browser.version}")
        slider = Rounds(slider_handle(page, "Image"), IMAGES - 1, ".cnnw", mark_grid(page))
        counts = []
        for part in (WARM, moves // 2, moves - moves // 2):
            for _ in range(part):
                slider.move()
            counts.append(count(page))
    before, middle, after = counts
    print(f"{'':<22}{'before':>10}{f'{moves // 2:,} redraws':>16}{f'{moves:,} redraws':>16}{'added':>10}")
    for name, *values in zip(NAMES, before, middle, after, strict=True):
        print(f"{name:<22}{values[0]:>10.1f}{values[1]:>16.1f}{values[2]:>16.1f}{values[2] - values[0]:>10.1f}")
    for name, first, last, bound in zip(NAMES, before, after, (KERNEL, HEAP, 0, 0, 0), strict=True):
        verdict(f"{name}, added", last - first, bound)


if __name__ == "__main__":
    main()
