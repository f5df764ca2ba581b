"""The three panels of a card: the image with its prediction, all maps of a layer, and the chosen one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...compute.layers import Layer
from ...render import encode_png
from ...render.color import Shaded, apply, fitted, palette, to_picture
from ...render.mosaic import Grid, Strip, mosaic, strip
from ...render.static import Panel
from ..state import Look, Subject
from ..surface import PixelFigure, Swapped, Text, markup, number
from .prediction import Told

INPUT, GRID, DETAIL, TALL = 190, 480, 288, 520
"""Widths of the three pictures, and the height that the grid takes before it scrolls, in px."""
FEW = 16
"""A vector of so many units is shown as labelled bars; of a longer one, the units with the largest magnitude."""
BESIDE = 400
"""Height that the image and its prediction keep, in px: long class names stand above their bars."""
FACTS = 160
"""Room for the heading, the scale and the numbers of the large map, in px."""
HOVERED = 1024
"""Pixels of the large map up to which hovering tells the value; clicking always does."""


class _Panel(W.VBox):
    def __init__(self, width: int, *parts: W.Widget) -> None:
        layout = W.Layout(width=f"{width + 24}px", flex="0 0 auto", padding="0 20px 0 0", overflow="hidden")
        super().__init__(list(parts), layout=layout)


class ImagePanel(_Panel):
    """The input image with its index and label, and the most probable classes."""

    def __init__(self) -> None:
        self.look: Look | None = None
        self._text, self._prediction = Text(), Text()
        layout = {"flex": "0 0 auto", "align_self": "flex-start", "margin": "3px 3px 8px"}
        self._picture = Swapped(layout, "cnnw-input")
        self._image = self._picture.pictures[0]
        super().__init__(INPUT, self._text, *self._picture.pictures, self._prediction)
        self.layout.min_height = f"{BESIDE}px"

    def draw(self, index: int, look: Look, subject: Subject) -> None:
        """Show `look`, which is of image `index`."""
        self.look, items = look, subject.items
        self._heading = f"Image {index}"
        self._label = markup.labelled(look.item.text)
        self._pixels: NDArray[np.uint8] | None = None
        if look.item.image is not None:
            picture = to_picture(items.picture(look.item.image).numpy())
            self._pixels = fitted(picture.pixels, INPUT, INPUT)
            if picture.rescaled:
                self._label += f"{' · ' if self._label else ''}{number(picture.vmin)} to {number(picture.vmax)}"
        self._told = Told.of(look.prediction, look.item, subject.names)
        self._text.value = markup.heading(self._heading, self._label)
        self._picture.put(None if self._pixels is None else encode_png(self._pixels))
        self._prediction.value = self._told.html()

    def static(self) -> list[Panel]:
        """The same for the static picture, one above the other."""
        heading = f"{self._heading} · {self._label}" if self._label else self._heading
        return [Panel(heading, self._pixels, width=INPUT), *self._told.static(INPUT)]


class GridPanel(_Panel):
    """All maps of a layer in one mosaic, or all units of a vector as a bar code. A click chooses one, if it may."""

    def __init__(self, on_choose: Callable[[int], None] | None = None) -> None:
        self._text, self._scale = Text(), Text()
        self._hint, self._chosen = "click one" if on_choose else "", -1
        self._reserved: tuple[object, ...] = ()
        self.figure = PixelFigure(GRID, TALL)
        if on_choose is not None:
            self.figure.on_cell(on_choose)
        super().__init__(GRID, self._text, self.figure, self._scale)
        self.add_class("cnnw-many")

    def draw(self, shaded: Shaded, layer: Layer, columns: int, each: bool, name: str = "") -> None:
        """Show all maps; `each` says that every map has a colour scale of its own, `name` what they are if not maps."""
        self._shaded, self._what, self._name = shaded, "unit" if layer.kind == "vector" else "feature map", name
        self._pixels, self._cells = _tiled(shaded, layer, columns or None)
        self._each = each and len(shaded.maps) > 1 and not shaded.numbers
        self.figure.show(self._pixels, palette(shaded.colormap))
        self.figure.cells(self._cells, self._describe)
        low, middle, high = self._ends()
        self._text.value = markup.heading(*self._heading(), self._hint if len(shaded.maps) > 1 else "")
        self._scale.value = markup.colorbar(shaded.colormap, low, middle, high, self.figure.shown_width)

    def reserve(self, layers: Sequence[Layer], columns: int) -> None:
        """Keep the height that the highest of these layers takes."""
        key = (tuple(layers), columns)
        if key != self._reserved:
            self._reserved = key
            self.figure.reserve(_size(layer, columns or None) for layer in layers)

    def select(self, channel: int) -> None:
        """Frame the chosen map."""
        self._chosen = channel
        self.figure.select(channel)

    def static(self) -> Panel:
        """The same for the static picture."""
        pixels = apply(self._pixels, self._shaded.colormap, alpha=True)
        marks = [] if self._chosen < 0 else [self._cells.box(self._chosen)]
        return Panel(*self._heading(), pixels, width=GRID, marks=marks, colorbar=(self._shaded.colormap, *self._ends()))

    def _heading(self) -> tuple[str]:
        count = len(self._shaded.maps)
        if self._name:
            return (self._name,)
        words = {1: f"The only {self._what}", 2: f"Both {self._what}s"}
        return (words.get(count, f"All {count:,} {self._what}s"),)

    def _ends(self) -> tuple[str, str | None, str]:
        low, middle, high = self._shaded.ends()
        if self._each:
            if middle is not None:
                return "each map's −max", "0", "each map's +max"
            return "each map's lowest", None, "each map's highest"
        return markup.scale_texts(low, middle, high, self._shaded.beyond())

    def _describe(self, cell: int) -> str:
        values = self._shaded.maps[cell]
        if values.size == 1:
            return f"{self._what} {cell}: {number(float(values.flat[0]))}"
        finite = values[np.isfinite(values)]
        ends = f"{number(finite.min())} … {number(finite.max())}" if finite.size else "no finite value"
        return f"channel {cell}: {ends}"


class ChannelPanel(_Panel):
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


def _tiled(shaded: Shaded, layer: Layer, columns: int | None) -> tuple[NDArray[np.uint8], Grid | Strip]:
    tiles = shaded.tiles()
    if layer.kind == "vector":
        return strip(tiles.ravel(), columns=columns), Strip.fit(len(tiles), columns=columns)
    grid = Grid.fit(*tiles.shape, columns=columns, room=GRID)
    return mosaic(tiles, grid), grid


def _size(layer: Layer, columns: int | None) -> tuple[int, int]:
    """Width and height of the mosaic of a layer, before it is scaled to the screen."""
    if layer.kind == "vector":
        strip = Strip.fit(layer.channels, columns=columns)
        rows, (height, width) = -(-strip.count // strip.columns), strip.cell_size
        return strip.columns * width, rows * height + (rows - 1) * strip.gap
    size = layer.size[-2:]
    height, width = size if len(size) == 2 else 2 * (math.ceil(math.sqrt(math.prod(size))),)
    grid = Grid.fit(layer.channels, height, width, columns=columns, room=GRID)
    rows = -(-grid.count // grid.columns)
    return (
        grid.columns * width + (grid.columns - 1) * grid.gap,
        rows * height + (rows - 1) * grid.gap,
    )
