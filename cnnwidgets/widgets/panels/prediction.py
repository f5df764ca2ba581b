"""The most probable classes of an image as bars, with the true one among them, and whether the best is the true one."""

from __future__ import annotations

from collections.abc import Sequence

from ...compute.dataset import Item, OutputNames, Prediction
from ...render.static import Panel
from ..surface import markup
from .column import INPUT


def prediction_panel(
    prediction: Prediction | None, item: Item, names: OutputNames, *, width: int = INPUT, room: int = 0
) -> Panel:
    """The best classes, and the true one, with their probabilities; whether the prediction is right."""
    if prediction is None:
        return Panel("Prediction · no class scores", width=width, key="prediction")
    count = len(prediction.shares)
    targets, truth = with_truth(prediction.targets, names.truth(item, count))
    shares = [prediction.shares[target] for target in targets]
    bars = [
        (names.called(target, count), share, markup.percent(share))
        for target, share in zip(targets, shares, strict=True)
    ]
    verdict = "" if truth is None else "right" if truth[1] else "wrong"
    heading = " · ".join(filter(None, ["Prediction", verdict, prediction.source]))
    return Panel(heading, width=width, bars=bars, truth=truth, key="prediction", room=room)


def with_truth(best: Sequence[int], truth: int | None) -> tuple[list[int], tuple[int, bool] | None]:
    """The best classes and, below them, the true one if it is not among them; its place, and whether it is the best."""
    if truth is None:
        return list(best), None
    shown = [*best] if truth in best else [*best, truth]
    return shown, (shown.index(truth), truth == best[0])
