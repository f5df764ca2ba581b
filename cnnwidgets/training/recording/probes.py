"""The fixed images whose maps are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


def as_probes(probes: Any) -> tuple[torch.Tensor, list[int]]:
    """Images (N, C, H, W) as a copy on the CPU, and their labels, if given.

    Parameters
    ----------
    probes : torch.Tensor or sequence
        (N, C, H, W), or a sequence of (C, H, W) or of ((C, H, W), label).

    Raises
    ------
    ValueError
        There are no images, or they differ in shape.
    TypeError
        An item is not an image tensor.
    """
    labels: list[int] = []
    if not isinstance(probes, torch.Tensor):
        if not isinstance(probes, Sequence):
            raise TypeError(
                f"probes must be a tensor (N, C, H, W) or a list of images or (image, label), "
                f"not {type(probes).__name__}; [dataset[i] for i in range(8)] gives one"
            )
        pairs = [item if isinstance(item, (tuple, list)) else (item,) for item in probes]
        for at, pair in enumerate(pairs):
            if not pair or not isinstance(pair[0], torch.Tensor):
                raise TypeError(f"probe {at} is no image tensor: {type(pair[0] if pair else pair).__name__}")
        shapes = [tuple(pair[0].shape) for pair in pairs]
        if len(set(shapes)) > 1:
            other = next(shape for shape in shapes if shape != shapes[0])
            raise ValueError(f"probes differ in shape: {shapes[0]} and {other}")
        if pairs and all(len(pair) > 1 and hasattr(pair[1], "__index__") for pair in pairs):
            labels = [int(pair[1]) for pair in pairs]
        probes = torch.stack([pair[0] for pair in pairs]) if pairs else torch.empty(0)
    if probes.ndim == 3:
        probes = probes[None]
    if probes.ndim < 2 or not probes.numel():
        raise ValueError(f"there are no probes: give images (N, C, H, W), not a tensor of shape {tuple(probes.shape)}")
    probes = probes.detach().to("cpu", copy=True)
    return (probes.float() if probes.is_floating_point() else probes), labels


def as_labels(labels: Any, count: int) -> list[int]:
    """Labels as class numbers; raises ValueError unless there is one for each of `count` probes, or none."""
    found = list(labels)
    if wrong := [label for label in found if not hasattr(label, "__index__")]:
        raise ValueError(f"labels must be class numbers, not {wrong[0]!r}; names go into classes=")
    if found and len(found) != count:
        raise ValueError(f"{len(found)} labels for {count} probes")
    return [int(label) for label in found]


def as_normalization(denormalize: Any) -> list[list[float]]:
    """Mean and deviation as lists of numbers; raises ValueError if they are not numbers, or of different lengths."""
    try:
        mean, std = ([float(value) for value in part] for part in denormalize)
    except (TypeError, ValueError):
        mean, std = [], []
    if not mean or len(mean) != len(std):
        raise ValueError(f"denormalize must be (mean, std), each with a number a channel, not {denormalize!r:.60}")
    return [mean, std]


def as_loss(loss: Any) -> float | torch.Tensor | None:
    """The loss as a number, or a tensor of one, which need not be waited for; raises ValueError if it is none."""
    if loss is None:
        return None
    if isinstance(loss, torch.Tensor):
        if loss.numel() != 1 or loss.is_complex():
            kind = "complex tensor" if loss.is_complex() else "tensor"
            raise ValueError(f"loss must be one number, not a {kind} of shape {tuple(loss.shape)}")
        return loss.detach()
    try:
        return float(loss)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"loss must be one number, not a {type(loss).__name__}") from None
