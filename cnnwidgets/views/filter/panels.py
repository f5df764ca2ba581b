"""The panels of FilterView: the sheet of kernels, and the chosen filter with its numbers."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W

from ...compute.filters import NEAR_DEAD, Filters
from ...render import encode_png
from ...render.color import apply, palette
from ...render.mosaic import Box, Grid, signed_rgb, titled
from ...render.static import Panel, counts, histogram
from ...widgets.panels import CardPanel
from ...widgets.surface import PixelFigure, Swapped, Text, markup, number
from .sheets import ROOM, Kernels, Sheet, channel_word

WIDE = 240
"""Width of the chosen kernel, in px."""
TALL = 520
"""Height that a sheet takes before it scrolls, in px."""
CROSSED = 8
"""Tiles at least this large, in px, are crossed out where their filter is near-dead."""
MOST_CROSSED = 400


class SheetPanel(CardPanel):
    """Many kernels in one picture. A click chooses one."""

    def __init__(self, on_choose: Callable[[int, int], None], zoom: W.Widget) -> None:
        self._text, self._scale, self._zoom = Text(), Text(), zoom
        self.figure = PixelFigure(ROOM, TALL)
        self.figure.on_click(self._clicked)
        self._on_choose = on_choose
        super().__init__(ROOM, self._text, zoom, self.figure, self._scale)

    def draw(self, sheet: Sheet, kernels: Kernels, colormap: str, mode: str) -> None:
        """Show a sheet; `colormap` is that of the indices, or the grey ramp that says what the colours mean."""
        self._sheet, self._filters, self._colormap, self._mode = sheet, kernels.filters, colormap, mode
        self._pixels = sheet.pixels
        if sheet.titles and sheet.grid is not None:
            self._pixels = titled(apply(sheet.pixels, colormap, alpha=True), sheet.grid, sheet.titles)
        self.figure.show(self._pixels, palette(colormap) if self._pixels.ndim == 2 else None)
        self.figure.cells(sheet.grid, self._describe)
        self._flags = self._dead_boxes()
        self.figure.flag(self._flags)
        self.layout.min_height = f"{ROOM + 100}px" if mode == "collated" else None  # zooming moves nothing below
        self._zoom.layout.display = "" if mode == "collated" else "none"
        name, _, rest = sheet.heading.partition(" · ")
        rest += f" · {sheet.legend}" if sheet.legend else ""
        self._heading = (name, rest if sheet.grid else "each pixel: its weight of largest magnitude")
        self._text.value = markup.heading(*self._heading, "click one" if sheet.grid else "click to zoom")
        self._ends = _ends(kernels, mode)
        self._scale.value = markup.colorbar(colormap, self._ends[0], "0", self._ends[1], self.figure.shown_width)

    def select(self, filter: int, channel: int) -> None:
        """Frame the chosen kernel, below its title."""
        box = self._sheet.box(filter, channel)
        self._chosen = None if box is None else (box[0], box[1] + self._sheet.head, *box[2:])
        self.figure.frame(self._chosen)

    def static(self) -> Panel:
        """The same for the static picture."""
        pixels = self._pixels
        # titles are in the picture: twice as large, their letters would be blocks
        width = min(ROOM, pixels.shape[1]) if self._sheet.titles else ROOM
        return Panel(
            " · ".join(part for part in self._heading if part),
            apply(pixels, self._colormap, alpha=True) if pixels.ndim == 2 else pixels,
            width=width,
            marks=[] if self._chosen is None else [self._chosen],
            flags=self._flags,
            colorbar=(self._colormap, self._ends[0], "0", self._ends[1]),
        )

    def _dead_boxes(self) -> list[Box]:
        """Tiles of near-dead filters, where they are large enough and not too many to be crossed out."""
        dead = self._filters.near_dead.tolist()
        grid = self._sheet.grid
        if grid is None or min(grid.cell_size) * self.figure.shown_width < CROSSED * grid.shape[1] or not any(dead):
            return []
        cells = [cell for cell in range(grid.count) if dead[self._sheet.hovered(cell)[0]]]
        if len(cells) > MOST_CROSSED:
            return []
        return [(left, top + self._sheet.head, right, bottom) for left, top, right, bottom in map(grid.box, cells)]

    def _describe(self, cell: int) -> str:
        filter, channel = self._sheet.hovered(cell)
        dead = " · near-dead" if self._filters.near_dead[filter] else ""
        if self._mode == "rgb":
            return f"filter {filter} · norm {number(float(self._filters.norms[filter]))}{dead}"
        reads = int(self._filters.inputs[filter, channel])
        values = self._filters.weights[filter, channel]
        ends = f"{number(float(values.min()))} … {number(float(values.max()))}"
        other = f" (input channel {reads})" if reads != channel else ""
        return f"filter {filter}, {channel_word(self._filters)} {channel}{other}: {ends}{dead}"

    def _clicked(self, x: float, y: float) -> None:
        if (chosen := self._sheet.kernel_at(x, y)) is not None:
            self._on_choose(*chosen)


class FilterPanel(CardPanel):
    """The chosen filter, in colour or one kernel of it, large, with its numbers and the distribution of its weights."""

    def __init__(self) -> None:
        self._text, self._scale, self._below = Text(), Text(), Text()
        self.figure = PixelFigure(WIDE, WIDE, fit=True)
        self._bars = Swapped({"flex": "0 0 auto", "align_self": "flex-start", "margin": "0"})
        self._bars_text, self._bars_scale = Text(), Text()
        self._counted: Filters | None = None
        super().__init__(
            WIDE,
            self._text,
            self.figure,
            self._scale,
            self._below,
            self._bars_text,
            *self._bars.pictures,
            self._bars_scale,
        )

    def draw(self, kernels: Kernels, filter: int, channel: int, colormap: str, mode: str) -> None:
        """Show kernel `channel` of `filter`, or the filter in colour."""
        found = kernels.filters
        self._filters, self._values, self._colormap = found, kernels.values[filter], colormap
        self._channel, self._mode = channel, mode
        height, width = self._values.shape[1:]
        if mode == "rgb":
            self._pixels = signed_rgb(kernels.values[filter : filter + 1], kernels.ranges[filter : filter + 1])[0]
            self._heading = f"Filter {filter} · {height} × {width} · red, green, blue"
        else:
            self._pixels = kernels.tiles[filter, channel]
            what = channel_word(found)
            of = f"{what} {channel} of {found.channels}" if found.channels > 1 else f"the only {what}"
            self._heading = f"Filter {filter} · {of}"
        self.figure.show(self._pixels, None if mode == "rgb" else palette(colormap))
        self.figure.cells(Grid(height * width, 1, 1, columns=width, gap=0), self._describe)
        self._ends = [number(side * kernels.limit(filter, channel, mode)) for side in (-1, 1)]
        self._facts = _facts(kernels, filter, channel, mode)
        self._text.value = markup.heading(*self._heading.split(" · "))
        self._scale.value = markup.colorbar(colormap, self._ends[0], "0", self._ends[1], self.figure.shown_width)
        self._below.value = markup.facts(self._facts)
        self._draw_bars(found, filter)

    def static(self) -> list[Panel]:
        """The same for the static picture."""
        pixels = apply(self._pixels, self._colormap) if self._pixels.ndim == 2 else self._pixels
        bar = (self._colormap, self._ends[0], "0", self._ends[1])
        low, high = self._bars_ends
        numbers = f"from {low} to {high}, 0 in the middle"
        return [
            Panel(self._heading, pixels, width=WIDE, colorbar=bar, lines=self._facts),
            Panel(" · ".join(self._bars_heading), self._bars_pixels, width=WIDE, lines=[numbers]),
        ]

    def _draw_bars(self, found: Filters, filter: int) -> None:
        weights, limit = found.weights.numpy(), found.largest or 1.0
        if self._counted is not found:
            self._counted, self._behind = found, counts(weights, limit, WIDE)
        self._bars_pixels = histogram(counts(weights[filter], limit, WIDE), self._behind)
        self._bars_heading = ("Weights", "grey: whole layer", "log count")
        self._bars_ends = number(-limit), number(limit)
        self._bars.put(encode_png(self._bars_pixels))
        self._bars_text.value = markup.heading(*self._bars_heading)
        spans = "".join(f"<span>{text}</span>" for text in (self._bars_ends[0], "0", self._bars_ends[1]))
        width = self._bars_pixels.shape[1]
        self._bars_scale.value = f'<div class="cnnw-scale" style="width:{width}px">{spans}</div>'

    def _describe(self, cell: int) -> str:
        row, column = divmod(cell, self._values.shape[2])
        values = self._values[:, row, column] if self._mode == "rgb" else [self._values[self._channel, row, column]]
        return f"row {row}, column {column}: {', '.join(number(float(value)) for value in values)}"


def _facts(kernels: Kernels, filter: int, channel: int, mode: str) -> list[tuple[str, str]]:
    """What is known about a filter and, but for the picture in colour, about one kernel of it."""
    found = kernels.filters
    norm, median = float(found.norms[filter]), float(found.norms.nanmedian())
    rank = int((found.norms > found.norms[filter]).sum()) + 1
    rows = [("norm", f"{number(norm)}, rank {rank:,} of {found.count:,}")]
    if median:
        rows.append(("norm / median", f"{number(100 * norm / median)} %"))
    if found.near_dead[filter]:
        rows.append(("near-dead", f"norm < {100 * NEAR_DEAD:g} % of median"))
    rows.append(("sparsity", f"{100 * float(found.sparsity[filter]):.3g} % have |w| ≤ {number(found.threshold)}"))
    rows.append(("bias", "none" if found.bias is None else number(float(found.bias[filter]))))
    if mode != "rgb":
        values = kernels.values[filter, channel]
        rows.append(("kernel", f"{number(float(values.min()))} … {number(float(values.max()))}"))
        if found.groups > 1:
            rows.append(("reads", f"input channel {int(found.inputs[filter, channel])}"))
    return rows


def _ends(kernels: Kernels, mode: str) -> tuple[str, str]:
    """Words or numbers at the ends of the colour bar of a sheet."""
    if kernels.scale == "layer":
        limit = kernels.limit(0, 0, mode)
        return number(-limit), number(limit)
    what = "filter" if mode == "rgb" else kernels.scale
    return f"−max |w| of the {what}", f"max |w| of the {what}"
