"""Equal cells in rows: which cell is at a point, and where a cell is. `Grid` and `Strip` are both such."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


class Cells(ABC):
    """Geometry of a picture made of equal cells, filled row by row, with gaps between cells and none outside.

    All positions are in pixels of the picture, x to the right and y down, from its upper left corner.
    """

    count: int
    columns: int

    @property
    @abstractmethod
    def cell_size(self) -> tuple[int, int]:
        """(height, width) of a cell in pixels."""

    @property
    @abstractmethod
    def gaps(self) -> tuple[int, int]:
        """Pixels between two rows, and between two columns."""

    @property
    def rows(self) -> int:
        """Number of rows; the last one may not be full."""
        return -(-self.count // self.columns)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the whole picture."""
        (height, width), (gap_y, gap_x) = self.cell_size, self.gaps
        return self.rows * (height + gap_y) - gap_y, self.columns * (width + gap_x) - gap_x

    def cell_at(self, x: float, y: float) -> int | None:
        """Index of the cell at a point; None in a gap, past the last cell, or outside."""
        (height, width), (gap_y, gap_x) = self.cell_size, self.gaps
        if not (0 <= x < self.shape[1] and 0 <= y < self.shape[0]):
            return None
        column, dx = divmod(x, width + gap_x)
        row, dy = divmod(y, height + gap_y)
        index = int(row) * self.columns + int(column)
        return index if dx < width and dy < height and index < self.count else None

    def box(self, index: int) -> tuple[int, int, int, int]:
        """Edges (left, top, right, bottom) of a cell; right and bottom are the first pixels outside it."""
        if not 0 <= index < self.count:
            raise IndexError(f"no cell {index}; cells: 0 to {self.count - 1}")
        (height, width), (gap_y, gap_x) = self.cell_size, self.gaps
        row, column = divmod(index, self.columns)
        left, top = column * (width + gap_x), row * (height + gap_y)
        return left, top, left + width, top + height

    def centers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle of each cell, in order: an array of `count` x, and one of `count` y."""
        (height, width), (gap_y, gap_x) = self.cell_size, self.gaps
        row, column = np.divmod(np.arange(self.count), self.columns)
        return column * (width + gap_x) + width / 2, row * (height + gap_y) + height / 2


@dataclass(frozen=True)
class Ordered(Cells):
    """Cells that stand in another order than that of their numbers.

    Attributes
    ----------
    cells
        Where the places are.
    order
        The number of the cell at each place.
    """

    cells: Cells
    order: tuple[int, ...]
    count: int = field(init=False)
    columns: int = field(init=False)

    def __post_init__(self) -> None:
        if sorted(self.order) != list(range(self.cells.count)):
            raise ValueError(f"order must name each of {self.cells.count} cells once; got {self.order}")
        object.__setattr__(self, "count", self.cells.count)
        object.__setattr__(self, "columns", self.cells.columns)

    @property
    def cell_size(self) -> tuple[int, int]:
        """(height, width) of a cell in pixels."""
        return self.cells.cell_size

    @property
    def gaps(self) -> tuple[int, int]:
        """Pixels between two rows, and between two columns."""
        return self.cells.gaps

    def cell_at(self, x: float, y: float) -> int | None:
        """Number of the cell at a point; None in a gap, past the last cell, or outside."""
        found = self.cells.cell_at(x, y)
        return None if found is None else self.order[found]

    def box(self, index: int) -> tuple[int, int, int, int]:
        """Edges (left, top, right, bottom) of a cell by its number; right and bottom are the first pixels outside."""
        if not 0 <= index < self.count:
            raise IndexError(f"no cell {index}; cells: 0 to {self.count - 1}")
        return self.cells.box(self.order.index(index))

    def centers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle of each cell, by number: an array of `count` x, and one of `count` y."""
        places = np.argsort(self.order)
        x, y = self.cells.centers()
        return x[places], y[places]


def check_at_least(least: int, **sizes: int) -> None:
    """Raise a ValueError that names the first of `sizes` below `least`."""
    for name, size in sizes.items():
        if size < least:
            raise ValueError(f"{name} must be {least} or more; got {size}")
