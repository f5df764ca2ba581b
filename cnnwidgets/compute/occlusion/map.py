"""The result of an occlusion: a score for every position of the patch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from ..core import describe, shortened
from .patches import Pair, Patches, middles


@dataclass(frozen=True)
class OcclusionMap:
    """Scores of a network while a patch hides one position after another.

    H' and W' are the number of positions vertically and horizontally. K counts the classes, or the maps of a layer;
    for one class the axis K is left out everywhere.

    Attributes
    ----------
    scores : torch.Tensor
        (N, H', W') or (N, K, H', W'): the score with the patch there, or the mean
        absolute difference of a map of the layer from that of the unoccluded image. NaN at positions not yet visited.
    unoccluded : torch.Tensor
        (N,) or (N, K): the score of the unoccluded image; 0 for a layer.
    targets : torch.Tensor or None
        (N,) or (N, K): the class numbers, 0 if `score=` returns a single number; None for a layer.
    layer : str or None
        The layer that is measured instead of classes.
    done : torch.Tensor
        (N, H', W') bool: positions visited so far.
    patches : Patches
        Size, window, stride and shape.
    """

    scores: torch.Tensor
    unoccluded: torch.Tensor
    targets: torch.Tensor | None
    layer: str | None
    done: torch.Tensor
    patches: Patches

    def __repr__(self) -> str:
        what = f"layer {self.layer}" if self.layer is not None else f"targets {shortened(self.targets)}"
        (high, wide), (down, across) = self.patches.window, self.patches.stride
        share = "" if self.complete else f", {int(self.done.sum()):,} of {self.done.numel():,} done"
        return (
            f"OcclusionMap of {what}: scores {describe(self.scores)}, "
            f"a {self.patches.shape} of {high} x {wide} px, stride {down} x {across} px{share}"
        )

    @property
    def boxes(self) -> torch.Tensor:
        """(H', W', 4): top, left, bottom, right of each position in pixels, the last two exclusive."""
        return self.patches.boxes

    @property
    def size(self) -> Pair:
        """(height, width) of the image in pixels."""
        return self.patches.size

    @property
    def complete(self) -> bool:
        """Whether all positions have been visited."""
        return bool(self.done.all())

    @property
    def change(self) -> torch.Tensor:
        """Effect of hiding each position, shaped like `scores`; NaN at positions not yet visited.

        For classes the score of the unoccluded image minus that of the occluded one, with Captum's sign: positive where
        the patch hides evidence for the class. For a layer the scores themselves.
        """
        return self.scores if self.layer is not None else self.unoccluded[..., None, None] - self.scores

    def filled(self, values: torch.Tensor | None = None) -> torch.Tensor:
        """`values` with positions not yet visited filled in from the nearest position of the coarser grid.

        Parameters
        ----------
        values : torch.Tensor, optional
            (..., H', W') like `scores`, which is the default; for example `change`.

        Returns
        -------
        torch.Tensor
            Complete as soon as the coarsest grid is done; NaN where no coarser value exists.
        """
        values = self.scores if values is None else values
        rows, columns = self.patches.grid
        images = len(self.done)
        given = values.reshape(images, -1, rows, columns)
        found = torch.full_like(given, torch.nan)
        known = torch.zeros_like(self.done)
        for step in reversed(self.patches.steps):
            down, across = middles(rows, step), middles(columns, step)
            here = self.done[:, down][:, :, across] & ~known
            found = torch.where(here[:, None], given[:, :, down][..., across], found)
            known |= here
        return found.reshape(values.shape)

    def upsample(self, values: torch.Tensor | None = None) -> torch.Tensor:
        """`values` at the size of the image: for each pixel the mean over all patches that hide it.

        With `change`, the default, this is the result of Captum's `Occlusion`, for overlapping patches too. Positions
        not yet visited are filled in first.

        Parameters
        ----------
        values : torch.Tensor, optional
            (..., H', W') like `scores`.

        Returns
        -------
        torch.Tensor
            (..., H, W); NaN for pixels that no patch hides (a stride larger than the window, the corners of discs).
        """
        values = self.filled(self.change if values is None else values)
        (height, width), (rows, columns) = self.size, self.patches.grid
        given = values.reshape(-1, 1, rows, columns)
        mask = self.patches.mask.to(given)[None, None]
        # a patch clipped at the border extends beyond it, where the sum is cropped
        total, hidden = (
            functional.conv_transpose2d(part, mask, stride=self.patches.stride)[..., :height, :width]
            for part in (given, torch.ones_like(given[:1]))
        )
        mean = total / hidden  # 0 / 0 is NaN
        below, beside = height - mean.shape[-2], width - mean.shape[-1]
        return functional.pad(mean, (0, beside, 0, below), value=torch.nan).reshape(*values.shape[:-2], height, width)
