"""Channels by their effect, and the curve of the score over how many of them are off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...compute.effects import ChannelAblator, ChannelEffects
from ...render.static import Chart, Line, Panel
from ...widgets.panels import CurvePanel, curve_panel
from ...widgets.surface import number
from .panels import WIDTH

RANKED = 8
"""Channels of the ranking that are shown."""
MOST = 16
"""Channels of the curve at most."""


class Ranking:
    """Switches off one channel after another by itself, and then the best ones together, for the curve.

    Attributes
    ----------
    curve : torch.Tensor or None
        (K + 1,): the score with no channel off, with the first of the ranking, with the first two ...
    """

    def __init__(self, ablator: ChannelAblator) -> None:
        self._ablator = ablator
        self.curve: torch.Tensor | None = None

    @property
    def done(self) -> int:
        """Channels that have been switched off, and 1 for the curve."""
        return self._ablator.done + (self.curve is not None)

    @property
    def total(self) -> int:
        """How many there are, and 1 for the curve."""
        return self._ablator.total + 1

    @property
    def result(self) -> ChannelEffects:
        """The effects as far as they are known."""
        return self._ablator.result

    def step(self, seconds: float | None = None) -> None:
        """Switch off some channels, or make the curve."""
        if self._ablator.done < self._ablator.total:
            self._ablator.step(seconds)
        else:
            order = self.result.ranking[:MOST].tolist()
            self.curve = self._ablator.without([order[:count] for count in range(len(order) + 1)])[:, 0].cpu()


def ranking_panel(
    effects: ChannelEffects | None, channel: int, score: str, target: str, controls: Sequence[Any]
) -> Panel:
    """The channels that the class needs most, as far as they are known: by how much its score falls without each."""
    heading, note = f"Channels by effect · {score} of {target}", "how far it falls without each alone"
    if effects is None or not effects.done.any():
        return Panel(heading, width=WIDTH, lines=[f"{note}: not yet known"], controls=controls, key="ranking")
    change, order = effects.change[0], effects.ranking.tolist()
    shown = order if len(order) <= RANKED else [*order[: RANKED - 2], *order[-2:]]
    limit = max((abs(float(change[at])) for at in shown if math.isfinite(change[at])), default=0.0) or 1.0
    bars = [(f"channel {at}", float(change[at]) / limit, signed(float(change[at]))) for at in shown]
    lines = [note] if len(order) <= RANKED else [f"{note}; the first {RANKED - 2} and the last 2 of {len(order):,}"]
    chosen = shown.index(channel) if channel in shown else None
    return Panel(heading, width=WIDTH, bars=bars, lines=lines, chosen=chosen, controls=controls, key="ranking")


def signed(value: float) -> str:
    """A change with its sign; none before 0."""
    return f"+{number(value)}" if value > 0 else number(value)


def curve_of(scores: torch.Tensor, score: str) -> CurvePanel:
    """The score over the number of channels off, in the order of the ranking."""
    values = scores.double().numpy()
    places, nothing = np.arange(len(values), dtype=np.float64), np.empty(0)
    lines = [Line(places, values, dots=True), Line(nothing, nothing)]
    chart = Chart(lines, (0.0, max(1.0, len(values) - 1)), "k, channels off")
    return curve_panel(f"{score.capitalize()} without the top k", chart, [score], key="curve")
