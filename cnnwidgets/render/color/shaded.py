"""Maps with the colours that their values get: one place decides on the colour map and the value ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colormap import choose, is_diverging
from .scale import share_beyond, to_uint8, value_ranges


@dataclass(frozen=True, eq=False)
class Shaded:
    """Maps (C, H, W), the colour map by name, and the range (vmin, vmax) of each map: (C, 2).

    `centred` says that the ranges lie around 0, the middle of a diverging colour map.
    """

    maps: NDArray[Any]
    colormap: str
    ranges: NDArray[np.float64]
    centred: bool

    @classmethod
    def of(cls, maps: NDArray[Any], *, colormap: str = "auto", scale: str | Sequence[float] = "layer") -> Shaded:
        """Decide on colours.

        Parameters
        ----------
        maps
            (C, H, W) of real numbers, NaN and infinities allowed.
        colormap
            A matplotlib name, or ``"auto"``: diverging where a value is negative.
        scale
            ``"map"``, ``"layer"``, ``"layer-full"``, or (vmin, vmax), as in `value_ranges`. A map of one number has
            no range of its own: there ``"map"`` is ``"layer"``. In a vector the strongest number is what one looks for:
            there ``"layer"`` is the whole range.

        Raises
        ------
        ValueError
            If the colour map or the scale is unknown.
        """
        name = choose(colormap, bool((maps < 0).any()))
        if maps.shape[1:] == (1, 1) and isinstance(scale, str) and scale == "map":
            scale = "layer"
        ranges = value_ranges(maps, scale, symmetric=is_diverging(name))
        return cls(maps, name, ranges, is_diverging(name) and bool((ranges[:, 0] == -ranges[:, 1]).all()))

    @property
    def numbers(self) -> bool:
        """Whether each map is a single number, as in a vector."""
        return self.maps.shape[1:] == (1, 1)

    def tiles(self) -> NDArray[np.uint8]:
        """(C, H, W) palette indices of all maps."""
        return to_uint8(self.maps, self.ranges)

    def tile(self, channel: int) -> NDArray[np.uint8]:
        """(H, W) palette indices of one map."""
        one = slice(channel, channel + 1)
        return to_uint8(self.maps[one], self.ranges[one])[0]

    def beyond(self, channel: int | None = None) -> float:
        """Share of the values, of one map or of all, that lie beyond the ends of the colours; 0 to 1."""
        if channel is None:
            return self._beyond
        one = slice(channel, channel + 1)
        return share_beyond(self.maps[one], self.ranges[one]) if self._beyond else 0.0

    @cached_property
    def _beyond(self) -> float:
        return share_beyond(self.maps, self.ranges)

    def ends(self, channel: int | None = None) -> tuple[float, float | None, float]:
        """Values at the two ends of the colour bar and, where it is centred, in its middle."""
        ranges = self.ranges if channel is None else self.ranges[channel : channel + 1]
        return float(ranges[:, 0].min()), 0.0 if self.centred else None, float(ranges[:, 1].max())
