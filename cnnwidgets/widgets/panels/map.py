"""One map, or the bar code of a vector, with frames on it: where a window lies, which pixel is meant."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...render.color import GAP, PADDED, Shaded, palette, rgb
from ...render.mosaic import Grid, Strip, strip
from ...render.static import Panel
from ...render.text import ink, numerals
from ..surface import Box, PixelFigure, Text, markup, number
from .column import HOVERED, CardPanel

Around = tuple[tuple[int, int], tuple[int, int]]
NOTHING: Around = ((0, 0), (0, 0))
"""No padding: (before, after) of the rows, and of the columns."""


class MapPanel(CardPanel):
    """A map with the padding around it in grey. Clicking, or dragging the frame, chooses a place; in a vector, a unit.

    Parameters
    ----------
    width : int
        Of the picture, in px.
    on_place : callable, optional
        Called with (row, column) of the map.
    on_unit : callable, optional
        Called with the number of a unit, where a vector is shown.
    drag : bool
        Whether the frame can be dragged.
    numbers : bool
        Write the values into the pixels of a map that is small enough.
    """

    def __init__(
        self,
        width: int,
        on_place: Callable[[tuple[int, int]], None] | None = None,
        on_unit: Callable[[int], None] | None = None,
        *,
        drag: bool = False,
        numbers: bool = False,
    ) -> None:
        self._numbers = numbers
        self._width, self._on_place, self._on_unit = width, on_place, on_unit
        self._drawn: tuple[object, ...] = ()
        self._frames: list[Box] = []
        self._text, self._below = Text(), Text()
        self.figure = PixelFigure(width, width, fit=True)
        self.figure.on_click(self._clicked)
        if drag:
            self.figure.on_drag(self._clicked)
        super().__init__(width, self._text, self.figure, self._below)

    def draw(
        self,
        name: str,
        quiet: str,
        shaded: Shaded,
        channel: int | None,
        *,
        around: Around = NOTHING,
        note: str = "",
        hint: str = "",
    ) -> None:
        """Show map `channel` of `shaded`, or all of it as a vector (None). What is there already is not sent again."""
        self._name, self._quiet, self._shaded, self._channel = name, quiet, shaded, channel
        self._around, self._note = around, note
        note = "; ".join(filter(None, [hint, note]))
        self._text.value = markup.heading(name, quiet)
        if self._drawn and self._drawn[0] is shaded and self._drawn[1:] == (channel, around, note):
            return
        self._drawn = (shaded, channel, around, note)
        if channel is None:
            tiles = shaded.tiles()
            self._colors = palette(shaded.colormap)
            self._cells: Grid | Strip | None = Strip.fit(len(tiles))
            self._pixels = strip(tiles.ravel())
        else:
            self._colors = padded_palette(shaded.colormap)
            self._pixels = np.pad(shaded.tile(channel), around, constant_values=GAP)
            height, width = self._pixels.shape
            self._cells = Grid(height * width, 1, 1, columns=width, gap=0) if height * width <= HOVERED else None
        self.figure.show(self._pixels, self._colors)
        self.figure.cells(self._cells, self._describe)
        self._texts: list[list[str]] = []
        if self._numbers and channel is not None:
            self._texts = self._written(shaded.maps[channel])
            self.figure.write(self._texts, [[ink(color) for color in row] for row in self._colors[self._pixels]])
        low, middle, high = self._ends()
        self._below.value = markup.colorbar(shaded.colormap, low, middle, high, self.figure.shown_width) + (
            f'<div class="cnnw-quiet">{note}</div>' if note else ""
        )

    def _written(self, map_: NDArray[np.floating]) -> list[list[str]]:
        texts, factor = numerals(map_)
        if factor:
            return []
        (top, bottom), (left, right) = self._around
        rows = [[""] * left + row + [""] * right for row in texts]
        empty = [""] * len(rows[0])
        return [empty] * top + rows + [empty] * bottom

    def frame(self, *boxes: Box) -> None:
        """Frame boxes (left, top, right, bottom) in columns and rows of the map, or a unit's of `unit_box`; or none."""
        (top, _), (left, _) = self._around
        self._frames = [(x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in boxes]
        if self._frames:
            self.figure.frame(*self._frames)
        else:
            self.figure.frame(None)

    def unit_box(self, unit: int) -> Box:
        """Where unit number `unit` of a vector is."""
        assert self._cells is not None
        return self._cells.box(unit)

    def static(self) -> Panel:
        """The same for the static picture."""
        height, width = self._pixels.shape
        marks = [(max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)) for x0, y0, x1, y1 in self._frames]
        return Panel(
            f"{self._name} · {self._quiet}" if self._quiet else self._name,
            np.take(self._colors, self._pixels, axis=0),
            width=self._width,
            colorbar=(self._shaded.colormap, *self._ends()),
            marks=marks,
            texts=self._texts if self._texts and self._width >= 24 * width else [],
            lines=[self._note] if self._note else [],
        )

    def _ends(self) -> tuple[str, str | None, str]:
        return markup.scale_texts(*self._shaded.ends(self._channel), self._shaded.beyond(self._channel))

    def _describe(self, cell: int) -> str:
        if self._channel is None:
            return f"unit {cell}: {number(float(self._shaded.maps[cell].flat[0]), 5)}"
        row, column = self._place(*divmod(cell, self._pixels.shape[1]))
        map_: NDArray[np.floating] = self._shaded.maps[self._channel]
        inside = 0 <= row < map_.shape[0] and 0 <= column < map_.shape[1]
        return f"row {row}, column {column}: {number(float(map_[row, column]), 5) if inside else 'padding'}"

    def _place(self, row: int, column: int) -> tuple[int, int]:
        return row - self._around[0][0], column - self._around[1][0]

    def _clicked(self, x: float, y: float) -> None:
        if self._channel is None:
            cell = None if self._cells is None else self._cells.cell_at(x, y)
            if cell is not None and self._on_unit is not None:
                self._on_unit(cell)
        elif self._on_place is not None:
            row, column = self._place(int(y // 1), int(x // 1))
            height, width = self._shaded.maps[self._channel].shape
            if 0 <= row < height and 0 <= column < width:
                self._on_place((row, column))


@cache
def padded_palette(colormap: str) -> NDArray[np.uint8]:
    """Palette in which the ground is the grey of the padding."""
    colors = palette(colormap).copy()
    colors[GAP] = (*rgb(PADDED), 255)
    return colors
