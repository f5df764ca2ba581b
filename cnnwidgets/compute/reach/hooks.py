"""Hooks that edit what a model computes: on the model and on the shadows that looks run, not on copies of it."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.fx import Proxy

from ..core import OperationEdits, left_out
from ..gradients import in_backward, in_trace, is_replica

Call = Callable[..., Any]


class Hook:
    """A hook that acts wherever it has been taken, until it ends; never while torch traces or compiles.

    `operations` are the edits that a pass through a graph asks for, as `operation_edits` says.
    """

    def __init__(self, call: Call, operations: OperationEdits | None = None) -> None:
        self._call: Call | None = call
        self.operations = operations

    def __call__(self, module: nn.Module, *given: Any) -> Any:
        """What the module goes on with, or gives; None for what it would have."""
        if self._call is None or in_trace():
            return None
        keywords = given[-1].values() if isinstance(given[-1], dict) else given[-1:]
        symbolic = any(isinstance(value, Proxy) for value in (*given[0], *keywords))
        return None if symbolic else self._call(module, *given)

    def end(self) -> None:
        """Do nothing from now on, also in a shadow that somebody keeps."""
        self._call = self.operations = None


def hook_before(stack: ExitStack, module: nn.Module, call: Call, operations: OperationEdits | None = None) -> None:
    """Call `call(module, args, keywords)` before a module runs, until the stack ends."""
    hook = Hook(call, operations)
    _until_the_end(stack, module, hook, module.register_forward_pre_hook(hook, with_kwargs=True))


def hook_after(stack: ExitStack, module: nn.Module, call: Call, *, always: bool = False) -> None:
    """Call `call(module, args, output)` after it; what it returns, unless None, replaces the output.

    With `always` also after an exception.
    """
    hook = Hook(call)
    _until_the_end(stack, module, hook, module.register_forward_hook(hook, always_call=always))


def _until_the_end(stack: ExitStack, module: nn.Module, hook: Hook, handle: Any) -> None:
    stack.callback(left_out(module, handle, edit=True))
    stack.callback(hook.end)


class Calls(threading.local):
    """Numbers the calls of some modules within each pass, in each thread and for each shadow by itself.

    Attributes
    ----------
    asking : bool
        Whether a pass runs in this thread of which nothing counts.
    noted : dict of tuple of str to torch.Tensor
        What operations give in such a pass, by name, and whether in a `graph`.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self._passes: list[tuple[weakref.ref[nn.Module], Any, Any]] = []
        self.asking = False
        self.noted: dict[tuple[str, str], torch.Tensor] = {}
        self._counts: weakref.WeakKeyDictionary[nn.Module, Counter[int]] = weakref.WeakKeyDictionary()

    @property
    def given(self) -> tuple[nn.Module, Any, Any] | None:
        """The network that runs in this thread, with its arguments and keywords; the inner one of two."""
        for pass_ in reversed(self._passes):
            if (network := pass_[0]()) is not None:
                return network, *pass_[1:]
        return None

    def begin(self, network: nn.Module, args: Any, keywords: Any) -> None:
        """A pass of the whole network begins."""
        if self.asking or in_backward():
            return
        self.end(network)
        self._passes.append((weakref.ref(network), args, keywords))
        for name in self.names:
            self._counts[network.get_submodule(name)] = Counter()

    def end(self, network: nn.Module) -> None:
        """Its pass is over: let go of what the network was given, and of what those were that ended without a hook."""
        if not self.asking:
            self._passes = [each for each in self._passes if each[0]() not in (None, network)]

    @contextmanager
    def ask(self) -> Iterator[None]:
        """Passes inside a `with` block count for nothing."""
        counts, self._counts = self._counts, weakref.WeakKeyDictionary()
        self.asking, self.noted = True, {}
        try:
            yield
        finally:
            self.asking, self._counts = False, counts

    def next(self, part: nn.Module, who: object) -> int:
        """Number of the call of a module that has just run, for one of those who count its calls."""
        counts = self._counts.setdefault(part, Counter())
        counts[id(who)] += 1
        return counts[id(who)]

    def can_tell(self, part: nn.Module, owner: nn.Module) -> bool:
        """Whether the number of a call is known: the pass began with the network, or runs on a fresh shadow."""
        own = part is owner or is_replica(part, owner)
        return not in_backward() and (not own or self.given is not None)
