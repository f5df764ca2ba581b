"""Scores of a network without one channel of a layer after another."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..core import describe
from .replacing import Value


@dataclass(frozen=True)
class ChannelEffects:
    """Scores of a network while one channel of a layer after another is switched off.

    N counts the images and C the channels.

    Attributes
    ----------
    scores : torch.Tensor
        (N, C): the score of the target with that channel off; NaN for channels that have not been tried yet.
    whole : torch.Tensor
        (N,): the score with all channels.
    targets : torch.Tensor
        (N,): the class numbers.
    most_changed : torch.Tensor
        (N, C): the class whose score changes most, up or down; -1 for channels that have not been tried yet.
    most_change : torch.Tensor
        (N, C): by how much it does, with the sign of `change`.
    done : torch.Tensor
        (C,) bool: channels that have been tried for each image.
    layer : str
        The layer.
    value : str or float
        What replaces a channel.
    words : str
        What ran: only what is behind the layer, or the whole network and why.
    """

    scores: torch.Tensor
    whole: torch.Tensor
    targets: torch.Tensor
    most_changed: torch.Tensor
    most_change: torch.Tensor
    done: torch.Tensor
    layer: str
    value: Value | torch.Tensor
    words: str

    def __repr__(self) -> str:
        share = "" if self.complete else f", {int(self.done.sum()):,} of {len(self.done):,} channels done"
        return f"ChannelEffects of layer {self.layer}: scores {describe(self.scores)}{share}"

    @property
    def complete(self) -> bool:
        """Whether all channels have been tried."""
        return bool(self.done.all())

    @property
    def change(self) -> torch.Tensor:
        """(N, C): the score with all channels minus that without this one, as for `OcclusionMap.change`.

        Positive where the channel speaks for the class, negative where it speaks against it.
        """
        return self.whole[:, None] - self.scores

    @property
    def ranking(self) -> torch.Tensor:
        """Numbers of the channels that have been tried, by their mean change, the largest first."""
        tried = self.done.nonzero()[:, 0]
        return tried[self.change[:, tried].mean(0).argsort(descending=True, stable=True)]
