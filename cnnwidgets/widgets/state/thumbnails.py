"""Small pictures of the images of a data set, kept: reading them again may mean to open files."""

from __future__ import annotations

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from ...compute.dataset import Items
from ...render.color import fitted, to_picture

KEPT = 1000
"""Pictures that are remembered."""


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
