"""Hooks that edit what a model computes: on the model and on the shadows that looks run, not on copies of it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from torch import nn
from torch.fx import Proxy

from ..core import left_out
from ..gradients import in_backward, in_trace, is_replica

Call = Callable[..., Any]


class Hook:
    """A hook that acts wherever it has been taken, until it ends; never while torch traces or compiles."""

    def __init__(self, call: Call) -> None:
        self._call: Call | None = call

    def __call__(self, module: nn.Module, *given: Any) -> Any:
        """What the module goes on with, or gives; None for what it would have."""
        if self._call is None or in_trace():
            return None
        return None if isinstance(given[-1], Proxy) else self._call(module, *given)

    def end(self) -> None:
        """Do nothing from now on, also in a shadow that somebody keeps."""
        self._call = None


def hook_before(stack: ExitStack, module: nn.Module, call: Call) -> None:
    """Call `call(module, args, keywords)` before a module runs, until the stack ends."""
    hook = Hook(call)
    _until_the_end(stack, module, hook, module.register_forward_pre_hook(hook, with_kwargs=True))


def hook_after(stack: ExitStack, module: nn.Module, call: Call) -> None:
    """Call `call(module, args, output)` after it; what it returns, unless None, replaces the output."""
    hook = Hook(call)
    _until_the_end(stack, module, hook, module.register_forward_hook(hook))


def _until_the_end(stack: ExitStack, module: nn.Module, hook: Hook, handle: Any) -> None:
    stack.callback(left_out(module, handle, edit=True))
    stack.callback(hook.end)


class Calls(threading.local):
    """Numbers the calls of some modules within each pass, in each thread and for each shadow by itself.

    Attributes
    ----------
    given : tuple or None
        The network that ran last in this thread, and what it was given: (network, args, keywords).
    asking : bool
        Whether a pass runs in this thread of which nothing counts.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self.given: tuple[nn.Module, Any, Any] | None = None
        self.asking = False
        self._counts: weakref.WeakKeyDictionary[nn.Module, int] = weakref.WeakKeyDictionary()

    def begin(self, network: nn.Module, args: Any, keywords: Any) -> None:
        """A pass of the whole network begins."""
        if self.asking or in_backward():
            return
        self.given = network, args, keywords
        for name in self.names:
            self._counts[network.get_submodule(name)] = 0

    def end(self) -> None:
        """The pass is over: let go of what the network was given."""
        if not self.asking:
            self.given = None

    def next(self, part: nn.Module) -> int:
        """Number of the call of a module that has just run."""
        self._counts[part] = self._counts.get(part, 0) + 1
        return self._counts[part]

    def can_tell(self, part: nn.Module, owner: nn.Module) -> bool:
        """Whether the number of a call is known: the pass began with the network, or runs on a fresh shadow."""
        own = part is owner or is_replica(part, owner)
        return not in_backward() and (not own or self.given is not None)
