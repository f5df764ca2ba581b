"""The panels of FilterView: the sheet of kernels, the chosen filter, and how its weights are distributed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...compute.filters import NEAR_DEAD, Filters
from ...render.color import apply, palette
from ...render.mosaic import Box, Grid, signed_rgb, titled
from ...render.static import Panel, counts, histogram
from ...widgets.panels import PanelBox
from ...widgets.surface import Swapped, number
from .sheets import ROOM, Kernels, Sheet, channel_word

WIDE = 240
"""Width of the chosen kernel, in px."""
TALL = 520
"""Height that a sheet takes before it scrolls, in px."""
BESIDE = 100
"""Room for the heading, the zoom and the scale of a mosaic, in px."""
CROSSED = 8
"""Tiles at least this large, in px, are crossed out where their filter is near-dead."""
MOST_CROSSED = 400

# ---------------------------------------------------------------------- the sheet


class SheetBox(PanelBox):
    """Stays the first panel in a narrow cell too, where others of its width move behind the small ones."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.remove_class("cnnw-many")


@dataclass(frozen=True, eq=False)
class SheetPanel(Panel):
    """Many kernels in one picture. A click chooses one."""

    box: ClassVar[type[PanelBox]] = SheetBox


def sheet_panel(
    sheet: Sheet,
    kernels: Kernels,
    colormap: str,
    mode: str,
    on_choose: Callable[[int, int], object],
    controls: Sequence[object] = (),
) -> Panel:
    """A sheet of kernels; the chosen one is not marked yet.

    Parameters
    ----------
    sheet : Sheet
        What is where.
    kernels : Kernels
        Whose.
    colormap : str
        That of the palette indices of the sheet, or the grey ramp that says what the colours mean.
    mode : str
        `rgb`, `single` or `collated`.
    on_choose : callable
        Called with (filter, channel) of the kernel that is clicked.
    controls : sequence of Widget
        What stands between heading and picture.
    """
    pixels = sheet.pixels
    if sheet.titles and sheet.grid is not None:
        pixels = titled(apply(pixels, colormap, alpha=True), sheet.grid, sheet.titles)
        # as wide as its panel: if it were enlarged, the letters would be blocks
        pixels = np.pad(pixels, ((0, 0), (0, max(0, ROOM - pixels.shape[1])), (0, 0)))
    name, _, rest = sheet.heading.partition(" · ")
    rest = " · ".join(filter(None, [rest, sheet.legend]))
    if sheet.grid is None:
        rest = "each pixel: its weight of largest magnitude"
    return SheetPanel(
        " · ".join(filter(None, [name, rest])),
        pixels,
        palette=palette(colormap) if pixels.ndim == 2 else None,
        width=ROOM,
        scrolls=TALL,
        colorbar=(colormap, *_sheet_ends(kernels, mode)),
        flags=_crossed_out(sheet, kernels.filters, pixels.shape[1]),
        cells=sheet.grid,
        describe=partial(_described, sheet, kernels.filters, mode),
        on_place=partial(_pressed, sheet, on_choose),
        hint="click to zoom" if sheet.grid is None else "click one",
        room=ROOM + BESIDE if mode == "collated" else 0,  # zooming moves nothing below
        controls=controls,
        key="sheet",
    )


def sheet_marks(sheet: Sheet, filter: int, channel: int) -> list[Box]:
    """Where a kernel is on a sheet, below its title; nothing where it is not seen."""
    box = sheet.box(filter, channel)
    return [] if box is None else [_below_title(sheet, box)]


def _below_title(sheet: Sheet, box: Box) -> Box:
    left, top, right, bottom = box
    return left, top + sheet.head, right, bottom


def _sheet_ends(kernels: Kernels, mode: str) -> tuple[str, str, str]:
    """What stands below the colour scale of a sheet."""
    if kernels.scale == "layer":
        limit = kernels.limit(0, 0, mode)
        return number(-limit), "0", number(limit)
    what = "filter" if mode == "rgb" else kernels.scale
    return f"−max |w| of the {what}", "0", f"max |w| of the {what}"


