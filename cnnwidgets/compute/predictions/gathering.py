"""Class scores of batch after batch, which become predictions many at a time: for few it takes as long."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch

from .predictions import Predictions

WAITING = 2**16
"""So many scores wait at most."""


class _Batch(NamedTuple):
    scores: torch.Tensor
    images: torch.Tensor
    labels: list[int | None]

    def kind(self) -> tuple[object, ...]:
        return self.scores.shape[1], self.scores.dtype, self.scores.device


class Gathered:
    """The predictions for the images of all batches that were added.

    Parameters
    ----------
    known : Predictions, optional
        Those for other images.
    """

    def __init__(self, known: Predictions | None = None) -> None:
        self._known = [known or Predictions()]
        self._waiting: list[_Batch] = []
        self._numbers = 0

    def add(self, scores: Any, images: torch.Tensor, labels: Sequence[int | None]) -> None:
        """Add those from class scores (N, K), as for `Predictions.of`."""
        if not isinstance(scores, torch.Tensor) or scores.ndim > 2:  # large, and no class scores
            return
        if scores.ndim != 2 or len(scores) != len(images):
            self._known.append(Predictions.of(scores, images, labels))
            return
        self._waiting.append(_Batch(scores.detach().clone(), images, list(labels)))
        self._numbers += scores.numel()
        if self._numbers >= WAITING:
            self._turn()

    @property
    def predictions(self) -> Predictions:
        """All of them."""
        self._turn()
        if len(self._known) > 1:
            self._known = [Predictions().with_others(*self._known)]
        return self._known[0]

    def _turn(self) -> None:
        found = []
        for _, group in groupby(self._waiting, _Batch.kind):
            scores, images, labels = zip(*group, strict=True)
            found.append(Predictions.of(torch.cat(scores), torch.cat(images), [one for each in labels for one in each]))
        self._known, self._waiting, self._numbers = [*self._known, *found], [], 0
