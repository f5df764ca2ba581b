"""Lines over a pair of axes: what both the live and the static chart show, and the static one's pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..color import ACCENT, DARK, LIGHT, rgb
from ..text import Pen, text_length

SECOND = "#ef8a17"
"""Colour of the second line; the first has the accent."""
COLORS = (ACCENT, SECOND)
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 8, 36
"""Margins in px, which the texts of the axes need."""
LEGEND = 18
"""Height of the legend of a static chart, which stands above it, in px."""
SMOOTH = 4
"""Lines are drawn so many times as large, and averaged down."""


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a chart: (N,) places and values; NaN is a gap. `dots` marks every value."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    dots: bool = False


@dataclass(frozen=True, eq=False)
class Chart:
    """Up to two lines over the same axes.

    Attributes
    ----------
    lines : sequence of Line
        The first has the accent colour.
    x_limits : tuple of float
        Ends of the horizontal axis.
    x_label : str
        What the horizontal axis counts.
    log : bool
        Logarithmic vertical axis; values of 0 and below are gaps.
    """

    lines: Sequence[Line]
    x_limits: tuple[float, float]
    x_label: str = ""
    log: bool = False

    @cached_property
    def y_limits(self) -> tuple[float, float]:
        """Ends of the vertical axis: all finite values lie within; from 0 where it is linear."""
        values = np.concatenate([np.ravel(line.y) for line in self.lines] or [np.empty(0)])
        values = values[np.isfinite(values) & (values > 0 if self.log else True)]
        if not values.size:
            return (0.1, 1.0) if self.log else (0.0, 1.0)
        low, high = float(values.min()), float(values.max())
        if self.log:
            return low / 1.15, high * 1.15
        low = min(0.0, low)
        return low, high + 0.04 * (high - low) if high > low else low + 1.0

    @cached_property
    def x_ticks(self) -> list[float]:
        """Round numbers along the horizontal axis, whole ones where they can be."""
        return ticks(*self.x_limits, most=6)

    @cached_property
    def y_ticks(self) -> list[float]:
        """Round numbers along the vertical axis."""
        return log_ticks(*self.y_limits) if self.log else ticks(*self.y_limits, most=5)

    def pixels(self, width: int, height: int, *, legend: Sequence[str] = (), dark: bool = False) -> NDArray[np.uint8]:
        """The chart as (height + 18, width, 4) RGBA on a clear ground; `legend` names the lines, above it."""
        theme = DARK if dark else LIGHT
        image = Image.new("RGBA", (width, height), (*rgb(theme.ground), 0))
        self._draw_axes(Pen(image, ImageDraw.Draw(image), theme), 0, 0, width, height)
        drawn = Image.new("RGBA", (width * SMOOTH, height * SMOOTH), (0, 0, 0, 0))
        draw = ImageDraw.Draw(drawn)
        for line, color in zip(self.lines, COLORS, strict=False):
            for points in self._runs(line, width, height):
                scaled = [(x * SMOOTH, y * SMOOTH) for x, y in points]
                draw.line(scaled, fill=color, width=2 * SMOOTH, joint="curve")
                if line.dots or len(points) == 1:
                    for x, y in scaled:
                        draw.ellipse((x - 3 * SMOOTH, y - 3 * SMOOTH, x + 3 * SMOOTH, y + 3 * SMOOTH), fill=color)
        image.alpha_composite(drawn.resize((width, height), Image.Resampling.BOX))
        whole = Image.new("RGBA", (width, height + LEGEND), (*rgb(theme.ground), 0))
        whole.paste(image, (0, LEGEND))
        _draw_legend(Pen(whole, ImageDraw.Draw(whole), theme), 0, 0, width, legend)
        return np.array(whole)

    def sketch(self, pen: Pen, x: float, y: float, width: int, height: int, legend: Sequence[str] = ()) -> None:
        """Draw what `pixels` shows with a pen, lines as lines, with the upper left corner at (x, y)."""
        self._draw_axes(pen, x, y + LEGEND, width, height)
        for line, color in zip(self.lines, COLORS, strict=False):
            for points in self._runs(line, width, height):
                moved = [(x + across, y + LEGEND + down) for across, down in points]
                pen.draw.line(moved, fill=color, width=2)
                if line.dots or len(points) == 1:
                    for across, down in moved:
                        pen.draw.ellipse((across - 3, down - 3, across + 3, down + 3), fill=color)
        _draw_legend(pen, x, y, width, legend)

    def _draw_axes(self, pen: Pen, x: float, y: float, width: int, height: int) -> None:
        theme = pen.theme
        for tick in self.y_ticks:
            (_, down) = self._place(self.x_limits[0], tick, width, height)
            pen.draw.line((x + LEFT, y + down, x + width - RIGHT, y + down), fill=theme.line)
            text = tick_text(tick)
            pen.text(x + LEFT - 6 - text_length(text, 11), y + down + 4, text, LEFT, 11, theme.muted)
        for tick in self.x_ticks:
            (across, _) = self._place(tick, self.y_limits[0], width, height)
            text, down = tick_text(tick), height - BOTTOM + 16
            pen.text(x + across - text_length(text, 11) / 2, y + down, text, LEFT, 11, theme.muted)
        middle = x + (LEFT + width - RIGHT) / 2
        pen.text(middle, y + height - 4, self.x_label, width, 11, theme.muted, anchor="m")

    def _runs(self, line: Line, width: int, height: int) -> list[list[tuple[float, float]]]:
        """Places of the values on the picture, split at gaps."""
        runs: list[list[tuple[float, float]]] = [[]]
        for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True):
            if math.isfinite(y) and (y > 0 or not self.log):
                runs[-1].append(self._place(x, y, width, height))
            elif runs[-1]:
                runs.append([])
        return [run for run in runs if run]

    def _place(self, x: float, y: float, width: int, height: int) -> tuple[float, float]:
        (left, right), (low, high) = self.x_limits, self.y_limits
        if self.log:
            y, low, high = math.log(y), math.log(low), math.log(high)
        across = (x - left) / (right - left or 1.0)
        up = (y - low) / (high - low or 1.0)
        return LEFT + across * (width - LEFT - RIGHT), height - BOTTOM - up * (height - TOP - BOTTOM)


def _draw_legend(pen: Pen, x: float, y: float, width: int, legend: Sequence[str]) -> None:
    across = 2.0
    for text, color in zip(legend, COLORS, strict=False):
        pen.draw.ellipse((x + across, y + 4, x + across + 7, y + 11), fill=color)
        taken = pen.text(x + across + 12, y + 12, text, width - across - 12, 11, pen.theme.muted)
        across += 12 + taken + 14


def ticks(low: float, high: float, *, most: int) -> list[float]:
    """At most `most` multiples of 1, 2 or 5 times a power of ten, from `low` to `high`."""
    if not high > low:
        return [low]
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten from `low` to `high`, with 2 and 5 times them where these are few, or else round numbers."""
    for factors in ((1,), (1, 2, 5)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [float(f"{factor * 10.0**power:.10g}") for power in powers for factor in factors]
        found = [tick for tick in found if low <= tick <= high]
        if len(found) >= 3:
            return found[:: math.ceil(len(found) / 6)]
    return ticks(low, high, most=5)


def tick_text(tick: float) -> str:
    """A tick as short as it can be written."""
    return f"{tick:g}".replace("-", "−")
