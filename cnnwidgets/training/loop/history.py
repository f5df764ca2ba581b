"""The history of a training: numbers per step and per epoch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...late import imported

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Step:
    """One step of the optimizer.

    Attributes
    ----------
    epoch, batch : int
        Number of the epoch, and of the batch in it, both from 0.
    batches : int or None
        Batches in an epoch; None if the loader has no length.
    step : int
        Number of the step over all epochs, from 0.
    loss : float
        Loss of the batch, before the step.
    accuracy : float or None
        Fraction of the batch classified correctly, 0 to 1; None if the targets are not classes.
    examples : int
        Size of the batch.
    lr : float
        Learning rate of the step (of the first group of parameters).
    """

    epoch: int
    batch: int
    batches: int | None
    step: int
    loss: float
    accuracy: float | None
    examples: int
    lr: float


@dataclass(frozen=True)
class Epoch:
    """One epoch.

    Attributes
    ----------
    epoch : int
        From 0.
    train_loss, train_accuracy : float, float or None
        Means over the examples as they were trained with, while the weights changed.
    valid_loss, valid_accuracy : float or None
        Of the validation loader, after the epoch; None without one.
    seconds : float
        Time taken, validation included.
    edited : str
        What was edited in the model in steps of the epoch, by `intervene`; empty for nothing.
    """

    epoch: int
    train_loss: float
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float
    edited: str = ""


class History:
    """Steps and epochs of a training, oldest first."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.epochs: list[Epoch] = []

    def __repr__(self) -> str:
        last = self.epochs[-1] if self.epochs else None
        loss = "" if last is None else f", train loss {last.train_loss:.4g}"
        loss += "" if last is None or last.valid_loss is None else f", valid loss {last.valid_loss:.4g}"
        epochs, steps = len(self.epochs), len(self.steps)
        return f"History({epochs:,} epoch{'s' * (epochs != 1)}, {steps:,} step{'s' * (steps != 1)}{loss})"

    def end_epoch(
        self, epoch: int, valid: tuple[float, float | None] | None, seconds: float, edited: str = ""
    ) -> Epoch:
        """Summarise the steps of an epoch; `valid` is the loss and accuracy of the validation."""
        first = len(self.steps)
        while first and self.steps[first - 1].epoch == epoch:
            first -= 1
        steps = self.steps[first:]
        valid_loss, valid_accuracy = valid or (None, None)
        loss = mean((step.loss, step.examples) for step in steps)
        assert loss is not None  # an epoch has a step
        accuracy = mean((step.accuracy, step.examples) for step in steps)
        self.epochs.append(Epoch(epoch, loss, accuracy, valid_loss, valid_accuracy, seconds, edited))
        return self.epochs[-1]

    def to_frame(self, per: str = "epoch") -> pd.DataFrame:
        """The history as a DataFrame.

        Parameters
        ----------
        per : str
            "epoch" or "step": one row per epoch or step.

        Returns
        -------
        pandas.DataFrame
            A column for each attribute of `Epoch` or `Step`; NaN if there is no value.
        """
        pd = imported("pandas")

        if per not in ("epoch", "step"):
            raise ValueError(f"a row is an 'epoch' or a 'step', not {per!r}")
        kind, rows = (Epoch, self.epochs) if per == "epoch" else (Step, self.steps)
        frame = pd.DataFrame([asdict(row) for row in rows], columns=list(kind.__dataclass_fields__))
        numbers = [name for name in frame if name.endswith(("loss", "accuracy"))]
        return frame.astype(dict.fromkeys(numbers, float))

    def state_dict(self) -> dict[str, Any]:
        """Lists of numbers, for a checkpoint."""
        return {
            "steps": [list(asdict(step).values()) for step in self.steps],
            "epochs": [list(asdict(epoch).values()) for epoch in self.epochs],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        steps, epochs = [Step(*row) for row in state["steps"]], [Epoch(*row) for row in state["epochs"]]
        self.steps, self.epochs = steps, epochs


def mean(values: Iterable[tuple[float | None, int]]) -> float | None:
    """Mean of (value, weight) pairs; None if a value is missing or there are no pairs."""
    total, weights = 0.0, 0
    for value, weight in values:
        if value is None:
            return None
        total += value * weight
        weights += weight
    return total / weights if weights else None
