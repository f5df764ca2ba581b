"""The numbers of one layer for the images of a batch: what a scan adds up, before the maps are gone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ..dataset import channels_first
from ..layers import Layer, one_image
from .measured import Exact, Measured, Places, Weakest, no_numbers

STATISTICS = ("maximum", "mean", "norm")
"""What an image is ranked by in a channel: its largest value, the mean of its values, the root of their squares."""
CANCELLED = 1e-3
"""Where the variance is so small a share of the mean square, float32 has lost it and it is computed again."""
LARGE = 1e38
"""Up to here sums of float32 do not overflow."""
AT_ONCE = 2**22
"""Numbers of the maps in which places are looked for at a time."""
CACHED, ROWS = 2**18, 255
"""Numbers, and images, that are looked at in a chunk: they stay in the cache, and what is counted of them in a byte."""
NARROW = 64
"""Maps of fewer values are turned, for torch reduces short rows one value after the other."""


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
    low, high, total, norm = _reduced(values)
    zeros, finite = _zeros(values), None
    calm = float(norm.sum()) * positions < LARGE  # else something is NaN, infinite, or overflows
    if not calm and not (found := low.isfinite() & high.isfinite()).all():
        finite = found
    exact = _exact(values, total, norm, finite, calm=calm)
    ranked = total.double().div(positions).float() if statistic == "mean" else high if statistic == "maximum" else norm
    if len(exact.image) and statistic != "maximum":
        better = exact.mean if statistic == "mean" else (exact.squares + positions * exact.mean.square()).sqrt()
        at = exact.image, exact.channel
        ranked = ranked.clone()
        ranked[at] = torch.where((statistic == "mean") | ~ranked[at].isfinite(), better.float(), ranked[at])
    number, channel = _entering(ranked, finite, images, k, weakest)
    places = _places(values, ranked, number, channel, per_image, width)
    count = torch.full((values.shape[1],), len(images))
    if len(exact.image):
        total, norm = (each.index_put((exact.image, exact.channel), torch.zeros(())) for each in (total, norm))
    if finite is not None:
        count, zeros = finite.sum(0), zeros - _zeros_at(values, ~finite)
        low, high = low.where(finite, torch.inf), high.where(finite, -torch.inf)
        total, norm, ranked = (each.where(finite, 0) for each in (total, norm, ranked))
    return Measured(
        torch.full_like(count, positions),
        count,
        len(images) - count,
        finite,
        zeros,
        low,
        high,
        total,
        norm,
        ranked,
        exact,
        places,
    )


def _reduced(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Smallest and largest value, sum and norm of each map."""
    if values.shape[2] == 1:
        flat = values[:, :, 0].to("cpu", copy=True)  # an in-place layer behind this one may write to the output
        return flat, flat, flat, flat.abs()
    low, high = _extremes(values)
    return low, high, values.sum(2).cpu(), torch.linalg.vector_norm(values, dim=2).cpu()


