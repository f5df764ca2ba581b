"""Linear and BatchNorm at one position: weights, and a bias."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from .explanation import Explanation, checked_channel, checked_unit, tolerance


def explain_linear(
    module: nn.Linear, given: torch.Tensor, output: torch.Tensor, layer: str, channel: int, unit: int | Sequence[int]
) -> Explanation:
    """The sum over all features, weighted, and the bias."""
    channel = checked_channel(channel, module.out_features, layer)
    if given.ndim == 1:
        given, output = given[None], output[None]
    at = checked_unit(unit, output.shape[:-1], layer, "its position in the sequence or map")
    patch, kernel = given[at].double().cpu(), module.weight[channel].detach().double().cpu()
    bias = 0.0 if module.bias is None else float(module.bias[channel].detach())
    terms = patch * kernel
    total = float(terms.sum())
    return Explanation(
        layer=layer,
        type=type(module).__name__,
        kind="linear",
        channel=channel,
        unit=at[1:],
        value=float(output[(*at, channel)]),
        index=(*at, channel),
        result=total + bias,
        tolerance=tolerance(output.dtype, float(terms.abs().sum()) + abs(bias), module.weight.device),
        steps=(
            (f"sum over {len(patch):,} features", total),
            ("bias", bias),
            ("sum + bias", total + bias),
        ),
        patch=patch,
        inputs=range(len(patch)),
        kernel=kernel,
        bias=bias,
    )


def explain_normalization(
    module: Any, given: torch.Tensor, output: torch.Tensor, layer: str, channel: int, unit: int | Sequence[int]
) -> Explanation:
    """One number minus the mean of its channel, divided by the deviation, times the weight, plus the bias."""
    channel = checked_channel(channel, module.num_features, layer)
    batch, *at = checked_unit(unit, (output.shape[0], *output.shape[2:]), layer)
    values = given[:, channel].double()
    if (
        module.running_mean is None or module.running_var is None
    ):  # then the batch statistics are used in evaluation mode too
        mean, variance = float(values.mean()), float(values.var(correction=0))
    else:
        mean, variance = float(module.running_mean[channel]), float(module.running_var[channel])
    weight = 1.0 if module.weight is None else float(module.weight[channel].detach())
    bias = 0.0 if module.bias is None else float(module.bias[channel].detach())
    x, deviation = float(values[(batch, *at)]), math.sqrt(variance + module.eps)
    result = (x - mean) / deviation * weight + bias
    return Explanation(
        layer=layer,
        type=type(module).__name__,
        kind="normalization",
        channel=channel,
        unit=tuple(at),
        value=float(output[(batch, channel, *at)]),
        index=(batch, channel, *at),
        result=result,
        tolerance=tolerance(output.dtype, (abs(x) + abs(mean)) / deviation * abs(weight) + abs(bias)),
        steps=(
            ("input x", x),
            (f"x − mean, {mean:.4g}", x - mean),
            (f"divided by √(variance + eps), {deviation:.4g}", (x - mean) / deviation),
            (f"times weight, {weight:.4g}", (x - mean) / deviation * weight),
            (f"plus bias, {bias:.4g}", result),
        ),
        patch=torch.full((1, *(1,) * len(at)), x, dtype=torch.double),
        inputs=range(channel, channel + 1),
        positions=tuple((place,) for place in at),
        bias=bias,
    )
