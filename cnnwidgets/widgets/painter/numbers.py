"""The numbers of a layer, as they go to the page: once, in one message, as 16-bit codes."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...render.color import Quantised, finite_ends, reduced, share_beyond, value_ranges
from ...render.mosaic import Grid

MOST = 2**20
"""Values of a single map beyond which it goes to the page at a smaller size."""
SHARPEST = 2.0
"""Pixels of a screen for one of the page that are made use of at most; beyond, nobody sees a difference."""
WORTH = 0.9
"""Deflated bytes are sent where they are at most this part."""
SAMPLE = 8192
"""Bytes that are deflated to see whether it is worth it."""


class Numbers:
    """Maps (C, H, W), all at the size at which a grid draws them, and each by itself in full.

    Parameters
    ----------
    maps : ndarray
        Float, integer or boolean; NaN and infinities allowed.
    size : (height, width), optional
        The size of a map in the grid; by default its own.
    extra : sequence of (str, ndarray)
        Names and values (C,) that belong to the channels but not to their maps: the class token's.

    Attributes
    ----------
    key : str
        Names these numbers in the page. It is made from all of them, so that other numbers never have the same.
    """

    def __init__(
        self,
        maps: NDArray[Any],
        size: tuple[int, int] | None = None,
        *,
        extra: Sequence[tuple[str, NDArray[Any]]] = (),
    ) -> None:
        self._maps, self._extra = maps, extra
        self._size = size or maps.shape[1:]
        digest = hashlib.sha1(np.ascontiguousarray(maps).data, usedforsecurity=False)
        for name, values in extra:
            digest.update(name.encode() + np.asarray(values, np.float64).tobytes())
        self.key = f"{digest.hexdigest()}-{maps.dtype.str}-{'x'.join(map(str, (*maps.shape, *self._size)))}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the maps in full."""
        count, height, width = self._maps.shape
        return count, height, width

    @property
    def nbytes(self) -> int:
        """Of the message with all maps and a chosen one, about: without its header, and not deflated."""
        count, height, width = self.shape
        chosen = 0 if tuple(self._size) == (height, width) else min(height * width, MOST)
        return 2 * (count * self._size[0] * self._size[1] + chosen) + 8 * count * (6 + len(self._extra))

    def resized(self, size: tuple[int, int]) -> Numbers:
        """The same maps at another size in the grid."""
        return self if tuple(self._size) == size else Numbers(self._maps, size, extra=self._extra)

    def message(self, channel: int | None, *, deflate: bool = False) -> tuple[dict[str, Any], list[bytes]]:
        """All maps, and the chosen one in full where the others are smaller; header and buffers.

        Parameters
        ----------
        channel : int, optional
            The chosen one; None: none.
        deflate : bool
            Whether the page can inflate.
        """
        maps = self._maps
        tiles = Quantised.of(maps if self._size == maps.shape[1:] else reduced(maps, *self._size))
        low, high = finite_ends(maps)
        whole = np.isfinite(maps)
        finite = maps.size == np.count_nonzero(whole)
        counts = np.full(len(maps), maps[0].size) if finite else np.count_nonzero(whole, axis=(1, 2))
        with np.errstate(over="ignore"):  # numbers so large have an infinite mean
            sums = np.sum(maps, axis=(1, 2), dtype=np.float64, where=True if finite else whole)
        means = sums / np.maximum(counts, 1)
        table = np.stack([tiles.low, tiles.step, low, high, means, maps[0].size - counts, *self._values])
        planes, deflated = _planes(tiles.codes, deflate)
        ranges = {
            scale: [value_ranges(maps, scale, symmetric=symmetric) for symmetric in (False, True)]
            for scale in ("layer", "layer-full")
        }
        header = {
            "kind": "layer",
            "key": self.key,
            "count": len(maps),
            "full": list(maps.shape[1:]),
            "size": list(self._size),
            "signed": bool(low.min() < 0 or (not finite and bool((maps == -np.inf).any()))),
            "ranges": {scale: [each[0].tolist() for each in both] for scale, both in ranges.items()},
            "beyond": [share_beyond(maps, each) for each in ranges["layer"]],
            "extra": [name for name, _ in self._extra],
            "deflated": deflated,
        }
        buffers = [table.astype("<f8").tobytes(), *planes]
        if channel is not None and self._size != maps.shape[1:]:
            header["map"], more = self.map(channel, deflate=deflate)
            buffers += more
        return header, buffers

    def map(self, channel: int, *, deflate: bool = False) -> tuple[dict[str, Any], list[bytes]]:
        """One map by itself, in full; header and buffers."""
        one = self._maps[channel : channel + 1]
        height, width = one.shape[1:]
        if height * width > MOST:
            share = (MOST / (height * width)) ** 0.5
            one = reduced(one, max(1, int(height * share)), max(1, int(width * share)))
        codes = Quantised.of(one)
        planes, deflated = _planes(codes.codes, deflate)
        header = {
            "kind": "map",
            "key": self.key,
            "channel": channel,
            "size": list(one.shape[1:]),
            "low": float(codes.low[0]),
            "step": float(codes.step[0]),
            "deflated": deflated,
        }
        return header, planes

    @cached_property
    def _values(self) -> list[NDArray[np.float64]]:
        return [np.asarray(values, np.float64) for _, values in self._extra]


def drawn_size(
    count: int, height: int, width: int, *, columns: int | None, room: int, ratio: float = 1.0
) -> tuple[int, int]:
    """(height, width) of a map at the size at which a grid of them is drawn; its own where it is drawn larger.

    Parameters
    ----------
    count, height, width
        The maps.
    columns
        Maps in a row; None: as fits.
    room
        Width of the grid, in px of the page.
    ratio
        Pixels of the screen for one of the page.
    """
    grid = Grid.fit(count, height, width, columns=columns, room=room)
    room = round(room * min(max(ratio, 1.0), SHARPEST))
    if grid.shape[1] <= room or grid.zoom > 1:
        return height, width
    gap = max(1, round(0.06 * min(height, width) * room / grid.shape[1]))
    wide = max(1, (room - gap * (grid.columns - 1)) // grid.columns)
    times = round(width / wide)
    if width % times == height % times == 0 and 0.85 * wide <= width // times <= wide:
        wide = width // times  # a whole number of pixels for one: quicker, and crisper
    return max(1, round(height * wide / width)), wide


def _planes(codes: NDArray[np.uint16], deflate: bool) -> tuple[list[bytes], list[bool]]:
    """The high bytes of all codes, and the low ones: the first are alike where maps are smooth, the second rarely."""
    planes = [(codes >> 8).astype(np.uint8).tobytes(), codes.astype(np.uint8).tobytes()]
    packed = [_deflated(plane) if deflate else None for plane in planes]
    return [raw if small is None else small for raw, small in zip(planes, packed, strict=True)], [
        small is not None for small in packed
    ]


def _deflated(data: bytes) -> bytes | None:
    """The bytes deflated; None where that is hardly worth it."""
    middle = max(0, len(data) // 2 - SAMPLE // 2)
    sample = data[middle : middle + SAMPLE]
    if not sample or len(zlib.compress(sample, 1)) > WORTH * len(sample):
        return None
    small = zlib.compress(data, 1)
    return small if len(small) <= WORTH * len(data) else None
