"""Patches in rows, all on one scale of the image, with value and class under each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...render.color import fitted
from ...render.mosaic import Grid, contact_sheet
from ...render.text import text_length
from ..surface import number
from .cutting import Example

TYPE = 10
"""Px of the type below a patch."""


def patch_sheet(
    examples: Sequence[Example], *, side: int, columns: int, count: int = 0
) -> tuple[NDArray[np.uint8], Grid]:
    """The patches as one picture, (H, W, 4) RGBA, and where each is in it.

    Parameters
    ----------
    examples : sequence of Example
        What is shown, in order.
    side : int
        Px that the largest of them has.
    columns : int
        Patches in a row.
    count : int
        Places that the picture has at least; those of patches that are still to come are empty.
    """
    boxes = [example.box for example in examples]
    largest = max((max(bottom - top, right - left) for top, left, bottom, right in boxes), default=0) or 1
    empty = max(0, count - len(examples))
    pictures = [*(_cut(example, side, largest) for example in examples), *[None] * empty]
    titles = [f"{number(each.place.value)} · {each.shown.text}".removesuffix(" · ") for each in examples]
    short = [*(_short(title, side) for title in titles), *[""] * empty]
    return contact_sheet(pictures, short, side=side, columns=min(columns, len(pictures)), below=True)


def described(example: Example) -> str:
    """What the mouse says over a patch: rank, value, image and place."""
    place = example.place
    where = f"row {place.row}, column {place.column}"
    parts = [f"no. {example.rank + 1}: {number(place.value, 5)}", example.called, where, example.shown.reason]
    return ", ".join(filter(None, [*parts, f"clipped: {example.edge}" if example.edge else ""]))


def _cut(example: Example, side: int, largest: int) -> NDArray[Any] | None:
    """What a place sees, so large that `largest` px of an image fill `side`."""
    top, left, bottom, right = example.box
    if example.shown.pixels is None or bottom <= top or right <= left:
        return None
    cut = example.shown.pixels[top:bottom, left:right]
    return fitted(cut, *(max(1, round(size * side / largest)) for size in (right - left, bottom - top)))


def _short(text: str, side: int) -> str:
    """A title that is no wider than its patch."""
    if text_length(text, TYPE) <= side:
        return text
    while len(text) > 1 and text_length(f"{text}…", TYPE) > side:
        text = text[:-1].rstrip()
    return f"{text}…"
