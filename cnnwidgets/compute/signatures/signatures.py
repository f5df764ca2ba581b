"""Signatures: the output vectors of a layer, compared within and between classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ..core import Prepare, Report, check_numbers, shortened
from ..dataset import Items, item_responses
from ..layers import layer_table
from .members import class_numbers, members

METRICS = ("cosine", "euclidean")


@dataclass(frozen=True)
class Outlier:
    """Image `index` of the data set, and the distance of its vector from the centre of its class."""

    index: int
    distance: float


@dataclass(frozen=True, eq=False)
class Signatures:
    """Vectors of N images of K classes.

    Attributes
    ----------
    layer : str
        The layer whose outputs they are.
    targets : tuple of int
        The K classes.
    indices : torch.Tensor
        (N,) int64: indices of the images in the data set, class by class.
    labels : torch.Tensor
        (N,) int64: the class of each.
    vectors : torch.Tensor
        (N, D) float32.
    metric : str
        `cosine`: 1 minus the cosine of the angle between two vectors, 0 (same direction) to 2; 1 if one is 0.
        `euclidean`: the length of their difference, in units of the layer.
    """

    layer: str
    targets: tuple[int, ...]
    indices: torch.Tensor
    labels: torch.Tensor
    vectors: torch.Tensor
    metric: str = "cosine"

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"metric is {' or '.join(METRICS)}, not {self.metric!r}")

    def __repr__(self) -> str:
        images, numbers = self.vectors.shape
        return (
            f"Signatures of {self.layer}: {images:,} vectors of {numbers:,} numbers, "
            f"classes {shortened(self.targets)}, {self.metric} distance"
        )

    def distances(self) -> torch.Tensor:
        """Pairwise distances of the images, (N, N); 0 on the diagonal."""
        return self._apart(self.vectors, self.vectors).fill_diagonal_(0)

    def table(self) -> torch.Tensor:
        """Mean distance between the images of two classes, (K, K).

        On the diagonal the mean over different images of the class; NaN if it has only one.
        """
        distances = self.distances()
        mean = torch.full((len(self.targets),) * 2, torch.nan)
        for row, one in enumerate(self.targets):
            for column, other in enumerate(self.targets):
                block = distances[self.labels == one][:, self.labels == other]
                pairs = block.numel() - (len(block) if row == column else 0)
                if pairs:
                    mean[row, column] = block.sum() / pairs
        return mean

    @property
    def within(self) -> float:
        """Mean of the distances within the classes."""
        return float(self.table().diagonal().nanmean())

    @property
    def between(self) -> float:
        """Mean of the distances between different classes; NaN if there is only one."""
        return float(self.table()[~torch.eye(len(self.targets), dtype=torch.bool)].mean())

    def outliers(self, target: int) -> list[Outlier]:
        """The images of a class, the one farthest from its centre first.

        The centre is the elementwise median over the images of the class, which is robust to single outliers; for
        `cosine`, of the vectors scaled to length 1.

        Raises
        ------
        LookupError
            `target` is not among the classes.
        """
        if target not in self.targets:
            raise LookupError(f"class {target} is not compared; classes: {', '.join(map(str, self.targets))}")
        chosen = self.labels == target
        vectors = self.vectors[chosen]
        if self.metric == "cosine":
            vectors = functional.normalize(vectors, dim=1)
        centre = vectors.quantile(0.5, dim=0, keepdim=True)
        apart = self._apart(vectors, centre)[:, 0]
        order = apart.argsort(descending=True, stable=True)
        indices = self.indices[chosen]
        return [Outlier(int(indices[at]), float(apart[at])) for at in order]

    def _apart(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        if self.metric == "euclidean":
            return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")
        return (1 - functional.normalize(one, dim=1) @ functional.normalize(other, dim=1).T).clamp(0, 2)


def signatures(
    model: nn.Module,
    dataset: Any,
    layer: str,
    targets: Sequence[int | str],
    *,
    count: int = 5,
    pooling: str = "mean",
    metric: str = "cosine",
    classes: Sequence[str] | None = None,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> Signatures:
    """Vectors of a layer for the first `count` images of each of some classes; of magnitudes where it is complex.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged.
    dataset : indexable
        Items are (image, label).
    layer : str
        Name as in `layer_table`.
    targets : sequence of int or str
        Classes, by number or name.
    count : int
        Images per class, from the beginning of the data set.
    pooling : str
        Pooling over the positions of a map: `mean` or `max`; `none` keeps them all.
    metric : str
        `cosine` or `euclidean`, see `Signatures`.
    classes : sequence of str, optional
        Names of labels, where the data set has none.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model.
    progress : bool or callable
        A bar on stderr where it takes longer than a second; `False` for none; or a function of (done, total) that
        returns whether to go on.

    Returns
    -------
    Signatures
        With `.table()` of mean distances and `.outliers(target)`.

    Raises
    ------
    LookupError
        The layer does not exist, or a class has no image.
    ValueError
        `count` is less than 1; unknown pooling or metric.
    """
    if count < 1:
        raise ValueError(f"count must be 1 or more, not {count}")
    check_numbers(model)
    items = Items(dataset, classes=classes, prepare=prepare, model=model)
    numbers = class_numbers(items, targets)
    found = members(items, numbers, count)
    item = items[found[0][0]]
    row = layer_table(model, items.batch(item), prepare=prepare).find(layer)
    if row.reason is not None:
        raise LookupError(f"layer {layer!r} has no output vector: it {row.reason}")
    indices = [index for group in found for index in group]
    vectors = item_responses(model, items, indices, row, pooling=pooling, progress=progress).flatten(1)
    return gathered(layer, numbers, found, vectors, metric)


def gathered(
    layer: str, targets: tuple[int, ...], found: list[list[int]], vectors: torch.Tensor, metric: str
) -> Signatures:
    """`vectors` (N, D) of the images `found` for each of `targets`, class by class."""
    labels = [target for target, group in zip(targets, found, strict=True) for _ in group]
    indices = [index for group in found for index in group]
    return Signatures(layer, targets, torch.tensor(indices), torch.tensor(labels), vectors, metric)
