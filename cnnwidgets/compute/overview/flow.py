"""What each call of a module was computed from, found in a pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from ..core import Prepare, around_calls, call, leaves, plain, rebuilt, why_not
from ..layers import GraphRunner, Trace, arguments_of, trace
from ..shadow import looking
from .following import Following

_FORMS = frozenset({"", "clone", "view", "_unsafe_view", "_reshape_alias", "as_strided", "alias"})
"""Names of nodes that another layout in memory adds or spares."""


@dataclass(frozen=True)
class Call:
    """One call of a module: `parent` is the call around it, -1 for none; `outputs` are nodes that it returned."""

    module: str
    number: int
    parent: int
    outputs: frozenset[int]


@dataclass(frozen=True)
class Flow:
    """The operations of a pass that depend on the image, as nodes, and the calls of modules in which they ran.

    Attributes
    ----------
    parents : sequence of tuple of int
        Nodes that a node was computed from; they have smaller numbers.
    places : sequence of int
        The innermost call in which a node ran, -1 for none.
    calls : sequence of Call
        In the order they began.
    operations : dict of str to tuple of int
        Nodes of each operation of the traced network, by its name in the layer table.
    reason : str
        Why nothing, or nothing of the operations, is known; empty otherwise.
    """

    parents: tuple[tuple[int, ...], ...] = ()
    places: tuple[int, ...] = ()
    calls: tuple[Call, ...] = ()
    operations: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    reason: str = ""


def follow(model: nn.Module, images: Any, *, operations: bool = True, prepare: Prepare | None = None) -> Flow:
    """Follow `images` through the model: one pass, and another through the traced graph for the operations.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; run in evaluation mode and left unchanged.
    images : torch.Tensor or object
        As for `activations`; one image will do.
    operations : bool
        Find also which nodes are the operations of the layer table.
    prepare : callable, optional
        As for `activations`.

    Returns
    -------
    Flow
        Without a node, and with the reason, if the pass cannot be followed.

    Examples
    --------
    >>> from torch import nn
    >>> flow = follow(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), torch.zeros(1, 8, 8))
    >>> [each.module for each in flow.calls]
    ['', '0', '1']
    """
    module = plain(model)
    if isinstance(module, torch.jit.ScriptModule):
        return Flow(reason="the model is TorchScript, whose modules run outside Python")
    given, as_it_is = arguments_of(module, images, prepare)
    seen = _Pass()
    try:
        with looking(module) as shadow, _Watching(given) as mode, around_calls(shadow, *seen.told_by(mode)):
            call(shadow, given, as_it_is)
    except Exception as error:  # whatever a model does that a mode of torch cannot follow
        return Flow(reason=f"the pass cannot be followed ({type(error).__name__}: {error})"[:200])
    calls = tuple(Call(each.module, each.number, each.parent, frozenset(each.outputs)) for each in seen.calls)
    found: dict[str, tuple[int, ...]] = {}
    reason = ""
    if operations:
        traced = trace(module)
        reason = traced.reason
        if traced.graph is not None:
            found, reason = _operations(module, traced, given, as_it_is, mode)
    return Flow(tuple(mode.parents), tuple(mode.places), calls, found, reason)


class _Watching(Following):
    def __init__(self, given: Any) -> None:
        super().__init__()
        for _, value in leaves(given):
            if isinstance(value, torch.Tensor) and why_not(value) is None:
                self.watch(value)


@dataclass
class _Open:
    module: str
    parent: int
    number: int = 0
    outputs: set[int] = field(default_factory=set)


class _Pass:
    """The calls of modules in a pass, and what they returned."""

    def __init__(self) -> None:
        self.calls: list[_Open] = []
        self._counts: dict[str, int] = {}

    def told_by(self, mode: Following) -> tuple[Any, Any]:
        """What to call before and after each call of a module."""

        def enter(name: str) -> None:
            self.calls.append(_Open(name, mode.place))
            mode.place = len(self.calls) - 1

        def leave(name: str, output: Any) -> Any:
            while mode.place >= 0 and self.calls[mode.place].module != name:
                mode.place = self.calls[mode.place].parent  # a call that ended by an error, which its caller caught
            at = mode.place
            if at < 0:
                return None
            opened = self.calls[at]
            opened.number = self._counts[name] = self._counts.get(name, 0) + 1
            returned = [value for _, value in leaves(output) if why_not(value) is None]
            strange = any(all(mode.places[node] < at for node in mode.nodes(value)) for value in returned)
            if strange:
                output = rebuilt(output, lambda value: self._own(mode, at, value))
            opened.outputs = {node for _, v in leaves(output) if why_not(v) is None for node in mode.nodes(v)}
            mode.place = opened.parent
            return output if strange else None

        return enter, leave

    @staticmethod
    def _own(mode: Following, at: int, value: Any) -> Any:
        nodes = mode.nodes(value) if why_not(value) is None else ()
        return mode.handed_on(value) if nodes and all(mode.places[node] < at for node in nodes) else value


class _Marking(GraphRunner):
    """Notes the nodes that each operation of the graph makes."""

    def __init__(self, model: nn.Module, traced: Trace, mode: Following) -> None:
        super().__init__(model, traced, set())
        self.mode, self.spans = mode, dict[str, range]()

    def run_node(self, n: fx.Node) -> Any:
        """Run one node."""
        start = len(self.mode.parents)
        value = fx.Interpreter.run_node(self, n)
        self.spans[n.name] = range(start, len(self.mode.parents))
        return value


def _operations(
    model: nn.Module, traced: Trace, given: Any, prepare: Prepare | None, first: Following
) -> tuple[dict[str, tuple[int, ...]], str]:
    """The nodes of a pass that belong to each operation, if the graph computes the same in the same order."""
    try:
        with looking(model) as shadow, _Watching(given) as mode:
            runner = _Marking(shadow, traced, mode)
            call(shadow, given, prepare, run=runner.forward)
    except Exception as error:
        return {}, f"the traced graph cannot be followed ({type(error).__name__}: {error})"[:200]
    ours, theirs = ([node for node, name in enumerate(each.names) if name not in _FORMS] for each in (first, mode))
    # a graph has `+` for `+=`, which writes in place, and may lay numbers out in memory otherwise
    if [first.names[at].strip("_") for at in ours] != [mode.names[at].strip("_") for at in theirs]:
        return {}, "the traced graph computes in another order than the network"
    same = dict(zip(theirs, ours, strict=True))
    assert traced.graph is not None
    nodes = [node for node in traced.graph.nodes if node.op in ("call_function", "call_method")]
    return {
        operation.name: tuple(same[at] for at in runner.spans[node.name] if at in same)
        for node, operation in zip(nodes, traced.operations, strict=True)
        if node.name in runner.spans
    }, ""
