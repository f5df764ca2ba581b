"""The images that a scan names, as it read them, as pictures: each is read once, as long as it is kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compute.core import same_random_state
from ...compute.dataset import Item, Items
from ...compute.reading import Reader
from ...render.color import to_picture
from ..passes import ByteCache
from ..surface import markup

KEPT = 64 * 2**20
"""Bytes of pictures that are kept."""


@dataclass(frozen=True, eq=False)
class Shown:
    """An image of the data set.

    Attributes
    ----------
    pixels : ndarray or None
        (H, W, 3) RGB; None where there is none.
    text : str
        Its class; empty where it is not known.
    shape : tuple of int
        Of its tensor.
    reason : str
        Why there is no picture.
    """

    pixels: NDArray[np.uint8] | None
    text: str = ""
    shape: tuple[int, ...] = ()
    reason: str = ""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return 0 if self.pixels is None else self.pixels.nbytes

    @property
    def placed(self) -> bool:
        """Whether places of a map lie in the picture: it is an image with rows and columns, as large as its tensor."""
        return self.pixels is not None and len(self.shape) == 3 and self.pixels.shape[:2] == self.shape[1:]


class Pictures:
    """`pictures(index)` is image `index` with what is random in a transform as the scan drew it.

    Parameters
    ----------
    items : Items
        The data set.
    seed : int
        That of the scan.
    """

    def __init__(self, items: Items, seed: int) -> None:
        self._items, self._reader = items, Reader(items, seed, skips=False)
        self._kept = ByteCache(KEPT)

    def __call__(self, index: int) -> Shown:
        """Image `index`; where it cannot be read, why."""
        found: Shown | None = self._kept.get(index)
        if found is None:
            try:
                found = self._shown(self.item(index))
            except Exception as error:  # whatever a data set raises: the others can be shown
                return Shown(None, reason=markup.in_words(error))
            self._kept.put(index, found)
        return found

    def item(self, index: int) -> Item:
        """Image `index` with its label, as the scan read it; raises what the data set raises."""
        with same_random_state():
            ((_, item),) = self._reader.read([index], {})
        return item

    def clear(self) -> None:
        """Forget all: the data may be others."""
        self._kept.clear()

    def _shown(self, item: Item) -> Shown:
        if item.image is None:
            return Shown(None, item.text, reason="no picture")
        pixels = to_picture(self._items.picture(item.image).numpy()).pixels
        return Shown(pixels, item.text, tuple(item.image.shape))
