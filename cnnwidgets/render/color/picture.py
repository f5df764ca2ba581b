"""An input image as a picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from .colormap import LOUD, rgb
from .scale import value_range

GROUND = 0.5
"""The grey on which transparent images are laid, from 0 (black) to 1 (white)."""
_TOLERANCE = 1e-3
"""How far undoing a normalisation may carry a value out of 0 to 1."""


class Picture(NamedTuple):
    """An image to show, and how its values became brightness."""

    pixels: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    vmin: float
    """The value shown as black."""
    vmax: float
    """The value shown as white."""
    rescaled: bool
    """Whether the image was not in 0 to 1 (or 0 to 255), so that black and white are its own extremes."""


def to_picture(image: ArrayLike) -> Picture:
    """RGB picture of an image.

    Parameters
    ----------
    image
        (C, H, W). One channel is shown as grey, three as RGB, four as RGBA on grey. Two channels, five or
        more, and four that leave the range of an image are no colours: their mean is shown as grey.
        Floats and booleans in 0 to 1 (within 0.001) and integers in 0 to 255 are shown as they are; anything
        else is mapped linearly over all channels alike, from its finite `value_range` to black and white.

    Returns
    -------
    Picture
        Pixels with a NaN or an infinity in any channel have the colour ``LOUD``.

    Raises
    ------
    ValueError
        If the image does not have three dimensions or has no pixels.
    """
    array = np.asarray(image)
    if array.ndim != 3 or not array.size:
        raise ValueError(f"image of shape {array.shape}; expected (C, H, W) with at least one pixel")
    black, white = 0.0, 255.0 if array.dtype.kind in "iu" else 1.0
    channels: NDArray[Any] = array.astype(np.float32 if array.dtype.itemsize < 4 else np.result_type(array, np.float32))
    broken = ~np.isfinite(channels).all(0)
    channels[:, broken] = black
    inside = _inside(channels, black, white)
    if len(channels) == 2 or len(channels) > 4 or (len(channels) == 4 and not inside):
        channels = channels.mean(0, keepdims=True)
        inside = _inside(channels, black, white)
    if not inside:
        black, white = value_range(channels[:, ~broken])
    shown = np.clip((channels - black) / (white - black), 0, 1)
    if len(shown) == 4:
        shown = shown[:3] * shown[3] + GROUND * (1 - shown[3])
    pixels = np.empty((*broken.shape, 3), np.uint8)
    pixels[:] = (shown * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
    pixels[broken] = rgb(LOUD)
    return Picture(pixels, black, white, not inside)


def _inside(channels: NDArray[Any], black: float, white: float) -> bool:
    slack = _TOLERANCE * (white - black)
    return bool(channels.min() >= black - slack and channels.max() <= white + slack)


def fitted(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """A picture at the size at which it is shown: crisp when enlarged, averaged when reduced.

    Parameters
    ----------
    pixels
        (H, W, 3) RGB.
    width, height
        The room. A small picture is enlarged by the largest whole number of times that fits, if that takes three
        quarters of the room, or else to fill it; a larger one is reduced to fit. The aspect ratio is kept.

    Returns
    -------
    ndarray of uint8, (H', W', 3)
    """
    rows, columns = pixels.shape[:2]
    share = min(width / columns, height / rows)
    times = int(share)
    if times >= 0.75 * share:
        return pixels.repeat(times, 0).repeat(times, 1)
    if share > 1:  # enlarged to the next whole multiple, then averaged down: every pixel is equally wide
        pixels = pixels.repeat(times + 1, 0).repeat(times + 1, 1)
    size = max(1, round(columns * share)), max(1, round(rows * share))
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
