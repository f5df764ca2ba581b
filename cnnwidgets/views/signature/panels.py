"""The panels of SignatureView: bar codes, distances between classes, and the images that lie far from their class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from html import escape
from typing import ClassVar

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...compute.signatures import Outlier, Signatures
from ...render.color import PADDED, Shaded, apply, rgb
from ...render.mosaic import ACROSS, HIGH, barcodes, contact_sheet, shown_step, squares
from ...render.static import Panel
from ...render.text import ink, numerals
from ...widgets.panels import DETAIL, GRID, PanelBox
from ...widgets.state import Thumbnails
from ...widgets.surface import Box, number

TALL, SHORT = 600, 260
"""Heights in px that the bar codes and the outliers take before they scroll."""
COLUMNS, SIDE = 4, 64
"""Images in a row of the outliers, and px of each."""
MOST = 12
"""Outliers that are shown."""
NAMES, LEAST, CELL = 70, 20, 48
"""Px of the table of distances: for the names at the left, and for the side of a cell at least and at most."""
STYLE = """<style>
.cnnw-distances { display: grid; grid-auto-rows: 26px; line-height: 26px; margin: 4px 0; text-align: center;
  font-variant-numeric: tabular-nums; }
.cnnw-distances span { padding: 0 6px 0 2px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cnnw .cnnw-distances b { font-weight: 400; }
</style>"""


@dataclass(frozen=True, eq=False)
class ImagesPanel(Panel):
    """A picture in which images of the data set have their places."""

    places: Mapping[int, Box] = field(default_factory=dict)
    """Index of an image -> where it is in the picture."""

    def framed(self, index: int) -> ImagesPanel:
        """The same with a frame around image `index`, if that is there."""
        return replace(self, marks=[self.places[index]] if index in self.places else [])


def strips_panel(
    found: Signatures, thumbnails: Thumbnails, colormap: str, *, each: bool, on_choose: Callable[[int], object]
) -> ImagesPanel:
    """A bar code for each image, class after class, beside a small picture of it.

    Parameters
    ----------
    found : Signatures
        The vectors.
    thumbnails : Thumbnails
        Of the data set.
    colormap : str
        Name as `Shaded` takes it.
    each : bool
        Whether every strip has a colour scale of its own.
    on_choose : callable
        Called with the index of an image that is clicked.
    """
    vectors = found.vectors.numpy()[:, None]
    shaded = Shaded.of(vectors, colormap=colormap, scale="map" if each else "layer-full")
    indices, labels = found.indices.tolist(), found.labels.tolist()
    pixels, cells, rows = barcodes(
        [tile[0] for tile in shaded.tiles()],
        [thumbnails(index, HIGH) for index in indices],
        [f"#{index}" for index in indices],
        {labels.index(target): thumbnails.items.class_name(target) for target in found.targets},
        shaded.colormap,
    )
    low, middle, high = shaded.ends()
    ends: tuple[str, str | None, str] = (number(low), None if middle is None else "0", number(high))
    if each:
        ends = ("each strip's lowest", None, "each strip's highest")
        if middle is not None:
            ends = ("each strip's −max", "0", "each strip's +max")
    step = shown_step(vectors.shape[-1])
    bars = "one bar per number of the vector" if step == 1 else f"every {step}th number"

    def choose(square: int) -> None:
        if (place := rows[square // ACROSS]) is not None:
            on_choose(indices[place])

    return ImagesPanel(
        f"{len(indices)} strips · {bars}",
        pixels,
        width=GRID,
        scrolls=TALL,
        colorbar=(shaded.colormap, *ends),
        cells=squares(cells),
        describe=partial(_range, found, rows),
        on_cell=choose,
        hint="click one",
        places={indices[place]: cells.box(row) for row, place in enumerate(rows) if place is not None},
        key="strips",
    )


def _range(found: Signatures, rows: list[int | None], square: int) -> str:
    place = rows[square // ACROSS]
    if place is None:
        return "images of this class"
    values = found.vectors[place]
    return f"image {int(found.indices[place])}: {number(float(values.min()))} … {number(float(values.max()))}"


class DistanceBox(PanelBox):
    """Shows a `DistancePanel` as a table of HTML, which has room for the names of many classes."""

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """Nothing: the table stands for the picture."""

    def text(self, panel: Panel) -> str:
        """The table, and below it what a panel says."""
        assert panel.pixels is not None
        (_, *names), *rows = panel.texts
        spans = [f'<span title="{escape(name)}">{escape(name)}</span>' for name in names]
        cells = ["<span></span>", *spans]
        for span, colors, texts in zip(spans, panel.pixels[1:, 1:], rows, strict=True):
            cells.append(span)
            cells += [
                f'<b style="background:#{color.tobytes().hex()};color:{ink(color)}">{escape(text)}</b>'
                for color, text in zip(colors, texts[1:], strict=True)
            ]
        side = max(LEAST, min(CELL, (DETAIL - NAMES) // len(names)))
        columns = f"grid-template-columns:fit-content({NAMES}px) repeat({len(names)},{side}px)"
        table = f'{STYLE}<div class="cnnw-distances" style="{columns}">{"".join(cells)}</div>'
        return f'<div style="margin-bottom:14px">{table}{super().text(panel)}</div>'


@dataclass(frozen=True, eq=False)
class DistancePanel(Panel):
    """A table as a picture: a pixel for each cell, with its text; names in the first row and column."""

    box: ClassVar[type[PanelBox]] = DistanceBox

    def size_of(self, pixels: NDArray[np.uint8]) -> tuple[int, int]:
        """A cell is at most `CELL` px wide."""
        return Panel(self.heading, width=min(self.width, CELL * pixels.shape[1])).size_of(pixels)


def distance_panel(found: Signatures, names: list[str]) -> DistancePanel:
    """Mean distances within and between classes, as a table of numbers on their colours; `names` of the classes."""
    values = found.table().numpy()
    shaded = Shaded.of(values[None], colormap="viridis", scale=_from_zero(values))
    side = len(names) + 1
    pixels = np.empty((side, side, 3), np.uint8)
    pixels[:] = rgb(PADDED)
    pixels[1:, 1:] = apply(shaded.tile(0), shaded.colormap)
    pixels[1:, 1:][np.isnan(values)] = rgb(PADDED)
    numbers, factor = numerals(values, tight=len(names) > 5)
    rows = [[text if text != "NaN" else "–" for text in row] for row in numbers]
    note = f"on the diagonal: within a class{'; –: only one image' if np.isnan(values).any() else ''}"
    lines: list[str | tuple[str, str]] = [note, ("within a class", number(found.within))]
    if len(names) > 1:
        lines.append(("between classes", number(found.between)))
    return DistancePanel(
        f"Mean distance · {' '.join(filter(None, [found.metric, factor]))}",
        pixels,
        width=DETAIL,
        texts=[["", *names], *([name, *row] for name, row in zip(names, rows, strict=True))],
        lines=lines,
        key="distances",
    )


def outliers_panel(
    found: Signatures, thumbnails: Thumbnails, target: int, *, on_choose: Callable[[int], object], menu: W.Widget
) -> ImagesPanel:
    """The images of class `target`, the one farthest from its centre first.

    Parameters
    ----------
    found : Signatures
        The vectors.
    thumbnails : Thumbnails
        Of the data set.
    target : int
        A class of `found`.
    on_choose : callable
        Called with the index of an image that is clicked.
    menu : Widget
        Chooses the class; stands under the heading.
    """
    ranked = found.outliers(target)
    shown = ranked[:MOST]
    pixels, cells = contact_sheet(
        [thumbnails(outlier.index, SIDE) for outlier in shown],
        [f"#{outlier.index} {number(outlier.distance, 2)}" for outlier in shown],
        side=SIDE,
        columns=min(COLUMNS, len(shown)),
    )
    of = f"the {len(shown)} of {len(ranked)} that are " if len(ranked) > len(shown) else ""
    return ImagesPanel(
        f"Outliers of {thumbnails.items.class_name(target)} · {of}farthest from the class median",
        pixels,
        width=DETAIL,
        scrolls=SHORT,
        cells=cells,
        describe=partial(_distance, shown),
        on_cell=lambda cell: on_choose(shown[cell].index),
        places={outlier.index: cells.box(cell) for cell, outlier in enumerate(shown)},
        controls=[menu],
        key="outliers",
    )


def _distance(shown: list[Outlier], cell: int) -> str:
    outlier = shown[cell]
    return f"no. {cell + 1}: image {outlier.index}, distance {number(outlier.distance)}"


def _from_zero(values: NDArray[np.floating]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return 0.0, float(finite.max(initial=0)) or 1.0
