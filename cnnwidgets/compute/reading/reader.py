"""Images one by one, with the same random numbers whenever they are read."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

import numpy as np
import torch

from ..core import in_one_line
from ..dataset import Item, Items, is_finite

TOGETHER = 2**18
"""Numbers of small images that are looked at in one sum; each large image has its own."""


class Reader:
    """Reads images one by one, whatever is random in them drawn from a seed and their number.

    Parameters
    ----------
    items : Items
        The data set.
    seed : int
        A random transform gives an image the same numbers whenever it is read with this seed.
    skips : bool
        Whether to leave out what cannot be read, instead of raising an error.
    """

    def __init__(self, items: Items, seed: int, *, skips: bool) -> None:
        self.items, self._seed, self._skips, self._is_random = items, seed, skips, False

    def __getitem__(self, index: int) -> Item:
        """The item; the caller restores the random state."""
        seed = (self._seed * 1_000_003 + index) % 2**32
        random.seed(seed)
        np.random.seed(seed)
        torch.default_generator.manual_seed(seed)  # that of the CPU: a hundred times as fast as those of all devices
        return self.items.read(index)

    def read(self, indices: Sequence[int], skipped: dict[int, str]) -> list[tuple[int, Item]]:
        """The items that can be read with their indices; why others cannot is added to `skipped`."""
        return self.without(*self.tried(indices), skipped)

    def tried(self, indices: Sequence[int]) -> tuple[list[tuple[int, Item]], list[tuple[int, Exception]]]:
        """The items that can be read with their indices, and the errors of the others.

        Seeds take time for small images, so they are left out until an item draws a random number; so does a sum for
        each, so they are read again one by one only where the sum of many is not finite.
        """
        if not self._is_random:
            before = _random_state()
            found = _each(partial(self.items.read, sums=False), indices)
            if self.items.prepare is None and not _all_finite([item.image for _, item in found[0]]):
                found = _each(self.items.read, indices)
            self._is_random = _random_state() != before
        return _each(self.__getitem__, indices) if self._is_random else found

    def without(
        self, items: list[tuple[int, Item]], errors: list[tuple[int, Exception]], skipped: dict[int, str]
    ) -> list[tuple[int, Item]]:
        """The items; the errors are added to `skipped`, or the first is raised."""
        for index, error in errors:
            if not self._skips:
                raise error
            skipped[index] = in_one_line(error)
        return items

    def first(self, order: torch.Tensor, count: int) -> list[tuple[int, Item]]:
        """The first so many items of an order that can be read, at least one."""
        skipped: dict[int, str] = {}
        items: list[tuple[int, Item]] = []
        for index in order.tolist():
            items += self.read([index], skipped)
            if len(items) == count:
                break
        if not items:
            index, why = next(iter(skipped.items()))
            raise ValueError(f"no image of the data set can be read; image {index}: {why}")
        return items


def like(reader: Reader, items: Items) -> Reader:
    """A reader of items that reads as another one does."""
    found = copy.copy(reader)
    found.items = items
    return found


def _each(
    read: Callable[[int], Item], indices: Sequence[int]
) -> tuple[list[tuple[int, Item]], list[tuple[int, Exception]]]:
    items, errors = [], []
    for index in indices:
        try:
            items.append((index, read(index)))
        except Exception as error:  # whatever a data set raises
            errors.append((index, error))
    return items, errors


def _all_finite(images: Sequence[torch.Tensor | None]) -> bool:
    """Whether all numbers are finite, where sums tell it."""
    tensors = [image for image in images if image is not None]
    for (shape, kind, _), group in groupby(tensors, lambda image: (image.shape, image.dtype, image.device)):
        alike, step = list(group), max(1, TOGETHER // shape.numel())
        for start in range(0, len(alike), step):
            values = torch.stack(alike[start : start + step]) if step > 1 else alike[start]
            if not is_finite(values.float() if kind.is_floating_point and kind.itemsize < 4 else values):
                return False
    return True


def _random_state() -> tuple[object, ...]:
    _, numbers, *rest = np.random.get_state()
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), np.asarray(numbers).tobytes(), rest
