"""The images of a scan: in which order they come, what is random in them, and in which batches."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from ..core import Prepare, in_one_line, whole
from ..dataset import Item, Items
from ..inputs import as_numbers
from .measuring import NONE

MOST_CLASSES = 2**16
"""Labels from this number on are no classes: a table for each channel would be too long."""


class Batch(NamedTuple):
    """What the network is run on, and of its N images the indices in the data set and the classes (N,)."""

    given: Any
    images: torch.Tensor
    labels: torch.Tensor

    def single(self) -> list[Batch]:
        """Its images, one a batch."""
        return [Batch(*(each[at : at + 1] for each in self)) for at in range(len(self.images))]


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
        """The items that can be read with their indices; why others cannot is added to `skipped`.

        Seeds take time for small images, so they are left out until an item draws a random number.
        """
        if not self._is_random:
            before = _random_state()
            items, errors = _each(self.items.read, indices)
            self._is_random = _random_state() != before
        if self._is_random:
            items, errors = _each(self.__getitem__, indices)
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


def _random_state() -> tuple[object, ...]:
    _, numbers, *rest = np.random.get_state()
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), np.asarray(numbers).tobytes(), rest


def checked_part(part: tuple[int, int]) -> tuple[int, int]:
    """Which part of how many, as numbers; raises where it is not that."""
    if not isinstance(part, Sequence) or len(part) != 2 or None in (numbers := [whole(each) for each in part]):
        raise TypeError(f"part is (which, of how many), such as (0, 8), not {part!r}")
    at, of = (int(number) for number in numbers if number is not None)
    if not 0 <= at < of:
        raise ValueError(f"part {part!r}: of {of} parts there are those from 0 to {of - 1}")
    return at, of


def visiting_order(count: int, seed: int | None) -> torch.Tensor:
    """The indices of `count` images in a random order; as they come, if `seed` is None."""
    if seed is None:
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def batches(model: nn.Module, items: Sequence[tuple[int, Item]], prepare: Prepare | None, most: int) -> Iterator[Batch]:
    """Indices and items in batches of images of one size and type, of at most so many."""
    groups: dict[object, list[tuple[int, Item]]] = {}
    for index, item in items:
        image = item.image
        key = index if prepare is not None or image is None else (image.shape, image.dtype, image.device)
        groups.setdefault(key, []).append((index, item))
    for group in groups.values():
        for start in range(0, len(group), most):
            part = group[start : start + most]
            images = [item.image for _, item in part if item.image is not None]
            stacked = prepare is None and len(images) == len(part)
            yield Batch(
                as_numbers(model, torch.stack(images)) if stacked else part[0][1].raw,
                torch.tensor([index for index, _ in part]),
                torch.tensor([_class_of(item) for _, item in part]),
            )


def _class_of(item: Item) -> int:
    return item.label if item.label is not None and 0 <= item.label < MOST_CLASSES else NONE
