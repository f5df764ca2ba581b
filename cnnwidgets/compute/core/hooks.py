"""Hooks and modes as context managers, which undo every change to the model at their end."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from .captured import Captured
from .model import plain
from .names import find_layer, first_names, further_place, named_parts
from .outputs import leaves, replaced
from .state import no_mode_left

_ours: set[int] = set()
"""Keys of our hooks in the hook tables of modules; torch gives each key once in a process."""
_edits: set[int] = set()
"""Keys of our hooks that change what a model computes for a while: looks see them, copies and pickles do not."""
_TABLES = ("_forward_hooks", "_forward_hooks_always_called", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs")


class OperationEdits(Protocol):
    """Edits of operations, which have no module; a hook of ours on the whole model that makes them has `operations`.

    A pass through the graph of the model runs no hook on what it has taken apart, and asks for them instead.
    """

    def passing(self, network: nn.Module, args: Any, keywords: Any) -> AbstractContextManager[object]:
        """A pass of a graph of `network` with these arguments, inside a `with` block."""

    def change(self, name: str) -> Callable[[Any], Any] | None:
        """What makes another value of that of an operation, by its name in the layer table; None for no edit."""


def operation_edits(model: nn.Module) -> list[OperationEdits]:
    """The edits of operations that the plain module, or a shadow of it, is under, the outer ones first."""
    hooks = model._forward_pre_hooks.items() if _edits else ()
    found = (getattr(hook, "operations", None) for key, hook in hooks if key in _edits)
    return [each for each in found if each is not None]


def claimed(handle: RemovableHandle) -> Callable[[], None]:
    """Mark a hook as ours, which is no part of the model that it is on; what is returned removes it."""
    _ours.add(handle.id)

    def remove() -> None:
        handle.remove()
        _ours.discard(handle.id)

    return remove


def not_ours(table: Mapping[int, Any]) -> OrderedDict[int, Any]:
    """A hook table without our hooks: what copies, looks and comparisons of a model see of it."""
    return OrderedDict((key, hook) for key, hook in table.items() if key not in _ours)


def of_the_user(table: Mapping[int, Any]) -> OrderedDict[int, Any]:
    """A hook table without any hook of ours, not even those that change what the model computes for a while."""
    return OrderedDict((key, hook) for key, hook in not_ours(table).items() if key not in _edits)


def edits_version(model: nn.Module) -> tuple[int, ...]:
    """Which hooks of ours change what it computes; another tuple whenever one comes or goes."""
    tables = (table for part in model.modules() for table in (part._forward_pre_hooks, part._forward_hooks))
    return tuple(key for table in tables for key in table if key in _edits) if _edits else ()


def left_out(part: nn.Module, handle: RemovableHandle, *, edit: bool = False) -> Callable[[], None]:
    """Mark a hook as ours, and leave it out of copies and pickles of the module; what is returned removes it.

    Parameters
    ----------
    part : torch.nn.Module
        The module that the hook is on.
    handle : torch.utils.hooks.RemovableHandle
        Of the hook.
    edit : bool
        The hook changes what the model computes. Looks see that, as they see hooks of the user; the hooks that watch
        run behind it, in whichever order they came.
    """
    (_edits if edit else _ours).add(handle.id)
    tables = [getattr(part, name) for name in _TABLES]
    for table in tables:
        _without_ours(table)
        if edit:
            for key in [key for key in table if key in _ours]:
                table.move_to_end(key)

    def remove() -> None:
        handle.remove()
        (_edits if edit else _ours).discard(handle.id)
        for table in tables:
            if len(of_the_user(table)) == len(table):
                vars(table).clear()

    return remove


def _without_ours(table: OrderedDict[int, Any]) -> None:
    """Let copies and pickles of a hook table be without our hooks.

    Both ask the object itself for the way it is copied, and an `OrderedDict` takes attributes.
    """
    vars(table).update(
        __deepcopy__=lambda memo: copy.deepcopy(of_the_user(table), memo),
        __reduce_ex__=lambda protocol: of_the_user(table).__reduce_ex__(protocol),
    )


class _Enough(BaseException):
    """Ends a forward pass after the last requested layer; not an Exception, so that no model catches it."""

    def __init__(self, captured: Captured) -> None:
        self.captured = captured


@contextmanager
def capture(
    model: nn.Module,
    layers: str | Iterable[str] | None = None,
    *,
    stop: bool = False,
    inputs: bool = False,
    attached: bool = False,
    budget: int | None = None,
    device: torch.device | str | None = None,
) -> Iterator[Captured]:
    """Record the outputs of layers while the body of the `with` block runs the model.

    Parameters
    ----------
    model : torch.nn.Module
        Any module; existing hooks stay and run first.
    layers : str, iterable of str or None
        Dotted names, `name:k` for the k-th call of a module that runs several times; None for every module.
    stop : bool
        End the pass, and with it the body of the `with`, as soon as the first call (or the requested k-th)
        of each layer in `layers` has been recorded.
    inputs : bool
        Also record the input of each call of `layers`: `captured.input(layer)`.
    attached : bool
        Keep the copies in the autograd graph, so that gradients can be computed; gradients must be enabled
        (`torch.enable_grad` inside `evaluating`).
    budget : int or None
        Maximum number of bytes if `layers` is None; later outputs are listed but not kept. None for no limit.
    device : torch.device, str or None
        Device of the copies; None for that of the outputs.

    Yields
    ------
    Captured
        Filled while the model runs. Every tensor is a copy that later in-place operations do not change. In a pass
        without `layers`, copies below 1 MB share blocks of 4 MB, which are freed with the last tensor in them: to
        keep single outputs of many passes, name their `layers`.

    Raises
    ------
    LookupError
        A name in `layers` is not a layer; the message suggests the nearest.
    ValueError
        `stop` or `inputs` without `layers`.
    """
    module = plain(model)
    parts = named_parts(module)
    names = first_names(parts)
    captured = Captured(names, budget, None if device is None else torch.device(device), attached)
    hooked = set(names.values())
    if layers is not None:
        for layer in [layers] if isinstance(layers, str) else layers:
            name, call, _ = find_layer(names, layer)
            every = not stop or further_place(names, layer)  # such a name is the only call, if there is only one
            captured._wanted.add((name, call or (0 if every else 1)))
        hooked = {name for name, _ in captured._wanted}
    elif stop:
        raise ValueError("stop=True needs layers: without them the whole network runs")
    elif inputs:
        raise ValueError("inputs=True needs layers: the inputs of all would double the memory")
    waiting = set(captured._wanted)

    def hook(name: str, owner: nn.Module, args: Any, output: Any) -> None:
        captured.see(name, owner, output)
        waiting.discard((name, captured.calls[name]))
        if stop and not waiting:
            raise _Enough(captured)

    def before(name: str, owner: nn.Module, args: Any, keywords: Any) -> None:
        captured.receive(name, (args, keywords))

    try:
        with no_mode_left(), ExitStack() as stack:
            for name in hooked:
                if not isinstance(part := parts[name], torch.jit.ScriptModule):  # runs outside Python: see script.py
                    stack.callback(claimed(part.register_forward_hook(partial(hook, name))))
                    if inputs:
                        handle = part.register_forward_pre_hook(partial(before, name), with_kwargs=True)
                        stack.callback(claimed(handle))
            yield captured
    except _Enough as enough:
        if enough.captured is not captured:
            raise


@contextmanager
def counting(model: nn.Module, *, ended: bool = False) -> Iterator[list[None]]:
    """The passes that a model begins, or ends, inside a `with` block, by whomever: a list with one entry each."""
    passes: list[None] = []
    handle = (model.register_forward_hook if ended else model.register_forward_pre_hook)(lambda *_: passes.append(None))
    try:
        yield passes
    finally:
        handle.remove()


@contextmanager
def around_calls(model: nn.Module, enter: Callable[[str], None], leave: Callable[[str, Any], Any]) -> Iterator[None]:
    """Tell of each call of a module while the body of the `with` block runs the model.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module; existing hooks stay.
    enter : callable
        Called with the first dotted name of a module before it runs.
    leave : callable
        Called with that name and the output after it has run; what it returns, unless None, replaces the output.
    """
    parts = named_parts(model)
    with ExitStack() as stack:
        for name in set(first_names(parts).values()):
            if not isinstance(part := parts[name], torch.jit.ScriptModule):  # runs outside Python

                def before(name: str, owner: nn.Module, args: Any) -> None:
                    enter(name)

                def after(name: str, owner: nn.Module, args: Any, output: Any) -> Any:
                    return leave(name, output)

                stack.callback(claimed(part.register_forward_pre_hook(partial(before, name))))
                stack.callback(claimed(part.register_forward_hook(partial(after, name))))
        yield


@contextmanager
def rerouted(
    model: nn.Module, module: str, call: int, through: Callable[[torch.Tensor], torch.Tensor], path: str = ""
) -> Iterator[None]:
    """Replace the output of one call of a layer by `through(output)`, while the `with` block runs the model once.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module.
    module : str
        Dotted name of the layer.
    call : int
        Number of the call, from 1.
    through : callable
        Maps the output tensor of the layer to the one that the network continues with.
    path : str
        Which of the tensors that the layer returns, as `leaves` names it.

    Raises
    ------
    ValueError
        While the model runs: the layer does not return this tensor.
    """
    calls = 0

    def hook(owner: nn.Module, args: Any, output: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != call:
            return None
        found = dict(leaves(output)).get(path)
        if not isinstance(found, torch.Tensor):
            raise ValueError(f"layer {module!r} returns a {type(output).__name__}, not one tensor")
        return replaced(output, path, through(found))

    handle = model.get_submodule(module).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
