"""The state of a training: everything needed to continue it, in this process or in another one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ...compute.core import alone
from ...compute.interventions import interventions_of
from . import checkpoint
from .history import Epoch, History, Step
from .loop import EACH_STEP, Score, length
from .randomness import Rest, random_state, set_random_state, storable


class TrainingState:
    """Weights, optimizer, scheduler and history of a training, its position in the epoch and its random state.

    Attributes
    ----------
    history : History
        Steps and epochs so far.
    epoch, batch, step : int
        Numbers of the next step.
    goal : int
        Total number of epochs when the training is done.
    seconds : float
        Duration of the current epoch so far.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer, scheduler: Any) -> None:
        self._model, self._optimizer, self._scheduler = model, optimizer, scheduler
        self.history = History()
        self.epoch = self.batch = self.step = self.goal = 0
        self.seconds = 0.0
        self._edited: dict[str, None] = {}  # in steps of the current epoch
        self._began: dict[str, Any] | None = None  # random state at the start of the current epoch
        self._now: dict[str, Any] | None = None  # and at the next step; None for the global state at that time

    def batches(self, loader: Iterable[Any]) -> Iterable[Any]:
        """Remaining batches of the current epoch; raises ValueError if they cannot be of this loader."""
        with alone(self._model):
            now = self._now or random_state(loader)
            if not self.batch:
                set_random_state(now, loader)
                self._began = now
                return loader
        assert self._began is not None
        if (count := length(loader)) is not None and count < self.batch:
            raise ValueError(
                f"the training stopped in the middle of an epoch, after batch {self.batch}, but the training loader "
                f"has {count}: it is not the loader of that epoch"
            )
        return Rest(loader, self.batch, self._began, now)

    def after(self, step: Step, loader: Iterable[Any], seconds: float) -> None:
        """Record a step, while the model is still locked, so that a checkpoint is consistent."""
        self.history.steps.append(step)
        self._edited |= {each.words: None for each in interventions_of(self._model)}
        self.batch, self.step, self.seconds = self.batch + 1, self.step + 1, seconds
        self._now = random_state(loader)

    def end_epoch(self, valid: Score | None, seconds: float) -> Epoch:
        """Record the end of an epoch, and step the scheduler."""
        with alone(self._model):
            epoch = self.history.end_epoch(self.epoch, valid, seconds, "; ".join(self._edited))
            self._edited = {}
            if isinstance(self._scheduler, ReduceLROnPlateau):
                self._scheduler.step(epoch.train_loss if epoch.valid_loss is None else epoch.valid_loss)
            elif self._scheduler is not None and not isinstance(self._scheduler, EACH_STEP):
                self._scheduler.step()
            self.epoch, self.batch, self.seconds = self.epoch + 1, 0, 0.0
            self._began = self._now = None
        return epoch

    def forget_random_state(self) -> None:
        """Continue with the global random state at that time."""
        self._now = None

    def save(self, path: str | Path, loader: Iterable[Any] | None) -> Path:
        """Write everything to a file."""
        with alone(self._model):
            state = {
                **{name: part.state_dict() for name, part in self._parts().items()},
                "kinds": self._kinds(),
                "position": [self.epoch, self.batch, self.step, self.goal, self.seconds],
                "random": [storable(self._began), storable(self._now or random_state(loader))],
            }
            return checkpoint.write(path, state)

    def load(self, path: str | Path) -> None:
        """Load a file written by `save`; a mismatch is refused before anything is changed."""
        state = checkpoint.read(path)
        with alone(self._model):
            checkpoint.check_weights(self._model, state["model"], path)
            for name, kind in self._kinds().items():
                if kind != state["kinds"][name]:
                    raise ValueError(f"{path} was written with the {name} {state['kinds'][name]}; here it is {kind}")
            self._optimizer.load_state_dict(state["optimizer"])  # checks first whether the parameters fit
            for name, part in self._parts().items():
                if name != "optimizer":
                    part.load_state_dict(state[name])
            self.epoch, self.batch, self.step, self.goal, self.seconds = state["position"]
            self._began, self._now = state["random"]

    def _parts(self) -> dict[str, Any]:
        parts = {"model": self._model, "optimizer": self._optimizer, "history": self.history}
        return parts if self._scheduler is None else {**parts, "scheduler": self._scheduler}

    def _kinds(self) -> dict[str, str]:
        parts = {"optimizer": self._optimizer, "scheduler": self._scheduler}
        return {name: "none" if part is None else type(part).__name__ for name, part in parts.items()}
