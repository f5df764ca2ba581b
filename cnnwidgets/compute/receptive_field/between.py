"""Receptive fields within a network: which places of an earlier map a unit of a later one can depend on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch
from torch import fx, nn

from ..core import Prepare, around_calls, call, leaves, plain
from ..layers import GraphRunner, Layer, Trace, arguments_of, trace
from ..shadow import looking
from .boxes import PixelBox
from .dispatch import Following, switched_on
from .fields import ReceptiveField
from .theoretical import field_of

Pair = tuple[Layer, Layer]
"""An earlier layer, and a later one."""


def fields_between(
    model: nn.Module, image: Any, pairs: Iterable[Pair], *, prepare: Prepare | None = None
) -> dict[tuple[str, str], ReceptiveField]:
    """The theoretical receptive fields of later layers in the maps of earlier ones.

    One pass for all pairs of modules, and one through the traced graph for those with an operation: the maps of each
    earlier layer are followed as `receptive_field` follows the image, as long as a later layer of theirs is to come.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; run in evaluation mode and left unchanged.
    image : torch.Tensor or object
        As for `receptive_field`.
    pairs : iterable of (Layer, Layer)
        An earlier and a later layer of the layer table of `model` for this image.
    prepare : callable, optional
        As for `receptive_field`.

    Returns
    -------
    dict
        (earlier, later) -> the field, whose `image` is the (H, W) of the earlier layer and whose pixels are its rows
        and columns. A pair is left out where nothing certain is known: the earlier layer gives no maps (C, H, W), one
        of the two gives several tensors, the later does not depend on the earlier, or numbers leave torch on the way.

    Examples
    --------
    >>> from cnnwidgets.compute.layers import layer_table
    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 3, 5), nn.MaxPool2d(2))
    >>> table = layer_table(model, torch.zeros(1, 1, 12, 12))
    >>> found = fields_between(model, torch.zeros(1, 1, 12, 12), [(table.find("1"), table.find("3"))])
    >>> found["1", "3"].size, found["1", "3"].box(0, 1)
    (6, Box(top=0, left=2, bottom=6, right=8))
    """
    module = plain(model)
    asked = [pair for pair in pairs if _has_maps(pair[0])]
    in_graph = [pair for pair in asked if any(row.operation for row in pair)]
    in_modules = [pair for pair in asked if not any(row.operation for row in pair)]
    given, as_it_is = arguments_of(module, image, prepare)
    found: dict[tuple[str, str], ReceptiveField] = {}
    if in_modules and not isinstance(module, torch.jit.ScriptModule):
        found |= _by_modules(module, given, as_it_is, in_modules)
    traced = trace(module) if in_graph else None
    if traced is not None and traced.graph is not None:
        found |= _by_graph(module, traced, given, as_it_is, in_graph)
    return found


def _has_maps(row: Layer) -> bool:
    return row.reason is None and (row.kind, row.layout, row.batch_axis) == ("maps", "first", 0)


class _Origins(Following):
    """Follows the maps of each earlier layer of some pairs by themselves, from one operation to the next.

    Attributes
    ----------
    found : dict
        (earlier, later) -> the boxes of the later layer, and the (H, W) of the earlier.
    """

    def __init__(self, pairs: Iterable[Pair], given: Any) -> None:
        super().__init__((1, 1))
        self.found: dict[tuple[str, str], tuple[PixelBox, tuple[int, int]]] = {}
        self._waiting: dict[str, set[str]] = {}
        for source, target in pairs:
            self._waiting.setdefault(source.name, set()).add(target.name)
        self._followed: dict[str, Following] = {}
        for _, value in leaves(given):
            if isinstance(value, torch.Tensor):
                self._note(value, None)  # other tensors may share its memory

    def see(self, func: Any, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        """Find the boxes of what an operation gave, for each layer that is followed."""
        super().see(func, args, kwargs, output)
        for each in self._followed.values():
            each.see(func, args, kwargs, output)

    def take(self, tensor: torch.Tensor, how: str) -> None:
        """Take note that numbers of `tensor` leave torch."""
        for each in self._followed.values():
            each.take(tensor, how)

    def put_out(self, layer: str, value: Any) -> None:
        """Keep the boxes of what `layer` gave, and follow it from here, where that is asked for."""
        if not isinstance(value, torch.Tensor):
            return
        for source, each in list(self._followed.items()):
            waiting = self._waiting[source]
            if layer in waiting:
                waiting.discard(layer)
                boxes = each.of(value)
                if boxes is not None and not each.note(value):
                    self.found[source, layer] = boxes, each.size
            if not waiting:
                del self._followed[source]
        if self._waiting.get(layer) and value.ndim == 4:
            each = self._followed[layer] = Following((value.shape[-2], value.shape[-1]), self)
            each.watch(value)

    def fields(self, pairs: Iterable[Pair]) -> dict[tuple[str, str], ReceptiveField]:
        """The fields that the boxes make."""
        rows = {target.name: target for _, target in pairs}
        return {names: field_of(rows[names[1]], boxes, size) for names, (boxes, size) in self.found.items()}


def _by_modules(
    module: nn.Module, given: Any, prepare: Prepare | None, pairs: list[Pair]
) -> dict[tuple[str, str], ReceptiveField]:
    names = {(row.module, row.call): row.name for pair in pairs for row in pair}
    calls: Counter[str] = Counter()
    origins = _Origins(pairs, given)

    def leave(name: str, output: Any) -> None:
        calls[name] += 1
        origins.put_out(names.get((name, calls[name]), ""), output)

    with looking(module) as shadow, switched_on(origins), around_calls(shadow, lambda _: None, leave):
        call(shadow, given, prepare)
    return origins.fields(pairs)


class _Telling(GraphRunner):
    """Tells what each node of the graph gives, as soon as it has run."""

    def __init__(self, model: nn.Module, traced: Trace, origins: _Origins, pairs: list[Pair]) -> None:
        super().__init__(model, traced, set())
        rows = [row for pair in pairs for row in pair]
        self._modules = {(row.module, row.call): row.name for row in rows if not row.operation}
        nodes = [node for node in self.graph.nodes if node.op in ("call_function", "call_method")]
        self._names = {node.name: each.name for node, each in zip(nodes, traced.operations, strict=True)}
        self._origins = origins

    def run_node(self, n: fx.Node) -> Any:
        """Run one node."""
        value = super().run_node(n)
        called = str(n.target)
        name = self._modules.get((called, self.calls[called])) if n.op == "call_module" else self._names.get(n.name)
        self._origins.put_out(name or "", value)
        return value


def _by_graph(
    module: nn.Module, traced: Trace, given: Any, prepare: Prepare | None, pairs: list[Pair]
) -> dict[tuple[str, str], ReceptiveField]:
    origins = _Origins(pairs, given)
    with looking(module) as shadow, switched_on(origins):
        call(shadow, given, prepare, run=_Telling(shadow, traced, origins, pairs).forward)
    return origins.fields(pairs)
