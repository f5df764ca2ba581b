"""What may be a data set, and the data sets that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from ..core import Entrance, listing


def checked_source(dataset: Any, entry: Entrance | None) -> None:
    """Raise unless `dataset` gives items by index.

    Raises
    ------
    TypeError
        It cannot be indexed by 0, or has no length; the message says what to give instead.
    ValueError
        It is empty, or one image, or a batch with its labels.
    """
    name = type(dataset).__name__
    if isinstance(dataset, DataLoader):
        raise TypeError(
            f"dataset must give (image, label) by index and have a length; {name} does not: give loader.dataset"
        )
    if isinstance(dataset, IterableDataset):
        raise TypeError(
            f"dataset must give (image, label) by index; {name} gives items one after the other: "
            "list(itertools.islice(dataset, 100)) holds the first of them"
        )
    if isinstance(dataset, Mapping) and 0 not in dataset:
        keys = listing([repr(key) for key in dataset], 6)
        raise TypeError(
            f"dataset must give (image, label) by index; this {name} has the entries {keys or 'none'}: give one of "
            f"them, such as dataset[{next(iter(dataset), 'train')!r}]"
        )
    if isinstance(dataset, torch.Size) or (
        type(dataset) in (tuple, list) and len(dataset) > 1 and all(type(part) is int for part in dataset)
    ):
        size = tuple(dataset)
        raise TypeError(f"{size} is a size: give images of it, torch.rand{size}")
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise TypeError(f"dataset must give (image, label) by index and have a length; {name} does not")
    axes = 2 if entry is None else entry.axes
    if getattr(dataset, "ndim", None) is not None and dataset.ndim < axes + 2 and not isinstance(dataset, Mapping):
        form = "(N, C, H, W)" if entry is None else entry.form
        given = " x ".join(map(str, dataset.shape))
        raise ValueError(f"a tensor of images has shape {form}, not {given}")
    try:
        count = len(dataset)
    except (TypeError, NotImplementedError) as error:
        raise TypeError(f"dataset must give (image, label) by index and have a length; {name} has none") from error
    if count == 0:
        raise ValueError("the data set is empty: there is no image to show")
    if isinstance(dataset, (tuple, list)) and count == 2 and _is_batch(dataset[0], dataset[1], axes):
        raise ValueError(
            f"dataset is a batch (images, labels) of {len(dataset[0])} images: "
            "torch.utils.data.TensorDataset(images, labels) makes a data set of it"
        )


def _is_batch(images: Any, labels: Any, axes: int) -> bool:
    """Whether two items are images and as many labels."""
    if getattr(images, "ndim", 0) < axes + 2:
        return False
    if not isinstance(labels, (list, tuple)) and getattr(labels, "ndim", 0) not in (1, 2):
        return False
    return len(labels) == len(images)


def parts_of(dataset: Any) -> list[list[Any]]:
    """For each data set of a `ConcatDataset` - one otherwise - what stands around it, from the outside in."""
    seen: list[Any] = []
    while dataset is not None and not any(dataset is one for one in seen):
        seen.append(dataset)
        several = getattr(dataset, "datasets", None)
        if isinstance(several, (list, tuple)) and several:
            return [[*seen, *inside] for part in several for inside in parts_of(part)]
        dataset = getattr(dataset, "dataset", None)
    return [seen]
