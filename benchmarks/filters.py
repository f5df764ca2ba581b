"""The 12,288 kernels of AlexNet's second convolution as one mosaic, kernel side, from tensor to PNG bytes.

Run `python benchmarks/filters.py`. Against it stand matplotlib, one `plt.subplot` a kernel in blocks of 10 x 10, axes
off (three are drawn, the rest is reckoned from them), and `torchvision.utils.make_grid`, whose picture is written
by the same PNG writer. All kernels stand 128 in a row, each weight is a pixel, one pixel lies between two kernels, and
one scale centred on 0 holds for the whole layer. At last, FilterView is opened on the 262,144 kernels of VGG-16's
largest layers.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from time import perf_counter
from typing import Any

import matplotlib
import torch
from _table import median, print_times, verdict, where
from matplotlib import pyplot as plt
from torch import nn
from torchvision.models import vgg16
from torchvision.utils import make_grid

from cnnwidgets.compute.filters.filters import Filters
from cnnwidgets.render.color.colormap import palette
from cnnwidgets.render.mosaic.grid import Grid, mosaic
from cnnwidgets.render.png import encode_png
from cnnwidgets.views.filter.sheets import Kernels, lay_out
from cnnwidgets.views.filter.view import FilterView

ROW = 128
BLOCK, BLOCKS = 10, 3
AGAINST_SUBPLOTS, AGAINST_MAKE_GRID, OPEN = 1000, 5, 1.0


def ours(weights: torch.Tensor) -> bytes:
    """Value range, palette indices, mosaic, PNG with the colour map as its palette."""
    tiles = Kernels(Filters("", "", weights, None), 0, "layer").tiles.reshape(-1, *weights.shape[2:])
    grid = Grid(len(tiles), *tiles.shape[1:], columns=ROW)
    return encode_png(mosaic(tiles, grid), palette("RdBu_r"))


def as_shown(weights: torch.Tensor) -> bytes:
    """What FilterView sends: each filter with its own scale, reduced to the pixels that the page has for it."""
    kernels = Kernels(Filters("", "", weights, None), 0, "filter")
    sheet = lay_out(kernels, torch.arange(len(weights)).numpy(), "collated", ROW, 0, 1, (0, 0))
    return encode_png(sheet.pixels, palette("RdBu_r"))


def by_make_grid(weights: torch.Tensor) -> bytes:
    """A grey mosaic."""
    limit = float(weights.abs().max())
    tiles = weights.reshape(-1, 1, *weights.shape[2:])
    grid = make_grid(tiles, nrow=ROW, padding=1, normalize=True, value_range=(-limit, limit))
    return encode_png(grid.mul(255).add_(0.5).to(torch.uint8).permute(1, 2, 0).contiguous().numpy())


def by_subplots(weights: torch.Tensor) -> bytes:
    """One block, in a figure of about as many pixels as the kernels have."""
    limit = float(weights.abs().max())
    figure = plt.figure(figsize=(0.6, 0.6), dpi=100)
    for number, kernel in enumerate(weights.flatten(0, 1)[: BLOCK * BLOCK]):
        plt.subplot(BLOCK, BLOCK, number + 1)
        plt.imshow(kernel.numpy(), cmap="gray", vmin=-limit, vmax=limit)
        plt.axis("off")
    file = io.BytesIO()
    plt.savefig(file, format="png")
    plt.close(figure)
    return file.getvalue()


def milliseconds(call: Callable[[], Any]) -> float:
    start = perf_counter()
    call()
    return 1e3 * (perf_counter() - start)


def opened(model: nn.Module) -> float:
    """Milliseconds from the call to a view that is ready to be displayed."""
    start = perf_counter()
    view = FilterView(model, layer="features.28")
    time = 1e3 * (perf_counter() - start)
    view.close()
    return time


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reps", type=int, default=30, help="repetitions of each (default: 30)")
    reps = parser.parse_args().reps
    matplotlib.use("agg")
    weights = 0.05 * torch.randn(192, 64, 5, 5, generator=torch.Generator().manual_seed(0))
    blocks = weights.shape[0] * weights.shape[1] / (BLOCK * BLOCK)
    print(where("numpy", "torch", "torchvision", "matplotlib", "ipywidgets", "bqplot"))
    for _ in range(2):
        ours(weights), as_shown(weights), by_make_grid(weights)
    by_subplots(weights)
    quick, shown, grid = [], [], []
    for _ in range(reps):
        grid.append(milliseconds(lambda: by_make_grid(weights)))
        quick.append(milliseconds(lambda: ours(weights)))
        shown.append(milliseconds(lambda: as_shown(weights)))
    slow = [blocks * milliseconds(lambda: by_subplots(weights)) for _ in range(BLOCKS)]
    print_times(
        [
            ("cnnwidgets, every weight a pixel", quick),
            ("cnnwidgets, as FilterView shows them", shown),
            ("torchvision make_grid", grid),
            (f"matplotlib subplots, from {BLOCKS * BLOCK * BLOCK}", slow),
        ]
    )
    for name, times, bound in (("subplots", slow, AGAINST_SUBPLOTS), ("make_grid", grid, AGAINST_MAKE_GRID)):
        verdict(f"times faster than {name}, by the medians", median(times) / median(quick), bound, at_least=True)
    model = vgg16(weights=None)
    opened(model)
    times = [opened(model) for _ in range(max(3, reps // 3))]
    print_times([("FilterView on 262,144 kernels of 3 x 3, opened", times)])
    verdict("seconds to open, median", median(times) / 1e3, OPEN)


if __name__ == "__main__":
    main()
