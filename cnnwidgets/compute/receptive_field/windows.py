"""Operations with windows, or that mix the positions of an axis: convolution, pooling, padding, upsampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F

from .boxes import NOTHING, Call, PixelBox, thin


def convolved(call: Call) -> PixelBox:
    """A convolution unites the boxes in its window, over all channels of a group."""
    sizes = call["weight"].shape[2:]
    stride, padding, dilation = (call.numbers(name, len(sizes)) for name in ("stride", "padding", "dilation"))
    places = [*map(_positions, call.shape[2:], sizes, stride, padding, dilation)]
    groups, channels = call["groups"], call.shape[1]
    return call.of_input(lambda known: _windows(_channels(known, groups, channels), call.shape, places, stride))


def pooled(call: Call) -> PixelBox:
    """Maximum and average pooling unite the boxes in the window."""
    axes = _axes(call)
    sizes = call.numbers("kernel_size", axes)
    stride = call.numbers("stride", axes) if call["stride"] else sizes
    padding, dilation = call.numbers("padding", axes), call.numbers("dilation", axes)
    places = [*map(_positions, call.shape[-axes:], sizes, stride, padding, dilation)]
    return call.of_input(lambda known: _windows(known, call.shape, places, stride))


def padded(call: Call) -> PixelBox:
    """Padding counts as image, as in a convolution; along other axes it repeats the adjacent boxes."""
    pads, shape = list(call["pad"]), call.shape
    before = pads[-2::-2]
    places = [
        torch.arange(-first, size - first)[:, None] for first, size in zip(before, shape[-len(before) :], strict=True)
    ]
    return call.of_input(lambda known: _windows(known, shape, places, [1, 1]))


def _window(edge: torch.Tensor, axis: int, places: torch.Tensor, slope: float, period: int) -> torch.Tensor:
    """Union over positions: `places` (windows, positions in one) may lie before the first and past the last.

    Beyond the ends an edge is extrapolated by `slope` pixels per position.
    """
    size = edge.shape[axis]
    period = min(period, size)
    past = size - period + (places - size) % period
    inside = torch.where(places < 0, places % period, torch.where(places >= size, past, places))
    taken = edge.movedim(axis, -1)[..., inside] + (places - inside) * slope
    return taken.amax(-1).movedim(-1, axis)


def _windows(known: PixelBox, shape: Sequence[int], places: Sequence[torch.Tensor], stride: Sequence[int]) -> PixelBox:
    """`known` seen through a window on each of the last axes; `shape` is that of the output."""
    edges = []
    for corner, edge in enumerate(known.edges):
        side = corner % 2  # 0 for top and bottom, which vary along the rows; 1 for left and right
        onwards = known.step[side] if corner > 1 else -known.step[side]
        edge = thin(edge)
        for axis, positions in zip(range(-len(places), 0), places, strict=True):
            slope = onwards if axis == side - 2 else 0.0
            if edge.shape[axis] > 1 or (known.shape[axis] == 1 and slope):
                edge = _window(edge, axis, positions, slope, known.period[side])
        edges.append(edge)
    rows, columns = [1, *stride][-2:]
    step = known.step[0] * rows, known.step[1] * columns
    period = known.period[0] // math.gcd(known.period[0], rows), known.period[1] // math.gcd(known.period[1], columns)
    return replace(known, edges=tuple(edge.expand(tuple(shape)) for edge in edges), step=step, period=period)


def _positions(count: int, size: int, stride: int, padding: int, dilation: int) -> torch.Tensor:
    return torch.arange(count)[:, None] * stride - padding + dilation * torch.arange(size)


def _channels(known: PixelBox, groups: int, channels: int) -> PixelBox:
    """Every output channel depends on all input channels of its group."""
    edges = []
    for edge in map(thin, known.edges):
        if groups > 1 and edge.shape[1] > 1:
            edge = edge.unflatten(1, (groups, -1)).amax(2).repeat_interleave(channels // groups, 1)
        elif edge.shape[1] > 1:
            edge = edge.amax(1, keepdim=True)
        edges.append(edge.expand(known.shape[0], channels, *known.shape[2:]))
    return replace(known, edges=tuple(edges))


# ---------------------------------------------------------------------- mixtures of positions


def spread(call: Call) -> PixelBox:
    """A transposed convolution: which outputs each position contributes to, determined with kernels of ones."""
    sizes = call["weight"].shape[2:]
    axes = len(sizes)
    names = ("stride", "padding", "output_padding", "dilation")
    stride, padding, more, dilation = (call.numbers(name, axes) for name in names)
    matrices = []
    for axis, count in enumerate(call["input"].shape[2:]):
        each, ones = torch.eye(count)[:, None], torch.ones(1, 1, sizes[axis])
        reached = F.conv_transpose1d(each, ones, None, stride[axis], padding[axis], more[axis], 1, dilation[axis])
        matrices.append(reached[:, 0] != 0)
    groups, channels = call["groups"], call.shape[1]
    return call.of_input(lambda known: _mixed(_channels(known, groups, channels), call.shape, matrices, stride))


def resampled(call: Call) -> PixelBox:
    """Adaptive pooling and upsampling: which positions each output mixes, determined one position at a time."""
    axes, image = _axes(call), call.args[0]
    matrices, factors = [], []
    for axis in range(-axes, 0):
        count = image.shape[axis]
        each = torch.eye(count, dtype=image.dtype if image.is_floating_point() else None)
        if "adaptive" in call.name:
            mixture = F.adaptive_avg_pool1d(each[None], call.shape[axis])[0]
        else:
            alone = [count if a == axis else 1 for a in range(-axes, 0)]
            done = call.func(each.reshape(1, count, *alone), *call.args[1:], **call.kwargs)
            mixture = done[0].movedim(axis, 1).flatten(2)[..., 0]
        matrices.append(mixture != 0)
        factors.append(call.shape[axis] / count)
    return call.of_input(lambda known: _mixed(known, call.shape, matrices, factors))


def _mixed(
    known: PixelBox, shape: Sequence[int], matrices: Sequence[torch.Tensor], factors: Sequence[float]
) -> PixelBox:
    """`known` if output m depends on position n of an axis where `matrix[n, m]`; axes grow by `factors`."""
    edges = []
    for edge in map(thin, known.edges):
        for axis, matrix in zip(range(-len(matrices), 0), matrices, strict=True):
            if edge.shape[axis] > 1:
                given = edge.movedim(axis, -1)[..., None]
                edge = torch.where(matrix, given, NOTHING).amax(-2).movedim(-1, axis)
        edges.append(edge)
    rows, columns = [1.0, *factors][-2:]
    return enlarged(replace(known, edges=tuple(edge.expand(tuple(shape)) for edge in edges)), rows, columns)


def enlarged(known: PixelBox, rows: float, columns: float) -> PixelBox:
    """`known` with `rows` times as many rows and `columns` times as many columns for the same pixels."""
    step = known.step[0] / rows, known.step[1] / columns
    period = [
        old * int(factor) if factor == int(factor) else 1
        for old, factor in zip(known.period, (rows, columns), strict=True)
    ]
    return replace(known, step=step, period=(period[0], period[1]))


def _axes(call: Call) -> int:
    """Number of axes of `max_pool2d` and similar."""
    return next(int(letter) for letter in call.name if letter in "123")
