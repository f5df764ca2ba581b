"""Three channels of signed values as one picture in colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..color import GAP, LOUD, rgb
from .grid import Grid, mosaic


def signed_rgb(values: NDArray[np.floating], ranges: ArrayLike) -> NDArray[np.uint8]:
    """Colours of values around 0.

    Parameters
    ----------
    values
        (N, 3, H, W): red, green and blue of N pictures.
    ranges
        (N, 2): (vmin, vmax) of each picture. One range for its three channels: ranges of their own would change hues.
        With ``vmin == -vmax``, as from ``value_ranges(..., symmetric=True)``, 0 is the grey in the middle.

    Returns
    -------
    ndarray of uint8, (N, H, W, 3)
        Pixels with a NaN or an infinity in any channel have the colour ``LOUD``.

    Raises
    ------
    ValueError
        If there are not three channels, or not one range a picture.
    """
    limits = np.asarray(ranges, dtype=np.float64)
    if values.ndim != 4 or values.shape[1] != 3 or limits.shape != (len(values), 2):
        raise ValueError(f"values must be (N, 3, H, W) with ranges (N, 2); got {values.shape} and {limits.shape}")
    broken = ~np.isfinite(values).all(1)
    low, high = limits.T.reshape(2, -1, 1, 1, 1)
    share = np.clip((np.nan_to_num(values) - low) / np.where(high > low, high - low, 1), 0, 1)
    pixels: NDArray[np.uint8] = np.ascontiguousarray((share * 255 + 0.5).astype(np.uint8).transpose(0, 2, 3, 1))
    pixels[broken] = rgb(LOUD)
    return pixels


def rgb_mosaic(tiles: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """Lay pictures in colour out on a transparent ground.

    Parameters
    ----------
    tiles
        (N, H, W, 3) RGB.
    grid
        Geometry, as for `mosaic`.

    Returns
    -------
    ndarray of uint8, (*grid.shape, 4)
        RGBA.
    """
    covered = mosaic(np.zeros(tiles.shape[:3], np.uint8), grid) != GAP
    colors = [mosaic(np.ascontiguousarray(tiles[..., channel]), grid) for channel in range(3)]
    return np.stack([*colors, np.where(covered, 255, 0).astype(np.uint8)], axis=-1)
