"""The panels of ReceptiveFieldView: the photo with the box and the gradient on it, and the table of all layers."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any
from uuid import uuid4

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...compute.dataset import Items
from ...compute.receptive_field import Box, ReceptiveField, ReceptiveFields, text
from ...render.color import apply, overlay, to_picture, to_uint8
from ...render.static import Panel
from ...widgets.panels import PHOTO, CardPanel, enlarged
from ...widgets.state import Look
from ...widgets.surface import PixelFigure, Text, markup, number
from .words import extent

TABLE = 240
"""Width of the table, in px."""
HEAT = "inferno"
TOP = 0.99
"""The share of the pixels with a gradient that lie within the colour scale: a few are far above all others."""
NEIGHBOURS, LONGEST = 9, 17
"""Layers before and after the chosen one in the static picture, and characters of their names."""


class PhotoPanel(CardPanel):
    """The photo, the box that a unit sees, and the unit's gradient as an overlay. A click chooses a unit."""

    def __init__(self, on_pixel: Callable[[float, float], None]) -> None:
        self._on_pixel = on_pixel
        self._text, self._below = Text(), Text()
        self.figure = PixelFigure(PHOTO, PHOTO, fit=True)
        self.figure.on_click(self._clicked)
        self._sent: tuple[Any, ...] = ()
        super().__init__(PHOTO, self._text, self.figure, self._below)

    def draw(
        self,
        name: str,
        quiet: str,
        photo: NDArray[np.uint8],
        heat: NDArray[np.float32] | None,
        opacity: float,
        box: Box,
    ) -> None:
        """Show `photo` (H, W, 3) with `box` framed and `heat` (H, W) over it, or no heat."""
        self._name, self._quiet, self._box = name, quiet, box
        self._text.value = markup.heading(name, quiet)
        key = (id(photo), id(heat), opacity)
        if key != self._sent:
            self._sent = key
            self._keep = (photo, heat)  # so that the numbers above stay theirs
            self._top = _top(heat)
            self._pixels = enlarged(_heated(photo, heat, self._top, opacity))
            self._factor = self._pixels.shape[0] / photo.shape[0]
            self.figure.show(self._pixels)
            self._below.value = ""
            if heat is not None:
                self._below.value = markup.colorbar(HEAT, *self._ends(), self.figure.shown_width)
        self.figure.frame(self._frame())

    def static(self) -> Panel:
        """The same for the static picture."""
        colorbar = None if self._keep[1] is None else (HEAT, *self._ends())
        heading = " · ".join(filter(None, (self._name, self._quiet)))
        frame = self._frame()
        return Panel(heading, self._pixels, width=PHOTO, marks=[] if frame is None else [frame], colorbar=colorbar)

    def _frame(self) -> tuple[float, float, float, float] | None:
        top, left, bottom, right = (edge * self._factor for edge in self._box)
        return (left, top, right, bottom) if bottom > top and right > left else None

    def _ends(self) -> tuple[str, str | None, str]:
        return "0", "|gradient|", f"≥ {number(self._top)}"

    def _clicked(self, x: float, y: float) -> None:
        self._on_pixel(y / self._factor - 0.5, x / self._factor - 0.5)


def _top(heat: NDArray[np.float32] | None) -> float:
    """The value at the upper end of the colours."""
    if heat is None or not (heat > 0).any():
        return 1.0
    return float(np.quantile(heat[heat > 0], TOP))


def _heated(
    photo: NDArray[np.uint8], heat: NDArray[np.float32] | None, top: float, opacity: float
) -> NDArray[np.uint8]:
    if heat is None:
        return photo
    colours = apply(to_uint8(heat[None], [[0.0, top]])[0], HEAT)
    return overlay(photo, colours, opacity * np.sqrt(np.clip(heat / top, 0, 1)))


def photo_of(look: Look, items: Items, size: tuple[int, int]) -> tuple[NDArray[np.uint8], str]:
    """The photo (H, W, 3) at `size` (height, width), as the model sees it, and its label; grey where there is none."""
    label = markup.labelled(look.item.text)
    if look.item.image is None:
        return np.full((*size, 3), 128, np.uint8), label
    picture = to_picture(items.picture(look.item.image).numpy())
    if picture.rescaled:
        label = " · ".join(filter(None, [label, f"{number(picture.vmin)} to {number(picture.vmax)}"]))
    if picture.pixels.shape[:2] == size:
        return picture.pixels, label
    return np.array(Image.fromarray(picture.pixels).resize(size[::-1], Image.Resampling.BILINEAR)), label


