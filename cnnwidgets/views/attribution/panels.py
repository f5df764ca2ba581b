"""The panel of one attribution method: its map over the image, and that of a network with random weights."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.attribution import METHODS, rank_correlation
from ...render.color import Heat, fitted, overlay
from ...render.static import Panel
from ...widgets.panels import PanelBox
from ...widgets.surface import markup, number
from .maps import Found

MAP = 224
"""Width of a map, in px."""
CHARACTERS = 36
"""Characters in a line below a map of the static picture."""


class NotedBox(PanelBox):
    """Shows a `NotedPanel`: the page breaks its note into lines by itself, and keeps room for two."""

    def text(self, panel: Panel) -> str:
        """HTML of the colour bar and the note."""
        bar = ""
        if panel.colorbar is not None and panel.pixels is not None:
            bar = markup.colorbar(*panel.colorbar, panel.pixels.shape[1])
        note = escape(" ".join(panel.lines).strip())  # type: ignore[arg-type]
        return f'{bar}<div class="cnnw-quiet" style="line-height:17px;min-height:34px;margin-top:3px">{note}</div>'


@dataclass(frozen=True, eq=False)
class NotedPanel(Panel):
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


def method_panels(method: str, found: Found, check: Found | None, drawing: Drawing) -> list[Panel]:
    """The map of a method; below it `check`, that of random weights, where there is one, with the rank correlation."""
    heat = drawing.heat(found)
    name = METHODS[method][0].upper() + METHODS[method][1:]
    panels = [_panel(name, found, heat, found.note, drawing, key=method)]
    if check is not None:
        random = drawing.heat(check)
        said = "" if heat is None or random is None else _correlated(heat, random)
        panels.append(_panel("Random weights", check, random, said, drawing, key=f"{method} random"))
    return panels


def _panel(name: str, found: Found, heat: Heat | None, note: str, drawing: Drawing, **options: Any) -> Panel:
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
