"""A vector as a bar code: one bar a value, read from left to right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..color import GAP
from .cells import Cells, check_at_least

LONGEST = 240
"""Bars in a row; longer vectors take several rows of equal length."""
SLENDER = 6
"""A single row is this many times as wide as high."""
LOWEST = 4
"""Rows of long vectors stay at least this high, in pixels."""


@dataclass(frozen=True)
class Strip(Cells):
    """Geometry of a bar code: `count` bars, each one pixel wide and `height` pixels high.

    Attributes
    ----------
    count
        Number of values.
    columns
        Bars in a row.
    height
        Pixels in a bar.
    gap
        Pixels between two rows.
    """

    count: int
    columns: int
    height: int
    gap: int = 1

    def __post_init__(self) -> None:
        check_at_least(1, count=self.count, columns=self.columns, height=self.height)
        check_at_least(0, gap=self.gap)

    @classmethod
    def fit(cls, count: int, *, columns: int | None = None) -> Strip:
        """Strip that looks like a bar code.

        Parameters
        ----------
        count
            Number of values.
        columns
            Bars in a row, at most `count`. None: up to 240, in as few rows of equal length as that allows.

        Raises
        ------
        ValueError
            If a number is less than 1.
        """
        check_at_least(1, count=count, columns=1 if columns is None else columns)
        if columns is None:
            columns = -(-count // -(-count // LONGEST))
        columns = min(columns, count)
        rows = -(-count // columns)
        height = -(-columns // SLENDER)
        if rows > 1:  # many rows: no higher than wide, as far as LOWEST allows
            height = max(LOWEST, min(height, columns // rows - 1))
        return cls(count, columns, height, gap=max(1, round(0.06 * height)))

    @property
    def cell_size(self) -> tuple[int, int]:
        """(height, width) of a bar in pixels."""
        return self.height, 1

    @property
    def gaps(self) -> tuple[int, int]:
        """The gap between rows, and none between bars."""
        return self.gap, 0


def strip(values: NDArray[np.uint8], *, columns: int | None = None) -> NDArray[np.uint8]:
    """Draw a vector as a bar code.

    Parameters
    ----------
    values
        (N,) palette indices.
    columns
        As in `Strip.fit`.

    Returns
    -------
    ndarray of uint8, ``Strip.fit(N, columns=columns).shape``
        Palette indices; gaps and what is left of the last row are ``GAP``.

    Raises
    ------
    ValueError
        If the values are not a non-empty uint8 vector.
    """
    if values.ndim != 1 or not values.size or values.dtype != np.uint8:
        raise ValueError(f"values must be uint8 (N,) with N >= 1; got {values.dtype} {values.shape}")
    cells = Strip.fit(len(values), columns=columns)
    bars = np.full(cells.rows * cells.columns, GAP, np.uint8)
    bars[: len(values)] = values
    picture = np.full((cells.rows, cells.height + cells.gap, cells.columns), GAP, np.uint8)
    picture[:, : cells.height] = bars.reshape(cells.rows, 1, cells.columns)
    return picture.reshape(-1, cells.columns)[: cells.shape[0]]
