"""What an occlusion map looks like: as cells, as colours over the photo, and the photo and the filling themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.dataset import Items
from ...compute.occlusion import Occluder, OcclusionMap, Patches
from ...render.color import DIVERGING, GAP, apply, overlay, to_picture, to_uint8
from ...widgets.surface import number

LEAST = 1e-4
"""The colours reach at least so far from no change: what is less is the rounding of floats, not worth a colour."""


@dataclass(frozen=True, eq=False)
class Heat:
    """An occlusion map as far as it is done: what the patch takes from the score, and the range of its colours."""

    fall: NDArray[np.floating]
    known: NDArray[np.bool_]
    limit: float
    unit: str
    patches: Patches
    complete: bool
    fine: NDArray[np.floating]
    """The same for each pixel of the image, (H, W); NaN where no patch hides it, or none has been yet."""

    @classmethod
    def of(cls, found: OcclusionMap, unit: str) -> Heat:
        """Of the first image of `found`; `unit` names the score."""
        fall = found.filled(found.change)[0].cpu().numpy()
        known = found.filled(torch.ones_like(found.scores))[0].isfinite().cpu().numpy()
        finite = np.abs(fall[np.isfinite(fall)])
        limit = max(float(finite.max(initial=0.0)), LEAST)
        return cls(fall, known, limit, unit, found.patches, found.complete, found.upsample()[0].cpu().numpy())

    def pixels(self) -> NDArray[np.uint8]:
        """(H', W') palette indices: `GAP` where no patch has been."""
        levels = to_uint8(self.fall[None], [[-self.limit, self.limit]])[0]
        levels[~self.known] = GAP
        return levels

    def over(self, photo: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
        """`photo` (H, W, 3) under the colours, the less of them the smaller the change."""
        colours = apply(to_uint8(self.fine[None], [[-self.limit, self.limit]])[0], DIVERGING)
        share = np.nan_to_num(np.abs(self.fine) / self.limit, nan=0.0, posinf=0.0)
        return overlay(photo, colours, opacity * np.sqrt(np.clip(share, 0, 1)))

    @property
    def ends(self) -> tuple[str, str, str]:
        """Texts of the colour bar: red is where the score falls."""
        return signed(self.limit), "no change", signed(-self.limit)


def pictures(occluder: Occluder, items: Items) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The image as the network gets it, and what the patch shows, both (H, W, 3), under one range of brightness."""
    image, fill = (items.picture(part[0]).float().numpy() for part in (occluder.images, occluder.baseline))
    alone = to_picture(image)
    both = to_picture(np.concatenate([image, np.clip(fill, alone.vmin, alone.vmax)], axis=2)).pixels
    width = image.shape[2]
    return np.ascontiguousarray(both[:, :width]), np.ascontiguousarray(both[:, width:])


def signed(value: float) -> str:
    """A change with its sign; none before 0."""
    return f"+{number(value)}" if value > 0 else number(value)
