"""The training loop as a generator: one record per step; everything else is left to the caller."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR, ReduceLROnPlateau

from ...compute.core import alone, check_numbers, leaves, rebuilt, whole
from ...compute.core import device_of as model_device
from .history import Step, mean

LossFn = Callable[[Any, Any], torch.Tensor]
EACH_STEP = (CyclicLR, OneCycleLR)
"""Schedulers that are stepped after each batch; all others after each epoch."""


class Score(NamedTuple):
    """Mean loss and accuracy (None if the targets are not classes) over the examples of a loader."""

    loss: float
    accuracy: float | None


def fit(
    model: nn.Module,
    loader: Iterable[Any],
    loss_fn: LossFn,
    optimizer: Optimizer,
    *,
    n_epochs: int,
    scheduler: Any = None,
    device: torch.device | str | None = None,
    start: tuple[int, int, int] = (0, 0, 0),
) -> Iterator[Step]:
    """Train, and yield one record after each step; between two records nothing runs.

    A step is: the next batch, `optimizer.zero_grad()`, the forward pass, the loss, `backward()`, `optimizer.step()`. So
    at each record the gradients of its step are still in `.grad`. During a step views in other threads wait
    before they run the model. A model in evaluation mode is set to training mode; one in training mode is unchanged, so
    that single modules (such as a frozen BatchNorm) can stay in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    loader : iterable
        Yields batches `(images, targets)` on each iteration.
    loss_fn : callable
        `loss_fn(outputs, targets)` returns one number, the mean over the batch.
    optimizer : torch.optim.Optimizer
        Made with the parameters of `model`.
    n_epochs : int
        Number of passes over the loader.
    scheduler : optional
        A learning rate scheduler of torch; stepped after each epoch, `OneCycleLR` and `CyclicLR` after each step.
        `ReduceLROnPlateau` is given the mean loss of the epoch.
    device : torch.device or str, optional
        Device of the batches; by default that of the model. The model is not moved.
    start : tuple of int
        Epoch, batch and step of the first record; the loader starts with that batch.

    Yields
    ------
    Step
        Numbers of the step.

    Raises
    ------
    ValueError
        `n_epochs` is negative, the loader yields no batch, the loss is not one number, or the optimizer holds no weight
        of the model or needs a closure (LBFGS).
    TypeError
        A batch is not a pair, or is of bytes that the model does not take; the loss not a tensor, the optimizer of
        another type, or `n_epochs` not an integer.
    FloatingPointError
        The loss is NaN or infinite. Weights and buffers (BatchNorm's statistics) are those before that step, as
        after any other error within a step.

    Examples
    --------
    >>> for step in fit(model, loader, nn.CrossEntropyLoss(), optimizer, n_epochs=2):  # doctest: +SKIP
    ...     print(step.epoch, step.batch, step.loss)
    """
    check_epochs(n_epochs)
    check_optimizer(model, loss_fn, optimizer)
    return _steps(model, loader, loss_fn, optimizer, n_epochs, scheduler, device_of(model, device), start)


def _steps(
    model: nn.Module,
    loader: Iterable[Any],
    loss_fn: LossFn,
    optimizer: Optimizer,
    n_epochs: int,
    scheduler: Any,
    device: torch.device,
    start: tuple[int, int, int],
) -> Iterator[Step]:
    first, batch, number = start
    turn = alone(model)
    for epoch in range(first, first + n_epochs):
        buffers = _Buffers(model)
        losses: list[tuple[float | None, int]] = []
        batches: Iterator[Any] | None = None
        while True:
            with turn:
                batches = iter(loader) if batches is None else batches  # draws random numbers
                given = next(batches, None)
                if given is None:
                    break
                where = f"step {number} (epoch {epoch}, batch {batch})"
                lr = float(optimizer.param_groups[0]["lr"])
                with buffers:
                    loss, accuracy, examples = _step(model, given, loss_fn, optimizer, device, where)
            if isinstance(scheduler, EACH_STEP):
                scheduler.step()
            losses.append((loss, examples))
            yield Step(epoch, batch, length(loader), number, loss, accuracy, examples, lr)
            batch, number = batch + 1, number + 1
        if not batch:
            again = f" in epoch {epoch}: what can be gone through only once, such as a generator, is no loader"
            raise ValueError("the training loader gives no batch" + (again if number else ""))
        batch = 0
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(mean(losses) or 0.0)
        elif scheduler is not None and not isinstance(scheduler, EACH_STEP):
            scheduler.step()


def _step(
    model: nn.Module, given: Any, loss_fn: LossFn, optimizer: Optimizer, device: torch.device, where: str
) -> tuple[float, float | None, int]:
    images, targets = pair(given, device)
    if not model.training:
        model.train()
    optimizer.zero_grad()
    outputs = outputs_of(model, images)
    loss = loss_fn(outputs, targets)
    if not isinstance(loss, torch.Tensor):
        raise TypeError(f"loss_fn must give a tensor of one number, not {type(loss).__name__}")
    if loss.numel() != 1:
        raise ValueError(f"loss_fn must give one number, the mean over the batch, not {tuple(loss.shape)}")
    loss.backward()
    value = loss.item()
    if not math.isfinite(value):
        raise FloatingPointError(
            f"the loss is {value} at {where}: training stopped, with the weights as they were before that step. "
            "Often the learning rate is too high, or an image holds a NaN."
        )
    optimizer.step()
    return value, accuracy_of(outputs, targets), size_of(images)


class _Buffers:
    """Restores a model's buffers if a `with` block fails: otherwise a NaN would stay in BatchNorm."""

    def __init__(self, model: nn.Module) -> None:
        self._buffers = [buffer for buffer in model.buffers() if not is_lazy(buffer)]
        self._kept = [torch.empty_like(buffer) for buffer in self._buffers]

    def __enter__(self) -> None:
        for kept, buffer in zip(self._kept, self._buffers, strict=True):
            kept.copy_(buffer)

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        if kind is not None:
            for kept, buffer in zip(self._kept, self._buffers, strict=True):
                with suppress(RuntimeError):  # a buffer that cannot be written has not changed
                    buffer.data.copy_(kept)  # not tracked by autograd as a use of the buffer


def evaluate(
    model: nn.Module,
    loader: Iterable[Any],
    loss_fn: LossFn,
    *,
    device: torch.device | str | None = None,
    between: Callable[[], bool] = lambda: True,
) -> Score | None:
    """Loss and accuracy over a loader, in evaluation mode, without gradients; every module's mode is restored.

    Views in other threads wait for a single batch only.

    Parameters
    ----------
    model, loader, loss_fn, device
        As for `fit`.
    between : callable
        Called after each batch; False ends the evaluation.

    Returns
    -------
    Score or None
        Means over the examples; None if it was stopped.

    Raises
    ------
    ValueError
        The loader yields no batch.
    """
    where = device_of(model, device)
    training = [part for part in model.modules() if part.training]
    losses: list[tuple[float | None, int]] = []
    accuracies: list[tuple[float | None, int]] = []
    batches: Iterator[Any] | None = None
    try:
        while True:
            with alone(model), torch.no_grad():
                model.eval()
                batches = iter(loader) if batches is None else batches
                given = next(batches, None)
                if given is None:
                    break
                images, targets = pair(given, where)
                outputs = outputs_of(model, images)
                examples = size_of(images)
                losses.append((float(loss_fn(outputs, targets)), examples))
                accuracies.append((accuracy_of(outputs, targets), examples))
            if not between():
                return None
    finally:
        for part in training:
            part.training = True
    loss = mean(losses)
    if loss is None:
        raise ValueError("the validation loader gives no batch")
    return Score(loss, mean(accuracies))


def pair(given: Any, device: torch.device) -> tuple[Any, Any]:
    """Images and targets of a batch, on `device`."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        count = f" of {len(given)}" if isinstance(given, (tuple, list)) else ""
        raise TypeError(f"a batch must be a pair (images, targets), not a {type(given).__name__}{count}")
    images, targets = (_moved(part, device) for part in given)
    if isinstance(images, torch.Tensor) and images.ndim == 3 and isinstance(targets, int):
        raise TypeError("a batch is wanted, not a single (image, label): DataLoader(dataset, batch_size=64) makes them")
    return images, targets


def _moved(part: Any, device: torch.device) -> Any:
    """`part` on `device`: a tensor, or a tuple, list or mapping of tensors, for networks of several inputs."""
    if isinstance(part, Mapping) or type(part) in (tuple, list):
        return rebuilt(part, lambda value: value.to(device) if isinstance(value, torch.Tensor) else value)
    return part.to(device) if isinstance(part, torch.Tensor) else part


def outputs_of(model: nn.Module, images: Any) -> Any:
    """What the model makes of a batch; where it does not take bytes, the error says how to convert them."""
    try:
        return model(images)
    except Exception as error:
        given = [value for _, value in leaves(images) if isinstance(value, torch.Tensor)]
        if not any(value.dtype == torch.uint8 for value in given):
            raise
        raise TypeError(
            f"the model does not take images of bytes (torch.uint8): convert them where they are loaded, "
            f"images.float() / 255, as ToTensor does ({type(error).__name__}: {error!s:.200})"
        ) from error


def check_optimizer(model: nn.Module, loss_fn: Any, optimizer: Any) -> None:
    """Raise TypeError or ValueError unless `optimizer` can train the model, or the loss function, in this loop."""
    if not (hasattr(optimizer, "param_groups") and hasattr(type(optimizer), "step")):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer, not {type(optimizer).__name__}")
    kind = type(optimizer).__name__
    _, *asked = inspect.signature(type(optimizer).step).parameters.values()  # a scheduler wraps that of the instance
    if any(one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD for one in asked):
        raise ValueError(
            f"{kind} needs a closure, by which it runs the model several times in a step; this loop runs it once. "
            f"Allowed: optimizers whose step() needs nothing, such as SGD or Adam; a Recorder also follows other loops"
        )
    own = {id(weight) for part in (model, loss_fn) if isinstance(part, nn.Module) for weight in part.parameters()}
    if own and not any(id(weight) in own for group in optimizer.param_groups for weight in group["params"]):
        raise ValueError(
            f"{kind} holds no weight of this {type(model).__name__}, which would stay as it is: make it with "
            f"model.parameters(), after the model was made"
        )


def size_of(images: Any) -> int:
    """Number of examples in a batch: the length of its first tensor."""
    first = next((value for _, value in leaves(images) if isinstance(value, torch.Tensor) and value.ndim), images)
    return len(first)


def check_epochs(n_epochs: Any) -> None:
    """Raise TypeError or ValueError unless `n_epochs` is an integer of at least 0."""
    if whole(n_epochs) is None:
        raise TypeError(f"n_epochs must be a whole number, not {n_epochs!r}")
    if n_epochs < 0:
        raise ValueError(f"n_epochs must be 0 or more, not {n_epochs}")


def accuracy_of(outputs: Any, targets: Any) -> float | None:
    """Fraction of targets whose class has the highest output; None if the targets are not class numbers."""
    if not (isinstance(outputs, torch.Tensor) and isinstance(targets, torch.Tensor)) or targets.is_floating_point():
        return None
    if outputs.ndim != targets.ndim + 1 or outputs.shape[:1] + outputs.shape[2:] != targets.shape:
        return None
    return (outputs.detach().argmax(1) == targets).sum().item() / max(1, targets.numel())


def device_of(model: nn.Module, device: torch.device | str | None) -> torch.device:
    """`device`, or that of the model."""
    check_numbers(model)
    return model_device(model) if device is None else torch.device(device)


def length(loader: Any) -> int | None:
    """Batches in an epoch; None where the loader does not know."""
    try:
        return len(loader)
    except TypeError:
        return None
