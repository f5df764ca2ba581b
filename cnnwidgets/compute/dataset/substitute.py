"""`prepare(item)` of a data set as a function of images: for methods that run the network on modified images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..core import Prepare, describe, rebuilt, same_random_state
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
        Of images (N, C, H, W): the arguments for all N of them. Tensors with a batch axis of one are concatenated along
        it; others are given once, if they do not depend on the image: a mask, a scale. Differentiable. Raises
        ValueError if a tensor that depends on the image has no batch axis of one.

    Raises
    ------
    TypeError
        The item has no image tensor.
    """
    if item.image is None:
        raise TypeError("the item holds no image tensor (C, H, W) whose pixels could be changed")
    own = item.image
    constant: list[bool] = []

    def given(image: torch.Tensor) -> Any:
        return prepare(_replaced(item.raw, own, image))

    def is_constant(place: int) -> bool:
        """Whether the tensor at `place` is the same for another image."""
        if not constant:
            with same_random_state():
                constant.extend(map(_same, _flat(given(own)), _flat(given(_unlike(own)))))
        return constant[place]

    def prepared(images: torch.Tensor) -> Any:
        return _joined([given(image) for image in images], is_constant)

    return prepared


def _replaced(value: Any, own: torch.Tensor, image: torch.Tensor) -> Any:
    """A copy of `value` with `own` replaced by `image`."""
    return rebuilt(value, lambda part: image if part is own else part)


def _unlike(own: torch.Tensor) -> torch.Tensor:
    noise = torch.rand(own.shape, generator=torch.Generator().manual_seed(0))
    return (noise if own.is_floating_point() or own.is_complex() else 2 * noise).to(own)


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor) and torch.equal(one, other)


def _flat(value: Any) -> list[Any]:
    found: list[Any] = []
    rebuilt(value, found.append)
    return found


def _joined(values: list[Any], is_constant: Callable[[int], bool]) -> Any:
    """The arguments for all images: tensors concatenated, everything else from the first."""
    columns = list(zip(*map(_flat, values), strict=True))
    batches = [isinstance(first, torch.Tensor) and first.ndim > 0 and len(first) == 1 for first, *_ in columns]
    for place, (first, *_) in enumerate(columns):
        if isinstance(first, torch.Tensor) and not batches[place] and not (any(batches) and is_constant(place)):
            raise ValueError(
                f"prepare(item) returns a tensor of {describe(first)}: to change parts of the image, each that depends "
                "on it must have a batch axis of one, as image[None] has"
            )
    joined = iter([torch.cat(column) if batch else column[0] for column, batch in zip(columns, batches, strict=True)])
    return rebuilt(values[0], lambda _: next(joined))
