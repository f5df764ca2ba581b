"""One layer that is edited: finds its axes, edits each of its calls, and knows what has become of it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from ..core import (
    ForwardError,
    Prepare,
    call,
    capture,
    describe,
    find_layer,
    leaves,
    module_names,
    named_parts,
    plain,
    rebuilt,
    replaced,
    why_not,
)
from ..layers import LayerTable, activations, apart, batched, layer_table, trace
from ..shadow import looking
from .edits import Edit
from .hooks import Calls
from .selection import Arrangement, by_row, by_type, on_numbers

_known: weakref.WeakKeyDictionary[nn.Module, dict[Any, Arrangement]] = weakref.WeakKeyDictionary()
"""Arrangements of outputs that a pass has told, by network."""


class Edited:
    """A layer, its edits in their order, and how often they have been made.

    Attributes
    ----------
    layer : str
        Its name, as given.
    module : str
        Dotted name of the module.
    part : torch.nn.Module
        The module of the user's network.
    call : int or None
        Number of the call that is edited; None for every call.
    edits : tuple of Edit
        One after the other.
    count : int
        Edited outputs so far.
    most : int
        The largest number of calls in one pass.
    arrangement : Arrangement or None
        The axes of its output, as soon as they are known.
    """

    def __init__(self, model: nn.Module, layer: str, edits: Sequence[Edit]) -> None:
        self._model = model
        self.module, self.call, self._path = find_edited(model, layer)
        self.layer, self.edits = layer, tuple(edits)
        self.part = named_parts(model)[self.module]
        self.count = self.most = 0
        self.arrangement: Arrangement | None = None
        if isinstance(self.part, torch.jit.ScriptModule):
            raise ValueError(f"layer {layer!r} cannot be edited: it is TorchScript, which runs outside Python")
        for name in ("out_channels", "num_features", "out_features"):
            if isinstance(channels := getattr(self.part, name, None), int) and not self._path:
                for edit in self.edits:
                    edit.selection.check(channels, layer)
                break

    def run(self, calls: Calls, part: nn.Module, output: Any) -> Any:
        """What the layer gives instead of `output`, the result of a call of `part`; None for the output as it is."""
        if calls.asking:
            return None
        number = calls.next(part)
        self.most = max(self.most, number)
        if self.call is not None:
            if not calls.can_tell(part, self.part):
                raise ValueError(
                    f"calls of {self.module!r} cannot be counted where parts of the model are called instead of the "
                    f"model, or checkpointed: give {self.module!r} for all of them"
                )
            if self.call != number:
                return None
        value = dict(leaves(output)).get(self._path)
        if not isinstance(value, torch.Tensor):
            inside = [path for path, leaf in leaves(output) if isinstance(leaf, torch.Tensor)]
            hint = f"; choose one of {', '.join(f'{self.module}.{path}' for path in inside)}" if inside else ""
            raise ValueError(f"layer {self.layer!r} gives a {type(output).__name__}, not one tensor{hint}")
        if (reason := why_not(value)) is not None and value.numel():
            raise ValueError(f"layer {self.layer!r} cannot be edited: it {reason}")
        found = self._axes(calls, part, number, value)
        made = on_numbers(value, lambda numbers: self._edit(numbers, found))
        self.count += 1
        return replaced(output, self._path, made)

    def _edit(self, value: torch.Tensor, found: Arrangement) -> torch.Tensor:
        for edit in self.edits:
            value = edit.edited(value, found, self.layer)
        return value

    def _axes(self, calls: Calls, part: nn.Module, number: int, output: torch.Tensor) -> Arrangement:
        """Which axes of `output` are what: by its type, from an earlier pass, or by a pass for the layer table."""
        found = by_type(self.part, output, self._path)
        if found is None:
            kept = _known.setdefault(self._model, {})
            key = self.module, type(self.part), number, self._path, output.ndim
            if key not in kept:
                kept[key] = self._ask(calls, number, output)
            found = kept[key]
        self.arrangement = found
        return found

    def _ask(self, calls: Calls, number: int, output: torch.Tensor) -> Arrangement:
        if calls.given is None:
            if all(edit.selection.everything for edit in self.edits):
                return by_row(None, output.ndim)
            raise ValueError(
                f"which axis of {describe(output)} is the channels of layer {self.layer!r} is told by a pass of the "
                "whole model: run it once before its parts"
            )
        calls.asking = True
        try:
            table = _table(*calls.given)
        except (ForwardError, ValueError, TypeError):  # a network that is run in a way of its own
            return by_row(None, output.ndim)
        finally:
            calls.asking = False
        return _in_table(table, self.module, number, self._path, output.ndim)

    @property
    def why_not(self) -> str:
        """Why it was never edited, for a network that ran."""
        if not self.most:
            return (
                "its hook never fired: it did not run, or not by a call of the module (a parent may call its forward() "
                "or use its weights directly)"
            )
        return f"it runs {self.most} time{'s' * (self.most > 1)} in a pass"


def find_edited(model: nn.Module, layer: str) -> tuple[str, int | None, str]:
    """The `(module, call, path)` that a layer to be edited refers to.

    Raises
    ------
    LookupError
        There is no such module; of an operation says where it stands, and what can be edited instead.
    """
    try:
        return find_layer(module_names(plain(model)), layer)
    except LookupError:
        found = next((each for each in trace(model).operations if each.name == layer), None)
        if found is None:
            raise
    inside = f"module {found.scope!r}" if found.scope else "the model"
    before = f"edit {found.after[0]!r}, the last module before it, or " if found.after[0] else ""
    raise LookupError(
        f"{layer!r} is an operation in the forward() of {inside}, where no hook reaches it: {before}make it a module "
        f"of its own, such as nn.ReLU() for a ReLU, or nn.Identity() that is called with the result"
    )


def arrangement_of(
    model: nn.Module, images: Any, layer: str, output: torch.Tensor, prepare: Prepare | None = None
) -> Arrangement:
    """Which axes of `output`, what a layer gives for `images`, are what; arguments as for `layer_table`."""
    network = plain(model)
    module, number, path = find_edited(network, layer)
    part, number = named_parts(network)[module], number or 1
    found = by_type(part, output, path)
    if found is None:
        kept, key = _known.setdefault(network, {}), (module, type(part), number, path, output.ndim)
        if key not in kept:
            table = layer_table(model, images, operations=False, prepare=prepare)
            kept[key] = _in_table(table, module, number, path, output.ndim)
        found = kept[key]
    return found


def channel_means(model: nn.Module, images: Any, layer: str, prepare: Prepare | None = None) -> torch.Tensor:
    """The mean of each channel of a layer over images and all places, (C,); summed up in float64."""
    given = batched(model, images, prepare)
    parts = apart(model, given, 32) if prepare is None and isinstance(given, torch.Tensor) else [given]
    total, count, kind = torch.zeros(()), 0, torch.float32
    for part in parts:
        output = activations(model, part, layer, prepare=prepare)
        found = arrangement_of(model, part[:1] if prepare is None else part, layer, output, prepare)
        if found.channel is None:
            raise ValueError(f"layer {layer!r} gives {describe(output)}, which has no channels to take the mean of")
        kind = output.dtype if output.is_floating_point() or output.is_complex() else kind
        values = (
            output.movedim(found.channel, 0).flatten(1).to(torch.complex128 if output.is_complex() else torch.float64)
        )
        total, count = total.to(values) + values.sum(1), count + values.shape[1]
    return (total / count).to(kind)


def value_for(model: nn.Module, image: Any, layer: str, prepare: Prepare | None = None) -> torch.Tensor:
    """The output of a layer in a pass to the end; raises LookupError if it runs several times and none is named."""
    given = batched(model, image, prepare)
    with looking(model) as shadow, capture(shadow, layer) as captured:
        call(shadow, given, prepare)
    return captured[layer]


def _table(network: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any]) -> LayerTable:
    """The layer table of a network for the first item of the batch that it was given."""
    if len(args) == 1 and not keywords and isinstance(args[0], torch.Tensor) and args[0].ndim > 3:
        return layer_table(network, args[0][:1].detach(), operations=False)
    given = keywords if keywords and not args else args
    tensors = [value for _, value in leaves(given) if isinstance(value, torch.Tensor) and value.ndim]
    first = rebuilt(given, lambda value: value[:1] if isinstance(value, torch.Tensor) and value.ndim else value)
    if len({len(tensor) for tensor in tensors}) == 1:
        with suppress(ForwardError):
            return layer_table(network, first, operations=False, prepare=lambda arguments: arguments)
    return layer_table(network, given, operations=False, prepare=lambda arguments: arguments)


def _in_table(table: LayerTable, module: str, call: int, path: str, axes: int) -> Arrangement:
    rows = [row for row in table if (row.module, row.call) == (module, call)]
    return by_row(next((row for row in rows if row.name.rstrip("]").endswith(path)), None), axes)
