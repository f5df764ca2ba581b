"""Three ways to lay out the kernels of a layer: as filters in colour, page by page, and all in one mosaic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...compute.filters import Filters
from ...render.color import GAP, Shaded, choose, value_ranges
from ...render.mosaic import (
    HEAD,
    Box,
    Grid,
    Window,
    enlarged,
    mosaic,
    nearly_square,
    rgb_mosaic,
    signed_rgb,
    title_width,
)

MODES = ("rgb", "single", "collated")
SCALES = ("kernel", "filter", "layer")
ROOM = 480
"""Width of a sheet in px, and height of a mosaic that is zoomed."""
PAGE = 64
"""Kernels on a sheet of single ones: so many whole filters as stay within this, and one at least."""


@dataclass(frozen=True, eq=False)
class Kernels:
    """The kernels of a layer, one slice of them, with the colours that they get: always centred on 0.

    Attributes
    ----------
    filters : Filters
        All about the layer.
    plane : int
        Which slice of kernels of three dimensions.
    scale : str
        `kernel`, `filter` or `layer`: what has a value range of its own. In colour a kernel has that of its filter:
        ranges of their own for red, green and blue would change the hue.
    """

    filters: Filters
    plane: int
    scale: str

    @cached_property
    def values(self) -> NDArray[np.floating]:
        """(filters, channels, kH, kW)."""
        return self.filters.kernels(self.plane).numpy()

    @cached_property
    def ranges(self) -> NDArray[np.float64]:
        """(filters, 2): the range of each filter, for the picture in colour."""
        return value_ranges(self.values, "layer-full" if self.scale == "layer" else "map", symmetric=True)

    @cached_property
    def shaded(self) -> Shaded:
        """All kernels as (filters x channels, kH, kW), with the range of each."""
        flat = self.values.reshape(-1, *self.values.shape[2:])
        ranges = self.ranges.repeat(self.values.shape[1], axis=0)
        if self.scale == "kernel":
            ranges = value_ranges(flat, "map", symmetric=True)
        return Shaded(flat, choose("auto", True), ranges, True)

    @cached_property
    def tiles(self) -> NDArray[np.uint8]:
        """(filters, channels, kH, kW): palette indices."""
        return self.shaded.tiles().reshape(self.values.shape)

    @property
    def paged(self) -> int:
        """Filters on a page of single kernels."""
        return min(self.filters.count, max(1, PAGE // self.filters.channels))

    def page(self, order: NDArray[np.int64], filter: int) -> int:
        """The page, from 0, on which a filter is."""
        return place_of(order, filter) // self.paged

    def limit(self, filter: int, channel: int, mode: str) -> float:
        """The value at the end of the colours of one kernel."""
        if mode == "rgb":
            return float(self.ranges[filter, 1])
        return float(self.shaded.ranges[filter * self.values.shape[1] + channel, 1])


@dataclass(frozen=True, eq=False)
class Sheet:
    """A picture of many kernels, and which one is where.

    Attributes
    ----------
    pixels : ndarray of uint8
        Palette indices, or RGBA.
    cells : Grid or Window
        Geometry of the picture.
    order : ndarray of int
        Filters in the order in which they are laid out.
    first, each : int
        The place in `order` of the first filter, and how many tiles a filter has.
    heading : str
        What is seen.
    titles : sequence of str
        What stands in the upper `HEAD` pixels of each cell of `cells`, if anything does.
    legend : str
        What the titles mean, where they do not say so themselves.
    """

    pixels: NDArray[np.uint8]
    cells: Grid | Window
    order: NDArray[np.int64]
    first: int
    each: int
    heading: str
    titles: Sequence[str] = ()
    legend: str = ""

    @property
    def grid(self) -> Grid | None:
        """The cells that answer hovering, where they are large enough."""
        return self.cells.grid if isinstance(self.cells, Window) else self.cells

    @property
    def head(self) -> int:
        """Height of the titles, in pixels of the picture."""
        return HEAD if self.titles else 0

    def kernel(self, tile: int) -> tuple[int, int]:
        """(filter, channel) of a tile."""
        place, channel = divmod(tile, self.each)
        return int(self.order[self.first + place]), channel

    def hovered(self, cell: int) -> tuple[int, int]:
        """(filter, channel) in a cell of `grid`."""
        return self.kernel(self.cells.tile(cell) if isinstance(self.cells, Window) else cell)

    def kernel_at(self, x: float, y: float) -> tuple[int, int] | None:
        """(filter, channel) at a point of the picture."""
        tile = self.cells.tile_at(x, y) if isinstance(self.cells, Window) else self.cells.cell_at(x, y)
        return None if tile is None else self.kernel(tile)

    def box(self, filter: int, channel: int) -> Box | None:
        """Where a kernel is in the picture; None where it is not seen."""
        if filter >= len(self.order) or (self.each > 1 and channel >= self.each):  # of another layer
            return None
        tile = (place_of(self.order, filter) - self.first) * self.each + min(channel, self.each - 1)
        return self.cells.box(tile) if 0 <= tile < self.cells.count else None


def place_of(order: NDArray[np.int64], filter: int) -> int:
    """Where a filter is in an order."""
    return int(np.flatnonzero(order == filter)[0])


def lay_out(
    kernels: Kernels,
    order: NDArray[np.int64],
    mode: str,
    columns: int,
    filter: int,
    zoom: int,
    center: tuple[int, int],
) -> Sheet:
    """The sheet of a mode; `filter` says which page of single kernels, `zoom` and `center` what of a mosaic is seen."""
    if mode == "rgb":
        return _in_color(kernels, order, columns)
    if mode == "single":
        return _one_page(kernels, order, columns, kernels.page(order, filter))
    return _collated(kernels, order, columns, zoom, center)


def _in_color(kernels: Kernels, order: NDArray[np.int64], columns: int) -> Sheet:
    """Each filter as one picture in colour, its three kernels as red, green and blue."""
    count, _, height, width = kernels.values.shape
    grid = _grid(count, height, width, columns, nearly_square(count, 1, height, width))
    pixels = rgb_mosaic(signed_rgb(kernels.values[order], kernels.ranges[order]), grid)
    return Sheet(pixels, grid, order, 0, 1, f"All {count:,} filters in colour" if count > 1 else "The only filter")


def _one_page(kernels: Kernels, order: NDArray[np.int64], columns: int, page: int) -> Sheet:
    """The kernels of as many whole filters as a page takes, one beside the other."""
    count, channels, height, width = kernels.values.shape
    first = page * kernels.paged
    on_page = order[first : first + kernels.paged]
    tiles = kernels.tiles[on_page].reshape(-1, height, width)
    across = nearly_square(len(on_page), channels, height, width)
    heading = f"All {count:,} filters"
    if len(on_page) < count:
        shown = f"{len(on_page)} filters" if len(on_page) > 1 else f"Filter {on_page[0]}"
        heading = f"{shown} · page {page + 1} of {-(-count // kernels.paged):,}"
    heading += f" · {len(tiles):,} kernels" if len(tiles) > 1 else " · 1 kernel"
    tall = ROOM - HEAD * -(-len(tiles) // (columns or across))
    grid = enlarged(*tiles.shape, columns=columns or across, room=ROOM, tall=ROOM if columns else max(tall, height))
    titles, legend = titles_for(on_page, kernels.filters, 0 if grid is None else grid.cell_size[1])
    if grid is None or not titles:
        grid = _grid(*tiles.shape, columns, across)
    else:
        large = tiles.repeat(grid.zoom, axis=1).repeat(grid.zoom, axis=2)
        tiles = np.pad(large, ((0, 0), (HEAD, 0), (0, 0)), constant_values=GAP)
        grid = Grid(*tiles.shape, columns=grid.columns, zoom=1, gap=grid.gap)
    return Sheet(mosaic(tiles, grid), grid, order, first, channels, heading, titles, legend)


def channel_word(filters: Filters) -> str:
    """What a kernel's number within its filter is called; in a group it is not that of the input channel."""
    return "input channel" if filters.groups == 1 else "channel"


