"""What is told of the images of a batch, by one layer or by several together, and what a place has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch

from ..predictions import NONE

LEVELS = 6
"""Equal parts of the range of the first images, the outermost with all beyond; one image of each is an example."""
LAST = 2**32
"""The turn of no image."""


class Places(NamedTuple):
    """Places that may be kept, (E,) each; those of one image and channel from the strongest on.

    `image` is the number in the batch, row and column say where in the map.
    """

    channel: torch.Tensor
    image: torch.Tensor
    value: torch.Tensor
    row: torch.Tensor
    column: torch.Tensor


class Exact(NamedTuple):
    """Mean, and sum of squared deviations from it, of the maps of which float32 loses them, (E,) each."""

    image: torch.Tensor
    channel: torch.Tensor
    mean: torch.Tensor
    squares: torch.Tensor


@dataclass(frozen=True)
class Measured:
    """Numbers of C channels, of one layer or of several, for N images, on the CPU.

    Attributes
    ----------
    positions : torch.Tensor
        (C,) int64: values of a channel in one image.
    count, nonfinite : torch.Tensor
        (C,) int64: how many images count; how many are left out for NaN or infinity.
    finite : torch.Tensor or None
        (N, C) bool: which images count; None where all do.
    zeros : torch.Tensor
        (C,) int64: how many values of the images that count are exactly 0.
    low, high : torch.Tensor
        (N, C) float32: the smallest and the largest value; inf and -inf where an image does not count.
    total, norm : torch.Tensor
        (N, C) float32: sum of the values, and root of the sum of their squares; 0 where an image does not count, and
        for the maps in `exact`.
    ranked : torch.Tensor
        (N, C) float32: the statistic, which images are ranked by; 0 where an image does not count.
    exact : Exact
        The maps of which `total` and `norm` say too little.
    places : Places
        The places that may be kept.
    """

    positions: torch.Tensor
    count: torch.Tensor
    nonfinite: torch.Tensor
    finite: torch.Tensor | None
    zeros: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    total: torch.Tensor
    norm: torch.Tensor
    ranked: torch.Tensor
    exact: Exact
    places: Places

    @property
    def channels(self) -> int:
        """How many channels."""
        return len(self.positions)

    def mean(self) -> torch.Tensor:
        """(N, C) float64: mean of the values; 0 where an image does not count."""
        found = self.total.double() / self.positions
        if len(self.exact.image):
            found[self.exact.image, self.exact.channel] = self.exact.mean
        return found


def together(layers: Sequence[Measured]) -> Measured:
    """The measures of several layers as those of one that has all their channels: adding up costs the same for few."""
    if len(layers) == 1:
        return layers[0]
    starts = [0, *accumulate(each.channels for each in layers[:-1])]
    finite = None
    if any(each.finite is not None for each in layers):
        known = (torch.ones_like(one.low, dtype=torch.bool) if one.finite is None else one.finite for one in layers)
        finite = torch.cat(list(known), 1)

    def joined(name: str) -> torch.Tensor:
        parts = [getattr(each, name) for each in layers]
        return torch.cat(parts, parts[0].ndim - 1)

    exact = [each.exact._replace(channel=each.exact.channel + at) for each, at in zip(layers, starts, strict=True)]
    places = [each.places._replace(channel=each.places.channel + at) for each, at in zip(layers, starts, strict=True)]
    dense = ("positions", "count", "nonfinite", "zeros", "low", "high", "total", "norm", "ranked")
    return Measured(
        finite=finite,
        exact=Exact(*(torch.cat(parts) for parts in zip(*exact, strict=True))),
        places=Places(*(torch.cat(parts) for parts in zip(*places, strict=True))),
        **{name: joined(name) for name in dense},
    )


def absent(count: int, channels: int) -> Measured:
    """The measures of a layer that did not run for `count` images."""
    none, nothing, empty = torch.zeros(channels, dtype=torch.int64), torch.zeros(count, channels), no_numbers()
    return Measured(
        none + 1,
        none,
        none,
        torch.zeros(count, channels, dtype=torch.bool),
        none,
        nothing + torch.inf,
        nothing - torch.inf,
        nothing,
        nothing,
        nothing,
        Exact(empty, empty, empty.double(), empty.double()),
        Places(empty, empty, empty.float(), empty.int(), empty.int()),
    )


def no_numbers() -> torch.Tensor:
    """No channel and no image, (0,) int64."""
    return torch.empty(0, dtype=torch.int64)


def turns(images: torch.Tensor) -> torch.Tensor:
    """The turn of each image, a number below `LAST`: the example of a level is that of the lowest.

    So it is the same image in whichever order and parts they are scanned, and no class that stands first in the data
    set comes first. It is the last step of MurmurHash3, which gives no two indices the same number.
    """
    found = images.numpy().astype("int64") + 1  # half the time of torch
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        found = ((found ^ (found >> shift)) * factor) & (LAST - 1)
    return torch.from_numpy(np.where(images.numpy() == NONE, LAST, found))


@dataclass(frozen=True)
class Levels:
    """The examples of the levels in each of C channels, as far as there are some.

    Attributes
    ----------
    start, end : torch.Tensor
        (C,) float64: between which values the levels lie.
    turn : torch.Tensor
        (C, LEVELS) int64: the turns of the images that are the examples.
    latest : torch.Tensor
        (C,) int64: the largest of them; an image that comes later is no example of any level.
    """

    start: torch.Tensor
    end: torch.Tensor
    turn: torch.Tensor
    latest: torch.Tensor

    def of(self, value: torch.Tensor, channel: torch.Tensor) -> torch.Tensor:
        """(E,) int64: in which level of its channel each of these numbers lies."""
        start, end = self.start[channel], self.end[channel]
        share = (value.double() - start) * (LEVELS / (end - start))
        return share.clamp(0, LEVELS - 1).long()

    def take(self, channel: torch.Tensor, level: torch.Tensor, turn: torch.Tensor) -> None:
        """Set the turns of some examples."""
        self.turn[channel, level] = turn
        self.latest[channel] = self.turn[channel].amax(1)


@dataclass(frozen=True)
class Weakest:
    """What a place has to beat in each of C channels to be among the strongest: a value, at equal values the image.

    One that is the example of a level, in place of what is that now, is looked for too.
    """

    value: torch.Tensor
    image: torch.Tensor
    levels: Levels

    def of(self, channels: slice) -> Weakest:
        """That of some of the channels, which follows what is found for all."""
        levels = (each[channels] for each in (self.levels.start, self.levels.end, self.levels.turn, self.levels.latest))
        return Weakest(self.value[channels], self.image[channels], Levels(*levels))

    def beaten(
        self, ranked: torch.Tensor, finite: torch.Tensor | None, images: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Which images beat it by their statistic (N, C).

        Returns
        -------
        number, channel : torch.Tensor
            (E,) int64: which image of the batch, and in which channel.
        strong, example : torch.Tensor
            (E,) bool: whether it is one of the strongest; whether it is the example of a level.
        """
        values, turn, least = ranked.numpy(), turns(images).numpy(), self.value.numpy()  # half the time of torch
        may = (values >= least) | (turn[:, None] < self.levels.latest.numpy())
        if finite is not None:
            may &= finite.numpy()
        number, channel = np.divmod(np.flatnonzero(may), ranked.shape[1])
        value, least = values[number, channel], least[channel]
        level = self.levels.of(torch.from_numpy(value), torch.from_numpy(channel)).numpy()
        strong = (value > least) | ((value == least) & (images.numpy()[number] < self.image.numpy()[channel]))
        example = turn[number] < self.levels.turn.numpy()[channel, level]
        kept = strong | example
        found = (torch.from_numpy(each[kept]) for each in (number, channel, strong, example))
        return next(found), next(found), next(found), next(found)
