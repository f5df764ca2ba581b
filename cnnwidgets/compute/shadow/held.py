"""Restores what the modules of a model hold, at any depth: for models that cannot be copied."""

from __future__ import annotations

import functools
import logging
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from operator import is_
from typing import Any

import numpy as np
import torch
from torch import nn

from ..core import BESIDE
from .reach import is_ours

_LEFT = (
    *BESIDE,
    *(types.ModuleType, types.CodeType, types.BuiltinFunctionType, weakref.ref, torch.jit.ScriptFunction, type),
    *(str, bytes, int, float, complex, torch.dtype, torch.device, torch.Size, logging.Logger),
)
"""What is not looked into: no forward pass writes to it, or it belongs to others too."""
_OF_OTHERS = frozenset({"torch", "builtins", "abc", "typing", "collections"})
"""Packages whose classes no forward pass writes to."""
_STATES: tuple[tuple[str, str], ...] = (("get_state", "set_state"), ("getstate", "setstate"))
"""Methods of generators of random numbers."""


@contextmanager
def same_module_state(parts: Iterable[nn.Module]) -> Iterator[None]:
    """Restore what a forward pass, a trace or `eval()` may change in the modules of a model.

    That is every attribute, and the contents of the containers, tensors and objects behind it, of functions' closures
    and of the modules' classes: the same objects with the contents that they had. Parameters are too large to copy: a
    replaced one (`weight.data = ...`) is restored, and `weights.restored` restores what is written to its memory.
    """
    held = _Held()
    for part in parts:
        held.keep(part)
    with held.restored():
        yield


@contextmanager
def same_class_state(parts: Iterable[nn.Module]) -> Iterator[None]:
    """Restore what a `with` block writes to attributes of the modules' classes, and of nothing else."""
    held = _Held()
    for kind in {type(part) for part in parts}:
        held.keep_class(kind)
    with held.restored():
        yield


class _Held:
    """Objects that have been found, and how each is restored."""

    def __init__(self) -> None:
        self.restoring: list[Callable[[], None]] = []
        self._waiting: list[Any] = []
        self._seen: dict[int, Any] = {}

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restore everything at the end, whatever happens meanwhile."""
        try:
            yield
        finally:
            with ExitStack() as every:  # goes on after an interrupt
                for restore in self.restoring:
                    every.callback(restore)

    def keep(self, value: Any) -> None:
        """Save the state of an object and of all that it holds."""
        self._waiting.append(value)
        while self._waiting:
            value = self._waiting.pop()
            if id(value) not in self._seen:
                self._seen[id(value)] = value  # alive as long as its id counts
                self._save(value)

    def _save(self, value: Any) -> None:
        if value is None or isinstance(value, _LEFT) or is_ours(value):
            return
        if isinstance(value, torch.Tensor):
            self.restoring.append(_Tensor(value).put_back)
        elif isinstance(value, np.ndarray):
            self.restoring.append(partial(_restore_array, value, value.copy()))
        elif isinstance(value, (tuple, frozenset)):
            self._waiting += value
        elif isinstance(value, (dict, list, set, deque)):
            self._waiting += value.values() if isinstance(value, dict) else value
            self.restoring.append(
                partial(_restore_contents, value, dict(value) if isinstance(value, dict) else [*value])
            )
        elif isinstance(value, partial):
            self._waiting += [value.func, value.args, value.keywords]
        elif isinstance(value, types.MethodType):
            self._waiting += [value.__self__, value.__func__]
        elif isinstance(value, types.FunctionType):
            self._waiting += [value.__defaults__, value.__kwdefaults__]
            for cell in value.__closure__ or ():
                with suppress(ValueError):  # a variable that has no value yet
                    self._attribute(cell, "cell_contents")
        elif isinstance(value, functools._lru_cache_wrapper):
            if not value.cache_info().currsize:
                self.restoring.append(value.cache_clear)
        elif isinstance(value, np.random.Generator):
            self.restoring.append(partial(setattr, value.bit_generator, "state", value.bit_generator.state))
        elif isinstance(value, nn.Module):
            self.keep_class(type(value))
        if isinstance(value, torch.jit.ScriptModule):
            self._waiting += [*value.parameters(recurse=False), *value.buffers(recurse=False)]
            self.restoring.append(partial(_restore_contents, value.__dict__, dict(value.__dict__)))
            self._script(value)
            return
        for read, write in _STATES:
            if not isinstance(value, nn.Module) and hasattr(value, read) and hasattr(value, write):
                self.restoring.append(partial(getattr(value, write), getattr(value, read)()))
        self._attributes(value)

    def _script(self, value: torch.jit.ScriptModule) -> None:
        """Numbers, and lists and dicts of numbers, that TorchScript holds: Python is given copies of them."""
        kinds: dict[str, Any] = getattr(vars(value).get("_concrete_type"), "get_attributes", dict)()
        for name in kinds:
            before = getattr(value, name)
            if isinstance(before, (bool, int, float, str, list, dict)):
                self.restoring.append(partial(_restore_script, value, name, before))

    def _attributes(self, value: Any) -> None:
        """The `__dict__` of an object, and its slots."""
        if isinstance(held := getattr(value, "__dict__", None), dict):
            self._waiting.append(held)
        for kind in type(value).__mro__:
            slots = vars(kind).get("__slots__", ())
            for name in [slots] if isinstance(slots, str) else slots:
                if isinstance(vars(kind).get(name), types.MemberDescriptorType) and hasattr(value, name):
                    self._attribute(value, name)

    def _attribute(self, value: Any, name: str) -> None:
        found = getattr(value, name)
        self._waiting.append(found)
        self.restoring.append(partial(_restore_attribute, value, name, found))

    def keep_class(self, kind: type) -> None:
        """Save the attributes of a user's class, such as a cache that all of its instances share."""
        for owner in kind.__mro__:
            if owner.__module__.partition(".")[0] not in _OF_OTHERS and id(owner) not in self._seen:
                self._seen[id(owner)] = owner
                attributes = dict(vars(owner))
                self.restoring.append(partial(_restore_class, owner, attributes))
                for value in attributes.values():
                    value = getattr(value, "__func__", value)  # of a static method
                    if isinstance(value, (dict, list, set, deque, torch.Tensor, functools._lru_cache_wrapper)):
                        self.keep(value)


