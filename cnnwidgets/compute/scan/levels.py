"""The levels of a channel, the image that is the example of each, and what a place has to beat to be kept."""

from __future__ import annotations

from dataclasses import dataclass

import torch

LEVELS = 6
"""Equal parts of the range of the first images, the outermost with all beyond; one image of each is an example."""
NONE = -1
"""Index of an image where there is none, and number of a class where there is none."""
LAST = 2**32
"""The turn of no image."""


def turns(images: torch.Tensor) -> torch.Tensor:
    """The turn of each image, a number below `LAST`: the example of a level is that of the lowest.

    So it is the same image in whichever order and parts they are scanned, and no class that stands first in the data
    set comes first. It is the last step of MurmurHash3, which gives no two indices the same number.
    """
    found = images.long() + 1
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        found = ((found ^ (found >> shift)) * factor) & (LAST - 1)
    return torch.where(images == NONE, LAST, found)


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
        turn = turns(images)
        may = (ranked >= self.value) | (turn[:, None] < self.levels.latest)
        number, channel = (may if finite is None else may & finite).nonzero(as_tuple=True)
        value, least = ranked[number, channel], self.value[channel]
        strong = (value > least) | ((value == least) & (images[number] < self.image[channel]))
        example = turn[number] < self.levels.turn[channel, self.levels.of(value, channel)]
        kept = strong | example
        return number[kept], channel[kept], strong[kept], example[kept]
