"""The result of an attribution."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .forward import describe
from .names import shortened


@dataclass(frozen=True)
class AttributionMap:
    """How much each pixel counts for a score.

    Attributes
    ----------
    values : torch.Tensor
        (N, C, H, W), or (N, 1, H, W) for methods that know no channels; on the CPU, unscaled.
    method : str
        As it was asked for.
    targets : torch.Tensor
        (N,) class numbers.
    against : torch.Tensor or None
        (N,) class numbers whose score was taken off.
    layer : str or None
        Whose maps Grad-CAM weighed.
    note : str
        What one should know when reading it; may be empty.
    passes : int
        Images that went forward through the network, and most of them back.
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
