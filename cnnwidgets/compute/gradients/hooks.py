"""Hooks on a model that is trained: they act on that model alone, and copies and pickles of it are free of them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from ..core import left_out

Call = Callable[..., Any]


class _Hook:
    """A hook of one module: does nothing for another module, nor after its `with` block, nor while torch traces."""

    def __init__(self, module: nn.Module, call: Call) -> None:
        self._module: weakref.ref[nn.Module] = weakref.ref(module)
        self._call: Call | None = call

    def __call__(self, module: nn.Module, *given: Any) -> Any:
        if in_trace():
            return None
        owner, call = self._module(), self._call
        if call is None or owner is None or not (module is owner or is_replica(module, owner)):
            return None
        return call(module, *given)

    def end(self) -> None:
        """Do nothing from now on."""
        self._call = None


def in_trace() -> bool:
    """Whether torch traces or compiles now: what comes of it would keep for ever what a hook does."""
    return bool(torch.compiler.is_compiling() or torch.jit.is_tracing())  # type: ignore[attr-defined]


def is_replica(module: nn.Module, owner: nn.Module) -> bool:
    """Whether `DataParallel` made `module` of `owner`, on another device: they share the table of hooks."""
    return module is not owner and module._forward_hooks is owner._forward_hooks


@contextmanager
def hooked(
    before: Iterable[tuple[nn.Module, Call]] = (), after: Iterable[tuple[nn.Module, Call]] = ()
) -> Iterator[None]:
    """Call functions before and after single modules run, inside a `with` block.

    Compiled code runs as plain Python meanwhile, since it does not ask for hooks that came later. A module of
    TorchScript is left out: it runs outside Python.

    Parameters
    ----------
    before : iterable of (module, callable)
        Called with (module, args, keywords).
    after : iterable of (module, callable)
        Called with (module, args, output); what it returns, unless None, replaces the output.
    """
    with ExitStack() as stack:
        for module, call in before:
            hook = _Hook(module, call)
            _add(stack, module, hook, module.register_forward_pre_hook(hook, with_kwargs=True))
        for module, call in after:
            if not isinstance(module, torch.jit.ScriptModule):
                hook = _Hook(module, call)
                _add(stack, module, hook, module.register_forward_hook(hook))
        stack.enter_context(eager)
        yield


def on_gradient(tensor: torch.Tensor, call: Callable[[torch.Tensor], torch.Tensor | None]) -> None:
    """Call a function with the gradient of a tensor; what it returns, unless None, replaces it. Goes with the graph."""
    tensor.register_hook(call)


def in_backward() -> bool:
    """Whether a backward pass runs in this thread: what runs now was checkpointed, and has run before."""
    return bool(torch._C._current_graph_task_id() != -1)


def _add(stack: ExitStack, module: nn.Module, hook: _Hook, handle: Any) -> None:
    stack.callback(left_out(module, handle))
    stack.callback(hook.end)


class _Eager:
    """Runs compiled code as plain Python inside `with` blocks, which may end in any order; needs torch 2.6."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._stance: Any = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1 and can_run_eagerly():
                self._stance = torch.compiler.set_stance("force_eager")
                self._stance.__enter__()

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._stance is not None:
                self._stance.__exit__(None, None, None)
                self._stance = None


eager = _Eager()


def can_run_eagerly() -> bool:
    """Whether this torch can run compiled code as plain Python."""
    return hasattr(torch.compiler, "set_stance")


OR_COMPILED = "" if can_run_eagerly() else ", or only in compiled code, which passes by hooks before torch 2.6"
"""What may be added to "was not called"."""


def is_compiled(model: nn.Module) -> bool:
    """Whether `model` or a part of it was compiled, as far as it can be seen from the model."""
    return any(
        getattr(part, "_compiled_call_impl", None) is not None or "_orig_mod" in part._modules
        for part in model.modules()
    )
