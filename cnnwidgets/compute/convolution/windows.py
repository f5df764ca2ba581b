"""Where the window of every output lies in the input of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.nn.modules.conv import _ConvNd

from .convolution import Taps, axis_taps
from .pooling import POOLINGS, axes_of, window


def windows(
    module: nn.Module, sizes: Sequence[int], outputs: Sequence[int], before: Sequence[int] = ()
) -> list[list[Taps]]:
    """Along each axis, the taps of every row, column ... of the output; for other layers, each place reads itself.

    Parameters
    ----------
    module : torch.nn.Module
        A convolution, a pooling layer, or one that changes each place by itself.
    sizes, outputs : sequence of int
        Extent of its input, and of its output, along each axis.
    before : sequence of int
        Rows, columns ... that the layer puts before its own input: the positions are counted without them.

    Examples
    --------
    >>> from torch import nn
    >>> rows, columns = windows(nn.Conv2d(1, 1, 3, stride=2), (7, 7), (3, 3))
    >>> [tap.positions for tap in rows]
    [(0, 1, 2), (2, 3, 4), (4, 5, 6)]
    """
    shifts = tuple(before) or (0,) * len(sizes)
    return [
        [_shifted(_taps(module, axis, at, size, count), by) for at in range(count)]
        for axis, (size, count, by) in enumerate(zip(sizes, outputs, shifts, strict=True))
    ]


def nearest(taps: Sequence[Taps], place: int) -> int:
    """The output whose window has its middle nearest to `place` of the input; the first of equals."""
    middles = [sum(tap.positions) / len(tap.positions) if tap.positions else float("inf") for tap in taps]
    return min(range(len(middles)), key=lambda at: abs(middles[at] - place))


def _taps(module: Any, axis: int, at: int, size: int, count: int) -> Taps:
    if isinstance(module, _ConvNd):
        return axis_taps(module, axis, at, size)
    if isinstance(module, POOLINGS) and axis < axes_of(module):
        positions = window(module, axis, at, size, count).positions
        return Taps(positions, positions, tuple(range(len(positions))))
    return Taps((at,), (at,), (0,))


def _shifted(taps: Taps, by: int) -> Taps:
    return taps._replace(positions=tuple(place - by for place in taps.positions)) if by else taps
