"""Curves: a live chart on the page, and pixels for a static picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import bqplot
import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...render.color import ACCENT
from ...render.static import BOTTOM, LEFT, RIGHT, SECOND, TOP, Chart, Panel
from ...render.text import Pen
from ..surface import close_tree, markup, number
from .box import PanelBox

WIDTH, HEIGHT = 312, 184
"""Size of a chart in px."""


class CurveBox(PanelBox):
    """Curves on the page, as a chart of bqplot with its legend above.

    Attributes
    ----------
    plot : bqplot.Figure
        The chart: its marks are the lines of training and validation, its axes those of epochs and values.
    """

    def __init__(self, panel: CurvePanel) -> None:
        self._log: bool | None = None
        without_toolbar = {"display_toolbar": False} if "display_toolbar" in bqplot.Figure.class_trait_names() else {}
        self.plot = bqplot.Figure(
            padding_x=0,
            padding_y=0,
            fig_margin={"top": TOP, "bottom": BOTTOM, "left": LEFT, "right": RIGHT},
            min_aspect_ratio=0.001,
            max_aspect_ratio=1000,
            background_style={"fill": "transparent"},
            layout=W.Layout(width=f"{WIDTH}px", height=f"{HEIGHT}px", flex="0 0 auto"),
            **without_toolbar,
        )
        self.plot.add_class("cnnw-chart")
        super().__init__(panel)
        self.children = [self.heading, self.plot, self.below]
        self.layout.margin = "8px 0 0 0"

    def heading_of(self, panel: Panel) -> str:
        """HTML of the name and the legend."""
        assert isinstance(panel, CurvePanel)
        return markup.legend(panel.heading, zip(_entries(panel.names, panel.curves), (ACCENT, SECOND), strict=False))

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """Show the curves of `panel`; lines, limits and ticks that are there already are not sent again."""
        assert isinstance(panel, CurvePanel)
        chart = panel.curves
        if chart.log is not self._log:
            self._log = chart.log
            self._build(chart.log)
        across, up = self.plot.axes
        across.label = chart.x_label
        for axis, limits, ticks in ((across, chart.x_limits, chart.x_ticks), (up, chart.y_limits, chart.y_ticks)):
            room = 0.015 * (limits[1] - limits[0]) if axis is across else 0.0  # half of a dot at the end
            with axis.scale.hold_sync():
                axis.scale.min, axis.scale.max = limits[0], limits[1] + room
            if axis.tick_values is None or list(axis.tick_values) != ticks:
                axis.tick_values = np.array(ticks)
        for mark, line in zip(self.plot.marks, chart.lines, strict=True):
            y = np.where(line.y > 0, line.y, np.nan) if chart.log else line.y
            if not (np.array_equal(mark.x, line.x) and np.array_equal(mark.y, y, equal_nan=True)):
                with mark.hold_sync():
                    mark.x, mark.y, mark.visible = line.x, y, bool(len(y))
                    mark.marker = "circle" if line.dots or len(y) == 1 else None  # one value alone makes no line

    def _build(self, log: bool) -> None:
        """Make new marks and axes: bqplot's cannot be given another kind of scale."""
        before = [*self.plot.marks, *self.plot.axes]
        kind = bqplot.LogScale if log else bqplot.LinearScale
        scales = {"x": bqplot.LinearScale(allow_padding=False), "y": kind(allow_padding=False)}
        nothing = np.empty(0)
        line = bqplot.Lines(x=nothing, y=nothing, scales=scales, colors=[ACCENT], stroke_width=1.6, visible=False)
        line.marker_size = 28
        dots = bqplot.Lines(
            x=nothing, y=nothing, scales=scales, colors=[SECOND], stroke_width=1.6, visible=False,
            marker="circle", marker_size=28,
        )  # fmt: skip
        across = bqplot.Axis(scale=scales["x"], grid_lines="none", tick_format=".4~g", label_offset="30px")
        up = bqplot.Axis(scale=scales["y"], grid_lines="solid", tick_format=".4~g")
        up.orientation = "vertical"  # not as an argument: bqplot 0.13 warns of that, and 0.12 has no other
        self.plot.marks, self.plot.axes = [line, dots], [across, up]
        for part in before:
            close_tree(part)


@dataclass(frozen=True, eq=False)
class CurvePanel(Panel):
    """Curves over one axis: a live chart on the page, and pixels for a static picture.

    Attributes
    ----------
    curves
        Two lines, the second of which may be empty.
    names
        What each line is called.
    """

    box: ClassVar[type[PanelBox]] = CurveBox
    curves: Chart = field(kw_only=True)
    names: Sequence[str] = ()


def curve_panel(name: str, curves: Chart, names: Sequence[str], *, key: str = "") -> CurvePanel:
    """The panel of `curves`.

    Parameters
    ----------
    name : str
        What is drawn.
    curves : Chart
        Two lines, the second of which may be empty.
    names : sequence of str
        What each line is called.
    key : str
        As of every `Panel`; by default `name` in small letters.
    """

    @cache  # a card measures its pictures before it draws them
    def pixels(dark: bool) -> NDArray[np.uint8]:
        return curves.pixels(WIDTH, HEIGHT, legend=_entries(names, curves), dark=dark)

    def sketch(pen: Pen, x: float, y: float) -> None:
        curves.sketch(pen, x, y, WIDTH, HEIGHT, _entries(names, curves))

    return CurvePanel(
        name, chart=pixels, sketch=sketch, width=WIDTH, curves=curves, names=names, key=key or name.lower()
    )


def _entries(names: Sequence[str], curves: Chart) -> list[str]:
    """Name and last value of each line that has one."""
    lines = zip(names, curves.lines, strict=False)
    return [f"{name} {number(float(line.y[-1]))}" for name, line in lines if len(line.y)]
