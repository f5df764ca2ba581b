"""Operations without a module - `+`, `cat`, a functional ReLU - as traced and named by `torch.fx`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from ..core import Prepare, call, leaves, module_names, operation_edits, plain, some_of, why_not
from ..shadow import looking
from ..sites import Site, operated
from .script import script_layers
from .tracing import traced as traced_graph


@dataclass(frozen=True)
class Operation:
    """One operation of a traced network.

    `after` is the last call of a module before it, `(name, number)`; `scope` the module whose `forward` contains the
    operation; `depends` whether it depends on the input of the network; `site` where it is called there.
    """

    name: str
    type: str
    scope: str
    after: tuple[str, int]
    depends: bool = True
    site: Site | None = None


@dataclass
class Trace:
    """A network as a graph of `torch.fx`, or as a function of TorchScript; `reason` explains why there is neither.

    The graph names the modules and weights of the network and holds none; `constants` are the tensors that the network
    made while it was traced; `fixed` the calls of modules that do not depend on its input, `(name, number)`.
    """

    graph: fx.Graph | None
    reason: str = ""
    operations: list[Operation] = field(default_factory=list)
    constants: dict[str, torch.Tensor] = field(default_factory=dict)
    script: Callable[..., Any] | None = None
    fixed: set[tuple[str, int]] = field(default_factory=set)

    def drop(self, reason: str) -> None:
        """Discard the graph, for a reason found when it runs."""
        self.graph, self.script, self.reason, self.operations = None, None, reason, []
        self.fixed = set()


def trace(model: nn.Module) -> Trace:
    """Trace `model` symbolically (`torch.fx`), in evaluation mode; the model is left unchanged.

    Parameters
    ----------
    model : torch.nn.Module
        Any network.

    Returns
    -------
    Trace
        Without a graph but with the reason, if control flow depends on the data or the model cannot be traced.
    """
    if isinstance(model, torch.jit.ScriptModule):
        layers, function = script_layers(model)
        return Trace(None, "", [Operation(name, kind, "", ("", 0)) for name, kind in layers], script=function)
    found = traced_graph(model)
    if found.graph is None:
        return Trace(None, found.reason)
    graph, taken = found.graph, module_names(plain(model))
    operations = []
    calls: dict[str, int] = {}
    last = ("", 0)
    fixed = set()
    varying: set[fx.Node] = set()
    filled = False  # whether what depends on the input was written into a tensor made before it
    for node in graph.nodes:
        made = node.op == "get_attr" and node.target in found.constants
        depends = node.op == "placeholder" or (made and filled) or not varying.isdisjoint(node.all_input_nodes)
        if depends:
            varying.add(node)
            first = node.args[0] if node.args else None
            filled |= isinstance(first, fx.Node) and first.target in found.constants and str(node.target).endswith("_")
        if node.op == "call_module":
            name = str(node.target)
            calls[name] = calls.get(name, 0) + 1
            last = (name, calls[name])
            if not depends:
                fixed.add(last)
        elif node.op in ("call_function", "call_method"):
            kind = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
            name = node.name if node.name not in taken else f"{node.name}()"
            site = found.sites.get(node.name)
            operations.append(Operation(name, str(kind).strip("_"), _scope(node), last, depends, site))
    return Trace(graph, "", operations, found.constants, fixed=fixed)


class GraphRunner(fx.Interpreter):
    """Runs the graph and copies the outputs of the wanted operations, before an in-place operation overwrites them.

    Modules, parameters and buffers are those of `model`, as they are now, and so are edits of its operations. With
    `attached` the copies stay in the autograd graph. `calls` counts the calls of each module; `some` holds some numbers
    of what they put out, by name, call and path.
    """

    def __init__(self, model: nn.Module, traced: Trace, wanted: set[str], *, attached: bool = False) -> None:
        assert traced.graph is not None
        super().__init__(model, graph=traced.graph)
        self.constants, self.wanted, self.attached = traced.constants, wanted, attached
        self.outputs: dict[str, torch.Tensor] = {}
        self.result: Any = None
        self.calls: Counter[str] = Counter()
        self.some: dict[tuple[str, int, str], torch.Tensor | None] = {}
        self._model, self._edits, self._node = model, operation_edits(model), ""

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """What a function gives, edited where the model is."""
        return self._edited(target, target, args, kwargs)

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        """What a method gives, edited where the model is."""
        return self._edited(lambda owner, *tail, **given: getattr(owner, target)(*tail, **given), target, args, kwargs)

    def _edited(self, run: Callable[..., Any], target: Any, args: Any, kwargs: Any) -> Any:
        changes = [edits.change(each) for edits in self._edits for each in (self._node, f"{self._node}()")]
        if not (changes := [change for change in changes if change is not None]):
            return run(*args, **kwargs)

        def changed(value: Any) -> Any:
            for change in changes:
                value = change(value)
            return value

        return operated(run, args, kwargs, changed, called=target)

    def fetch_args_kwargs_from_env(self, n: fx.Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments of a node, with mutable lists in place of the graph's immutable ones."""
        args, kwargs = super().fetch_args_kwargs_from_env(n)
        self._node = n.name
        return tuple(map(_own, args)), {key: _own(value) for key, value in kwargs.items()}

    def run_node(self, n: fx.Node) -> Any:
        """Run one node, and keep a copy of its output if requested."""
        value = super().run_node(n)
        if n.op == "call_module":
            self.calls[str(n.target)] += 1
            for path, leaf in leaves(value):
                if why_not(leaf) is None:
                    self.some[str(n.target), self.calls[str(n.target)], path] = some_of(leaf)
        name = n.name if n.name in self.wanted else f"{n.name}()"
        if n.op != "call_module" and name in self.wanted and isinstance(value, torch.Tensor) and why_not(value) is None:
            copy = value if self.attached else value.detach()
            copy = copy.dequantize() if copy.is_quantized else copy
            self.outputs[name] = (copy if type(copy) is torch.Tensor else copy.as_subclass(torch.Tensor)).clone()
        return value

    def fetch_attr(self, target: str) -> Any:
        """A parameter or buffer of the model, or a constant of the trace."""
        return self.constants[target] if target in self.constants else super().fetch_attr(target)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the whole graph with the arguments of the model's `forward`."""
        with ExitStack() as stack:
            for edits in self._edits:
                stack.enter_context(edits.passing(self._model, args, kwargs))
            self.result = self.run(*args, *_in_order(self.graph, len(args), kwargs))
        return self.result


