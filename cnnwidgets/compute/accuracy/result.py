"""Right and wrong predictions of a data set, class by class, before and after an intervention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...late import imported

NONE = -1
"""Stands for the class of an image without a label, and of scores that are not finite."""


@dataclass(frozen=True)
class AccuracyEffects:
    """What a network predicts for images of a data set before and after an intervention.

    K counts the classes and n the images so far.

    Attributes
    ----------
    indices : torch.Tensor
        (n,): which images of the data set.
    labels : torch.Tensor
        (n,): their classes; -1 for an image without a label that is one of the network's classes.
    before, after : torch.Tensor
        (n,): the predicted classes; -1 where the scores are not finite.
    names : tuple of str
        What each of the K classes is called.
    total : int
        Number of images when it is complete.
    words : str
        What is edited; of another network, its type.
    """

    indices: torch.Tensor
    labels: torch.Tensor
    before: torch.Tensor
    after: torch.Tensor
    names: tuple[str, ...]
    total: int
    words: str

    def __repr__(self) -> str:
        one, other = self.overall
        share = "" if self.complete else f", {len(self.indices):,} of {self.total:,} images done"
        return f"AccuracyEffects of {self.words}: {one:.1%} before, {other:.1%} after{share}"

    @property
    def complete(self) -> bool:
        """Whether all images have been taken."""
        return len(self.indices) == self.total

    @property
    def count(self) -> torch.Tensor:
        """(K,): images of each class."""
        return self._by_class(self.labels != NONE)

    @property
    def accuracy_before(self) -> torch.Tensor:
        """(K,): fraction of the images of each class that are predicted as it, 0 to 1; NaN for a class without any."""
        return self._by_class(self.before == self.labels) / self.count

    @property
    def accuracy_after(self) -> torch.Tensor:
        """(K,): the same under the intervention."""
        return self._by_class(self.after == self.labels) / self.count

    @property
    def overall(self) -> tuple[float, float]:
        """The accuracy over all images with a label, before and after."""
        known = self.labels != NONE
        right = [(predicted == self.labels)[known].double().mean().item() for predicted in (self.before, self.after)]
        return right[0], right[1]

    @property
    def change(self) -> torch.Tensor:
        """(K,): accuracy after minus accuracy before."""
        return self.accuracy_after - self.accuracy_before

    @property
    def ranking(self) -> torch.Tensor:
        """Numbers of the classes that there are images of, the one whose accuracy changes most first."""
        there = self.count.nonzero()[:, 0]
        return there[self.change[there].abs().argsort(descending=True, stable=True)]

    def to_frame(self) -> Any:
        """A pandas DataFrame: a row for each class that there are images of, by name."""
        there = self.count.nonzero()[:, 0]
        columns = {"images": self.count, "before": self.accuracy_before, "after": self.accuracy_after}
        rows = {name: values[there].tolist() for name, values in (columns | {"change": self.change}).items()}
        return imported("pandas").DataFrame(rows, index=[self.names[at] for at in there])

    def _by_class(self, chosen: torch.Tensor) -> torch.Tensor:
        """Images of each class among those that are chosen and have a label."""
        return torch.bincount(self.labels[chosen & (self.labels != NONE)], minlength=len(self.names))
