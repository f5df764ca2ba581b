"""How thick, and in which shades, the pictures of a data set are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EVEN = 0.8
"""Part of the border that must have one shade if the pictures are drawings on a ground."""
SLANTED = 1.2
"""A slanted line has about so many times the edges, counted between pixels, as one that is not."""
OF_PHOTO = 0.04
"""Width of a pen for pictures that are no drawings, in parts of the longer side."""


class Pen(NamedTuple):
    """Width in px, and the shades of ground and ink, 0 to 1."""

    width: float
    ground: float
    ink: float


def pen_of(pictures: Iterable[NDArray[Any]]) -> Pen:
    """The pen that drew these pictures, (H, W) in [0, 1]: of a line twice its area by the length of its edges.

    Where they are no drawings on an even ground, a white pen on black of a twenty-fifth of the longer side.
    """
    found, longest = [], 1
    for picture in pictures:
        longest = max(longest, *picture.shape)
        border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        ground = float(np.median(border))
        low, high = float(picture.min()), float(picture.max())
        ink = high if high - ground >= ground - low else low
        if abs(ink - ground) < 0.25 or (np.abs(border - ground) < 0.1).mean() < EVEN:
            continue
        lines = np.pad(np.abs(picture - ground) > abs(ink - ground) / 2, 1)
        edges = sum(int((np.diff(lines.astype(np.int8), axis=axis) != 0).sum()) for axis in (0, 1))
        found.append((2 * SLANTED * int(lines.sum()) / max(1, edges), ground, ink))
    if not found:
        return Pen(max(1.0, OF_PHOTO * longest), 0.0, 1.0)
    width, ground, ink = (float(np.median([each[at] for each in found])) for at in range(3))
    return Pen(max(1.0, width), ground, ink)
