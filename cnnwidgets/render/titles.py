"""A few characters above each tile of a mosaic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .cells import Cells
from .colormap import rgb
from .pen import _font, text_length

HEAD = 14
"""Height of a title, in pixels; tiles have so much of the ground on top."""
SIZE = 10
INK = "#808080"
"""Readable on a light ground and on a dark one."""


def title_width(texts: Sequence[str]) -> float:
    """Pixels that the longest of the titles takes."""
    return max(text_length(text, SIZE) for text in texts)


def titled(pixels: NDArray[np.uint8], cells: Cells, texts: Sequence[str]) -> NDArray[np.uint8]:
    """A picture with a title in the upper `HEAD` pixels of each cell.

    Parameters
    ----------
    pixels
        (H, W, 4) RGBA; cells begin with `HEAD` rows of transparent ground.
    cells
        Geometry of the picture.
    texts
        One for each cell.

    Returns
    -------
    ndarray of uint8, (H, W, 4)
        A new picture.
    """
    pixels = pixels.copy()
    pixels[pixels[..., 3] == 0, :3] = rgb(INK)  # edges of letters are mixed with it
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for cell, text in enumerate(texts):
        left, top, _, _ = cells.box(cell)
        draw.text((left + 1, top + HEAD - 4), text, fill=INK, font=_font(SIZE, False), anchor="ls")
    return np.asarray(image)