def run_operations(
    model: nn.Module,
    traced: Trace,
    images: Any,
    names: Iterable[str] | None = None,
    *,
    prepare: Prepare | None = None,
) -> tuple[dict[str, torch.Tensor], Any]:
    """Outputs of operations in one pass through the graph.

    Parameters
    ----------
    model : torch.nn.Module
        The network that was traced.
    traced : Trace
        From `trace`, with a graph.
    images : torch.Tensor or object
        As for `activations`.
    names : iterable of str, optional
        Names of operations; None for all.
    prepare : callable, optional
        As for `activations`.

    Returns
    -------
    tuple of (dict of str to torch.Tensor, object)
        Operation -> copy of its output, for those that return a tensor; and the output of the whole graph.

    Raises
    ------
    LookupError
        The model has no graph; the message gives the reason.
    ForwardError
        The graph raised an error.
    """
    wanted = {operation.name for operation in traced.operations} if names is None else set(names)
    if traced.script is not None:
        with looking(model) as module:
            result, *values = call(module, images, prepare, run=traced.script)
        given = zip((operation.name for operation in traced.operations), values, strict=True)
        return {name: value for name, value in given if name in wanted and why_not(value) is None}, result
    runner = run_graph(model, traced, images, wanted, prepare=prepare)
    return runner.outputs, runner.result


def run_graph(
    model: nn.Module, traced: Trace, images: Any, wanted: set[str], *, prepare: Prepare | None = None
) -> GraphRunner:
    """What has run of the graph in one pass; arguments and errors as for `run_operations`."""
    if traced.graph is None:
        raise LookupError(f"the model has no operations to show: {traced.reason}")
    with looking(model) as module:
        runner = GraphRunner(module, traced, wanted)
        call(module, images, prepare, run=runner.forward)
    return runner


def _own(value: Any) -> Any:
    """The lists and dicts of a graph, which are immutable, as mutable ones."""
    if isinstance(value, list):
        return [_own(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _own(item) for key, item in value.items()}
    if type(value) is tuple:
        return tuple(_own(item) for item in value)
    return value


def _in_order(graph: fx.Graph, given: int, keywords: dict[str, Any]) -> list[Any]:
    """Keyword arguments in the order of the graph's inputs, as the interpreter expects them."""
    inputs = [str(node.target) for node in graph.nodes if node.op == "placeholder"][given:]
    return [keywords[name] for name in inputs if name in keywords]


def _scope(node: fx.Node) -> str:
    stack = node.meta.get("nn_module_stack")
    if not stack:
        return ""
    path = next(reversed(stack.values()))[0]
    return path if isinstance(path, str) else ""
