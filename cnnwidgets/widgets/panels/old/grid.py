"""All maps of a layer in one picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ....compute.layers import Layer
from ....render.color import Shaded, apply, palette
from ....render.mosaic import Grid, Strip, mosaic, strip
from ....render.static import Panel
from ...surface import PixelFigure, Text, markup, number
from ..column import GRID, TALL, CardPanel


class GridPanel(CardPanel):
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
