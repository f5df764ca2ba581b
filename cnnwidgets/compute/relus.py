"""Every ReLU of a network as a module of its own, however the network calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_RELU = {functional.relu, torch.relu, torch.Tensor.relu}
_RELU_IN_PLACE = {torch.relu_, torch.Tensor.relu_}
_OTHERS = {
    "celu", "clamp", "clamp_min", "elu", "gelu", "glu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "maximum",
    "mish", "prelu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "tanh", "threshold",
}  # fmt: skip


class Relus(TorchFunctionMode):
    """While it is on, each ReLU that runs is sent through a module of its own, which is used once and not in place.

    Captum's guided backpropagation hooks modules of the type `nn.ReLU`: it passes by functional ones without a word,
    breaks on those in place, and changes the gradient of whatever else reads what a ReLU is given (`x + relu(x)`). Each
    module here gets a copy that nothing else reads, and a ReLU in place writes the result back.

    Parameters
    ----------
    modules : sequence of torch.nn.Module
        One for each ReLU, in the order in which they run; empty to count them.

    Attributes
    ----------
    count : int
        How many ReLUs with a gradient have run.
    others : set of str
        Activation functions of another kind that have run.
    """

    def __init__(self, modules: Iterable[nn.Module] = ()) -> None:
        super().__init__()
        self.modules = list(modules)
        self.count = 0
        self.others: set[str] = set()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run `func`, or the next of the modules in place of a ReLU."""
        keywords = dict(kwargs or {})
        in_place = func in _RELU_IN_PLACE
        if func is functional.relu:
            in_place = bool(args[1] if len(args) > 1 else keywords.get("inplace", False))
        if func not in _RELU and not in_place:
            name = getattr(func, "__name__", "").strip("_")  # torch's threshold calls itself _threshold
            if name in _OTHERS:
                self.others.add(name)
            return func(*args, **keywords)
        given = args[0] if args else keywords["input"]
        if not given.requires_grad:
            return func(*args, **keywords)
        self.count += 1
        if not self.modules:
            return func(*args, **keywords)
        if self.count > len(self.modules):
            raise ValueError(
                f"the network has run more than {len(self.modules)} ReLUs, other than before: it does not always do "
                "the same"
            )
        result = self.modules[self.count - 1](given.clone()).clone()
        return given.copy_(result) if in_place else result
