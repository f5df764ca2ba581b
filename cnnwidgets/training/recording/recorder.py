"""Recorder: attaches to any training loop and records the outputs of layers for probe images as the network learns."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import torch
from torch import nn

from ...compute.core import listing, plain, weights_version, whole
from ...compute.dataset import class_names
from ...compute.gradients import Seen, Watched, watching
from ...files import parsed_bytes
from . import header
from .film import Film, check_room
from .look import FrameContents
from .probes import as_labels, as_loss, as_normalization, as_probes
from .recording import Recording

NO_END = "the loop does not say where an epoch ends"


class Recorder:
    """Records a training: the maps of fixed probe images, and optionally more, keyed (epoch, batch, layer).

    The network runs between two steps, in evaluation mode: BatchNorm statistics, random state, gradients, modes and the
    user's hooks are unchanged. Each frame is a separate file that is written atomically: a crash loses at most the
    frame being written. An error of the recording never ends the training: the recorder warns, keeps its frames, and
    stops. What a frame lacks is said once, with the reason, in `notes`.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained.
    layers : str or iterable of str
        Names as in `layer_table`.
    probes : torch.Tensor or sequence
        Images (N, C, H, W), or a sequence of images or of (image, label).
    path : str or Path, optional
        Folder of the recording, which must not exist yet or be empty. None: a temporary one, which is deleted
        with the recorder and its recording.
    every : "epoch" or int
        Record at the end of each epoch, or after this number of steps.
    gradients : bool
        Record the gradients of the loss with respect to the outputs of `layers` for the first image of the batch, from
        the training's own backward pass (of the scaled loss, if there is a `GradScaler`; summed, if there are several
        for one pass). Only inside `with recorder:`, where a compiled model then runs as plain Python.
    weights : bool
        Record the filters of those `layers` that are convolutions.
    inputs : bool
        Record the first image of the batch as the model received it, augmented, and the outputs of `layers` for it in
        evaluation mode. Image and gradients are of one pass: where several come before a step, of the last one to
        which a gradient came back. Only inside `with recorder:`, as for `gradients`.
    budget : int or str
        Maximum number of bytes of all frames, `"512MB"`. If the next does not fit, all become float16 if that is
        precise enough (no number changes by more than 1/1000 of the largest of its layer); then every second frame is
        dropped, and only every second one recorded from there on. The frames before the first step and at the end are
        kept.
    labels : sequence of int, optional
        Classes of the probes, if `probes` has no labels.
    classes : sequence of str, optional
        Class names.
    denormalize : (mean, std), optional
        The normalisation of the images, one number per channel, to undo it for display.
    resume : bool
        Continue the recording in `path`, for a resumed training: frames from the first newly recorded step on are
        replaced.

    Raises
    ------
    LookupError
        Unknown layer.
    ForwardError
        A probe does not fit the network; the message names the layer and its input.
    ValueError
        No probes or layers; `every`, `budget`, `labels` or `denormalize` are invalid; two frames would not fit into
        the budget; the recording to resume is of another network, other layers or probes.
    OSError
        The folder cannot be written, or is not empty.

    Examples
    --------
    >>> recorder = Recorder(model, ["C1", "C3"], images, "film")  # doctest: +SKIP
    >>> with recorder:  # doctest: +SKIP
    ...     for epoch in range(epochs):
    ...         for batch, (images, targets) in enumerate(loader):
    ...             ...  # a training step
    ...             recorder.step(epoch, batch, of=len(loader), loss=loss)
    """

    def __init__(
        self,
        model: nn.Module,
        layers: str | Iterable[str],
        probes: Any,
        path: str | Path | None = None,
        *,
        every: Literal["epoch"] | int = "epoch",
        gradients: bool = False,
        weights: bool = True,
        inputs: bool = False,
        budget: int | str = "512MB",
        labels: Sequence[int] | None = None,
        classes: Sequence[str] | None = None,
        denormalize: tuple[Sequence[float], Sequence[float]] | None = None,
        resume: bool = False,
    ) -> None:
        if every != "epoch" and not (isinstance(every, int) and not isinstance(every, bool) and every >= 1):
            raise ValueError(f"every={every!r}; allowed: 'epoch', or a number of steps from 1")
        limit = parsed_bytes(budget)
        self.model, self.every = model, every
        self.gradients, self.weights, self.inputs = gradients, weights, inputs
        images, found = as_probes(plain(model), probes)
        labels = found if labels is None else as_labels(labels, len(images))
        normalization = None if denormalize is None else as_normalization(denormalize)
        self._contents = FrameContents(model, [layers] if isinstance(layers, str) else layers, images, weights=weights)
        tensors, _ = self._contents.take()
        check_room(tensors, len(images), limit, singles=gradients + inputs)
        about = {
            "id": uuid.uuid4().hex,
            "model": type(plain(model)).__name__,
            "weights": header.weight_shapes(model),
            "layers": [header.layer_record(row) for row in self._contents.rows],
            "probes": len(images),
            "labels": labels,
            "classes": [] if classes is None else class_names(classes),
            "normalization": normalization,
            "every": every,
            "budget": limit,
            "half": False,
            "stride": 1,
            "notes": [],
        }
        self.steps, self.stopped = 0, ""
        self._watched: Watched | None = None
        self._seen, self._inside = Seen(), ExitStack()
        self._said: set[str] = set()  # what the notes say is missing
        self._at = (-1, -1)
        self._loss: float | torch.Tensor | None = None
        self._epoch: int | None = None  # the epoch whose end has not been reported
        folder = None if path is None else Path(path).expanduser()
        self._film = Film(folder, about, images, limit, resume=resume)
        self._resuming = resume and bool(self.recording.frames)
        if self._resuming:
            self.steps = self.recording.frames[-1].step
        else:
            try:
                self._film.add(tensors, always=True, epoch=-1, batch=-1, step=0, loss=None, end=False)
            except BaseException:
                self._film.remove()
                raise
        self._version = weights_version(plain(model))

    def __repr__(self) -> str:
        every = "every epoch" if self.every == "epoch" else f"every {self.every:,} steps"
        return f"Recorder, {every}, step {self.steps:,}: {self.recording!r}"

    # ------------------------------------------------------------------ the loop calls these

    def __enter__(self) -> Recorder:
        with self._guarded():
            if not self.steps and weights_version(plain(self.model)) != self._version:  # other weights were loaded
                self._film.forget(*self.recording.frames)
                self._record(always=True)
            layers = self._contents.layers if self.gradients else []
            watch = watching(self.model, layers, images=self.inputs, axes=self._contents.axes)
            self._watched = self._inside.enter_context(watch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside.close()
        self.finish()

    def step(self, epoch: int, batch: int, of: int | None = None, *, loss: float | torch.Tensor | None = None) -> None:
        """Report that a training step is done.

        Parameters
        ----------
        epoch, batch : int
            From 0.
        of : int, optional
            Number of batches in the epoch, which marks its end. Otherwise call `end_epoch`.
        loss : float or torch.Tensor, optional
            Loss of the batch, one number; stored with the frame.
        """
        with self._guarded():
            self._step(epoch, batch, of, loss)

    def _step(self, epoch: int, batch: int, of: int | None, loss: float | torch.Tensor | None) -> None:
        at = whole(epoch), whole(batch)
        if at[0] is None or at[1] is None:
            raise TypeError(f"step(epoch, batch) takes whole numbers, not {epoch!r} and {batch!r}")
        self._at = epoch, batch = at[0], at[1]
        self._loss = self._checked(loss)
        self._seen = self._outside() if self._watched is None else self._watched.next_step()
        if self._resuming:
            frames = self.recording.frames
            self._film.forget(*(frame for frame in frames if frame.step and frame.key >= (epoch, batch)))
            self.steps = self.recording.frames[-1].step if self.recording.frames else 0
            self._resuming = False
        missed = self.every == "epoch" and self._epoch not in (None, epoch)
        if missed and not any(note.startswith(NO_END) for note in self.notes):
            self._film.note(f"{NO_END}: recorded after the first batch of the next; call end_epoch, or step(..., of=)")
        end = of is not None and batch == of - 1
        self.steps += 1
        self._epoch = None if end else epoch
        if not self._said:
            self._say(self._seen.missing)  # with the first step: the first frame may be an epoch away
        if (end or missed) if self.every == "epoch" else self.steps % self.every == 0:
            self._record(end=end)

    def end_epoch(self, epoch: int) -> None:
        """Report that an epoch is done; not needed if `step` is given `of`."""
        if self._epoch is not None:
            self._epoch = None
            if self.every == "epoch":
                self._record(end=True)

    def finish(self) -> None:
        """Record the current network, if the last frame is older. Called at the end of a `with` block."""
        if self.recording.frames and self.steps > self.recording.frames[-1].step:
            self._record(always=True)

    @property
    def recording(self) -> Recording:
        """The recording so far; can be viewed during the training."""
        return self._film.recording

    @property
    def notes(self) -> list[str]:
        """Reductions made to keep the budget, and errors; also in the recording."""
        return self._film.recording.notes

    # ------------------------------------------------------------------ what a frame holds

    def _record(self, *, end: bool = False, always: bool = False) -> None:
        with self._guarded():
            if self.stopped or not (always or self._film.due()):
                return
            (epoch, batch), loss = self._at, None if self._loss is None else float(self._loss)
            tensors, missing = self._contents.take(self._seen)
            self._film.add(tensors, always=always, epoch=epoch, batch=batch, step=self.steps, loss=loss, end=end)
            self._say(missing)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """An error inside ends the recording and not the training; such as a device without memory, or a full disk."""
        try:
            yield
        except Exception as error:
            if not self.stopped:
                epoch, batch = self._at
                self.stopped = f"stopped at epoch {epoch}, batch {batch}: {error or type(error).__name__}"
                with suppress(Exception):
                    self._film.note(self.stopped)
            self._inside.close()

    def _checked(self, loss: Any) -> float | torch.Tensor | None:
        try:
            return as_loss(loss)
        except ValueError as error:
            self._say({"loss": str(error)})
            return None

    def _outside(self) -> Seen:
        """What is missing where no `with` block was entered."""
        reason = "it is recorded inside of `with recorder:` alone"
        gradients = [f"gradients/{layer}" for layer in self._contents.layers if self.gradients]
        return Seen(missing=dict.fromkeys([*gradients, *["input"] * self.inputs], reason))

    def _say(self, missing: Mapping[str, str]) -> None:
        """Note what is missing, once, and why."""
        new = {key: reason for key, reason in missing.items() if key not in self._said}
        self._said |= new.keys()
        epoch, batch = self._at
        for reason in dict.fromkeys(new.values()):
            keys = [key.replace("/", " of ") for key in new if new[key] == reason]
            with suppress(UserWarning):  # where warnings are errors, the frame is recorded all the same
                where = f"from epoch {epoch}, batch {batch} on"
                self._film.note(f"some data is missing, {where}: {listing(keys)} ({reason})")
