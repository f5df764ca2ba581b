"""The panels of OcclusionView: the photo with the patch, the heat map with its progress, and the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as W
import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.occlusion import Pair, Patches
from ...render.color import DIVERGING
from ...render.mosaic import Grid
from ...render.static import Panel
from ...widgets.controls import duration
from ...widgets.panels import HOVERED, PHOTO, CardPanel, enlarged, padded_palette
from ...widgets.surface import PixelFigure, Text, markup, number
from .heat import Heat, signed

HEAT, SCORES = 288, 250
"""Widths of the heat map and of the scores, in px."""
Bar = tuple[str, float, float]
"""Name of a class, its value, and the change of that against the whole image."""


class PatchPanel(CardPanel):
    """The photo with the patch on it. Dragging the patch, or clicking the photo, calls `on_place(top, left)`."""

    def __init__(self, on_place: Callable[[float, float], None]) -> None:
        self._on_place = on_place
        self._text, self._note = Text(), Text()
        self.figure = PixelFigure(PHOTO, PHOTO, fit=True)
        self.figure.on_click(self._clicked)
        self.figure.on_drag(self._clicked)
        self._sent: tuple[Any, ...] = ()
        super().__init__(PHOTO, self._text, self.figure, self._note)

    def draw(
        self,
        heading: tuple[str, str],
        photo: NDArray[np.uint8],
        fill: NDArray[np.uint8],
        patches: Patches,
        place: Pair,
    ) -> None:
        """Show `photo` with the patch at `place`, (top, left), filled from `fill`; both (H, W, 3)."""
        self._heading, self._patches, self._place = heading, patches, place
        self._text.value = markup.heading(*heading, "drag the patch, or click")
        if (
            not self._sent
            or self._sent[0] is not photo
            or self._sent[1] is not fill
            or self._sent[2:] != (patches, place)
        ):
            self._sent = (photo, fill, patches, place)
            pixels = photo.copy()
            image, filling = (torch.from_numpy(part).permute(2, 0, 1) for part in (pixels, fill))
            patches.paint(image, filling, *place)
            self._pixels = enlarged(pixels)
            self._factor = self._pixels.shape[0] / photo.shape[0]
            self.figure.show(self._pixels)
        self.figure.frame(self._box())

    def static(self) -> Panel:
        """The same for the static picture."""
        return Panel(" · ".join(filter(None, self._heading)), self._pixels, width=PHOTO, marks=[self._box()])

    def _box(self) -> tuple[float, float, float, float]:
        (top, left), (high, wide), (height, width) = self._place, self._patches.window, self._patches.size
        box = (left, top, min(left + wide, width), min(top + high, height))
        x0, y0, x1, y1 = (edge * self._factor for edge in box)
        return x0, y0, x1, y1

    def _clicked(self, x: float, y: float) -> None:
        high, wide = self._patches.window
        self._on_place(y / self._factor - high / 2, x / self._factor - wide / 2)


class HeatPanel(CardPanel):
    """The map, a cell for each place of the patch, with a button and a bar of progress. A click moves the patch.

    Parameters
    ----------
    on_place : callable
        Called with (top, left) in pixels.
    on_button : callable
        Called without arguments.
    """

    def __init__(self, on_place: Callable[[float, float], None], on_button: Callable[[], None]) -> None:
        self._on_place = on_place
        self._text, self._below, self._progress = Text(), Text(), Text()
        self._bar = W.IntProgress(min=0, max=1, value=0, layout=W.Layout(width="208px", height="14px"))
        self._button = W.Button(layout=W.Layout(width="70px", padding="0"))
        self._button.on_click(lambda _: on_button())
        self.figure = PixelFigure(HEAT, HEAT, fit=True)
        self.figure.on_click(self._clicked)
        self._heat: Heat | None = None
        row = W.HBox([self._button, self._bar], layout=W.Layout(align_items="center", overflow="hidden"))
        super().__init__(HEAT, self._text, self.figure, self._below, row, self._progress)

    def draw(self, heat: Heat, place: Pair) -> None:
        """Show `heat`; `place` is where the patch is, (top, left)."""
        if heat is not self._heat:
            self._heat = heat
            rows, columns = heat.patches.grid
            self._heading = "Heat map", f"change in {heat.unit}"
            self._text.value = markup.heading(*self._heading)
            self.figure.show(heat.pixels(), padded_palette(DIVERGING))
            few = rows * columns <= HOVERED
            self.figure.cells(Grid(rows * columns, 1, 1, columns=columns, gap=0) if few else None, self._describe)
            notes = ["red: the score falls when the patch is there", "click a cell"]
            if not heat.known.all():
                notes.insert(1, "grey: not yet done")
            if any(step > side for step, side in zip(heat.patches.stride, heat.patches.window, strict=True)):
                notes = ["the stride is larger than the window: pixels between the places are never hidden"]
            scale = markup.colorbar(DIVERGING, *heat.ends, self.figure.shown_width)
            self._below.value = f'{scale}<div class="cnnw-quiet">{"; ".join(notes)}</div>'
            self._notes = notes
        self._box = self._cell_box(place)
        self.figure.frame(self._box)

    def progress(self, done: int, total: int, seconds: float | None, running: bool) -> None:
        """Say how far the map is; `seconds` are left, None where that is not known."""
        self._bar.max, self._bar.value = max(1, total), done
        said = f"{done:,} of {total:,} places"
        if running and seconds is not None:
            said += f" · {duration(seconds)} left"
        elif not running and done < total:
            said += " · stopped" if done else ""
        self._progress.value = f'<span class="cnnw-quiet">{said}</span>'
        self._button.description = (
            "Cancel" if running else "Again" if done == total else "Start" if not done else "Go on"
        )
        self._button.tooltip = (
            "Stop; what is done stays" if running else "Move the patch over the image, one position after another"
        )

    def static(self) -> Panel:
        """The same for the static picture."""
        assert self._heat is not None
        pixels = np.take(padded_palette(DIVERGING), self._heat.pixels(), axis=0)
        height, width = pixels.shape[:2]
        x0, y0, x1, y1 = self._box
        mark = (max(x0, 0), max(y0, 0), min(x1, width), min(y1, height))
        ends = self._heat.ends
        return Panel(" · ".join(self._heading), pixels, width=HEAT, marks=[mark], colorbar=(DIVERGING, *ends))

    def _cell_box(self, place: Pair) -> tuple[float, float, float, float]:
        """The cell of the place nearest to the patch's."""
        assert self._heat is not None
        pairs = zip(place, self._heat.patches.stride, self._heat.patches.grid, strict=True)
        row, column = (min(round(at / step), count - 1) for at, step, count in pairs)
        return column, row, column + 1, row + 1

    def _describe(self, cell: int) -> str:
        assert self._heat is not None
        row, column = divmod(cell, self._heat.patches.grid[1])
        top, left, bottom, right = self._heat.patches.boxes[row, column].tolist()
        found = signed(-float(self._heat.fall[row, column])) if self._heat.known[row, column] else "not yet done"
        return f"rows {top} to {bottom - 1}, columns {left} to {right - 1}: {found}"

    def _clicked(self, x: float, y: float) -> None:
        if self._heat is not None:
            (rows, columns), (down, across) = self._heat.patches.grid, self._heat.patches.stride
            if 0 <= x < columns and 0 <= y < rows:
                self._on_place(int(y) * down, int(x) * across)


