"""The outputs that `capture` recorded: a mapping from layer names to copies."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from .memory import Copies
from .names import OUTPUT, find_layer, further_place
from .outputs import leaves, why_not

UNSEEN = "was not seen to run in this pass (not called, or its parent uses its forward() or its weights directly)"
"""What is known of a module whose hook did not fire."""
SAMPLE = 1024
"""Numbers of an output that are kept to compare it with another pass, whatever the budget."""


@dataclass(slots=True)
class CapturedValue:
    """One value that one call of one module returned.

    `tensor` is a copy, taken before a later in-place operation could overwrite it; None where the value cannot be
    drawn (`reason` says why) or the byte budget was spent. `repeats` marks the same tensor object as in the
    previous entry that has one: a container that returns its last child's output. `some` are some of its numbers, from
    `some_of`, where all modules are recorded and the budget was spent. `strides` are those of the value itself, which
    the copy, in the usual order of axes, need not have; empty where it cannot be drawn.
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
    some: torch.Tensor | None = None
    strides: tuple[int, ...] = ()

    @property
    def sample(self) -> torch.Tensor | None:
        """Some of its numbers, to compare another pass with; None where none were recorded."""
        return some_of(self.tensor) if self.some is None and self.tensor is not None else self.some


class Captured(Mapping[str, torch.Tensor]):
    """The outputs that `capture` has recorded so far: a read-only mapping from layer names to copies.

    A module that ran once is listed under its dotted name. One that ran several times has one entry per call
    (`layer1.0.relu:1`, `layer1.0.relu:2`), one that returns several tensors one entry per tensor (`backbone.out`).
    `output` holds the tensors that the whole network returned, by their path in its output (`""` for a single tensor).
    `input(layer)` is the input of a call, if `capture` was called with `inputs=True`.
    """

    def __init__(
        self, names: Mapping[str, str], budget: int | None, device: torch.device | None, attached: bool = False
    ) -> None:
        self.seen: list[CapturedValue] = []
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

    def name(self, seen: CapturedValue) -> str:
        """Public name of an entry; final after the pass, when the number of calls is known."""
        base = seen.module or OUTPUT
        if self.calls[seen.module] > 1:
            base = f"{base}:{seen.call}"
        if not seen.path:
            return base
        dotted = f"{base}.{seen.path}"
        return f"{base}[{seen.path}]" if dotted in self._names else dotted

    def find(self, layer: str) -> CapturedValue:
        """The entry called `layer`; raises LookupError, listing the alternatives."""
        for entry in self.seen:
            if self.name(entry) == layer:
                return entry
        module, call, path = find_layer(self._names, layer)
        further = further_place(self._names, layer)
        if call is None and not further and (module, 1) in self._wanted:
            call = 1  # with a stop, a plain name is the first call
        entries = [s for s in self.seen if s.module == module and s.path == path and call in (None, s.call)]
        if len(entries) == 1:
            return entries[0]
        if entries:
            names = ", ".join(self.name(entry) for entry in entries)
            which = f"layer {layer!r}{f' is also {module!r}, which' if further else ''}"
            raise LookupError(f"{which} runs {len(entries)} times in one pass; choose one of {names}")
        inside = [self.name(s) for s in self.seen if s.module == module and call in (None, s.call)]
        if inside:
            raise LookupError(f"layer {layer!r} returns several values; choose one of {', '.join(inside)}")
        raise LookupError(f"layer {layer!r} {UNSEEN}")

    def input(self, layer: str) -> torch.Tensor:
        """The first input tensor of the call `layer`: a copy, made before the layer could write to it."""
        entry = self.find(layer)
        given = self._given.get((entry.module, entry.call))
        if given is None:
            raise LookupError(
                f"the input of layer {layer!r} was not kept: it is not a tensor, or inputs were not requested"
            )
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
        """Hold the arguments of module `name` until it returns."""
        tensors = (value for _, value in leaves(arguments) if why_not(value) is None)
        given = next(tensors, None)
        self._pending.setdefault(name, []).append(None if given is None else self._copy(given))

    def emptied(self) -> Captured:
        """The same entries without outputs."""
        made = Captured(self._names, self._budget, self._device)
        made.seen = [replace(seen, tensor=None) for seen in self.seen]
        made.calls = self.calls
        return made

    def belong_to(self, model: nn.Module) -> None:
        """Name the layers of `model` as owners, for a pass that ran on a copy of it."""
        parts = dict(model.named_modules())
        for value in self.seen:
            value.owner = parts.get(value.module, value.owner)

    def see(self, name: str, owner: nn.Module, output: Any) -> None:
        """Record the output of module `owner` under `name`."""
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
                continue  # the network returns its last layer's output, which is already listed
            unkept = tensor is None and not (reason or repeats or self._wanted or self._attached)
            some = some_of(value) if unkept else None
            strides = () if reason or value.layout != torch.strided else value.stride()
            found = CapturedValue(name, owner, call, path, shape, dtype, reason, tensor, repeats, some, strides)
            self.seen.append(found)

    def _keep(self, value: torch.Tensor, *, wanted: bool) -> tuple[torch.Tensor | None, bool]:
        """A copy of `value`, or the existing copy if the last hook received the same, unmodified tensor."""
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


def some_of(value: torch.Tensor) -> torch.Tensor | None:
    """About `SAMPLE` numbers of an output, evenly spaced along each axis: a copy, small beside what the layer costs."""
    if value.is_quantized or type(value) is not torch.Tensor:
        return None
    axes = sum(extent > 1 for extent in value.shape)
    step = max(1, round((value.numel() / SAMPLE) ** (1 / max(1, axes))))
    return value.detach()[(slice(None, None, step),) * value.ndim].clone()
