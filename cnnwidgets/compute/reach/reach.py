"""Reaches operations in the code of a `forward`, by hooks alone: a mode of torch is on while that code runs."""

from __future__ import annotations

import sys
import threading
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import nn

from ..core import first_names, named_parts
from ..layers import Trace
from ..sites import PassMode, Place, Site, caller, operated, place_of, step_of
from .hooks import Calls, hook_after, hook_before

Run = Callable[[Callable[[torch.Tensor], torch.Tensor] | None], Any]
"""Runs an operation, with what makes another value of that which it gives, or as it is."""
Reached = Callable[[nn.Module, int, Run], Any]
"""Called in place of an operation, with the module in whose `forward` it is, and the number of the call of that."""

_BEGINS = nn.Module._call_impl.__code__


class Reach:
    """Lets operations be something else while the `forward` runs in which they stand.

    The mode is on in the own code of that module, and off in the modules that it calls, which so compute as ever. It
    knows an operation by its `Site`.

    Parameters
    ----------
    traced : Trace
        Of the network.
    reached : mapping of Site to callable
        What is called in place of each operation.
    calls : Calls
        Numbers the calls of the modules.
    """

    def __init__(self, traced: Trace, reached: Mapping[Site, Reached], calls: Calls) -> None:
        self._numbers = calls
        self._scopes: dict[str, list[tuple[Site, Reached]]] = {}
        for site, call in reached.items():
            self._scopes.setdefault(site.scope, []).append((site, call))
        sites = [each.site for each in traced.operations if each.site is not None]
        self._several = {site.scope for site in sites if site.call > 1}
        nodes = traced.graph.nodes if traced.graph is not None else ()
        self._leaves = {str(node.target) for node in nodes if node.op == "call_module"}
        self._thread = _Thread()

    def hook(self, stack: ExitStack, network: nn.Module) -> None:
        """Put the hooks on a plain module, until the stack ends."""
        parts = named_parts(network)
        stack.callback(self._clear)
        for name in dict.fromkeys(first_names(parts).values()):
            part = parts[name]
            if self._concerns(name) and not isinstance(part, torch.jit.ScriptModule):
                hook_before(stack, part, partial(self._before, name, part))
                hook_after(stack, part, self._after, always=True)

    def _concerns(self, name: str) -> bool:
        """Whether a module has operations in its code that are reached, or may be called by such code."""
        outer = [name[:end] for end, letter in enumerate(name) if letter == "."] + [""] * bool(name)
        return name in self._scopes or (
            any(each in self._scopes for each in outer) and not any(each in self._leaves for each in outer)
        )

    def _before(self, name: str, owner: nn.Module, part: nn.Module, args: Any, keywords: Any) -> None:
        calls, running = self._thread.calls, _running()
        own = next(running)
        while calls and not any(map(calls[-1].is_in, running)):
            calls.pop().rest()  # was interrupted: no hook has run behind it
            running = islice(_running(), 1, None)
        if calls:
            calls[-1].rest()
        mode = None
        if name in self._scopes:
            number = self._numbers.next(part, self)
            mode = _Mode(self._here(name, part, owner, number), part, number)
            mode.put_on()
        calls.append(_Call(part, id(own), mode))

    def _here(self, name: str, part: nn.Module, owner: nn.Module, number: int) -> list[tuple[Site, Reached]]:
        """What is reached in one call of a module."""
        if name not in self._several:
            return self._scopes[name]
        if not self._numbers.can_tell(part, owner):
            raise ValueError(
                f"calls of {name!r} cannot be counted where parts of the model are called instead of the model, or "
                "checkpointed: its operations cannot be edited there"
            )
        return [(site, call) for site, call in self._scopes[name] if site.call == number]

    def _after(self, part: nn.Module, args: Any, output: Any) -> None:
        calls = self._thread.calls
        if not any(each.part is part for each in calls):
            return
        while (ended := calls.pop()).part is not part:
            ended.rest()
        ended.rest()
        if calls:
            calls[-1].go_on()

    def _clear(self) -> None:
        """Leave nothing on in this thread."""
        while self._thread.calls:
            self._thread.calls.pop().rest()


class _Thread(threading.local):
    """The calls of modules that run in a thread, the outer ones first."""

    def __init__(self) -> None:
        self.calls: list[_Call] = []


@dataclass(eq=False)
class _Call:
    """A call of a module: its frame by id, as long as it runs, and its mode."""

    part: nn.Module
    frame: int
    mode: _Mode | None
    rests: bool = False

    def is_in(self, frame: types.FrameType) -> bool:
        """Whether it is what runs in a frame."""
        return id(frame) == self.frame and frame.f_locals.get("self") is self.part

    def rest(self) -> None:
        self.rests = self.mode is not None and self.mode.take_off()

    def go_on(self) -> None:
        if self.mode is not None and self.rests:
            self.mode.put_on()


class _Mode(PassMode):
    """Calls what is to be called in place of the operations of one call of a module."""

    def __init__(self, reached: list[tuple[Site, Reached]], part: nn.Module, number: int) -> None:
        super().__init__()
        self._reached = {(site.place, site.number): call for site, call in reached}
        self._places = {site.place for site, _ in reached}
        self._innermost = {place[0] for place in self._places}
        self._part, self._number = part, number
        self._counts: Counter[Place] = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        frame = caller(_passed.taken() or sys._getframe(1))
        call = None if getattr(func, "__name__", "") == "__get__" else self._at(frame)
        if call is None:
            return _passed.on(frame, func)(*args, **kwargs)
        run = partial(operated, _passed.on(frame, func), args, kwargs, called=func)
        return call(self._part, self._number, run)

    def _at(self, frame: types.FrameType | None) -> Reached | None:
        """What is called in place of that which is called from a frame now."""
        if frame is None or step_of(frame) not in self._innermost or (place := place_of(frame)) not in self._places:
            return None
        self._counts[place] += 1
        return self._reached.get((place, self._counts[place]))


class _Passed(threading.local):
    """From where a function is called that one mode passes on to the next, whose caller it is."""

    def __init__(self) -> None:
        self._frame: types.FrameType | None = None

    def on(self, frame: types.FrameType | None, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, as it would be called from this frame."""

        def call(*args: Any, **keywords: Any) -> Any:
            self._frame = frame
            try:
                return function(*args, **keywords)
            finally:
                self._frame = None

        return call

    def taken(self) -> types.FrameType | None:
        """That frame, for the next mode alone."""
        frame, self._frame = self._frame, None
        return frame


_passed = _Passed()


def _running() -> Iterator[types.FrameType]:
    """The calls of modules that run in this thread, the inner ones first."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is _BEGINS:
            yield frame
        frame = frame.f_back
