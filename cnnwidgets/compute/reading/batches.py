"""The images of a scan: in which order they come, and in which batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from ..core import Prepare, whole
from ..dataset import Item
from ..inputs import as_numbers
from ..predictions import NONE

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
