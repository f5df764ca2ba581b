"""What an operation of a traced network - `+`, `cat`, a functional ReLU - is given, and what it makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.utils._pytree import tree_flatten, tree_map

from ..core import Prepare, call, check_numbers
from ..layers import GraphRunner, Trace, batched, trace
from ..shadow import looking

NAMES = frozenset(
    {
        *("add", "iadd", "radd", "cat", "concat", "concatenate", "relu", "relu6", "leaky_relu", "elu", "gelu", "silu"),
        *("mish", "sigmoid", "tanh", "softplus", "hardswish", "hardsigmoid", "hardtanh", "softmax", "max_pool2d"),
        *("avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
    }
)
"""Operations that may be explained; what they do is told from their numbers."""


class Operation(nn.Module):
    """An operation as a module of one input: it gives the others that it had in a pass.

    Attributes
    ----------
    function : str
        Its name.
    sources : list of str
        Names of what its tensors came from: layers, operations, weights.
    """

    def __init__(self, function: str, sources: list[str], run: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.function, self.sources, self._run = function, sources, run

    def forward(self, given: torch.Tensor) -> Any:
        """What it makes of `given`."""
        return self._run(given)


@dataclass(frozen=True, eq=False)
class Operands:
    """One call of an operation: itself, the tensors that it was given, and its output; copies."""

    module: Operation
    inputs: tuple[torch.Tensor, ...]
    output: torch.Tensor


def operands(model: nn.Module, images: Any, name: str, *, prepare: Prepare | None, device: Any = None) -> Operands:
    """What operation `name` was given and put out in one pass through the graph of `model`.

    Raises
    ------
    LookupError
        The network cannot be traced, has no such operation, or that gives no tensor.
    """
    check_numbers(model)
    found = trace(model)
    if found.graph is None:
        raise LookupError(
            f"the model has no operation {name!r} that can be followed: {found.reason or 'it is TorchScript'}"
        )
    with looking(model) as shadow:
        runner = _Runner(shadow, found, name, device)
        call(shadow, batched(model, images, prepare), prepare, run=runner.forward)
    if runner.found is None:
        raise LookupError(f"the model has no operation {name!r} that gives a tensor")
    return runner.found


class _Runner(GraphRunner):
    def __init__(self, model: nn.Module, traced: Trace, name: str, device: Any) -> None:
        super().__init__(model, traced, set())
        self._name, self._device = name, device
        self.found: Operands | None = None

    def run_node(self, n: fx.Node) -> Any:
        if n.op not in ("call_function", "call_method") or self._name not in (n.name, f"{n.name}()"):
            return super().run_node(n)

        def kept(value: Any) -> Any:
            return value.detach().to(self._device or value.device, copy=True) if _is_tensor(value) else value

        args, kwargs = tree_map(kept, self.fetch_args_kwargs_from_env(n))
        value = super().run_node(n)
        tensors = [leaf for leaf in tree_flatten((args, kwargs))[0] if _is_tensor(leaf)]
        if not isinstance(value, torch.Tensor) or not tensors:
            return value
        target: Any = n.target
        first = tensors[0]

        def run(given: torch.Tensor) -> Any:
            now = tree_map(lambda leaf: given if leaf is first else leaf, (args, kwargs))
            if n.op == "call_method":
                return getattr(now[0][0], target)(*now[0][1:], **now[1])
            return target(*now[0], **now[1])

        kind = target if isinstance(target, str) else getattr(target, "__name__", str(target))
        named = ("call_module", "get_attr")
        sources = [str(node.target) if node.op in named else node.name for node in n.all_input_nodes]
        self.found = Operands(Operation(str(kind).strip("_"), sources, run), tuple(tensors), kept(value))
        return value


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)
