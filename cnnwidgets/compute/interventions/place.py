"""What a layer to be edited is: a module, one of its calls, a part of what it gives, or an operation in a `forward`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.utils.checkpoint
from torch import fx, nn

from ..core import find_layer, module_names, plain
from ..layers import Layer, LayerTable, Site, Trace, trace

_CHECKPOINT = torch.utils.checkpoint.__file__


@dataclass(frozen=True)
class EditedPlace:
    """What the name of a layer refers to.

    Attributes
    ----------
    layer : str
        The name.
    module : str
        Dotted name of the module; of an operation, of that in whose `forward` it is.
    call : int or None
        Number of the call of the module; None for every call.
    path : str
        Which of the tensors that it gives, as `leaves` names it.
    site : Site or None
        Where an operation is called; None for a module.
    traced : Trace or None
        In which it was found.
    """

    layer: str
    module: str
    call: int | None = None
    path: str = ""
    site: Site | None = None
    traced: Trace | None = field(default=None, compare=False, repr=False)

    def row(self, table: LayerTable) -> Layer | None:
        """Its entry in a layer table; None where there is none."""
        if self.site is not None:
            return next((row for row in table if row.operation and row.name == self.layer), None)
        rows = [row for row in table if not row.operation and (row.module, row.call) == (self.module, self.call or 1)]
        return next((row for row in rows if row.name.rstrip("]").endswith(self.path)), None)

    def node(self, graph: fx.Graph) -> fx.Node | None:
        """The step of a graph that gives its value; None where there is none, or several could be."""
        if self.site is not None:
            name = self.layer.removesuffix("()")
            return next((node for node in graph.nodes if node.name == name), None)
        return None if self.path else node_of(graph, self.module, self.call or 1)


def node_of(graph: fx.Graph, module: str, call: int = 1) -> fx.Node | None:
    """The node whose value a call of a module gives; None where the graph has none, or several that could be.

    Parameters
    ----------
    graph : torch.fx.Graph
        Of the whole network.
    module : str
        Dotted name. Of a module that the graph has taken apart, such as a Sequential, the last node inside it is
        taken, if it is the only one whose value is used outside.
    call : int
        Number of the call.
    """
    calls = [node for node in graph.nodes if node.op == "call_module" and node.target == module]
    if calls:
        return calls[call - 1] if call <= len(calls) else None
    inside = [node for node in graph.nodes if module in scopes(node)]
    last = [node for node in inside if any(user not in set(inside) for user in node.users)]
    return last[0] if len(last) == 1 and call == 1 else None


def scopes(node: fx.Node) -> list[str]:
    """The modules inside which a node runs, from the outer to the inner."""
    stack: Any = node.meta.get("nn_module_stack") or {}
    return [path for path, _ in stack.values() if isinstance(path, str) and path]


def find_edited(model: nn.Module, layer: str) -> EditedPlace:
    """What the name of a layer to be edited refers to.

    Raises
    ------
    LookupError
        There is no such module or operation, or it is an operation of a kind that cannot be edited; the message says
        why, and what can be edited instead.
    """
    try:
        return EditedPlace(layer, *find_layer(module_names(plain(model)), layer))
    except LookupError as error:
        traced = trace(model)
        found = next((each for each in traced.operations if each.name == layer), None)
        if found is None and traced.reason and isinstance(layer, str):
            raise LookupError(f"{error}; its operations are not known: {traced.reason}") from None
        if found is None:
            raise
    if why := _why_not(traced, found.site):
        inside = f"module {found.scope!r}" if found.scope else "the model"
        before = f"edit {found.after[0]!r}, the last module before it, or " if found.after[0] else ""
        raise LookupError(
            f"{layer!r}, an operation in the forward() of {inside}, cannot be edited: it {why}; {before}make it a "
            "module of its own, nn.Identity() that is called with the result"
        )
    return _places(traced)[layer]


def _why_not(traced: Trace, site: Site | None) -> str:
    """Why an operation cannot be edited; empty where it can."""
    if traced.script is not None:
        return "is part of TorchScript, which runs outside Python"
    if site is None:
        return "is an attribute, one of several values, or a function that torch.fx takes as one step: no call of torch"
    if any(step[0] == _CHECKPOINT for step in site.place):
        return "is checkpointed, and so runs again in the backward pass, where it cannot be told"
    return ""


def editable_operations(model: nn.Module) -> dict[str, EditedPlace]:
    """The operations that can be edited, by name, in the order they run; the network is traced unless that was done."""
    return _places(trace(model))


def _places(traced: Trace) -> dict[str, EditedPlace]:
    sites = [(each.name, each.site) for each in traced.operations if not _why_not(traced, each.site)]
    several = {site.scope for _, site in sites if site is not None and site.call > 1}
    return {
        name: EditedPlace(name, site.scope, site.call if site.scope in several else None, "", site, traced)
        for name, site in sites
        if site is not None
    }


def check_edited(model: nn.Module, layer: str) -> None:
    """Raises LookupError for a layer that cannot be edited; the message says why."""
    find_edited(model, layer)
