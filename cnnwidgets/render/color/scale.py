"""Value ranges, and the way from values to palette indices.

An indexed picture is a ``uint8`` array. Indices 0 to 253 are values, ``GAP`` is the transparent ground
between tiles and ``NONFINITE`` the loud colour of NaN and infinities. The range is always explicit, so that
every picture can carry its scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVELS = 254
COVERED = 0.995
"""Share of a layer's values that its default range holds at least; beyond it they have the colour of the end."""
FEWEST = 2000
"""With fewer values than this none is left out: each would be a large part of what there is to see."""
NARROWED = 0.8
"""The range that covers most values is taken if it is at most this part of the whole one."""
SAMPLED = 250_000
"""Values that are looked at, evenly spread, to find that range."""
ALLOWED = "'map', 'layer', 'layer-full' or a pair (vmin, vmax)"
GAP = 254
NONFINITE = 255

# Within these bounds neither a difference nor a reciprocal leaves float32; beyond them float64 is used.
_FLOAT32_MAGNITUDE = 1e30
_FLOAT32_SPAN = 1e-30


class Range(NamedTuple):
    """The values at the two ends of a colour scale."""

    vmin: float
    vmax: float

    @property
    def signed(self) -> bool:
        """Whether there are negative values, so that a diverging map centred on 0 fits."""
        return self.vmin < 0


def value_range(values: ArrayLike, *, symmetric: bool = False) -> Range:
    """Range of the finite values of an array.

    Parameters
    ----------
    values
        Any shape and any real dtype. NaN and infinities are left out.
    symmetric
        Give ``(-m, m)``, with m the largest magnitude, so that 0 lies in the middle.

    Returns
    -------
    Range
        Never empty. All values equal to c: the range between c and 0, so that a constant positive array is
        bright, and one that is 0 everywhere, with the range ``(0, 1)``, is dark. Nothing finite, or nothing
        at all: ``(0, 1)``.
    """
    vmin, vmax = _limits(_real(values).reshape(1, -1), symmetric)[0].tolist()
    return Range(vmin, vmax)


def value_ranges(
    maps: ArrayLike, scale: str | Sequence[float] = "layer", *, symmetric: bool = False
) -> NDArray[np.float64]:
    """Range of each map.

    Parameters
    ----------
    maps
        (C, H, W), or (C, ...) in general.
    scale
        ``"map"``: each map its own range, whole. ``"layer-full"``: one over all maps, whole. ``"layer"``: one over all
        maps, that covers 99.5 % of the values (see `covering_range`). A pair ``(vmin, vmax)``: that one.
    symmetric
        As in `value_range`. A pair is taken as it is.

    Returns
    -------
    ndarray of float64, (C, 2)
        One row ``(vmin, vmax)`` a map.

    Raises
    ------
    ValueError
        If the scale is neither a known word nor a pair of finite numbers with ``vmin < vmax``.
    """
    maps = _real(maps)
    count = len(maps)
    if not isinstance(scale, str):
        return np.tile(np.array(_checked_pair(scale)), (count, 1))
    if scale == "map":
        return _limits(maps.reshape(count, maps[0].size if count else 0), symmetric)
    if scale in ("layer", "layer-full"):
        range_of = value_range if scale == "layer-full" or maps[:1].size < 2 else covering_range
        return np.tile(np.array(range_of(maps, symmetric=symmetric)), (count, 1))
    raise ValueError(f"unknown scale {scale!r}; allowed: {ALLOWED}")


def covering_range(values: ArrayLike, *, symmetric: bool = False) -> Range:
    """Range that leaves out the 0.5 % of the finite values that are farthest out, where that narrows it noticeably.

    A few values far above all others, such as those that zero padding makes at a border, would leave no colours for
    the rest. Of values that are 0, as most are behind a ReLU, there is nothing to see: they are not counted, so that
    the strongest of the others are not taken for exceptions. Of few values none is left out.

    Parameters
    ----------
    values, symmetric
        As in `value_range`.
    """
    values = _real(values)
    whole = value_range(values, symmetric=symmetric)
    if values.size < FEWEST or values.dtype.kind == "b":
        return whole
    sample = _sample(values)
    sample = sample[np.isfinite(sample) & (sample != 0)]
    if sample.size < FEWEST:
        return whole
    if symmetric:
        high = _quantile(np.abs(sample), COVERED)
        found = Range(-high, high)
    else:
        sides = (1 - COVERED) / (2 if whole.vmin < 0 < whole.vmax else 1)
        low = whole.vmin if whole.vmin >= 0 else _quantile(sample, sides)
        found = Range(low, whole.vmax if whole.vmax <= 0 else _quantile(sample, 1 - sides))
    narrow = 0 < found.vmax - found.vmin <= NARROWED * (whole.vmax - whole.vmin)
    return found if narrow and np.isfinite(whole.vmax - whole.vmin) else whole


def share_beyond(maps: ArrayLike, ranges: ArrayLike) -> float:
    """Share of the finite values that lie outside of the range of their map; 0 to 1."""
    maps, limits = _real(maps), np.asarray(ranges, dtype=np.float64)
    rows = maps.reshape(len(maps), -1)
    if not rows.size or not limits.size:
        return 0.0
    low, high = (end.astype(rows.dtype if rows.dtype.kind == "f" else np.float64)[:, None] for end in limits.T)
    with np.errstate(all="ignore"):
        outside = (rows < low) | (rows > high)
    if not outside.any():
        return 0.0
    finite = np.isfinite(rows)
    return int(np.count_nonzero(outside & finite)) / max(1, int(np.count_nonzero(finite)))


