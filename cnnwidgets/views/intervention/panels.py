"""The panel of the scores before and after."""

from __future__ import annotations

from ...compute.dataset import OutputNames, Prediction
from ...render.static import Panel
from ...widgets.surface import markup

WIDTH = 288
BEST = 4
"""Classes that are shown, the best before and the best after."""


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
