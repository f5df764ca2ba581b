"""The images of each class of a data set, without loading images if the data set has `targets`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch

from ..core import listing, unknown, whole
from ..dataset import Items

SEEN = 1000
"""Number of labels that are read to find the classes."""


def labels(items: Items) -> Iterator[int | None]:
    """The class number of each image, from the first on; None if it has none.

    Taken from the data set's `targets` (as in torchvision), through `Subset` too; otherwise items are read one by one,
    as far as the caller iterates.
    """
    known = _targets(items.dataset)
    if known is not None:
        yield from known
    else:
        yield from (items[index].label for index in range(len(items)))


def members(items: Items, targets: Sequence[int], count: int) -> list[list[int]]:
    """Indices of the first `count` images of each class, in the order of `targets`; fewer if there are no more.

    Raises
    ------
    LookupError
        A class has no image; the message lists the classes that have.
    """
    found: dict[int, list[int]] = {target: [] for target in targets}
    missing = len(found)
    for index, label in enumerate(labels(items)):
        if label in found and len(found[label]) < count:
            found[label].append(index)
            missing -= len(found[label]) == count
            if not missing:
                break
    for target, indices in found.items():
        if not indices:
            there = ", ".join(items.label_text(label) for label in first_classes(items)) or "none: it has no labels"
            raise LookupError(f"no image is of class {items.label_text(target)!r}; classes of the data set: {there}")
    return [found[target] for target in targets]


def first_classes(items: Items, most: int | None = None) -> list[int]:
    """Class numbers, in order, of the data set's first images: at most `most` classes."""
    found: set[int] = set()
    for label in islice(labels(items), SEEN):
        found |= set() if label is None else {label}
        if len(found) == most:
            break
    return sorted(found)


def class_numbers(items: Items, targets: Iterable[Any]) -> tuple[int, ...]:
    """Class numbers from numbers or names, without duplicates.

    Raises
    ------
    LookupError
        No class has that name.
    TypeError, ValueError
        `targets` is not a sequence, or is empty.
    """
    if isinstance(targets, (str, bytes)) or not _is_listed(targets):
        raise TypeError(f"targets must be a list of classes, as [1, 3, 5], not {targets!r}")
    numbers: dict[int, None] = {}
    for target in targets:
        if isinstance(target, str) and target in items.classes:
            target = items.classes.index(target)
        elif isinstance(target, str) and target.strip().isdecimal():
            target = int(target)
        number = whole(target)
        if number is None:
            there = f"classes: {listing(items.classes) or 'numbers'}"
            raise LookupError(unknown(f"no class {target!r}", target, items.classes, there))
        numbers[number] = None
    if not numbers:
        raise ValueError("targets is empty: name at least one class")
    return tuple(numbers)


def _is_listed(targets: Any) -> bool:
    try:
        iter(targets)
    except TypeError:  # a tensor of one number has `__iter__` too, and that refuses
        return False
    return True


def _targets(dataset: Any) -> list[int] | None:
    """All labels of a data set, if they are integers and no wrapper or transform changes them."""
    if isinstance(dataset, torch.utils.data.Subset):
        known = _targets(dataset.dataset)
        return None if known is None else [known[index] for index in dataset.indices]
    targets = getattr(dataset, "targets", None)
    if targets is None or getattr(dataset, "target_transform", None) is not None:
        return None
    numbers = targets.tolist() if hasattr(targets, "tolist") else targets
    whole = isinstance(numbers, (list, tuple)) and len(numbers) == len(dataset)
    return list(numbers) if whole and all(type(number) is int for number in numbers) else None
