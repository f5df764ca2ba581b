"""The panels of SignatureView: bar codes, distances between classes, and the images that lie far from their class."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...compute.signatures import Signatures
from ...render.color import PADDED, Shaded, apply, rgb
from ...render.mosaic import ACROSS, HIGH, barcodes, contact_sheet, shown_step, squares
from ...render.static import Panel
from ...render.text import ink, numerals
from ...widgets.panels import DETAIL, GRID, CardPanel
from ...widgets.state import Thumbnails
from ...widgets.surface import PixelFigure, Text, markup, number

TALL = 600
"""Height in px that the bar codes take before they scroll."""
COLUMNS, SIDE = 4, 64
"""Images in a row of the outliers, and px of each."""
MOST = 12
"""Outliers that are shown."""
STYLE = """<style>
.cnnw-distances { display: grid; grid-auto-rows: 26px; line-height: 26px; margin: 4px 0; text-align: center;
  font-variant-numeric: tabular-nums; }
.cnnw-distances span { padding: 0 6px 0 2px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cnnw .cnnw-distances b { font-weight: 400; }
</style>"""


class StripsPanel(CardPanel):
    """A bar code for each image, class after class, beside a small picture of it. A click chooses the image."""

    def __init__(self, on_choose: Callable[[int], None]) -> None:
        self._on_choose = on_choose
        self._text, self._scale = Text(), Text()
        self.figure = PixelFigure(GRID, TALL)
        self.figure.on_cell(self._clicked)
        super().__init__(GRID, self._text, self.figure, self._scale)
        self.add_class("cnnw-many")

    def draw(self, found: Signatures, thumbnails: Thumbnails, colormap: str, each: bool) -> None:
        """Show all vectors; `each` says that every one has a colour scale of its own."""
        vectors = found.vectors.numpy()[:, None]
        shaded = Shaded.of(vectors, colormap=colormap, scale="map" if each else "layer-full")
        indices, labels = found.indices.tolist(), found.labels.tolist()
        self._found, self._colormap = found, shaded.colormap
        headings = {labels.index(target): thumbnails.items.class_name(target) for target in found.targets}
        pictures = [thumbnails(index, HIGH) for index in indices]
        tiles = [tile[0] for tile in shaded.tiles()]
        self._pixels, self._cells, self._places = barcodes(
            tiles, pictures, [f"#{index}" for index in indices], headings, shaded.colormap
        )
        self.figure.show(self._pixels)
        self.figure.cells(squares(self._cells), self._describe)
        low, middle, high = shaded.ends()
        self._ends: tuple[str, str | None, str] = (number(low), None if middle is None else "0", number(high))
        if each:
            self._ends = ("each strip's lowest", None, "each strip's highest")
            if middle is not None:
                self._ends = ("each strip's −max", "0", "each strip's +max")
        step = shown_step(vectors.shape[-1])
        thinned = f"every {step}th number" if step > 1 else ""
        self._heading = [f"{len(indices)} strips", "one bar per number of the vector" if step == 1 else thinned]
        self._text.value = markup.heading(*self._heading, "click one")
        self._scale.value = markup.colorbar(shaded.colormap, *self._ends, self._cells.box(0)[2])

    def select(self, index: int) -> None:
        """Frame the strip of image `index`, if it is there."""
        shown = self._found.indices.tolist()
        place = shown.index(index) if index in shown else None
        self._chosen = None if place is None else self._cells.box(self._places.index(place))
        self.figure.frame(self._chosen)

    def static(self) -> Panel:
        """The same for the static picture."""
        marks = [] if self._chosen is None else [self._chosen]
        colorbar = (self._colormap, *self._ends)
        wide = self._cells.box(0)[2]
        pixels = self._pixels[:, :wide]
        return Panel(" · ".join(self._heading), pixels, width=wide, marks=marks, colorbar=colorbar)

    def _describe(self, square: int) -> str:
        place = self._places[square // ACROSS]
        if place is None:
            return "images of this class"
        values = self._found.vectors[place]
        return f"image {int(self._found.indices[place])}: {number(float(values.min()))} … {number(float(values.max()))}"

    def _clicked(self, square: int) -> None:
        if (place := self._places[square // ACROSS]) is not None:
            self._on_choose(int(self._found.indices[place]))


class DistancePanel(CardPanel):
    """Mean distances within and between classes, as a table with its values on their colours."""

    def __init__(self) -> None:
        self._text = Text()
        super().__init__(DETAIL, self._text)

    def draw(self, found: Signatures, names: list[str]) -> None:
        """Show the distances; `names` are those of the classes."""
        self._found, self._names = found, names
        self._values = found.table().numpy()
        shaded = Shaded.of(self._values[None], colormap="viridis", scale=_from_zero(self._values))
        self._colors = apply(shaded.tile(0), shaded.colormap)
        self._colors[np.isnan(self._values)] = rgb(PADDED)
        texts, self._factor = numerals(self._values, tight=len(names) > 5)
        self._texts = [[text if text != "NaN" else "–" for text in row] for row in texts]
        self._heading = ["Mean distance", " ".join(filter(None, [found.metric, self._factor]))]
        self._facts = [("within a class", number(found.within))]
        if len(names) > 1:
            self._facts.append(("between classes", number(found.between)))
        self._text.value = (
            markup.heading(*self._heading) + self._html() + '<div class="cnnw-quiet">on the diagonal: within a class'
            f"{'; –: only one image' if np.isnan(self._values).any() else ''}</div>" + markup.facts(self._facts)
        )

    def static(self) -> Panel:
        """The same for the static picture: names in the first row and column."""
        side = len(self._names) + 1
        pixels = np.empty((side, side, 3), np.uint8)
        pixels[:] = rgb(PADDED)
        pixels[1:, 1:] = self._colors
        texts = [["", *self._names], *([name, *row] for name, row in zip(self._names, self._texts, strict=True))]
        width = min(DETAIL, 48 * side)
        return Panel(" · ".join(self._heading), pixels, width=width, texts=texts, lines=self._facts)

    def _html(self) -> str:
        side = max(20, min(48, (DETAIL - 70) // len(self._names)))
        names = [f'<span title="{escape(name)}">{escape(name)}</span>' for name in self._names]
        cells = ["<span></span>", *names]
        for name, colors, texts in zip(names, self._colors, self._texts, strict=True):
            cells.append(name)
            cells += [
                f'<b style="background:#{color.tobytes().hex()};color:{ink(color)}">{escape(text)}</b>'
                for color, text in zip(colors, texts, strict=True)
            ]
        columns = f"grid-template-columns:fit-content(70px) repeat({len(names)},{side}px)"
        return f'{STYLE}<div class="cnnw-distances" style="{columns}">{"".join(cells)}</div>'


class OutliersPanel(CardPanel):
    """The images of one class, the one farthest from its centre first. A click chooses one."""

    def __init__(self, menu: W.Widget, on_choose: Callable[[int], None]) -> None:
        self._on_choose = on_choose
        self._text = Text()
        self.figure = PixelFigure(DETAIL, 260)
        self.figure.on_cell(lambda cell: on_choose(self.ranked[cell].index))
        super().__init__(DETAIL, self._text, menu, self.figure)

    def draw(self, found: Signatures, thumbnails: Thumbnails, target: int) -> None:
        """Show the outliers of class `target`."""
        self.ranked = found.outliers(target)
        shown = self.ranked[:MOST]
        pictures = [thumbnails(outlier.index, SIDE) for outlier in shown]
        titles = [f"#{outlier.index} {number(outlier.distance, 2)}" for outlier in shown]
        self._pixels, self._cells = contact_sheet(pictures, titles, side=SIDE, columns=min(COLUMNS, len(shown)))
        self.figure.show(self._pixels)
        self.figure.cells(self._cells, self._describe)
        of = f"the {len(shown)} of {len(self.ranked)} that are" if len(self.ranked) > len(shown) else ""
        self._heading = [
            f"Outliers of {thumbnails.items.class_name(target)}",
            f"{of} farthest from the class median".strip(),
        ]
        self._text.value = markup.heading(*self._heading)

    def select(self, index: int) -> None:
        """Frame image `index`, if it is there."""
        shown = [outlier.index for outlier in self.ranked[:MOST]]
        self._chosen = self._cells.box(shown.index(index)) if index in shown else None
        self.figure.frame(self._chosen)

    def static(self) -> Panel:
        """The same for the static picture."""
        marks = [] if self._chosen is None else [self._chosen]
        return Panel(" · ".join(self._heading), self._pixels, width=self._pixels.shape[1], marks=marks)

    def _describe(self, cell: int) -> str:
        outlier = self.ranked[cell]
        return f"no. {cell + 1}: image {outlier.index}, distance {number(outlier.distance)}"


def _from_zero(values: NDArray[np.floating]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return 0.0, float(finite.max(initial=0)) or 1.0
