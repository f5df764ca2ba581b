"""Linear CKA: how alike what two layers make of images is, whatever their number of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

FEWEST = 4
"""Images of a mini-batch at least: the unbiased estimator needs so many."""
NOISE = 4 * torch.finfo(torch.float32).eps
"""Of its size, a number varies by so much through rounding alone."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """Linear CKA between layers.

    Attributes
    ----------
    rows, columns : tuple of str
        Layers of the first network, and of the second, in running order.
    values : torch.Tensor
        float32 (R, C): 1 for layers that are alike up to rotation and scale, about 0 for unrelated ones. The estimator
        is unbiased, so that it may be a little below 0. NaN for a layer that is not finite, that does
        not vary, or in which only single images do, each in its own way: there the estimator is 0 / 0.
    images : int
        So many went into it.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: torch.Tensor
    images: int

    def __repr__(self) -> str:
        size = f"{len(self.rows)} x {len(self.columns)}"
        return f"Similarity of {size} layers over {self.images:,} images: linear CKA"

    def __getitem__(self, pair: tuple[str, str]) -> float:
        row, column = pair
        return float(self.values[self.rows.index(row), self.columns.index(column)])


class Hsic:
    """The sums over mini-batches that CKA is made of; bytes do not grow with the number of images."""

    def __init__(self, rows: Sequence[str], columns: Sequence[str]) -> None:
        self.rows, self.columns = tuple(rows), tuple(columns)
        self.cross = torch.zeros(len(self.rows), len(self.columns), dtype=torch.float64)
        self.own = torch.zeros(len(self.rows), dtype=torch.float64), torch.zeros(len(self.columns), dtype=torch.float64)
        self.images = 0

    def add(self, a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor], count: int) -> None:
        """Add a mini-batch of `count` images: the `centred` Gram matrix of each layer."""
        scale = 1 / (count * (count - 3))
        one, other = (
            torch.stack(alike([each[name] for name in names])) for each, names in ((a, self.rows), (b, self.columns))
        )
        for own, values in zip(self.own, (one, other), strict=True):
            own += scale * values.abs().square().sum(1)
        one, other = alike([one, other])
        self.cross += scale * (one @ other.mH).real
        self.images += count

    @property
    def result(self) -> Similarity:
        """What has been found so far."""
        norms = self.own[0][:, None] * self.own[1]
        found = torch.where((self.own[0][:, None] > 0) & (self.own[1] > 0), self.cross / norms.sqrt(), torch.nan)
        return Similarity(self.rows, self.columns, found.float(), self.images)


def alike(values: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Complex all of them, where one of them is."""
    complex_ = any(each.is_complex() for each in values)
    return [each.to(torch.complex128) if complex_ else each for each in values]


def centred(values: torch.Tensor) -> torch.Tensor:
    """The U-centred Gram matrix X Xᴴ of N >= 4 images, (N, ...), as float64 (N * N,) on the CPU.

    Inner products of two such vectors, over N (N − 3), are the unbiased estimator HSIC₁ of Song et al. (2012). All 0
    where there is nothing but rounding: no feature varies by more than that, or no two images vary together. It is
    complex128 where X is complex: Hermitian, so that the inner product of two is real.
    """
    features = values.flatten(1)
    count, kind = len(features), torch.complex128 if features.is_complex() else torch.float64
    if count < FEWEST:
        raise ValueError(f"CKA needs {FEWEST} images in a mini-batch at least, not {count}")
    parts = torch.view_as_real(features.resolve_conj()).flatten(1) if features.is_complex() else features
    least, most = parts.amin(0), parts.amax(0)
    spread = most - least
    if bool((spread <= NOISE * torch.maximum(most, -least)).all()):  # False for NaN, which stays
        return torch.zeros(count * count, dtype=kind)
    features = features - features[0]  # exact where they are near, so that a small variation keeps its digits
    features = (features - features.mean(0)) / spread.max()  # a square of 1e-30 is none in float32
    gram = (features @ features.mH).to(kind).cpu() * float(spread.max()) ** 2
    whole = float(gram.norm())
    gram.fill_diagonal_(0)
    sums = gram.sum(1)
    gram -= (sums[:, None] + sums.conj()) / (count - 2)
    gram += sums.sum() / ((count - 1) * (count - 2))
    gram.fill_diagonal_(0)
    return torch.zeros_like(gram).flatten() if float(gram.norm()) <= NOISE * whole else gram.flatten()


def mini_batches(indices: Sequence[int], size: int) -> list[list[int]]:
    """Numbers of images in portions of `size`; a last one of fewer than `FEWEST` joins the one before it."""
    starts = list(range(0, len(indices), size))
    if len(starts) > 1 and len(indices) - starts[-1] < FEWEST:
        starts = starts[:-1]
    ends = [*starts[1:], len(indices)]
    return [list(indices[start:end]) for start, end in zip(starts, ends, strict=True)]
