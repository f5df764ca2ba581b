"""`prepare(item)` of a data set as a function of images: for what runs the network on changed images."""

from __future__ import annotations

from typing import Any

import torch

from .forward import Prepare, describe
from .items import Item


def of_images(prepare: Prepare, item: Item) -> Prepare:
    """`prepare` for images that take the place of the item's own.

    Parameters
    ----------
    prepare : callable
        `prepare(item)` gives the arguments of the model for one item of the data set.
    item : Item
        With the image that is replaced; all else stays as the data set gave it.

    Returns
    -------
    callable
        Of images (N, C, H, W): the arguments for all N of them, joined along the batch axis. Gradients go through.
        Raises ValueError where `prepare` does not make a batch of one.

    Raises
    ------
    TypeError
        The item holds no image tensor.
    """
    if item.image is None:
        raise TypeError("the item holds no image tensor (C, H, W) whose pixels could be looked into")
    own = item.image

    def prepared(images: torch.Tensor) -> Any:
        return _joined([prepare(_replaced(item.raw, own, image)) for image in images])

    return prepared


def _replaced(value: Any, own: torch.Tensor, image: torch.Tensor) -> Any:
    """A copy of `value` with `image` where it holds `own`."""
    if value is own:
        return image
    if isinstance(value, dict):
        return {key: _replaced(part, own, image) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_replaced(part, own, image) for part in value)
    return value


def _joined(values: list[Any]) -> Any:
    """One argument, or several, for all images: tensors one behind the other, all else from the first."""
    first = values[0]
    if isinstance(first, dict):
        return {key: _joined([value[key] for value in values]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_joined(list(parts)) for parts in zip(*values, strict=True))
    if not isinstance(first, torch.Tensor):
        return first
    if first.ndim == 0 or len(first) != 1:
        raise ValueError(
            f"prepare(item) gives a tensor of {describe(first)}: to hide or change parts of the image, each must have "
            "a batch axis of one, as image[None] has"
        )
    return torch.cat(values)
