"""What a function can get at besides its arguments."""

from __future__ import annotations

import types
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from torch import nn

from ..core import names_in

_OURS = f"{__name__.partition('.')[0]}."
_CALLS = (types.FunctionType, types.MethodType, partial)
DEPTH = 4
"""Steps from an object to what it holds, from a closure on."""


def reaches(call: Any, modules: Container[int]) -> bool:
    """Whether a function, through its closure, its globals or the object whose method it is, gets at one of `modules`.

    Parameters
    ----------
    call : callable
        A function, a bound method or a callable object.
    modules : container of int
        The ids of modules.
    """
    seen: set[int] = set()
    waiting = list(_around(call))
    for _ in range(DEPTH):
        deeper: list[Any] = []
        for value in waiting:
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, nn.Module):
                if id(value) in modules:
                    return True
            else:
                deeper += _inside(value)
        waiting = deeper
    return False


def modules_named(call: types.FunctionType) -> dict[str, nn.Module]:
    """The modules that a function, or one that it defines, refers to as global variables."""
    named = ((name, call.__globals__.get(name)) for name in names_in(call.__code__))
    return {name: value for name, value in named if isinstance(value, nn.Module)}


def is_ours(value: Any) -> bool:
    """Whether an object is of this package, such as a recorder or a view: it looks at a model and is no part of one."""
    ours = any(str(kind.__module__).startswith(_OURS) for kind in type(value).__mro__)
    return ours and not isinstance(value, nn.Module)


def is_around(part: nn.Module, name: str, modules: Container[int]) -> bool:
    """Whether an attribute is what a module is a part of, such as the trainer that runs it.

    Such a thing refers to one of `modules`, and the module's own `__getstate__` leaves it out of copies.
    """
    kind, value = type(part), vars(part)[name]
    own = getattr(kind, "__getstate__", None)
    if own is None or own is getattr(object, "__getstate__", None):  # Python 3.10 has none
        return False
    if isinstance(value, (nn.Module, *_CALLS)) or not reaches(value, modules):
        return False
    try:
        return own(part).get(name) is None
    except Exception:  # it cannot be pickled at all
        return False


def _around(call: Any) -> Iterator[Any]:
    if isinstance(call, types.MethodType):
        yield call.__self__
        yield from _around(call.__func__)
    elif isinstance(call, partial):
        yield from (call.func, *call.args, *call.keywords.values())
    elif isinstance(call, types.FunctionType):
        for cell in call.__closure__ or ():
            with suppress(ValueError):  # a variable that has no value yet
                yield cell.cell_contents
        yield from call.__defaults__ or ()
        yield from (call.__kwdefaults__ or {}).values()
        yield from modules_named(call).values()
    else:
        yield from _inside(call)


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, _CALLS):
        yield from _around(value)
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, (list, tuple, set)):
        yield from value
    elif not isinstance(value, (type, types.ModuleType)) and not is_ours(value):
        yield from getattr(value, "__dict__", {}).values()
