"""Where a layer stands in the graph that `torch.fx` traces, and what is behind it."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx, nn

from ..core import named_parts, plain
from ..layers import traced

_NORMS = (
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    nn.GroupNorm,
    nn.LayerNorm,
)
"""Modules that move what they get: they give another number than 0 for 0."""
_ALONE = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Tanh),
    *(nn.Identity, nn.modules.dropout._DropoutNd),
    *(nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd),
    *(nn.modules.pooling._AdaptiveMaxPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd),
)
"""Modules behind which a channel of zeros is one of zeros."""
_ALONE_NAMES = frozenset(
    {
        *("relu", "relu_", "relu6", "leaky_relu", "elu", "gelu", "silu", "mish", "hardswish", "tanh", "dropout"),
        *("max_pool2d", "avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool2d", "cat", "concat", "contiguous"),
    }
)
"""Functions of that kind."""


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
    inside = [node for node in graph.nodes if module in _scopes(node)]
    last = [node for node in inside if any(user not in set(inside) for user in node.users)]
    return last[0] if len(last) == 1 and call == 1 else None


def norms_behind(model: nn.Module, module: str, call: int = 1) -> list[str]:
    """The norms that a channel of a layer comes to, by nothing but activations, dropout, pooling and concatenation.

    Parameters
    ----------
    model : torch.nn.Module
        The network; traced in evaluation mode and left unchanged.
    module : str
        Dotted name of the layer.
    call : int
        Number of its call.

    Returns
    -------
    list of str
        Names of modules, or of operations; empty too for a network that cannot be traced.
    """
    graph = traced(model).graph
    start = None if graph is None else node_of(graph, module, call)
    if start is None:
        return []
    parts = named_parts(plain(model))
    found: dict[str, None] = {}
    waiting, seen = list(start.users), set()
    while waiting:
        node = waiting.pop(0)
        if node in seen:
            continue
        seen.add(node)
        part = parts.get(str(node.target)) if node.op == "call_module" else None
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        if isinstance(part, _NORMS):
            found[str(node.target)] = None
        elif part is None and name.endswith("_norm"):
            within = [scope for scope in _scopes(node) if isinstance(parts.get(scope), _NORMS)]
            found[within[-1] if within else node.name] = None
        elif isinstance(part, _ALONE) or (part is None and name in _ALONE_NAMES):
            waiting += node.users
    return list(found)


def _scopes(node: fx.Node) -> Iterator[str]:
    """The modules inside which a node runs, from the outer to the inner."""
    for path, _ in (node.meta.get("nn_module_stack") or {}).values():
        if isinstance(path, str) and path:
            yield path
