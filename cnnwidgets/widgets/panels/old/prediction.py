"""The most probable classes of an image as bars, with the true one among them, and whether the best is the true one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....compute.dataset import Item, OutputNames, Prediction
from ....render.static import Panel
from ...surface import markup


@dataclass(frozen=True)
class Told:
    """A prediction in words and bars.

    Attributes
    ----------
    heading : tuple of str
        What stands above: that it is the prediction, whether it is right, where the numbers come from.
    rows : list of (str, float)
        Name and probability of the best classes, and of the true one.
    truth : (int, bool) or None
        The row of the true class, and whether the prediction is right; None where that cannot be known.
    """

    heading: tuple[str, ...] = ("Prediction",)
    rows: Sequence[tuple[str, float]] = ()
    truth: tuple[int, bool] | None = None

    @classmethod
    def of(cls, prediction: Prediction | None, item: Item, names: OutputNames) -> Told:
        """Tell the prediction for an item."""
        if prediction is None:
            return cls(("Prediction", "no class scores"))
        count = len(prediction.shares)
        targets, truth = with_truth(prediction.targets, names.truth(item, count))
        rows = [(names.called(target, count), prediction.shares[target]) for target in targets]
        verdict = "" if truth is None else "right" if truth[1] else "wrong"
        return cls(("Prediction", verdict, prediction.source), rows, truth)

    @property
    def texts(self) -> list[str]:
        """The probabilities in per cent."""
        return [markup.percent(share) for _, share in self.rows]

    def html(self) -> str:
        """Heading and bars for the page."""
        bars = markup.bars(self.rows, self.texts, 1.0, stack=10, truth=self.truth) if self.rows else ""
        return markup.heading(*self.heading) + bars

    def static(self, width: int) -> list[Panel]:
        """The same for the static picture."""
        bars = [(name, share, text) for (name, share), text in zip(self.rows, self.texts, strict=True)]
        return [Panel(" · ".join(filter(None, self.heading)), width=width, bars=bars, truth=self.truth)]


def with_truth(best: Sequence[int], truth: int | None) -> tuple[list[int], tuple[int, bool] | None]:
    """The best classes and, below them, the true one if it is not among them; its place, and whether it is the best."""
    if truth is None:
        return list(best), None
    shown = [*best] if truth in best else [*best, truth]
    return shown, (shown.index(truth), truth == best[0])
