"""One map, or a vector as a heat strip, with frames on it: where a window lies, which pixel is meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...render.color import GAP, PADDED, Shaded, palette, rgb
from ...render.mosaic import Cells, Grid, Strip, strip
from ...render.static import Panel
from ...render.text import numerals
from ..surface import Box, markup, number, type_size
from .box import PanelBox
from .column import HOVERED

Around = tuple[tuple[int, int], tuple[int, int]]
NOTHING: Around = ((0, 0), (0, 0))
"""No padding: (before, after) of the rows, and of the columns."""


class MapBox(PanelBox):
    """Says what the mouse does below the picture: behind the heading there is no room for it."""

    def heading_of(self, panel: Panel) -> str:
        """HTML of the heading."""
        return super().heading_of(replace(panel, hint=""))

    def text(self, panel: Panel) -> str:
        """HTML of what stands below the picture."""
        lines = list(panel.lines)
        note = [lines.pop(0)] if lines and isinstance(lines[0], str) else []
        quiet = "; ".join(filter(None, [panel.hint, *map(str, note)]))
        return super().text(replace(panel, lines=[*filter(None, [quiet]), *lines]))


@dataclass(frozen=True, eq=False)
class MapPanel(Panel):
    """What `map_panel` makes.

    Attributes
    ----------
    around
        Padding around the map in the picture.
    """

    box: ClassVar[type[PanelBox]] = MapBox
    around: Around = NOTHING

    def framed(self, *boxes: Box, heading: str = "") -> MapPanel:
        """The same pixels with boxes (left, top, right, bottom), in columns and rows of the map, framed."""
        assert self.pixels is not None
        (top, _), (left, _), (height, width) = *self.around, self.pixels.shape
        marks = [
            (max(x0 + left, 0), max(y0 + top, 0), min(x1 + left, width), min(y1 + top, height))
            for x0, y0, x1, y1 in boxes
        ]
        return replace(self, marks=marks, heading=heading or self.heading)

    def unit(self, unit: int, *, heading: str = "") -> MapPanel:
        """The same vector with unit number `unit` framed."""
        assert self.cells is not None
        return self.framed(self.cells.box(unit), heading=heading)


def map_panel(
    shaded: Shaded,
    channel: int | None,
    heading: str = "",
    *,
    around: Around = NOTHING,
    note: str = "",
    hint: str | tuple[str, str] = "",
    width: int = 240,
    numbers: bool = False,
    drag: bool = False,
    on_place: Callable[[tuple[int, int]], object] | None = None,
    on_press: Callable[[tuple[int, int]], object] | None = None,
    on_hover: Callable[[tuple[int, int]], object] | None = None,
    on_unit: Callable[[int], object] | None = None,
    key: str = "map",
) -> MapPanel:
    """Map `channel` with its padding around it, or all maps as a vector.

    Parameters
    ----------
    shaded : Shaded
        The maps with their colours.
    channel : int or None
        Which of them; None: all, each of which is one number, as a heat strip.
    heading : str
        As of every `Panel`.
    around : tuple
        Padding (before, after) of the rows, and of the columns: grey.
    note : str
        A line below the picture.
    hint : str
        What the mouse does; or two of these, the second for a map of so many pixels that hovering tells nothing.
    width : int
        Of the picture, in px.
    numbers : bool
        Write the values into the pixels, where they have room.
    drag : bool
        Whether the frame can be dragged.
    on_place : callable, optional
        Called with (row, column) of the map where it is clicked, or where the frame is dragged to.
    on_press : callable, optional
        Called with it after `on_place`, only where it is clicked.
    on_hover : callable, optional
        Called with it when the mouse comes over a pixel, of the padding too; neither in a map of many pixels.
    on_unit : callable, optional
        The same with the number of a unit, for a vector.
    key : str
        As of every `Panel`.
    """
    cells: Cells | None
    texts: Sequence[Sequence[str]] = ()
    describe: Callable[[int], str]

    def located(called: Callable[[tuple[int, int]], object] | None) -> Callable[[int], object] | None:
        return None if called is None or channel is None else partial(_at, called, pixels.shape[1], around)

    if channel is None:
        pixels, colors, cells = strip(shaded.tiles().ravel()), palette(shaded.colormap), Strip.fit(len(shaded.maps))
        describe, pressed = partial(_described_unit, shaded), partial(_press_unit, on_unit, cells)
    else:
        map_ = shaded.maps[channel]
        pixels, colors = np.pad(shaded.tile(channel), around, constant_values=GAP), padded_palette(shaded.colormap)
        height, across = pixels.shape
        cells = Grid(height * across, 1, 1, columns=across, gap=0) if height * across <= HOVERED else None
        describe, pressed = partial(_described, map_, around), partial(_press, on_place, map_.shape, around)
        if numbers and type_size(written := _written(map_, around), width // max(height, across)):
            texts = written
    return MapPanel(
        heading,
        pixels,
        palette=colors,
        width=width,
        colorbar=(shaded.colormap, *markup.scale_texts(*shaded.ends(channel), shaded.beyond(channel))),
        lines=[note] if note else [],
        hint=hint if isinstance(hint, str) else hint[cells is None],
        texts=texts,
        cells=cells,
        describe=describe,
        on_place=pressed,
        on_cell=located(on_press),
        on_hover=located(on_hover),
        drag=drag,
        around=around,
        key=key,
    )


def _written(map_: NDArray[np.floating], around: Around) -> list[list[str]]:
    """The numbers of a map, nothing in its padding; none at all where they need a common factor."""
    texts, factor = numerals(map_)
    if factor:
        return []
    (top, bottom), (left, right) = around
    rows = [[""] * left + row + [""] * right for row in texts]
    empty = [""] * len(rows[0])
    return [empty] * top + rows + [empty] * bottom


def _described_unit(shaded: Shaded, cell: int) -> str:
    return f"unit {cell}: {number(float(shaded.maps[cell].flat[0]), 5)}"


def _described(map_: NDArray[np.floating], around: Around, cell: int) -> str:
    (top, _), (left, right) = around
    row, column = divmod(cell, left + map_.shape[1] + right)
    row, column = row - top, column - left
    inside = 0 <= row < map_.shape[0] and 0 <= column < map_.shape[1]
    return f"row {row}, column {column}: {number(float(map_[row, column]), 5) if inside else 'padding'}"


def _at(called: Callable[[tuple[int, int]], object], width: int, around: Around, cell: int) -> None:
    row, column = divmod(cell, width)
    called((row - around[0][0], column - around[1][0]))


def _press_unit(on_unit: Callable[[int], object] | None, cells: Cells, x: float, y: float) -> None:
    cell = cells.cell_at(x, y)
    if cell is not None and on_unit is not None:
        on_unit(cell)


def _press(
    on_place: Callable[[tuple[int, int]], object] | None, size: tuple[int, int], around: Around, x: float, y: float
) -> None:
    row, column = int(y // 1) - around[0][0], int(x // 1) - around[1][0]
    if on_place is not None and 0 <= row < size[0] and 0 <= column < size[1]:
        on_place((row, column))


@cache
def padded_palette(colormap: str) -> NDArray[np.uint8]:
    """Palette in which the ground is the grey of the padding."""
    colors = palette(colormap).copy()
    colors[GAP] = (*rgb(PADDED), 255)
    return colors
