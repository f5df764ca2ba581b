"""The most active maps of a stage as thumbnails: few bytes for each, one scale for a map, a layer or the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..compute.layers import Layer, drawable
from ..compute.overview import look_out, strongest
from ..render.color import choose, is_diverging, reduced, to_uint8, value_ranges

MOST = 10
"""Thumbnails of a stage."""
SIDES = (56, 48, 40, 32, 28, 24, 20, 16, 12, 8)
"""Sides in pixels that a thumbnail may have, at most: the first at which all have room in a message."""
ROOM = 260_000
"""Bytes of all thumbnails together."""
UNITS = 1024
"""Units of a vector that are drawn at most; of a longer one, each pixel is the strongest of several."""


@dataclass(frozen=True, eq=False)
class Strip:
    """The most active maps of one layer, or all units of a vector as one picture.

    Attributes
    ----------
    channels : sequence of int
        Which they are, the most active first; of a vector, whose units lie side by side, the most active one.
    maps : ndarray
        (K, H, W), of the numbers of the layer.
    units : int
        Of a vector; 0 for maps.
    signed : bool
        Whether any value of the layer is negative.
    range : (float, float)
        99.5 % of the values of the whole layer.
    ranges : ndarray
        (K, 2), of each map.
    notes : sequence of str
        What to look out for.
    """

    channels: Sequence[int]
    maps: NDArray[Any]
    units: int
    signed: bool
    range: tuple[float, float]
    ranges: NDArray[np.float64]
    notes: Sequence[str] = ()

    def within(self, side: int) -> Strip:
        """The same with no map larger than `side`; what is smaller stays as it is."""
        height, width = self.maps.shape[1:]
        share = side / max(height, width)
        if share >= 1 or self.units:
            return self
        size = max(1, round(share * height)), max(1, round(share * width))
        return replace(self, maps=reduced(self.maps, *size))

    def size(self, side: int) -> int:
        """Bytes of `within(side)`."""
        count, height, width = self.maps.shape
        share = 1.0 if self.units else min(1.0, side / max(height, width))
        return count * max(1, round(share * height)) * max(1, round(share * width))

    def codes(self, scale: str, common: tuple[float, float]) -> tuple[NDArray[np.uint8], tuple[float, float]]:
        """Palette indices, and the ends of the colours: `map`, `layer`, or `network`, which is `common` to all."""
        if scale == "map" and not self.units:
            return to_uint8(self.maps, self.ranges), self.range
        ends = common if scale == "network" else self.range
        return to_uint8(self.maps, np.tile(ends, (len(self.maps), 1))), ends


def strip_of(output: torch.Tensor, row: Layer, *, aspect: float = 1.0, colormap: str = "auto") -> Strip:
    """The most active maps of what a layer put out, by the mean of their magnitude.

    Parameters
    ----------
    output : torch.Tensor
        For one image, without the batch axis.
    row : Layer
        Its entry in the layer table.
    aspect : float
        Width over height of the image, for the grid of tokens.
    colormap : str
        As of a view: a diverging one has 0 in its middle.
    """
    maps = drawable(output, row, aspect=aspect, plane=row.planes // 2)
    numbers = maps.numpy()
    signed = bool(maps.min() < 0) if maps.numel() else False
    symmetric = is_diverging(choose(colormap, signed))
    vector = row.kind == "vector" or numbers.shape[1:] == (1, 1)
    scale = "layer-full" if vector else "layer"
    low, high = value_ranges(numbers, scale, symmetric=symmetric)[0].tolist() if numbers.size else (0.0, 1.0)
    notes = look_out(output, row)
    if vector:
        line = _shortened(numbers.reshape(1, 1, -1))
        best = strongest(output, row, 1)
        return Strip(best, line, numbers.size, signed, (low, high), np.array([[low, high]]), notes)
    best = strongest(output, row, MOST)
    chosen = numbers[best]
    ranges = value_ranges(chosen, "map", symmetric=symmetric)
    small = reduced(chosen, *_bounded(*chosen.shape[1:]))
    return Strip(best, small, 0, signed, (low, high), ranges, notes)


def common_range(strips: Sequence[Strip], colormap: str = "auto") -> tuple[float, float]:
    """One range for all: of the widest layer, with 0 in its middle where a value is negative."""
    low, high = min((s.range[0] for s in strips), default=0.0), max((s.range[1] for s in strips), default=1.0)
    if is_diverging(choose(colormap, any(s.signed for s in strips))):
        most = max(abs(low), abs(high))
        return -most, most
    return min(low, 0.0), high


def fitting(strips: Sequence[Strip], room: int = ROOM) -> int:
    """The largest side at which all thumbnails have room."""
    return next((side for side in SIDES if sum(strip.size(side) for strip in strips) <= room), SIDES[-1])


def _bounded(height: int, width: int) -> tuple[int, int]:
    share = min(1.0, SIDES[0] / max(height, width))
    return max(1, round(share * height)), max(1, round(share * width))


def _shortened(line: NDArray[Any]) -> NDArray[Any]:
    """(1, 1, N) with at most `UNITS` numbers, each the one of largest magnitude of its part."""
    count = line.size
    if count <= UNITS:
        return line
    step = -(-count // UNITS)
    padded = np.zeros(-(-count // step) * step, line.dtype)
    padded[:count] = line.ravel()
    parts = padded.reshape(-1, step)
    return parts[np.arange(len(parts)), np.abs(parts).argmax(1)].reshape(1, 1, -1)
