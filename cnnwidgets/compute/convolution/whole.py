"""All that explains every number of one map, for whoever goes from one to the next without asking again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.nn.modules.conv import _ConvNd

from .convolution import Slide, Taps, filter_of
from .explain import LayerPass
from .explanation import tolerance
from .pooling import POOLINGS, axes_of, is_maximum, window
from .windows import windows

HELD = (torch.float32, torch.float16, torch.bfloat16)
"""Types whose numbers float32 holds exactly."""


@dataclass(frozen=True, eq=False)
class WholeMap:
    """What `explain` needs for every number of one map.

    Attributes
    ----------
    kind : str
        As of an `Explanation`.
    inputs : range
        Indices of the C' input channels that the map depends on.
    given : torch.Tensor
        (C', H, W): these, with what the layer puts around them by itself.
    output : torch.Tensor
        (H', W'): the map.
    axes : (list of Taps, list of Taps)
        What each row, and each column, of the output reads of the input.
    kernel : torch.Tensor or None
        (C', kH, kW): the whole filter, in which the taps have their weights.
    bias : float
        Added to every sum.
    counted : (list of int, list of int) or None
        Of a mean: for each row, and each column, a factor of what the sum is divided by.
    slack : float
        Tolerance where the magnitudes of all terms add up to 1.
    checked : bool
        Whether a network computed the output.
    before : (int, int)
        Rows above, and columns left, that the layer put around its input by itself: positions are counted without.
    """

    kind: Literal["convolution", "maximum", "mean"]
    inputs: range
    given: torch.Tensor
    output: torch.Tensor
    axes: tuple[list[Taps], list[Taps]]
    kernel: torch.Tensor | None = None
    bias: float = 0.0
    counted: tuple[list[int], list[int]] | None = None
    slack: float = 0.0
    checked: bool = True
    before: tuple[int, int] = (0, 0)


def whole_map(passed: LayerPass, channel: int) -> WholeMap | None:
    """Everything that map `channel` of a layer depends on.

    Parameters
    ----------
    passed : LayerPass
        Input and output of the layer.
    channel : int
        Of its output.

    Returns
    -------
    WholeMap or None
        None for a layer that reads no windows of maps, or does more than one convolution or pooling; for numbers that
        float32 does not hold; and where a window is empty, as some of a transposed convolution are.

    Examples
    --------
    >>> import torch, cnnwidgets as cw
    >>> from cnnwidgets.compute.convolution import layer_pass, whole_map
    >>> whole_map(layer_pass(cw.models.lenet5(), torch.rand(1, 28, 28), "C3"), 0).given.shape
    torch.Size([6, 14, 14])
    """
    if passed.rule is not None or passed.input.ndim != 4 or passed.output.ndim != 4:
        return None
    does = passed.does
    module: Any = does.module
    pools = isinstance(module, POOLINGS) and axes_of(module) == 2
    if (
        does.words
        or does.input.ndim != 4
        or passed.output.dtype not in HELD
        or not (pools or isinstance(module, _ConvNd))
    ):
        return None
    output, (above, left) = passed.output[0, channel].cpu(), does.before or (0, 0)
    before = (above, left)
    if not pools:
        slack = tolerance(passed.output.dtype, 1.0, module.weight.device)
        return _convolved(module, channel, does.input[0], output, slack=slack, before=before)
    axes = _axes(module, does.input, output, before)
    inputs = range(channel, channel + 1)
    given = does.input[0, channel : channel + 1].cpu()
    if axes is None or is_maximum(module):
        return axes and WholeMap("maximum", inputs, given, output, axes, before=before)
    counted = tuple(
        [window(module, axis, at, given.shape[1 + axis], count).counted for at in range(count)]
        for axis, count in enumerate(output.shape)
    )
    if override := getattr(module, "divisor_override", None):
        counted = ([override] * len(counted[0]), [1] * len(counted[1]))
    slack = tolerance(passed.output.dtype, 1.0)
    return WholeMap("mean", inputs, given, output, axes, counted=(counted[0], counted[1]), slack=slack, before=before)


def whole_slide(slid: Slide) -> WholeMap | None:
    """The same for an image and a kernel without a network, in float64."""
    return _convolved(slid.module, 0, slid.image[None], slid.output, slack=0.0, checked=False)


def _convolved(
    module: Any,
    channel: int,
    given: torch.Tensor,
    output: torch.Tensor,
    *,
    slack: float,
    checked: bool = True,
    before: tuple[int, int] = (0, 0),
) -> WholeMap | None:
    axes = _axes(module, given, output, before)
    if axes is None:
        return None
    inputs, kernel = filter_of(module, channel)
    return WholeMap(
        "convolution",
        inputs,
        given[inputs.start : inputs.stop].cpu(),
        output,
        axes,
        kernel=kernel.cpu(),
        bias=0.0 if module.bias is None else float(module.bias[channel].detach()),
        slack=slack,
        checked=checked,
        before=before,
    )


def _axes(
    module: Any, given: torch.Tensor, output: torch.Tensor, before: tuple[int, int]
) -> tuple[list[Taps], list[Taps]] | None:
    rows, columns = windows(module, given.shape[-2:], output.shape, before)
    return (rows, columns) if all(tap.sources for tap in (*rows, *columns)) else None
