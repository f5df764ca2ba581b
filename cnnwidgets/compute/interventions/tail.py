"""Scores for many edits of one layer, running only what is behind it where the network can be cut there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn

from ..core import ForwardError, Prepare, alone, call, capture, device_of, find_layer, module_names, plain, rerouted
from ..layers import GraphRunner, Trace, batched, mixes_images, trace
from ..scoring import BatchSize, Score, Scorer, agrees, out_of_memory
from ..shadow import looking
from .edited import arrangement_of
from .graph import node_of
from .selection import Arrangement

Change = Callable[[torch.Tensor], None]
KEPT = 2**28
"""Bytes of what the network has computed before the layer that are kept, so that it need not be computed again."""
AT_ONCE = 32
"""Images in a pass before the first edit."""


class Tail:
    """A network behind one of its layers, for given images.

    The cut is made in the graph that `torch.fx` traces, and proved on the first batch: it is run whole too, and if the
    scores differ by more than rounding, or the graph does not run, the whole network runs from then on.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged.
    images : torch.Tensor or object
        As for `activations`; a tensor (N, ...).
    layer : str
        As for `activations`; modules only.
    score, prepare
        As for `occlusion`.

    Attributes
    ----------
    images : torch.Tensor
        (N, ...).
    whole : torch.Tensor
        (N, K): the scores without an edit.
    output : torch.Tensor
        What the layer gives for each image, (N, C, ...), the channels in the second axis; (N, 1) where it has none.
    """

    def __init__(self, model: nn.Module, images: Any, layer: str, *, score: Score, prepare: Prepare | None) -> None:
        self._model, self._prepare = model, prepare
        self.layer = layer
        self.images = _tensor(batched(model, images, None))
        self._scorer = Scorer(model, layer=None, score=score, prepare=prepare)
        self._module, which, self._path = find_layer(module_names(plain(model)), layer)
        self._call = which or 1
        self._alone = mixes_images(model, self.images[:1], prepare=prepare)
        self._chunks = self.images.split(1 if self._alone else AT_ONCE)
        scores, outputs = [], []
        for part in self._chunks:
            with looking(model) as network, capture(network, layer) as captured:
                scores.append(self.read(call(network, part, prepare), len(part)))
            outputs.append(captured[layer])
        self.whole = torch.cat(scores)
        found = arrangement_of(model, self.images[:1], layer, outputs[0], prepare)
        sizes = [0 if found.batch is None else output.shape[found.batch] for output in outputs]
        if sizes != [len(part) for part in self._chunks]:
            raise ValueError(f"layer {layer!r} does not give one output for each image")
        self._arrangement = found
        self.output = torch.cat([by_channel(output, found) for output in outputs])
        self._trace: Trace | None = None
        self._given: dict[fx.Node, Any] = {}
        self._behind: list[fx.Node] = []
        self._varying: set[fx.Node] = set()
        self._proved = False
        self._words = ""

    @property
    def words(self) -> str:
        """What runs: only what is behind the layer, or the whole network and why."""
        if not self._words:  # only who asks for scores needs the cut
            self._words = self._cut()
        return self._words

    @property
    def is_cut(self) -> bool:
        """Whether only what is behind the layer runs."""
        return bool(self.words) and self._trace is not None

    def batch_size(self, size: int | None = None) -> BatchSize:
        """A search for the best number of edits at once; `size` fixes it."""
        places = self.output[0, 0].numel() if self.is_cut else self.images[0, 0].numel()
        return BatchSize(max(1, places), device_of(plain(self._model)), 1 if self._alone else size)

    def read(self, output: Any, count: int) -> torch.Tensor:
        """Scores (count, K) from what the network returns."""
        scores = self._scorer.read(output)
        if len(scores) != count:
            raise ValueError(f"for {count} images the model gives {len(scores)} scores, not one result each")
        return scores

    def __call__(self, number: torch.Tensor, change: Change) -> torch.Tensor:
        """Scores (B, K) for edits of the layer's output.

        Parameters
        ----------
        number : torch.Tensor
            (B,): which image each edit is about.
        change : callable
            Edits a copy of the layer's output for these images in place, (B, C, ...), the channels in the second axis.

        Raises
        ------
        ForwardError
            The network raised an error, or memory ran out.
        """
        if not self.is_cut:
            return self._run_whole(number, change)
        if self._proved:
            return self._run_tail(number, change)
        whole = self._run_whole(number, change)
        try:
            found = self._run_tail(number, change)
        except (ForwardError, ValueError) as error:
            if out_of_memory(error):
                raise
            self._give_up(f"what torch.fx traced behind the layer does not run ({error})")
            return whole
        if agrees(found, whole):
            self._proved = True
        else:
            self._give_up("what torch.fx traced behind the layer gives other scores")
        return whole

    def _run_whole(self, number: torch.Tensor, change: Change) -> torch.Tensor:
        def through(output: torch.Tensor) -> torch.Tensor:
            copy = output.clone()
            change(by_channel(copy, self._arrangement))
            return copy

        with alone(self._model), looking(self._model) as network:
            with rerouted(network, self._module, self._call, through, self._path):
                output = call(network, self.images[number], self._prepare)
            return self.read(output, len(number))

    # ------------------------------------------------------------------ the cut

    def _cut(self) -> str:
        """Find the part of the graph behind the layer, and keep what it is given; says what will run."""
        traced = trace(self._model)
        if traced.graph is None:
            return self._give_up(traced.reason or "it is TorchScript")
        start = node_of(traced.graph, self._module, self._call)
        if start is None or self._path or self._arrangement.batch != 0:
            return self._give_up("the layer is no single step of the graph that torch.fx traced")
        behind, given, varying = _parts(traced.graph, start)
        if start not in varying:
            return self._give_up("the layer does not depend on the image")
        found: dict[fx.Node, list[Any]] = {node: [] for node in given}
        for part in self._chunks:
            try:
                kept = self._record(traced, given, part)
            except ForwardError as error:
                return self._give_up(f"what torch.fx traced does not run ({error})")
            for node, value in kept.items():
                if node in varying and not (isinstance(value, torch.Tensor) and value.shape[:1] == (len(part),)):
                    return self._give_up("it takes more from before the layer than one tensor for each image")
                found[node].append(value)
            bytes_so_far = sum(value.nbytes for node in found if node in varying for value in found[node])
            if bytes_so_far > KEPT:
                return self._give_up(f"what is computed before the layer takes more than {KEPT >> 20} MB")
        self._given = {
            node: torch.cat(values) if node in varying else values[0] for node, values in found.items() if values
        }
        if not torch.equal(by_channel(self._given[start], self._arrangement), self.output):
            return self._give_up("what torch.fx traced gives another output at the layer")
        self._trace, self._behind, self._varying = traced, behind, varying
        steps = sum(node.op not in ("placeholder", "output", "get_attr") for node in traced.graph.nodes)
        return f"what is behind {self.layer} runs: {len(behind) - 2} of {steps} steps"

    def _give_up(self, why: str) -> str:
        self._trace, self._given, self._behind = None, {}, []
        self._words = f"the whole network runs: {why}"
        return self._words

    def _record(self, traced: Trace, given: list[fx.Node], images: torch.Tensor) -> dict[fx.Node, Any]:
        with looking(self._model) as network:
            runner = _Recording(network, traced, given)
            call(network, images, self._prepare, run=runner.forward)
        return runner.kept

    def _run_tail(self, number: torch.Tensor, change: Change) -> torch.Tensor:
        assert self._trace is not None
        start = self._behind[0]

        def run(_: Any) -> Any:
            runner = GraphRunner(network, trace_of, set())
            for node, value in self._given.items():
                runner.env[node] = value[number] if node in self._varying else value
            change(by_channel(runner.env[start], self._arrangement))
            result = None
            for node in self._behind[1:]:
                result = runner.env[node] = runner.run_node(node)
                for done in runner.user_to_last_uses.get(node, []):
                    runner.env.pop(done, None)
            return result

        trace_of = self._trace
        with alone(self._model), looking(self._model) as network:
            return self.read(call(network, self.images[:0], run=run), len(number))


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
    """`start` and the steps behind it in running order; what these take from outside; all that the images decide."""
    behind, given = {start: None}, {start: None}
    varying: set[fx.Node] = set()
    for node in graph.nodes:
        inputs = node.all_input_nodes
        if node.op == "placeholder" or not varying.isdisjoint(inputs):
            varying.add(node)
        if node is not start and not behind.keys().isdisjoint(inputs):
            behind[node] = None
    for node in behind:
        if node is not start:
            given |= {each: None for each in node.all_input_nodes if each not in behind}
    return list(behind), list(given), varying


def by_channel(output: torch.Tensor, found: Arrangement) -> torch.Tensor:
    """A view of a layer's output with the images in the first axis and the channels in the second."""
    assert found.batch is not None
    if found.channel is None:
        return output.unsqueeze(1)
    return output.movedim((found.batch, found.channel), (0, 1))


def _tensor(images: Any) -> torch.Tensor:
    if not isinstance(images, torch.Tensor) or images.ndim < 2 or not len(images):
        raise TypeError(f"images must be a tensor of at least one image, (N, C, H, W), not {type(images).__name__}")
    return images
