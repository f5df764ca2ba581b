"""The convolutions of a model, their effective weights, and the BatchNorm that follows each."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import nn

from ..core import find_layer, listing, module_names, plain, unknown
from ..layers import Layer, LayerTable, trace, type_name


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
    there = f"convolutions: {listing(list(known))}" if known else f"{type_name(module)} has no convolution"
    try:
        name = find_layer(module_names(module), layer)[0]
    except LookupError:
        raise LookupError(unknown(f"no layer {layer!r}", layer, known, there)) from None
    if name not in known:
        owner = type_name(module.get_submodule(name))
        raise TypeError(f"layer {layer!r} is a {owner}, not a convolution; {there}")
    return name, known[name]


def _convolutions(model: nn.Module) -> dict[str, nn.Module]:
    module = plain(model)
    known = module_names(module)
    return {name: part for name, part in module.named_modules() if name in known and _is_convolution(part)}


def _is_convolution(part: nn.Module) -> bool:
    """By class, or by its attributes: quantised, scripted and deformable convolutions have separate classes."""
    if isinstance(part, nn.modules.conv._ConvNd):
        return True
    leaf = next(part.children(), None) is None
    return leaf and all(hasattr(part, name) for name in ("in_channels", "out_channels", "kernel_size", "groups"))


def _row(name: str, part: Any) -> Layer:
    kernel = tuple(part.kernel_size) if isinstance(part.kernel_size, (tuple, list)) else (part.kernel_size,) * 2
    kernel = (1, *kernel) if len(kernel) == 1 else kernel
    return Layer(
        name=name,
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


def effective(part: nn.Module, name: str) -> Any:
    """The tensor `name` as the next call of the module would use it; in quantised modules it is a method."""
    value = getattr(part, name, None)
    for hook in getattr(part, "_forward_pre_hooks", {}).values():  # these recompute it at each call
        if hasattr(hook, "apply_mask") and hook._tensor_name == name:
            value = hook.apply_mask(part)
        elif hasattr(hook, "compute_weight") and hook.name == name:
            spectral = hasattr(hook, "n_power_iterations")
            value = hook.compute_weight(part, False) if spectral else hook.compute_weight(part)
    return value() if callable(value) and not isinstance(value, torch.Tensor) else value


def _foldable(part: nn.Module) -> bool:
    return isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is not None
