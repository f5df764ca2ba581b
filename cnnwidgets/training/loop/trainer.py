"""Trainer: the usual loop with validation, history and checkpoints, controllable from any thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import Optimizer

from ...compute.core import alone, call, check_numbers, plain
from ...compute.inputs import as_batch
from ...compute.layers import apart
from ...compute.shadow import looking
from .control import Control
from .course import TrainingState
from .history import History, Step
from .loop import EACH_STEP, LossFn, Score, check_epochs, check_optimizer, evaluate, fit, length
from .progress import Progress
from .randomness import random_state, set_random_state, set_seed


class Trainer(Control):
    """Trains a network; can be paused, stopped, saved and resumed without changing the result.

    Parameters
    ----------
    model : torch.nn.Module
        The network; moved to `device` if given.
    loss_fn : callable
        `loss_fn(outputs, targets)` returns one number, the mean over the batch.
    optimizer : torch.optim.Optimizer
        Made with the parameters of `model`.
    scheduler : optional
        A learning rate scheduler of torch; stepped after each epoch (`ReduceLROnPlateau` by the validation loss, or
        else the training loss), `OneCycleLR` and `CyclicLR` after each step.
    device : torch.device or str, optional
        Device of the training; by default that of the model.
    writer : torch.utils.tensorboard.SummaryWriter, optional
        Receives loss and accuracy of each epoch, and the loss of each step.
    checkpoint : str or Path, optional
        File that is written after each epoch, and when the training is stopped or interrupted.
    progress : bool
        Show a progress bar.

    Attributes
    ----------
    listeners : list of callable
        Each is called with the `Step` after each step, in the thread that trains.
    recorder : Recorder or None
        Records the training; its context is active while the training runs.

    Raises
    ------
    TypeError, ValueError
        The optimizer is none, holds no weight of the model, or needs a closure (LBFGS).

    Notes
    -----
    The same result after an interruption means: bitwise, on the same machine with deterministic operations, if
    random numbers come from the global generators of Python, NumPy and torch or from a generator of the loader.
    Worker processes that a loader keeps from epoch to epoch (`persistent_workers`) have separate random states.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: LossFn,
        optimizer: Optimizer,
        scheduler: Any = None,
        device: torch.device | str | None = None,
        *,
        writer: Any = None,
        checkpoint: str | Path | None = None,
        progress: bool = True,
    ) -> None:
        super().__init__()
        check_optimizer(model, loss_fn, optimizer)
        check_numbers(model)
        self.model = model if device is None else model.to(device)
        self.loss_fn, self.optimizer, self.scheduler = loss_fn, optimizer, scheduler
        self.writer, self.checkpoint, self.progress = writer, checkpoint, progress
        self.listeners: list[Callable[[Step], None]] = []
        self.recorder: Any = None
        self.train_loader: Iterable[Any] | None = None
        self.valid_loader: Iterable[Any] | None = None
        self._device = device
        self._state = TrainingState(model, optimizer, scheduler)
        self._told = -1  # the last epoch whose end was reported to the recorder

    def __repr__(self) -> str:
        return f"Trainer of {type(self.model).__name__} by {type(self.optimizer).__name__}: {self.history!r}"

    @property
    def history(self) -> History:
        """Loss and accuracy of each step and epoch."""
        return self._state.history

    @property
    def goal(self) -> int:
        """Total number of epochs when the current or interrupted training is done."""
        return self._state.goal

    # ------------------------------------------------------------------ what to train with

    def set_loaders(self, train: Iterable[Any], valid: Iterable[Any] | None = None) -> None:
        """Set the loaders of batches `(images, targets)`.

        Raises
        ------
        ValueError
            A loader is empty.
        TypeError
            The loader is not iterable.
        RuntimeError
            A training is running.
        """
        if self.running:
            raise RuntimeError("the loaders cannot be changed while the training runs; stop() it first")
        for name, loader in (("training", train), ("validation", valid)):
            if loader is not None and not (hasattr(loader, "__iter__") or hasattr(loader, "__getitem__")):
                raise TypeError(f"the {name} loader must give batches, as a DataLoader does, not {loader!r:.60}")
            if loader is not None and length(loader) == 0:
                raise ValueError(f"the {name} loader gives no batch: its data set is empty, or smaller than a batch")
        self.train_loader, self.valid_loader = train, valid

    def set_seed(self, seed: int) -> None:
        """Seed Python, NumPy and torch (every device). The order of an interrupted epoch is kept.

        Raises
        ------
        ValueError
            `seed` is no whole number from 0 to 2 ** 32 - 1.
        """
        set_seed(seed)
        self._state.forget_random_state()

    # ------------------------------------------------------------------ train

    def train(self, n_epochs: int | None = None, *, progress: bool | None = None) -> History:
        """Train, and return when it is done; an interrupt (Ctrl-C, or the stop button) ends it after the current step.

        In a cell of a notebook, widget events are handled between two steps.

        Parameters
        ----------
        n_epochs : int, optional
            Number of further epochs; an interrupted one is finished first and counts as one. By default the remaining
            epochs of an interrupted training.
        progress : bool, optional
            Show a progress bar; by default as given to the trainer.

        Returns
        -------
        History
            `trainer.history`.

        Raises
        ------
        ValueError
            There is no training loader, or it yields no batch.
        FloatingPointError
            The loss is NaN or infinite: the message names the step. The weights, the history, the recording and the
            last checkpoint are those before that step.
        RuntimeError
            The trainer is training already.
        """
        self._begin(n_epochs, progress, background=False)
        return self.history

    def start(self, n_epochs: int | None = None, *, progress: bool | None = False) -> None:
        """Train in the background: `train` in a separate thread. `wait()` waits for its end."""
        self._begin(n_epochs, progress, background=True)

    def _begin(self, n_epochs: int | None, progress: bool | None, *, background: bool) -> None:
        loader = self.train_loader
        if loader is None:
            raise ValueError("there is no training loader: trainer.set_loaders(train, valid) sets both")
        if n_epochs is None and not self.goal:
            raise ValueError("train(n_epochs) needs a number of epochs: there is no interrupted training to finish")
        if n_epochs is not None:
            check_epochs(n_epochs)
        bar = self.progress if progress is None else progress

        def work() -> None:
            if n_epochs is not None:
                self._state.goal = self._state.epoch + n_epochs
            self._train(loader, bar)

        self._run(work, background=background)

    def _train(self, loader: Iterable[Any], bar: bool) -> None:
        state, recorder = self._state, nullcontext() if self.recorder is None else self.recorder
        with recorder, Progress(bar, state.epoch, state.goal, state.batch) as progress:
            try:
                while state.epoch < state.goal and self._train_epoch(loader, progress):
                    pass
            except RuntimeError:
                if not self._interrupted:  # an interrupt also kills the worker processes of a loader
                    raise
            except KeyboardInterrupt:
                self._stopping = True
            if self._stopping:
                progress.say(f"stopped after {state.step} steps; train() goes on")
                self._checkpoint()
        if self.writer is not None:
            self.writer.flush()

    def _train_epoch(self, loader: Iterable[Any], progress: Progress) -> bool:
        """Train the epoch, or the rest of it; False if it was stopped before its end."""
        state, scheduler, turn = self._state, self.scheduler, alone(self.model)
        began = time.perf_counter() - state.seconds
        steps = fit(
            self.model,
            state.batches(loader),
            self.loss_fn,
            self.optimizer,
            n_epochs=1,
            scheduler=scheduler if isinstance(scheduler, EACH_STEP) else None,
            device=self._device,
            start=(state.epoch, state.batch, state.step),
        )
        while True:
            with turn:
                step = next(steps, None)
                if step is None:
                    break
                state.after(step, loader, time.perf_counter() - began)
            self._tell(step, progress)
            if not self._may_go_on():
                return False
        if self.recorder is not None and self._told < state.epoch:
            self.recorder.end_epoch(state.epoch)
            self._told = state.epoch
        valid = None
        if self.valid_loader is not None and (valid := self._validate(self._may_go_on)) is None:
            return False
        self._end_epoch(valid, time.perf_counter() - began)
        return True

    def _tell(self, step: Step, progress: Progress) -> None:
        if self.writer is not None:
            self.writer.add_scalar("loss/step", step.loss, step.step)
        if self.recorder is not None:
            self.recorder.step(step.epoch, step.batch, of=step.batches, loss=step.loss)
        for listener in list(self.listeners):
            listener(step)
        progress.step(step)

    def _end_epoch(self, valid: Score | None, seconds: float) -> None:
        epoch = self._state.end_epoch(valid, seconds)
        if self.writer is not None:
            for name in ("loss", "accuracy"):
                for part in ("train", "valid"):
                    if (value := getattr(epoch, f"{part}_{name}")) is not None:
                        self.writer.add_scalar(f"{name}/{part}", value, epoch.epoch)
        self._checkpoint()
        self.changed()

    # ------------------------------------------------------------------ ask

    def validate(self) -> Score:
        """Loss and accuracy over the validation loader, in evaluation mode; the training state is unchanged.

        Raises
        ------
        ValueError
            There is no validation loader, or it yields no batch.
        """
        score = self._validate(lambda: True)
        assert score is not None
        return score

    def _validate(self, between: Callable[[], bool]) -> Score | None:
        if self.valid_loader is None:
            raise ValueError("there is no validation loader: trainer.set_loaders(train, valid) sets both")
        with alone(self.model):
            before = random_state(self.valid_loader)  # else validating would change the next epoch
        try:
            return evaluate(self.model, self.valid_loader, self.loss_fn, device=self._device, between=between)
        finally:
            with alone(self.model):
                set_random_state(before, self.valid_loader)

    def predict(self, images: Any, *, batch_size: int = 256) -> NDArray[Any]:
        """Output of the network, in evaluation mode; every module's mode is restored.

        Parameters
        ----------
        images : array or tensor
            (N, C, H, W), or (C, H, W) for a single one, as for `activations`. Bytes become [0, 1], as in the data sets.
        batch_size : int
            Number of images per forward pass; one for a network that mixes the images of a batch.

        Returns
        -------
        ndarray
            (N, ...) output of the network.

        Raises
        ------
        ForwardError
            The network raised an error; the message names the layer, its input and the expected input.
        TypeError, ValueError
            The network does not return a single tensor; `batch_size` is below 1.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {batch_size}")
        given = as_batch(plain(self.model), images)
        if not isinstance(given, torch.Tensor):
            raise TypeError(f"predict needs a batch of images, not a {type(given).__name__}")
        found = []
        for batch in apart(self.model, given, batch_size):
            with looking(self.model) as network:
                outputs = call(network, batch)
            if not isinstance(outputs, torch.Tensor):
                raise TypeError(f"predict needs a network that returns one tensor, not a {type(outputs).__name__}")
            found.append(outputs.cpu())
        joined = torch.cat(found)
        return np.asarray(joined.float() if joined.dtype == torch.bfloat16 else joined)

    # ------------------------------------------------------------------ checkpoints

    def save(self, path: str | Path) -> Path:
        """Write everything needed to continue the training: weights, optimizer, scheduler, random numbers, history.

        From any thread; while the training runs, after a complete step.

        Raises
        ------
        OSError
            The file cannot be written; an existing file is unchanged.
        """
        return self._state.save(path, self.train_loader)

    def load(self, path: str | Path) -> None:
        """Load a training saved by `save` or `checkpoint=`, also within an epoch; then call `train()`.

        The trainer must be created like the saved one: model, optimizer, scheduler, loaders.

        Raises
        ------
        FileNotFoundError
            The file does not exist.
        ValueError
            The file is damaged, not a checkpoint, or of another model, optimizer or scheduler.
        RuntimeError
            A training is running.
        """
        if self.running:
            raise RuntimeError("a checkpoint cannot be loaded while the training runs; stop() it first")
        self._state.load(path)
        self._told = self._state.epoch - 1
        self.changed()

    def _checkpoint(self) -> None:
        if self.checkpoint is not None:
            self.save(self.checkpoint)
