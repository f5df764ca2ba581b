"""The numbers of one layer for the images of a batch: what a scan adds up, before the maps are gone."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..dataset import channels_first
from ..layers import Layer, one_image

STATISTICS = ("maximum", "mean", "norm")
"""What an image is ranked by in a channel: its largest value, the mean of its values, the root of their squares."""
CANCELLED = 1e-3
"""Where the variance is so small a share of the mean square, float32 has lost it and it is computed again."""
AT_ONCE = 2**22
"""Numbers of the maps in which places are looked for at a time."""
LEVELS = 6
"""Equal parts of the range of the first images, the outermost with all beyond; one image of each is an example."""
NONE = -1
"""Index of an image where there is none, and number of a class where there is none."""
LAST = 2**32
"""The turn of no image."""


@dataclass(frozen=True)
class Measured:
    """Numbers of one layer for N images and C channels; (N, C) on the CPU where not said otherwise.

    Attributes
    ----------
    positions : int
        Values of a channel in one image.
    width : int
        Values in a row of a map.
    mean, squares : torch.Tensor
        float64: mean of the values, and the sum of their squared deviations from it.
    low, high : torch.Tensor
        float64: the smallest and the largest value.
    zeros : torch.Tensor
        int64: how many values are exactly 0.
    finite : torch.Tensor
        bool: False where a value is NaN or infinite; the other numbers then mean nothing.
    statistic : torch.Tensor
        float32: what images are ranked by.
    channel, image, value, place : torch.Tensor
        (E,): the places that may be kept: channel, number in the batch, value, and position in the map; those of one
        image and channel from the strongest on.
    """

    positions: int
    width: int
    mean: torch.Tensor
    squares: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    zeros: torch.Tensor
    finite: torch.Tensor
    statistic: torch.Tensor
    channel: torch.Tensor
    image: torch.Tensor
    value: torch.Tensor
    place: torch.Tensor


@dataclass(frozen=True)
class Levels:
    """The examples of the levels in each of C channels, as far as there are some.

    Attributes
    ----------
    start, end : torch.Tensor
        (C,) float64: between which values the levels lie.
    turn : torch.Tensor
        (C, LEVELS) int64: the turns of the images that are the examples.
    """

    start: torch.Tensor
    end: torch.Tensor
    turn: torch.Tensor

    def of(self, ranked: torch.Tensor) -> torch.Tensor:
        """(N, C) int64: in which level each of these numbers (N, C) lies."""
        share = (ranked - self.start) * (LEVELS / (self.end - self.start))
        return share.clamp(0, LEVELS - 1).long()

    def lacking(self, ranked: torch.Tensor, finite: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """(N, C) bool: which images come before the examples of their levels."""
        level, turn = self.of(ranked.where(finite, torch.zeros(()))).T, turns(images).expand(len(self.turn), -1)
        return (turn < self.turn.gather(1, level)).T & finite


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
class Weakest:
    """What a place has to beat in each of C channels to be among the strongest: a value, at equal values the image.

    One that is the example of a level, in place of what is that now, is looked for too.
    """

    value: torch.Tensor
    image: torch.Tensor
    levels: Levels


def as_channels(output: torch.Tensor, layer: Layer, count: int) -> tuple[torch.Tensor, int]:
    """The output of a layer for `count` images as (N, C, P) real numbers, and how many positions make a row."""
    if output.is_complex():
        output = output.abs()
    output = output.detach().float()
    if layer.batch_axis is None:  # a stack: its entries are positions too
        found = channels_first(output, layer)[None]
        return found, found.shape[2]
    if layer.batch_axis != 0 or output.ndim != len(layer.shape) + 1 or len(output) != count:
        output = torch.stack([one_image(output, layer, at, of=count) for at in range(count)])
    if layer.kind == "vector":
        return output.reshape(count, -1, 1), 1
    if layer.layout == "last":
        output = output.movedim(-1, 1)
    return output.flatten(2), output.shape[-1]


def measure(
    output: torch.Tensor,
    layer: Layer,
    images: torch.Tensor,
    *,
    statistic: str,
    k: int,
    per_image: int,
    weakest: Weakest | None = None,
) -> Measured:
    """Measure the output of a layer for a batch.

    Parameters
    ----------
    output : torch.Tensor
        As the layer returned it.
    layer : Layer
        Its entry in the layer table.
    images : torch.Tensor
        (N,): indices of the images in the data set, ascending.
    statistic : str
        One of `STATISTICS`.
    k, per_image : int
        How many places are kept for a channel, and how many of them may be of one image.
    weakest : Weakest, optional
        What a place has to beat; None to look for no places.
    """
    values, width = as_channels(output, layer, len(images))
    positions = values.shape[2]
    low, high, total = values.amin(2).cpu(), values.amax(2).cpu(), values.sum(2).cpu()
    finite = low.isfinite() & high.isfinite()
    mean = total.double() / positions
    if positions == 1:
        norm, squares = total.abs(), torch.zeros_like(mean)
    else:
        norm = torch.linalg.vector_norm(values, dim=2).cpu()
        mean, squares = _moments(values, mean, norm.double().square(), finite)
        norm = norm.where(norm.isfinite(), (squares + positions * mean.square()).sqrt().float())
    ranked = {"maximum": high, "mean": mean.float(), "norm": norm}[statistic]
    number, channel = _entering(ranked, finite, images, k, weakest)
    value, place = _places(values, ranked, number, channel, per_image)
    return Measured(
        positions,
        width,
        mean,
        squares,
        low.double(),
        high.double(),
        _zeros(values),
        finite,
        ranked,
        channel.repeat_interleave(value.shape[1]),
        number.repeat_interleave(value.shape[1]),
        value.flatten(),
        place.flatten(),
    )


def _moments(
    values: torch.Tensor, mean: torch.Tensor, power: torch.Tensor, finite: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and sum of squared deviations, in double precision where float32 loses them."""
    offset = mean.square() * values.shape[2]
    squares = power - offset
    lost = ~squares.isfinite() | (squares < CANCELLED * offset)  # by overflow, or by rounding
    for image, channel in _parts((finite & lost).nonzero(), values.shape[2]):
        exact = values[image.to(values.device), channel.to(values.device)].cpu().double()
        mean[image, channel] = exact.mean(1)
        squares[image, channel] = (exact - exact.mean(1, keepdim=True)).square().sum(1)
    return mean, squares.clamp_(min=0)


