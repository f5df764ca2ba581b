"""Baselines of occlusion: a constant, a mean, a blurred copy, noise, or another image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..inputs import as_tensor

NAMED = ("mean", "blur", "noise")


def baseline_images(
    images: torch.Tensor, baseline: Any, window: tuple[int, int], generator: torch.Generator | None = None
) -> torch.Tensor:
    """The images with every pixel replaced by the baseline.

    Parameters
    ----------
    images : torch.Tensor
        (N, C, H, W), floating point.
    baseline : float, sequence of float, str, torch.Tensor or numpy.ndarray
        In units of the network's input. One number; one per channel; `"mean"`, the mean per image and channel;
        `"blur"`, Gaussian blur with a standard deviation of half the window; `"noise"`, normal with each
        image's mean and deviation a channel; or an image (C, H, W), or one for each (N, C, H, W).
    window : tuple of int
        (height, width) of the patch in pixels.
    generator : torch.Generator, optional
        For the noise; by default a new one with seed 0, so that the global random state is unchanged.

    Returns
    -------
    torch.Tensor
        (N, C, H, W) like `images`; may be an expanded view.

    Raises
    ------
    TypeError, ValueError
        Any other value, shape or non-finite number; the message states what is allowed.
    """
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, not {type(generator).__name__}")
    if isinstance(baseline, str):
        if baseline not in NAMED:
            raise ValueError(f"no baseline {baseline!r}; allowed: a number, {', '.join(map(repr, NAMED))}, an image")
        mean = images.mean((2, 3), keepdim=True)
        if baseline == "mean":
            return mean.expand_as(images)
        if baseline == "blur":
            return blur(images, window)
        generator = generator or torch.Generator().manual_seed(0)
        noise = torch.randn(images.shape, generator=generator, device=generator.device).to(images)
        return mean + noise * images.std((2, 3), keepdim=True, correction=0)
    channels = images.shape[1]
    allowed_types = f"a baseline is a number, one per channel, {', '.join(map(repr, NAMED))} or an image"
    if isinstance(baseline, (Sequence, np.ndarray)):
        try:
            baseline = as_tensor(baseline, "the baseline") if hasattr(baseline, "ndim") else torch.as_tensor(baseline)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"{allowed_types}, not {baseline!r:.80}") from error
    if isinstance(baseline, torch.Tensor) and baseline.ndim:
        filled = baseline.detach().to(images) / (255 if baseline.dtype == torch.uint8 else 1)
        filled = filled.reshape(-1, 1, 1) if filled.ndim == 1 else filled
        allowed = [(channels, 1, 1), tuple(images.shape[1:]), tuple(images.shape), (1, *images.shape[1:])]
        if tuple(filled.shape) not in allowed:
            given = " x ".join(map(str, baseline.shape))
            raise ValueError(
                f"the baseline has the shape {given}; allowed: {channels} numbers (one per channel), "
                f"or an image of {' x '.join(map(str, images.shape[1:]))}"
            )
        if not filled.isfinite().all():
            raise ValueError("the baseline holds NaN or infinite values, which no network can score")
        return filled.expand_as(images)
    try:
        number = float(baseline)
    except (TypeError, ValueError):
        raise TypeError(f"{allowed_types}, not {type(baseline).__name__}") from None
    if not math.isfinite(number):
        raise ValueError(f"the baseline must be a finite number, not {number}")
    return images.new_full((1, 1, 1, 1), number).expand_as(images)


def blur(images: torch.Tensor, window: tuple[int, int]) -> torch.Tensor:
    """`images` (N, C, H, W) blurred by a Gaussian of half the window, truncated at 3 sigma; borders replicated."""
    channels = images.shape[1]
    for axis, side in ((2, window[0]), (3, window[1])):
        reach = math.ceil(1.5 * side)
        kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / (side / 2)).square())
        shape = [1, 1, 1, 1]
        shape[axis] = -1
        weight = (kernel / kernel.sum()).to(images).reshape(shape).repeat(channels, 1, 1, 1)
        padding = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
        images = functional.conv2d(functional.pad(images, padding, mode="replicate"), weight, groups=channels)
    return images
