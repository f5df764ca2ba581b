"""The panel of one attribution method: its map over the image, and that of a network with random weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ..render import Heat, Panel, encode_png, fitted
from . import markup
from .markup import number

MAP = 224
"""Width of a map, in px."""


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
        self._name = name
        self._parts = [(W.HTML(), _image(), W.HTML()) for _ in range(2)]
        layout = W.Layout(width=f"{MAP + 24}px", flex="0 0 auto", padding="0 20px 10px 0", overflow="hidden")
        super().__init__([part for parts in self._parts for part in parts], layout=layout)

    def draw(self, found: Drawn, check: Drawn | None, correlation: float | None) -> None:
        """Show the map `found`, and with it `check`, of random weights, which has this rank correlation with it."""
        self._found, self._check, self._correlation = found, check, correlation
        for (heading, image, below), drawn, words in zip(self._parts, (found, check), self._headings(), strict=True):
            shown = drawn is not None
            heading.layout.display = below.layout.display = "" if shown else "none"
            image.layout.display = "" if drawn is not None and drawn.pixels is not None else "none"
            if drawn is None:
                continue
            heading.value = markup.heading(*words)
            text = markup.escape(drawn.reason or drawn.note)
            bar = ""
            if drawn.pixels is not None and drawn.heat is not None:
                pixels = fitted(drawn.pixels, MAP, MAP)
                image.value = encode_png(pixels)
                bar = markup.colorbar(drawn.heat.colormap, *_ends(drawn.heat), pixels.shape[1])
            below.value = f'{bar}<div class="cnnw-quiet" style="line-height:1.35;margin-top:3px">{text}</div>'

    def static(self) -> list[Panel]:
        """The same for the static picture."""
        panels = []
        for drawn, words in zip((self._found, self._check), self._headings(), strict=True):
            if drawn is None:
                continue
            heading = " · ".join(filter(None, words))
            if drawn.pixels is None or drawn.heat is None:
                panels.append(Panel(heading, width=MAP, lines=_wrapped(drawn.reason)))
            else:
                bar = (drawn.heat.colormap, *_ends(drawn.heat))
                panels.append(Panel(heading, drawn.pixels, width=MAP, colorbar=bar, lines=_wrapped(drawn.note)))
        return panels

    def _headings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if self._correlation is None:
            rank = ""
        elif math.isnan(self._correlation):
            rank = "no rank correlation"
        else:
            rank = f"rank correlation {number(self._correlation, 2)}"
        return (self._name,), ("Random weights", rank)


def _image() -> W.Image:
    layout = W.Layout(flex="0 0 auto", align_self="flex-start", margin="3px 3px 6px")
    image = W.Image(format="png", layout=layout)
    image.add_class("cnnw-input")
    return image


def _ends(heat: Heat) -> tuple[str, str | None, str]:
    low, middle, high = heat.ends()
    return number(low), None if middle is None else "0", number(high)


def _wrapped(text: str, width: int = 36) -> list[str]:
    """Lines of about so many characters."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
