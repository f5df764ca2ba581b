"""Pooling at one position: the maximum of the window and its pixel, or the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _MaxPoolNd

from .convolution import gather
from .explanation import Explanation, checked_channel, checked_unit, tolerance

POOLINGS = (_MaxPoolNd, _AvgPoolNd, _AdaptiveMaxPoolNd, _AdaptiveAvgPoolNd)

_AXES = (
    (nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d),
    (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d),
)


class AxisWindow(NamedTuple):
    """A pooling window along one axis: its input positions, and the divisor of an average."""

    positions: tuple[int, ...]
    counted: int


def axes_of(module: nn.Module) -> int:
    """Number of axes that `module` pools: 1, 2 or 3."""
    return next((axes for axes, types in enumerate(_AXES, 1) if isinstance(module, types)), 3)


def is_maximum(module: nn.Module) -> bool:
    """Whether a pooling layer takes the largest number, and not the mean."""
    return isinstance(module, (_MaxPoolNd, _AdaptiveMaxPoolNd))


def window(module: Any, axis: int, at: int, size: int, outputs: int) -> AxisWindow:
    """The window of output `at` of `outputs` along `axis`, on an input of `size`; without padding."""
    if isinstance(module, (_AdaptiveMaxPoolNd, _AdaptiveAvgPoolNd)):
        start, stop = at * size // outputs, -(-(at + 1) * size // outputs)
        return AxisWindow(tuple(range(start, stop)), stop - start)
    kernel = _along(module.kernel_size, axis)
    stride = _along(module.stride, axis) if module.stride is not None else kernel
    padding = _along(module.padding, axis)
    dilation = _along(getattr(module, "dilation", 1), axis)
    start = at * stride - padding
    places = (start + dilation * k for k in range(kernel))
    inside = tuple(place for place in places if 0 <= place < size)
    padded = min(start + kernel, size + padding) - start  # a window added by ceil_mode may extend beyond the padding
    return AxisWindow(inside, padded if getattr(module, "count_include_pad", False) else len(inside))


def explain_pooling(
    module: nn.Module, given: torch.Tensor, output: torch.Tensor, layer: str, channel: int, unit: int | Sequence[int]
) -> Explanation:
    """One output value of a pooling layer: `maximum` or `mean`.

    Parameters
    ----------
    module : torch.nn.MaxPool1d, AvgPool2d, AdaptiveAvgPool3d ...
        The layer.
    given, output : torch.Tensor
        (N, C, *size), or without N: input and output of the layer.
    layer, channel, unit
        As for `explain`.
    """
    axes = axes_of(module)
    if given.ndim == axes + 1:
        given, output = given[None], output[None]
    channel = checked_channel(channel, output.shape[1], layer)
    batch, *at = checked_unit(unit, (output.shape[0], *output.shape[2:]), layer)
    windows = [window(module, axis, at[axis], given.shape[2 + axis], output.shape[2 + axis]) for axis in range(axes)]
    positions = tuple(found.positions for found in windows)
    patch = gather(given[batch, channel : channel + 1], positions)
    winner, count = None, math.prod(found.counted for found in windows)
    if is_maximum(module):
        best, slack = int(patch.argmax()), 0.0
        result = float(patch.flatten()[best])
        place = torch.unravel_index(torch.tensor(best), patch.shape[1:])
        winner = tuple(row[int(k)] for row, k in zip(positions, place, strict=True))
        steps = [(f"largest of {patch.numel()} numbers", result)]
    else:
        count = getattr(module, "divisor_override", None) or count
        total = float(patch.sum())
        result = total / count
        slack = tolerance(output.dtype, float(patch.abs().sum()) / abs(count))
        steps = [(f"sum of {patch.numel()} numbers", total), (f"divided by {count}", result)]
    return Explanation(
        layer=layer,
        type=type(module).__name__,
        kind="mean" if winner is None else "maximum",
        channel=channel,
        unit=tuple(at),
        value=float(output[(batch, channel, *at)]),
        index=(batch, channel, *at),
        result=result,
        tolerance=slack,
        steps=tuple(steps),
        patch=patch,
        inputs=range(channel, channel + 1),
        positions=positions,
        winner=winner,
    )


def _along(value: Any, axis: int) -> int:
    """A setting along one axis: modules store one number, or one per axis."""
    return int(value[axis]) if isinstance(value, (tuple, list)) else int(value)
