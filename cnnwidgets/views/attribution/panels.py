"""The panel of one attribution method: its map over the image, and that of a network with random weights."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from html import escape

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...render import encode_png
from ...render.color import Heat, fitted
from ...render.static import Panel
from ...widgets.surface import Swapped, Text, markup, number

MAP = 224
"""Width of a map, in px."""
CHARACTERS = 36
"""Characters in a line below a map of the static picture."""
RANDOM = "Random weights"


@dataclass(frozen=True, eq=False)
class Drawn:
    """One map as it is to be drawn: heat and pixels, or the `reason` why there are none; `note` in words."""

    heat: Heat | None
    pixels: NDArray[np.uint8] | None
    note: str
    reason: str = ""


class MethodPanel(W.VBox):
    """Heading, map, colour bar and note; below them the same for random weights, where that is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name[0].upper() + name[1:]
        self._parts = [(Text(), _image(), Text()) for _ in range(2)]
        layout = W.Layout(width=f"{MAP + 24}px", flex="0 0 auto", padding="0 20px 10px 0", overflow="hidden")
        parts = [(heading, *image.pictures, below) for heading, image, below in self._parts]
        super().__init__([part for each in parts for part in each], layout=layout)

    def draw(self, found: Drawn, check: Drawn | None, correlation: float | None) -> None:
        """Show the map `found`, and with it `check`, of random weights, which has this rank correlation with it."""
        self._found, self._check, self._correlation = found, check, correlation
        for (heading, image, below), drawn, name in zip(self._parts, (found, check), (self._name, RANDOM), strict=True):
            shown = drawn is not None
            heading.layout.display = below.layout.display = "" if shown else "none"
            if drawn is None or drawn.pixels is None:
                image.put(None)
            if drawn is None:
                continue
            heading.value = markup.heading(name)
            text = escape(self._note(drawn))
            bar = ""
            if drawn.pixels is not None and drawn.heat is not None:
                pixels = fitted(drawn.pixels, MAP, MAP)
                image.put(encode_png(pixels))
                bar = markup.colorbar(drawn.heat.colormap, *_ends(drawn.heat), pixels.shape[1])
            below.value = (
                f'{bar}<div class="cnnw-quiet" style="line-height:17px;min-height:34px;margin-top:3px">{text}</div>'
            )

    def static(self) -> list[Panel]:
        """The same for the static picture."""
        panels = []
        for drawn, name in ((self._found, self._name), (self._check, RANDOM)):
            if drawn is None:
                continue
            lines = textwrap.wrap(self._note(drawn), CHARACTERS, break_long_words=False, break_on_hyphens=False)
            lines += [""] * (2 - len(lines))  # so that what stands below is aligned
            bar = None if drawn.heat is None else (drawn.heat.colormap, *_ends(drawn.heat))
            panels.append(Panel(name, drawn.pixels, width=MAP, colorbar=bar, lines=lines))
        return panels

    def _note(self, drawn: Drawn) -> str:
        if drawn.reason or drawn is not self._check:
            return drawn.reason or drawn.note
        if self._correlation is None:
            return ""
        if math.isnan(self._correlation):
            return "no rank correlation: a map is constant"
        return f"rank correlation with the map above {number(self._correlation, 2)}"


def _image() -> Swapped:
    return Swapped({"flex": "0 0 auto", "align_self": "flex-start", "margin": "3px 3px 6px"}, "cnnw-input")


def _ends(heat: Heat) -> tuple[str, str | None, str]:
    low, middle, high = heat.ends()
    return number(low), None if middle is None else "0", number(high)
