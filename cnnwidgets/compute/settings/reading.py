"""What the code of a model reads besides its weights and its input, as deep as it can be seen from outside."""

from __future__ import annotations

import argparse
import enum
import functools
import sys
import types
import weakref
from collections import UserDict, UserList, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch import fx, nn
from torch.utils.data import DataLoader, Dataset

BUDGET = 10_000
"""Values that are looked at besides the attributes of modules; networks of timm need 500 to 2,000."""
LONGEST = 1024
"""Of containers and arrays that hold more values, an equal share is looked at."""
PLAIN = frozenset(
    {bool, int, float, complex, str, bytes, type(None), range, slice, type(...), np.dtype, types.CodeType}
    | {torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format}
)
"""Types whose values do not change and are compared as they are."""

_OF_TORCH = frozenset(vars(nn.Module())) - {"forward"}
"""What every module has: its children, weights and hooks are looked at by themselves, its mode is changed by a look."""
_FIXED = frozenset({*sys.stdlib_module_names, "torch", "numpy", "cnnwidgets"})
"""Packages whose functions and objects are taken for what they are, not for what they hold."""
BESIDE = (torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler, Dataset, DataLoader, fx.Graph)
"""What a model may hold, and no pass reads or writes."""
_HOLDERS = (types.SimpleNamespace, argparse.Namespace, UserDict, UserList)
_OPAQUE = (*BESIDE, enum.Enum)
"""What is not looked into."""
_SEQUENCES = (list, tuple, set, frozenset, deque)
_MAPPINGS = (dict, types.MappingProxyType)


def settings(model: nn.Module) -> tuple[tuple[Any, ...], list[torch.Tensor]]:
    """What compares equal as long as nothing that can be seen would have the code of a model take another course.

    Seen are the attributes of modules, what those hold (containers, objects, arrays, modules that are not registered),
    the attributes and methods of their classes, and of functions the code, default values, variables of an enclosing
    function and the globals that they name. After `BUDGET` values, nearest first, only which objects there are.

    Parameters
    ----------
    model : torch.nn.Module
        Only read.

    Returns
    -------
    tuple of (tuple, list of torch.Tensor)
        Values to compare, and the tensors found that are none of the model's parameters and buffers.
    """
    found = _Reading(model)
    found.finish()
    return tuple(found.found), found.tensors


