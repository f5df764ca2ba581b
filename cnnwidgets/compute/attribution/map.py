"""The result of an attribution."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..core import describe, shortened


@dataclass(frozen=True)
class AttributionMap:
    """Contribution of each pixel to a score.

    Attributes
    ----------
    values : torch.Tensor
        (N, C, H, W), or (N, 1, H, W) for methods without channels; on the CPU, unscaled.
    method : str
        The requested method.
    targets : torch.Tensor
        (N,) class numbers.
    against : torch.Tensor or None
        (N,) class numbers whose score was subtracted.
    layer : str or None
        The layer whose maps Grad-CAM weighted.
    note : str
        Caveats for the interpretation; may be empty.
    passes : int
        Number of images in forward passes; most of them also had a backward pass.
    """

    values: torch.Tensor
    method: str
    targets: torch.Tensor
    against: torch.Tensor | None
    layer: str | None
    note: str
    passes: int

    def __repr__(self) -> str:
        against = "" if self.against is None else f" against {shortened(self.against)}"
        layer = "" if self.layer is None else f", layer {self.layer}"
        note = f"; {self.note}" if self.note else ""
        return (
            f"AttributionMap by {self.method}, targets {shortened(self.targets)}{against}{layer}: "
            f"values {describe(self.values)}, {self.passes:,} passes{note}"
        )

    @property
    def maps(self) -> torch.Tensor:
        """(N, H, W): the sum over the channels, as Captum's `visualize_image_attr` draws it."""
        return self.values.sum(1)
