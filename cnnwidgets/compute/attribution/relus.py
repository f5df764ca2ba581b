"""Routes every ReLU of a network, however it is called, through a separate module."""

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
    """While active, each ReLU call runs through a separate module, which is used once and not in place.

    Captum's guided backpropagation hooks modules of the type `nn.ReLU`: it silently skips functional ones,
    fails on in-place ones, and changes the gradient of other consumers of a ReLU's input (`x + relu(x)`). Each module
    here gets a copy that nothing else reads, and the result of an in-place ReLU is written back.

    Parameters
    ----------
    modules : sequence of torch.nn.Module
        One per ReLU call, in execution order; empty to count the calls.

    Attributes
    ----------
    count : int
        Number of ReLU calls with a gradient.
    others : set of str
        Other activation functions that were called.
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
            name = getattr(func, "__name__", "").strip("_")  # the __name__ of torch's threshold is _threshold
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
