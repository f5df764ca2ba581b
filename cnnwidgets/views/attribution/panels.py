"""The panel of one attribution method: its map over the image, and that of a network with random weights."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, ClassVar

import ipywidgets as W
import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.attribution import METHODS, rank_correlation
from ...render.color import SIGNS, Heat, fitted, overlay
from ...render.static import Panel
from ...widgets.painter import Numbers, Painting
from ...widgets.panels import PaintedBox, PaintedPanel, PanelBox
from ...widgets.surface import markup, number
from .maps import Found

MAP = 224
"""Width of a map, in px."""
CHARACTERS = 36
"""Characters in a line below a map of the static picture."""
LARGEST = 2**20
"""Pixels of a map up to which a page paints it."""


class NotedBox(PaintedBox):
    """Shows a `NotedPanel`: the page breaks its note into lines by itself, and keeps room for two."""

    def text(self, panel: Panel) -> str:
        """HTML of the colour bar and the note."""
        bar = ""
        if panel.colorbar is not None and panel.pixels is not None:
            bar = markup.colorbar(*panel.colorbar, panel.pixels.shape[1])
        note = escape(" ".join(panel.lines).strip())  # type: ignore[arg-type]
        return f'{bar}<div class="cnnw-quiet" style="line-height:17px;min-height:34px;margin-top:3px">{note}</div>'


@dataclass(frozen=True, eq=False)
class NotedPanel(PaintedPanel):
    """A map with a note, in at least two lines: what stands below it is aligned with its neighbours."""

    box: ClassVar[type[PanelBox]] = NotedBox


@dataclass(frozen=True, eq=False)
class Drawing:
    """How maps are drawn: over which grey image, and `Heat`'s options."""

    grey: NDArray[np.uint8]
    sign: str
    outliers: float
    colormap: str
    opacity: float

    def heat(self, found: Found) -> Heat | None:
        """The colours of a map; None where there is no map to draw."""
        if found.values is None or not found.values.isfinite().all():
            return None
        return Heat.of(found.values.numpy(), sign=self.sign, outliers=self.outliers, colormap=self.colormap)


@dataclass(frozen=True, eq=False)
class Shared:
    """What all maps have in common that a page paints: the picture below them, and the rest as of a `Painting`."""

    grey: Numbers
    state: Mapping[str, Any]
    links: Mapping[str, Sequence[W.Widget]]
    words: str

    def over(self, panel: NotedPanel, numbers: Numbers, note: str | Mapping[str, str]) -> NotedPanel:
        """A panel with what a page needs to paint its map; `note` may depend on the sign."""
        painting = Painting(
            numbers,
            "heat",
            self.state,
            self.links,
            width=MAP,
            tall=MAP,
            heading=panel.heading.split(" · "),
            words=self.words,
            name=panel.key,
            other=self.grey,
            note=note,
        )
        return replace(panel, painting=painting)


def method_panels(method: str, found: Found, check: Found | None, drawing: Drawing) -> list[NotedPanel]:
    """The map of a method; below it `check`, that of random weights, where there is one, with the rank correlation."""
    heat = drawing.heat(found)
    name = METHODS[method][0].upper() + METHODS[method][1:]
    panels = [_panel(name, found, heat, found.note, drawing, key=method)]
    if check is not None:
        random = drawing.heat(check)
        said = "" if heat is None or random is None else _correlated(heat, random)
        panels.append(_panel("Random weights", check, random, said, drawing, key=f"{method} random"))
    return panels


def numbers_of(found: Found | None) -> Numbers | None:
    """The map as it goes to a page; None where no page paints it."""
    values = None if found is None else found.values
    if values is None or values.numel() > LARGEST or not values.isfinite().all():
        return None
    return Numbers(values[None].numpy())


def correlations(found: Found, check: Found | None) -> dict[str, str]:
    """For each sign, how the map of random weights agrees with that of the network; empty without one of them."""
    maps = [None if each is None or each.values is None else each.values.numpy() for each in (found, check)]
    if any(each is None or not np.isfinite(each).all() for each in maps):
        return {}
    return {sign: _correlated(*(Heat.of(each, sign=sign) for each in maps if each is not None)) for sign in SIGNS}


def _panel(name: str, found: Found, heat: Heat | None, note: str, drawing: Drawing, **options: Any) -> NotedPanel:
    if heat is None:
        why = found.note if found.values is None else "the map holds values that are not finite"
        return NotedPanel(name, width=MAP, lines=_lines(why), **options)
    pixels = overlay(drawing.grey, heat.pixels, heat.weight(drawing.opacity))
    low, middle, high = heat.ends()
    ends = number(low), None if middle is None else "0", number(high)
    return NotedPanel(
        name, fitted(pixels, MAP, MAP), width=MAP, colorbar=(heat.colormap, *ends), lines=_lines(note), **options
    )


def _correlated(heat: Heat, random: Heat) -> str:
    found = rank_correlation(*(torch.from_numpy(each.values) for each in (heat, random)))
    if math.isnan(found):
        return "no rank correlation: a map is constant"
    return f"rank correlation with the map above {number(found, 2)}"


def _lines(note: str) -> list[str]:
    lines = textwrap.wrap(note, CHARACTERS, break_long_words=False, break_on_hyphens=False)
    return lines + [""] * (2 - len(lines))
