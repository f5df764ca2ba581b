"""Where in the code of a network an operation is called: the same place in a trace as in a pass."""

from __future__ import annotations

import dis
import inspect
import types
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import fx, nn

Step = tuple[str, int, str, int]
"""A function and an instruction in it: file, first line, name, offset."""
Place = tuple[Step, ...]
"""The calls from the `forward` of a module to a function of torch, the innermost first."""

_BETWEEN = frozenset(
    module.__file__
    for module in (
        *(torch.overrides, torch.functional, torch.nn.functional, torch._tensor, torch._jit_internal),
        *(fx.proxy, fx._symbolic_trace),
    )
)
"""Files of torch that stand between the code of a network and what hears of a function: other ones in a trace."""
_OPERATORS = frozenset(
    f"__i{name}__" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")
)
"""`x += y` and its kind, where they do not come as `add_`."""
_TRACED = fx._symbolic_trace.__file__
_MODULE = nn.modules.module.__file__  # has what calls a `forward`
_starts: dict[int, tuple[types.CodeType, list[int]]] = {}  # by id, for a code is slow to compare; it lives on here


@dataclass(frozen=True)
class Site:
    """The call of an operation in the code of a network.

    A trace and a pass run the same instructions of the same functions, so that they agree on it, whatever else is
    called between.

    Attributes
    ----------
    scope : str
        First dotted name of the module in whose own `forward` it stands.
    call : int
        Number of the call of that module.
    place : tuple
        The calls from that `forward` to the function of torch.
    number : int
        How often this place has called torch in this call of the module, from 1: more than once in a loop.
    """

    scope: str
    call: int
    place: Place
    number: int


def caller(frame: types.FrameType | None) -> types.FrameType | None:
    """The innermost frame, from this one outwards, that is code of a network."""
    while frame is not None and frame.f_code.co_filename in _BETWEEN:
        frame = frame.f_back
    return frame


def step_of(frame: types.FrameType) -> Step:
    """What a frame runs now."""
    code = frame.f_code
    kept = _starts.get(id(code))
    if kept is None:
        kept = _starts[id(code)] = code, [instruction.offset for instruction in dis.get_instructions(code)]
    starts = kept[1]
    # a frame may stand on what belongs to its instruction, depending on what that has called
    return code.co_filename, code.co_firstlineno, code.co_name, starts[max(0, bisect_right(starts, frame.f_lasti) - 1)]


def place_of(frame: types.FrameType | None) -> Place:
    """The calls from the `forward` that runs to this frame; empty where no module is called."""
    steps: list[Step] = []
    frame = caller(frame)
    while frame is not None and frame.f_code.co_filename != _MODULE:
        if frame.f_code.co_filename == _TRACED and frame.f_code.co_name == "trace":
            return tuple(steps)
        steps.append(step_of(frame))
        frame = frame.f_back
    return tuple(steps) if frame is not None else ()


def in_trace_only(frame: types.FrameType | None) -> bool:
    """Whether a trace makes a step that no pass makes by one call of torch.

    That is of a function that it takes whole (`torch.fx.wrap`), and for each of several values that are unpacked.
    """
    while frame is not None and frame.f_code.co_filename in _BETWEEN:
        if (frame.f_code.co_filename, frame.f_code.co_name) in ((_TRACED, "wrapped"), (fx.proxy.__file__, "<genexpr>")):
            return True
        frame = frame.f_back
    return False


def operated(
    function: Callable[..., Any],
    args: Any,
    keywords: Any,
    change: Callable[[Any], Any] | None,
    *,
    called: Any = None,
) -> Any:
    """What a function of torch gives, changed; where it writes to a tensor, that has the changed values.

    Parameters
    ----------
    function : callable
        Called with `args` and `keywords`.
    change : callable or None
        Makes another value of what it gives; None for none.
    called : callable or str, optional
        The function of torch, or name of the method, that tells whether it writes; by default `function`.
    """
    into = None if change is None else _written(called or function, args, keywords)
    if change is None or into is None:
        value = function(*args, **keywords)
        return value if change is None else change(value)
    if torch.is_grad_enabled() and "out" not in keywords:
        copy = into.clone()  # whose values autograd may need: they are not overwritten by those that are changed
        given = (copy, *args[1:]) if args and args[0] is into else args
        value = function(*given, **{key: copy if each is into else each for key, each in keywords.items()})
    else:
        value = function(*args, **keywords)
    return into.copy_(change(value))


def _written(function: Any, args: Any, keywords: Any) -> torch.Tensor | None:
    """The tensor that a call writes to."""
    name = function if isinstance(function, str) else getattr(function, "__name__", "")
    within = (name.endswith("_") and not name.endswith("__")) or name in _OPERATORS
    if not within and "inplace" in (names := _parameters(function)):
        within = bool({**dict(zip(names, args, strict=False)), **keywords}.get("inplace"))
    found = (args[0] if args else keywords.get("input")) if within else keywords.get("out")
    return found if isinstance(found, torch.Tensor) else None


@lru_cache(512)
def _parameters(function: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters) if isinstance(function, types.FunctionType) else ()
    except (TypeError, ValueError):
        return ()
