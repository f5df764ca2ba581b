"""All that a model holds, as values to compare: what its modules hold too, however deep."""

from __future__ import annotations

import random
import types
import zlib
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

DEEPEST = 60
"""Objects within objects that are followed."""


def deep_state(model: nn.Module | None) -> dict[str, Any]:
    """Path -> what is there: types, identities and values of all attributes, tensors to the bit, hooks, random numbers.

    Two calls compare equal if and only if nothing of that has changed in between. Identities count for the objects that
    the modules hold, so this is no state of a twin; see `values_of`.
    """
    return _State(identities=True).of(model)


def values_of(model: nn.Module | None) -> dict[str, Any]:
    """The same without identities, for a model and its twin."""
    return _State(identities=False).of(model)


def different(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The paths at which two states differ."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


class _State:
    def __init__(self, *, identities: bool) -> None:
        self.identities = identities
        self.found: dict[str, Any] = {}
        self.seen: set[int] = set()

    def of(self, model: nn.Module | None) -> dict[str, Any]:
        self.found["random numbers"] = (
            zlib.crc32(torch.get_rng_state().numpy().tobytes()),
            hash(random.getstate()),
            zlib.crc32(np.random.get_state()[1].tobytes()),  # type: ignore[index]
        )
        self._look("model", model, 0)
        return self.found

    def _look(self, path: str, value: Any, depth: int) -> None:
        own = (type(value).__name__, id(value) if self.identities and not isinstance(value, types.MethodType) else None)
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes, torch.dtype, torch.device)):
            self.found[path] = repr(value)
            return
        if isinstance(value, Tensor):
            self.found[path] = (*own, *_tensor(value))
            if value.is_leaf and value.grad is not None:
                self._look(f"{path}.grad", value.grad, depth + 1)
            return
        self.found[path] = own
        if id(value) in self.seen or depth > DEEPEST:
            return
        self.seen.add(id(value))
        for name, part in _parts(value, hooks=path.endswith(("hooks", "_with_kwargs", "_always_called"))):
            self._look(f"{path}{name}", part, depth + 1)


def _tensor(value: Tensor) -> tuple[Any, ...]:
    form = (value.dtype, tuple(value.shape), value.requires_grad, value.is_inference())
    if value.is_meta or value.layout is not torch.strided:
        return form
    raw = value.detach().resolve_conj().resolve_neg().contiguous().cpu()
    numbers = raw.int_repr() if raw.is_quantized else raw
    return (*form, zlib.crc32(numbers.reshape(-1).view(torch.uint8).numpy().tobytes()))


def _parts(value: Any, *, hooks: bool = False) -> list[tuple[str, Any]]:
    if hooks:  # their numbers go on through the process
        return [(f"[{number}]", part) for number, part in enumerate(value.values())]
    if isinstance(value, nn.Module):
        return [(f".{name}", part) for name, part in vars(value).items()] + _of_class(type(value))
    if isinstance(value, (Mapping, OrderedDict)):
        keys = [(f"{key if isinstance(key, (str, int, tuple)) else type(key).__name__}", key) for key in value]
        return [*((f"[{name}]", value[key]) for name, key in keys), ("[keys]", str([name for name, _ in keys]))]
    if isinstance(value, (list, tuple, deque)):
        return [(f"[{number}]", part) for number, part in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return [("{}", str(sorted(map(repr, value))))]
    if callable(getattr(value, "cache_info", None)):
        return [(".cache_info()", str(value.cache_info()))]
    if isinstance(value, types.MethodType):
        return [(".self", value.__self__), (".function", value.__func__)]
    if isinstance(value, (type, types.FunctionType, types.ModuleType, types.BuiltinFunctionType)):
        return []
    if isinstance(value, torch.Generator):
        return [(".state", zlib.crc32(value.get_state().numpy().tobytes()))]
    return [(f".{name}", part) for name, part in getattr(value, "__dict__", {}).items()]


def _of_class(kind: type) -> list[tuple[str, Any]]:
    """What the classes of a module hold, besides their functions; those of torch hold nothing that changes."""
    own = [base for base in kind.__mro__ if not base.__module__.startswith("torch.")]
    held = {f".{base.__name__}.{name}": part for base in own for name, part in vars(base).items() if name[:2] != "__"}
    return [(name, part) for name, part in held.items() if not callable(part) and not hasattr(part, "__get__")]
