"""The panels of InterventionView: the scores before and after, the ranking of the channels, and its curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...compute.dataset import OutputNames, Prediction
from ...compute.interventions import ChannelEffects
from ...render.static import Chart, Line, Panel
from ...widgets.panels import CurvePanel, curve_panel
from ...widgets.surface import markup, number

WIDTH = 288
BEST = 4
"""Classes that are shown, the best before and the best after."""
RANKED = 8
"""Channels of the ranking that are shown."""


def score_panel(before: Prediction | None, after: Prediction | None, names: OutputNames, truth: int | None) -> Panel:
    """Two bars for each of the best classes of both: before, and after with the change."""
    if before is None or after is None or len(before.shares) != len(after.shares):
        return Panel("Scores · no class scores", width=WIDTH, key="scores")
    shown = list(dict.fromkeys([*before.targets[:BEST], *after.targets[:BEST]]))
    if truth is not None and truth not in shown:
        shown.append(truth)
    bars = []
    for target in shown:
        one, other = before.shares[target], after.shares[target]
        bars.append((names.called(target, len(before.shares)), one, f"{markup.percent(one)} before"))
        bars.append(("after", other, f"{markup.percent(other)} ({points(other - one)})"))
    marked = None if truth is None else (2 * shown.index(truth), truth == before.targets[0])
    verdicts = [] if truth is None else ["right" if truth == each.targets[0] else "wrong" for each in (before, after)]
    verdict = ", then ".join(dict.fromkeys(verdicts))
    heading = " · ".join(filter(None, ["Scores", verdict, after.source]))
    return Panel(heading, width=WIDTH, bars=bars, truth=marked, key="scores")


def points(change: float) -> str:
    """A change in percentage points, with its sign."""
    rounded = round(100 * change, 1)
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "±0"


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
