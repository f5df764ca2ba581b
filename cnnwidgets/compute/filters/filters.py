"""The filters of convolutions: their kernels, norms and similarity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ...late import imported
from ..arithmetic import UnknownArithmetic
from ..core import OUTPUT, check_numbers, gathered
from ..layers import describe_module, type_name
from ..shadow import looking
from .conv_layers import batch_norms, effective, find_convolution

Order = Literal["index", "norm", "sparsity", "similarity"]
ORDERS: tuple[Order, ...] = ("index", "norm", "sparsity", "similarity")

NEAR_ZERO = 0.01
"""A weight counts as zero up to this fraction of the layer's largest magnitude."""
NEAR_DEAD = 0.01
"""A filter counts as near-dead below this fraction of the median norm of its layer."""
OPTIMAL = 512
"""Maximum number of filters for optimal leaf ordering, which takes too long beyond."""


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of one convolution: a copy that later training does not change.

    Attributes
    ----------
    layer : str
        Name of the layer.
    description : str
        Short description of the module, `Conv2d(3, 64, 7×7)`.
    weights : torch.Tensor
        (filters, channels, kH, kW) on the CPU: one kernel for each output channel and each input channel that it
        reads. (filters, channels, 1, k) for one dimension, (filters, channels, kD, kH, kW) for three. Those of a
        transposed convolution are transposed to this order; its kernels are not flipped.
    bias : torch.Tensor or None
        (filters,), added to every pixel of the filter's output.
    groups : int
        Groups that filters and input channels are split into; one per input channel in a depthwise convolution.
    norm_layer : str
        The BatchNorm that is folded in; empty if none is.
    """

    layer: str
    description: str
    weights: torch.Tensor
    bias: torch.Tensor | None
    groups: int = 1
    norm_layer: str = ""

    def __repr__(self) -> str:
        sizes = " x ".join(map(str, self.weights.shape[2:]))
        bias = "no bias" if self.bias is None else "bias"
        folded = f", {self.norm_layer} folded in" if self.norm_layer else ""
        return (
            f"Filters of {self.layer}, {self.description}: {self.count:,} x {self.channels:,} x {sizes}, {bias}{folded}"
        )

    @property
    def count(self) -> int:
        """Number of filters: output channels."""
        return self.weights.shape[0]

    @property
    def channels(self) -> int:
        """Kernels per filter: the input channels that it reads."""
        return self.weights.shape[1]

    @property
    def planes(self) -> int:
        """Slices of a kernel: its depth for three dimensions, else 1."""
        return self.weights.shape[2] if self.weights.ndim == 5 else 1

    @cached_property
    def inputs(self) -> torch.Tensor:
        """(filters, channels): the number of the input channel that each kernel reads."""
        group = torch.arange(self.count) // (self.count // self.groups)
        return group[:, None] * self.channels + torch.arange(self.channels)

    def kernels(self, plane: int = 0) -> torch.Tensor:
        """(filters, channels, kH, kW): the weights, of three dimensions slice `plane`."""
        if not 0 <= plane < self.planes:
            raise IndexError(f"plane {plane} is out of range: layer {self.layer!r} has {self.planes}")
        return self.weights[:, :, plane] if self.weights.ndim == 5 else self.weights

    @cached_property
    def norms(self) -> torch.Tensor:
        """(filters,): Euclidean norm of each filter, over all its kernels, without the bias."""
        return self.weights.flatten(1).norm(dim=1)

    @cached_property
    def largest(self) -> float:
        """The largest finite magnitude of a weight in the layer; 0 where all are 0 or none is finite."""
        low, high = self.weights.aminmax()
        if not (low.isfinite() and high.isfinite()):
            low, high = self.weights.nan_to_num(0, 0, 0).aminmax()
        return max(-float(low), float(high))

    @property
    def threshold(self) -> float:
        """Magnitude up to which a weight counts as zero: `NEAR_ZERO` times the largest of the layer."""
        return NEAR_ZERO * self.largest

    @cached_property
    def sparsity(self) -> torch.Tensor:
        """(filters,): fraction of the weights, 0 to 1, whose magnitude is at most `threshold`."""
        return (self.weights.abs() <= self.threshold).flatten(1).float().mean(1)

    @cached_property
    def near_dead(self) -> torch.Tensor:
        """(filters,) of bool: norm below `NEAR_DEAD` times the median norm of the layer, or 0."""
        return (self.norms < NEAR_DEAD * self.norms.nanmedian()) | (self.norms == 0)

    def order(self, by: Order = "index") -> torch.Tensor:
        """(filters,): indices of the filters in the given order.

        Parameters
        ----------
        by : str
            `index`: the network's order. `norm`: the largest norm first. `sparsity`: the sparsest first.
            `similarity`: similar filters next to each other, as the leaves of a hierarchical clustering
            (average linkage of the cosine distance, `scipy.cluster.hierarchy`); up to `OPTIMAL` filters with
            optimal leaf ordering (Bar-Joseph, Gifford and Jaakkola, "Fast optimal leaf ordering for
            hierarchical clustering", Bioinformatics 17, 2001).

        Raises
        ------
        ValueError
            Unknown order.
        """
        if by not in ORDERS:
            raise ValueError(f"unknown order {by!r}; allowed: {', '.join(map(repr, ORDERS))}")
        if by == "similarity" and self.count > 2:
            return _by_similarity(self.weights.flatten(1))
        if by == "norm":
            return self.norms.argsort(descending=True, stable=True)
        if by == "sparsity":
            return self.sparsity.argsort(descending=True, stable=True)
        return torch.arange(self.count)


def filters(model: nn.Module, layer: str, *, folded: bool = False) -> Filters:
    """The filters of convolution `layer`. Runs no forward pass.

    Layers of a class that is not torch's own (standardised weights) are run by themselves on a small input: what is
    shown are the weights that they convolve with.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; never changed.
    layer : str
        Dotted name of a convolution of one, two or three dimensions, transposed, grouped or depthwise too. Computed
        weights (parametrised, pruned, weight or spectral norm) are returned as the layer uses them, quantised ones
        dequantised.
    folded : bool
        Fold the BatchNorm after the layer into weights and bias, as it is applied in evaluation mode
        (`torch.nn.utils.fusion.fuse_conv_bn_weights`).

    Returns
    -------
    Filters

    Raises
    ------
    LookupError
        There is no such layer; the message suggests the nearest convolution and lists them.
    TypeError
        The layer is not a convolution, or not with weights of its own; the message names its type and lists the
        convolutions.
    ValueError
        `folded` is set and no BatchNorm with fixed statistics is known to follow; or the weights are on the device
        `meta`.
    """
    check_numbers(model)
    name, _ = find_convolution(model, layer)
    with looking(model) as module:
        part = dict(module.named_modules())[name]
        try:
            weights, bias = effective(part)
        except UnknownArithmetic as error:
            raise TypeError(f"layer {name!r} has no filters to show: its class {type_name(part)} {error}") from error
        if weights.is_meta:
            raise ValueError(f"the weights of layer {name!r} are on the meta device, which holds no numbers")
        weights = _numbers(weights)
        groups: Any = part.groups
        if getattr(part, "transposed", False):  # (channels, filters in a group, ...)
            split = weights.unflatten(0, (groups, -1))
            weights = split.transpose(1, 2).flatten(0, 1)
        if weights.ndim == 3:
            weights = weights[:, :, None]
        bias = None if bias is None else _numbers(bias)
        found = Filters(name or OUTPUT, describe_module(part), weights, bias, groups)
        if not folded:
            return found
        norm_layer = batch_norms(module).get(name)
        if norm_layer is None:
            raise ValueError(
                f"layer {name!r} cannot be folded: no BatchNorm is known to be the only consumer of its output"
            )
        if module.get_submodule(norm_layer).training:  # in evaluation mode too, by its own train()
            raise ValueError(f"layer {name!r} cannot be folded: {norm_layer!r} takes the statistics of each batch")
        return fold(found, module, norm_layer)


def _numbers(value: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU as real numbers in single or double precision."""
    value = gathered(value.detach())
    value = value.dequantize() if value.is_quantized else value.abs() if value.is_complex() else value
    return value.to("cpu", torch.float64 if value.dtype == torch.float64 else torch.float32, copy=True)


def fold(found: Filters, module: nn.Module, norm_layer: str) -> Filters:
    """Filters equivalent to `found` followed by the BatchNorm `norm_layer`."""
    norm: Any = module.get_submodule(norm_layer)
    mean, variance, scale, shift = (
        None if value is None else _numbers(value)
        for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    weights, bias = fuse_conv_bn_weights(found.weights, found.bias, mean, variance, norm.eps, scale, shift)  # type: ignore[arg-type]
    return replace(found, weights=weights.detach(), bias=bias.detach(), norm_layer=norm_layer)


def _by_similarity(vectors: torch.Tensor) -> torch.Tensor:
    hierarchy = imported("scipy.cluster.hierarchy")

    vectors = torch.nn.functional.normalize(vectors.double().nan_to_num(0, 0, 0), dim=1)
    rows, columns = torch.triu_indices(len(vectors), len(vectors), 1)
    distances = (1 - vectors @ vectors.T)[rows, columns].clamp(0, 2).numpy()
    tree = hierarchy.linkage(distances, "average", optimal_ordering=len(vectors) <= OPTIMAL)
    return torch.from_numpy(hierarchy.leaves_list(tree)).long()
