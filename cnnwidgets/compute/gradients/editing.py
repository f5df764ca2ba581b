"""Edit the gradients of a training, as a context manager."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.fx import Proxy

from ..core import find_layer, module_names, plain
from .edits import GradientEdits, gradient_edit, listed
from .hooks import OR_COMPILED, can_run_eagerly, hooked, is_compiled, is_replica, on_gradient
from .passes import Pass, Passes


@contextmanager
def edit_gradients(
    model: nn.Module,
    layer: str,
    *,
    scale: float | None = None,
    clip: float | None = None,
    zero: bool | int | Iterable[int] | None = None,
    fn: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> Iterator[GradientEdits]:
    """Edit the gradient of the loss with respect to a layer's output in the backward pass, inside a `with` block.

    The edit affects the parameters of the layer and of all layers before it; those after it are unaffected. The layer
    returns a copy, so that later in-place operations do no harm. Passes without gradients are unchanged, and so are
    copies of the model that are made meanwhile. A compiled model runs as plain Python inside the block. A block in
    which no gradient was edited says so with a warning, and why.

    Parameters
    ----------
    model : torch.nn.Module
        The network; trained by any loop.
    layer : str
        Dotted name; `name:k` for only the k-th call of a module that runs several times in a pass.
    scale : float, optional
        Multiply by this.
    clip : float, optional
        Scale down to this L2 norm, taken over the whole batch, where it is larger.
    zero : bool, int or iterable of int, optional
        Set to 0: True for all, or the number of a channel, or of several.
    fn : callable, optional
        `fn(gradient)` returns the replacement, of the same shape; the gradient is (N, C, H, W) for a convolution.

    Yields
    ------
    GradientEdits
        Number of edits, and the norm before and after each.

    Raises
    ------
    LookupError
        The layer does not exist.
    ValueError
        Not exactly one of `scale`, `clip`, `zero` and `fn` is given, or its value is invalid; the layer is TorchScript,
        or the model compiled by a torch before 2.6. While the model runs: the layer does not return a single tensor,
        `fn` returns another shape, a channel does not exist, or calls of the layer cannot be told apart.
    """
    module = plain(model)
    name, wanted, path = find_layer(module_names(module), layer)
    if path:
        raise LookupError(f"gradients are edited of whole outputs; {layer!r} is a part of one")
    edits = GradientEdits(layer, *gradient_edit(scale=scale, clip=clip, zero=zero, fn=fn))
    part = module.get_submodule(name)
    if isinstance(part, torch.jit.ScriptModule):
        raise ValueError(f"gradients of layer {layer!r} cannot be edited: it is TorchScript, which runs outside Python")
    if is_compiled(model) and not can_run_eagerly():
        raise ValueError("gradients of a compiled model can be edited from torch 2.6 on: train it as it is")
    passes = Passes()

    def begin(*_: Any) -> None:
        passes.begin()

    def hook(owner: nn.Module, args: Any, output: Any) -> torch.Tensor | None:
        if (call := passes.called(name)) is None or isinstance(output, Proxy):  # of a trace by torch.fx
            return None
        found, number = call
        if wanted is not None:
            if is_replica(owner, part) or not passes.begun or not number:
                raise ValueError(
                    f"calls of {name!r} cannot be counted where parts of the model are called instead of the model, on "
                    f"several devices at once, or checkpointed with use_reentrant=True: give {name!r} for all of them"
                )
            if wanted != number:
                return None
        if not isinstance(output, torch.Tensor):
            raise ValueError(f"layer {layer!r} gives a {type(output).__name__}, not one tensor")
        if not output.requires_grad:
            return None
        copy = output.clone()
        on_gradient(copy, lambda gradient: _edited(edits, found, gradient))
        return copy

    with hooked([(module, begin)], [(part, hook)]), listed(module, edits):
        yield edits
    if not edits.count:
        why = _why(model, name, wanted, passes.now)
        warnings.warn(f"no gradient of layer {layer!r} was edited: {why}", stacklevel=3)


def _edited(edits: GradientEdits, found: Pass, gradient: torch.Tensor) -> torch.Tensor:
    found.reached = True
    return edits.edit(gradient)


def _why(model: nn.Module, name: str, wanted: int | None, found: Pass | None) -> str:
    if found is None:
        return f"the model was not called with gradients inside the block{OR_COMPILED}"
    if not found.calls[name]:
        return "its hook never fired: it did not run in the last pass, or not by a call of the module"
    if wanted is not None and found.calls[name] < wanted:
        return f"it ran {found.calls[name]} times in the last pass"
    return "no gradient came back to its output: it is frozen or detached, or there was no backward pass"