def titles_for(on_page: NDArray[np.int64], filters: Filters, room: int) -> tuple[list[str], str]:
    """Titles of the kernels on a page, in the clearest words that `room` pixels take, and what short ones mean."""
    channels = filters.channels
    what = channel_word(filters)
    ways = [(f"filter {{}} · {what} {{}}", ""), ("filter {} · channel {}", "")]
    ways += [("F{} · C{}", f"F: filter, C: {what}"), ("{} · {}", f"filter · {what}")]
    if channels == 1:
        ways = [("filter {}", ""), ("{}", "filter")]
    for way, legend in ways:
        titles = [way.format(filter, channel) for filter in on_page for channel in range(channels)]
        if title_width(titles) <= room:
            return titles, legend
    return [], ""


def _grid(count: int, height: int, width: int, columns: int, fitting: int) -> Grid:
    """With `columns` as wide as the sheet, whatever its height; else with the `fitting` number of them within a square.

    Where a kernel has not a pixel for each weight, it has its own size, and the page reduces the picture.
    """
    tall = None if columns else ROOM
    columns = min(columns or fitting, count)
    return enlarged(count, height, width, columns=columns, room=ROOM, tall=tall) or Grid(count, height, width, columns)


def _collated(kernels: Kernels, order: NDArray[np.int64], columns: int, zoom: int, center: tuple[int, int]) -> Sheet:
    """Every kernel of the layer in one mosaic, a filter after the other; of it what the window shows."""
    count, channels, height, width = kernels.values.shape
    total = count * channels
    across = columns or nearly_square(count, channels, height, width)
    middle = place_of(order, center[0]) * channels + center[1]
    window = Window.of(total, height, width, across=across, room=ROOM, zoom=zoom, center=middle)
    pixels = window.picture(kernels.tiles[order].reshape(-1, height, width))
    seen = window.down * window.columns
    heading = f"All {total:,} kernels" if seen >= total else f"{seen:,} of {total:,} kernels"
    return Sheet(pixels, window, order, 0, channels, heading if total > 1 else "The only kernel")
