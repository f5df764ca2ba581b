"""Hooks on a running training, as context managers: its images, its gradients, and edits of gradients."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from ..core import find_layer, first_names, leaves, module_names, named_parts, plain, why_not
from .edits import GradientEdits, gradient_edit, listed


class Watched:
    """Data of the last training pass, for the first image of its batch.

    `image` is the model input (1, C, H, W), `gradients` are those of the loss with respect to the outputs of the layers
    for it, from the backward pass. All are copies; only requested data is present.
    """

    def __init__(self) -> None:
        self.image: torch.Tensor | None = None
        self.gradients: dict[str, torch.Tensor] = {}


@contextmanager
def watching(model: nn.Module, layers: Iterable[str] = (), *, images: bool = False) -> Iterator[Watched]:
    """Record model inputs and gradients of a running training, without additional passes.

    Only passes of the entering thread with gradients enabled count as training.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained inside the `with` block.
    layers : iterable of str
        Layers whose gradients are kept; `name:k` for the k-th call, otherwise the first.
    images : bool
        Keep the first image of each batch.

    Yields
    ------
    Watched
        Data of the last pass.

    Raises
    ------
    LookupError
        A name in `layers` is not a layer.
    """
    module = plain(model)
    parts = named_parts(module)
    names = first_names(parts)
    places = {layer: find_layer(names, layer) for layer in layers}
    watched, calls, thread = Watched(), Counter[str](), threading.get_ident()

    def first(value: torch.Tensor) -> torch.Tensor:
        return value.detach()[:1].clone() if value.ndim else value.detach().clone()

    def trains() -> bool:
        return torch.is_grad_enabled() and threading.get_ident() == thread

    def before(owner: nn.Module, args: Any, keywords: Any) -> None:
        if trains():
            calls.clear()
            watched.gradients.clear()
            given = (value for _, value in leaves((args, keywords)) if why_not(value) is None)
            watched.image = next(map(first, given), None) if images else None

    def keep(layer: str, gradient: torch.Tensor) -> None:
        watched.gradients[layer] = first(gradient)

    def after(name: str, owner: nn.Module, args: Any, output: Any) -> Any:
        if not trains():
            return None
        calls[name] += 1
        if isinstance(output, torch.Tensor) and output._is_view() and output.requires_grad:
            output = output.clone()  # an in-place operation on a view would replace it in the graph
        for layer, (place, call, path) in places.items():
            value = dict(leaves(output)).get(path) if (place, call or 1) == (name, calls[name]) else None
            if isinstance(value, torch.Tensor) and value.requires_grad:
                value.register_hook(partial(keep, layer))  # removed with the graph of this pass
        return output

    handles = []
    try:
        handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        for name in {place for place, _, _ in places.values()}:
            if not isinstance(parts[name], torch.jit.ScriptModule):
                handles.append(parts[name].register_forward_hook(partial(after, name)))
        yield watched
    finally:
        for handle in handles:
            handle.remove()


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
    returns a copy, so that later in-place operations do no harm. Passes without gradients are unchanged.

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
        Not exactly one of `scale`, `clip`, `zero` and `fn` is given, or its value is invalid. While the model runs: the
        layer does not return a single tensor, `fn` returns another shape, or a channel does not exist.
    """
    module = plain(model)
    name, wanted, path = find_layer(module_names(module), layer)
    if path:
        raise LookupError(f"gradients are edited of whole outputs; {layer!r} is a part of one")
    edits = GradientEdits(layer, *gradient_edit(scale=scale, clip=clip, zero=zero, fn=fn))
    calls = 0

    def begin(*_: Any) -> None:
        nonlocal calls
        calls = 0

    def hook(owner: nn.Module, args: Any, output: Any) -> torch.Tensor | None:
        nonlocal calls
        calls += 1
        if wanted not in (None, calls) or not torch.is_grad_enabled():
            return None
        if not isinstance(output, torch.Tensor):
            raise ValueError(f"layer {layer!r} gives a {type(output).__name__}, not one tensor")
        if not output.requires_grad:
            return None
        copy = output.clone()
        copy.register_hook(edits.edit)
        return copy

    handles = [module.register_forward_pre_hook(begin), module.get_submodule(name).register_forward_hook(hook)]
    try:
        with listed(module, edits):
            yield edits
    finally:
        for handle in handles:
            handle.remove()
