"""One element of a data set: its image, and its label, whatever holds them."""

from __future__ import annotations

import cmath
import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from ..core import FORMS, Entrance, describe
from ..inputs import as_tensor, channels_first, is_picture
from .labels import LABEL_KEYS

IMAGE_KEYS = ("image", "pixel_values", "img", "images")


def image_and_label(raw: Any, index: int) -> tuple[Any, Any]:
    """The image and the label, None if there is none, of what a data set gives for `index`."""
    named = None if type(raw) is tuple else _named(raw)  # a plain one asks no questions: each image comes by here
    if named is not None and any(key in named for key in IMAGE_KEYS):
        image = next(named[key] for key in IMAGE_KEYS if key in named)
        return image, next((named[key] for key in LABEL_KEYS if key in named), None)
    if isinstance(raw, Mapping):
        raise TypeError(f"item {index} is a {type(raw).__name__} without an image; keys: {', '.join(map(str, raw))}")
    if isinstance(raw, (tuple, list)) and raw:
        return raw[0], raw[1] if len(raw) > 1 else None
    if isinstance(raw, torch.Tensor) or is_picture(raw) or getattr(raw, "ndim", 0) > 0:
        return raw, None
    raise TypeError(f"item {index} of the data set must be (image, label), not {_say(raw)}")


def _named(raw: Any) -> Mapping[str, Any] | None:
    """The parts of a mapping, a data class or a named tuple by their names."""
    if isinstance(raw, Mapping):
        return raw
    if dataclasses.is_dataclass(raw) and not isinstance(raw, type):
        return {field.name: getattr(raw, field.name) for field in dataclasses.fields(raw)}
    return raw._asdict() if isinstance(raw, tuple) and hasattr(raw, "_asdict") else None


def checked_image(image: Any, name: str, entry: Entrance | None) -> torch.Tensor:
    """An image as a tensor, channels first, without a batch axis; errors call it by its name.

    Raises
    ------
    TypeError
        It is no tensor and no array.
    ValueError
        It has a wrong number of axes, is empty, holds NaN or infinite values, or is on the meta device.
    """
    found = as_tensor(image, name)
    wanted = "(C, H, W)" if entry is None else f"(C, {FORMS[entry.axes]})"
    if found is None or found.is_nested:
        several = isinstance(image, (tuple, list)) and any(isinstance(part, torch.Tensor) for part in image)
        hint = "; prepare=lambda item: ... gives a network of several inputs its arguments" if several else ""
        raise TypeError(f"{name} must be a tensor {wanted}, not {_say(image)}{hint}")
    found = _without_batch(channels_first(image, found, entry), entry)
    if not _fits(found, entry):
        axes = 2 if entry is None else entry.axes
        hint = "; add the channel axis: image[None]" if found.ndim == axes else ""
        raise ValueError(f"{name} has shape {describe(found)}, wanted {wanted}{hint}")
    if found.is_meta:
        raise ValueError(f"{name} is on the meta device, which holds no numbers")
    if found.numel() == 0:
        raise ValueError(f"{name} is empty: its shape is {describe(found)}")
    if not is_finite(found):
        finite = torch.isfinite(found.float() if found.is_floating_point() and found.itemsize < 2 else found)
        if not finite.all():
            bad = int((~finite).sum())
            raise ValueError(f"{name} holds NaN or infinite values: {bad:,} of {found.numel():,} numbers")
    return found


def is_finite(image: torch.Tensor) -> bool:
    """Whether all numbers are finite, where the sum tells it; False where one has to look at each."""
    return not (image.is_floating_point() or image.is_complex()) or _sums_up(image)


def _sums_up(image: torch.Tensor) -> bool:
    """Whether the sum is finite, and with it every number: several times as fast as to look at each."""
    return image.itemsize >= 2 and cmath.isfinite(image.sum().item())


def _without_batch(image: torch.Tensor, entry: Entrance | None) -> torch.Tensor:
    """A batch of one, as processors of transformers give it, without that axis."""
    if entry is None or image.ndim != entry.axes + 2 or image.shape[:2] != (1, entry.channels):
        return image
    return image[0]


def _fits(image: torch.Tensor, entry: Entrance | None) -> bool:
    """Whether `image` may be one: the form of the first convolution, or that of an image or a clip."""
    if entry is None:
        return image.ndim in (3, 4)
    if entry.axes == 3 and image.ndim == 3:
        return image.shape[0] == entry.channels > 1  # an image, to which the network adds an axis
    return image.ndim in (entry.axes + 1, 3, 4)


def first_image(raw: Any) -> torch.Tensor | None:
    """The first tensor of three or four axes in an item, at any depth."""
    if isinstance(raw, torch.Tensor):
        return raw if raw.ndim in (3, 4) else None
    if isinstance(raw, Mapping):
        raw = raw.values()
    elif (named := _named(raw)) is not None:
        raw = named.values()
    if isinstance(raw, (list, tuple)) or (hasattr(raw, "__iter__") and not isinstance(raw, str)):
        return next((image for part in raw if (image := first_image(part)) is not None), None)
    return None


def _say(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {', '.join(type(part).__name__ for part in value) or 'nothing'}"
    return type(value).__name__
