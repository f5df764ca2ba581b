"""Channels that do nothing, or nothing that another one does not do: of some images, or by a scan of all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import torch
from torch import nn

from ..core import listing
from ..scan import LayerScan, Scan
from .findings import Finding

RECTIFIED = ("ReLU", "ReLU6")
"""Types of layers of which a channel that is 0 everywhere is dead."""
CLOSE = 1e-4
"""Numbers of two channels that are the same differ by so much of their size at most: by rounding; those near 0 by a
hundredth of that, of the largest value of the channel."""
LISTED = 5
"""Layers that are told; and channels of each, and groups of them."""
LIKE = ("mean", "std", "minimum", "maximum", "zeros", "values", "edges", "class_mean", "class_std")
"""What two channels have to have in common besides their strongest places."""


def dead_in_images(alive: Mapping[str, torch.Tensor], images: int) -> Iterator[Finding]:
    """One finding for all ReLUs of which a tenth of the channels or more never fire; the worst first.

    Parameters
    ----------
    alive : mapping of str to torch.Tensor
        Which channels of a layer are not 0 everywhere.
    images : int
        In so many images.
    """
    shares = {name: (int((~fires).sum()), fires.numel()) for name, fires in alive.items()}
    worst = sorted((n for n in shares if shares[n][0] * 10 >= shares[n][1]), key=lambda n: -shares[n][0] / shares[n][1])
    if worst:
        listed = ", ".join(f"{name} {shares[name][0]} of {shares[name][1]}" for name in worst[:LISTED])
        yield Finding(
            "dead units",
            f"in {len(worst)} ReLU layers a tenth of the channels or more are 0 everywhere, in every image looked at",
            f"{images} images; {listed}{' ...' if len(worst) > LISTED else ''}",
            worst[0],
        )


def of_scan(scan: Scan, model: nn.Module) -> Iterator[Finding]:
    """Channels that are dead, and those that are duplicates, in all images that were scanned: one finding each.

    Duplicates are looked for in the layers that have parameters: the others hand on those that they are given.
    """
    dead = {layer.name: _dead(layer) for layer in scan.values() if layer.type in RECTIFIED}
    dead = {name: channels for name, channels in dead.items() if channels}
    if dead:
        count = sum(map(len, dead.values()))
        told = (f"{name}: {_listed(channels)} of {scan[name].channels}" for name, channels in _worst(scan, dead))
        yield Finding(
            "dead units",
            f"{count:,} channels of {len(dead)} ReLU layers are 0 everywhere, in every image that was scanned",
            f"{_images(scan)}; {'; '.join(told)}{' ...' if len(dead) > LISTED else ''}",
            next(iter(_worst(scan, dead)))[0],
        )
    learned = {name for name, part in model.named_modules() if next(part.parameters(recurse=False), None) is not None}
    alike = {name: duplicates(scan[name]) for name in scan if name.partition(":")[0] in learned}
    alike = {name: groups for name, groups in alike.items() if groups}
    if alike:
        count = sum(len(group) - 1 for groups in alike.values() for group in groups)
        told = (
            f"{name}: {', '.join(' = '.join(map(str, group)) for group in groups[:LISTED])}"
            f"{' ...' if len(groups) > LISTED else ''}"
            for name, groups in list(alike.items())[:LISTED]
        )
        yield Finding(
            "duplicate channels",
            f"{count:,} channels of {len(alike)} layers have the same numbers as another one of their layer: the same "
            "strongest places, and the same means and spreads",
            f"{_images(scan)}; {'; '.join(told)}{' ...' if len(alike) > LISTED else ''}",
            next(iter(alike)),
        )


def duplicates(layer: LayerScan) -> list[list[int]]:
    """Groups of channels of a layer whose numbers are the same over all images; dead ones are none of them."""
    places = torch.cat([layer.indices, layer.rows, layer.columns], 1)
    same: dict[bytes, list[int]] = defaultdict(list)
    for channel in (~layer.dead & (layer.count > 0)).nonzero()[:, 0].tolist():
        same[places[channel].numpy().tobytes()].append(channel)
    numbers = _numbers(layer)
    groups: list[list[int]] = []
    for channels in same.values():
        while len(channels) > 1:
            first = numbers[channels[0]]
            room = 0.01 * CLOSE * float(max(-layer.minimum[channels[0]], layer.maximum[channels[0]]))
            alike = [at for at in channels if torch.allclose(numbers[at], first, rtol=CLOSE, atol=room, equal_nan=True)]
            channels = [at for at in channels if at not in alike]
            if len(alike) > 1:
                groups.append(alike)
    return sorted(groups)


def _numbers(layer: LayerScan) -> torch.Tensor:
    """(C, M): what is compared of each channel."""
    parts = [getattr(layer, name).double() for name in LIKE]  # (C,), (C, k), or by class (K, C)
    return torch.cat(
        [
            part.T if name.startswith("class_") else part.reshape(layer.channels, -1)
            for name, part in zip(LIKE, parts, strict=True)
        ],
        1,
    )


def _dead(layer: LayerScan) -> list[int]:
    return layer.dead.nonzero()[:, 0].tolist()


def _worst(scan: Scan, dead: Mapping[str, list[int]]) -> list[tuple[str, list[int]]]:
    """Layers and their dead channels, those with the largest share first."""
    return sorted(dead.items(), key=lambda each: -len(each[1]) / scan[each[0]].channels)[:LISTED]


def _listed(channels: list[int]) -> str:
    return f"{len(channels)} ({listing(list(map(str, channels)), LISTED)})"


def _images(scan: Scan) -> str:
    return f"{scan.done:,} images" if scan.complete else f"{scan.done:,} of {scan.total:,} images"
