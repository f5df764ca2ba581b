"""The panels of EmbeddingView: the chosen point's image, the points, and the groups with their silhouettes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from ...render import encode_png
from ...render.static import Panel, extent, group_color, scatter, silhouette
from ...widgets.controls import ProgressRow
from ...widgets.panels import DETAIL, GRID, INPUT, CardPanel
from ...widgets.state import Thumbnails
from ...widgets.surface import ScatterFigure, Swapped, Text, markup, number

TIP = 84
"""Side of the image that stands beside the mouse, in px."""
DOT = '<i style="display:inline-block;width:10px;height:10px;border-radius:5px;background:{};margin-right:8px"></i>'


class ChosenPanel(CardPanel):
    """The image of the chosen point, with what is known about it."""

    def __init__(self) -> None:
        self._text, self._below = Text(), Text()
        self._picture = Swapped({"flex": "0 0 auto", "align_self": "flex-start", "margin": "3px"}, "cnnw-input")
        super().__init__(INPUT, self._text, *self._picture.pictures, self._below)

    def draw(self, heading: str, pixels: NDArray[np.uint8] | None, facts: Sequence[tuple[str, str]]) -> None:
        """Show an image under its heading, and facts below."""
        self._heading, self._pixels, self._facts = heading, pixels, facts
        self._text.value = markup.heading(*heading.split(" · "))
        self._picture.put(None if pixels is None else encode_png(pixels))
        self._below.value = markup.facts(facts)

    def static(self) -> Panel:
        """The same for the static picture."""
        return Panel(self._heading, self._pixels, width=INPUT, lines=self._facts)


class PointsPanel(CardPanel):
    """The points. Hovering one shows its image, a click chooses it."""

    def __init__(
        self, describe: Callable[[int], str], on_point: Callable[[int], None], on_button: Callable[[], object]
    ) -> None:
        self._text, self._below = Text(), Text()
        self.figure = ScatterFigure(GRID, describe, on_point)
        self.progress = ProgressRow("images", on_button)
        super().__init__(GRID, self._text, self.progress, self.figure, self._below)

    def draw(
        self,
        points: NDArray[np.floating],
        frame: int,
        groups: NDArray[np.integer],
        chosen: int | None,
        words: list[str],
    ) -> None:
        """Show frame `frame` of `points` (F, N, 2); all frames have the same axes."""
        box = extent(points)
        self._drawn = (points[frame], groups.tolist(), box, chosen)
        self._heading = words[:-1]
        self._text.value = markup.heading(*self._heading, "click one")
        self._below.value = f'<div class="cnnw-quiet">{escape(words[-1])}</div>'
        self.figure.show(*self._drawn[:3])
        self.figure.select(None if chosen is None else points[:, chosen], frame)
        self._note = words[-1]

    def static(self) -> Panel:
        """The same for the static picture."""
        points, groups, box, chosen = self._drawn
        pixels = scatter(points, groups, box, size=GRID, chosen=chosen)
        left, bottom, right, top = map(number, box)
        lines = [f"x from {left} to {right}, y from {bottom} to {top}", self._note]
        return Panel(" · ".join(self._heading), pixels, width=GRID, lines=lines)


class GroupsPanel(CardPanel):
    """The classes or clusters in their colours, and how well each point fits into its own."""

    def __init__(self) -> None:
        self._text, self._scale, self._legend = Text(), Text(), Text()
        self._picture = Swapped({"flex": "0 0 auto", "align_self": "flex-start", "margin": "4px 0"})
        super().__init__(DETAIL, self._text, *self._picture.pictures, self._scale, self._legend)

    def draw(self, groups: NDArray[np.integer], scores: NDArray[np.floating], names: Callable[[int], str]) -> None:
        """Show groups (N,) and silhouettes (N,); `names(group)` is what a group is called."""
        self._pixels = silhouette(scores, groups)
        finite = scores[np.isfinite(scores)]
        self.score = float(finite.mean()) if finite.size else float("nan")
        alone = "there is but one group" if len(np.unique(groups)) < 2 else "each group is but one point"
        mean = f"of the vectors, mean {number(self.score)}" if finite.size else alone
        self._heading = f"Silhouettes · {mean}"
        self._text.value = markup.heading(*self._heading.split(" · "))
        self._picture.put(encode_png(self._pixels))
        ends = ("−1 nearer to another", "0", "1 well inside")
        spans = "".join(
            f'<span style="flex:1 1 0;min-width:0;white-space:nowrap;text-align:{side}">{end}</span>'
            for end, side in zip(ends, ("left", "center", "right"), strict=True)
        )
        self._scale.value = f'<div class="cnnw-scale" style="width:{DETAIL}px;margin-bottom:10px">{spans}</div>'
        self._rows = []
        for group in sorted(set(groups.tolist())):
            inside = scores[groups == group]
            mean = number(float(inside.mean()), 2) if np.isfinite(inside).all() else "–"
            self._rows.append((group, names(group), f"{len(inside)} · {mean}"))
        cells = "".join(
            f'<span title="{escape(name)}" style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap">'
            f"{DOT.format(group_color(group))}{escape(name)}</span>"
            f'<span class="cnnw-quiet" style="text-align:right">{escape(text)}</span>'
            for group, name, text in self._rows
        )
        half = "minmax(0,1fr) max-content"
        columns = f"{half} {half}" if len(self._rows) > 6 else "max-content max-content"
        style = f"display:grid;grid-template-columns:{columns};gap:2px 14px;font-variant-numeric:tabular-nums"
        self._legend.value = (
            markup.heading("Groups", "points · mean silhouette") + f'<div style="{style}">{cells}</div>'
        )

    def static(self) -> list[Panel]:
        """The same for the static picture."""
        lines = ["−1: nearer to another group; 1: well inside its own"]
        dots = [group_color(group) for group, *_ in self._rows]
        legend = [f"{name} · {text}" for _, name, text in self._rows]
        return [
            Panel(self._heading, self._pixels, width=DETAIL, lines=lines),
            Panel("Groups · points, mean silhouette", width=DETAIL, lines=legend, dots=dots),
        ]


def tip(thumbnails: Thumbnails, index: int, text: str) -> str:
    """HTML of an image with a line below."""
    pixels = thumbnails(index, TIP)
    if pixels is None:
        return escape(text)
    data = base64.b64encode(encode_png(pixels, level=6)).decode()
    return (
        f'<img src="data:image/png;base64,{data}" style="image-rendering:pixelated;display:block;margin:4px auto 0">'
        f"{escape(text)}"
    )
