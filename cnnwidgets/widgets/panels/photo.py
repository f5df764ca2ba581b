"""A photo that is large enough to point at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...render.color import fitted

PHOTO = 448
"""Width of a photo, in px."""


def enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As it is, if a whole number of times it nearly fills the panel; the browser enlarges it then, crisply."""
    share = PHOTO / max(pixels.shape[:2])
    return pixels if share >= 1 and int(share) >= 0.75 * share else fitted(pixels, PHOTO, PHOTO)
