"""The normalisation in the transforms of a data set: found by what a step does to numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ..core import same_random_state

SIDE = 4
"""Height and width of the image on which a step is tried."""


def given_normalization(given: Any) -> tuple[Any, Any]:
    """`given` if it is (mean, std): numbers, or one per channel."""
    try:
        mean, std = given
        fits = all(torch.as_tensor(part, dtype=torch.float64).numel() for part in (mean, std))
    except (TypeError, ValueError, RuntimeError):
        fits = False
    if not fits:
        raise TypeError(f"denormalize must be a function of the image, or (mean, std), not {given!r:.80}")
    return mean, std


def found_normalization(datasets: Iterable[Any]) -> tuple[Any, Any] | None:
    """Mean and standard deviation of the last normalisation in the transforms of the first of `datasets` with one."""
    for dataset in datasets:
        found = None
        for name in ("transform", "transforms"):
            for step in _steps(getattr(dataset, name, None)):
                found = normalization_of(step) or found
        if found is not None:
            return found
    return None


def normalization_of(step: Any) -> tuple[Any, Any] | None:
    """Mean and standard deviation of a transform, if it subtracts the one and divides by the other.

    The step is tried, a copy of it, on an image in [0, 1] and on the same one in 0 to 255: many steps that do something
    else have a mean and a deviation too (noise, a scaling by the image's own range, the inverse of a normalisation).
    """
    flags = getattr(step, "flags", None)  # where kornia's augmentations keep them
    known = flags if isinstance(flags, Mapping) else {}
    mean, std = (known.get(name, getattr(step, name, None)) for name in ("mean", "std"))
    if mean is None or std is None or not callable(step):
        return None
    try:
        centre, spread = (torch.as_tensor(part, dtype=torch.float64).flatten() for part in (mean, std))
        channels = max(len(centre), len(spread))
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(channels, SIDE, SIDE, generator=generator, dtype=torch.float64)
        wanted = (image - centre[:, None, None]) / spread[:, None, None]
        own = copy.deepcopy(step)  # it may count, or draw random numbers of its own
    except Exception:
        return None
    for scale in (1, 255):
        with same_random_state():
            got = _tried(own, image * scale)
        if got is not None and got.numel() == wanted.numel() and _alike(got.reshape(wanted.shape), wanted):
            return mean, std
    return None


def _alike(got: torch.Tensor, wanted: torch.Tensor) -> bool:
    return torch.allclose(got.double(), wanted, rtol=1e-3, atol=1e-3 * float(wanted.abs().max()))


def _tried(step: Any, image: torch.Tensor) -> torch.Tensor | None:
    """What `step` makes of an image, as a tensor (C, H, W); or as an array `image=` with the channels last."""
    try:
        found = step(image.float().clone())
        return found if isinstance(found, torch.Tensor) else None
    except Exception:
        pass
    try:
        found = step(image=image.float().movedim(0, -1).numpy().copy())
        return torch.as_tensor(found["image"]).movedim(-1, 0)
    except Exception:
        return None


def undone(image: torch.Tensor, normalization: tuple[Any, Any]) -> torch.Tensor:
    """A floating point `image`, channels first, times the deviation plus the mean."""
    shape = (-1,) + (1,) * (image.ndim - 1)
    mean, std = (torch.as_tensor(value, dtype=image.dtype).reshape(shape) for value in normalization)
    return image * std + mean


def scaled_bytes(image: torch.Tensor) -> torch.Tensor:
    """`image` in [0, 1] where its numbers are those of bytes: whole, from 0 to 255, and not all below 2."""
    low, high = image.aminmax()
    if not (low > -0.02 and 2 < high < 255.02) or ((image - image.round()).abs() > 0.02).any():
        return image
    return image / 255


@dataclass(frozen=True)
class Pixels:
    """An image of a data set before its normalisation, for what changes pictures.

    Attributes
    ----------
    image : torch.Tensor
        (C, H, W).
    limits : tuple of float, optional
        The values of black and white; None where they are those that the image has itself.
    normalize : callable
        Makes the data set's image of it again, also of a batch (N, C, H, W).
    """

    image: torch.Tensor
    limits: tuple[float, float] | None
    normalize: Callable[[torch.Tensor], torch.Tensor]


def pixels_of(image: torch.Tensor, normalization: tuple[Any, Any] | None) -> Pixels:
    """`image` with the normalisation of its data set undone, if it is known."""
    if normalization is None or not image.is_floating_point():
        return Pixels(image, None, lambda pixels: pixels)
    mean, std = (torch.as_tensor(part, dtype=image.dtype).reshape(-1, 1, 1) for part in normalization)
    plain = undone(image, normalization)
    white = 1.0 if scaled_bytes(plain) is plain else 255.0
    return Pixels(plain, (0.0, white), lambda pixels: (pixels - mean.to(pixels)) / std.to(pixels))


def _steps(transform: Any) -> Iterator[Any]:
    if transform is None:
        return
    if isinstance(transform, (list, tuple, torch.nn.ModuleList, torch.nn.Sequential)):
        for step in transform:
            yield from _steps(step)
        return
    yield transform
    for name in ("transforms", "transform"):
        yield from _steps(getattr(transform, name, None))
