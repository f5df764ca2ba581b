"""Where a layer stands in the graph that `torch.fx` traces, what is behind it, and running that alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn

from ..core import ForwardError, Prepare, alone, call, named_parts, plain
from ..layers import GraphRunner, Trace, mixes_rows, trace, traced
from ..shadow import looking
from .place import EditedPlace, find_edited, node_of, scopes
from .selection import Arrangement, by_channel, not_by_channel

Change = Callable[[torch.Tensor], object]
KEPT = 2**28
"""Bytes of what the network has computed before a layer that are kept, so that it need not be computed again."""

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


def norms_behind(model: nn.Module, layer: str, call: int | None = None) -> list[str]:
    """The norms that a channel of a layer comes to, by nothing but activations, dropout, pooling and concatenation.

    Parameters
    ----------
    model : torch.nn.Module
        The network; traced in evaluation mode and left unchanged.
    layer : str
        As for `intervene`.
    call : int, optional
        Number of the call of a module, where `layer` does not say it.

    Returns
    -------
    list of str
        Names of modules, or of operations, as for `intervene`; empty too for a network that cannot be traced.

    Raises
    ------
    LookupError
        As for `intervene`.
    """
    graph = traced(model).graph
    if graph is None:
        return []
    place = find_edited(model, layer)
    start = node_of(graph, place.module, call or place.call or 1) if place.site is None else place.node(graph)
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
            calls = [each for each in graph.nodes if each.op == "call_module" and each.target == node.target]
            found[f"{node.target}:{calls.index(node) + 1}" if len(calls) > 1 else str(node.target)] = None
        elif part is None and name.endswith("_norm"):
            within = [scope for scope in scopes(node) if isinstance(parts.get(scope), _NORMS)]
            found[within[-1] if within else node.name] = None
        elif isinstance(part, _ALONE) or (part is None and name in _ALONE_NAMES):
            waiting += node.users
    return list(found)


class NoCut(Exception):
    """The network cannot be cut at the layer; says why."""


class Cut:
    """What runs behind a layer, and what it is given from before it.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged.
    chunks : sequence of torch.Tensor
        The images, in batches that the network takes.
    place : EditedPlace
        The layer.
    output : torch.Tensor
        What the layer gives for all images, the channels in the second axis.
    found : Arrangement
        Its axes as the layer gives them; the images are in the first one.
    prepare : callable, optional
        As for `activations`.

    Attributes
    ----------
    words : str
        How many steps of the network run.
    needs_layer_alone : bool
        Whether it is given nothing that depends on the image but the output of the layer.

    Raises
    ------
    NoCut
        There is no graph, or none that can be cut there.
    """

    def __init__(
        self,
        model: nn.Module,
        chunks: tuple[torch.Tensor, ...],
        place: EditedPlace,
        output: torch.Tensor,
        found: Arrangement,
        prepare: Prepare | None,
    ) -> None:
        self._model, self._prepare, self._none = model, prepare, chunks[0][:0]
        self._arrangement = found
        self._trace = trace(model)
        if self._trace.graph is None:
            raise NoCut(self._trace.reason or "it is TorchScript")
        start = place.node(self._trace.graph)
        if start is None or found.batch != 0:
            raise NoCut("the layer is no single step of the graph that torch.fx traced")
        self._start, (self._behind, given, self._varying) = start, _parts(self._trace.graph, start)
        if start not in self._varying:
            raise NoCut("the layer does not depend on the image")
        self.needs_layer_alone = all(node is start or node.op == "get_attr" for node in given)
        if self.needs_layer_alone:  # which is known
            self._given = {start: not_by_channel(output, found)}
        else:
            self._given = self._record_all(given, chunks)
            if self._given[start].is_quantized:
                raise NoCut("the layer gives quantised values")
            if not torch.equal(by_channel(self._given[start], found), output):
                raise NoCut("what torch.fx traced gives another output at the layer")
        self._weights = [node for node in given if node not in self._given]
        steps = sum(node.op not in ("placeholder", "output", "get_attr") for node in self._trace.graph.nodes)
        self.words = f"{len(self._behind) - 1} of {steps} steps"

    def __call__(self, number: torch.Tensor, change: Change) -> Any:
        """What the network returns for edits of the layer's output; arguments as for `Tail`."""

        def run(_: Any) -> Any:
            runner = GraphRunner(network, self._trace, set())
            for node in self._weights:
                runner.env[node] = runner.run_node(node)
            for node, value in self._given.items():
                runner.env[node] = value[number] if node in self._varying else value
            change(by_channel(runner.env[self._start], self._arrangement))
            result = None
            for node in self._behind:
                result = runner.env[node] = runner.run_node(node)
                for done in runner.user_to_last_uses.get(node, []):
                    runner.env.pop(done, None)
            return result

        with alone(self._model), looking(self._model) as network:
            return call(network, self._none, run=run)  # not from prepare: the graph needs no arguments any more

    def mixes_edits(self, read: Callable[[Any, int], torch.Tensor]) -> bool:
        """Whether edits of one batch change each other; to be asked only where it needs the layer alone.

        `read` gives the scores (B, K) of what the network returns for B images.
        """

        def scores(rows: torch.Tensor) -> dict[str, torch.Tensor]:
            number = torch.zeros(len(rows), dtype=torch.long)
            returned = self(number, lambda values: values.copy_(by_channel(rows, self._arrangement)))
            return {"": read(returned, len(rows))}

        return mixes_rows(scores, self._given[self._start][:1]) is not False

    def _record_all(self, given: list[fx.Node], chunks: tuple[torch.Tensor, ...]) -> dict[fx.Node, Any]:
        """What the steps are given for all images, from a pass through the graph."""
        found: dict[fx.Node, list[Any]] = {node: [] for node in given}
        for part in chunks:
            try:
                kept = self._record(given, part)
            except ForwardError as error:
                raise NoCut(f"what torch.fx traced does not run ({error})") from error
            for node, value in kept.items():
                if node in self._varying and not (isinstance(value, torch.Tensor) and value.shape[:1] == (len(part),)):
                    raise NoCut("it takes more from before the layer than one tensor for each image")
                found[node].append(value)
            bytes_so_far = sum(value.nbytes for node in found if node in self._varying for value in found[node])
            if bytes_so_far > KEPT:
                raise NoCut(f"what is computed before the layer takes more than {KEPT >> 20} MB")
        return {
            node: torch.cat(values) if node in self._varying else values[0] for node, values in found.items() if values
        }

    def _record(self, given: list[fx.Node], images: torch.Tensor) -> dict[fx.Node, Any]:
        with looking(self._model) as network:
            runner = _Recording(network, self._trace, given)
            call(network, images, self._prepare, run=runner.forward)
        return runner.kept


class _Recording(GraphRunner):
    """Runs the whole graph and keeps copies of some values, before an in-place operation overwrites them."""

    def __init__(self, network: nn.Module, traced: Trace, given: list[fx.Node]) -> None:
        super().__init__(network, traced, set())
        self._given, self.kept = set(given), dict[fx.Node, Any]()

    def run_node(self, n: fx.Node) -> Any:
        """Run one node."""
        value = super().run_node(n)
        if n in self._given:
            self.kept[n] = value.clone() if isinstance(value, torch.Tensor) else value
        return value


def _parts(graph: fx.Graph, start: fx.Node) -> tuple[list[fx.Node], list[fx.Node], set[fx.Node]]:
    """The steps behind `start` in running order; what they take from outside; all that the images decide."""
    behind, given = dict[fx.Node, None](), {start: None}
    varying: set[fx.Node] = set()
    for node in graph.nodes:
        inputs = node.all_input_nodes
        if node.op == "placeholder" or not varying.isdisjoint(inputs):
            varying.add(node)
        if node is not start and not (behind.keys() | {start}).isdisjoint(inputs):
            behind[node] = None
    for node in behind:
        given |= {each: None for each in node.all_input_nodes if each not in behind}
    return list(behind), list(given), varying
