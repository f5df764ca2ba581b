"""Maps as 16-bit codes: what goes to a page that paints for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .scale import finite_ends

NAN, POSITIVE, NEGATIVE = 65533, 65534, 65535
"""The codes of NaN and of the two infinities; all below them are values."""
STEPS = NAN - 2
"""Steps that the finite range of a map has at least, where it is divided; one more code moves 0 to a whole step."""
HUGE = 1e300
"""A step beyond which as many of them as there are codes may leave float64."""


@dataclass(frozen=True, eq=False)
class Quantised:
    """Maps (C, H, W) as codes; the value of a code is `low + code * step` of its map, in float64.

    Attributes
    ----------
    codes : ndarray of uint16
        (C, H, W).
    low, step : ndarray of float64
        (C,). The finite range of a map has 65,531 steps. 0 has a code of its own, and so has every integer of a map of
        integers or booleans whose range has no more steps than that. Of a map with one value, the step is 0.
    """

    codes: NDArray[np.uint16]
    low: NDArray[np.float64]
    step: NDArray[np.float64]

    @classmethod
    def of(cls, maps: ArrayLike) -> Quantised:
        """Divide the finite range of each map into equal steps.

        Parameters
        ----------
        maps
            (C, H, W), or (C, ...) in general; float, integer or boolean, NaN and infinities allowed.

        Raises
        ------
        TypeError
            The values are none of these.
        """
        array = np.asarray(maps)
        low, high = finite_ends(array)
        step = high / STEPS - low / STEPS  # apart: the difference may leave float64
        step = np.where((step == 0) & (high > low), np.nextafter(0, 1), step)
        if array.dtype.kind in "iub":
            step = np.where((high > low) & (high - low <= STEPS), 1.0, step)
        signed = (low < 0) & (high > 0)
        base = np.where(signed, -np.ceil(np.divide(-low, step, out=np.zeros_like(low), where=signed)) * step, low)
        codes = _codes(array, base, step, np.maximum(np.abs(low), np.abs(high)))
        return cls(codes, base, step)

    def values(self) -> NDArray[np.float64]:
        """The values that the codes stand for, (C, H, W)."""
        spread = (-1, *(1,) * (self.codes.ndim - 1))
        # In quarters where a part of the sum may leave float64: that loses nothing of numbers so large.
        share = np.where(self.step > HUGE, 0.25, 1.0).reshape(spread)
        values = self.low.reshape(spread) * share + self.codes * (self.step.reshape(spread) * share)
        most = np.finfo(np.float64).max * share
        values = np.clip(values, -most, most) / share
        for code, value in ((NAN, np.nan), (POSITIVE, np.inf), (NEGATIVE, -np.inf)):
            values[self.codes == code] = value
        return values


def reduced(maps: NDArray[Any], height: int, width: int) -> NDArray[np.floating]:
    """Maps (C, H, W) at a smaller size: each pixel is the mean of those that it stands for, NaN where one is NaN."""
    sums: NDArray[Any] = maps.astype(
        np.float64 if maps.dtype.itemsize > 4 or maps.dtype.kind in "iu" else np.float32, copy=False
    )
    with np.errstate(all="ignore"):
        return _means(_means(sums, height, 1), width, 2)


def _means(values: NDArray[Any], size: int, axis: int) -> NDArray[Any]:
    """The means of `size` runs along an axis that are as equally long as can be."""
    old = values.shape[axis]
    starts = np.arange(size) * old // size
    counts = np.diff(np.append(starts, old))
    total = np.zeros((*values.shape[:axis], size, *values.shape[axis + 1 :]), values.dtype)
    for step in range(counts.max()):
        if old % size == 0:
            total += values[(slice(None),) * axis + (slice(step, None, old // size),)]
        else:  # a run that has ended adds nothing more
            there = np.flatnonzero(step < counts)
            total[(slice(None),) * axis + (there,)] += values.take(starts[there] + step, axis)
    total /= counts.astype(values.dtype).reshape(-1, *(1,) * (2 - axis))
    return total


def _codes(
    array: NDArray[Any], base: NDArray[np.float64], step: NDArray[np.float64], largest: NDArray[np.float64]
) -> NDArray[np.uint16]:
    spread = (-1, *(1,) * (array.ndim - 1))
    narrow = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    quick = narrow and bool(((largest < 1e30) & ((step > 1e-30) | (step == 0))).all())
    dtype = np.dtype(np.float32 if quick else np.float64)
    values: NDArray[Any] = array.astype(dtype)
    if not quick:  # dividing by a power of two loses nothing and keeps the largest and the smallest doubles in range
        exponent = -np.frexp(largest)[1]
        base, step = np.ldexp(base, exponent), np.ldexp(step, exponent)
        with np.errstate(over="ignore"):
            values = np.ldexp(values, exponent.reshape(spread))
    inverse = np.divide(1.0, step, out=np.zeros_like(step), where=step > 0).astype(dtype)
    with np.errstate(all="ignore"):
        level = values - base.astype(dtype).reshape(spread)
        level *= inverse.reshape(spread)
        np.rint(level, out=level)
        np.clip(level, 0, NAN - 1, out=level)
        codes: NDArray[np.uint16] = level.astype(np.uint16)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        codes[np.isnan(array)], codes[array == np.inf], codes[array == -np.inf] = NAN, POSITIVE, NEGATIVE
    return codes