def _crossed_out(sheet: Sheet, filters: Filters, width: int) -> list[Box]:
    """Tiles of near-dead filters, where they are large enough and not too many to be crossed out."""
    dead, grid = filters.near_dead.tolist(), sheet.grid
    enlarged = max(ROOM // width, 1) if width <= ROOM else ROOM / width
    if grid is None or min(grid.cell_size) * enlarged < CROSSED or not any(dead):
        return []
    cells = [cell for cell in range(grid.count) if dead[sheet.hovered(cell)[0]]]
    return [_below_title(sheet, grid.box(cell)) for cell in cells] if len(cells) <= MOST_CROSSED else []


def _described(sheet: Sheet, filters: Filters, mode: str, cell: int) -> str:
    filter, channel = sheet.hovered(cell)
    dead = " · near-dead" if filters.near_dead[filter] else ""
    if mode == "rgb":
        return f"filter {filter} · norm {number(float(filters.norms[filter]))}{dead}"
    reads = int(filters.inputs[filter, channel])
    other = f" (input channel {reads})" if reads != channel else ""
    ends = _range(filters.weights[filter, channel].numpy())
    return f"filter {filter}, {channel_word(filters)} {channel}{other}: {ends}{dead}"


def _pressed(sheet: Sheet, on_choose: Callable[[int, int], object], x: float, y: float) -> None:
    if (kernel := sheet.kernel_at(x, y)) is not None:
        on_choose(*kernel)


# ---------------------------------------------------------------------- the chosen filter


def filter_panel(kernels: Kernels, filter: int, channel: int, colormap: str, mode: str) -> Panel:
    """Kernel `channel` of `filter`, or the filter in colour, large, with its numbers."""
    found, values = kernels.filters, kernels.values[filter]
    height, width = values.shape[1:]
    if mode == "rgb":
        pixels = signed_rgb(values[None], kernels.ranges[filter : filter + 1])[0]
        heading = f"Filter {filter} · {height} × {width} · red, green, blue"
    else:
        pixels, values = kernels.tiles[filter, channel], values[channel : channel + 1]
        what = channel_word(found)
        of = f"{what} {channel} of {found.channels}" if found.channels > 1 else f"the only {what}"
        heading = f"Filter {filter} · {of}"
    limit = kernels.limit(filter, channel, mode)
    return Panel(
        heading,
        pixels,
        palette=None if mode == "rgb" else palette(colormap),
        width=WIDE,
        colorbar=(colormap, number(-limit), "0", number(limit)),
        lines=_facts(kernels, filter, channel, mode),
        cells=Grid(height * width, 1, 1, columns=width, gap=0),
        describe=partial(_weights_at, values),
        key="filter",
    )


def _weights_at(values: NDArray[np.floating], cell: int) -> str:
    """What the weights (channels, kH, kW) of one place are."""
    row, column = divmod(cell, values.shape[2])
    return f"row {row}, column {column}: {', '.join(number(float(value)) for value in values[:, row, column])}"


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
        rows.append(("kernel", _range(kernels.values[filter, channel])))
        if found.groups > 1:
            rows.append(("reads", f"input channel {int(found.inputs[filter, channel])}"))
    return rows


def _range(values: NDArray[np.floating]) -> str:
    return f"{number(float(values.min()))} … {number(float(values.max()))}"


# ---------------------------------------------------------------------- the distribution of its weights


class WeightsBox(PanelBox):
    """The histogram on the plain ground, with the ends of its axis below."""

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """Show the picture of `panel`, where `before` is there."""
        if self.picture is None:
            self.picture, before = Swapped({"flex": "0 0 auto", "align_self": "flex-start", "margin": "0"}), Panel("")
            self.children = [self.heading, *self.picture.pictures, self.below]
        super().show_picture(panel, before)

    def text(self, panel: Panel) -> str:
        """HTML of what stands below the picture."""
        assert isinstance(panel, WeightsPanel)
        spans = "".join(f"<span>{text}</span>" for text in panel.axis)
        return f'<div class="cnnw-scale" style="width:{panel.size[0]}px">{spans}</div>'


@dataclass(frozen=True, eq=False)
class WeightsPanel(Panel):
    """How the weights of a filter are distributed.

    Attributes
    ----------
    axis
        What stands at the left end of the axis, in its middle and at its right end.
    """

    axis: Sequence[str] = ()
    box: ClassVar[type[PanelBox]] = WeightsBox


def layer_counts(filters: Filters) -> NDArray[np.int64]:
    """How the weights of the whole layer are distributed: what `weights_panel` shows behind those of a filter."""
    return counts(filters.weights.numpy(), _largest(filters), WIDE)


def weights_panel(filters: Filters, filter: int, behind: NDArray[np.int64]) -> Panel:
    """Histogram of the weights of a filter before that of the whole layer, on a logarithmic scale."""
    limit = _largest(filters)
    low, high = number(-limit), number(limit)
    return WeightsPanel(
        "Weights · grey: whole layer · log count",
        histogram(counts(filters.weights[filter].numpy(), limit, WIDE), behind),
        width=WIDE,
        lines=[f"from {low} to {high}, 0 in the middle"],
        axis=(low, "0", high),
        key="weights",
    )


def _largest(filters: Filters) -> float:
    return filters.largest or 1.0
