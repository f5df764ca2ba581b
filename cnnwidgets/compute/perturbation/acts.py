"""What is done to the pixels where they are: by one amount, or by many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

Amount = float | torch.Tensor
"""How much: one number, or V of them (V, 1, 1, 1), which make V images of one."""


def _mean_gray(image: torch.Tensor) -> torch.Tensor:
    """Brightness of each pixel: that of ITU-R BT.601 for three channels, the mean otherwise."""
    if image.shape[-3] != 3:
        return image.mean(-3, keepdim=True)
    shares = torch.tensor([0.299, 0.587, 0.114], dtype=image.dtype, device=image.device)
    return (image * shares[:, None, None]).sum(-3, keepdim=True)


def _contrast(image: torch.Tensor, factor: Amount, _: int) -> torch.Tensor:
    mean = _mean_gray(image).mean((-2, -1), keepdim=True)
    return mean + (image - mean) * factor


def _gray(image: torch.Tensor, share: Amount, _: int) -> torch.Tensor:
    return image + share * (_mean_gray(image) - image)


def _blur(image: torch.Tensor, sigma: Amount, _: int) -> torch.Tensor:
    height, width = image.shape[-2:]
    most = min(height, width) - 1  # the kernel reflects the image at its border, which must be that large
    sigma = torch.as_tensor(sigma, dtype=image.dtype, device=image.device)
    return _smoothing(height, sigma, most) @ image @ _smoothing(width, sigma, most).mT


def _smoothing(size: int, sigma: torch.Tensor, most: int) -> torch.Tensor:
    """The Gaussian along one axis as a matrix (..., size, size), for one number or many (..., 1, 1).

    It reaches 3 standard deviations, and `most` pixels at most; at a border the image is reflected.
    """
    reach = (3 * sigma).ceil().clamp(max=most)
    rim = int(reach.max())
    places = torch.arange(-rim, size + rim, dtype=sigma.dtype, device=sigma.device)
    away = places - torch.arange(size, dtype=sigma.dtype, device=sigma.device)[:, None]
    weights = (-0.5 * (away / sigma.clamp(min=1e-6)).square()).exp() * (away.abs() <= reach)
    weights = weights / weights.sum(-1, keepdim=True)
    found = weights[..., rim : rim + size].clone()
    found[..., 1 : rim + 1] += weights[..., :rim].flip(-1)
    found[..., size - 1 - rim : size - 1] += weights[..., rim + size :].flip(-1)
    return found


def _noise(image: torch.Tensor, sigma: Amount, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    pattern = torch.randn(image.shape[-3:], generator=generator, dtype=image.dtype)
    return image + sigma * pattern.to(image.device)


def _patch(image: torch.Tensor, share: Amount, _: int) -> torch.Tensor:
    height, width = image.shape[-2:]
    side = (torch.as_tensor(share, dtype=image.dtype, device=image.device) * min(height, width)).round().int()
    top, left = (height - side) // 2, (width - side) // 2
    y, x = torch.arange(height, device=image.device)[:, None], torch.arange(width, device=image.device)
    covered = (top <= y) & (y < top + side) & (left <= x) & (x < left + side)
    return torch.where(covered, 0.5, image)


ACTS: Mapping[str, Callable[[torch.Tensor, Amount, int], torch.Tensor]] = {
    "brightness": lambda image, factor, _: image * factor,
    "contrast": _contrast,
    "gray": _gray,
    "blur": _blur,
    "noise": _noise,
    "patch": _patch,
}
"""What each change that moves no pixels does to images (..., H, W) from 0, black, to 1; the last is a seed."""
