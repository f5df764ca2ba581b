"""All maps of a layer in one picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...compute.layers import Layer
from ...render.color import Shaded, palette
from ...render.mosaic import Cells, Grid, Ordered, Strip, mosaic, strip
from ..surface import markup, number, reserved
from .column import EDGE, GRID, TALL
from .painted import Paint, PaintedPanel


def grid_panel(
    shaded: Shaded,
    layer: Layer,
    columns: int = 0,
    *,
    each: bool = False,
    order: Sequence[int] = (),
    name: str = "",
    on_choose: Callable[[int], object] | None = None,
    width: int = GRID,
    key: str = "maps",
) -> PaintedPanel:
    """All maps of a layer in one mosaic, or all units of a vector as a heat strip.

    Parameters
    ----------
    shaded : Shaded
        The maps with their colours.
    layer : Layer
        Whose they are.
    columns : int
        Maps in a row; 0: as fits.
    each : bool
        Whether every map has a colour scale of its own.
    order : sequence of int
        The number of the map at each place; by default as they are numbered.
    name : str
        What they are, if not maps.
    on_choose : callable, optional
        Called with the number of a map that is clicked.
    width : int
        Of the picture, in px.
    key : str
        As of every `Panel`.
    """
    pixels, cells = _tiled(shaded, layer, columns or None, width, tuple(order))
    count, what = len(shaded.maps), "unit" if layer.kind == "vector" else "feature map"
    return PaintedPanel(
        name or {1: f"The only {what}", 2: f"Both {what}s"}.get(count, f"All {count:,} {what}s"),
        pixels,
        palette=palette(shaded.colormap),
        width=width,
        scrolls=TALL,
        colorbar=(shaded.colormap, *_ends(shaded, each and count > 1 and not shaded.numbers)),
        cells=cells,
        describe=partial(_described, shaded, what),
        on_cell=on_choose,
        hint="click one" if on_choose is not None and count > 1 else "",
        key=key,
    )


def painted_grid(panel: PaintedPanel, paint: Paint) -> PaintedPanel:
    """What `grid_panel` made of maps, with what the page needs to paint it."""
    tall = panel.scrolls or panel.width
    painting = paint.panel(
        "grid",
        width=panel.width,
        tall=tall,
        reserve=reserved(panel.sizes, panel.width, tall) + EDGE,
        heading=panel.heading.split(" · "),
        hint=panel.hint,
        order=panel.cells.order if isinstance(panel.cells, Ordered) else (),
    )
    return replace(panel, painting=painting)


def grid_sizes(layers: Sequence[Layer], columns: int = 0) -> list[tuple[int, int]]:
    """(width, height) of the mosaic of each layer, each size once, before it is scaled to the screen."""
    alike = {(layer.kind, layer.channels, layer.size): layer for layer in layers}
    return list(dict.fromkeys(_size(layer, columns or None) for layer in alike.values()))


def _ends(shaded: Shaded, each: bool) -> tuple[str, str | None, str]:
    low, middle, high = shaded.ends()
    if each:
        if middle is not None:
            return "each map's −max", "0", "each map's +max"
        return "each map's lowest", None, "each map's highest"
    return markup.scale_texts(low, middle, high, shaded.beyond())


def _described(shaded: Shaded, what: str, cell: int) -> str:
    values = shaded.maps[cell]
    if values.size == 1:
        return f"{what} {cell}: {number(float(values.flat[0]))}"
    finite = values[np.isfinite(values)]
    ends = f"{number(finite.min())} … {number(finite.max())}" if finite.size else "no finite value"
    return f"channel {cell}: {ends}"


def _tiled(
    shaded: Shaded, layer: Layer, columns: int | None, room: int, order: tuple[int, ...]
) -> tuple[NDArray[np.uint8], Cells]:
    tiles = shaded.tiles()
    if order:
        tiles = tiles[list(order)]
    if layer.kind == "vector":
        pixels, cells = strip(tiles.ravel(), columns=columns), Strip.fit(len(tiles), columns=columns)
        return pixels, Ordered(cells, order) if order else cells
    grid = Grid.fit(*tiles.shape, columns=columns, room=room)
    return mosaic(tiles, grid), Ordered(grid, order) if order else grid


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
