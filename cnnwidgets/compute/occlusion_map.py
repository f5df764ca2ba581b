"""The result of an occlusion: a score for every place of the patch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .forward import describe
from .names import shortened
from .patches import Pair, Patches, middles


@dataclass(frozen=True)
class OcclusionMap:
    """What the network says while a patch hides one place after another.

    H' and W' are the number of places downwards and across. Scores of several classes, or the maps of a layer, are
    counted by K; for one class the axis K is left out everywhere.

    Attributes
    ----------
    scores : torch.Tensor
        (N, H', W') or (N, K, H', W'): the score with the patch there, or how much a map of the layer differs from what
        it is for the whole image (mean absolute difference of its values). NaN where no patch has been yet.
    unoccluded : torch.Tensor
        (N,) or (N, K): the score of the whole image; 0 for a layer.
    targets : torch.Tensor or None
        (N,) or (N, K): the class numbers, 0 where `score=` gives a single number; None for a layer.
    layer : str or None
        The layer that is looked at instead of classes.
    done : torch.Tensor
        (N, H', W') truth values: where a patch has been.
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
        """(H', W', 4): top, left, bottom, right of each place in pixels, the last two exclusive."""
        return self.patches.boxes

    @property
    def size(self) -> Pair:
        """(height, width) of the image in pixels."""
        return self.patches.size

    @property
    def complete(self) -> bool:
        """Whether the patch has been everywhere."""
        return bool(self.done.all())

    @property
    def change(self) -> torch.Tensor:
        """How much hiding each place matters, shaped like `scores`; NaN where no patch has been yet.

        For classes the score of the whole image less that of the occluded one, Captum's sign: positive where the patch
        hides what speaks for the class. For a layer the scores themselves.
        """
        return self.scores if self.layer is not None else self.unoccluded[..., None, None] - self.scores

    def filled(self, values: torch.Tensor | None = None) -> torch.Tensor:
        """`values` with a place not yet visited taking the number of the coarser place that stands for it.

        Parameters
        ----------
        values : torch.Tensor, optional
            (..., H', W') like `scores`, which is the default; `change` for one.

        Returns
        -------
        torch.Tensor
            The whole frame as soon as the coarsest grid is done; NaN where nothing stands in.
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

        With `change`, the default, this is what Captum's `Occlusion` gives, for overlapping patches too. Places not yet
        visited are filled in first.

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
        # a patch that is cut off at the border is one that reaches beyond, where the sum is cut off
        total, hidden = (
            functional.conv_transpose2d(part, mask, stride=self.patches.stride)[..., :height, :width]
            for part in (given, torch.ones_like(given[:1]))
        )
        mean = total / hidden  # 0 / 0 is NaN
        below, beside = height - mean.shape[-2], width - mean.shape[-1]
        return functional.pad(mean, (0, beside, 0, below), value=torch.nan).reshape(*values.shape[:-2], height, width)
