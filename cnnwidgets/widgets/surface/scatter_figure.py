"""Points on the screen that answer the mouse: a bqplot figure of fixed size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bqplot
import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...render.color import ACCENT
from ...render.static import NO_GROUP, group_color, ticks
from .shared import plain
from .tree import close_tree

POINT, RING = 46, 210
"""Areas of a point and of the ring around the chosen one, in square px."""
MOVE = 400
"""Milliseconds in which points go to their new places."""
MARGIN = {"top": 6, "bottom": 24, "left": 52, "right": 16}
"""Around the points, in px: room for what the axes say."""


class ScatterFigure(W.Box):
    """N points; hovering one shows what `describe(point)` says (HTML), clicking it calls `on_point(point)`.

    Parameters
    ----------
    size : int
        Width and height in px.
    describe, on_point : callable
        Take the number of a point.
    """

    def __init__(self, size: int, describe: Callable[[int], str], on_point: Callable[[int], None]) -> None:
        self._describe, self._on_point = describe, on_point
        scales = {axis: bqplot.LinearScale(min=0, max=1, allow_padding=False) for axis in "xy"}
        self._scales = scales
        self._tip = plain(W.HTML)
        nowhere = np.zeros(1)
        self._points = bqplot.Scatter(
            x=nowhere,
            y=nowhere,
            scales=scales,
            default_size=POINT,
            stroke="white",
            stroke_width=0.5,
            interactions={"hover": "tooltip"},
            tooltip=self._tip,
        )
        self._ring = bqplot.Scatter(
            x=nowhere,
            y=nowhere,
            scales=scales,
            default_size=RING,
            colors=["transparent"],
            stroke=ACCENT,
            stroke_width=2.5,
        )
        self._ring.visible = False
        self._path = bqplot.Lines(
            x=nowhere, y=nowhere, scales=scales, colors=[NO_GROUP], stroke_width=1.5, visible=False
        )
        upright = {"orientation": "vertical"} if "orientation" in bqplot.Axis.class_trait_names() else {}  # before 0.13
        self._axes = {
            "x": bqplot.Axis(scale=scales["x"], grid_lines="none", tick_format=".4~g"),
            "y": bqplot.Axis(scale=scales["y"], grid_lines="none", tick_format=".4~g", side="left", **upright),
        }
        side = size - MARGIN["left"] - MARGIN["right"]  # a square: distances are the same in both directions
        without_toolbar = {"display_toolbar": False} if "display_toolbar" in bqplot.Figure.class_trait_names() else {}
        self._figure = bqplot.Figure(
            marks=[self._path, self._ring, self._points],
            axes=list(self._axes.values()),
            padding_x=0,
            padding_y=0,
            fig_margin=MARGIN,
            min_aspect_ratio=0.001,
            max_aspect_ratio=1000,
            animation_duration=MOVE,
            background_style={"fill": "transparent"},
            layout=W.Layout(width=f"{size}px", height=f"{side + MARGIN['top'] + MARGIN['bottom']}px", flex="0 0 auto"),
            **without_toolbar,
        )
        super().__init__([self._figure], layout=W.Layout(width=f"{size}px", flex="0 0 auto", overflow="hidden"))
        self._points.on_element_click(lambda _, event: self._on_point(int(event["data"]["index"])))
        self._points.on_hover(self._hovered)

    def show(self, points: NDArray[np.floating], groups: Sequence[int], box: tuple[float, float, float, float]) -> None:
        """Put points (N, 2) in the colours of their groups on the screen; `box` is (left, bottom, right, top)."""
        for axis, low, high in (("x", box[0], box[2]), ("y", box[1], box[3])):
            scale = self._scales[axis]
            if (scale.min, scale.max) != (low, high):
                with scale.hold_sync():
                    scale.min, scale.max = low, high
                self._axes[axis].tick_values = np.array(ticks(low, high, most=5))
        colors = [group_color(group) for group in groups]
        with self._points.hold_sync():
            self._points.x, self._points.y = points[:, 0].astype(float), points[:, 1].astype(float)
            if list(self._points.colors) != colors:
                self._points.colors = colors

    def select(self, path: NDArray[np.floating] | None, at: int = 0) -> None:
        """Ring around `path[at]`, and the way (F, 2) that this point takes; or none."""
        with self._ring.hold_sync():
            if path is not None:
                self._ring.x, self._ring.y = path[at : at + 1, 0].astype(float), path[at : at + 1, 1].astype(float)
            self._ring.visible = path is not None
        with self._path.hold_sync():
            if path is not None:
                self._path.x, self._path.y = path[:, 0].astype(float), path[:, 1].astype(float)
            self._path.visible = path is not None and len(path) > 1

    def close(self) -> None:
        """Close every widget of the figure, the tooltip among them."""
        for part in (self._tip, self._figure, self.layout):
            close_tree(part)
        super().close()

    def _hovered(self, _: Any, event: dict[str, Any]) -> None:
        index = int(event["data"]["index"])
        if index < len(self._points.x):
            self._tip.value = f'<div class="cnnw-tip">{self._describe(index)}</div>'
