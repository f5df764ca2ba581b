"""What the pictures are like: their channels and size, and how pixels become the input of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..core import check_numbers, entrance, whole
from ..dataset import Items, pixels_of

SIDES = (64, 32, 28, 224)
"""Heights and widths in pixels that are tried in this order where nobody says what the network takes."""
SAMPLED = 16
"""Images of a data set whose smallest and largest value are black and white, where its normalisation is not known."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """The form of a picture: pixels from 0 (black) to 1 (white), and the input of the network that they make.

    Attributes
    ----------
    shape : tuple of int
        (C, H, W).
    low, high : torch.Tensor
        (C, 1, 1) each: the input of a black and of a white pixel.
    """

    shape: tuple[int, int, int]
    low: torch.Tensor
    high: torch.Tensor

    def images(self, pixels: torch.Tensor) -> torch.Tensor:
        """The input that `pixels` (N, C, H, W) make."""
        return self.low.to(pixels) + pixels * (self.high - self.low).to(pixels)

    def pixels(self, images: torch.Tensor) -> torch.Tensor:
        """The pixels of an input (N, C, H, W), clipped to 0 to 1."""
        return ((images - self.low.to(images)) / (self.high - self.low).to(images)).clamp(0, 1)

    @classmethod
    def of(
        cls,
        model: nn.Module,
        items: Items | None,
        size: int | tuple[int, int] | None,
        normalization: tuple[Any, Any] | None,
        given: torch.Tensor | None = None,
    ) -> Canvas:
        """What a network takes, as far as it is known: from images, from those of a data set, or from its first layer.

        Parameters
        ----------
        model : torch.nn.Module
            The plain module.
        items : Items, optional
            Images like those that the network was trained on.
        size : int or (int, int), optional
            Height and width; by default those of `given` or of the first image, or else the first of `SIDES`.
        normalization : (mean, std), optional
            Of the input; by default that of the data set. Without either, black and white are 0 and 1, or the extremes
            of the first images, where these leave that range.
        given : torch.Tensor, optional
            (1, C, H, W): an image that the picture begins with.

        Raises
        ------
        ValueError
            The network takes signals or volumes; how many channels it takes is not known; or a size is none.
        """
        check_numbers(model)
        entry = entrance(model)
        if entry is not None and entry.axes != 2:
            raise ValueError(f"pictures are (C, H, W), and the first convolution, {entry.name!r}, takes {entry.form}")
        images = [given[0]] if given is not None else []
        if items is not None and not images:
            count = len(items)
            wanted = sorted({at * (count - 1) // max(1, SAMPLED - 1) for at in range(SAMPLED)})
            images = [image for index in wanted if (image := _image(items, index)) is not None]
            if not images:
                raise ValueError("the items of the data set hold no image tensor that tells what a picture is like")
            if images[0].ndim != 3:
                raise ValueError(f"pictures are (C, H, W), and an image of the data set is {tuple(images[0].shape)}")
        if not images and entry is None:
            name = type(model).__name__
            raise ValueError(
                f"{name} has no convolution that tells how many channels it takes; give dataset= or start="
            )
        channels = images[0].shape[0] if images else entry.channels if entry is not None else 0
        height, width = _size(size, (images[0].shape[1], images[0].shape[2]) if images else (SIDES[0], SIDES[0]))
        low, high = _limits(images, normalization or (None if items is None else items.normalization), channels)
        return cls((channels, height, width), low, high)


def _image(items: Items, index: int) -> torch.Tensor | None:
    try:
        return items[index].image
    except Exception:  # whatever a data set raises: the others tell as much
        return None


def _size(size: Any, default: tuple[int, int]) -> tuple[int, int]:
    if size is None:
        return default
    sides = size if isinstance(size, (tuple, list)) else (size, size)
    found = [whole(side) for side in sides]
    if len(found) != 2 or any(side is None or side < 1 for side in found):
        raise ValueError(f"size is a number of pixels, 1 or more, or (height, width), not {size!r}")
    return found[0], found[1]  # type: ignore[return-value]


def _checked(normalization: Any, channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation, (C, 1, 1) or (1, 1, 1) each."""
    try:
        mean, std = (torch.as_tensor(part, dtype=torch.float32).reshape(-1, 1, 1) for part in normalization)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"normalization must be (mean, std), numbers or one for each channel, not {normalization!r:.80}"
        ) from None
    for part in (mean, std):
        if len(part) not in (1, channels):
            raise ValueError(f"normalization is of {len(part)} channels, and the input has {channels}")
    if not (mean.isfinite().all() and std.isfinite().all() and std.all()):
        raise ValueError(f"normalization must be of finite numbers, and std not 0, not {normalization!r:.80}")
    return mean, std


def _limits(
    images: list[torch.Tensor], normalization: tuple[Any, Any] | None, channels: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The inputs of black and white, (C, 1, 1) each."""
    low, high = torch.zeros(channels, 1, 1), torch.ones(channels, 1, 1)
    if normalization is not None:
        mean, std = _checked(normalization, channels)
        white = 1.0
        if images and (limits := pixels_of(images[0].float(), (mean, std)).limits) is not None:
            white = limits[1]
        return (low - mean) / std, (white * high - mean) / std
    numbers = [image.float() for image in images if image.dtype != torch.uint8]
    if numbers:
        least, most = min(float(each.min()) for each in numbers), max(float(each.max()) for each in numbers)
        if (least < 0 or most > 1) and most > least:
            return torch.full_like(low, least), torch.full_like(high, most)
    return low, high
