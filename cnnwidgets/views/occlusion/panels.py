"""The panels of OcclusionView: the photo with the patch, the heat map with its progress, and the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import ipywidgets as W
import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.occlusion import Pair, Patches
from ...render.color import DIVERGING
from ...render.mosaic import Grid
from ...render.static import Panel
from ...widgets.panels import HOVERED, PHOTO, PanelBox, enlarged, lines_html, padded_palette
from ...widgets.surface import markup, number
from .heat import Heat, signed
from .seen import Seen

HEAT, SCORES, CARD_SCORES = 288, 250, 310
"""Widths of the heat map and of the scores, in px; and of the scores on a card, where each bar is in one line."""
Move = Callable[[float, float], object]
"""Called with (top, left) in pixels of the image."""


# ---------------------------------------------------------------------- the photo


def painted(photo: NDArray[np.uint8], fill: NDArray[np.uint8], patches: Patches, place: Pair) -> NDArray[np.uint8]:
    """`photo` with the patch at `place`, (top, left), filled from `fill`; both (H, W, 3). Enlarged for the screen."""
    pixels = photo.copy()
    image, filling = (torch.from_numpy(part).permute(2, 0, 1) for part in (pixels, fill))
    patches.paint(image, filling, *place)
    return enlarged(pixels)


def photo_panel(seen: Seen, pixels: NDArray[np.uint8], place: Pair, on_place: Move) -> Panel:
    """The photo with the patch on it, as `painted` makes it; dragging the patch, or clicking, calls `on_place`."""
    patches = seen.occluder.patches
    (top, left), (high, wide), (height, width) = place, patches.window, patches.size
    factor = pixels.shape[0] / height
    box = left, top, min(left + wide, width), min(top + high, height)
    x0, y0, x1, y1 = (edge * factor for edge in box)

    def clicked(x: float, y: float) -> None:
        on_place(y / factor - high / 2, x / factor - wide / 2)

    return Panel(
        " · ".join(filter(None, [markup.image_name(seen.settings.index), markup.labelled(seen.item.text)])),
        pixels,
        width=PHOTO,
        marks=[(x0, y0, x1, y1)],
        hint="drag the patch, or click",
        on_place=clicked,
        drag=True,
        key="photo",
    )


# ---------------------------------------------------------------------- the map


class HeatBox(PanelBox):
    """Shows a `HeatPanel`, with its progress at the bottom."""

    def __init__(self, panel: HeatPanel) -> None:
        self._pictured = Panel("")  # whose picture was sent last
        super().__init__(panel)
        self.children = [*self.children, *panel.progress]

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """Show the picture of `panel`, unless a page draws that by itself."""
        if isinstance(panel, HeatPanel) and panel.painted:
            return
        super().show_picture(panel, self._pictured)
        self._pictured = panel


@dataclass(frozen=True, eq=False)
class HeatPanel(Panel):
    """An occlusion map.

    Attributes
    ----------
    progress
        The widgets that say how far it is.
    painted
        Whether the page draws it by itself.
    """

    box: ClassVar[type[PanelBox]] = HeatBox
    progress: Sequence[W.Widget] = ()
    painted: bool = False


def heat_panel(heat: Heat, pixels: NDArray[np.uint8], place: Pair, on_place: Move, progress: W.Widget) -> HeatPanel:
    """The map, a cell for each place of the patch; a click on one calls `on_place`.

    Parameters
    ----------
    heat : Heat
        The map.
    pixels : ndarray of uint8
        What `heat.pixels()` gave.
    place : (top, left)
        Where the patch is.
    on_place : callable
        Called with (top, left) of a cell.
    progress : Widget
        Says how far the map is.
    """
    (rows, columns), stride = heat.patches.grid, heat.patches.stride
    row, column = (
        min(round(at / step), count - 1) for at, step, count in zip(place, stride, (rows, columns), strict=True)
    )
    note = "red: the score falls when the patch is there"
    if not heat.known.all():
        note += "; grey: not yet done"
    if any(step > side for step, side in zip(stride, heat.patches.window, strict=True)):
        note = "the stride is larger than the window: pixels between the places are never hidden"

    def clicked(x: float, y: float) -> None:
        if 0 <= x < columns and 0 <= y < rows:
            on_place(int(y) * stride[0], int(x) * stride[1])

    return HeatPanel(
        f"Heat map · change in {heat.unit}",
        pixels,
        palette=padded_palette(DIVERGING),
        width=HEAT,
        colorbar=(DIVERGING, *heat.ends),
        lines=[note],
        marks=[(column, row, column + 1, row + 1)],
        hint="click a cell",
        cells=Grid(rows * columns, 1, 1, columns=columns, gap=0) if rows * columns <= HOVERED else None,
        describe=partial(_described, heat),
        on_place=clicked,
        key="map",
        progress=[progress],
    )


def _described(heat: Heat, cell: int) -> str:
    row, column = divmod(cell, heat.patches.grid[1])
    top, left, bottom, right = heat.patches.boxes[row, column].tolist()
    found = signed(-float(heat.fall[row, column])) if heat.known[row, column] else "not yet done"
    return f"rows {top} to {bottom - 1}, columns {left} to {right - 1}: {found}"


# ---------------------------------------------------------------------- the scores


class ScoreBox(PanelBox):
    """Shows a `ScorePanel` and, below it, its best classes: one message for both."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.layout.width = f"{SCORES + 24}px"  # the page has less room than a card, and puts labels above their bars

    def text(self, panel: Panel) -> str:
        """HTML of both."""
        assert isinstance(panel, ScorePanel)
        below, best = "", panel.best
        if best is not None:
            rows, texts = [bar[:2] for bar in best.bars], [bar[2] for bar in best.bars]
            bars = markup.bars(rows, texts, 1.0, stack=10, truth=best.truth)
            below = f'<div style="height:12px"></div>{markup.heading(*best.heading.split(" · "))}{bars}'
        return lines_html(panel.lines) + below


