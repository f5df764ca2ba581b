"""How far a training is: all that has to be known to go on with it, in this process or in another one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..compute.hooks import alone
from . import checkpoint
from .history import Epoch, History, Step
from .loop import EACH_STEP, Score, length
from .randomness import Rest, random_state, set_random_state, storable


class TrainingState:
    """Weights, optimizer, scheduler and history of a training, its place in an epoch and in the random numbers.

    Attributes
    ----------
    history : History
        Steps and epochs so far.
    epoch, batch, step : int
        What comes next.
    goal : int
        Epochs that there will be when the training is done.
    seconds : float
        Time that the present epoch took so far.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer, scheduler: Any) -> None:
        self._model, self._optimizer, self._scheduler = model, optimizer, scheduler
        self.history = History()
        self.epoch = self.batch = self.step = self.goal = 0
        self.seconds = 0.0
        self._began: dict[str, Any] | None = None  # random state at the beginning of the present epoch
        self._now: dict[str, Any] | None = None  # and where it goes on; None where that is wherever it is

    def batches(self, loader: Iterable[Any]) -> Iterable[Any]:
        """What is to come of the present epoch; raises ValueError where that cannot be of this loader."""
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
        """Take note of a step; in the same turn at the model, so that a checkpoint finds what belongs together."""
        self.history.steps.append(step)
        self.batch, self.step, self.seconds = self.batch + 1, self.step + 1, seconds
        self._now = random_state(loader)

    def end_epoch(self, valid: Score | None, seconds: float) -> Epoch:
        """Take note of the end of an epoch, and step the scheduler."""
        with alone(self._model):
            epoch = self.history.end_epoch(self.epoch, valid, seconds)
            if isinstance(self._scheduler, ReduceLROnPlateau):
                self._scheduler.step(epoch.train_loss if epoch.valid_loss is None else epoch.valid_loss)
            elif self._scheduler is not None and not isinstance(self._scheduler, EACH_STEP):
                self._scheduler.step()
            self.epoch, self.batch, self.seconds = self.epoch + 1, 0, 0.0
            self._began = self._now = None
        return epoch

    def forget_random_state(self) -> None:
        """Go on with the random numbers as they are then."""
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
        """Take over what `save` wrote; what does not fit is refused before anything is changed."""
        state = checkpoint.read(path)
        with alone(self._model):
            checkpoint.check_weights(self._model, state["model"], path)
            for name, kind in self._kinds().items():
                if kind != state["kinds"][name]:
                    raise ValueError(f"{path} was written with the {name} {state['kinds'][name]}; here it is {kind}")
            self._optimizer.load_state_dict(state["optimizer"])  # looks first whether the parameters fit
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
