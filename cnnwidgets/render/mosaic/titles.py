"""A few characters above each tile of a mosaic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..text import load_font, text_length
from .cells import Cells

HEAD = 14
"""Height of a title, in pixels; tiles have so much of the ground on top."""
SIZE = 10
INK, PLATE = "#4b5563", "#eef0f3"
"""Letters, and what they stand on: no colour can be read on a light ground and on a dark one."""


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
    image = Image.fromarray(pixels)
    for cell, text in enumerate(texts):
        left, top, _, _ = cells.box(cell)
        write(image, left + 1, top + HEAD - 4, text, SIZE)
    return np.asarray(image)


def write(image: Image.Image, x: float, y: float, text: str, size: int, anchor: str = "ls") -> None:
    """Text at a place of an RGBA picture, on a plate of its own."""
    draw, font = ImageDraw.Draw(image), load_font(size, False)
    if text:
        left, _, right, _ = draw.textbbox((x, y), text, font=font, anchor=anchor)
        _, top, _, bottom = draw.textbbox((x, y), "0", font=font, anchor=anchor)
        draw.rectangle((left - 1, top - 1, right, bottom + 1), fill=PLATE)
        draw.text((x, y), text, fill=INK, font=font, anchor=anchor)
