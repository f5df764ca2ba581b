"""The panels of EmbeddingView: the points, and the groups with their silhouettes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import ClassVar

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...render import encode_png, png_address
from ...render.static import Panel, extent, group_color, scatter, silhouette
from ...widgets.panels import DETAIL, GRID, PanelBox, lines_html
from ...widgets.state import Thumbnails
from ...widgets.surface import ScatterFigure, number

TIP = 84
"""Side of the image that stands beside the mouse, in px."""
ENDS = ("−1 nearer to another", "0", "1 well inside")
"""What silhouettes mean, at the left edge of their picture, in its middle, and at the right edge."""
TWO_COLUMNS = 6
"""More groups than this are listed in two columns."""
DOT = '<i style="display:inline-block;width:10px;height:10px;border-radius:5px;background:{};margin-right:8px"></i>'


class PointsBox(PanelBox):
    """Shows a `PointsPanel` as a figure whose points move, and answer the mouse."""

    def __init__(self, panel: PointsPanel) -> None:
        self.scatter = ScatterFigure(panel.width, self._tip, self._clicked)
        super().__init__(panel)
        self.children = [self.heading, *panel.controls, self.scatter, self.below]
        self.remove_class("cnnw-many")  # in a narrow page too the points, which the view is about, come early

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """Put the points in their places."""
        assert isinstance(panel, PointsPanel)
        chosen, frame = panel.selected, panel.frame
        self.scatter.show(panel.points[frame], panel.groups.tolist(), extent(panel.points))
        self.scatter.select(None if chosen is None else panel.points[:, chosen], frame)

    def text(self, panel: Panel) -> str:
        """What the axes mean; they themselves say where they begin and end."""
        return lines_html(panel.lines[1:])

    def _tip(self, point: int) -> str:
        return "" if self.panel.describe is None else self.panel.describe(point)

    def _clicked(self, point: int) -> None:
        if self.panel.on_cell is not None:
            self.panel.on_cell(point)


@dataclass(frozen=True, eq=False)
class PointsPanel(Panel):
    """Points on a plane, in the colours of their groups; each is a cell."""

    box: ClassVar[type[PanelBox]] = PointsBox

    points: NDArray[np.floating] = field(default_factory=lambda: np.zeros((1, 0, 2)))
    """(F, N, 2), which all have the same axes."""
    frame: int = 0
    """Which of the F is seen."""
    groups: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, int))
    """(N,), -1 for none."""
    selected: int | None = None
    """The point with a ring around it, and its way through the frames."""


def points_panel(
    heading: Sequence[str],
    note: str,
    points: NDArray[np.floating],
    frame: int,
    groups: NDArray[np.integer],
    selected: int | None,
    *,
    describe: Callable[[int], str],
    on_point: Callable[[int], object],
    above: W.Widget,
) -> PointsPanel:
    """The points of one frame.

    Parameters
    ----------
    heading, note
        What stands above and below them.
    points, frame, groups, selected
        As of `PointsPanel`.
    describe : callable
        HTML that the mouse shows over a point, given its number.
    on_point : callable
        Called with the number of a point that is clicked.
    above : Widget
        Stands between the heading and the points.
    """
    box = extent(points)
    left, bottom, right, top = map(number, box)

    @cache
    def picture() -> NDArray[np.uint8]:
        return scatter(points[frame], groups.tolist(), box, size=GRID, chosen=selected)

    return PointsPanel(
        " · ".join(heading),
        chart=lambda dark: picture(),
        width=GRID,
        lines=[f"x from {left} to {right}, y from {bottom} to {top}", note],
        hint="click one",
        describe=describe,
        on_cell=on_point,
        controls=[above],
        points=points,
        frame=frame,
        groups=groups,
        selected=selected,
        key="points",
    )


class SilhouetteBox(PanelBox):
    """Shows silhouettes with the words of their axis right below their places."""

    def __init__(self, panel: SilhouettePanel) -> None:
        super().__init__(panel)
        assert self.picture is not None
        for picture in self.picture.pictures:
            picture.remove_class("cnnw-input")  # no line around a chart that lets the ground show through

    def text(self, panel: Panel) -> str:
        """The left end, the middle and the right end of the axis."""
        spans = "".join(
            f'<span style="flex:1 1 0;min-width:0;white-space:nowrap;text-align:{side}">{escape(end)}</span>'
            for end, side in zip(ENDS, ("left", "center", "right"), strict=True)
        )
        return f'<div class="cnnw-scale" style="width:{panel.width}px;margin-bottom:10px">{spans}</div>'


@dataclass(frozen=True, eq=False)
class SilhouettePanel(Panel):
    """How well each point fits into its group."""

    box: ClassVar[type[PanelBox]] = SilhouetteBox

    score: float = float("nan")
    """Mean of all silhouettes; NaN where there is none."""


class GroupsBox(PanelBox):
    """Shows groups as a legend, in two columns where there are many."""

    def text(self, panel: Panel) -> str:
        """A dot, the name and the numbers of each group."""
        assert isinstance(panel, GroupsPanel)
        cells = "".join(
            f'<span title="{escape(name)}" style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap">'
            f"{DOT.format(color)}{escape(name)}</span>"
            f'<span class="cnnw-quiet" style="text-align:right">{escape(text)}</span>'
            for (name, text), color in zip(panel.rows, panel.dots, strict=True)
        )
        half = "minmax(0,1fr) max-content"
        columns = f"{half} {half}" if len(panel.rows) > TWO_COLUMNS else "max-content max-content"
        style = f"display:grid;grid-template-columns:{columns};gap:2px 14px;font-variant-numeric:tabular-nums"
        return f'<div style="{style}">{cells}</div>'


@dataclass(frozen=True, eq=False)
class GroupsPanel(Panel):
    """The classes or clusters in their colours."""

    box: ClassVar[type[PanelBox]] = GroupsBox

    rows: Sequence[tuple[str, str]] = ()
    """Name of each group, and what is said of it."""


def group_panels(groups: NDArray[np.integer], scores: NDArray[np.floating], name: Callable[[int], str]) -> list[Panel]:
    """Silhouettes (N,) of points in groups (N,), and the groups in their colours, each called `name(group)`.

    Examples
    --------
    >>> silhouettes, groups = group_panels(np.array([0, 0, 1]), np.array([0.5, 0.7, np.nan]), "class {}".format)
    >>> silhouettes.heading, groups.rows
    ('Silhouettes · of the vectors, mean 0.6', [('class 0', '2 · 0.6'), ('class 1', '1 · –')])
    """
    finite = scores[np.isfinite(scores)]
    mean = float(finite.mean()) if finite.size else float("nan")
    alone = "there is only one group" if len(np.unique(groups)) < 2 else "each group is only one point"
    rows, dots = [], []
    for group in sorted(set(groups.tolist())):
        inside = scores[groups == group]
        fit = number(float(inside.mean()), 2) if np.isfinite(inside).all() else "–"
        rows.append((name(group), f"{len(inside)} · {fit}"))
        dots.append(group_color(group))
    return [
        SilhouettePanel(
            f"Silhouettes · {f'of the vectors, mean {number(mean)}' if finite.size else alone}",
            silhouette(scores, groups),
            width=DETAIL,
            lines=[" · ".join(ENDS)],
            score=mean,
            key="silhouettes",
        ),
        GroupsPanel(
            "Groups · points · mean silhouette",
            width=DETAIL,
            lines=[f"{called} · {text}" for called, text in rows],
            dots=dots,
            rows=rows,
            key="groups",
        ),
    ]


def tip(thumbnails: Thumbnails, index: int, text: str) -> str:
    """HTML of an image with a line below."""
    pixels = thumbnails(index, TIP)
    if pixels is None:
        return escape(text)
    address = png_address(encode_png(pixels, level=6))
    return f'<img src="{address}" style="image-rendering:pixelated;display:block;margin:4px auto 0">{escape(text)}'
