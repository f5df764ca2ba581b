"""Which channels of a scan know a class, and which say the same to nearly every image."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ..core import unknown
from ..scan import LayerScan, Scan

MEASURES = ("roc_area", "d_prime", "selectivity")
"""How well a channel tells a class from all others, as `LayerScan` has them."""
CLOSE, MOST = 0.01, 0.95
"""A channel is saturated where so many of the images come so near to its largest value."""


class Ranked(NamedTuple):
    """A channel among those that know a class.

    Attributes
    ----------
    layer : str
        Name of its layer.
    channel : int
        Its number.
    value : float
        How well it tells the class from all others.
    """

    layer: str
    channel: int
    value: float


def by_class(layer: LayerScan, measure: str) -> torch.Tensor:
    """(K, C) float64: how well each channel tells each class from all others; K is 0 without labels.

    Raises
    ------
    ValueError
        `measure` is none of `MEASURES`.
    """
    if measure not in MEASURES:
        raise ValueError(unknown(f"there is no measure {measure!r}", measure, MEASURES))
    found: torch.Tensor = getattr(layer, measure)
    return found


def knowing(scan: Scan, target: int, measure: str = "roc_area", count: int = 20) -> list[Ranked]:
    """The channels of all layers that tell a class best from all others, the best first; of equal ones the earlier.

    Parameters
    ----------
    scan : Scan
        Of a data set with labels.
    target : int
        Number of the class.
    measure : {"roc_area", "d_prime", "selectivity"}
        What they are ranked by: the largest first.
    count : int
        So many at most. Channels for which the measure is not defined are left out.
    """
    names: list[str] = []
    channels: list[int] = []
    values: list[torch.Tensor] = []
    for name, layer in scan.items():
        found = by_class(layer, measure)
        if target < len(found):
            names += [name] * layer.channels
            channels += range(layer.channels)
            values.append(found[target])
    if not values:
        return []
    every = torch.cat(values)
    order = every.nan_to_num(-torch.inf, posinf=torch.finfo(every.dtype).max).argsort(descending=True, stable=True)
    best = [at for at in order[:count].tolist() if not every[at].isnan()]
    return [Ranked(names[at], channels[at], float(every[at])) for at in best]


def saturated(layer: LayerScan) -> torch.Tensor:
    """(C,) bool: of 95 % of the images the statistic comes within 1 % of the largest, or into its bin.

    Such a channel says the same to nearly every image. Only channels whose largest statistic is above 0 can be
    saturated; the histogram of the scan tells how many images come how near.
    """
    largest, edges = layer.values[:, 0].double(), layer.edges
    bins = layer.histogram.shape[1]
    top = torch.searchsorted(edges[:, 1:-1].contiguous(), largest[:, None], right=True)
    near = edges[:, :-1] >= ((1 - CLOSE) * largest)[:, None]
    counted = near | (torch.arange(bins) == top)
    share = (layer.histogram * counted).sum(1) / layer.images
    return (largest > 0) & (share >= MOST)
