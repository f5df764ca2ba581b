"""The part of a large mosaic that is on the screen: zoom and pan over hundreds of thousands of tiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..color import GAP, LEVELS
from .cells import check_at_least
from .grid import Grid, mosaic

Box = tuple[float, float, float, float]
"""Edges (left, top, right, bottom) in pixels of a picture."""

DISTINCT = 6
"""Tiles at least this large, in pixels of the picture, have a gap between them."""


@dataclass(frozen=True)
class Window:
    """Which tiles of a mosaic are seen, and where.

    Attributes
    ----------
    count, height, width
        Number of tiles in the whole mosaic, and their own size.
    across
        Tiles in a row of the whole mosaic.
    top, left
        The first row and column that are seen.
    down, columns
        How many rows and columns are seen.
    room
        Pixels that the picture may have, both ways.
    """

    count: int
    height: int
    width: int
    across: int
    top: int
    left: int
    down: int
    columns: int
    room: int

    @classmethod
    def of(
        cls, count: int, height: int, width: int, *, across: int, room: int, zoom: int = 1, center: int = 0
    ) -> Window:
        """The window with tile number `center` in its middle, moved inside the mosaic.

        Parameters
        ----------
        count, height, width, across, room
            As the attributes; `across` is at most `count`.
        zoom
            1 shows the whole mosaic, 2 half its rows and columns, and so on down to one tile.
        center
            Tile in the middle, as far as the border allows.

        Raises
        ------
        ValueError, IndexError
            If a number is less than 1, or there is no such tile.
        """
        check_at_least(1, count=count, height=height, width=width, across=across, room=room, zoom=zoom)
        if not 0 <= center < count:
            raise IndexError(f"no tile {center}; tiles: 0 to {count - 1}")
        across = min(across, count)
        rows = -(-count // across)
        down, columns = -(-rows // zoom), -(-across // zoom)
        row, column = divmod(center, across)
        top = min(max(row - down // 2, 0), rows - down)
        left = min(max(column - columns // 2, 0), across - columns)
        return cls(count, height, width, across, top, left, down, columns, room)

    @property
    def rows(self) -> int:
        """Rows of the whole mosaic."""
        return -(-self.count // self.across)

    def panned(self, down: int, right: int) -> int:
        """The tile in the middle of a window that is half a window farther `down` and `right`; -1 is up and left."""
        row = self.top + self.down // 2 + down * max(1, self.down // 2)
        column = self.left + self.columns // 2 + right * max(1, self.columns // 2)
        row, column = min(max(row, 0), self.rows - 1), min(max(column, 0), self.across - 1)
        return min(row * self.across + column, self.count - 1)

    @cached_property
    def grid(self) -> Grid | None:
        """The tiles that are seen, enlarged to fit the room; None where they are more than it has pixels for."""
        seen = int((self._numbers() < self.count).sum())  # the last row may not be full
        return enlarged(seen, self.height, self.width, columns=self.columns, room=self.room, tall=self.room)

    @property
    def tile_size(self) -> tuple[float, float]:
        """(height, width) of a tile in pixels of the picture; less than 1 where many share a pixel."""
        if self.grid is not None:
            return self.grid.cell_size
        height, width = self._reduced_shape()
        return height / self.down, width / self.columns

    def tile(self, cell: int) -> int:
        """Number of the tile in cell `cell` of `grid`."""
        row, column = divmod(cell, self.columns)
        return (self.top + row) * self.across + self.left + column

    def tile_at(self, x: float, y: float) -> int | None:
        """The tile at a point of the picture; None in a gap or outside."""
        if self.grid is not None:
            cell = self.grid.cell_at(x, y)
            return None if cell is None else self.tile(cell)
        height, width = self.tile_size
        row, column = int(y // height), int(x // width)
        if not (0 <= row < self.down and 0 <= column < self.columns):
            return None
        tile = (self.top + row) * self.across + self.left + column
        return tile if tile < self.count else None

    def box(self, tile: int) -> Box | None:
        """Where a tile is in the picture; None where it is not seen."""
        row, column = tile // self.across - self.top, tile % self.across - self.left
        if not (0 <= row < self.down and 0 <= column < self.columns and tile < self.count):
            return None
        if self.grid is not None:
            return self.grid.box(row * self.columns + column)
        height, width = self.tile_size
        return column * width, row * height, (column + 1) * width, (row + 1) * height

    def picture(self, tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Draw what is seen.

        Parameters
        ----------
        tiles
            (count, height, width) palette indices, all of them.

        Returns
        -------
        ndarray of uint8, at most (room, room)
            Where there are more tile pixels than room, a pixel shows that one of the values it stands for which is
            farthest from the middle of the colour scale: an average of positive and negative ones would show nothing.
        """
        numbers = self._numbers()
        if self.grid is not None:
            return mosaic(tiles[numbers.ravel()[: self.grid.count]], self.grid)
        seen = tiles[np.minimum(numbers, self.count - 1)]
        seen[numbers >= self.count] = GAP
        levels = seen.swapaxes(1, 2).reshape(self.down * self.height, self.columns * self.width)
        return _reduced(levels, *self._reduced_shape())

    def _numbers(self) -> NDArray[np.intp]:
        """Number of the tile at each place of the window: (down, columns)."""
        rows = self.top + np.arange(self.down)
        return rows[:, None] * self.across + self.left + np.arange(self.columns)

    def _reduced_shape(self) -> tuple[int, int]:
        height, width = self.down * self.height, self.columns * self.width
        share = min(1.0, self.room / max(height, width))
        return max(1, round(height * share)), max(1, round(width * share))


def enlarged(count: int, height: int, width: int, *, columns: int, room: int, tall: int | None = None) -> Grid | None:
    """The grid with so many columns whose tiles are as large as fits `room` in width and `tall` in height.

    Enlarged by a whole number of times, with gaps once they are large enough. None where not even their own size fits.
    """
    columns = min(columns, count)
    zoom = room // (columns * width)
    if tall is not None:
        zoom = min(zoom, tall // (-(-count // columns) * height))
    for times in range(zoom, 0, -1):
        side = times * min(height, width)
        gap = max(1, round(0.06 * side)) if side >= DISTINCT else 0
        grid = Grid(count, height, width, columns, times, gap)
        if grid.shape[1] <= room and (tall is None or grid.shape[0] <= tall):
            return grid
    return None


def nearly_square(filters: int, channels: int, height: int, width: int) -> int:
    """Tiles in a row that make a mosaic of `filters` x `channels` tiles nearly square.

    Whole filters share a row, or a filter takes several whole rows, so that columns stand for channels. Of two equally
    good numbers the wider.
    """
    several = channels * np.arange(1, filters + 1)
    parts = np.array([part for part in range(1, channels) if channels % part == 0], dtype=several.dtype)
    columns = np.concatenate([parts, several])
    rows = -(-filters * channels // columns)
    stretch = np.round(np.abs(np.log(columns * width / (rows * height))), 6)
    return int(columns[stretch == stretch.min()].max())


def _reduced(levels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Of the indices that fall on a pixel, the one farthest from the middle level."""
    starts = [np.arange(new) * old // new for new, old in zip((height, width), levels.shape, strict=True)]
    ends = []
    for ufunc in (np.maximum, np.minimum):
        ends.append(ufunc.reduceat(ufunc.reduceat(levels, starts[0], axis=0), starts[1], axis=1))
    high, low = ends
    picture: NDArray[np.uint8] = np.where(high.astype(np.int16) + low >= LEVELS - 1, high, low)
    return picture
