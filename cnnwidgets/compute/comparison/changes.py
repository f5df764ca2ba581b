"""How what the layers of two networks put out differs over a sample of images, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class ResponseChange:
    """How the responses of a layer differ from those of its partner.

    Attributes
    ----------
    layer, partner : str
        Its name in the first network, and in the second.
    correlation : torch.Tensor
        (C,), −1 to 1, of each channel with that of the same number, over images and positions; NaN where one of them
        does not vary. Of complex responses the real part of Σ a b̅ / sqrt(Σ |a|² Σ |b|²): a phase counts.
    difference : torch.Tensor
        (C,): mean of B − A; complex where a response is.
    largest : torch.Tensor
        (C,): largest magnitude of B − A; 0 exactly where nothing changed; NaN where it is not known, as from scans.
    spread : torch.Tensor
        (C,): root of the mean of both variances, over images and positions.
    """

    layer: str
    partner: str
    correlation: torch.Tensor
    difference: torch.Tensor
    largest: torch.Tensor
    spread: torch.Tensor

    def __repr__(self) -> str:
        return f"ResponseChange of {self.layer}: {self.change:.3g}, {len(self.correlation)} channels"

    @property
    def channels(self) -> torch.Tensor:
        """(C,): 1 − correlation; 0 where nothing changed, also of a channel that does not vary; NaN if unknown."""
        return torch.where(self.largest == 0, 0.0, 1 - self.correlation)

    @property
    def change(self) -> float:
        """Mean of `channels`, of those that are known; NaN where none is."""
        return float(self.channels.nanmean())

    @property
    def shifts(self) -> torch.Tensor:
        """(C,): |difference| / spread, the standardised mean difference (Cohen's d); infinite where nothing varies.

        Scans know it too. It tells a channel whose mean has moved, and not one that answers to other images.
        """
        apart = self.difference.abs()
        return torch.where(apart == 0, 0.0, apart / self.spread)

    @property
    def shift(self) -> float:
        """Mean of `shifts`, of those that are known; NaN where none is."""
        return float(self.shifts.nanmean())


@dataclass(frozen=True, eq=False)
class ResponseChanges(Mapping[str, ResponseChange]):
    """Layer of the first network -> how its responses changed.

    Attributes
    ----------
    layers : dict of str to ResponseChange
        Pairs whose outputs have the same shape.
    left_out : dict of str to str
        Layers without one, and why.
    images : int
        So many went into it.
    """

    layers: dict[str, ResponseChange]
    left_out: dict[str, str]
    images: int

    def __repr__(self) -> str:
        first = ", ".join(f"{name} {self.layers[name].change:.3g}" for name in self.ranking[:3])
        return f"ResponseChanges of {len(self)} layers over {self.images:,} images, most: {first or 'none'}"

    def __getitem__(self, layer: str) -> ResponseChange:
        return self.layers[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def ranking(self) -> list[str]:
        """The layers, the most changed first; those of which no change is known last, by how far means shifted."""
        return sorted(self.layers, key=lambda layer: (*_order(self[layer].change), *_order(self[layer].shift)))


def _order(value: float) -> tuple[bool, float]:
    return math.isnan(value), 0.0 if math.isnan(value) else -value


class Moments:
    """Sums of two sets of channels, and of their products."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: torch.Tensor | None = None

    def add(self, a: torch.Tensor, b: torch.Tensor) -> None:
        """Add responses of the same images, (N, C, P) both."""
        kind = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
        a, b = (each.to(kind).movedim(1, 0).flatten(1) for each in (a, b))
        if self._sums is None:  # moments around the first means lose no digits
            self._shifts = a.mean(1, keepdim=True), b.mean(1, keepdim=True)
            self._sums = a.new_zeros(5, len(a))
            self._difference, self._largest = a.new_zeros(len(a)), a.real.new_zeros(len(a))
        apart = b - a
        self._difference += apart.sum(1)
        self._largest = torch.maximum(self._largest, apart.abs().amax(1))
        a, b = a - self._shifts[0], b - self._shifts[1]
        squares, both = ((one * other.conj()).sum(1) for one, other in ((a, a), (b, b))), (a * b.conj()).sum(1)
        self._sums += torch.stack([a.sum(1), b.sum(1), *squares, both])
        self.count += a.shape[1]

    def result(self, layer: str, partner: str) -> ResponseChange:
        """What they say."""
        assert self._sums is not None
        one, other, squares, others, both = self._sums
        squares, others = squares.real, others.real
        spread = squares - one.abs().square() / self.count, others - other.abs().square() / self.count
        shared = (both - one * other.conj() / self.count).real
        tiny = 1e-12 * torch.stack([squares, others])
        varies = (spread[0] > tiny[0]) & (spread[1] > tiny[1])
        found = torch.where(varies, (shared / (spread[0] * spread[1]).sqrt()).clamp(-1, 1), torch.nan)
        found[~torch.isfinite(self._difference)] = torch.nan
        means = self._difference / self.count
        means = means.to(torch.complex64 if means.is_complex() else torch.float32)
        common = ((spread[0] + spread[1]).clamp(min=0) / (2 * self.count)).sqrt().float()
        return ResponseChange(layer, partner, found.float(), means, self._largest.float(), common)
