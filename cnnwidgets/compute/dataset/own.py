"""An own image as an item of a data set: as that would give it, by its own transform and normalisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch.nn import functional

from ..core import Entrance, Prepare, describe, rebuilt, same_random_state
from ..inputs import is_picture
from ..pictures import OwnImage, read_picture, sized
from .elements import checked_image
from .normalization import scaled_bytes, undone
from .sources import parts_of

Numbers = tuple[torch.Tensor, list[str]]
Step = Callable[[Any], Any]
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Channels of an image -> the mode of a picture for it."""
NAME = "the own image"


class Like(Protocol):
    """An item of the data set."""

    @property
    def image(self) -> torch.Tensor | None:
        """Its image."""

    @property
    def raw(self) -> Any:
        """All of it."""


class Source(Protocol):
    """The data set that an own image is to be like; `Items` is one."""

    dataset: Any
    entry: Entrance | None
    prepare: Prepare | None
    normalization: tuple[Any, Any] | None

    def __getitem__(self, index: int) -> Like:
        """The item at `index`."""


def own_image_and_raw(items: Source, own: OwnImage) -> tuple[torch.Tensor | None, Any, list[str]]:
    """The image that `items` would have for an own one, the raw item, and what was done to it, in words.

    The size and the kind of the numbers are those of image 0; so is, for `prepare`, the rest of the item.

    Raises
    ------
    TypeError
        The data set has no pictures.
    ValueError
        Channels or values are others than those of the data set; the transform refuses the picture.
    """
    like = items[0]
    if like.image is None:
        return None, _replaced_picture(like.raw, own), list(own.notes)
    image, notes = _image(items, own, like.image)
    image = checked_image(image, NAME, items.entry)
    if image.shape[0] != like.image.shape[0]:
        raise ValueError(f"{NAME} is {describe(image)}, and the data set's images are {describe(like.image)}")
    if items.prepare is None:
        return image, (image, None), notes
    raw = rebuilt(like.raw, lambda part: image if part is like.image else part)
    return image, raw, notes


def canvas(items: Source) -> tuple[int, int, int]:
    """Width, height and channels of a picture that goes through the data set's transform without being resized.

    Raises
    ------
    TypeError
        The data set has no pictures; says what it has.
    """
    like = _pictured(items, items[0].image)
    channels, height, width = like.shape
    if steps := _steps(items):
        blank = read_picture(np.zeros((height, width), np.uint8))[0].convert(MODES[channels])
        found = _run(steps, blank)
        padded = 2 * width - found.shape[-1], 2 * height - found.shape[-2]
        if found.shape[-2:] != like.shape[-2:] and min(padded) > 0:
            width, height = padded
    return width, height, channels


def _image(items: Source, own: OwnImage, like: torch.Tensor) -> Numbers:
    notes = list(own.notes)
    if own.numbers is not None:
        pixels = own.numbers.dtype in (torch.uint8, torch.bool)
        as_numbers = not pixels if like.is_floating_point() else not own.numbers.is_floating_point()
        if as_numbers or own.numbers.ndim not in (2, 3) or like.ndim != 3:
            return _as_given(own.numbers, like, notes)
        picture, said = read_picture(own.numbers)  # bytes, where the network takes numbers; or the other way round
        notes += said
    else:
        picture = own.picture
    image, said = _of_picture(items, picture, _pictured(items, like))
    return image, notes + said


def _pictured(items: Source, like: torch.Tensor | None) -> torch.Tensor:
    """An image of the data set, if it is one that a picture can stand for."""
    if like is None:
        raise TypeError("the data set has no pictures that could be replaced by an own one")
    if like.ndim != 3 or like.shape[0] not in MODES or (items.entry is not None and items.entry.axes != 2):
        raise TypeError(
            f"the data set has no pictures of 1, 3 or 4 channels: an item is {describe(like)}; give a tensor like it"
        )
    return like


def _as_given(numbers: torch.Tensor, like: torch.Tensor, notes: list[str]) -> Numbers:
    """Numbers as the data set gives them; those of a picture are resized where they have another size."""
    if numbers.ndim == like.ndim + 1 and numbers.shape[0] == 1:
        numbers = numbers[0]
    if numbers.ndim == like.ndim - 1 and like.shape[0] == 1:
        numbers = numbers[None]
    if numbers.ndim != like.ndim or numbers.shape[0] != like.shape[0]:
        raise ValueError(
            f"the tensor is {describe(numbers)}, and the data set's images are {describe(like)}: a tensor is taken "
            "as the network gets it"
        )
    if numbers.shape != like.shape and like.ndim == 3 and like.is_floating_point():
        notes = [*notes, f"resized from {numbers.shape[2]} × {numbers.shape[1]} px"]
        size = tuple(like.shape[-2:])
        numbers = functional.interpolate(numbers[None].float(), size, mode="bilinear", antialias=True)[0]
    return numbers.to(like.dtype), notes


