"""The functions of torch that a layer calls with its input: which they are, as modules, and again for other numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

from ..core import gathered

_CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TURNED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_MAX = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
_AVG1 = _AVG[:-1]
_TO_SIZE = ("input", "output_size", "return_indices")
_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
_NORM_BELOW = ("input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps")
_PAD = ("input", "pad", "mode", "value")
_NUMBERS = ("weight", "bias", "running_mean", "running_var")

CORES: dict[str, tuple[Any, tuple[str, ...]]] = {
    **{f"conv{n}d": (getattr(nn, f"Conv{n}d"), _CONV) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": (getattr(nn, f"ConvTranspose{n}d"), _TURNED) for n in (1, 2, 3)},
    **{f"max_pool{n}d": (getattr(nn, f"MaxPool{n}d"), _MAX) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": (getattr(nn, f"AvgPool{n}d"), _AVG1 if n == 1 else _AVG) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": (getattr(nn, f"AdaptiveMaxPool{n}d"), _TO_SIZE) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": (getattr(nn, f"AdaptiveAvgPool{n}d"), _TO_SIZE) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": (getattr(nn, f"MaxPool{n}d"), _MAX) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d_with_indices": (getattr(nn, f"AdaptiveMaxPool{n}d"), _TO_SIZE) for n in (1, 2, 3)},
    "linear": (nn.Linear, ("input", "weight", "bias")),
    "batch_norm": (nn.BatchNorm2d, _NORM),
}
"""Functions of torch -> the module that does the same, and the names of their arguments."""
_SAME = frozenset({"clone", "contiguous", "cpu", "cuda", "detach", "to"})
"""Functions of torch that give the numbers that they get, unless they change their type."""


def numbers_of(value: Any, axes: int) -> Any:
    """A setting as one number an axis, or as the word that it is."""
    if isinstance(value, str):
        return value
    values = tuple(value) if isinstance(value, (tuple, list, torch.Size)) else (value,)
    return values * axes if len(values) == 1 else values


@dataclass(eq=False)
class CoreCall:
    """A call of one of `CORES` with the input of a layer, padded or as it is.

    Attributes
    ----------
    name : str
        Of the function.
    arguments : dict of str to object
        What it was given, by name.
    input, output : torch.Tensor
        Its first argument, and what it gave.
    before : tuple of int
        Rows, columns ... that the layer put before its own input.
    value : torch.Tensor
        A copy of `output`, which the layer may overwrite.
    number : int
        Of the calls up to this one.
    """

    name: str
    arguments: dict[str, Any]
    input: torch.Tensor
    before: tuple[int, ...]
    output: torch.Tensor
    value: torch.Tensor
    number: int


Call = tuple[Callable[..., Any], Any, Any, Any]


class Watch(TorchFunctionMode):
    """Notes each function of torch that is called, and those among them that take the input of a layer."""

    def __init__(self, given: torch.Tensor, memory: frozenset[int]) -> None:
        super().__init__()
        self._memory = memory  # of weights that stay, and need no copy
        self.calls: list[Call] = []
        self.names: list[str] = []
        self.cores: list[CoreCall] = []
        self.first, self.given = given, given.detach().clone()
        self._inputs: list[tuple[torch.Tensor, tuple[int, ...]]] = [(given, (0,) * max(0, given.ndim - 2))]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, output))
        name = getattr(func, "__name__", "")
        if name != "__get__":  # an attribute, such as a shape
            self.names.append(name.strip("_"))
        given = kwargs.get("input", args[0] if args else None)
        before = next((before for known, before in self._inputs if known is given), None)
        if before is None or not torch.equal(self.first.nan_to_num(), self.given.nan_to_num()):
            return output  # it takes another tensor, or the layer wrote to its input
        if name == "pad":
            pad = {**dict(zip(_PAD, args, strict=False)), **kwargs}["pad"]
            added = tuple(reversed(pad[::2]))
            if len(added) <= len(before):
                added = (0,) * (len(before) - len(added)) + added
                self._inputs.append((output, tuple(map(sum, zip(before, added, strict=True)))))
        elif name in _SAME and output.dtype == given.dtype:
            self._inputs.append((output, before))
        elif name in CORES and isinstance(value := first_of(output), torch.Tensor):
            names = _NORM_BELOW if name == "batch_norm" and func is not F.batch_norm else CORES[name][1]
            arguments = {**dict(zip(names, args, strict=False)), **kwargs}
            arguments |= {name: self._kept(arguments[name]) for name in _NUMBERS if name in arguments}
            self.cores.append(CoreCall(name, arguments, given, before, value, value.detach().clone(), len(self.calls)))
        return output

    def _kept(self, value: torch.Tensor | None) -> torch.Tensor | None:
        """A weight as it is now: what is made for a call may be written over, or freed, after it."""
        if value is None or (type(value) in (torch.Tensor, nn.Parameter) and value.data_ptr() in self._memory):
            return value
        return value.detach().clone()


def memory_of(part: nn.Module) -> frozenset[int]:
    """The addresses of the parameters of a layer."""
    return frozenset(weight.data_ptr() for weight in part.parameters() if type(weight) is nn.Parameter)


def first_of(output: Any) -> Any:
    """What a function gives; of several things the first."""
    return output[0] if isinstance(output, tuple) else output


def as_module(core: CoreCall) -> nn.Module:
    """The module of torch that does what was called, with the same weights."""
    kind, names = CORES[core.name]
    given = core.arguments
    settings = {name: given[name] for name in names[1:] if name in given and name not in ("weight", "bias")}
    weight: Any = given.get("weight")
    bias = given.get("bias")
    if core.name == "batch_norm":
        module = kind(core.input.shape[1], given.get("eps", 1e-5), affine=False, track_running_stats=False)
        if not given.get("training"):
            module.running_mean, module.running_var = given["running_mean"], given["running_var"]
    elif core.name == "linear":
        module = kind(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    elif "conv" in core.name:
        groups = settings.pop("groups", 1)
        axes = weight.ndim - 2
        settings = {name: numbers_of(value, axes) for name, value in settings.items()}
        ends = (weight.shape[0], weight.shape[1] * groups)
        ins, outs = ends if "transpose" in core.name else ends[::-1]
        module = kind(
            ins, outs, tuple(weight.shape[2:]), groups=groups, bias=bias is not None, device="meta", **settings
        )
    else:
        settings.pop("return_indices", None)
        return kind(**settings)
    for name, value in (("weight", weight), ("bias", bias)):
        setattr(module, name, None if value is None else nn.Parameter(gathered(value.detach()), requires_grad=False))
    return module.eval()


class Replay:
    """The calls from one tensor on to another, for other numbers in the first."""

    def __init__(self, start: torch.Tensor, calls: list[Call], end: torch.Tensor) -> None:
        self.start, self.end = start, end
        self.calls: list[Call] = []
        self.names: list[str] = []
        reached = {id(start)}
        for call in calls:  # only those that the first tensor reaches
            func, args, kwargs, output = call
            if any(id(leaf) in reached for leaf in tensors_in((args, kwargs))):
                self.calls.append(call)
                reached |= {id(leaf) for leaf in tensors_in(output)}
                name = func.__name__.strip("_")
                if name not in (*self.names, "get", "contiguous"):
                    self.names.append(name)

    def __call__(self, value: torch.Tensor) -> torch.Tensor:
        """What they make of another first tensor."""
        known = {id(self.start): value}
        dtype = value.dtype

        def now(given: Any) -> Any:
            if not isinstance(given, torch.Tensor):
                return given
            return known.get(id(given), given.to(dtype) if given.is_floating_point() else given)

        for func, args, kwargs, output in self.calls:
            args, kwargs = tree_map(now, (args, kwargs))
            again = func(*args, **kwargs)
            for before, after in zip(tensors_in(output), tensors_in(again), strict=True):
                known[id(before)] = after
        return known[id(self.end)]


def tensors_in(values: Any) -> list[torch.Tensor]:
    """All tensors in what a function was given, or gave."""
    return [leaf for leaf in tree_flatten(values)[0] if isinstance(leaf, torch.Tensor)]
