"""The convolutions of a model, their effective weights, and the BatchNorm that follows each."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from ..arithmetic import UnknownArithmetic, arithmetic, does, is_plain, sample
from ..core import OUTPUT, find_layer, listing, module_names, plain, unknown
from ..layers import Layer, LayerTable, trace, type_name
from ..shadow import looking


def convolutions(model: nn.Module) -> LayerTable:
    """The convolutions of a model, in registration order; runs no forward pass.

    Parameters
    ----------
    model : torch.nn.Module
        Any network.

    Returns
    -------
    LayerTable
        Like `layer_table`, but `shape` is that of the weights: (filters, channels, kH, kW).
    """
    return LayerTable([_row(name, part) for name, part in _convolutions(model).items()])


def batch_norms(model: nn.Module) -> dict[str, str]:
    """Convolution -> the BatchNorm that is the only consumer of its output, by name, where that is certain.

    From the graph that `torch.fx` traces; without one, from neighbours in a `Sequential`.
    """
    module = plain(model)
    known = module_names(module)
    parts = dict(module.named_modules())
    if not any(map(_foldable, parts.values())):
        return {}
    pairs: dict[str, str] = {}
    for name, part in parts.items():
        if isinstance(part, nn.Sequential) and type(part).forward is nn.Sequential.forward:
            inside = [f"{name}.{child}" if name else child for child in part._modules]
            pairs |= dict(pairwise(inside))
    if (graph := trace(model).graph) is not None:
        calls = [node for node in graph.nodes if node.op == "call_module"]
        names = [known.get(str(node.target), "") for node in calls]
        for node, name in zip(calls, names, strict=True):
            users = [str(user.target) for user in node.users if user.op == "call_module"]
            pairs[name] = known.get(users[0], "") if len(node.users) == len(users) == 1 else ""
            if names.count(name) > 1 or names.count(pairs[name]) > 1:
                pairs[name] = ""
    found = {known.get(first, ""): known.get(second, "") for first, second in pairs.items()}
    return {
        first: second
        for first, second in found.items()
        if second and _is_convolution(parts[first]) and _foldable(parts[second])
    }


def find_convolution(model: nn.Module, layer: str) -> tuple[str, nn.Module]:
    """Name and module of a convolution; raises the errors of `filters`."""
    module, known = plain(model), _convolutions(model)
    there = f"{type_name(module)} has no convolution"
    if known:
        there = f"convolutions: {listing([name or OUTPUT for name in known])}"
    try:
        name = find_layer(module_names(module), layer)[0]
    except LookupError:
        raise LookupError(unknown(f"no layer {layer!r}", layer, known, there)) from None
    if name not in known:
        part = module.get_submodule(name)
        what = "not a convolution"
        if isinstance(part, _ConvNd):
            what = "which does not convolve its input with weights of its own alone"
        raise TypeError(f"layer {layer!r} is a {type_name(part)}, {what}; {there}")
    return name, known[name]


def _convolutions(model: nn.Module) -> dict[str, nn.Module]:
    module = plain(model)
    known = module_names(module)
    return {name: part for name, part in module.named_modules() if name in known and _is_convolution(part)}


def _is_convolution(part: Any) -> bool:
    """By what it does where it can be run, else by its attributes: quantised, scripted and deformable ones."""
    leaf = next(part.children(), None) is None or nn.utils.parametrize.is_parametrized(part)
    if not leaf or not all(hasattr(part, name) for name in ("in_channels", "out_channels", "kernel_size", "groups")):
        return False
    if isinstance(part, _ConvNd):
        if is_plain(part) and "weight" in vars(part):  # no parameter: another part of the network puts it there
            return False
        core = does(part)
        return core is not None and issubclass(core[0], _ConvNd)
    with looking(nn.Sequential(part)) as network:  # computing a weight may write to buffers
        weight = getattr(network.get_submodule("0"), "weight", None)
        weight = weight() if callable(weight) else weight
    return isinstance(weight, torch.Tensor) and weight.ndim > 2


def _row(name: str, part: Any) -> Layer:
    kernel = tuple(part.kernel_size) if isinstance(part.kernel_size, (tuple, list)) else (part.kernel_size,) * 2
    kernel = (1, *kernel) if len(kernel) == 1 else kernel
    return Layer(
        name=name or OUTPUT,
        module=name,
        type=type_name(part),
        call=1,
        kind="maps",
        shape=(part.out_channels, part.in_channels // part.groups, *kernel),
        layout="first",
        dtype=None,
        batch_axis=None,
        planes=kernel[0] if len(kernel) == 3 else 1,
        parameters=sum(parameter.numel() for parameter in part.parameters()),
        macs=None,
        ran=True,
        leaf=True,
        repeats=False,
        reason=None,
    )


def effective(part: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Weight and bias that the next call of a convolution would use; in quantised modules they are methods.

    Raises
    ------
    UnknownArithmetic
        There are no such weights: each image has its own, or what it does cannot be followed.
    """
    if not is_plain(part):
        try:
            return _seen(part)
        except UnknownArithmetic:
            if isinstance(part, _ConvNd):
                raise
    weight, bias = (value() if callable(value) else value for value in map(_own(part), ("weight", "bias")))
    return weight, bias


def _seen(part: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Weight and bias that it takes when it is run."""
    given = sample(part)
    cores: list[Any] = [arithmetic(part, values).module for values in (given, given.flip(-1))]
    if not all(isinstance(core, _ConvNd) for core in cores):
        raise UnknownArithmetic("does not convolve its input")
    (weight, bias), (other, _) = ((core.weight, core.bias) for core in cores)
    if weight.shape != other.shape or not torch.equal(weight, other):
        raise UnknownArithmetic("has other weights for each image")
    return weight, bias


def _own(part: nn.Module) -> Callable[[str], Any]:
    return lambda name: None if isinstance(value := getattr(part, name, None), bool) else value


def _foldable(part: nn.Module) -> bool:
    """A BatchNorm with statistics, which does nothing else: an activation behind it cannot be folded."""
    if not isinstance(part, nn.modules.batchnorm._BatchNorm) or part.running_mean is None:
        return False
    core = does(part)
    return core is not None and not core[1]