def _extremes(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Smallest and largest value of each map."""
    if values.shape[2] >= NARROW or not values.is_cpu:
        return values.amin(2).cpu(), values.amax(2).cpu()
    turned = (values[part].permute(2, 0, 1).contiguous() for part in _chunks(values))  # many maps at a time
    low, high = zip(*((each.amin(0), each.amax(0)) for each in turned), strict=True)
    return torch.cat(low), torch.cat(high)


def _chunks(values: torch.Tensor) -> Iterator[slice]:
    """So many images at a time that their values stay in the cache, and counts of them in a byte."""
    count, channels, positions = values.shape
    step = max(1, min(ROWS, CACHED // (channels * positions)))
    return (slice(start, start + step) for start in range(0, count, step))


def _exact(
    values: torch.Tensor, total: torch.Tensor, norm: torch.Tensor, finite: torch.Tensor | None, *, calm: bool
) -> Exact:
    """Mean and sum of squared deviations, in double precision, of the maps of which float32 loses them."""
    positions = values.shape[2]
    image = channel = no_numbers()
    if positions > 1:
        lost = norm * positions**0.5 < total.abs() * (1 + CANCELLED)  # more than are lost, by rounding
        if not calm:
            lost |= ~(norm.isfinite() & total.isfinite())  # by overflow
        image, channel = (lost if finite is None else lost & finite).nonzero(as_tuple=True)
    if not len(image):
        return Exact(image, channel, *torch.empty(2, 0, dtype=torch.float64))
    offset = (total[image, channel].double() / positions).square() * positions
    squares = norm[image, channel].double().square() - offset
    kept = ~squares.isfinite() | (squares < CANCELLED * offset)
    image, channel = image[kept], channel[kept]
    mean, squares = torch.empty(2, len(image), dtype=torch.float64)
    start = 0
    for part, at in _parts(torch.stack([image, channel], 1), positions):
        maps = values[part.to(values.device), at.to(values.device)].cpu().double()
        end = start + len(maps)
        mean[start:end] = maps.mean(1)
        squares[start:end] = (maps - maps.mean(1, keepdim=True)).square().sum(1)
        start = end
    return Exact(image, channel, mean, squares)


def _zeros(values: torch.Tensor) -> torch.Tensor:
    """How many values of each channel are 0. NumPy compares many times as fast as torch does on a CPU."""
    count, channels, positions = values.shape
    if not values.is_cpu:
        return values.count_nonzero((0, 2)).neg().add(count * positions).cpu()
    numbers, parts = values.numpy(), list(_chunks(values))
    found = np.zeros(channels, "int64")
    kept = np.empty(numbers[parts[0]].shape, "bool")
    for part in parts:
        chunk = numbers[part]
        same = np.equal(chunk, 0, out=kept[: len(chunk)])
        if not same.any():  # as behind most convolutions
            continue
        if len(chunk) == 1:
            found += np.count_nonzero(same[0], axis=1)
        else:
            found += same.view("uint8").sum(0, dtype="uint8").sum(1, dtype="int64")
    return torch.from_numpy(found)


def _zeros_at(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """How many values of each channel are 0 in some of the maps."""
    number, channel = chosen.nonzero(as_tuple=True)
    found = torch.zeros(values.shape[1], dtype=torch.int64)
    for image, at in _parts(torch.stack([number, channel], 1), values.shape[2]):
        maps = values[image.to(values.device), at.to(values.device)]
        found.index_add_(0, at, (maps == 0).sum(1).cpu())
    return found


def _entering(
    ranked: torch.Tensor, finite: torch.Tensor | None, images: torch.Tensor, k: int, weakest: Weakest | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers and channels of the images that may be among the k strongest of a channel, or examples of its levels."""
    if weakest is None:
        return no_numbers(), no_numbers()
    number, channel, strong, example = weakest.beaten(ranked, finite, images)
    if len(number) > k * ranked.shape[1]:  # nor can those that k others of this batch beat
        known = ranked if finite is None else ranked.where(finite, -torch.inf)
        least = known.topk(min(k, len(ranked)), dim=0).values[-1]
        kept = example | (strong & (ranked[number, channel] >= least[channel]))
        number, channel = number[kept], channel[kept]
    return number, channel


def _places(
    values: torch.Tensor,
    ranked: torch.Tensor,
    number: torch.Tensor,
    channel: torch.Tensor,
    per_image: int,
    width: int,
) -> Places:
    """The largest values of some maps, and where they are; of equal ones the first."""
    count = min(per_image, values.shape[2])
    value = ranked[number, channel][:, None].repeat(1, count)
    place = torch.zeros(len(number), count, dtype=torch.int64)
    start = 0
    for image, at in _parts(torch.stack([number, channel], 1), values.shape[2]) if values.shape[2] > 1 else ():
        maps = values[image.to(values.device), at.to(values.device)]
        for turn in range(count):
            found = maps.argmax(1, keepdim=True)
            place[start : start + len(maps), turn] = found[:, 0].cpu()
            if count > 1:
                value[start : start + len(maps), turn] = maps.gather(1, found)[:, 0].cpu()
                maps.scatter_(1, found, -torch.inf)
        start += len(maps)
    flat = place.flatten()
    return Places(
        channel.repeat_interleave(count),
        number.repeat_interleave(count),
        value.flatten(),
        (flat // width).int(),
        (flat % width).int(),
    )


def _parts(chosen: torch.Tensor, positions: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Images and channels (E, 2) of maps, so many at a time that their values fit into the cache."""
    return [(part[:, 0], part[:, 1]) for part in chosen.split(max(1, AT_ONCE // positions)) if len(part)]
