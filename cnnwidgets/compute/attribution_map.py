"""The result of an attribution."""

from __future__ import annotations

from dataclasses import dataclass

import torch


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

    @property
    def maps(self) -> torch.Tensor:
        """(N, H, W): the sum over the channels, as Captum's `visualize_image_attr` draws it."""
        return self.values.sum(1)
