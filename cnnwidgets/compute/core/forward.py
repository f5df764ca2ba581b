"""One safe forward pass: input moved to the model's device and type, model unchanged, errors name the layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import nn

from .model import device_of, dtype_of, entrance, moved

Prepare = Callable[[Any], Any]
"""Converts an item to the arguments of the model: a tuple (by position), a mapping (by keyword) or one value."""


class ForwardError(RuntimeError):
    """The model raised an error. The message names the layer, its input and the expected input."""


def call(
    model: nn.Module, images: Any, prepare: Prepare | None = None, *, run: Callable[..., Any] | None = None
) -> Any:
    """Run `model` on a copy of `images`, on the model's device and in its floating point type.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module; the caller sets its mode (`evaluating`).
    images : torch.Tensor or object
        (N, C, H, W); any object if `prepare` is given. Bytes become floats in [0, 1].
    prepare : callable, optional
        `prepare(images)` gives the arguments: a tuple, a mapping of keywords, or one value.
    run : callable, optional
        Called with the arguments instead of `model`.

    Returns
    -------
    object
        The model's return value.

    Raises
    ------
    ForwardError
        The model raised an error, which is the cause of this one.
    """
    arguments = moved(images if prepare is None else prepare(images), device_of(model), dtype_of(model))
    forward = run or model
    try:
        return forward(arguments) if prepare is None else hand_over(forward, arguments)
    except Exception as error:
        hint = _hint(model, arguments, error) if prepare is None else ""
        raise ForwardError(_explain(model, arguments, error) + hint) from error


def hand_over(forward: Callable[..., Any], arguments: Any) -> Any:
    """Call `forward` with what `prepare` returned: a mapping by keyword, a tuple by position, all else as one value."""
    if isinstance(arguments, Mapping):
        return forward(**arguments)
    return forward(*arguments) if isinstance(arguments, tuple) else forward(arguments)


def _hint(model: nn.Module, given: Any, error: Exception) -> str:
    """What to do where the form of the input is the likely cause of an error."""
    if isinstance(error, TypeError) and "missing" in str(error) and "positional argument" in str(error):
        return "; prepare= gives a network several inputs: prepare=lambda image: (image[None], other)"
    if isinstance(given, Mapping):
        return "; a mapping is one argument: prepare=lambda batch: batch hands over its entries by keyword"
    if isinstance(given, (tuple, list)):
        kind = type(given).__name__
        return f"; the {kind} is one argument: torch.stack makes a batch of images of one size, prepare= several inputs"
    if not isinstance(given, torch.Tensor) and hasattr(given, "__len__") and hasattr(given, "__getitem__"):
        return f"; if the {type(given).__name__} is a data set: dataset[0][0] gives its first image, a tensor (C, H, W)"
    if isinstance(given, torch.Tensor) and given.is_complex():
        return "; networks that do not compute with complex numbers take .abs(), or both parts as channels"
    entry = entrance(model)
    if entry is None or not isinstance(given, torch.Tensor) or given.ndim == entry.axes + 2:
        return ""
    return f"; its first convolution, {entry.name!r}, takes {entry.form}"


def _explain(model: nn.Module, arguments: Any, error: Exception) -> str:
    """One line: the innermost module whose forward() was running, what happened there, its input, and the cause."""
    names = {id(part): name for name, part in model.named_modules()}
    failed, given, line = model, None, ""
    frames = [trace.tb_frame for trace in _traces(error)]
    for trace in _traces(error):
        code, local = trace.tb_frame.f_code, trace.tb_frame.f_locals
        owner = local.get("self")
        if code.co_name == "forward" and isinstance(owner, nn.Module) and id(owner) in names:
            inputs = [value for key, value in local.items() if key != "self" and isinstance(value, torch.Tensor)]
            failed, given = owner, inputs[0] if inputs else None
            line = f"{Path(code.co_filename).name}, line {trace.tb_lineno}"
    where = f"layer {names[id(failed)]!r} ({type(failed).__name__})" if names[id(failed)] else type(failed).__name__
    received = describe(given) if given is not None else "no tensor" if line else describe(arguments)
    what = _what(failed, given, error, [frame.f_globals.get("__name__", "") for frame in frames], line)
    return f"{where} {what.format(got=f'got {received}')} ({in_one_line(error, 300)})"


def in_one_line(error: Exception, most: int = 200) -> str:
    """Type of an error and at most so many characters of its message, `ValueError: too large`."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:most]}"


def _what(failed: nn.Module, given: Any, error: Exception, modules: list[str], line: str) -> str:
    """What happened in a layer: memory, devices, types, its own code, or an input that it does not take."""
    text, kind = str(error), type(error)
    if kind.__name__ == "OutOfMemoryError" or "can't allocate memory" in text or "not enough memory" in text:
        return "ran out of memory: {got}"
    if any(name.startswith(("torch._dynamo", "torch._inductor")) for name in (kind.__module__, modules[-1])):
        return "failed in torch.compile: {got}; look at the model before it is compiled"
    weights = [weight for weight in failed._parameters.values() if weight is not None]
    if given is not None and isinstance(error, (RuntimeError, NotImplementedError)):
        if any(hasattr(weight, "full_tensor") for weight in weights):
            return "has weights that are sharded over processes, which an input that is not cannot meet: {got}"
        for name in ("device", "dtype"):
            other = next(
                (getattr(weight, name) for weight in weights if getattr(weight, name) != getattr(given, name)), None
            )
            if other is not None and (name == "device" or given.is_floating_point()):
                return f"has weights {_ON[name]} {other}, and its input is {_ON[name]} {getattr(given, name)}: {{got}}"
    wish = _wish(failed, given) if given is not None else ""
    last = modules[-1]
    by_torch = type(failed).__module__.startswith("torch.nn.") or last.startswith("torch.nn.functional")
    if wish or by_torch or not line or isinstance(error, (ValueError, AssertionError)):
        return f"refused its input: {{got}}{f', wants {wish}' if wish else ''}"
    if last.startswith("torch.") and not last.startswith("torch.nn.modules.module"):
        return f"failed in {last}, called in {line}: {{got}}"
    if isinstance(error, RuntimeError):  # of a function of torch that is called there
        return f"failed on its input in {line}: {{got}}"
    return f"has an error in its own code, {line}: {{got}}"


_ON = {"device": "on", "dtype": "of type"}


def _traces(error: Exception) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next


def describe(value: Any) -> str:
    """Shape of a tensor as text, `1 x 3 x 28 x 28`; otherwise the type."""
    if isinstance(value, torch.Tensor):
        return " x ".join(map(str, value.shape)) or "a single number"
    return type(value).__name__


def _wish(layer: nn.Module, given: torch.Tensor) -> str:
    """The expected number of channels or features, if `given` has another."""
    for attribute, words, axis in (
        ("in_channels", "channels", 1),
        ("num_features", "channels", 1),
        ("in_features", "features", -1),
    ):
        number = getattr(layer, attribute, None)
        if isinstance(number, int) and given.ndim > 1 and given.shape[axis] != number:
            return f"{number} {words if number != 1 else words[:-1]} in the {'last' if axis < 0 else 'second'} axis"
    return ""