class LayersPanel(CardPanel):
    """Size and stride of all layers, the chosen one marked; it stays in sight however the table is scrolled."""

    def __init__(self) -> None:
        self._table, self._mark = Text(), W.HTML(layout=W.Layout(display="none"))
        self._class = f"cnnw-{uuid4().hex}"  # this table's own: several views may be on a page
        self._table.add_class(self._class)
        self._fields: ReceptiveFields | None = None
        super().__init__(TABLE, W.HTML(STYLE, layout=W.Layout(display="none")), self._mark, self._table)

    def draw(self, fields: ReceptiveFields, layer: str) -> None:
        """Show all `fields`, that of `layer` marked. A table that is there already stays where it is scrolled to."""
        if fields is not self._fields:
            self._fields = fields
            pairs = ' class="cnnw-pairs"' if any(isinstance(field.size, tuple) for field in fields) else ""
            head = "<tr><th>layer</th><th>size</th><th>stride</th></tr>"
            self._table.value = (
                markup.heading(f"All {len(fields)} layers", "fields in px")
                + f'<div class="cnnw-fields"><table{pairs}><thead>{head}</thead>'
                + f"<tbody>{''.join(map(_row, fields))}</tbody></table></div>"
            )
        self._chosen = [field.layer for field in fields].index(layer)
        self._mark.value = CHOSEN % (self._class, self._chosen + 1)

    def static(self) -> Panel:
        """The layers around the chosen one, for the static picture."""
        assert self._fields is not None
        count, lines = len(self._fields), []
        first = max(0, min(self._chosen - NEIGHBOURS, count - 2 * NEIGHBOURS - 1))
        for place, field in enumerate(self._fields[first : first + 2 * NEIGHBOURS + 1], first):
            size, stride = extent(field)
            name = field.layer if len(field.layer) <= LONGEST else f"…{field.layer[1 - LONGEST :]}"
            mark = "▸ " if place == self._chosen else ""
            lines.append((mark + name, f"{size} · stride {stride}" if stride else size))
        some = f"All {count}" if len(lines) == count else f"{len(lines)} of {count}"
        return Panel(f"{some} layers · fields in px", width=TABLE + 60, lines=lines)


def _row(field: ReceptiveField) -> str:
    size, stride = map(escape, extent(field))
    name = escape(field.layer)
    tip = escape(f"{field.layer}: {field.reason or field.note or 'start ' + text(field.start)}")
    return f'<tr title="{tip}"><td><div><bdi>{name}</bdi></div></td><td>{size}</td><td>{stride}</td></tr>'


STYLE = """<style>
.cnnw .cnnw-fields { max-height: 452px; overflow-y: auto; margin-top: 4px; border: 1px solid var(--cnnw-line);
  border-radius: 3px; }
.cnnw .cnnw-fields table { width: 100%; table-layout: fixed; border-collapse: separate; border-spacing: 0;
  font-size: 12px; font-variant-numeric: tabular-nums; margin: 0; color: var(--cnnw-text); }
.cnnw .cnnw-fields tr, .cnnw .cnnw-fields tbody tr:nth-child(even) { background: transparent; }
.cnnw .cnnw-fields td, .cnnw .cnnw-fields th { text-align: right; padding: 2px 8px; line-height: 18px;
  white-space: nowrap; }
.cnnw .cnnw-fields th { position: sticky; top: 0; z-index: 2; font-weight: normal; color: var(--cnnw-muted);
  background: var(--cnnw-ground); border-bottom: 1px solid var(--cnnw-line); }
.cnnw .cnnw-fields th:first-child, .cnnw .cnnw-fields td:first-child { text-align: left; width: 52%; }
.cnnw .cnnw-fields .cnnw-pairs th:first-child { width: 34%; }
.cnnw .cnnw-fields td div { overflow: hidden; text-overflow: ellipsis; direction: rtl; text-align: left; }
</style>"""
CHOSEN = """<style>
.cnnw .%s tbody tr:nth-child(%d) td { position: sticky; top: 22px; bottom: 0; z-index: 1; color: var(--cnnw-on-accent);
  background: var(--cnnw-accent); }
</style>"""
