"""Points on a plane, and silhouettes, as pixels: for the static picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..color import ACCENT, CLASSES, rgb, table

NO_GROUP = "#9aa0a6"
"""Colour of points without a group, on a light ground and a dark one."""
_FINE = 3
"""Drawn so many times as large and averaged, for round points."""


def group_color(group: int) -> str:
    """Colour `#rrggbb` of a class or cluster, from 0; grey for a negative number. After ten they are lighter ones."""
    if group < 0:
        return NO_GROUP
    name, count = (CLASSES, 10) if group < 10 else ("tab20b", 20)
    colors = table(name)
    place = (group % count + 0.5) / count
    return "#" + colors[int(place * len(colors))].tobytes().hex()


def extent(points: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Square (left, bottom, right, top) that holds all points (..., 2) with some room around."""
    flat = points.reshape(-1, 2)
    low, high = flat.min(0), flat.max(0)
    middle, half = (low + high) / 2, 0.54 * float((high - low).max()) or 1.0
    return tuple(float(end) for end in (*(middle - half), *(middle + half)))  # type: ignore[return-value]


def scatter(
    points: NDArray[np.floating],
    groups: Sequence[int],
    box: tuple[float, float, float, float],
    *,
    size: int = 480,
    chosen: int | None = None,
) -> NDArray[np.uint8]:
    """Draw points.

    Parameters
    ----------
    points
        (N, 2), x to the right and y up.
    groups
        (N,), the class or cluster of each; negative for none.
    box
        What the picture shows, as from `extent`.
    size
        Of the picture, in pixels.
    chosen
        The point that gets a ring.

    Returns
    -------
    ndarray of uint8, (size, size, 4)
        RGBA on a transparent ground.
    """
    side = _FINE * size
    image = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(image)
    left, bottom, right, top = box
    x = (points[:, 0] - left) / (right - left) * side
    y = (top - points[:, 1]) / (top - bottom) * side
    for at, group in enumerate(groups):
        _circle(draw, x[at], y[at], 3.6, fill=(*rgb(group_color(group)), 255))
    if chosen is not None:
        _circle(draw, x[chosen], y[chosen], 7.5, outline=(*rgb(ACCENT), 255))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


def _circle(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, **colors: tuple[int, ...]) -> None:
    radius *= _FINE
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), width=2 * _FINE, **colors)


def silhouette(
    scores: NDArray[np.floating], groups: NDArray[np.integer], *, width: int = 288, height: int = 180
) -> NDArray[np.uint8]:
    """A bar from 0 for each point, group below group, the longest first.

    Parameters
    ----------
    scores
        (N,), -1 (left edge) to 1 (right edge); NaN is left out.
    groups
        (N,), negative ones are left out.
    width, height
        Of the picture, in pixels.

    Returns
    -------
    ndarray of uint8, (height, width, 4)
        RGBA on a transparent ground, with a grey line at 0.
    """
    pixels = np.zeros((height, width, 4), np.uint8)
    shown = sorted(set(groups[(groups >= 0) & np.isfinite(scores)].tolist()))
    if shown:
        ordered = [np.sort(scores[(groups == group) & np.isfinite(scores)])[::-1] for group in shown]
        room, count = height - 3 * (len(shown) - 1), sum(map(len, ordered))
        zero, column, done = width / 2, np.arange(width) + 0.5, 0
        for number, (group, bars) in enumerate(zip(shown, ordered, strict=True)):
            top = 3 * number + room * done // count
            bottom = max(top + 1, 3 * number + room * (done + len(bars)) // count)
            row = (np.arange(bottom - top) * len(bars) // (bottom - top)).astype(int)
            ends = zero * (1 + np.clip(bars[row], -1, 1))[:, None]
            inside = (column >= np.minimum(zero, ends)) & (column <= np.maximum(zero, ends))
            pixels[top:bottom][inside] = (*rgb(group_color(group)), 255)
            done += len(bars)
    pixels[:, width // 2] = (*rgb(NO_GROUP), 255)
    return pixels