class _Reading:
    """Looks at values breadth first: what is nearest to the modules comes before the budget is spent."""

    def __init__(self, model: nn.Module) -> None:
        self.found: list[Any] = []
        self.tensors: list[torch.Tensor] = []
        self._seen: dict[int, int] = {}
        self._waiting: deque[Any] = deque()
        self._held: list[Any] = []  # alive as long as their ids count
        parts = list(model.modules())
        weights = (table.values() for part in parts for table in (part._parameters, part._buffers))
        for known in chain(parts, *weights):
            self._seen[id(known)] = len(self._seen)
        for part in parts:
            self._module(part)

    def put(self, value: Any) -> None:
        """Note a value; what it holds is looked at later."""
        kind = type(value)
        if kind in PLAIN:
            self.found += (kind, value)
            return
        number = self._seen.setdefault(id(value), len(self._seen))
        self.found.append(number)
        if number == len(self._seen) - 1:
            self._held.append(value)
            self._waiting.append(value)

    def finish(self) -> None:
        """Look at all that waits, as far as the budget goes."""
        last = len(self.found) + BUDGET
        while self._waiting and len(self.found) < last:
            value = self._waiting.popleft()
            try:
                self._open(value)
            except Exception:  # it does not let itself be looked at, or another thread changes it
                self.found.append(id(value))
        self.found += map(id, self._waiting)

    def _module(self, part: nn.Module) -> None:
        found, put = self.found, self.put
        put(type(part))
        for name, value in vars(part).items():
            if name in _OF_TORCH:
                continue
            kind = type(value)
            if kind in PLAIN:
                found += (name, kind, value)
            elif kind is tuple and PLAIN.issuperset(map(type, value)):
                found += (name, value)
            else:
                found.append(name)
                put(value)

    def _open(self, value: Any) -> None:
        kind = type(value)
        if isinstance(value, type):
            self._class(value)
            return
        self.found.append(kind)
        if isinstance(value, nn.Module):
            self._hidden(value)
        elif isinstance(value, torch.Tensor):
            self.tensors.append(value)
        elif isinstance(value, (np.ndarray, np.generic)):
            self._array(np.asarray(value))
        elif isinstance(value, _MAPPINGS):
            for item in _some(value.items(), len(value)):
                self._all(item)
            self._attributes(value)
        elif isinstance(value, _SEQUENCES):
            self._all(_some(value, len(value)))
            self._attributes(value)
        elif isinstance(value, bytearray):
            self.put(bytes(value))
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif (within := _within(value)) is not None:
            self._all(within)
        elif isinstance(value, types.ModuleType):
            plain = {name: held for name, held in vars(value).items() if type(held) in PLAIN and not _fixed(value)}
            self._all(chain.from_iterable(plain.items()))
        elif isinstance(value, _OPAQUE) or (_fixed(kind) and not isinstance(value, _HOLDERS)):
            self.found.append(id(value))
        else:
            self._attributes(value)

    def _all(self, values: Iterable[Any]) -> None:
        for value in values:
            self.put(value)
        self.found.append(None)  # the end

    def _hidden(self, value: nn.Module) -> None:
        """A module that is not registered, with its weights, and in the mode that it stays in."""
        for part in value.modules():
            if part is value or id(part) not in self._seen:
                self._seen.setdefault(id(part), len(self._seen))
                weights = (*part._parameters.values(), *part._buffers.values())
                self.tensors += [weight for weight in weights if weight is not None]
                self.found.append(part.training)
                self._module(part)

    def _array(self, value: np.ndarray[Any, Any]) -> None:
        self.found += (value.dtype.str, value.shape)
        if value.dtype.hasobject:
            self._all(_some(value.flat, value.size))
        else:
            self.found.append(value.flat[:: value.size // LONGEST + 1].tobytes())

    def _attributes(self, value: Any) -> None:
        if not _fixed(type(value)):
            self.put(type(value))
        with suppress(TypeError):  # it has none
            for name, held in vars(value).items():
                self.found.append(name)
                self.put(held)
        for kind in type(value).__mro__:
            for slot in vars(kind).values():
                if isinstance(slot, types.MemberDescriptorType) and not _fixed(kind):
                    with suppress(AttributeError):  # it has no value
                        self.put(slot.__get__(value))

    def _class(self, value: type) -> None:
        """Its attributes and methods, and those of its bases, but not how it makes modules: they are there already."""
        for kind in value.__mro__:
            if kind in (nn.Module, object):
                continue
            if _fixed(kind):  # somebody may have put a method in the place of another all the same
                if issubclass(kind, nn.Module):
                    self.found += [call.__code__ for call in vars(kind).values() if type(call) is types.FunctionType]
                continue
            if kind is not value:
                self.put(kind)
                continue
            for name, member in vars(kind).items():
                special = name.startswith("__")
                if not special or (isinstance(member, types.FunctionType) and not issubclass(kind, nn.Module)):
                    self.found.append(name)
                    self.put(member)

    def _function(self, value: types.FunctionType) -> None:
        self.put(value.__code__)
        if _fixed(value):
            return
        self._all(value.__defaults__ or ())
        self._all((value.__kwdefaults__ or {}).values())
        self._all(value.__dict__.values())
        names = dict.fromkeys(names_in(value.__code__))
        for cell in value.__closure__ or ():
            with suppress(ValueError):  # a variable that has no value yet
                self._named(cell.cell_contents, names)
        for name in names:
            if name in value.__globals__:
                self._named(value.__globals__[name], names)

    def _named(self, value: Any, names: Iterable[str]) -> None:
        """What a name stands for; of a module of Python, what is likely to be asked of it."""
        if not isinstance(value, types.ModuleType):
            self.put(value)
        elif not _fixed(value):
            held = vars(value)
            self._all(held[name] for name in names if name in held and not isinstance(held[name], types.ModuleType))


def _fixed(value: Any) -> bool:
    """Whether a class, function or module of Python is one of `_FIXED`."""
    home = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
    return (home or "").partition(".")[0] in _FIXED


def _within(value: Any) -> tuple[Any, ...] | None:
    """What wraps a function holds; None for what does not."""
    if isinstance(value, types.MethodType):
        return value.__func__, value.__self__
    if isinstance(value, functools.partial):
        return value.func, value.args, value.keywords
    if isinstance(value, property):
        return value.fget, value.fset
    if isinstance(value, (staticmethod, classmethod, functools._lru_cache_wrapper)):
        return (value.__wrapped__,)
    if isinstance(value, functools.cached_property):
        return (value.func,)
    return (value(),) if isinstance(value, weakref.ref) else None


def names_in(code: types.CodeType) -> Iterator[str]:
    """The globals and attributes that a function names, and the functions that are made in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names_in(constant)


def _some(values: Iterable[Any], count: int) -> Iterator[Any]:
    return islice(values, 0, None, count // LONGEST + 1)
