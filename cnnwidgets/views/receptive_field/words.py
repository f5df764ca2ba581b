"""What is said of a unit's receptive field, in labels and values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...compute.receptive_field import Box, Pixels, ReceptiveField, pair, text

Facts = list[tuple[str, str]]


def extent(field: ReceptiveField) -> tuple[str, str]:
    """Size and stride in a few characters; `all` where a layer sees everything by its nature, `none` for no pixel."""
    if field.size == 0:
        return "none", ""
    if field.everything and field.stride == 0:
        return "all", ""
    return _short(field.size), _short(field.stride) if field.stride != 0 else ""


def sentence(field: ReceptiveField) -> str:
    """`sees 163 px, stride 16 px`."""
    size, stride = extent(field)
    if field.size == 0:
        return field.note
    if size == "all":
        return "sees the whole image"
    return f"sees {size} px, stride {stride} px" if stride else f"sees {size} px"


def of_unit(field: ReceptiveField, unit: tuple[int, int], channel: int | None = None) -> Facts:
    """Size, stride, centre and what lies outside the image, for one unit, or for one channel of it."""
    row, column = unit
    facts = [] if field.grid == (1, 1) else [("unit", f"row {row}, column {column}")]
    box = field.box(row, column, channel=channel)
    if field.note and field.size == 0:
        return [*facts, ("field", field.note)]
    if field.everything and box == (0, 0, *field.image):
        facts += [("sees", "the whole image"), ("because", field.reason)]
        if field.stride == 0:
            return facts
    whole = field.box(row, column, channel=channel, clip=False)
    size = pair(whole.bottom - whole.top, whole.right - whole.left)
    facts.append(
        ("size", f"{_short(size)} px" + (f" (other units {_short(field.size)})" if size != field.size else ""))
    )
    if field.stride != 0:
        facts.append(("stride", f"{_short(field.stride)} px"))
    down, across = field.centre(row, column, channel=channel)
    facts.append(("centre", f"row {down:g}, column {across:g}".replace("-", "−")))
    facts.append(("rows", f"{box.top} to {box.bottom - 1}"))
    facts.append(("columns", f"{box.left} to {box.right - 1}"))
    cut = field.cut_off(row, column, channel=channel)
    sides = [f"{side} {pixels}" for side, pixels in zip(Box._fields, cut, strict=True) if pixels]
    facts.append(("outside the image", ", ".join(sides) + " px" if sides else "none"))
    return facts


def of_gradient(heat: NDArray[np.float32], box: Box) -> Facts:
    """How much of the gradient lies inside the box, and on how few pixels half of it."""
    total = heat.sum(dtype=np.float64)
    if total == 0:
        return [("gradient", "0 everywhere, as where a ReLU is inactive")]
    inside = heat[box.top : box.bottom, box.left : box.right].sum(dtype=np.float64)
    summed = np.sort(heat.ravel())[::-1].cumsum(dtype=np.float64)
    half = int(np.searchsorted(summed, total / 2)) + 1
    area = max(1, (box.bottom - box.top) * (box.right - box.left))
    return [
        ("gradient", f"{100 * inside / total:.4g} % inside the frame"),
        ("half the gradient", f"in {half:,} of {area:,} px ({100 * half / area:.2g} %)"),
    ]


def _short(pixels: Pixels) -> str:
    return text(pixels).replace(" x ", "×")
