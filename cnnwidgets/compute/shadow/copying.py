"""Copies the modules of a model with everything that they hold, the memory of the parameters only where asked to."""

from __future__ import annotations

import copy
import functools
import types
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import nn

from ..core import BESIDE, PLAIN, not_ours, of_the_user
from .reach import is_around, is_ours, modules_named, reaches
from .tensors import USUAL, TensorCopies
from .weights import Writes

_ATOMS = PLAIN | {type(NotImplemented), type, torch.finfo, torch.iinfo, types.BuiltinFunctionType, types.ModuleType}
"""Types that cannot change."""
_SHARED = (*BESIDE, torch.jit.ScriptFunction, torch.ScriptObject)
"""What a module may hold and no forward pass changes; a copy could take all memory."""
_PROXIES = frozenset({weakref.ProxyType, weakref.CallableProxyType})
_CALLS = (types.FunctionType, types.MethodType, partial)
_EMPTY = frozenset({dict, OrderedDict, set, list})
_TENSORS = frozenset({"_parameters", "_buffers"})
_HOOKS = frozenset(key for key in vars(nn.Module()) if key.endswith("_hooks"))


class Unshadowed(Exception):
    """The model cannot have a shadow; the message says why."""


class Copying:
    """A copy of the modules of a model; each object is copied once (`memo`, by identity, as in `copy.deepcopy`).

    Parameters
    ----------
    model : torch.nn.Module
        The plain module.
    apart : bool
        Copy the memory of all parameters too, instead of that alone which a look has written to before.
    sharing : bool
        Copy no tensor at all: the copy holds the very parameters and buffers of the model.

    Attributes
    ----------
    root : torch.nn.Module
        The copy of the model.
    parts : list of torch.nn.Module
        The copies of all modules.
    same : list of torch.Tensor
        What is in the copy itself: it could not be copied.
    settings : list
        What the modules' attributes are, as far as it could change what `forward` does: compares equal or not.

    Raises
    ------
    Unshadowed
        A module is TorchScript, cannot be made without its constructor, or a function that it calls, such as a hook,
        refers to the model itself.
    """

    def __init__(self, model: nn.Module, *, apart: bool = False, sharing: bool = False) -> None:
        self.memo: dict[int, Any] = {}
        self.parts: list[nn.Module] = []
        self.settings: list[Any] = []
        self._tensors = TensorCopies(apart=apart, sharing=sharing)
        self.same = self._tensors.same
        self._originals: list[Any] = []  # alive as long as their ids count
        with torch.no_grad():
            self.root: nn.Module = self._modules(model)

    def empty(self) -> None:
        """Let go of all that the modules hold."""
        for part in self.parts:
            part.__dict__.clear()

    @property
    def training(self) -> bool:
        """Whether a module is in training mode."""
        return any(part.training for part in self.parts)

    def count(self) -> Writes:
        """From now on, which of the copied tensors are written to."""
        return Writes(made for made in self.memo.values() if isinstance(made, torch.Tensor))

    def compare(self, writes: Writes) -> None:
        """Tell which weights of the model a look would have written to, from the copies of their memory."""
        self._tensors.compare(writes)

    def value(self, value: Any) -> Any:
        """A copy of `value`, unless it cannot change."""
        kind = type(value)
        if kind in _ATOMS:
            return value
        if (known := self.memo.get(id(value))) is not None:
            return known
        if kind in USUAL or isinstance(value, torch.Tensor):
            return self._remember(value, self._tensors.copy(value))
        if (container := _CONTAINERS.get(kind)) is not None:
            return container(self, value)
        if isinstance(value, nn.Module):
            return weakref.proxy(self.value(next(value.modules()))) if kind in _PROXIES else self._modules(value)
        if isinstance(value, _CALLS):
            return self._call(value)
        if isinstance(value, functools._lru_cache_wrapper):
            return self._remember(value, functools.lru_cache(**value.cache_parameters())(self._call(value.__wrapped__)))
        if isinstance(value, weakref.ref) and isinstance(target := value(), (nn.Module, torch.Tensor)):
            return weakref.ref(self.value(target))
        return self._object(value)

    # ------------------------------------------------------------------ modules

    def _modules(self, model: nn.Module) -> nn.Module:
        parts = [part for part in model.modules() if id(part) not in self.memo]
        for part in parts:
            if isinstance(part, torch.jit.ScriptModule):
                raise Unshadowed(f"{type(part).__name__} is TorchScript")
            try:
                made = object.__new__(type(part))
            except TypeError as error:
                raise Unshadowed(str(error)) from error
            self.memo[id(part)] = made
            self.parts.append(made)
        self._originals += parts
        for part in parts:  # before other tensors, which may be views of them
            for weight in part._parameters.values():
                if weight is not None:
                    self.value(weight)
        for part in parts:
            self._fill(part)
        made = self.memo[id(model)]
        return made

    def _fill(self, part: nn.Module) -> None:
        memo, value_of, settings = self.memo, self.value, self.settings
        mine, held = memo[id(part)].__dict__, part.__dict__
        mine.update(held)
        settings.append(type(part))
        for key, value in held.items():
            kind = type(value)
            if kind in _ATOMS:
                if key != "training":
                    settings.append(value)
                continue
            settings.append(kind)
            if kind in _EMPTY and not value:
                mine[key] = kind()
            elif kind is tuple and _ATOMS.issuperset(map(type, value)):
                continue
            elif key in _TENSORS:
                mine[key] = kind((name, value_of(tensor)) for name, tensor in value.items())
            elif key in _HOOKS:
                hooks = not_ours(value)
                settings.extend(of_the_user(hooks))  # an edit writes to no weight
                mine[key] = kind((number, self._hook(hook)) for number, hook in hooks.items())
            elif key == "_modules":
                mine[key] = kind(
                    (name, memo[id(child)] if id(child) in memo else value_of(child)) for name, child in value.items()
                )
            elif not is_around(part, key, memo):
                mine[key] = value_of(value)
        if held.get("_compiled_call_impl") is not None:
            mine["_compiled_call_impl"] = None  # as plain Python, where hooks fire
        if isinstance(inner := part._modules.get("_orig_mod"), nn.Module):  # compiled
            mine["forward"] = memo[id(inner)].__call__

    # ------------------------------------------------------------------ functions

    def _call(self, value: Any, *, hook: bool = False) -> Any:
        """A method, a partial call or a function that reaches modules: that of their copies."""
        if isinstance(value, types.MethodType) and isinstance(value.__self__, nn.Module):
            return types.MethodType(value.__func__, self.value(value.__self__))
        if isinstance(value, partial):
            args = (self.value(arg) for arg in value.args)
            keywords = {key: self.value(arg) for key, arg in value.keywords.items()}
            return type(value)(self._call(value.func), *args, **keywords)
        if (inner := getattr(value, "_torchdynamo_orig_callable", None)) is not None:
            return self._call(inner, hook=hook)  # as plain Python, where hooks fire
        if isinstance(value, types.FunctionType):
            value = self._function(value, hook)
        if reaches(value, self.memo):
            raise Unshadowed(f"the model calls {getattr(value, '__qualname__', value)}, which refers to the model")
        return value

    def _function(self, value: types.FunctionType, hook: bool) -> types.FunctionType:
        """A function with copies of what it has in its closure and of the modules that it names; or itself."""
        known = {name: self.memo[id(part)] for name, part in modules_named(value).items() if id(part) in self.memo}
        names, cells = {**value.__globals__, **known} if known else value.__globals__, value.__closure__ or ()
        own = tuple(types.CellType() for _ in cells)
        made = types.FunctionType(value.__code__, names, value.__name__, None, own)
        self._remember(value, made)  # which may be in its own closure
        changed = bool(known)
        for cell, copied in zip(cells, own, strict=True):
            with suppress(ValueError):  # a variable that has no value yet
                copied.cell_contents = self._captured(cell.cell_contents, hook)
                changed |= copied.cell_contents is not cell.cell_contents
        made.__defaults__ = self._captured(value.__defaults__, hook)
        made.__kwdefaults__ = self._captured(value.__kwdefaults__, hook)
        if not changed and (made.__defaults__, made.__kwdefaults__) == (value.__defaults__, value.__kwdefaults__):
            return self._remember(value, value)
        made.__dict__.update(value.__dict__)
        made.__qualname__, made.__module__ = value.__qualname__, value.__module__
        return made

    def _captured(self, value: Any, hook: bool) -> Any:
        """A copy of what a function keeps; of what a hook keeps, which the user may read, only what is of the model."""
        kept = isinstance(value, (nn.Module, torch.Tensor, *_CONTAINERS, *_CALLS))
        within = isinstance(value, nn.Module) and id(value) in self.memo
        return self.value(value) if within or (kept and not hook) or reaches(value, self.memo) else value

    def _hook(self, hook: Any) -> Any:
        """A callable object stays the user's own, who may read off it what it has seen."""
        if isinstance(hook, _CALLS):
            return self._call(hook, hook=True)
        return self.value(hook) if reaches(hook, self.memo) else hook

    # ------------------------------------------------------------------ containers and other objects

    def _mapping(self, value: dict[Any, Any]) -> dict[Any, Any]:
        made = self._remember(value, value.copy())
        for key, item in value.items():
            if type(item) not in _ATOMS:
                made[key] = self.value(item)
        return made

    def _list(self, value: list[Any]) -> list[Any]:
        made = self._remember(value, value.copy())
        if not _ATOMS.issuperset(map(type, value)):
            made[:] = map(self.value, value)
        return made

    def _deque(self, value: deque[Any]) -> deque[Any]:
        made = self._remember(value, deque(maxlen=value.maxlen))
        made.extend(map(self.value, value))
        return made

    def _set(self, value: set[Any]) -> set[Any]:
        return self._remember(value, set(map(self.value, value)))

    def _tuple(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        return value if _ATOMS.issuperset(map(type, value)) else self._remember(value, tuple(map(self.value, value)))

    def _object(self, value: Any) -> Any:
        kind = type(value)
        read_only = isinstance(value, Mapping) and not isinstance(value, MutableMapping)  # such as weights on a disk
        if isinstance(value, (type, *_SHARED)) or is_ours(value) or read_only or hasattr(kind, "__del__"):
            return value  # a copy would do the clearing up of `__del__` too early
        if isinstance(value, torch.Generator):
            generator = self._remember(value, torch.Generator(value.device))
            generator.set_state(value.get_state())
            return generator
        if _is_plain(kind):
            made = self._remember(value, object.__new__(kind))
            made.__dict__.update((key, self.value(item)) for key, item in value.__dict__.items())
            return made
        try:
            return self._remember(value, copy.deepcopy(value, self.memo))
        except Exception:  # a lock, a stream, a file: it belongs to the model and to its shadow
            return value

    def _remember(self, value: Any, made: Any) -> Any:
        self.memo[id(value)] = made
        self._originals.append(value)
        return made


_CONTAINERS: dict[type, Callable[[Copying, Any], Any]] = {
    dict: Copying._mapping,
    OrderedDict: Copying._mapping,
    defaultdict: Copying._mapping,
    list: Copying._list,
    deque: Copying._deque,
    set: Copying._set,
    tuple: Copying._tuple,
}


def _is_plain(kind: Any) -> bool:
    """Whether instances of a class are nothing but their `__dict__`."""
    return (
        kind.__reduce_ex__ is object.__reduce_ex__
        and kind.__reduce__ is object.__reduce__
        and not hasattr(kind, "__deepcopy__")
        and kind.__basicsize__ == _Plain.__basicsize__  # nothing of its own in C
        and kind.__dictoffset__ != 0
        and all(base.__flags__ & _OF_PYTHON and not vars(base).get("__slots__") for base in kind.__mro__[:-1])
        and getattr(kind, "__getstate__", None) is getattr(object, "__getstate__", None)
        and not hasattr(kind, "__setstate__")
    )


_OF_PYTHON = 1 << 9
"""The flag of a class that a `class` statement made, as tuple and dict are not."""


class _Plain:
    """A class without slots, to compare the size of others with."""
