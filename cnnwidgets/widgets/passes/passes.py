"""What is known of a model from its passes; all that look at the same model share it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from cachetools import LRUCache
from torch import nn

from ...compute.core import Captured, Prepare, fingerprint
from ...compute.dataset import Prediction, predict, scores_of
from ...compute.layers import (
    Axes,
    LayerTable,
    Trace,
    Traced,
    checked_operations,
    run,
    table_of,
    trace,
    traced,
    with_operations,
)
from .cache import ByteCache

SMALL = 2**16
"""Numbers of an output that are kept with what is known of an image: class scores, not maps."""
RECENT = 64
"""Images whose label, table and prediction are remembered; their outputs are bounded in bytes."""


Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Pass:
    """What one forward pass told about one image, save the outputs themselves."""

    modules: LayerTable
    """The layers that hooks see; `Passes.tables` has those with the operations between them."""
    shapes: Shapes
    """Of all that the modules put out: what the shapes of operations depend on."""
    prediction: Prediction | None
    same: dict[str, str]
    """A layer that hands on another's output -> that other layer."""
    single: bool
    """Whether the network returns one tensor, not a dict or a tuple of them."""
    returned: torch.Tensor | None = None
    """That tensor, with its batch axis, on the CPU, if it is small enough to be kept."""
    strides: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of each output as the layer gave it: those that are kept are copies in the usual order of axes."""


class Passes:
    """The passes of a model that are remembered, bounded in number, and their outputs, bounded in bytes.

    Parameters
    ----------
    module : torch.nn.Module
        Looked at, never changed.
    cache_bytes : int
        Bytes of layer outputs to keep at most, of those that all views of the process share.
    """

    def __init__(self, module: nn.Module, cache_bytes: int) -> None:
        self.module = module  # held: as long as these live, no other model can have its id
        self.outputs = ByteCache(cache_bytes)
        self.known: LRUCache[Hashable, Pass] = LRUCache(RECENT)
        self.forgotten = -1
        """How often everything was forgotten."""
        self.forget()

    @classmethod
    def of(cls, module: nn.Module, cache_bytes: int) -> Passes:
        """Those that others know of this very model, unless it was changed meanwhile; or new ones."""
        with _lock:
            passes = _shared.get((id(module), cache_bytes))
            if passes is None or passes.state != fingerprint(module):
                passes = _shared[id(module), cache_bytes] = cls(module, cache_bytes)
            return passes

    def forget(self) -> None:
        """Forget everything: the weights, or the data, are no longer what they were."""
        self.forgotten += 1
        self.outputs.clear()
        self.known.clear()
        self.traced: tuple[Traced, Trace] | None = None
        self.operations: LRUCache[Hashable, tuple[dict[str, torch.Tensor], Axes]] = LRUCache(RECENT)
        """Shapes of what modules put out -> that of each operation, without its numbers, and what tells its axes."""
        self.tables: weakref.WeakKeyDictionary[LayerTable, LayerTable] = weakref.WeakKeyDictionary()
        """The layers that hooks saw in a pass -> these with the operations between them, where they are known."""
        self._told: _Told | None = None
        self.state = fingerprint(self.module)

    def take(self, key: tuple[Hashable, ...], images: Any, prepare: Prepare | None) -> Pass:
        """What one pass tells; its outputs go into the memory."""
        captured = run(self.module, images, None, prepare=prepare, budget=self.outputs.limit, device="cpu")
        same: dict[str, str] = {}
        strides: dict[str, tuple[int, ...]] = {}
        first = ""
        for seen in captured.seen:
            name = captured.name(seen)
            strides[name] = seen.strides
            if seen.repeats:
                same[name] = first
            elif seen.reason is None:  # what is no tensor is handed on by none
                first = name
                if seen.tensor is not None:
                    self.outputs.put((*key, name), seen.tensor)
        self.tell(key, captured)
        single, prediction = captured.output.get(""), predict(scores_of(captured.output))
        table = table_of(captured, self.module, 1, Axes(self.module, images, prepare))
        return Pass(table, _shapes(captured), prediction, same, single is not None, small(single), strides)

    def trace(self) -> Trace:
        """The network as a graph; a new one where something has changed that a graph takes over."""
        graph = traced(self.module)
        if self.traced is None or self.traced[0] is not graph:
            self.traced = graph, trace(self.module)
            self.operations.clear()
        return self.traced[1]

    def trace_first(self) -> bool:
        """Trace the network; False if that was done before."""
        before = self.traced
        self.trace()
        return self.traced is not before

    def table(self, told: Pass) -> LayerTable | None:
        """The layers of a pass with the operations between them, where these are known; runs and traces nothing."""
        found = self.tables.get(told.modules)
        if found is None and self.traced is not None and told.shapes in self.operations:
            current = self.trace()  # a new one, and no operations, where something has changed
            if told.shapes in self.operations:
                outputs, axes = self.operations[told.shapes]
                found = with_operations(told.modules, current, outputs, 1, axes)
                self.tables[told.modules] = found
        return found

    def tell(self, key: tuple[Hashable, ...], captured: Captured) -> None:
        """Remember what the newest pass told, save what `outputs` keep, until operations are compared with it."""
        if _shapes(captured) not in self.operations:
            given = set(map(id, captured.output.values()))
            from_last = (seen for seen in reversed(captured.seen) if id(seen.tensor) in given)
            name_of = {id(seen.tensor): captured.name(seen) for seen in from_last}
            output = {path: name_of.get(id(value), "") for path, value in captured.output.items()}
            self._told = _Told(key, captured.emptied(), output)

    def untell(self) -> None:
        """The newest pass told less than all: no operations can be compared with it."""
        self._told = None

    def find_operations(self, told: Pass, key: tuple[Hashable, ...], images: Any, prepare: Prepare | None) -> int:
        """Trace the network, and check the operations against what the modules put out; how many passes were needed.

        None where the pass of `key` is the newest, and its outputs are at hand.
        """
        current, needed, axes = self.trace(), 0, Axes(self.module, images, prepare)
        if not current.operations:
            self.operations[told.shapes] = {}, axes
            return needed
        captured = self._at_hand(key)
        if captured is None:
            captured, needed = run(self.module, images, None, prepare=prepare, budget=0, device="cpu"), 1
        outputs = checked_operations(self.module, current, images, captured, prepare=prepare)
        shapes = _shapes(captured)  # the network may have changed since: else they would be those of another pass
        found = {name: value.to("meta") for name, value in self.keep(key, outputs).items()}
        self.operations[shapes] = found, axes
        self._told = None
        return needed

    def keep(self, key: tuple[Hashable, ...], outputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs on the CPU, and in the memory, under `key` and the name of each layer."""
        outputs = {name: output.cpu() for name, output in outputs.items()}
        for name, output in outputs.items():
            self.outputs.put((*key, name), output)
        return outputs

    def _at_hand(self, key: tuple[Hashable, ...]) -> Captured | None:
        """What the pass of `key` told, with its outputs; None where it is not the newest, or where some are gone."""
        if self._told is None or self._told.key != key:
            return None
        captured = self._told.captured.emptied()
        for seen in captured.seen:
            if seen.reason is None and not seen.repeats and seen.some is None:
                seen.tensor = self.outputs.get((*key, captured.name(seen)))
                if seen.tensor is None:
                    return None
        for path, name in self._told.output.items():
            value = self.outputs.get((*key, name))
            if value is None:
                return None
            captured.output[path] = value
        return captured


@dataclass(frozen=True)
class _Told:
    """What a pass told, and what the outputs of the network are called."""

    key: tuple[Hashable, ...]
    captured: Captured
    output: dict[str, str]


def small(returned: torch.Tensor | None) -> torch.Tensor | None:
    """What a network returned, for keeping; None where it is large."""
    return None if returned is None or returned.numel() > SMALL else returned.detach().cpu().clone()


def _shapes(captured: Captured) -> Shapes:
    return tuple(seen.shape for seen in captured.seen)


_shared: weakref.WeakValueDictionary[tuple[int, int], Passes] = weakref.WeakValueDictionary()
_lock = threading.RLock()
