"""Images in memory, each with a class: the base of the data sets of cnnwidgets."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import SupportsIndex

import torch
from torch import Tensor
from torch.utils.data import Dataset


class LabelledImages(Dataset[tuple[Tensor, int]]):
    """Images with one class each; item `index` is `(image, label)`.

    The image is a float32 tensor (C, H, W) in [0, 1], the label an int, and `classes[label]` its name.

    Parameters
    ----------
    images
        (N, C, H, W), either uint8 in 0..255 or floating point in [0, 1]. Not copied.
    targets
        (N,) int64, the class number of each image.
    classes
        Name of each class.

    Raises
    ------
    TypeError
        If `images` or `targets` is not a tensor of those types, or an index is not an integer.
    ValueError
        If shapes or lengths do not fit, or values are out of range.
    IndexError
        If an item is asked for that does not exist.

    Examples
    --------
    >>> white = torch.full((2, 1, 3, 3), 255, dtype=torch.uint8)
    >>> dataset = LabelledImages(white, torch.tensor([1, 0]), ["a", "b"])
    >>> image, label = dataset[-2]
    >>> image.max().item(), dataset.classes[label]
    (1.0, 'b')
    """

    def __init__(self, images: Tensor, targets: Tensor, classes: Sequence[str]) -> None:
        _check_images(images)
        _check_targets(targets, len(images), classes)
        self.images = images
        self.targets = targets
        self.classes = list(classes)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: SupportsIndex) -> tuple[Tensor, int]:
        position = self._position(index)
        image = self.images[position]
        scale = 255 if image.dtype == torch.uint8 else 1
        return image.to(torch.float32) / scale, int(self.targets[position])

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.images.shape[1:]))
        return f"LabelledImages({len(self):,} images of {size}, {len(self.classes)} classes)"

    def _position(self, index: SupportsIndex) -> int:
        try:
            position = operator.index(index)
        except TypeError:
            raise TypeError(f"index must be an integer, not {index!r}") from None
        count = len(self)
        if not -count <= position < count:
            allowed = f"{-count} to {count - 1}" if count else "none, as the data set is empty"
            raise IndexError(f"no image {position}; allowed: {allowed}")
        return position % count


def _check_images(images: Tensor) -> None:
    if not isinstance(images, Tensor):
        raise TypeError(f"images must be a tensor, not {type(images).__name__}")
    if images.ndim != 4:
        raise ValueError(f"images must have the shape (N, C, H, W), not {tuple(images.shape)}")
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        raise TypeError(f"images must be uint8 or floating point, not {images.dtype}")
    if images.numel():
        low, high = images.min().item(), images.max().item()
        if not (low >= 0 and high <= 1):  # written so that NaN fails as well
            raise ValueError(f"floating-point images must lie in [0, 1]; given: {low:g} to {high:g}")


def _check_targets(targets: Tensor, count: int, classes: Sequence[str]) -> None:
    if not isinstance(targets, Tensor):
        raise TypeError(f"targets must be a tensor, not {type(targets).__name__}")
    if targets.dtype != torch.int64:
        raise TypeError(f"targets must be int64, not {targets.dtype}")
    if targets.ndim != 1:
        raise ValueError(f"targets must have the shape (N,), not {tuple(targets.shape)}")
    if len(targets) != count:
        raise ValueError(f"{count} images need {count} targets, not {len(targets)}")
    if isinstance(classes, Mapping):
        raise TypeError(f"classes must be a list of names in their order, not a mapping: {classes!r:.80}")
    if isinstance(classes, str) or not all(isinstance(name, str) for name in classes):
        raise TypeError(f"classes must be a list of names, not {classes!r}")
    if count:
        low, high = int(targets.min()), int(targets.max())
        if low < 0 or high >= len(classes):
            raise ValueError(
                f"targets must lie in 0 to {len(classes) - 1}, as there are {len(classes)} classes; "
                f"given: {low} to {high}"
            )
