"""Following tensors through a pass: which operation of ATen made each, and from which tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from ..core import OperatorMode

_FORM = frozenset({"empty", "empty_strided", "is_same_size", "sym_size", "sym_numel", "sym_stride", "size"})
"""Operations that read the form of a tensor and not its numbers, besides `zeros_like`, `new_full` and their kind."""
_OVERWRITES = frozenset({"copy_", "fill_", "zero_", "set_", "normal_", "uniform_", "bernoulli_", "random_"})
"""Operations after which nothing is left of what the tensor was that they write to."""


@dataclass(frozen=True)
class _Write:
    """An operation that wrote to a storage, from byte `start` to `end`; `dense` if it left none between them out."""

    at: int
    node: int | None
    start: int
    end: int
    dense: bool


class Following(OperatorMode):
    """While this mode is on, each operation that depends on a watched tensor becomes a node with its parents.

    A tensor that is written to in place belongs to the operation that wrote last, and so do its views, as far as
    they lie in the same bytes.

    Attributes
    ----------
    parents : list of tuple of int
        Of each node, in the order they ran; empty for a watched tensor.
    names : list of str
        Operation of each node; empty for a watched tensor and for one that is handed on.
    places : list of int
        What `place` was when the node was made.
    place : int
        Set by the caller.
    """

    def __init__(self) -> None:
        super().__init__()
        self.parents: list[tuple[int, ...]] = []
        self.names: list[str] = []
        self.places: list[int] = []
        self.place = -1
        self._known: Any = WeakTensorKeyDictionary()
        self._written: dict[int, tuple[StorageWeakRef, list[_Write]]] = {}
        self._clock = 0
        self._silent = False

    def watch(self, tensor: torch.Tensor) -> None:
        """Follow what is computed from `tensor`."""
        self._known[tensor] = self._node("", ()), self._clock

    def nodes(self, tensor: torch.Tensor, part: torch.Tensor | None = None) -> tuple[int, ...]:
        """The nodes whose numbers `tensor`, or `part` of it, holds now; none if it depends on no watched tensor."""
        node, since = self._known.get(tensor, (None, -1))
        found: list[int] = []
        if self._written and (written := self._written.get(_storage(tensor))) is not None:
            start, end, _ = _bytes(tensor if part is None else part)
            for write in reversed(written[1]):
                if write.at <= since:
                    break
                if write.start < end and start < write.end:
                    if write.node is not None:
                        found.append(write.node)
                    if write.dense and write.start <= start and end <= write.end:
                        return tuple(found)
        return tuple(found) if node is None else (*found, node)

    def handed_on(self, tensor: torch.Tensor) -> torch.Tensor:
        """The same numbers as a tensor and a node of its own: what a module returns that it was given."""
        parents = self.nodes(tensor)
        self._silent = True
        try:
            alias = tensor.view_as(tensor)
        finally:
            self._silent = False
        self._known[alias] = self._node("", parents), self._clock
        return alias

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name.split("::")[-1]
        if self._silent or name in _FORM or name.endswith("_like") or name.startswith("new_"):
            return func(*args, **kwargs)
        if _is_view(func):
            return self._viewed(name, args[0], func(*args, **kwargs))
        changed = list(_changed(func, args, kwargs))
        overwritten = {id(tensor) for tensor in changed} if name in _OVERWRITES else set()
        given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor) and id(t) not in overwritten]
        parents = tuple(dict.fromkeys(node for tensor in given for node in self.nodes(tensor)))
        output = func(*args, **kwargs)
        node = self._node(name, parents) if parents else None
        for tensor in changed:
            self._write(tensor, node)
        if node is not None:
            for tensor in tree_leaves(output):
                if isinstance(tensor, torch.Tensor) and not any(tensor is each for each in changed):
                    self._known[tensor] = node, self._clock
        return output

    def _viewed(self, name: str, base: torch.Tensor, output: Any) -> Any:
        """What is known of views of `base`: each has what was written to its own bytes."""
        for view in tree_leaves(output):
            if isinstance(view, torch.Tensor) and view is not base and (parents := self.nodes(base, view)):
                self._known[view] = self._node(name, parents), self._clock
        return output

    def _node(self, name: str, parents: tuple[int, ...]) -> int:
        self.parents.append(parents)
        self.names.append(name)
        self.places.append(self.place)
        return len(self.parents) - 1

    def _write(self, tensor: torch.Tensor, node: int | None) -> None:
        storage = _storage(tensor)
        if node is None and storage not in self._written and tensor not in self._known:
            return
        self._clock += 1
        if storage not in self._written:  # the reference keeps the address from being given to another storage
            self._written[storage] = StorageWeakRef(tensor.untyped_storage()), []
        self._written[storage][1].append(_Write(self._clock, node, *_bytes(tensor)))


def _is_view(func: Any) -> bool:
    formal = func._schema.arguments
    alias = formal[0].alias_info if formal else None
    return alias is not None and not alias.is_write


def _changed(func: Any, args: Any, kwargs: Any) -> Iterator[torch.Tensor]:
    """The tensors that an operation writes to."""
    for at, formal in enumerate(func._schema.arguments):
        if formal.alias_info is not None and formal.alias_info.is_write:
            value = args[at] if at < len(args) else kwargs.get(formal.name)
            yield from (each for each in tree_leaves(value) if isinstance(each, torch.Tensor))


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _bytes(tensor: torch.Tensor) -> tuple[int, int, bool]:
    """First byte and end of a tensor in its storage, and whether all between them is its own."""
    if not tensor.numel():
        return 0, 0, False
    extent = 1 + sum(
        (int(size) - 1) * abs(int(stride)) for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
    )
    start = int(tensor.storage_offset()) * tensor.element_size()
    return start, start + extent * tensor.element_size(), extent == tensor.numel()
