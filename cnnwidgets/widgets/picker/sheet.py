"""Small pictures of the items of a data set, and several of them as one file for the page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...compute.dataset import Item, Items
from ...render import encode_png
from ...render.color import fitted, to_picture

WIDE, HIGH = 64, 48
"""Sides in pixels that a small picture has at most."""
ROOM = 56_000
"""Bytes of a file."""
QUALITIES = (90, 75, 60, 40, 20)
"""Of JPEG files, of which the first that has room is taken."""
BLOCK = 8
"""Side in pixels of what a JPEG file is made of: no picture shares one with its neighbour."""
LONG = 80
"""Characters of a class name that are told."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An item of a data set in small.

    Attributes
    ----------
    index : int
        Of the item.
    text : str
        Its class; empty where it is not known.
    pixels : ndarray or None
        (H, W, 3) RGB, no larger than `HIGH` × `WIDE`; None where the item has none.
    reduced : bool
        Whether the image is larger.
    reason : str
        Why there are no pixels.
    """

    index: int
    text: str = ""
    pixels: NDArray[np.uint8] | None = None
    reduced: bool = False
    reason: str = ""


def is_pictured(items: Items, item: Item) -> bool:
    """Whether an item can be told from others by its picture: not one of signals, of tokens, or of single numbers."""
    image, entry = item.image, items.entry
    return image is not None and (entry is None or entry.axes > 1) and min(image.shape[-2:]) > 1


def picture_of(items: Items, index: int, item: Item) -> Picture:
    """The picture of an item as the panel of a view shows it, but no larger than here: a small one as it is."""
    text = item.text[:LONG]
    if item.image is None:
        return Picture(index, text, reason="no picture")
    pixels = to_picture(items.picture(item.image).numpy()).pixels
    if pixels.shape[0] <= HIGH and pixels.shape[1] <= WIDE:
        return Picture(index, text, pixels)
    return Picture(index, text, fitted(pixels, WIDE, HIGH), reduced=True)


def sheet(pictures: Sequence[Picture]) -> tuple[str, bytes, list[dict[str, Any]]]:
    """Pictures side by side as one file, its type, and where each lies in it.

    The file is a PNG, which keeps every pixel, unless a picture is reduced anyway, or it were larger than `ROOM`.
    """
    places, parts, x = [], [], 0
    high = max((len(each.pixels) for each in pictures if each.pixels is not None), default=0)
    for each in pictures:
        height, width = (0, 0) if each.pixels is None else each.pixels.shape[:2]
        place = {"index": each.index, "text": each.text, "reason": each.reason}
        places.append(place | {"x": x, "width": width, "height": height})
        if each.pixels is not None:
            parts.append(np.pad(each.pixels, ((0, high - height), (0, -width % BLOCK), (0, 0)), mode="edge"))
            x += parts[-1].shape[1]
    if not parts:
        return "image/png", b"", places
    whole = np.concatenate(parts, 1)
    pixels = whole[..., 0] if (whole == whole[..., :1]).all() else whole
    if not any(each.reduced for each in pictures) and len(data := encode_png(pixels, level=6)) <= ROOM:
        return "image/png", data, places
    return "image/jpeg", _jpeg(pixels), places


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    data = b""
    for quality in QUALITIES:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
        data = file.getvalue()
        if len(data) <= ROOM:
            break
    return data
