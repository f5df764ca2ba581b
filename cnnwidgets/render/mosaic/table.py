"""A table of texts on colours: heads, and below them rows that begin with a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..color import rgb
from ..text import ink, load_font, text_length
from .grid import Grid
from .titles import INK, PLATE

LINE, LETTERS = 15, 10
"""Height of a row and of its type, in px."""
GAP_AT_TEXT, AROUND = 3, 1
"""Px beside a text, and by which a frame around a row is larger."""


@dataclass(frozen=True)
class TableCells:
    """Where the cells of a table are: squares as high as a row, of which each column takes several.

    Attributes
    ----------
    rows : int
        Rows below the heads.
    spans : tuple of int
        Squares that each column takes.
    """

    rows: int
    spans: tuple[int, ...]

    @property
    def squares(self) -> Grid:
        """The squares, heads included; only what is not wider than high answers the mouse."""
        across = sum(self.spans)
        return Grid((self.rows + 1) * across, LINE, LINE, columns=across, zoom=1, gap=0)

    def at(self, square: int) -> tuple[int | None, int]:
        """(row, column) of a square; the row of the heads is None."""
        row, place = divmod(square, sum(self.spans))
        ends = np.cumsum(self.spans)
        return (row - 1 if row else None), int(np.searchsorted(ends, place, side="right"))

    def box(self, row: int) -> tuple[int, int, int, int]:
        """Edges (left, top, right, bottom) of a frame around a row in px, which leaves its type free."""
        return 0, (row + 1) * LINE - AROUND, sum(self.spans) * LINE, (row + 2) * LINE + AROUND


def heat_table(
    heads: Sequence[str], texts: Sequence[Sequence[str]], colors: NDArray[np.uint8], spans: Sequence[int]
) -> tuple[NDArray[np.uint8], TableCells]:
    """Draw a table.

    Parameters
    ----------
    heads
        One for each of C columns.
    texts
        R rows of C texts; the first of each is its name, at the left, the others stand at the right of their cells.
    colors
        uint8 (R, C, 3): what they stand on.
    spans
        Squares of `LINE` px that each column takes.

    Returns
    -------
    pixels : ndarray of uint8, (H, W, 3)
    cells : TableCells
    """
    cells = TableCells(len(texts), tuple(spans))
    edges = np.cumsum([0, *spans]) * LINE
    pixels = np.empty(((len(texts) + 1) * LINE, int(edges[-1]), 3), np.uint8)
    pixels[:] = rgb(PLATE)
    for column in range(len(spans)):
        block = np.repeat(colors[:, column], LINE, 0)[:, None]
        pixels[LINE:, edges[column] : edges[column + 1]] = block
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for column, head in enumerate(heads):
        _write(draw, head, edges[column], edges[column + 1], 0, INK, bold=True, left=column == 0)
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            color = ink(colors[row, column])
            _write(draw, text, edges[column], edges[column + 1], row + 1, color, left=column == 0)
    return np.asarray(image), cells


def _write(
    draw: ImageDraw.ImageDraw, text: str, start: int, end: int, row: int, color: str, *, left: bool, bold: bool = False
) -> None:
    room = end - start - 2 * GAP_AT_TEXT
    if text_length(text, LETTERS, bold=bold) > room:
        while len(text) > 1 and text_length(f"{text}…", LETTERS, bold=bold) > room:
            text = text[:-1].rstrip()
        text = f"{text}…"
    x, anchor = (start + GAP_AT_TEXT, "ls") if left else (end - GAP_AT_TEXT, "rs")
    draw.text((x, row * LINE + LINE - 4), text, fill=color, font=load_font(LETTERS, bold), anchor=anchor)
