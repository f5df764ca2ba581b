"""`prepare(item)` of a data set as a function of images: for methods that run the network on modified images."""

from __future__ import annotations

from typing import Any

import torch

from ..core import Prepare, describe
from .items import Item


def of_images(prepare: Prepare, item: Item) -> Prepare:
    """`prepare` as a function of images that replace the item's own.

    Parameters
    ----------
    prepare : callable
        `prepare(item)` gives the arguments of the model for one item of the data set.
    item : Item
        The item whose image is replaced; everything else is kept.

    Returns
    -------
    callable
        Of images (N, C, H, W): the arguments for all N of them, concatenated along the batch axis. Differentiable.
        Raises ValueError if `prepare` does not return a batch of one.

    Raises
    ------
    TypeError
        The item has no image tensor.
    """
    if item.image is None:
        raise TypeError("the item holds no image tensor (C, H, W) whose pixels could be changed")
    own = item.image

    def prepared(images: torch.Tensor) -> Any:
        return _joined([prepare(_replaced(item.raw, own, image)) for image in images])

    return prepared


def _replaced(value: Any, own: torch.Tensor, image: torch.Tensor) -> Any:
    """A copy of `value` with `own` replaced by `image`."""
    if value is own:
        return image
    if isinstance(value, dict):
        return {key: _replaced(part, own, image) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_replaced(part, own, image) for part in value)
    return value


def _joined(values: list[Any]) -> Any:
    """One argument, or several, for all images: tensors concatenated, everything else from the first."""
    first = values[0]
    if isinstance(first, dict):
        return {key: _joined([value[key] for value in values]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_joined(list(parts)) for parts in zip(*values, strict=True))
    if not isinstance(first, torch.Tensor):
        return first
    if first.ndim == 0 or len(first) != 1:
        raise ValueError(
            f"prepare(item) returns a tensor of {describe(first)}: to change parts of the image, each must have "
            "a batch axis of one, as image[None] has"
        )
    return torch.cat(values)
