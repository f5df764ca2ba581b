"""Symbolic tracing that looks up names in tables, and is not done again for a network that has not changed."""

from __future__ import annotations

import sys
import threading
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from ..core import plain, settings_version
from ..shadow import looking
from ..sites import Place, Site, in_trace_only, place_of


@dataclass(frozen=True)
class Traced:
    """What `torch.fx` made of a network; it names modules and weights and holds none.

    Attributes
    ----------
    graph : torch.fx.Graph or None
        None where the network cannot be traced.
    reason : str
        Why not.
    constants : dict of str to torch.Tensor
        Tensors that the network made while it was traced, by the names that the graph has for them.
    sites : dict of str to Site
        Where the nodes of the graph that call a function are called in the code of the network, by their names; without
        those that no pass calls so: attributes, unpacked values, and functions that a trace takes as one step.
    """

    graph: fx.Graph | None
    reason: str
    constants: dict[str, torch.Tensor]
    sites: dict[str, Site] = field(default_factory=dict)


def traced(model: nn.Module) -> Traced:
    """`model` as a graph: the very one of the last time, unless something has changed that a trace takes over.

    That is a module, one of the `settings`, of which a graph has made constants, or a buffer. A change that makes no
    difference to the graph, such as of a global counter, gives the same one.
    """
    module = plain(model)
    parts = list(module.modules())
    kept = _kept.get(module)
    same = kept if kept is not None and [part() for part in kept[0]] == parts else None
    if same is not None and same[1] == settings_version(module):
        return same[2]
    found = _trace(module)
    if same is not None and _alike(same[2], found):
        found = same[2]
    after = settings_version(module)  # a trace runs the code of the network, which may count its calls
    _kept[module] = [weakref.ref(part) for part in parts], after, found
    return found


_kept: weakref.WeakKeyDictionary[nn.Module, tuple[list[weakref.ref[nn.Module]], Any, Traced]]
_kept = weakref.WeakKeyDictionary()


def _alike(one: Traced, other: Traced) -> bool:
    if one.graph is None or other.graph is None:
        return one.graph is other.graph and one.reason == other.reason
    pairs = zip(one.graph.nodes, other.graph.nodes, strict=False)
    return (
        str(one.graph) == str(other.graph)
        and all(first.target == second.target for first, second in pairs)
        and one.constants.keys() == other.constants.keys()
        and one.sites == other.sites
        and all(torch.equal(value, other.constants[name]) for name, value in one.constants.items())
    )


def _trace(model: nn.Module) -> Traced:
    if isinstance(model, torch.jit.ScriptModule):
        return Traced(None, "the model is TorchScript", {})
    with looking(model) as module:
        for part in module.modules():  # the user's hooks would receive fx proxies
            part._forward_hooks, part._forward_pre_hooks = OrderedDict(), OrderedDict()
        known = set(vars(module))
        tracer = _Tracer()
        try:
            graph = tracer.trace(module)
        except Exception as error:
            reason = f"torch.fx cannot trace the model ({type(error).__name__}: {_first_line(error)})"
            return Traced(None, reason, {})
        made = {key: value for key, value in vars(module).items() if key not in known}
    constants = {key: value for key, value in made.items() if isinstance(value, torch.Tensor)}
    return Traced(graph, "", constants, tracer.sites)


class _Tracer(fx.Tracer):
    """Finds the name of a weight in a table; the tracer of torch goes through all weights for each that is used.

    It notes where in the code each function is called: `sites`, by the name of the node.

    Torch replaces `nn.Module.__call__` while it traces, for all threads: those that train meanwhile call as ever.
    """

    def trace(self, root: Any, concrete_args: dict[str, Any] | None = None) -> fx.Graph:
        """Trace `root`."""
        self._thread = threading.get_ident()
        self._tensors = [*root.named_parameters(), *root.named_buffers()]  # alive as long as their ids count
        self._names = {id(tensor): name for name, tensor in self._tensors}
        self.sites: dict[str, Site] = {}
        self._calls: Counter[str] = Counter()
        self._inside: list[tuple[str, int, Counter[Place]]] = [("", 1, Counter())]  # a call of a module, and its sites
        return super().trace(root, concrete_args)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """A proxy of a parameter; everything else as it is."""
        if threading.get_ident() != self._thread:
            return attr_val
        name = self._names.get(id(attr_val)) if isinstance(attr_val, nn.Parameter) else None
        if name is None:
            return attr_val
        if name not in parameter_proxy_cache:
            parameter_proxy_cache[name] = self.create_proxy("get_attr", name, (), {})
        return parameter_proxy_cache[name]

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """A node for a call of a module."""
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        name = self.path_of_module(m)
        self._calls[name] += 1
        self._inside.append((name, self._calls[name], Counter()))
        try:
            return super().call_module(m, forward, args, kwargs)
        finally:
            self._inside.pop()

    def create_node(self, kind: str, target: Any, *args: Any, **keywords: Any) -> fx.Node:
        """A node; of a function, its site is noted."""
        node = super().create_node(kind, target, *args, **keywords)
        frame = sys._getframe(1)
        if kind in ("call_function", "call_method") and target is not getattr and (place := place_of(frame)):
            scope, call, counts = self._inside[-1]
            counts[place] += 1
            if not in_trace_only(frame):
                self.sites[node.name] = Site(scope, call, place, counts[place])
        return node

    def create_arg(self, a: Any) -> Any:
        """The argument of a node."""
        name = self._names.get(id(a)) if isinstance(a, torch.Tensor) else None
        return super().create_arg(a) if name is None else self.create_node("get_attr", name, (), {})


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else "no reason given"
