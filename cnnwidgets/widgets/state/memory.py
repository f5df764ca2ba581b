"""What a view remembers, so that nothing is worked out twice: parts of its last drawing, and small pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from ...compute.dataset import Items
from ...render.color import fitted, to_picture

T = TypeVar("T")
VALUES = (bool, int, float, str)
KEPT = 1000
"""Small pictures that are remembered: reading an image again may mean to open a file."""


class Memory:
    """One value for each name, with the key that it was made for."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[tuple[Any, ...], Any]] = {}

    def remember(self, name: str, key: Sequence[Any], make: Callable[[], T]) -> T:
        """What was made for `key` last, or what `make()` gives now.

        Parameters
        ----------
        name : str
            Of what is remembered; only the newest of each name is.
        key : sequence
            All that it depends on. Numbers, texts and tuples are compared by value; all else must be the same object.
        make : callable
            Works it out. Where it raises, what was there stays.
        """
        wanted, held = tuple(key), self._held.get(name)
        if held is None or not same(held[0], wanted):
            held = self._held[name] = (wanted, make())
        value: T = held[1]
        return value

    def known(self, name: str, key: Sequence[Any]) -> Any:
        """What was made for `key` last; None where nothing was, or something else since."""
        held = self._held.get(name)
        return held[1] if held is not None and same(held[0], tuple(key)) else None

    def forget(self) -> None:
        """Remember nothing."""
        self._held.clear()


def same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two keys are equal: numbers, texts and tuples by value, all else by identity."""
    if len(one) != len(other):
        return False
    for left, right in zip(one, other, strict=True):
        if isinstance(left, tuple) and isinstance(right, tuple):
            if not same(left, right):
                return False
        elif left is not right and not (isinstance(left, VALUES) and isinstance(right, VALUES) and left == right):
            return False
    return True


class Thumbnails:
    """`thumbnails(index, side)` is image `index` as (H, W, 3) of at most `side` px, or None where the item has none."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self._kept: LRUCache[tuple[int, int], NDArray[np.uint8] | None] = LRUCache(KEPT)

    def __call__(self, index: int, side: int) -> NDArray[np.uint8] | None:
        """Image `index` as a small picture."""
        key = index, side
        if key not in self._kept:
            image = self.items[index].image
            picture = None if image is None else to_picture(self.items.picture(image).numpy()).pixels
            self._kept[key] = None if picture is None else fitted(picture, side, side)
        return self._kept[key]

    def clear(self) -> None:
        """Forget all: the data may be others."""
        self._kept.clear()