def to_uint8(maps: ArrayLike, ranges: ArrayLike) -> NDArray[np.uint8]:
    """Palette indices of values, rounded to the nearest of 254 levels.

    Parameters
    ----------
    maps
        (C, H, W), or (C, ...) in general; float, integer or boolean.
    ranges
        (C, 2), as from `value_ranges`.

    Returns
    -------
    ndarray of uint8, shape of `maps`
        0 at ``vmin`` and below, 253 at ``vmax`` and above, ``NONFINITE`` for NaN and infinities. An empty
        range (``vmin == vmax``) gives the middle level 127 everywhere.

    Raises
    ------
    ValueError
        If `ranges` does not hold one row with ``vmin <= vmax`` for each map.
    """
    maps = _real(maps)
    limits = np.asarray(ranges, dtype=np.float64)
    if limits.shape != (len(maps), 2):
        raise ValueError(f"ranges of shape {limits.shape} for {len(maps)} maps; expected ({len(maps)}, 2)")
    low, high = limits.T.reshape(2, -1, *(1,) * (maps.ndim - 1))
    good = np.isfinite(limits).all(1) & (limits[:, 0] <= limits[:, 1])
    if not good.all():
        raise ValueError(f"ranges must be finite with vmin <= vmax; got {limits[~good][0].tolist()}")

    values: NDArray[Any]
    with np.errstate(all="ignore"):
        if _fits_float32(maps.dtype, limits):
            values = maps.astype(np.float32, copy=False)
        else:
            # Dividing by a power of two loses nothing and keeps the largest doubles from overflowing.
            exponent = np.frexp(np.maximum(np.abs(low), np.abs(high)))[1]
            low, high = np.ldexp(low, -exponent), np.ldexp(high, -exponent)
            values = np.clip(np.ldexp(maps.astype(np.float64), -exponent), low, high)
        span = high - low
        dtype = values.dtype
        factor = np.divide(LEVELS - 1, span, out=np.zeros_like(span), where=span > 0).astype(dtype)
        middle = np.where(span > 0, 0.5, LEVELS / 2).astype(dtype)  # 0.5: the cast below cuts, we round
        level = np.subtract(values, low.astype(dtype))
        level *= factor
        level += middle
        np.clip(level, 0, LEVELS - 1, out=level)
        indices: NDArray[np.uint8] = level.astype(np.uint8)
    finite = np.isfinite(maps)
    if not finite.all():
        indices[~finite] = NONFINITE
    return indices


def _real(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"values of dtype {array.dtype}; allowed: float, integer or boolean")
    return array


def _sample(values: NDArray[Any]) -> NDArray[Any]:
    """At most so many of the values, always the same, and not all of one column or row."""
    step = -(-values.size // SAMPLED)
    while math.gcd(step, values.size) > 1:
        step += 1
    return values.ravel()[::step]


def _quantile(values: NDArray[Any], share: float) -> float:
    at = min(values.size - 1, int(share * values.size))
    return float(np.partition(values, at)[at])


def _checked_pair(scale: Sequence[float]) -> tuple[float, float]:
    try:
        vmin, vmax = (float(end) for end in scale)
    except (TypeError, ValueError):
        vmin = vmax = np.nan
    if not (np.isfinite([vmin, vmax]).all() and vmin < vmax):
        raise ValueError(f"scale {scale!r}; allowed: {ALLOWED}, of finite numbers with vmin < vmax")
    return vmin, vmax


def _fits_float32(dtype: np.dtype[Any], limits: NDArray[np.float64]) -> bool:
    if dtype.itemsize > (4 if dtype.kind == "f" else 2):
        return False
    span = limits[:, 1] - limits[:, 0]
    return bool((np.abs(limits) < _FLOAT32_MAGNITUDE).all() and ((span > _FLOAT32_SPAN) | (span == 0)).all())


def finite_ends(maps: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest finite value of each map of (C, ...); 0 and 0 where there is none."""
    array = _real(maps)
    if not array.size:
        return np.zeros(len(array)), np.zeros(len(array))
    return _extremes(array.reshape(len(array), -1))


def _limits(rows: NDArray[Any], symmetric: bool) -> NDArray[np.float64]:
    """Finite range of each row of (C, N), never empty: (C, 2)."""
    if rows.size == 0:
        low = high = np.zeros(len(rows))
    else:
        low, high = _extremes(rows)
    if symmetric:
        magnitude = np.maximum(np.abs(low), np.abs(high))
        magnitude[magnitude == 0] = 1.0
        return np.stack([-magnitude, magnitude], axis=1)
    constant = low == high
    low = np.where(constant, np.minimum(low, 0.0), low)
    high = np.where(constant, np.maximum(high, 0.0), high)
    return np.stack([low, np.where(low == high, 1.0, high)], axis=1)


def _extremes(rows: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Finite minimum and maximum of each row; 0 and 0 where nothing is finite."""
    with np.errstate(all="ignore"):
        # Both carry NaN and infinities along, so that these two passes also tell whether all is finite.
        low, high = rows.min(1).astype(np.float64), rows.max(1).astype(np.float64)
        if np.isfinite(low + high).all():
            return low, high
    finite = np.isfinite(rows)
    low = np.where(finite, rows, np.inf).min(1).astype(np.float64)
    high = np.where(finite, rows, -np.inf).max(1).astype(np.float64)
    low[~finite.any(1)] = high[~finite.any(1)] = 0.0
    return low, high
