"""What the patch of an OcclusionView is filled with: checked, and comparable, so that a change of it is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...compute.occlusion import NAMED, baseline_images

ALLOWED = "a number, one a channel, 'mean', 'blur', 'noise' or an image tensor"


class FillingImage:
    """An image (C, H, W) to fill a patch from: a copy of `image`, equal to any other of the same numbers."""

    def __init__(self, image: torch.Tensor) -> None:
        self.image = image.detach().clone()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, FillingImage)
            and self.image.dtype == other.image.dtype
            and torch.equal(self.image, other.image)
        )

    def __hash__(self) -> int:
        return hash(self.image.shape)

    def __repr__(self) -> str:
        return f"<image {' x '.join(map(str, self.image.shape))}>"


def filling(value: Any) -> Any:
    """A name, a number, a tuple of numbers, or a `FillingImage`; raises ValueError or TypeError for all else."""
    if isinstance(value, FillingImage):
        return value
    if isinstance(value, str):
        if value not in NAMED:
            raise ValueError(f"no baseline {value!r}; allowed: {ALLOWED}")
        return value
    if isinstance(value, np.ndarray) and value.ndim > 2:
        value = torch.from_numpy(value)
    if isinstance(value, torch.Tensor) and value.ndim > 2:
        return FillingImage(value)
    try:
        numbers = value.tolist() if hasattr(value, "tolist") else value
        found = tuple(map(float, numbers)) if isinstance(numbers, Sequence) else float(numbers)
    except (TypeError, ValueError):
        raise TypeError(f"the baseline of a view is {ALLOWED}, not {type(value).__name__}") from None
    if not all(map(math.isfinite, found if isinstance(found, tuple) else [found])):
        raise ValueError(f"the baseline of a view is made of finite numbers, not {value!r:.80}")
    return found


def baseline_of(filling: Any) -> Any:
    """The same as `occlusion` takes it."""
    return filling.image if isinstance(filling, FillingImage) else filling


def fits(filling: Any, images: torch.Tensor, window: tuple[int, int]) -> None:
    """Raise ValueError if `filling` has another size, or other channels, than `images` (N, C, H, W)."""
    if isinstance(filling, (FillingImage, tuple)):
        baseline_images(images, baseline_of(filling), window)