def _zeros(values: torch.Tensor) -> torch.Tensor:
    """How many values are 0. NumPy counts several times as fast as torch does on a CPU."""
    if not values.is_cpu:
        return values.count_nonzero(2).neg().add(values.shape[2]).cpu()
    return values.shape[2] - torch.from_numpy((values.numpy() != 0).sum(2, dtype="int64"))


def _entering(
    ranked: torch.Tensor, finite: torch.Tensor, images: torch.Tensor, k: int, weakest: Weakest | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers and channels of the images that may be among the k strongest of a channel, or examples of its levels."""
    if weakest is None:
        return torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64)
    enters = (ranked > weakest.value) | ((ranked == weakest.value) & (images[:, None] < weakest.image))
    if len(ranked) > k:  # nor can those that k others of this batch beat
        known = torch.where(finite, ranked, -torch.inf)
        enters &= ranked >= known.topk(k, dim=0).values[-1]
    enters |= weakest.levels.lacking(ranked, finite, images)
    number, channel = (enters & finite).nonzero(as_tuple=True)
    return number, channel


def _places(
    values: torch.Tensor, ranked: torch.Tensor, number: torch.Tensor, channel: torch.Tensor, per_image: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and positions (E, m) of the largest values of some maps; of equal ones the first."""
    count = min(per_image, values.shape[2])
    value = ranked[number, channel][:, None].repeat(1, count)
    place = torch.zeros(len(number), count, dtype=torch.int64)
    if values.shape[2] == 1 or not len(number):
        return value, place
    start = 0
    for image, at in _parts(torch.stack([number, channel], 1), values.shape[2]):
        maps = values[image.to(values.device), at.to(values.device)]
        for turn in range(count):
            found = maps.argmax(1, keepdim=True)
            place[start : start + len(maps), turn] = found[:, 0].cpu()
            if count > 1:
                value[start : start + len(maps), turn] = maps.gather(1, found)[:, 0].cpu()
                maps.scatter_(1, found, -torch.inf)
        start += len(maps)
    return value, place


def _parts(chosen: torch.Tensor, positions: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Images and channels (E, 2) of maps, so many at a time that their values fit into the cache."""
    return [(part[:, 0], part[:, 1]) for part in chosen.split(max(1, AT_ONCE // positions)) if len(part)]
