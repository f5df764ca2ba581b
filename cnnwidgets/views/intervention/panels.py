"""The panels of the scores, and of the accuracy over a data set, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...compute.accuracy import AccuracyEffects
from ...compute.dataset import OutputNames, Prediction
from ...render.static import Panel
from ...widgets.surface import markup

WIDTH = 288
BEST = 4
"""Classes that are shown, the best before and the best after."""
CLASSES = 6
"""Classes that are shown, those whose accuracy changes most."""


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


def accuracy_panel(found: AccuracyEffects | None, controls: Sequence[Any], *, edited: bool) -> Panel:
    """A bar of the accuracy after for all images and for the classes that change most, with that before in words."""
    heading, key = "Accuracy · before → after", "accuracy"
    if found is None:
        lines = [] if edited else ["over the data set, as soon as a channel is switched off"]
        return Panel(heading, width=WIDTH, lines=lines, controls=controls, key=key)
    before, after = found.overall
    bars = [("all classes", after, changed(before, after))]
    for at in found.ranking[:CLASSES].tolist():
        one, other = float(found.accuracy_before[at]), float(found.accuracy_after[at])
        bars.append((found.names[at], other, changed(one, other)))
    there = int((found.count > 0).sum())
    most = f"; the {CLASSES} of {there:,} classes that change most" if there > CLASSES else ""
    unlabelled = int((found.labels < 0).sum())
    without = f"; {unlabelled:,} without a label" if unlabelled else ""
    lines = [f"{len(found.indices):,} images{without}{most}"]
    return Panel(heading, width=WIDTH, bars=bars, lines=lines, controls=controls, key=key)


def changed(before: float, after: float) -> str:
    """`91.0 % → 80.1 %`."""
    return f"{markup.percent(before)} → {markup.percent(after)}"
