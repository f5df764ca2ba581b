"""The fixed images whose maps are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ...compute.dataset import Items, read_label
from ...compute.inputs import as_batch


def as_probes(model: nn.Module, probes: Any) -> tuple[torch.Tensor, list[int]]:
    """Images (N, C, H, W) as a copy on the CPU, and their labels, if each has one.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module that they are for.
    probes : torch.Tensor, array or sequence
        (N, C, H, W), or a sequence of (C, H, W) or of ((C, H, W), label).

    Raises
    ------
    ValueError
        There are no images, or they differ in shape.
    TypeError
        An item is not an image tensor.
    """
    labels: list[int] = []
    if not hasattr(probes, "ndim"):
        if not isinstance(probes, Sequence):
            raise TypeError(
                f"probes must be a tensor (N, C, H, W) or a list of images or (image, label), "
                f"not {type(probes).__name__}; [dataset[i] for i in range(8)] gives one"
            )
        if not probes:
            raise ValueError("there are no probes: give images (N, C, H, W), not an empty list")
        listed = Items(probes, model=model)
        items = [listed[index] for index in range(len(listed))]
        images = [item.image for item in items if item.image is not None]
        shapes = [tuple(image.shape) for image in images]
        if len(set(shapes)) > 1:
            other = next(shape for shape in shapes if shape != shapes[0])
            raise ValueError(f"probes differ in shape: {shapes[0]} and {other}")
        labels = [item.label for item in items if item.label is not None]
        labels = labels if len(labels) == len(items) else []
        probes = torch.stack(images)
    batch = as_batch(model, probes)
    if batch.ndim < 2 or not batch.numel():
        raise ValueError(f"there are no probes: give images (N, C, H, W), not a tensor of shape {tuple(batch.shape)}")
    batch = batch.detach().to("cpu", copy=True)
    return (batch.float() if batch.is_floating_point() else batch), labels


def as_labels(labels: Any, count: int) -> list[int]:
    """Labels as class numbers; raises ValueError unless there is one for each of `count` probes, or none."""
    found = [(label, read_label(label)[0]) for label in labels]
    if wrong := [label for label, number in found if number is None]:
        raise ValueError(f"labels must be class numbers, not {wrong[0]!r}; names go into classes=")
    if found and len(found) != count:
        raise ValueError(f"{len(found)} labels for {count} probes")
    return [number for _, number in found if number is not None]


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
