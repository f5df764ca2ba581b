"""Convolution at one position: patch, kernel, product and sum. Also without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from .explanation import Explanation, checked_channel, checked_unit, tolerance

Pair = int | Sequence[int]


class Taps(NamedTuple):
    """Along one axis, for each kernel tap in use: its position in the input, and the index that it reads."""

    positions: tuple[int, ...]
    """Rows or columns of the input; negative, or past the end, in the padding."""
    sources: tuple[int, ...]
    """The row or column whose value is read; -1 for a padded zero."""
    weights: tuple[int, ...]
    """The row or column of the kernel."""


def taps(
    at: int, size: int, *, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, mode: str = "zeros"
) -> Taps:
    """Taps of output `at` of a convolution along an axis of `size`, with `padding` before the first value."""
    positions = tuple(at * stride - padding + dilation * k for k in range(kernel))
    return Taps(positions, tuple(_source(position, size, mode) for position in positions), tuple(range(kernel)))


def transposed_taps(at: int, size: int, *, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Taps:
    """The same for a transposed convolution: input i adds weight k to output i * stride - padding + k * dilation."""
    pairs = []
    for k in reversed(range(kernel)):
        position, between = divmod(at + padding - dilation * k, stride)
        if not between and 0 <= position < size:
            pairs.append((position, k))
    positions = tuple(position for position, _ in pairs)
    return Taps(positions, positions, tuple(k for _, k in pairs))


def _source(position: int, size: int, mode: str) -> int:
    if 0 <= position < size:
        return position
    if mode == "reflect":
        return -position if position < 0 else 2 * (size - 1) - position
    if mode == "replicate":
        return 0 if position < 0 else size - 1
    if mode == "circular":
        return position % size
    return -1


def gather(values: torch.Tensor, axes: Sequence[Sequence[int]]) -> torch.Tensor:
    """Elements (C, *k) of `values` (C, *size) at these rows, columns ...; 0 where one is -1."""
    for axis, places in enumerate(axes, 1):
        index = torch.tensor(places, dtype=torch.long, device=values.device)
        values = values.index_select(axis, index.clamp(min=0))
        outside = (index < 0).reshape(-1, *(1,) * (values.ndim - axis - 1))
        if outside.any():
            values = values.masked_fill(outside, 0)
    return values.double().cpu()


def module_taps(module: _ConvNd, at: Sequence[int], sizes: Sequence[int]) -> list[Taps]:
    """The input taps of the output of `module` at `at`, one entry per axis of the input of `sizes`."""
    return [axis_taps(module, axis, place, size) for axis, (place, size) in enumerate(zip(at, sizes, strict=True))]


def axis_taps(module: _ConvNd, axis: int, at: int, size: int) -> Taps:
    """The same along one axis."""
    kernel, stride, dilation = module.kernel_size[axis], module.stride[axis], module.dilation[axis]
    if isinstance(module.padding, str):
        padding = dilation * (kernel - 1) // 2 if module.padding == "same" else 0
    else:
        padding = int(module.padding[axis])
    given = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    if isinstance(module, _ConvTransposeNd):
        return transposed_taps(at, size, **given)
    return taps(at, size, mode=module.padding_mode, **given)


def filter_of(module: _ConvNd, channel: int) -> tuple[range, torch.Tensor]:
    """The input channels of output `channel`, and its weights for them: (C', *k)."""
    ins, outs = module.in_channels // module.groups, module.out_channels // module.groups
    group = channel // outs
    inputs = range(group * ins, (group + 1) * ins)
    weights = module.weight.detach()
    if isinstance(module, _ConvTransposeNd):
        return inputs, weights[inputs.start : inputs.stop, channel % outs]
    return inputs, weights[channel]


def explain_convolution(
    module: _ConvNd, given: torch.Tensor, output: torch.Tensor, layer: str, channel: int, unit: int | Sequence[int]
) -> Explanation:
    """One output value of a convolution, grouped, dilated, strided, padded or transposed.

    Parameters
    ----------
    module : torch.nn.Conv1d, Conv2d, Conv3d or ConvTranspose1d, 2d, 3d
        The layer.
    given, output : torch.Tensor
        (N, C, *size), or without N: input and output of the layer.
    layer, channel, unit
        As for `explain`.
    """
    axes = len(module.kernel_size)
    if given.ndim == axes + 1:
        given, output = given[None], output[None]
    channel = checked_channel(channel, module.out_channels, layer)
    batch, *at = checked_unit(unit, (output.shape[0], *output.shape[2:]), layer)
    found = module_taps(module, at, given.shape[2:])
    inputs, kernels = filter_of(module, channel)
    patch = gather(given[batch, inputs.start : inputs.stop], [tap.sources for tap in found])
    kernel = gather(kernels, [tap.weights for tap in found])
    bias = 0.0 if module.bias is None else float(module.bias[channel].detach())
    terms = patch * kernel
    total = float(terms.sum())
    what = f"sum over {len(inputs):,} input channels" if len(inputs) > 1 else "sum of the products"
    return Explanation(
        layer=layer,
        type=type(module).__name__,
        kind="convolution",
        channel=channel,
        unit=tuple(at),
        value=float(output[(batch, channel, *at)]),
        index=(batch, channel, *at),
        result=total + bias,
        tolerance=tolerance(output.dtype, float(terms.abs().sum()) + abs(bias), module.weight.device),
        steps=((what, total), ("bias", bias), ("sum + bias", total + bias)),
        patch=patch,
        inputs=inputs,
        positions=tuple(tap.positions for tap in found),
        kernel=kernel,
        bias=bias,
    )


@dataclass(frozen=True, eq=False)
class Slide:
    """The cross-correlation of an image with a kernel.

    Attributes
    ----------
    image, kernel : torch.Tensor
        (H, W) and (kH, kW) float64.
    output : torch.Tensor
        (H', W') float64.
    module : torch.nn.Conv2d
        What computes it.
    """

    image: torch.Tensor
    kernel: torch.Tensor
    output: torch.Tensor
    module: nn.Conv2d

    def __repr__(self) -> str:
        sizes = {name: " x ".join(map(str, getattr(self, name).shape)) for name in ("image", "kernel", "output")}
        return "Slide: image {image}, kernel {kernel}, output {output}".format(**sizes)

    def at(self, unit: Sequence[int]) -> Explanation:
        """Computation of the output at `unit` (row, column): patch, product, sum and cosine."""
        return explain_convolution(self.module, self.image[None], self.output[None], "", 0, unit)


def slide(
    image: Any, kernel: Any, *, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1, bias: float = 0.0
) -> Slide:
    """Slide a kernel over a small image, as `torch.nn.functional.conv2d` does: cross-correlation.

    Parameters
    ----------
    image, kernel : array of numbers
        (H, W) and (kH, kW): nested lists, NumPy arrays or tensors.
    stride, padding, dilation : int or (rows, columns)
        As in `torch.nn.Conv2d`; the padding is zeros.
    bias : float
        Added to every sum.

    Returns
    -------
    Slide
        `output` (H', W'), with H' = (H + 2 padding - dilation (kH - 1) - 1) // stride + 1, and `at((row, column))`.

    Raises
    ------
    ValueError
        Image or kernel is not a matrix of numbers, a setting is out of range, or the kernel is larger than the image.
    """
    pixels, weights = _matrix(image, "image"), _matrix(kernel, "kernel")
    strides, paddings = _pair(stride, "stride", 1), _pair(padding, "padding", 0)
    dilations = _pair(dilation, "dilation", 1)
    for axis, name in enumerate(("high", "wide")):
        extent = dilations[axis] * (weights.shape[axis] - 1) + 1
        room = pixels.shape[axis] + 2 * paddings[axis]
        if extent > room:
            raise ValueError(
                f"the kernel, {extent} {name}, does not fit into the image, {room} {name} with its padding"
            )
    module = nn.utils.skip_init(
        nn.Conv2d, 1, 1, tuple(weights.shape), stride=strides, padding=paddings, dilation=dilations, dtype=torch.double
    )  # draws no random numbers
    with torch.no_grad():
        module.weight.copy_(weights[None, None])
        module.bias.fill_(bias)
        output = F.conv2d(pixels[None, None], module.weight, module.bias, strides, paddings, dilations)[0, 0]
    return Slide(pixels, weights, output, module)


def _matrix(values: Any, name: str) -> torch.Tensor:
    try:
        matrix = torch.as_tensor(values, dtype=torch.double)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must be a matrix of numbers, its rows equally long ({error})") from None
    if matrix.ndim != 2 or not matrix.numel():
        raise ValueError(f"{name} must have rows and columns, (H, W); got shape {tuple(matrix.shape)}")
    return matrix.detach().clone()


def _pair(value: Pair, name: str, least: int) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or any(not isinstance(number, int) or number < least for number in pair):
        raise ValueError(f"{name} must be a whole number from {least} up, or two; got {value!r}")
    return pair[0], pair[1]
