"""Watch a training: the images that its model is given, and the gradients of its own backward pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from ..core import find_layer, first_names, leaves, named_parts, plain, why_not
from .hooks import OR_COMPILED, hooked, in_backward, on_gradient
from .passes import Pass, Passes


@dataclass(frozen=True)
class Seen:
    """What was seen of one pass of a training, for the first image of its batch; all are copies.

    Attributes
    ----------
    image : torch.Tensor or None
        The model's input (1, C, H, W).
    gradients : dict of str to torch.Tensor
        Gradient of the loss with respect to the output of each layer for it; summed over several backward passes.
    missing : dict of str to str
        What should have been seen, `input` or `gradients/LAYER`, and the reason why it was not.
    """

    image: torch.Tensor | None = None
    gradients: dict[str, torch.Tensor] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class Watched:
    """What is seen of a training, step by step.

    Image and gradients are those of one pass: of the step's passes the last to which a gradient came back (after two
    passes before one backward, the second), or else the last one.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    layers : iterable of str
        Layers whose gradients are kept.
    images : bool
        Keep the first image of each batch.
    axes : mapping of str to (int or None)
        Batch axis of a layer's output, None if it has none; 0 for layers that are not in it.
    """

    def __init__(
        self, model: nn.Module, layers: Iterable[str], *, images: bool, axes: Mapping[str, int | None]
    ) -> None:
        self._model = plain(model)
        self._parts = named_parts(self._model)
        names = first_names(self._parts)
        self._places = {layer: find_layer(names, layer) for layer in layers}
        self._images, self._axes = images, axes
        self._thread = threading.get_ident()
        self._passes = Passes()
        self._reached: Pass | None = None  # the last pass of the step to which a gradient came back
        self._early: set[tuple[int, str]] = set()  # gradients of a graph that is differentiated again
        self._elsewhere = False
        self._error = ""

    @property
    def image(self) -> torch.Tensor | None:
        """`seen.image`."""
        return self.seen.image

    @property
    def gradients(self) -> dict[str, torch.Tensor]:
        """`seen.gradients`."""
        return self.seen.gradients

    @property
    def seen(self) -> Seen:
        """What was seen of the step so far."""
        found = self._reached or self._passes.now
        image, gradients = (None, {}) if found is None else (found.image, dict(found.gradients))
        missing = {f"gradients/{layer}": self._why(found, layer) for layer in self._places if layer not in gradients}
        if self._images and image is None:
            reason = self._why_no_pass() if found is None or not self._passes.begun else "the model was given no tensor"
            missing["input"] = self._error or reason
        return Seen(image, gradients, missing)

    def next_step(self) -> Seen:
        """What was seen of the step that ends here."""
        seen = self.seen
        self._passes.forget()
        self._reached = None
        self._early.clear()
        return seen

    # ------------------------------------------------------------------ hooks

    def hooks(self) -> Any:
        """The context in which the model is watched; without hooks where nothing is to be kept."""
        if not (self._places or self._images):
            return nullcontext()
        names = {name for name, _, _ in self._places.values()}
        return hooked(
            [(self._model, self._quietly(self._before))],
            [(self._parts[name], self._quietly(partial(self._after, name))) for name in names],
        )

    def _quietly(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, whose errors end the watching and not the training."""

        def guarded(*given: Any) -> Any:
            if self._error:
                return None
            try:
                return call(*given)
            except Exception as error:
                self._error = f"watching failed with {type(error).__name__}: {error}"
                return None

        return guarded

    def _mine(self, module: nn.Module, own: nn.Module) -> bool:
        # a backward pass on a GPU runs in a thread of its own, and checkpointed layers with it
        here = module is own and (threading.get_ident() == self._thread or in_backward())
        self._elsewhere |= not here and torch.is_grad_enabled()
        return here

    def _before(self, module: nn.Module, args: Any, keywords: Any) -> None:
        if self._mine(module, self._model) and (begun := self._passes.begin()) is not None and self._images:
            given = (value for _, value in leaves((args, keywords)) if why_not(value) is None)
            begun.image = next((_first(value, 0) for value in given), None)

    def _after(self, name: str, module: nn.Module, args: Any, output: Any) -> Any:
        if not self._mine(module, self._parts[name]) or (call := self._passes.called(name)) is None:
            return None
        found, number = call
        if isinstance(output, torch.Tensor) and output._is_view() and output.requires_grad:
            output = output.clone()  # an in-place operation on a view would replace it in the graph
        for layer, (place, wanted, path) in self._places.items():
            value = dict(leaves(output)).get(path) if (place, wanted or 1) == (name, number) else None
            if isinstance(value, torch.Tensor) and value.requires_grad:
                on_gradient(value, self._quietly(partial(self._keep, found, layer)))
        return output

    def _keep(self, found: Pass, layer: str, gradient: torch.Tensor) -> None:
        one, key = _first(gradient, self._axes.get(layer, 0)), (found.number, layer)
        if layer in found.gradients and key not in self._early:
            one = one + found.gradients[layer]
        # a penalty on gradients differentiates the graph first: that gradient is not the loss's
        (self._early.add if torch.is_grad_enabled() else self._early.discard)(key)
        found.gradients[layer], found.reached = one, True
        if self._reached is None or self._reached.number <= found.number:
            self._reached = found

    # ------------------------------------------------------------------ reasons

    def _why(self, found: Pass | None, layer: str) -> str:
        name, wanted, _ = self._places[layer]
        if self._error:
            return self._error
        if isinstance(self._parts[name], torch.jit.ScriptModule):
            return "it is TorchScript, which runs outside Python"
        if found is None:
            return self._why_no_pass()
        if not found.calls[name]:
            return "its hook never fired: it did not run in the training pass, or not by a call of the module"
        if found.calls[name] < (wanted or 1):
            return f"it ran {found.calls[name]} times in the training pass"
        if name not in found.graded:
            return "it ran without gradients, or checkpointed in several calls or passes that cannot be told apart"
        return "no gradient came back to its output: it is frozen or detached, or there was no backward pass"

    def _why_no_pass(self) -> str:
        if self._elsewhere:
            return "the model ran in another thread, or as a replica on another device"
        if self._passes.now is not None:
            return "the model itself was not called, only parts of it"
        return f"the model was not called with gradients since the last step{OR_COMPILED}"


@contextmanager
def watching(
    model: nn.Module,
    layers: Iterable[str] = (),
    *,
    images: bool = False,
    axes: Mapping[str, int | None] | None = None,
) -> Iterator[Watched]:
    """Record model inputs and gradients of a running training, without additional passes.

    Only passes of the entering thread with gradients enabled count as training. An error of the watching never ends
    the training: it is told as the reason why something is missing.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained inside the `with` block.
    layers : iterable of str
        Layers whose gradients are kept; `name:k` for the k-th call, otherwise the first.
    images : bool
        Keep the first image of each batch.
    axes : mapping of str to (int or None), optional
        Batch axis of the layers' outputs, by default 0.

    Yields
    ------
    Watched
        What was seen.

    Raises
    ------
    LookupError
        A name in `layers` is not a layer.
    """
    watched = Watched(model, layers, images=images, axes=axes or {})
    with watched.hooks():
        yield watched


def _first(value: torch.Tensor, axis: int | None) -> torch.Tensor:
    """A copy of the first entry of the batch, with its axis; of everything where there is no such axis."""
    value = value.detach()
    return (value if axis is None or axis >= value.ndim else value.narrow(axis, 0, 1)).clone()
