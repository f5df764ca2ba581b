"""Positions of a patch that slides over an image, and the order in which they are visited."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

Shape = Literal["square", "disc"]
Pair = tuple[int, int]


def pair(value: Any, name: str) -> Pair:
    """An integer or (height, width) as (height, width); both at least 1."""
    both = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    try:
        numbers = tuple(operator.index(number) for number in both)
    except TypeError:
        raise TypeError(f"{name} is a whole number of pixels or (height, width), not {value!r}") from None
    if len(numbers) != 2:
        raise ValueError(f"{name} is one number or (height, width), not {len(numbers)} numbers: {value!r}")
    if min(numbers) < 1:
        raise ValueError(f"{name} must be 1 pixel or more, not {value!r}")
    return numbers[0], numbers[1]


@dataclass(frozen=True, slots=True)
class Patches:
    """A grid of positions that covers an image including its borders; created by `patches`.

    The patch at (row, column) has its upper left corner at (row * stride, column * stride). A patch
    that extends beyond the border is clipped, as in Captum's `Occlusion`.

    Attributes
    ----------
    size, window, stride : tuple of int
        (height, width) of the image, the patch and the stride, in pixels.
    shape : str
        `"square"` fills the window, `"disc"` the ellipse that touches its sides.
    """

    size: Pair
    window: Pair
    stride: Pair
    shape: Shape

    @property
    def grid(self) -> Pair:
        """(H', W'): number of positions vertically and horizontally."""
        rows, columns = (
            min(math.ceil((length - window) / stride) + 1, math.ceil(length / stride))
            for length, window, stride in zip(self.size, self.window, self.stride, strict=True)
        )
        return rows, columns

    @property
    def boxes(self) -> torch.Tensor:
        """(H', W', 4) integers: top, left, bottom, right of each position in pixels, the last two exclusive."""
        rows, columns = self.grid
        top = (torch.arange(rows) * self.stride[0])[:, None].expand(rows, columns)
        left = (torch.arange(columns) * self.stride[1])[None].expand(rows, columns)
        bottom = (top + self.window[0]).clamp(max=self.size[0])
        right = (left + self.window[1]).clamp(max=self.size[1])
        return torch.stack([top, left, bottom, right], dim=-1)

    @property
    def mask(self) -> torch.Tensor:
        """(h, w) bool: pixels of the window that the patch hides."""
        if self.shape == "square":
            return torch.ones(self.window, dtype=torch.bool)
        down, across = (((torch.arange(n) + 0.5) / n * 2 - 1).square() for n in self.window)
        return down[:, None] + across[None] <= 1

    @property
    def steps(self) -> list[int]:
        """Grid steps from coarse to fine: the first grid has at most 1/16 of all positions; the last step is 1."""
        rows, columns = self.grid
        step = 1
        while math.ceil(rows / step) * math.ceil(columns / step) > max(1, rows * columns / 16):
            step += 1
        found = [step]
        while found[-1] > 1:
            found.append(found[-1] // 2)
        return found

    def order(self) -> list[list[Pair]]:
        """Stages of positions (row, column): each adds those of a finer grid that the coarser ones lack."""
        rows, columns = self.grid
        seen: set[Pair] = set()
        stages = []
        for step in self.steps:
            down, across = sorted(set(middles(rows, step))), sorted(set(middles(columns, step)))
            new = [(row, column) for row in down for column in across if (row, column) not in seen]
            seen.update(new)
            stages.append(new)
        return stages

    def paint(self, image: torch.Tensor, baseline: torch.Tensor, top: int, left: int) -> None:
        """Write `baseline` into `image` under the patch, both (C, H, W); parts outside the image are ignored."""
        above, before = max(0, top), max(0, left)
        bottom, right = min(top + self.window[0], self.size[0]), min(left + self.window[1], self.size[1])
        if bottom <= above or right <= before:
            return
        under, over = image[:, above:bottom, before:right], baseline[:, above:bottom, before:right]
        if self.shape == "disc":
            mask = self.mask[above - top : bottom - top, before - left : right - left].to(image.device)
            over = torch.where(mask, over, under)
        under.copy_(over)


def middles(count: int, step: int) -> list[int]:
    """For each of `count` positions along an axis the middle of its block of `step` positions."""
    return [min(place // step * step + (step - 1) // 2, count - 1) for place in range(count)]


def patches(size: Pair, window: Any = None, stride: Any = None, shape: str = "square") -> Patches:
    """The positions of a patch on an image.

    Parameters
    ----------
    size : tuple of int
        (height, width) of the image in pixels.
    window : int or (int, int), optional
        Height and width of the patch in pixels; a seventh of the image by default (32 of 224).
    stride : int or (int, int), optional
        Pixels from one position to the next; half the window by default. A stride larger than the window is
        allowed: the pixels between the patches are then never hidden.
    shape : {"square", "disc"}
        Hidden part of the window.

    Raises
    ------
    TypeError, ValueError
        Not integers, less than 1, a window larger than the image, or an unknown shape.
    """
    height, width = pair(
        (max(1, round(size[0] / 7)), max(1, round(size[1] / 7))) if window is None else window, "window"
    )
    if height > size[0] or width > size[1]:
        raise ValueError(f"the window of {height} x {width} is larger than the image of {size[0]} x {size[1]} pixels")
    step = pair((max(1, height // 2), max(1, width // 2)) if stride is None else stride, "stride")
    if shape not in ("square", "disc"):
        raise ValueError(f"no shape {shape!r}; allowed: 'square', 'disc'")
    return Patches((size[0], size[1]), (height, width), step, "disc" if shape == "disc" else "square")
