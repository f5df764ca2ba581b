"""The panels of ReceptiveFieldView: the photo with the box and the gradient on it, and the table of all layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import ClassVar
from uuid import uuid4

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...compute.receptive_field import Box, ReceptiveField, ReceptiveFields, text
from ...render.color import apply, overlay, to_picture, to_uint8
from ...render.static import Panel
from ...widgets.panels import PHOTO, PanelBox, enlarged
from ...widgets.state import Snapshot
from ...widgets.surface import layout, markup, number, plain
from .words import extent

TABLE = 240
"""Width of the table, in px."""
HEAT = "inferno"
TOP = 0.99
"""The share of the pixels with a gradient that lie within the colour scale: a few are far above all others."""
NEIGHBOURS, LONGEST = 9, 17
"""Layers before and after the chosen one in the static picture, and characters of their names."""

Photo = NDArray[np.uint8]
Heat = NDArray[np.float32]


def photo_panel(
    heading: str, photo: Photo, heat: Heat | None, opacity: float, on_pixel: Callable[[float, float], object]
) -> Panel:
    """The photo with the gradient of a unit laid over it.

    Parameters
    ----------
    heading : str
        As of every `Panel`.
    photo : ndarray of uint8
        (H, W, 3).
    heat : ndarray or None
        (H, W), the gradient; None: the photo alone.
    opacity : float
        Of the gradient where it is strongest, 0 to 1.
    on_pixel : callable
        Called with (row, column) of the photo, where a pixel has its centre at whole numbers.
    """
    top = _top(heat)
    pixels = enlarged(_heated(photo, heat, top, opacity))
    factor = pixels.shape[0] / photo.shape[0]

    def pressed(x: float, y: float) -> None:
        on_pixel(y / factor - 0.5, x / factor - 0.5)

    colorbar = None if heat is None else (HEAT, "0", "|gradient|", f"≥ {number(top)}")
    return Panel(heading, pixels, width=PHOTO, colorbar=colorbar, on_place=pressed, key="photo")


def framed(panel: Panel, photo: Photo, box: Box) -> Panel:
    """The panel of a photo with `box`, in pixels of the photo, framed; an empty one is not."""
    assert panel.pixels is not None
    top, left, bottom, right = (edge * panel.pixels.shape[0] / photo.shape[0] for edge in box)
    return replace(panel, marks=[(left, top, right, bottom)] if bottom > top and right > left else [])


def _top(heat: Heat | None) -> float:
    """The value at the upper end of the colours."""
    if heat is None or not (heat > 0).any():
        return 1.0
    return float(np.quantile(heat[heat > 0], TOP))


def _heated(photo: Photo, heat: Heat | None, top: float, opacity: float) -> Photo:
    if heat is None:
        return photo
    colours = apply(to_uint8(heat[None], [[0.0, top]])[0], HEAT)
    return overlay(photo, colours, opacity * np.sqrt(np.clip(heat / top, 0, 1)))


def photo_of(snapshot: Snapshot, size: tuple[int, int]) -> tuple[Photo, str]:
    """The photo (H, W, 3) at `size` (height, width), as the model sees it, and its label; grey where there is none."""
    label = markup.labelled(snapshot.item.text)
    if snapshot.item.image is None:
        return np.full((*size, 3), 128, np.uint8), label
    picture = to_picture(snapshot.subject.items.picture(snapshot.item.image).numpy())
    if picture.rescaled:
        label = " · ".join(filter(None, [label, f"{number(picture.vmin)} to {number(picture.vmax)}"]))
    if picture.pixels.shape[:2] == size:
        return picture.pixels, label
    return np.array(Image.fromarray(picture.pixels).resize(size[::-1], Image.Resampling.BILINEAR)), label


class LayersBox(PanelBox):
    """Keeps the chosen layer in sight, however the table is scrolled."""

    def __init__(self, panel: Panel) -> None:
        self._mark = plain(W.HTML, layout=W.Layout(display="none"))
        self._class = f"cnnw-{uuid4().hex}"  # this table's own: several views may be on a page
        super().__init__(panel)
        self.below.add_class(self._class)
        self.children = [plain(W.HTML, STYLE, layout=layout(display="none")), self._mark, *self.children]

    def show(self, panel: Panel) -> None:
        """Show another description; a table that is there already stays where it is scrolled to."""
        super().show(panel)
        assert isinstance(panel, LayersPanel)
        self._mark.value = CHOSEN % (self._class, panel.marked + 1)

    def text(self, panel: Panel) -> str:
        """HTML of the table."""
        assert isinstance(panel, LayersPanel)
        return panel.table


@dataclass(frozen=True, eq=False)
class LayersPanel(Panel):
    """What `layers_panel` makes.

    Attributes
    ----------
    fields
        Of all layers, which `table` has as HTML.
    marked
        Place of the chosen one among them.
    """

    box: ClassVar[type[PanelBox]] = LayersBox
    fields: Sequence[ReceptiveField] = ()
    table: str = ""
    marked: int = 0

    def choose(self, layer: str) -> LayersPanel:
        """The same table with `layer` marked; the static picture has the layers around it."""
        marked = [field.layer for field in self.fields].index(layer)
        return replace(self, marked=marked, parts=[_excerpt(self.fields, marked)])


def layers_panel(fields: ReceptiveFields) -> LayersPanel:
    """Size and stride of all layers."""
    pairs = ' class="cnnw-pairs"' if any(isinstance(field.size, tuple) for field in fields) else ""
    head = "<tr><th>layer</th><th>size</th><th>stride</th></tr>"
    table = (
        f'<div class="cnnw-fields"><table{pairs}><thead>{head}</thead>'
        f"<tbody>{''.join(map(_row, fields))}</tbody></table></div>"
    )
    heading = f"All {len(fields)} layers · fields in px"
    return LayersPanel(heading, width=TABLE, fields=list(fields), table=table, key="layers")


def _excerpt(fields: Sequence[ReceptiveField], marked: int) -> Panel:
    count, lines = len(fields), []
    first = max(0, min(marked - NEIGHBOURS, count - 2 * NEIGHBOURS - 1))
    for place, field in enumerate(fields[first : first + 2 * NEIGHBOURS + 1], first):
        size, stride = extent(field)
        name = field.layer if len(field.layer) <= LONGEST else f"…{field.layer[1 - LONGEST :]}"
        mark = "▸ " if place == marked else ""
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