def _of_picture(items: Source, picture: Any, like: torch.Tensor) -> Numbers:
    channels, height, width = like.shape
    picture = picture.convert(MODES[channels])
    if steps := _steps(items):
        return _transformed(steps, picture, like)
    values = _plain(sized(picture, width, height))
    notes = _resized(picture, width, height)
    if not like.is_floating_point():
        return (values * 255).round().to(like.dtype), notes
    if items.normalization is not None:
        plain = undone(like, items.normalization)
        mean, std = (torch.as_tensor(part, dtype=torch.float32).reshape(-1, 1, 1) for part in items.normalization)
        scale = 1 if scaled_bytes(plain) is plain else 255
        return ((values * scale - mean) / std).to(like.dtype), notes
    low, high = (float(end) for end in like.aminmax())
    if scaled_bytes(like) is not like:
        return (values * 255).to(like.dtype), notes
    if low < -1e-3 or high > 1 + 1e-3:  # normalised, and nothing says how
        notes = [*notes, "black and white as the lowest and highest value of image 0"]
        values = values * (high - low) + low
    return values.to(like.dtype), notes


def _transformed(steps: Sequence[Step], picture: Any, like: torch.Tensor) -> Numbers:
    """Through the transform: as it is if that makes it as large as the data set's images are, or resized before."""
    size, wanted = picture.size, like.shape[-2:]
    found = _run(steps, picture)
    resizes = found.shape[-2:] != (size[1], size[0]) and min(found.shape[-2:]) == min(wanted)
    if found.shape[-2:] == wanted or resizes:
        return found, _made_of(picture, found)
    height, width = wanted
    again = _run(steps, sized(picture, width, height))
    if again.shape[-2:] != wanted:  # it pads, or cuts off, so many pixels
        width, height = 2 * width - again.shape[-1], 2 * height - again.shape[-2]
        if min(width, height) > 0:
            again = _run(steps, sized(picture, width, height))
    return again, _resized(picture, width, height)


def _run(steps: Sequence[Step], picture: Any) -> torch.Tensor:
    """What the transform makes of a picture, as a tensor (C, H, W)."""
    with same_random_state():
        try:
            value = _passed(steps, picture)
        except ValueError:  # of a data set that holds tensors
            try:
                value = _passed(steps, _plain(picture))
            except ValueError:
                value = None
            if value is None:
                raise
    value = _plain(value) if is_picture(value) else value  # the data set itself makes a tensor of it
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value).movedim(-1, 0) if value.ndim == 3 else torch.from_numpy(value)[None]
    if not isinstance(value, torch.Tensor) or value.ndim != 3:
        raise ValueError(
            f"the data set's transform makes a {type(value).__name__} of a picture, not a tensor (C, H, W)"
        )
    return value.as_subclass(torch.Tensor).detach()


def _plain(picture: Any) -> torch.Tensor:
    """(C, H, W) in [0, 1]."""
    pixels = np.asarray(picture, np.float32) / 255
    return torch.from_numpy(pixels if pixels.ndim == 3 else pixels[..., None]).movedim(-1, 0).contiguous()


def _passed(steps: Sequence[Step], value: Any) -> Any:
    for step in steps:
        value = _stepped(step, value)
    return value


def _stepped(step: Step, value: Any) -> Any:
    try:
        return step(value)
    except Exception as error:
        try:
            return step(image=np.asarray(value))["image"]  # type: ignore[call-arg]  # as albumentations wants it
        except Exception:
            words = " ".join(str(error).split())[:200]
            raise ValueError(
                f"the data set's transform refuses the picture: {type(step).__name__} raises "
                f"{type(error).__name__}{f' ({words})' if words else ''}"
            ) from error


def _steps(items: Source) -> list[Step]:
    """The transforms of the images, in the order in which they are made: those of the innermost data set first."""
    found: list[Step] = []
    for dataset in reversed(parts_of(items.dataset)[0]):
        transform = getattr(dataset, "transform", None)
        if not callable(transform):
            both = getattr(dataset, "transforms", None)
            transform = _first_of(both) if callable(both) else None
        if callable(transform):
            found.append(transform)
    return found


def _first_of(both: Any) -> Step:
    """A transform of an image and its target as one of the image."""

    def step(picture: Any) -> Any:
        made = both(picture, None)
        return made[0] if isinstance(made, (tuple, list)) else made

    return step


def _resized(picture: Any, width: int, height: int) -> list[str]:
    if picture.size == (width, height):
        return []
    cut = " and cut" if picture.size[0] * height != picture.size[1] * width else ""
    return [f"resized{cut} from {picture.size[0]} × {picture.size[1]} px"]


def _made_of(picture: Any, found: torch.Tensor) -> list[str]:
    if picture.size == (found.shape[-1], found.shape[-2]):
        return []
    return [f"made of {picture.size[0]} × {picture.size[1]} px"]


def _replaced_picture(raw: Any, own: OwnImage) -> Any:
    """A raw item whose picture is the own one, of the same mode; for a `prepare` that makes the tensors itself."""
    seen: list[Any] = []

    def change(part: Any) -> Any:
        if not is_picture(part) or own.picture is None or seen:
            return part
        seen.append(part)
        return own.picture.convert(part.mode)

    found = rebuilt(raw, change)
    if not seen:
        raise TypeError("the items hold no image that an own one could replace")
    return found
