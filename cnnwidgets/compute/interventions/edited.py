"""One layer that is edited: finds its axes, edits each of its calls, and knows what has become of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import nn

from ..core import (
    ForwardError,
    Prepare,
    call,
    capture,
    describe,
    leaves,
    named_parts,
    plain,
    rebuilt,
    replaced,
    why_not,
)
from ..layers import LayerTable, activations, apart, batched, layer_table
from ..shadow import looking
from .edits import Edit
from .hooks import Calls
from .place import EditedPlace, find_edited
from .selection import Arrangement, by_row, by_type, on_numbers

Seen = TypeVar("Seen")

_known: weakref.WeakKeyDictionary[nn.Module, dict[Any, Arrangement]] = weakref.WeakKeyDictionary()
"""Arrangements of outputs that a pass has told, by network."""


def known_arrangements(model: nn.Module) -> dict[Any, Arrangement]:
    """Those that a pass of the plain module has told."""
    return _known.setdefault(model, {})


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
    place : EditedPlace
        What its name refers to.
    edits : tuple of Edit
        One after the other.
    count : int
        Edited outputs so far.
    most : int
        The largest number of calls in one pass.
    arrangement : Arrangement or None
        The axes of its output, as soon as they are known.
    """

    def __init__(self, model: nn.Module, place: EditedPlace, edits: Sequence[Edit]) -> None:
        self._model, self.place = model, place
        self.module, self.call, self._path = place.module, place.call, place.path
        self.layer, self.edits = place.layer, tuple(edits)
        self.part = named_parts(model)[self.module]
        self.count = self.most = 0
        self.arrangement: Arrangement | None = None
        if isinstance(self.part, torch.jit.ScriptModule):
            raise ValueError(f"layer {self.layer!r} cannot be edited: it is TorchScript, which runs outside Python")
        for name in ("out_channels", "num_features", "out_features"):
            if isinstance(channels := getattr(self.part, name, None), int) and not (self._path or place.site):
                for edit in self.edits:
                    edit.selection.check(channels, self.layer)
                break

    def run(self, calls: Calls, part: nn.Module, output: Any) -> Any:
        """What the layer gives instead of `output`, the result of a call of `part`; None for the output as it is."""
        if calls.asking:
            return None
        number = calls.next(part, self)
        self.most = max(self.most, number)
        if self.call is not None:
            if not calls.can_tell(part, self.part):
                raise ValueError(
                    f"calls of {self.module!r} cannot be counted where parts of the model are called instead of the "
                    f"model, or checkpointed: give {self.module!r} for all of them"
                )
            if self.call != number:
                return None
        return replaced(output, self._path, self.made(calls, number, output))

    def made(self, calls: Calls, number: int, output: Any) -> torch.Tensor:
        """What stands in the place of the tensor that is edited, in what the layer gives in its call of this number."""
        value = dict(leaves(output)).get(self._path)
        if not isinstance(value, torch.Tensor):
            inside = [path for path, leaf in leaves(output) if isinstance(leaf, torch.Tensor)]
            choice = ", ".join(f"{self.module}.{path}" for path in inside)
            hint = f"; choose one of {choice}" if inside and self.place.site is None else ""
            if inside == [""]:  # the module gives one tensor, and the name asks for a part of it
                raise LookupError(
                    f"no layer {self.layer!r}: {self.module!r} gives one tensor, without a part {self._path!r}; "
                    "cw.layer_table names all layers and operations"
                )
            raise ValueError(f"layer {self.layer!r} gives a {type(output).__name__}, not one tensor{hint}")
        if (reason := why_not(value)) is not None and value.numel():
            raise ValueError(f"layer {self.layer!r} cannot be edited: it {reason}")
        found = self.arrangement = self.axes(calls, number, value)
        made = on_numbers(value, lambda numbers: self._edit(numbers, found))
        self.count += 1
        return made

    def _edit(self, value: torch.Tensor, found: Arrangement) -> torch.Tensor:
        for edit in self.edits:
            value = edit.edited(value, found, self.layer)
        return value

    def axes(self, calls: Calls, number: int, output: torch.Tensor) -> Arrangement:
        """Which axes of `output` are what: by its type, from an earlier pass, or by a pass for the layer table."""
        found = by_type(self.part, output, self._path)
        if found is None:
            kept = known_arrangements(self._model)
            key = self.module, type(self.part), number, self._path, output.ndim
            if key not in kept:
                kept[key] = self._ask(calls, number, output)
            found = kept[key]
        return found

    def _ask(self, calls: Calls, number: int, output: torch.Tensor) -> Arrangement:
        if calls.given is None:
            if all(edit.selection.everything for edit in self.edits):
                return by_row(None, output.ndim)
            raise ValueError(
                f"which axis of {describe(output)} is the channels of layer {self.layer!r} is told by a pass of the "
                "whole model: run it once before its parts"
            )
        table = self.known_table(calls)
        return by_row(None if table is None else replace(self.place, call=number).row(table), output.ndim)

    def known_table(self, calls: Calls) -> LayerTable | None:
        """The layer table of what runs now; None of a network that is run in a way of its own."""
        try:
            return first_that_runs(calls, self.table)
        except (ForwardError, TypeError, ValueError):
            return None

    def table(self, network: nn.Module, images: Any, prepare: Prepare | None) -> LayerTable:
        """The table in which the layer is."""
        return layer_table(network, images, operations=False, prepare=prepare)

    @property
    def why_not(self) -> str:
        """Why it was never edited, for a network that ran."""
        if not self.most:
            return (
                "its hook never fired: it did not run, or not by a call of the module (a parent may call its forward() "
                "or use its weights directly)"
            )
        return f"it runs {self.most} time{'s' * (self.most > 1)} in a pass"


