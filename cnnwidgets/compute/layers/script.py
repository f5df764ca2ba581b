"""Layers of TorchScript run outside Python, without hooks: its graph is extended to return their outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def script_layers(model: nn.Module) -> tuple[list[tuple[str, str]], Callable[..., Any]]:
    """The intermediate tensors of a scripted or traced model, and a function that returns them all.

    In a copy of the model's inlined graph, the output of each operation that returns one tensor is cloned, and the
    clones become additional outputs. The model itself is unchanged.

    Parameters
    ----------
    model : torch.jit.ScriptModule
        From `torch.jit.script`, `torch.jit.trace` or `torch.jit.load`.

    Returns
    -------
    list of (name, type)
        In execution order. Operations with weights are named after the module that owns these (`layer1.0.conv1`),
        others by their kind and number (`relu`, `relu_1`). Operations within a branch (`if`) are left out.
    callable
        Takes the arguments of `forward`; returns a tuple: the model output, then one tensor per name.
    """
    graph: Any = model.inlined_graph
    taken: Counter[str] = Counter()
    layers: list[tuple[str, str]] = []
    for node in list(graph.nodes()):
        if not node.kind().startswith("aten::") or node.outputsSize() != 1:
            continue
        if not node.output().type().isSubtypeOf(torch._C.TensorType.get()):
            continue
        kind = node.kind().removeprefix("aten::").strip("_")
        name = next(filter(None, map(_owner, node.inputs())), kind)
        layers.append((f"{name}_{taken[name]}" if taken[name] else name, kind))
        taken[name] += 1
        as_is = graph.create("prim::Constant", 1).insertAfter(node)
        as_is.output().setType(torch._C.NoneType.get())
        clone = graph.create("aten::clone", [node.output(), as_is.output()], 1).insertAfter(as_is)
        clone.output().setType(torch._C.TensorType.get())
        graph.registerOutput(clone.output())
    graph.makeMultiOutputIntoTuple()
    function = torch._C._create_function_from_graph("layers", graph)
    inner: Any = model._c

    def run(*args: Any) -> Any:
        return function(inner, *args)

    return layers, run


def _owner(value: Any) -> str:
    """Dotted name of the module whose weight `value` is; empty if it is not a weight."""
    names: list[str] = []
    node = value.node()
    while node.kind() == "prim::GetAttr":
        names.append(node.s("name"))
        node = next(node.inputs()).node()
    return ".".join(reversed(names[1:]))
