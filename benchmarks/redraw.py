"""Redraw of 64 maps of 112 x 112, kernel side, from tensor to PNG bytes, against an 8 x 8 grid of matplotlib subplots.

Run `python benchmarks/redraw.py`. Ours takes the steps that ActivationView takes: value range, palette indices, mosaic,
PNG with the colour map as its palette. Matplotlib draws a figure of as many pixels with `plt.subplot`, the axes off,
and saves it as PNG. Each repetition of the one is followed by one of the other.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from time import perf_counter

import matplotlib
import torch
from _table import median, print_times, verdict, where
from matplotlib import pyplot as plt
from torch.nn.functional import avg_pool2d

from cnnwidgets.render.color.colormap import palette
from cnnwidgets.render.color.shaded import Shaded
from cnnwidgets.render.mosaic.grid import Grid, mosaic
from cnnwidgets.render.png import encode_png
from cnnwidgets.widgets.panels.column import GRID

FASTER = 200
DOTS = 100  # matplotlib's pixels an inch


def ours(maps: torch.Tensor) -> bytes:
    """What ActivationView does between the output of a layer and the bytes that it sends."""
    shaded = Shaded.of(maps.numpy())
    tiles = shaded.tiles()
    return encode_png(mosaic(tiles, Grid.fit(*tiles.shape, room=GRID)), palette(shaded.colormap))


def subplots(maps: torch.Tensor, side: float) -> bytes:
    """The usual way, in a figure of `side` inches."""
    figure = plt.figure(figsize=(side, side), dpi=DOTS)
    for channel, values in enumerate(maps):
        plt.subplot(8, 8, channel + 1)
        plt.imshow(values.numpy())
        plt.axis("off")
    file = io.BytesIO()
    plt.savefig(file, format="png")
    plt.close(figure)
    return file.getvalue()


def milliseconds(call: Callable[[], bytes]) -> float:
    start = perf_counter()
    call()
    return 1e3 * (perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reps", type=int, default=30, help="repetitions of each (default: 30)")
    reps = parser.parse_args().reps
    matplotlib.use("agg")
    maps = torch.relu(avg_pool2d(torch.randn(64, 116, 116, generator=torch.Generator().manual_seed(0)), 5, 1))
    side = Grid.fit(*maps.shape, room=GRID).shape[1] / DOTS
    print(where("numpy", "torch", "matplotlib"))
    for _ in range(2):
        ours(maps), subplots(maps, side)
    quick, slow = [], []
    for _ in range(reps):
        slow.append(milliseconds(lambda: subplots(maps, side)))
        quick.append(milliseconds(lambda: ours(maps)))
    print_times([("cnnwidgets", quick), (f"matplotlib, {side * DOTS:.0f} px, axes off", slow)])
    verdict("times faster, by the medians", median(slow) / median(quick), FASTER, at_least=True)


if __name__ == "__main__":
    main()
