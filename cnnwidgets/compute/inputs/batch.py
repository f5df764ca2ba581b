"""What a network is run on: (N, C, ...) from everything that a user may give."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ..core import Entrance, check_numbers, describe, device_of, dtype_of, entrance, moved
from .forms import as_tensor, channels_first, is_picture

WANTED = "a tensor (N, C, H, W) or (C, H, W), an array, or a list of images of one size"


def as_batch(model: nn.Module, images: Any) -> Any:
    """What `model` is run on, (N, C, ...): the one place where the form of an input is decided.

    The first convolution decides: a `Conv2d` takes (N, C, H, W), and (C, H, W) is a single image; a `Conv1d` takes
    (N, C, L), and (C, L) is a single signal; a `Conv3d` takes (N, C, D, H, W), and (C, D, H, W) is a single volume or
    clip. Without a convolution three axes are a single image. Other forms are handed over as they are.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module.
    images : object
        A tensor, an array, or a list of images of one size; nested lists of numbers. An object of another kind, for
        networks that take one, is handed over as it is.

    Returns
    -------
    object
        A tensor on its own device. Bytes and floating point numbers keep their type, and `call` makes those of the
        model of them; other whole numbers and truth values become floating point numbers of the same value, except
        where the network looks them up in an embedding.

    Raises
    ------
    TypeError
        `images` are no images: the message says what they are, and what to give.
    ValueError
        They can be read in two ways: the message names both; they are on the meta device, and the model is not.
    """
    entry = entrance(model)
    batch = as_tensor(images, "the image")
    if batch is None:
        batch = _listed(images, entry)
    if not isinstance(batch, torch.Tensor) or batch.is_nested:
        return batch
    if batch.ndim == 0:
        raise TypeError(f"images must be {WANTED}, not a single number")
    if batch.is_meta and device_of(model).type != "meta":
        raise ValueError(f"the images, {describe(batch)}, are on the meta device, which holds no numbers")
    batch = channels_first(images, batch, entry)
    return as_numbers(model, batch[None] if _is_single(batch, entry) else batch)


def as_images(model: nn.Module, images: Any) -> torch.Tensor:
    """`as_batch` on the model's device and in its type, for methods that change pixels: (N, C, H, W), not empty.

    Raises
    ------
    TypeError, ValueError
        They are not images.
    """
    batch = as_batch(model, images)
    check_numbers(model)
    if not isinstance(batch, torch.Tensor):
        raise TypeError(f"images must be {WANTED}, not {type(images).__name__}")
    if batch.is_complex():
        raise TypeError("images of complex numbers have no pixels that could be covered or graded; give .abs()")
    if batch.ndim != 4 or batch.numel() == 0:
        raise ValueError(f"images must be (N, C, H, W) or (C, H, W) and hold pixels, not {describe(batch)}")
    found: torch.Tensor = moved(batch, device_of(model), dtype_of(model))
    return found if found.is_floating_point() else found.to(dtype_of(model))


def as_numbers(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    """Whole numbers other than bytes, and truth values, as floating point numbers of the same value."""
    if batch.is_floating_point() or batch.is_complex() or batch.dtype == torch.uint8 or _looks_up(model):
        return batch
    dtype = dtype_of(model)
    found = batch.to(dtype)
    if dtype == torch.float16 and not batch.is_meta and not found.isfinite().all():
        largest = int(batch.abs().max())
        raise ValueError(f"images hold whole numbers up to {largest}, and the model computes in float16, up to 65504")
    return found


def _looks_up(model: nn.Module) -> bool:
    return entrance(model) is None and any(isinstance(part, nn.Embedding) for part in model.modules())


def _is_single(batch: torch.Tensor, entry: Entrance | None) -> bool:
    """Whether `batch` lacks the axis of images."""
    if entry is None:
        return batch.ndim == 3
    axes, channels = entry.axes, entry.channels
    if axes == 3 and batch.ndim == 3 and not batch.shape[0] == channels > 1:
        raise ValueError(
            f"{describe(batch)} lacks the axis of channels: the first convolution, {entry.name!r}, takes {entry.form}; "
            "give images[None] for one volume"
        )
    if axes == 3 and batch.ndim == 4 and batch.shape[0] != channels:
        if batch.shape[1] == channels:
            return False  # images, to which the network adds an axis
        raise ValueError(
            f"{describe(batch)} is either one volume of {batch.shape[0]} channels, or {batch.shape[0]} volumes without "
            f"an axis of channels, and the first convolution, {entry.name!r}, takes {entry.form}: give images[None] "
            "for the first, images[:, None] for the second"
        )
    if axes == 1:  # otherwise a network that adds the axis of channels, or that flattens an image
        return batch.shape[0] == channels if batch.ndim == 2 else batch.ndim == 3 and batch.shape[1] != channels
    return batch.ndim in (3, axes + 1)


def _listed(images: Any, entry: Entrance | None) -> Any:
    """A list of images of one size as a batch; any other object as it is, if it may be meant."""
    if reason := _mistaken(images):
        raise TypeError(f"images must be {WANTED}, not {reason}")
    if not isinstance(images, (list, tuple)) or isinstance(images, torch.Size) or hasattr(images, "_fields"):
        return images
    if holds_numbers(images):
        try:
            array = np.asarray(images)
        except ValueError as error:
            raise TypeError(f"images must be {WANTED}, not lists of different lengths") from error
        return as_tensor(array, "the image")
    found = [as_tensor(image, f"image {number}") for number, image in enumerate(images)]
    parts = [part for part in found if part is not None]
    if len(parts) < len(found) or len({(part.shape, part.dtype) for part in parts}) != 1:
        return images if len(parts) < len(found) else type(images)(parts)
    if parts[0].ndim not in ((3,) if entry is None else (entry.axes + 1, entry.axes)):
        return type(images)(parts)  # several inputs, or batches: as they are
    return torch.stack([channels_first(image, part, entry) for image, part in zip(images, parts, strict=True)])


def _mistaken(images: Any) -> str:
    """What `images` is where no network takes it, and what to give instead."""
    if images is None or isinstance(images, (bool, int, float, complex)):
        return f"{images!r}"
    if isinstance(images, (str, bytes, os.PathLike)):
        return f"{images!r:.80}; cnnwidgets.data.photos reads pictures from a folder"
    if isinstance(images, DataLoader):
        return "a DataLoader; next(iter(loader))[0] gives its first images"
    if isinstance(images, Dataset):
        return f"the data set {type(images).__name__}; dataset[0][0] gives its first image"
    if isinstance(images, (Set, range, Iterator)):
        return f"a {type(images).__name__}"
    if not isinstance(images, (list, tuple)):
        return ""
    if not images:
        return f"an empty {type(images).__name__}"
    if all(isinstance(part, int) for part in images):
        return f"the numbers {tuple(images)}; torch.rand{tuple(images)} gives an image of that size"
    if all(_is_pair(part) for part in images):
        return "pairs (image, label); [image for image, label in items] gives the images"
    if len(images) == 2 and getattr(images[0], "ndim", 0) >= 2 and _is_labels(images[1], len(images[0])):
        return f"a batch (images, labels); its images are the first part of this {type(images).__name__}"
    return ""


def _is_pair(value: Any) -> bool:
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    return pair and _is_image(value[0]) and not _is_image(value[1])


def _is_image(value: Any) -> bool:
    return is_picture(value) or getattr(value, "ndim", 0) >= 2


def _is_labels(value: Any, count: int) -> bool:
    listed = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    return (listed or getattr(value, "ndim", 0) == 1) and len(value) == count


def holds_numbers(value: Any) -> bool:
    """Whether `value` is a number, or a tensor, an array or nested lists of numbers: images, and no data set."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
        if getattr(value, "ndim", 0) > 0:
            return False
    return isinstance(value, (int, float, complex)) or getattr(value, "ndim", 0) > 0
