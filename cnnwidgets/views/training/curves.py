"""Loss and accuracy as they come: live lines, thinned so that a long training draws as fast as a short one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...render.static import Chart, Line
from ...training.loop import History
from ...widgets.panels import CurvePanel
from ...widgets.panels import curve_panel as curves_of

POINTS = 240
"""Points of a line at most; where there are more steps, each is the mean of several."""
NAMES = ("train", "validation")
WIDTH = 312
"""Of a chart, in px."""


class Track:
    """Loss and accuracy of a history over its epochs; only what is new is read."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._forget()

    def _forget(self) -> None:
        self._last: Any = None
        self._x: list[float] = []
        self._values: dict[str, list[float]] = {"loss": [], "accuracy": []}
        self._ends: dict[int, float] = {}

    def update(self) -> None:
        """Read the steps that have been added."""
        steps = self._history.steps
        known = len(self._x)
        if known > len(steps) or (known and steps[known - 1] is not self._last):
            self._forget()  # another history was loaded
            known = 0
        for step in steps[known:]:
            at = step.step + 1.0 if step.batches is None else step.epoch + (step.batch + 1) / step.batches
            self._x.append(at)
            self._ends[step.epoch] = at
            self._values["loss"].append(step.loss)
            self._values["accuracy"].append(math.nan if step.accuracy is None else step.accuracy)
            self._last = step

    def chart(self, what: str, goal: int, *, log: bool = False) -> Chart:
        """The lines of `loss` or `accuracy`: each step of the training, each epoch of the validation."""
        x, y = thinned(np.array(self._x), np.array(self._values[what]))
        epochs = [epoch for epoch in self._history.epochs if getattr(epoch, f"valid_{what}") is not None]
        ends = np.array([self._ends.get(epoch.epoch, epoch.epoch + 1.0) for epoch in epochs])
        valid = np.array([getattr(epoch, f"valid_{what}") for epoch in epochs], dtype=float)
        counted = self._last is not None and self._last.batches is None
        width = float(x[-1]) if counted else float(max(goal, 1))
        return Chart([Line(x, y), Line(ends, valid, dots=True)], (0.0, width), "step" if counted else "epoch", log)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of as many neighbours as it takes to have at most `POINTS`; places are those of the last of them."""
    size = -(-len(x) // POINTS)
    if size <= 1:
        return x, y
    starts = np.arange(0, len(x), size)
    counts = np.diff(np.append(starts, len(x)))
    return x[starts + counts - 1], np.add.reduceat(y, starts) / counts


def curve_panel(name: str, curves: Chart) -> CurvePanel:
    """The panel of the lines of training and validation, whose key is their name in small letters."""
    return curves_of(name, curves, NAMES)


def has_values(curves: Chart) -> bool:
    """Whether there is a value, or may come to be: not where there are steps without one."""
    return not len(curves.lines[0].y) or any(np.isfinite(line.y).any() for line in curves.lines)
