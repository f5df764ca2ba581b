"""The accuracy over the data set before and after, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...compute.accuracy import AccuracyEffects
from ...render.static import Panel
from ...widgets.surface import markup
from .panels import WIDTH

CLASSES = 6
"""Classes that are shown, those whose accuracy changes most."""


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
