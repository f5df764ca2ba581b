"""What a scan found for the channels of one layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch

from ..predictions import NONE
from .tally import Tally


class Place(NamedTuple):
    """One of the strongest places of a channel.

    Attributes
    ----------
    value : float
        What it is ranked by.
    image : int
        Index of the image in the data set.
    row, column : int
        Where in the map: of tokens the column is the number of the token, of a unit both are 0, and the slices of a
        volume count as rows below one another.
    """

    value: float
    image: int
    row: int
    column: int


@dataclass(frozen=True, eq=False)
class LayerScan:
    """The numbers of one layer over a data set, for each of its C channels (units, token features).

    What is said of *values* is about every number of a channel, at every place of every image. What is said of the
    *statistic* is about one number an image: that by which the images are ranked. An image for which a channel holds
    NaN or infinity is left out for that channel, and counted in `nonfinite`.

    Attributes
    ----------
    name, type, kind : str
        As in the layer table.
    shape : tuple of int
        Shape of its output for the first image.
    tally : Tally
        The sums that the rest follows from.
    """

    name: str
    type: str
    kind: str
    shape: tuple[int, ...]
    tally: Tally

    def __repr__(self) -> str:
        images = int(self.images.max()) if self.channels else 0
        return f"LayerScan of {self.name}: {self.channels:,} channels, {images:,} images, {int(self.dead.sum()):,} dead"

    @property
    def channels(self) -> int:
        """How many there are."""
        return self.tally.channels

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tally.numbers[name]

    @property
    def images(self) -> torch.Tensor:
        """(C,) int64: how many images count; fewer than were scanned where the layer did not run for each."""
        return self["images"]

    @property
    def nonfinite(self) -> torch.Tensor:
        """(C,) int64: how many images were left out for NaN or infinity."""
        return self["nonfinite"]

    @property
    def count(self) -> torch.Tensor:
        """(C,) int64: how many values count."""
        return self["count"]

    @property
    def mean(self) -> torch.Tensor:
        """(C,) float64: mean of the values; NaN without any."""
        return self["shift"] + self["total"] / self.count

    @property
    def std(self) -> torch.Tensor:
        """(C,) float64: standard deviation of the values, by their number (not less one)."""
        apart = self["total"] / self.count
        return (self["squares"] / self.count - apart.square()).clamp(min=0).sqrt()

    @property
    def minimum(self) -> torch.Tensor:
        """(C,) float64: the smallest value; infinite without any."""
        return self["low"]

    @property
    def maximum(self) -> torch.Tensor:
        """(C,) float64: the largest value; minus infinity without any."""
        return self["high"]

    @property
    def zeros(self) -> torch.Tensor:
        """(C,) float64: share of the values that are exactly 0, 0 to 1."""
        return self["zeros"].double() / self.count

    @property
    def fires(self) -> torch.Tensor:
        """(C,) float64: share of the images with a value above 0, 0 to 1."""
        return self["firing"].double() / self.images

    @property
    def dead(self) -> torch.Tensor:
        """(C,) bool: every value of every image is 0."""
        return (self.count > 0) & (self["zeros"] == self.count)

    @property
    def histogram(self) -> torch.Tensor:
        """(C, bins) int64: images whose statistic lies between two `edges`; the outermost count all beyond."""
        return self["histogram"]

    @cached_property
    def edges(self) -> torch.Tensor:
        """(C, bins + 1) float64: range of the first images and a quarter of it beyond, in equal parts."""
        bins = self.histogram.shape[1]
        share = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
        return self["start"][:, None] + share * (self["end"] - self["start"])[:, None]

    @property
    def values(self) -> torch.Tensor:
        """(C, k) float32: the statistic of the strongest places in order; minus infinity where none is."""
        return self["value"]

    @property
    def indices(self) -> torch.Tensor:
        """(C, k) int64: their images; -1 where there are fewer than k."""
        return self["image"]

    @property
    def rows(self) -> torch.Tensor:
        """(C, k) int32: their rows, see `Place`."""
        return self["row"]

    @property
    def columns(self) -> torch.Tensor:
        """(C, k) int32: their columns."""
        return self["column"]

    def strongest(self, channel: int) -> list[Place]:
        """The strongest places of a channel.

        Raises
        ------
        IndexError
            There is no such channel.
        """
        return self._places(channel, "")

    def examples(self, channel: int) -> list[Place]:
        """The strongest places of a channel, and behind them weaker ones from all of its range, in order.

        The range of the first images is cut into equal levels. Of each level one image is kept, drawn at random but the
        same in whichever order and parts the images are scanned, unless it is among the strongest anyway.

        Raises
        ------
        IndexError
            There is no such channel.

        Examples
        --------
        >>> import cnnwidgets as cw
        >>> found = cw.scan(cw.models.lenet5(pretrained=True), cw.data.digits(), ["F6"], k=4, progress=False)
        >>> [round(place.value, 1) for place in found["F6"].examples(0)]
        [10.8, 9.9, 9.2, 8.9, 6.1, 0.0, -2.4, -4.0, -6.3, -8.0]
        """
        strongest = self.strongest(channel)
        known = {place.image for place in strongest}
        weaker = [place for place in self._places(channel, "level_") if place.image not in known]
        return strongest + sorted(weaker, key=lambda place: -place.value)

    def _places(self, channel: int, kind: str) -> list[Place]:
        if not 0 <= channel < self.channels:
            raise IndexError(f"layer {self.name!r} has the channels 0 to {self.channels - 1}, not {channel!r}")
        parts = (self[kind + name][channel].tolist() for name in ("value", "image", "row", "column"))
        return [Place(*place) for place in zip(*parts, strict=True) if place[1] != NONE]

    @property
    def class_images(self) -> torch.Tensor:
        """(K, C) int64: how many images of each class count. K is one more than the largest label."""
        return self["class_images"]

    @property
    def class_mean(self) -> torch.Tensor:
        """(K, C) float64: mean of the statistic over the images of each class; NaN without any."""
        return self["class_total"] / self.class_images

    @property
    def class_std(self) -> torch.Tensor:
        """(K, C) float64: its standard deviation, by their number."""
        return _variance(self["class_squares"], self["class_total"], self.class_images).sqrt()

    @property
    def selectivity(self) -> torch.Tensor:
        """(K, C) float64, -1 to 1: (a - b) / (|a| + |b|), a the mean of the statistic for a class, b for all others.

        Without signs, the index of Morcos et al., "On the importance of single directions for generalization" (2018),
        for each class instead of the one with the largest mean. 0 where both are 0.
        """
        a, b = self.class_mean, self._others[0]
        scale = a.abs() + b.abs()
        return torch.where(scale == 0, 0.0, (a - b) / scale)

    @property
    def d_prime(self) -> torch.Tensor:
        """(K, C) float64: how far the means of a class and of all others are apart, in root mean square deviations."""
        apart, variance = self._apart
        return torch.where((apart == 0) & (variance == 0), 0.0, apart / (variance / 2).sqrt())

    @property
    def roc_area(self) -> torch.Tensor:
        """(K, C) float64, 0 to 1: area under the ROC curve for telling a class from all others by the statistic.

        That of two normal distributions with the means and variances that are kept (the binormal model): the curve
        itself would need every number. 0.5 is chance.
        """
        apart, variance = self._apart
        score = torch.where((apart == 0) & (variance == 0), 0.0, apart / variance.sqrt())
        return torch.special.ndtr(score)

    @property
    def best_class(self) -> torch.Tensor:
        """(C,) int64: the class that a channel tells best from all others, by `roc_area`; -1 where it tells none.

        That is so where no area is defined, and where the mean of the statistic is the same for all classes.
        """
        areas = self.roc_area.nan_to_num(-1)
        best, found = torch.cat([areas.new_full((1, self.channels), 0.5), areas]).max(0)
        return torch.where(best > 0.5, found - 1, -1)

    @property
    def _apart(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Difference of the means of a class and all others, and the sum of their variances."""
        mean, variance = self._others
        own = _variance(self["class_squares"], self["class_total"], self.class_images)
        return self.class_mean - mean, own + variance

    @property
    def _others(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(K, C) each: mean and variance over the labelled images of all other classes."""
        images, total, squares = (
            self[name].sum(0) - self[name] for name in ("class_images", "class_total", "class_squares")
        )
        return total / images, _variance(squares, total, images)


def _variance(squares: torch.Tensor, total: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    return (squares / count - (total / count).square()).clamp(min=0)
