"""Many small pictures in a grid, each under a title of its own, above one colour scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..color import GAP, Shaded, apply
from ..mosaic import HEAD, Grid, mosaic, titled
from .panel import Panel

SPACE = 8
"""Pixels between two pictures."""


def sheet(
    heading: str,
    maps: NDArray[Any],
    titles: Sequence[str],
    *,
    columns: int,
    side: int = 64,
    colormap: str = "auto",
    scale: tuple[float, float] | None = None,
) -> Panel:
    """A panel for a `Card`: maps with a title above each, all on one colour scale, which is told below.

    Parameters
    ----------
    heading
        Of the panel.
    maps
        (C, H, W) of real numbers, NaN and infinities allowed.
    titles
        One for each map.
    columns
        Maps in a row.
    side
        Pixels that a map takes in width, about: its own pixels become squares of a whole number of pixels.
    colormap
        A matplotlib name, or ``"auto"``: diverging where a value is negative.
    scale
        (vmin, vmax); by default from the lowest to the highest of all values, or around 0.

    Raises
    ------
    ValueError
        If there are not as many titles as maps, or colours, columns or scale are not what they may be.
    """
    if len(titles) != len(maps):
        raise ValueError(f"each map needs a title: {len(maps)} maps, {len(titles)} titles")
    shaded = Shaded.of(maps, colormap=colormap, scale="layer-full" if scale is None else scale)
    zoom = max(1, round(side / maps.shape[2]))
    tiles = shaded.tiles().repeat(zoom, axis=1).repeat(zoom, axis=2)
    tiles = np.pad(tiles, ((0, 0), (HEAD, 0), (0, 0)), constant_values=GAP)
    count, height, width = tiles.shape
    grid = Grid(count, height, width, columns=min(columns, count), gap=SPACE)
    pixels = titled(apply(mosaic(tiles, grid), shaded.colormap, alpha=True), grid, titles)
    low, middle, high = shaded.ends()
    colorbar = (shaded.colormap, _number(low), None if middle is None else "0", _number(high))
    return Panel(heading, pixels, width=pixels.shape[1], colorbar=colorbar)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
