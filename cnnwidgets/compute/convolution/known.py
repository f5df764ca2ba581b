"""Which layers can be explained: by what their class is known to do, or by what they make of numbers."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from ..arithmetic import does, is_plain
from ..core import named_parts, plain
from ..shadow import looking
from .pooling import POOLINGS
from .rules import rule_of

EXPLAINED = (_ConvNd, *POOLINGS, nn.Linear, _BatchNorm)
"""Modules whose arithmetic is explained by what they hold."""
EXPLAINS = "convolutions, pooling, Linear, BatchNorm, activations and softmax"

_ruled: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()
_of_class: dict[tuple[type[nn.Module], str], bool] = {}
"""Of torch's own classes without weights: class and settings say all."""


def explainable(module: nn.Module) -> bool:
    """Whether `explain` knows the arithmetic of `module`: convolution, pooling, Linear, BatchNorm, activation, softmax.

    One of a class that is not torch's own is run once on a small input: it may do more than its base class says. So is
    every other layer that holds no further ones: what it makes of numbers tells whether it is an activation.
    """
    if isinstance(module, torch.jit.ScriptModule):
        return False
    return does(module) is not None if isinstance(module, EXPLAINED) else ruled(module)


def ruled(module: nn.Module) -> bool:
    """Whether `module` is an activation or softmax, by what it makes of numbers."""
    if next(module.children(), None) is not None or isinstance(module, (nn.modules.dropout._DropoutNd, nn.Identity)):
        return False
    if is_plain(module) and next(module.parameters(), None) is None:
        key = type(module), module.extra_repr()
        if key not in _of_class:
            _of_class[key] = _is_ruled(module)
        return _of_class[key]
    if module not in _ruled:
        _ruled[module] = _is_ruled(module)
    return _ruled[module]


def _is_ruled(module: nn.Module) -> bool:
    weights = list(module.parameters())
    if len(weights) > 1 or any(weight.ndim != 1 or weight.is_meta for weight in weights):
        return False
    like: dict[str, Any] = {"device": weights[0].device, "dtype": weights[0].dtype} if weights else {}
    given = torch.empty(1, len(weights[0]) if weights and len(weights[0]) > 1 else 3, 4, 5, **like)
    with looking(nn.Sequential(module)) as network:  # a layer without weights is no network by itself
        try:
            return rule_of(network.get_submodule("0").forward, given) is not None
        except Exception:  # it takes other numbers, or other forms
            return False


def explainable_layers(model: nn.Module) -> list[str]:
    """Names of the layers of `model` whose arithmetic `explain` knows."""
    return [name for name, part in named_parts(plain(model)).items() if explainable(part)]
