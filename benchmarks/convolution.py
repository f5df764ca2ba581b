"""How many steps a second does ConvolutionView's player make? In the page, and in the kernel alone.

Run `python benchmarks/convolution.py`. The window slides over conv layers of a LeNet-5 and of a ResNet-18. In the
kernel a step is a new `pixel`, from setting the trait to the last message sent. In the page, a JupyterLab in Chromium,
the play button is pressed with an interval of 10 ms, quicker than the view's menu allows, and in each frame of the
browser is looked which place the card explains: once where the page slides the window itself, and once where the kernel
draws each step.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from time import perf_counter
from typing import Any

from _lab import in_kernel, lab_page
from _table import median, print_times, verdict, where
from playwright.sync_api import Page

LEAST = 30
"""Steps a second that the player must make."""
LAYERS = {"LeNet-5, C3": "lenet5", "ResNet-18, layer2.0.conv1": "resnet18"}

DRAWN = """
from cnnwidgets.views.convolution import sliding
sliding.possible = lambda: False
"""
"""Code before which the kernel draws each step, whatever the page can."""
VIEW = """
import torch
import torchvision
import cnnwidgets as cw

torch.manual_seed(0)
lenet5 = cw.ConvolutionView(cw.models.lenet5(pretrained=True), cw.data.digits(), layer="C3", index=7, channel=5)
resnet18 = cw.ConvolutionView(torchvision.models.resnet18().eval(), torch.rand(1, 3, 224, 224), layer="layer2.0.conv1")
"""

# Keeps the times at which the place that the card explains had become another one, frame by frame.
LOOK = """() => {
    watch.places = [];
    let last = '';
    const look = () => {
        const seen = [...document.querySelectorAll('.cnnw .cnnw-heading')].filter(e => e.getClientRects().length);
        const headings = seen.map(e => e.textContent);
        const place = headings.find(text => text.startsWith('Output'));
        if (place && place !== last) watch.places.push(performance.now());
        last = place ?? last;
        watch.looking = requestAnimationFrame(look);
    };
    look();
}"""


def in_the_kernel(steps: int) -> dict[str, list[float]]:
    """Milliseconds of each step, without a page."""
    scope: dict[str, Any] = {}
    exec(VIEW, scope)
    times: dict[str, list[float]] = {}
    for name, variable in LAYERS.items():
        view = scope[variable]
        rows, columns = view.extent()
        times[name] = []
        for _ in range(steps):
            start = perf_counter()
            view.position = (view.position + 1) % (rows * columns)
            assert view.explanation.unit == view.pixel  # waits for the drawing
            times[name].append(1e3 * (perf_counter() - start))
    return times


def played(page: Page, view: str, seconds: float) -> list[float]:
    """Milliseconds between the steps that were painted while the player ran."""
    play = f"next(part for part in tree({view}) if isinstance(part, ipywidgets.Play))"
    in_kernel(page, f"import ipywidgets\nfrom cnnwidgets.widgets.surface import tree\nplay = {play}")
    in_kernel(page, f"{view}.position = 0; play.interval = 10; play.repeat = True")
    page.wait_for_timeout(1000)
    page.evaluate(LOOK)
    page.locator(".cnnw .fa-play").click()
    page.wait_for_timeout(1000 * seconds)
    places = page.evaluate("() => { cancelAnimationFrame(watch.looking); return watch.places; }")
    page.locator(".cnnw .fa-stop").click()
    error = in_kernel(page, f"print({view}.error)").strip()
    if error or len(places) < 10:
        raise RuntimeError(f"the player made {len(places)} steps; {error}")
    return [later - sooner for sooner, later in pairwise(places[1:])]  # the first is where it stood


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=200, help="in the kernel, for each layer (default: 200)")
    parser.add_argument("--seconds", type=float, default=10, help="of playing, for each layer (default: 10)")
    options = parser.parse_args()
    print(where("torch", "ipywidgets", "bqplot", "jupyterlab"))
    alone = in_the_kernel(options.steps)
    painted, drawn = {}, {}
    for name, view in LAYERS.items():
        with lab_page(VIEW + f"display({view})") as page:
            page.locator(".cnnw .cnnw-own").first.wait_for()
            painted[name] = played(page, view, options.seconds)
        with lab_page(DRAWN + VIEW + f"display({view})") as page:
            page.locator(".cnnw .bqplot image").first.wait_for()
            drawn[name] = played(page, view, options.seconds)
    print_times(
        [(f"{name}: a step in the kernel", times) for name, times in alone.items()]
        + [(f"{name}: between two steps in the page", times) for name, times in painted.items()]
        + [(f"{name}: between two steps that the kernel draws", times) for name, times in drawn.items()]
    )
    for name, times in alone.items():
        verdict(f"{name}: steps a second in the kernel, median", 1e3 / median(times), LEAST, at_least=True)
    for name, times in painted.items():
        verdict(f"{name}: steps a second in the page, mean", 1e3 * len(times) / sum(times), LEAST, at_least=True)


if __name__ == "__main__":
    main()