def arrangement_of(
    model: nn.Module, images: Any, layer: str, output: torch.Tensor, prepare: Prepare | None = None
) -> Arrangement:
    """Which axes of `output`, what a layer gives for `images`, are what; arguments as for `layer_table`."""
    network = plain(model)
    place = find_edited(network, layer)
    part, number = named_parts(network)[place.module], place.call or 1
    found = by_type(part, output, place.path) if place.site is None else None
    if found is None:
        kept = known_arrangements(network)
        key: Any = "row", layer, output.ndim
        if place.site is None:
            key = place.module, type(part), number, place.path, output.ndim
        if key not in kept:
            table = layer_table(model, images, operations=place.site is not None, prepare=prepare)
            for row in (row for row in table if row.operation):  # one table tells of all of them
                kept.setdefault(("row", row.name, len(row.shape) + 1), by_row(row, len(row.shape) + 1))
            kept[key] = by_row(place.row(table), output.ndim)
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
    if find_edited(model, layer).site is not None:
        return activations(model, given, layer, prepare=prepare)
    with looking(model) as shadow, capture(shadow, layer) as captured:
        call(shadow, given, prepare)
    return captured[layer]


def one_item(args: tuple[Any, ...], keywords: dict[str, Any]) -> Iterator[tuple[Any, Prepare | None]]:
    """The first item of the batch that a network was given, and what hands it over; the whole batch, if that fails."""
    if len(args) == 1 and not keywords and isinstance(args[0], torch.Tensor) and args[0].ndim > 3:
        yield args[0][:1].detach(), None
        return
    given = keywords if keywords and not args else args
    tensors = [value for _, value in leaves(given) if isinstance(value, torch.Tensor) and value.ndim]
    first = rebuilt(given, lambda value: value[:1] if isinstance(value, torch.Tensor) and value.ndim else value)
    if len({len(tensor) for tensor in tensors}) == 1:
        yield first, lambda arguments: arguments
    yield given, lambda arguments: arguments


def first_that_runs(calls: Calls, look: Callable[[nn.Module, Any, Prepare | None], Seen]) -> Seen:
    """What a look at the network tells for one item of what it was given last; nothing that it runs counts.

    Raises
    ------
    ForwardError, ValueError, TypeError
        Of the last try, for a network that is run in a way of its own.
    """
    assert calls.given is not None
    network, args, keywords = calls.given
    *more, last = one_item(args, keywords)
    with calls.ask():
        for images, prepare in more:
            with suppress(ForwardError):
                return look(network, images, prepare)
        return look(network, *last)
