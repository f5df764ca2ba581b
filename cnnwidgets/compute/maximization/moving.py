"""Pictures moved about a little before each step, so that what drives the network does not hang on single pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

JITTER = 1 / 16
"""Share of the longer side of what a unit sees by which a picture is moved at most, where nobody says by how much."""
ROTATE = 5.0
"""Degrees by which it is turned then."""
SCALE = 0.05
"""Share by which it is resized then."""
FELT = 0.5
"""Pixels: what moves nothing that a unit sees by as much only blurs the picture."""


@dataclass(frozen=True)
class Moving:
    """How far pictures are moved, turned and resized at most: a new draw for each picture and step.

    Attributes
    ----------
    jitter : float
        Pixels, along each axis.
    rotate : float
        Degrees, either way.
    scale : float
        Share of the size: 0.05 means 0.95 to 1.05.
    """

    jitter: float
    rotate: float
    scale: float

    @classmethod
    def fitting(
        cls, seen: float, jitter: float | None = None, rotate: float | None = None, scale: float | None = None
    ) -> Moving:
        """As far as is given; else in proportion to the pixels that a unit sees, and only what moves these noticeably.

        A picture that is moved by as much as the small field of a unit is wide has no phase left to drive it by: only
        a grey one gives the same at all these places.
        """

        def usual(given: float | None, value: float, pixels: float) -> float:
            return given if given is not None else value if pixels >= FELT else 0.0

        return cls(
            usual(jitter, JITTER * seen, JITTER * seen),
            usual(rotate, ROTATE, math.radians(ROTATE) * seen / 2),
            usual(scale, SCALE, SCALE * seen / 2),
        )

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """The pictures (N, C, H, W) as they are moved; what comes in at an edge is mirrored."""
        if not (self.jitter or self.rotate or self.scale):
            return images
        count, _, height, width = images.shape
        draws = 2 * torch.rand(count, 4, generator=generator) - 1
        right, down = (2 * self.jitter * draws[:, at] / side for at, side in enumerate((width, height)))
        angle = draws[:, 2] * math.radians(self.rotate)
        size = 1 + self.scale * draws[:, 3]
        cos, sin, aspect = angle.cos() / size, angle.sin() / size, height / width
        rows = torch.stack([cos, -sin * aspect, right, sin / aspect, cos, down], 1).reshape(count, 2, 3)
        grid = functional.affine_grid(rows.to(images), list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