class ScorePanel(CardPanel):
    """The score of the target with the patch and without, and the best classes."""

    def __init__(self) -> None:
        self._text = Text()
        super().__init__(SCORES, self._text)

    def draw(
        self,
        name: str,
        unit: str,
        whole: float,
        found: float,
        where: Sequence[tuple[str, str]],
        bars: Sequence[Bar],
        truth: tuple[int, bool] | None = None,
    ) -> None:
        """Show the score `found` with the patch; `bars` are the best classes with it, by probability or score.

        `truth` is the bar of the true class, and whether it is the best with the patch.
        """
        self._name, self._truth = name, truth
        self._facts = [
            (unit, number(found)),
            ("without patch", number(whole)),
            ("change", signed(found - whole)),
            *where,
        ]
        rows = [(label, value) for label, value, _ in bars]
        if unit in ("logit", "probability"):
            texts = [f"{markup.percent(value)} ({_points(change)})" for _, value, change in bars]
            limit = 1.0
        else:
            texts = [f"{number(value)} ({signed(change)})" for _, value, change in bars]
            limit = max((abs(value) for _, value in rows if np.isfinite(value)), default=0.0) or 1.0
        self._bars = [(label, value / limit, text) for (label, value), text in zip(rows, texts, strict=True)]
        self._best = "Best classes", "with the patch (change)"
        below = markup.heading(*self._best) + markup.bars(rows, texts, limit, stack=10, truth=truth) if bars else ""
        self._text.value = markup.heading(name) + markup.facts(self._facts) + f'<div style="height:12px"></div>{below}'

    def static(self) -> list[Panel]:
        """The same for the static picture."""
        width = SCORES + 60  # where each bar is in one line with its label and its text
        panels = [Panel(self._name, width=width, lines=self._facts)]
        if self._bars:
            panels.append(Panel(" · ".join(self._best), width=width, bars=self._bars, truth=self._truth))
        return panels


def _points(change: float) -> str:
    points = round(100 * change, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "±0"
