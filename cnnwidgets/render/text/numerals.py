"""Numbers that stand in the cells of a small map: short, all alike, and readable on their colour."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

READABLE = 7
"""Rows or columns up to which a map has room for numbers in its cells."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Numerals(NamedTuple):
    """What to write into each cell, row by row, and the factor that all were divided by, as `× 10⁻³`, or nothing."""

    texts: list[list[str]]
    factor: str


def numerals(values: NDArray[np.floating], *, tight: bool = False) -> Numerals:
    """Two significant digits or more for the largest magnitude, as many decimals for all; whole numbers as they are.

    Parameters
    ----------
    values
        (H, W).
    tight
        At most four characters, as `−.14`, for cells with little room.
    """
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max(initial=0))
    power, decimals = 0, 0
    if largest >= 1e4 or not np.array_equal(finite, np.rint(finite)):
        exponent = math.floor(math.log10(largest)) if largest else 0
        if not (-2 if tight else -3) < exponent < (3 if tight else 4):
            power = 3 * (math.floor(exponent / 3) if tight else math.trunc(exponent / 3))
        exponent -= power
        if tight:
            decimals = max(0, 1 - exponent)
        else:
            decimals = max(0, 2 - exponent) if exponent > 0 else min(3, max(2, 1 - exponent))
    scale = 10.0**power
    factor = f"× 10{str(power).translate(_SUPERSCRIPT)}" if power else ""
    texts = [[_text(float(value) / scale, decimals, tight) for value in row] for row in values]
    return Numerals(texts, factor)


def _text(value: float, decimals: int, tight: bool) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    text = f"{value:.{decimals}f}"
    if not float(text):
        return "0" if tight else text.lstrip("-")
    if tight and abs(value) < 1:
        text = text.replace("0.", ".", 1)
    return text.replace("-", "−")


def ink(color: NDArray[np.uint8]) -> str:
    """Black or white, whichever is easier to read on an (R, G, B): the higher contrast after WCAG 2."""
    parts = np.asarray(color[:3], dtype=np.float64) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return "#000000" if float(linear @ (0.2126, 0.7152, 0.0722)) > 0.179 else "#ffffff"