class _Tensor:
    """A tensor, its memory, gradient, and what its numbers were, those of parameters excepted."""

    def __init__(self, value: torch.Tensor) -> None:
        self.value, self.data, self.requires_grad = value, value.data, value.requires_grad
        self.grad = value.grad if value.is_leaf else None
        self.version = _version(value)
        self.numbers = None if isinstance(value, nn.Parameter) or value.is_meta else value.detach().clone()

    def put_back(self) -> None:
        """Restore whatever has changed."""
        value = self.value
        with torch.no_grad():
            if _exchanged(value, self.data):
                value.data = self.data
            if self.numbers is not None and (_version(value) != self.version or not _same(value, self.numbers)):
                value.copy_(self.numbers)
        if value.is_leaf:
            if value.grad is not self.grad:
                value.grad = self.grad
            if value.requires_grad != self.requires_grad:
                value.requires_grad_(self.requires_grad)


def _restore_contents(value: Any, before: Any) -> None:
    now, then = ([*each, *each.values()] if isinstance(each, dict) else [*each] for each in (value, before))
    if len(now) != len(then) or not all(map(is_, now, then)):
        value.clear()
        (value.extend if isinstance(value, (list, deque)) else value.update)(before)


def _restore_class(owner: type, before: dict[str, Any]) -> None:
    now = dict(vars(owner))
    if len(now) != len(before) or not all(map(is_, now.values(), before.values())):
        for name in now.keys() - before.keys():
            delattr(owner, name)
        for name, value in before.items():
            if now.get(name) is not value:
                setattr(owner, name, value)


def _restore_array(value: np.ndarray[Any, Any], before: np.ndarray[Any, Any]) -> None:
    if value.flags.writeable:
        value[...] = before


def _restore_attribute(value: Any, name: str, before: Any) -> None:
    if getattr(value, name, None) is not before:
        setattr(value, name, before)


def _restore_script(value: torch.jit.ScriptModule, name: str, before: Any) -> None:
    with suppress(RuntimeError):  # lists of tensors are neither equal nor not
        if getattr(value, name) != before:
            setattr(value, name, before)


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors are bitwise equal, NaN included; True where only their versions can tell."""
    a = a.detach()
    if a.layout is not torch.strided or not a.is_cpu:  # on other devices a comparison would synchronise
        return True
    if a.is_quantized or not a.is_contiguous() or not b.is_contiguous():
        return torch.equal(a, b)
    return torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8))


def _version(tensor: torch.Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def _exchanged(tensor: torch.Tensor, data: torch.Tensor) -> bool:
    """Whether `tensor` has other memory, or other strides, than `data`."""
    if tensor.layout is not torch.strided:
        return False
    return (tensor.data_ptr(), tensor.shape, tensor.stride()) != (data.data_ptr(), data.shape, data.stride())
