"""The pictures of a question, from numbers to pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..compute.lessons import Picture
from ..render.color import ACCENT, choose, css_gradient, fitted, palette, rgb, to_picture, to_uint8
from ..widgets.surface import number

Pixels = NDArray[np.uint8]
SMOOTH = 4
"""A curve is drawn so many times as large, and averaged down."""


def colors(picture: Picture) -> str:
    """The colour map of a picture; empty where it has none."""
    if picture.kind not in ("map", "kernel"):
        return ""
    return choose("auto", ends(picture)[0] < 0)


def ends(picture: Picture) -> tuple[float, float]:
    """The values at both ends of its scale; centred on 0 where there are negative ones."""
    if picture.limits is not None:
        return picture.limits
    low, high = float(picture.values.min()), float(picture.values.max())
    most = max(-low, high) or 1.0
    return (-most, most) if low < 0 else (0.0, most)


def scale(picture: Picture) -> list[str] | None:
    """Colour gradient, and the texts below its left end, its middle and its right end; None where there is none."""
    if picture.kind == "image":
        return None
    low, high = ends(picture)
    if picture.kind == "curve":
        return ["", f"{len(picture.values)} points", "", f"{number(low)} to {number(high)}"]
    return [css_gradient(colors(picture)), number(low), "0" if low < 0 else "", number(high)]


def pixels(picture: Picture, side: int) -> Pixels:
    """(H, W, 3) or (H, W, 4), enlarged or reduced to about `side` px."""
    if picture.kind == "image":
        return fitted(to_picture(picture.values.numpy()).pixels, side, side)
    if picture.kind == "curve":
        return _curve(picture, side)
    maps = picture.values.numpy() if picture.kind == "kernel" else picture.values.numpy()[None]
    drawn = palette(colors(picture))[to_uint8(maps, [ends(picture)] * len(maps))][..., :3]
    if len(drawn) == 1:
        return fitted(np.ascontiguousarray(drawn[0]), side, side)
    return _tiles(drawn, side)


def grid(count: int) -> tuple[int, int]:
    """Rows and columns of so many tiles, about as many of both."""
    columns = math.ceil(math.sqrt(count))
    return math.ceil(count / columns), columns


def _tiles(drawn: Pixels, side: int) -> Pixels:
    """Kernels beside one another, on a clear ground."""
    rows, columns = grid(len(drawn))
    tiles = [fitted(np.ascontiguousarray(tile), side // columns - 2, side // columns - 2) for tile in drawn]
    high, wide = tiles[0].shape[:2]
    whole = np.zeros((rows * (high + 2) - 2, columns * (wide + 2) - 2, 4), np.uint8)
    for at, tile in enumerate(tiles):
        top, left = at // columns * (high + 2), at % columns * (wide + 2)
        whole[top : top + high, left : left + wide, :3] = tile
        whole[top : top + high, left : left + wide, 3] = 255
    return whole


def _curve(picture: Picture, side: int) -> Pixels:
    width, height = SMOOTH * side, SMOOTH * side * 2 // 3
    low, high = ends(picture)
    image = Image.new("RGBA", (width, height), (*rgb(ACCENT), 0))
    values = picture.values.clamp(low, high).tolist()
    margin = 2 * SMOOTH
    across = (width - 2 * margin) / max(1, len(values) - 1)
    up = (height - 2 * margin) / ((high - low) or 1.0)
    points = [(margin + at * across, height - margin - (value - low) * up) for at, value in enumerate(values)]
    ImageDraw.Draw(image).line(points, fill=(*rgb(ACCENT), 255), width=2 * SMOOTH, joint="curve")
    return np.array(image.resize((side, side * 2 // 3), Image.Resampling.BOX))