@dataclass(frozen=True, eq=False)
class ScorePanel(Panel):
    """The score of the target; the page shows `best` within it."""

    box: ClassVar[type[PanelBox]] = ScoreBox
    best: Panel | None = None


class HiddenBox(PanelBox):
    """Shows nothing: the panel above it does."""

    def show(self, panel: Panel) -> None:
        """Keep the description."""
        self.panel, self.layout.display = panel, "none"


@dataclass(frozen=True, eq=False)
class BestPanel(Panel):
    """The best classes: a panel of its own on a card, and within the `ScorePanel` on the page."""

    box: ClassVar[type[PanelBox]] = HiddenBox


def score_panels(seen: Seen, scores: torch.Tensor, place: Pair) -> list[Panel]:
    """The score of the target with the patch at `place` and without, and the best classes by `scores` (K,)."""
    (top, left), patches = place, seen.occluder.patches
    (height, width), (high, wide) = patches.size, patches.window
    whole, found = float(seen.whole[seen.target]), float(scores[seen.target])
    facts = [
        (seen.unit, number(found)),
        ("without patch", number(whole)),
        ("change", signed(found - whole)),
        ("rows", f"{top} to {min(top + high, height) - 1}"),
        ("columns", f"{left} to {min(left + wide, width) - 1}"),
    ]
    rows, truth = seen.changes(scores)
    if callable(seen.settings.score):
        texts = [f"{number(value)} ({signed(change)})" for _, value, change in rows]
        limit = max((abs(value) for _, value, _ in rows if np.isfinite(value)), default=0.0) or 1.0
    else:
        texts = [f"{markup.percent(value)} ({_points(change)})" for _, value, change in rows]
        limit = 1.0
    bars = [
        (seen.class_name(target), value / limit, text) for (target, value, _), text in zip(rows, texts, strict=True)
    ]
    heading = "Best classes · with the patch (change)"
    best = BestPanel(heading, width=CARD_SCORES, bars=bars, truth=truth, key="best") if bars else None
    score = ScorePanel(seen.target_name, width=CARD_SCORES, lines=facts, key="score", best=best)
    return [score] if best is None else [score, best]


def _points(change: float) -> str:
    points = round(100 * change, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "±0"
