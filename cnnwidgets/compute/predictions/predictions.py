"""The predictions for many images as a few numbers for each, which can be put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ...late import imported
from ..core import are_probabilities

NONE = -1
"""A label where there is none, and the index of an image where there is none."""
TYPES = {
    "image": torch.int64,
    "target": torch.int32,
    "probability": torch.float32,
    "margin": torch.float32,
    "label": torch.int32,
}

CLOSE = 1e-3
"""By how much probabilities of two passes may differ."""
EXACT, ROUNDED = 1e-3, 0.1
"""By how much the sum of probabilities may differ from 1: always, and where they are rounded to half precision."""


def predicted(scores: Any) -> dict[str, torch.Tensor]:
    """The most probable class of each image, its probability, and by how much it leads.

    Parameters
    ----------
    scores : torch.Tensor
        (N, K) logits or probabilities, K >= 2. An image whose scores `are_probabilities` is read as such.

    Returns
    -------
    dict of str to torch.Tensor
        (N,) on the CPU: `target`, the number of the class; `probability` and `margin`, 0 to 1; `finite`, False where
        the others mean nothing. Empty where `scores` are no class scores.
    """
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or scores.shape[1] < 2 or scores.is_complex():
        return {}
    values = scores.detach().cpu().double()
    finite = values.isfinite().all(1)
    shares = torch.where(_given(values)[:, None], values, values.softmax(1)).nan_to_num()
    best = shares.topk(2, 1)
    return {
        "target": best.indices[:, 0],
        "probability": best.values[:, 0],
        "margin": best.values[:, 0] - best.values[:, 1],
        "finite": finite,
    }


def _given(values: torch.Tensor) -> torch.Tensor:
    """Which rows `are_probabilities`: few are so near to a sum of 1 that they have to be asked one by one."""
    apart = torch.where((values >= 0).all(1), (values.sum(1) - 1).abs(), torch.inf)
    found = apart <= EXACT
    for row in ((apart > EXACT) & (apart < ROUNDED)).nonzero()[:, 0].tolist():
        found[row] = are_probabilities(values[row])
    return found


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says of M images of a data set, in the order of their indices; 24 bytes an image.

    It is empty, and false, where the network gives no class scores.

    Attributes
    ----------
    numbers : dict of str to torch.Tensor
        (M,) each: `image`, its index in the data set; `target`, the most probable class, by the number of the
        network's output; `probability` of it, 0 to 1; `margin`, by how much it leads the second; `label`, the output
        that stands for the label of the image, -1 where there is none.
    outputs : int
        How many classes the network tells apart.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> scan = cw.scan(cw.models.lenet5(pretrained=True), cw.data.digits(), ["C3"], progress=False)
    >>> found = scan.predictions
    >>> len(found), len(found.least_certain(5)), found.confusion().shape
    (1797, 5, torch.Size([10, 10]))
    """

    numbers: Mapping[str, torch.Tensor] = field(
        default_factory=lambda: {name: torch.empty(0, dtype=kind) for name, kind in TYPES.items()}
    )
    outputs: int = 0

    def __len__(self) -> int:
        return len(self.numbers["image"])

    def __repr__(self) -> str:
        if not self:
            return "Predictions: none"
        accuracy = f", accuracy {self.accuracy:.1%}" if bool((self.labels != NONE).any()) else ""
        return f"Predictions of {len(self):,} images{accuracy}"

    @property
    def images(self) -> torch.Tensor:
        """(M,) int64: indices in the data set, ascending."""
        return self.numbers["image"]

    @property
    def targets(self) -> torch.Tensor:
        """(M,) int32: the most probable class, by the number of the network's output."""
        return self.numbers["target"]

    @property
    def probabilities(self) -> torch.Tensor:
        """(M,) float32: how probable that class is, 0 to 1."""
        return self.numbers["probability"]

    @property
    def margins(self) -> torch.Tensor:
        """(M,) float32: how much more probable it is than the second, 0 to 1."""
        return self.numbers["margin"]

    @property
    def labels(self) -> torch.Tensor:
        """(M,) int32: the output that stands for the label; -1 where there is none, or it cannot be known."""
        return self.numbers["label"]

    @property
    def accuracy(self) -> float:
        """Share of the labelled images that are right, 0 to 1; NaN without any."""
        labelled = self.labels != NONE
        return float((self.targets == self.labels)[labelled].double().mean())

    def wrong(self) -> list[int]:
        """Indices of the images whose most probable class is not their label, the most probable error first."""
        return self._sorted((self.labels != NONE) & (self.targets != self.labels), self.probabilities, descending=True)

    def least_certain(self, count: int | None = None) -> list[int]:
        """Indices of the images, by the lead of the most probable class over the second, the smallest first.

        Parameters
        ----------
        count : int, optional
            How many at most; by default all.
        """
        return self._sorted(torch.ones(len(self), dtype=torch.bool), self.margins)[:count]

    def of_class(self, label: int) -> list[int]:
        """Indices of the images with this label, ascending."""
        return self.images[self.labels == label].tolist()

    def taken_for(self, target: int) -> list[int]:
        """Indices of the images that the network takes for this class, the most probable first."""
        return self._sorted(self.targets == target, self.probabilities, descending=True)

    def confusion(self) -> torch.Tensor:
        """(K, K) int64: how many images of the label of a row are taken for the class of a column."""
        labelled = self.labels != NONE
        rows, columns = self.labels[labelled].long(), self.targets[labelled].long()
        count = self.outputs
        return torch.bincount(rows * count + columns, minlength=count**2).reshape(count, count)

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row for each image: `image`, `target`, `probability`, `margin`, `label`."""
        return imported("pandas").DataFrame({name: value.numpy() for name, value in self.numbers.items()})

    def with_others(self, *others: Predictions) -> Predictions:
        """Those of disjoint sets of images together; in whichever order and grouping, to the bit."""
        found = {name: torch.cat([each.numbers[name] for each in (self, *others)]) for name in TYPES}
        order = found["image"].argsort()
        outputs = max(each.outputs for each in (self, *others))
        return Predictions({name: value[order] for name, value in found.items()}, outputs)

    def agree(self, other: Predictions) -> bool:
        """Whether the probabilities of those images that both have are the same, as exactly as two passes agree."""
        common = torch.isin(self.images, other.images), torch.isin(other.images, self.images)
        one, two = self.probabilities[common[0]], other.probabilities[common[1]]
        same = self.targets[common[0]] == other.targets[common[1]]
        led = self.margins[common[0]] <= CLOSE  # two classes alike: either may be the first
        return bool((((one - two).abs() <= CLOSE) & (same | led)).all())

    @classmethod
    def of(cls, scores: Any, images: torch.Tensor, labels: Sequence[int | None]) -> Predictions:
        """From class scores (N, K) of images, their indices (N,) and the outputs that stand for their labels.

        Images whose scores are not finite are left out; all are, where `scores` are no class scores.
        """
        if isinstance(scores, torch.Tensor) and scores.ndim == len(images) == 1:
            scores = scores[None]
        found = predicted(scores)
        if not found or len(found["target"]) != len(images):
            return cls()
        kept = found.pop("finite")
        given = torch.tensor([NONE if label is None else label for label in labels])
        numbers = {**found, "image": images.cpu(), "label": given}
        order = numbers["image"][kept].argsort()
        return cls({name: numbers[name][kept][order].to(kind) for name, kind in TYPES.items()}, scores.shape[1])

    def _sorted(self, chosen: torch.Tensor, by: torch.Tensor, *, descending: bool = False) -> list[int]:
        order = by[chosen].argsort(descending=descending, stable=True)
        return self.images[chosen][order].tolist()
