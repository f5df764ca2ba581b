"""How values are distributed: bars over a colour scale of the same range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..color import ACCENT, rgb

BAR = 4
"""Width of a bar in pixels, the gap of one pixel to the next included."""
QUIET = (128, 128, 128, 90)
"""What stands behind: a grey that shows on light and dark ground."""


def counts(values: NDArray[np.floating], limit: float, width: int) -> NDArray[np.int64]:
    """How many values fall on each bar of a histogram from -limit to limit.

    Parameters
    ----------
    values
        Any shape. NaN, infinities and what lies outside are left out.
    limit
        Value at the right edge, above 0.
    width
        Pixels that the histogram may be wide; the number of bars is odd, so that 0 is in the middle of one.

    Returns
    -------
    ndarray of int, (bars,)
    """
    bars = max(1, width // BAR)
    bars -= bars % 2 == 0
    found: NDArray[np.int64] = np.histogram(values[np.isfinite(values)], bars, (-limit, limit))[0]
    return found


def histogram(front: NDArray[np.int64], behind: NDArray[np.int64], *, height: int = 56) -> NDArray[np.uint8]:
    """Two histograms in one picture, each as high as the picture, heights proportional to log(1 + count).

    Parameters
    ----------
    front, behind
        (bars,), from `counts`: in the accent colour, and in grey behind it.
    height
        Pixels of the picture.

    Returns
    -------
    ndarray of uint8, (height, bars * BAR, 4)
        RGBA on a transparent ground.
    """
    picture = np.zeros((height, len(front) * BAR, 4), np.uint8)
    for number, color in ((behind, QUIET), (front, (*rgb(ACCENT), 255))):
        share = np.log1p(number) / max(np.log1p(number.max()), 1e-9)
        covered = np.arange(height, 0, -1)[:, None] <= np.ceil(share * height).repeat(BAR)
        covered[:, BAR - 1 :: BAR] = False
        picture[covered] = color
    return picture
