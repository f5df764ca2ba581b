"""Signed maps as heat: which sign counts, and which extremes do not, as in Captum's `visualize_image_attr`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .colormap import apply, choose, is_diverging
from .scale import to_uint8

SIGNS = ("absolute", "positive", "negative", "all")
"""What of a signed map is drawn."""


@dataclass(frozen=True, eq=False)
class Heat:
    """A map (H, W), what of it is drawn, and the colours.

    `values` are what is drawn: magnitudes from 0, or signed numbers for the sign `all`. `limit` is the value at the end
    of the colours; larger ones have the same colour. `sign` is as given.
    """

    values: NDArray[np.float64]
    limit: float
    sign: str
    colormap: str

    @classmethod
    def of(cls, values: NDArray[np.floating], *, sign: str, outliers: float = 2.0, colormap: str = "auto") -> Heat:
        """Choose sign and scale.

        Parameters
        ----------
        values
            (H, W) of finite numbers.
        sign
            `absolute`, `positive`, `negative` (as magnitudes) or `all`.
        outliers
            Per cent of the sum of all magnitudes that the largest values may hold beyond the end of the scale; 0 to
            less than 100. Captum takes 2.
        colormap
            A matplotlib name, or ``"auto"``: diverging for `all`.

        Raises
        ------
        ValueError
            Another sign, or a share of outliers out of range.
        """
        if sign not in SIGNS:
            raise ValueError(f"no sign {sign!r}; allowed: {', '.join(SIGNS)}")
        if not 0 <= outliers < 100:
            raise ValueError(f"outliers are 0 to less than 100 per cent, not {outliers}")
        given = np.asarray(values, np.float64)
        shown = given
        if sign == "absolute":
            shown = np.abs(given)
        elif sign != "all":
            shown = np.maximum(given if sign == "positive" else -given, 0)
        rising = np.sort(np.abs(shown), axis=None)
        total = np.cumsum(rising)
        end = int(np.searchsorted(total, total[-1] * 0.01 * (100 - outliers)))
        limit = float(rising[min(end, rising.size - 1)])  # the product may be rounded to more than the sum
        return cls(shown, limit, sign, choose(colormap, sign == "all"))

    @property
    def centred(self) -> bool:
        """Whether 0 is in the middle of the colours."""
        return self.sign == "all" or is_diverging(self.colormap)

    def weight(self, opacity: float) -> NDArray[np.float64]:
        """(H, W): how strongly the colours cover a picture, 0 to 1: by `opacity` at the ends of the scale.

        Near a centred 0 they cover less, so that their white does not wash out the picture; at an opacity of 1 the map
        stands alone.
        """
        if not self.centred:
            return np.full(self.values.shape, opacity)
        share = np.clip(np.abs(self.values) / (self.limit or 1.0), 1e-3, 1)
        return np.asarray(np.power(opacity, 1 / share))

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) RGB."""
        limit = self.limit or 1.0
        ends = np.array([[-limit if self.centred else 0.0, limit]])
        return apply(to_uint8(self.values[None], ends)[0], self.colormap)

    def ends(self) -> tuple[float, float | None, float]:
        """Values at the two ends of the colour bar and, where it is centred, in its middle."""
        high = -self.limit if self.sign == "negative" else self.limit
        return (-high, 0.0, high) if self.centred else (0.0, None, high)
