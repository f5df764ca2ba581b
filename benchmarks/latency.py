"""From a slider's key press to painted pixels: an ActivationView with 64 maps of 112 x 112, against two others.

Run `python benchmarks/latency.py`. One page of a JupyterLab in Chromium shows three things, each with a slider through
the same images:

- an ActivationView of a ResNet-18 at the output of `conv1`, every image in its cache; a move redraws the whole card, in
  pictures (`remote.py` measures the page that paints);
- a bare `ipywidgets.Image`, fed the very PNG files of that view's grid, made beforehand and kept in a list;
- 8 x 8 matplotlib subplots of the same maps, redrawn in an `ipywidgets.Output`.

All are 480 px wide on the screen; the file has 945 x 945 pixels. The keyboard moves the sliders in blocks, in turns.
The clock runs from the key event to the frame in which the new grid is painted: a MutationObserver sees the new source
of the picture, it is decoded, and a message sent from the next animation frame arrives after that frame is painted.
"""

from __future__ import annotations

import argparse

from _lab import PICTURED, Rounds, in_kernel, lab_page, mark_grid, shown_sha256, slider_handle
from _table import median, p95, print_times, verdict, where

MEDIAN, P95, FASTER = 1.3, 1.5, 8
IMAGES = 8

VIEW = f"""
%matplotlib inline
import hashlib
import ipywidgets as W
import torch
import torchvision
from IPython.display import clear_output
from matplotlib import pyplot as plt
from cnnwidgets import ActivationView

torch.manual_seed(0)
images = torch.rand({IMAGES}, 3, 224, 224)
model = torchvision.models.resnet18().eval()
view = ActivationView(model, images, layer="conv1")
pngs, maps = [], []
for index in [*range({IMAGES})]:
    view.index = index
    maps.append(view.maps.numpy())  # which waits for the drawing
    pngs.append(view.box("maps").figure.png)
view.index = 0
display(view)
"""

BARE = f"""
bare = W.Image(value=pngs[0], width=480, height=480)
bare.add_class("bare")
bare_slider = W.IntSlider(max={IMAGES - 1})
bare_slider.add_class("bare-slider")
bare_slider.observe(lambda change: setattr(bare, "value", pngs[change["new"]]), "value")
display(bare_slider, bare)
"""

PLOTS = f"""
plots = W.Output(layout=W.Layout(height="490px"))
plots.add_class("plots")
plots_slider = W.IntSlider(max={IMAGES - 1})
plots_slider.add_class("plots-slider")

def plot(change):
    with plots:
        clear_output(wait=True)
        plt.figure(figsize=(9.45, 9.45), dpi=100)
        for channel, values in enumerate(maps[change["new"]]):
            plt.subplot(8, 8, channel + 1)
            plt.imshow(values)
            plt.axis("off")
        plt.show()

plots_slider.observe(plot, "value")
display(W.HTML("<style>.plots img {{ width: 480px }}</style>"), plots_slider, plots)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moves", type=int, default=120, help="of the view and the bare image (default: 120)")
    parser.add_argument("--block", type=int, default=10, help="moves in a row, then comes the other (default: 10)")
    parser.add_argument("--plots", type=int, default=2, help="moves of the subplots a block; 0: none (default: 2)")
    options = parser.parse_args()
    print(where("torch", "ipywidgets", "bqplot", "jupyterlab", "matplotlib"))
    with lab_page(PICTURED + VIEW, BARE, PLOTS) as page:
        print(f"Chromium {page.context.browser.version}")
        grid = mark_grid(page)
        view = Rounds(slider_handle(page, "Image"), IMAGES - 1, ".cnnw", grid)
        bare = Rounds(page.locator(".bare-slider .noUi-handle"), IMAGES - 1, ".jp-Notebook", "img.bare")
        plots = Rounds(page.locator(".plots-slider .noUi-handle"), IMAGES - 1, ".plots", "img")
        times: dict[str, list[dict[str, float]]] = {"view": [], "bare": [], "plots": []}
        for each, moves in ((view, 10), (bare, 10), (plots, 2 * bool(options.plots))):  # before the clock counts
            for _ in range(moves):
                each.move()
        for _ in range(options.moves // options.block):
            times["view"] += [view.move() for _ in range(options.block)]
            times["bare"] += [bare.move() for _ in range(options.block)]
            times["plots"] += [plots.move() for _ in range(options.plots)]
        for selector, value in ((grid, view.value), ("img.bare", bare.value)):
            wanted = in_kernel(page, f"print(hashlib.sha256(pngs[{value}]).hexdigest())")
            if shown_sha256(page, selector) != wanted:
                raise RuntimeError(f"{selector} does not show image {value}")
    ours, floor, slow = ([each["total"] for each in times[name]] for name in ("view", "bare", "plots"))
    rows = [("ActivationView, the grid painted", ours), ("bare ipywidgets.Image, stored PNG files", floor)]
    for stage, name in (("changed", "until the page has the picture"), ("decoded", "until it is decoded")):
        for key, whose in (("view", "view"), ("bare", "bare")):
            rows.append((f"  {whose}: {name}", [each[stage] for each in times[key]]))
    if slow:
        rows.append(("matplotlib, 8 x 8 subplots in an Output", slow))
    print_times(rows)
    verdict("view / bare image, medians", median(ours) / median(floor), MEDIAN)
    verdict("view / bare image, 95th percentiles", p95(ours) / p95(floor), P95)
    if slow:
        verdict("subplots / view, medians", median(slow) / median(ours), FASTER, at_least=True)


if __name__ == "__main__":
    main()
