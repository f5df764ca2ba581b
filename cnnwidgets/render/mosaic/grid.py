"""Many maps to one mosaic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..color import GAP
from .cells import Cells, check_at_least

TILE = 16
"""Small maps are zoomed until their shorter side has this many pixels, and the gap is narrow beside them."""
READABLE = 40
"""A map may be reduced to this width, in pixels on the screen, so that more of them fit in a row."""
LARGEST = 1024
"""But no further than to a mosaic of about this many pixels a side."""


@dataclass(frozen=True)
class Grid(Cells):
    """Geometry of a mosaic of `count` maps of `height` x `width`.

    Attributes
    ----------
    count, height, width
        Number of maps and their own size.
    columns
        Maps in a row.
    zoom
        Mosaic pixels for each side of a map's pixel.
    gap
        Mosaic pixels between two maps.
    """

    count: int
    height: int
    width: int
    columns: int
    zoom: int = 1
    gap: int = 1

    def __post_init__(self) -> None:
        check_at_least(1, count=self.count, height=self.height, width=self.width, columns=self.columns, zoom=self.zoom)
        check_at_least(0, gap=self.gap)

    @classmethod
    def fit(cls, count: int, height: int, width: int, *, columns: int | None = None, room: int | None = None) -> Grid:
        """Grid with a suitable zoom and gap.

        Parameters
        ----------
        count, height, width
            Number of maps and their own size.
        columns
            Maps in a row, at most `count`. None: a nearly square picture with few empty places.
        room
            Width at which the mosaic is shown. Columns that are not given are then few enough for every map to keep its
            own size, or at least `READABLE` pixels.

        Raises
        ------
        ValueError
            If a number is less than 1.
        """
        check_at_least(1, count=count, height=height, width=width, columns=1 if columns is None else columns)
        if columns is None:
            columns = _near_square(count, height, width)
            if room is not None:
                narrow = min(max(width, math.ceil(TILE / min(height, width)) * width), READABLE)
                columns = min(columns, max(1, room // (narrow + max(1, round(0.06 * narrow)))))
        columns = min(columns, count)
        rows = -(-count // columns)
        zoom = min(-(-TILE // min(height, width)), LARGEST // max(columns * width, rows * height))
        zoom = max(1, zoom)
        gap = max(1, round(0.06 * zoom * min(height, width)))
        return cls(count, height, width, columns, zoom, gap)

    @property
    def cell_size(self) -> tuple[int, int]:
        """(height, width) of a map in mosaic pixels."""
        return self.height * self.zoom, self.width * self.zoom

    @property
    def gaps(self) -> tuple[int, int]:
        """The gap, between rows and between columns."""
        return self.gap, self.gap


def mosaic(tiles: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """Lay tiles out on a ground of ``GAP``.

    Parameters
    ----------
    tiles
        (C, H, W) palette indices.
    grid
        Geometry; its count and size must be those of the tiles.

    Returns
    -------
    ndarray of uint8, ``grid.shape``
        May be a view into a slightly larger array.

    Raises
    ------
    ValueError
        If tiles and grid disagree, or the tiles are not uint8.
    """
    count, height, width, columns, zoom = grid.count, grid.height, grid.width, grid.columns, grid.zoom
    if tiles.shape != (count, height, width) or tiles.dtype != np.uint8:
        raise ValueError(f"tiles must be uint8 {(count, height, width)}, as the grid; got {tiles.dtype} {tiles.shape}")
    (tall, wide), rows, shape = grid.cell_size, grid.rows, grid.shape
    ground = np.full((rows * (tall + grid.gap), columns * (wide + grid.gap)), GAP, np.uint8)
    # The same pixels by (row, y, zoom, column, x, zoom), gaps left out: splitting axes copies nothing.
    places = ground.reshape(rows, tall + grid.gap, columns, wide + grid.gap)[:, :tall, :, :wide]
    places = places.reshape(rows, height, zoom, columns, width, zoom)
    full, rest = divmod(count, columns)
    if full:
        block = tiles[: full * columns].reshape(full, columns, height, width).swapaxes(1, 2)
        places[:full] = block[:, :, None, :, :, None]
    if rest:
        places[full, :, :, :rest] = tiles[full * columns :].swapaxes(0, 1)[:, None, :, :, None]
    return ground[: shape[0], : shape[1]]


def _near_square(count: int, height: int, width: int) -> int:
    """Columns that make the picture nearly square and leave few places empty; of equals the wider."""
    columns = np.arange(1, count + 1)
    rows = -(-count // columns)
    stretch = np.abs(np.log(columns * width / (rows * height)))
    empty = 1 - count / (columns * rows)
    cost = np.round(stretch + empty, 6)
    return int(columns[cost == cost.min()][-1])
