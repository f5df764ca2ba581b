"""The chosen map of a layer, large, with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....compute.layers import Layer
from ....render.color import Shaded, apply, palette
from ....render.mosaic import Grid
from ....render.static import Panel
from ...surface import PixelFigure, Text, markup, number
from ..column import DETAIL, FACTS, HOVERED, CardPanel

FEW = 16
"""A vector of so many units is shown as labelled bars; of a longer one, the units with the largest magnitude."""


class ChannelPanel(CardPanel):
    """The chosen map, large, with its numbers; for a vector, its units as labelled bars."""

    def __init__(
        self, on_pixel: Callable[[tuple[int, int]], None], width: int = DETAIL, *, name: str = "Channel"
    ) -> None:
        self._on_pixel, self._width, self._name = on_pixel, width, name
        self._text, self._below = Text(), Text()
        self.figure = PixelFigure(width, width, fit=True)
        self.figure.on_click(self._clicked)
        super().__init__(width, self._text, self.figure, self._below)
        self.layout.min_height = f"{width + FACTS}px"

    def draw(
        self,
        shaded: Shaded,
        layer: Layer,
        channel: int,
        pixel: Any,
        names: list[str],
        apart: Sequence[tuple[str, float]] = (),
    ) -> None:
        """Show map `channel`; the value at `pixel` is told, `names` are those of units, where they have some.

        `apart` are names and values that belong to the channel but not to its map: the class token's.
        """
        self._apart = apart
        self._shaded, self._channel, self._pixel, self._names = shaded, channel, pixel, names
        self._vector = layer.kind == "vector"
        self._facts = self._numbers()
        map_ = shaded.maps[channel]
        self._text.value = markup.heading(*self._heading())
        if self._vector:
            rows, chosen = self._units()
            bars = markup.bars(rows, [number(value) for _, value in rows], chosen=chosen)
            above = f'<div class="cnnw-instead" style="--cnnw-room:{self._width + 4}px">{bars}'
            self.figure.blank()
        else:
            self.figure.show(shaded.tile(channel), palette(shaded.colormap))
            height, width = map_.shape
            few = Grid(height * width, 1, 1, columns=width, gap=0) if height * width <= HOVERED else None
            self.figure.cells(few, self._describe)
            self.figure.select(None if few is None else self._cell())
            above = markup.colorbar(shaded.colormap, *self._ends(), self.figure.shown_width)
        self._below.value = above + markup.facts(self._facts) + ("</div>" if self._vector else "")

    def static(self) -> Panel:
        """The same for the static picture."""
        heading = " · ".join(part for part in self._heading() if part)
        if self._vector:
            rows, _ = self._units()
            full = max((abs(value) for _, value in rows if np.isfinite(value)), default=1.0) or 1.0
            bars = [(label, value / full, number(value)) for label, value in rows]
            return Panel(heading, width=self._width, bars=bars, lines=self._facts)
        return Panel(
            heading,
            apply(self._shaded.tile(self._channel), self._shaded.colormap, alpha=True),
            width=self._width,
            colorbar=(self._shaded.colormap, *self._ends()),
            lines=self._facts,
        )

    def _ends(self) -> tuple[str, str | None, str]:
        return markup.scale_texts(*self._shaded.ends(self._channel), self._shaded.beyond(self._channel))

    def _heading(self) -> tuple[str, str]:
        if self._vector:
            units = len(self._shaded.maps)
            return "Units", "" if units <= FEW else f"the {FEW} of {units:,} farthest from 0"
        return f"{self._name} {self._channel}", " × ".join(map(str, self._shaded.maps.shape[1:]))

    def _numbers(self) -> list[tuple[str, str]]:
        values = self._shaded.maps[self._channel]
        if self._vector:
            return [(f"unit {self._channel}", number(float(values.flat[0]), 5))]
        finite = values[np.isfinite(values)]
        rows = [("range", "no finite value")]
        if finite.size:
            rows = [("range", f"{number(finite.min())} … {number(finite.max())}")]
            rows.append(("mean", number(float(finite.mean(dtype=np.float64)))))
        if finite.size < values.size:
            rows.append(("not finite", f"{values.size - finite.size:,} of {values.size:,} pixels"))
        rows += [(name, number(value, 5)) for name, value in self._apart]
        if (cell := self._cell()) is not None:
            rows.append((f"at row {self._pixel[0]}, column {self._pixel[1]}", self._value(cell)))
        return rows

    def _units(self) -> tuple[list[tuple[str, float]], int | None]:
        """Names and values of the units that are listed, and which of them is the chosen one."""
        values = self._shaded.maps.ravel()
        units = list(range(len(values)))
        if len(values) > FEW:
            units = np.argsort(-np.abs(np.nan_to_num(values)), kind="stable")[:FEW].tolist()
        rows = [(self._names[unit] if self._names else str(unit), float(values[unit])) for unit in units]
        return rows, units.index(self._channel) if self._channel in units else None

    def _cell(self) -> int | None:
        height, width = self._shaded.maps.shape[1:]
        if self._pixel is None or self._pixel[0] >= height or self._pixel[1] >= width:
            return None
        return int(self._pixel[0]) * width + int(self._pixel[1])

    def _value(self, cell: int) -> str:
        return number(float(self._shaded.maps[self._channel].flat[cell]), 5)

    def _describe(self, cell: int) -> str:
        row, column = divmod(cell, self._shaded.maps.shape[2])
        return f"row {row}, column {column}: {self._value(cell)}"

    def _clicked(self, x: float, y: float) -> None:
        height, width = self._shaded.maps.shape[1:]
        if not self._vector and 0 <= x < width and 0 <= y < height:
            self._on_pixel((int(y), int(x)))
