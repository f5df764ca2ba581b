"""What the hooks of `capture` have seen: a mapping of layer names to copies of what the layers put out."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from .memory import Copies
from .names import OUTPUT, find_layer
from .outputs import leaves, why_not


@dataclass(slots=True)
class Seen:
    """One value that one call of one module returned.

    `tensor` is a copy, taken before a later in-place operation could overwrite it; None where the value cannot be
    drawn (`reason` says why) or the byte budget was spent. `repeats` marks the very tensor that the entry before
    gave: a container that returns its last child's output.
    """

    module: str
    owner: nn.Module
    call: int
    path: str
    shape: tuple[int, ...]
    dtype: torch.dtype | None
    reason: str | None
    tensor: torch.Tensor | None
    repeats: bool


class Captured(Mapping[str, torch.Tensor]):
    """What the hooks of `capture` have seen so far: a read-only mapping of layer names to copies of outputs.

    A module that ran once is called by its dotted name. One that ran several times has an entry a call
    (`layer1.0.relu:1`, `layer1.0.relu:2`), one that returns several tensors an entry a tensor (`backbone.out`).
    `output` holds the tensors that the whole network returned, by their place in it (`""` for a plain one).
    `input(layer)` is what a call was given, where `capture` was asked to keep inputs.
    """

    def __init__(
        self, names: Mapping[str, str], budget: int | None, device: torch.device | None, attached: bool = False
    ) -> None:
        self.seen: list[Seen] = []
        self.calls: Counter[str] = Counter()
        self.kept_bytes = 0
        self.output: dict[str, torch.Tensor] = {}
        self._names = names
        self._budget = budget
        self._device = device
        self._attached = attached
        self._wanted: set[tuple[str, int]] = set()
        self._given: dict[tuple[str, int], torch.Tensor] = {}
        self._pending: dict[str, list[torch.Tensor | None]] = {}
        self._copies = Copies()
        self._last: tuple[weakref.ref[torch.Tensor], int, torch.Tensor | None] | None = None

    def name(self, seen: Seen) -> str:
        """Public name of an entry; final once the pass has ended, since only then the calls are counted."""
        base = seen.module or OUTPUT
        if self.calls[seen.module] > 1:
            base = f"{base}:{seen.call}"
        if not seen.path:
            return base
        dotted = f"{base}.{seen.path}"
        return f"{base}[{seen.path}]" if dotted in self._names else dotted

    def find(self, layer: str) -> Seen:
        """The entry called `layer`; raises LookupError, naming what there is instead."""
        for entry in self.seen:
            if self.name(entry) == layer:
                return entry
        module, call, path = find_layer(self._names, layer)
        if call is None and (module, 1) in self._wanted:
            call = 1  # with a stop, a plain name is the first call
        entries = [s for s in self.seen if s.module == module and s.path == path and call in (None, s.call)]
        if len(entries) == 1:
            return entries[0]
        if entries:
            names = ", ".join(self.name(entry) for entry in entries)
            raise LookupError(f"layer {layer!r} runs {len(entries)} times in one pass; choose one of {names}")
        inside = [self.name(s) for s in self.seen if s.module == module and call in (None, s.call)]
        if inside:
            raise LookupError(f"layer {layer!r} gives several values; choose one of {', '.join(inside)}")
        raise LookupError(f"layer {layer!r} did not run in this pass")

    def input(self, layer: str) -> torch.Tensor:
        """The first tensor that the call `layer` was given: a copy, taken before the layer could write to it."""
        entry = self.find(layer)
        given = self._given.get((entry.module, entry.call))
        if given is None:
            raise LookupError(f"the input of layer {layer!r} was not kept: it was given no tensor, or not asked for")
        return given

    def __getitem__(self, layer: str) -> torch.Tensor:
        if layer == OUTPUT and "" in self.output:
            return self.output[""]  # also where it has no entry of its own
        entry = self.find(layer)
        if entry.reason is not None:
            raise LookupError(f"layer {layer!r} {entry.reason}")
        if entry.tensor is None:
            raise LookupError(f"layer {layer!r} was not kept: the byte budget of {self._budget:,} was spent")
        return entry.tensor

    def __iter__(self) -> Iterator[str]:
        return (self.name(entry) for entry in self.seen if entry.tensor is not None)

    def __len__(self) -> int:
        return sum(entry.tensor is not None for entry in self.seen)

    def receive(self, name: str, arguments: Any) -> None:
        """Take note of what the module called `name` is given, until it returns."""
        tensors = (value for _, value in leaves(arguments) if why_not(value) is None)
        given = next(tensors, None)
        self._pending.setdefault(name, []).append(None if given is None else self._copy(given))

    def see(self, name: str, owner: nn.Module, output: Any) -> None:
        """Take note of what module `owner`, called `name`, has returned."""
        self.calls[name] += 1
        call = self.calls[name]
        if self._pending.get(name) and (given := self._pending[name].pop()) is not None:
            self._given[name, call] = given
        if self._wanted and (name, call) not in self._wanted and (name, 0) not in self._wanted:
            return
        for path, value in leaves(output):
            reason = why_not(value)
            shape = tuple(value.shape) if isinstance(value, torch.Tensor) else ()
            dtype = value.dtype if isinstance(value, torch.Tensor) else None
            tensor, repeats = (None, False) if reason else self._keep(value, wanted=bool(self._wanted) or not name)
            if not name and tensor is not None:
                self.output[path] = tensor
            if repeats and not name and not self._wanted:
                continue  # the network returns its last layer's output, which is listed already
            self.seen.append(Seen(name, owner, call, path, shape, dtype, reason, tensor, repeats))

    def _keep(self, value: torch.Tensor, *, wanted: bool) -> tuple[torch.Tensor | None, bool]:
        """A copy of `value`, or the copy already held when the last hook saw the same, unchanged tensor."""
        version = -1 if value.is_inference() else value._version
        last = self._last
        repeats = last is not None and version >= 0 and last[0]() is value and last[1] == version
        if last is not None and repeats and (last[2] is not None or not wanted):
            return last[2], True
        copy = None
        if wanted or self._budget is None or self.kept_bytes + value.nbytes <= self._budget:
            copy = self._copy(value)
            self.kept_bytes += copy.nbytes
        self._last = (weakref.ref(value), version, copy)
        return copy, repeats

    def _copy(self, value: torch.Tensor) -> torch.Tensor:
        value = value if self._attached else value.detach()
        if value.is_quantized:
            value = value.dequantize()
        if type(value) is not torch.Tensor:
            value = value.as_subclass(torch.Tensor)
        if self._device not in (None, value.device):
            return value.to(self._device, copy=True)
        if self._attached or self._wanted:
            return value.clone(memory_format=torch.contiguous_format)
        return self._copies.copy(value)
