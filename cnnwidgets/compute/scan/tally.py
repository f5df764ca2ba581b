"""What a scan knows of layers, however many images it has seen: numbers that are added up, and merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ..predictions import NONE
from .measured import LAST, LEVELS, Levels, Measured, Places, Weakest, turns

MARGIN = 0.25
"""By what share of their range the edges of a histogram lie beyond the values of the first images."""
CLOSE = 1e-3
"""Two passes for the same images may differ by so much of the range."""


def _padded_sum(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    short, long = sorted((one, other), key=len)
    found = long.clone()
    found[: len(short)] += short
    return found


CLASSES = ("class_images", "class_total", "class_squares")
"""Those with a row for each class, (K, C)."""
MERGED: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    **dict.fromkeys(
        ("images", "count", "zeros", "firing", "nonfinite", "total", "squares", "histogram"), torch.Tensor.add
    ),
    "low": torch.minimum,
    "high": torch.maximum,
    **dict.fromkeys(CLASSES, _padded_sum),
}
"""Each number, and how that of two disjoint sets of images follows from those of each."""
PLACES = ("value", "image", "row", "column")
EXAMPLES = tuple(f"level_{name}" for name in PLACES)
"""One place of each level, (C, LEVELS) each."""
FRAME = ("shift", "start", "end")
"""What the first images fix for all: where deviations are counted from, and the edges of the histogram."""
FIELDS = (*MERGED, *PLACES, *EXAMPLES, *FRAME)


class Tally:
    """The numbers of C channels, of one layer or of several, for all images so far.

    Parameters
    ----------
    numbers : dict of str to torch.Tensor
        By the names in `FIELDS`, (C,) each; the places (C, k), the histogram (C, bins), those of classes (K, C).
    """

    def __init__(self, numbers: dict[str, torch.Tensor]) -> None:
        self.numbers = numbers
        self._levels: Levels | None = None

    @classmethod
    def begun(cls, first: Sequence[Measured], k: int, bins: int) -> Tally:
        """Without an image yet, framed by the measures of the first images."""
        channels = first[0].channels
        images = torch.stack([one.count for one in first]).sum(0)
        mean = torch.cat([one.mean() for one in first])
        unknown = [torch.zeros(one.low.shape, dtype=torch.bool) if one.finite is None else ~one.finite for one in first]
        ranked = torch.cat([one.ranked for one in first]).double()
        low = ranked.masked_fill(torch.cat(unknown), torch.inf).amin(0)
        high = ranked.masked_fill(torch.cat(unknown), -torch.inf).amax(0)
        low, high = low.where(low.isfinite(), 0), high.where(high.isfinite(), 0)
        room = torch.where(high > low, MARGIN * (high - low), low.abs().clamp(min=1) / 2)
        whole, exact = torch.zeros(channels, dtype=torch.int64), torch.zeros(channels, dtype=torch.float64)
        return cls(
            {
                **{name: whole.clone() for name in ("images", "count", "zeros", "firing", "nonfinite")},
                **{name: exact.clone() for name in ("total", "squares")},
                "histogram": torch.zeros(channels, bins, dtype=torch.int64),
                "low": exact + torch.inf,
                "high": exact - torch.inf,
                "class_images": torch.zeros(0, channels, dtype=torch.int64),
                "class_total": torch.zeros(0, channels, dtype=torch.float64),
                "class_squares": torch.zeros(0, channels, dtype=torch.float64),
                "value": torch.full((channels, k), -torch.inf),
                "image": torch.full((channels, k), NONE),
                "row": torch.full((channels, k), NONE, dtype=torch.int32),
                "column": torch.full((channels, k), NONE, dtype=torch.int32),
                "level_value": torch.full((channels, LEVELS), -torch.inf),
                **{name: torch.full((channels, LEVELS), NONE, dtype=torch.int32) for name in EXAMPLES[1:]},
                "shift": mean.sum(0) / images.clamp(min=1),
                "start": low - room,
                "end": high + room,
            }
        )

    @classmethod
    def of(cls, tallies: Sequence[Tally]) -> Tally:
        """The numbers of the channels of several together."""
        known = max(len(each.numbers["class_images"]) for each in tallies)
        found = {}
        for name in FIELDS:
            parts = [each.numbers[name] for each in tallies]
            if name in CLASSES:
                parts = [torch.cat([each, each.new_zeros(known - len(each), each.shape[1])]) for each in parts]
            found[name] = torch.cat(parts, 1 if name in CLASSES else 0)
        return cls(found)

    def part(self, channels: slice) -> Tally:
        """A copy of the numbers of some channels."""
        return Tally(
            {
                name: (value[:, channels] if name in CLASSES else value[channels]).clone()
                for name, value in self.numbers.items()
            }
        )

    @property
    def channels(self) -> int:
        """How many channels it counts."""
        return len(self.numbers["images"])

    @property
    def weakest(self) -> Weakest:
        """The last of the places kept, which follows what is added; of fewer than k none has to be beaten."""
        return Weakest(self.numbers["value"][:, -1], self.numbers["image"][:, -1], self.levels)

    @property
    def levels(self) -> Levels:
        """The levels, which lie between the values of the first images, and their examples."""
        if self._levels is None:
            start, end = self.numbers["start"], self.numbers["end"]
            margin = (end - start) * (MARGIN / (1 + 2 * MARGIN))
            turn = turns(self.numbers["level_image"])
            self._levels = Levels(start + margin, end - margin, turn, turn.amax(1))
        return self._levels

    def copy(self) -> Tally:
        """Another that goes its own way."""
        return Tally({name: value.clone() for name, value in self.numbers.items()})

    def add(self, found: Measured, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Add the measures of a batch.

        Parameters
        ----------
        found : Measured
            Of N images.
        images, labels : torch.Tensor
            (N,) int64: their indices in the data set, and their classes, `NONE` where there is none.
        """
        own, exact = self.numbers, found.exact
        own["images"] += found.count
        own["nonfinite"] += found.nonfinite
        own["count"] += found.positions * found.count
        own["zeros"] += found.zeros
        own["firing"] += (found.high > 0).sum(0)
        torch.minimum(own["low"], found.low.amin(0), out=own["low"])
        torch.maximum(own["high"], found.high.amax(0), out=own["high"])
        apart = found.mean().sub_(own["shift"])
        if found.finite is not None:
            apart.masked_fill_(~found.finite, 0)
        own["total"] += found.positions * apart.sum(0)
        own["squares"] += found.positions * apart.square_().sum(0) + _within(found)
        own["squares"].index_add_(0, exact.channel, exact.squares)
        self._add_ranked(found, labels)
        if len(found.places.channel):
            self._add_places(found.places, images)

    def _add_ranked(self, found: Measured, labels: torch.Tensor) -> None:
        """Histogram and classes."""
        own, ranked = self.numbers, found.ranked.double()
        bins = own["histogram"].shape[1]
        share = (ranked - own["start"]).div_(own["end"] - own["start"]).mul_(bins)
        at = share.long().clamp_(0, bins - 1).add_(torch.arange(0, bins * self.channels, bins))
        counted = at.flatten() if found.finite is None else at[found.finite]
        own["histogram"].view(-1).scatter_add_(0, counted, torch.ones(()).long().expand(len(counted)))
        chosen = labels != NONE
        if not chosen.any():
            return
        if not chosen.all():
            labels, ranked = labels[chosen], ranked[chosen]
        missing = int(labels.max()) + 1 - len(own["class_images"])
        if missing > 0:
            for name in CLASSES:
                own[name] = torch.cat([own[name], own[name].new_zeros(missing, self.channels)])
        present = labels.unique()
        belongs = (present[:, None] == labels).double()  # a product is several times as fast as index_add_
        kept = None if found.finite is None else found.finite[chosen].double()
        own["class_images"][present] += (belongs.sum(1)[:, None] if kept is None else belongs @ kept).long()
        own["class_total"][present] += belongs @ ranked
        own["class_squares"][present] += belongs @ ranked.square_()

    def _add_places(self, places: Places, images: torch.Tensor) -> None:
        own, k = self.numbers, self.numbers["value"].shape[1]
        # one row a channel that has candidates, as long as the longest of them needs
        order = places.channel.argsort(stable=True)
        channels, line, counts = places.channel[order].unique_consecutive(return_inverse=True, return_counts=True)
        column = torch.arange(len(line)) - (counts.cumsum(0) - counts)[line]
        candidates = {
            "value": places.value,
            "image": images[places.image],
            "row": places.row,
            "column": places.column,
        }
        both = {}
        for name, values in candidates.items():
            table = own[name].new_full((len(channels), int(counts.max())), -torch.inf if name == "value" else NONE)
            table[line, column] = values[order]
            both[name] = torch.cat([own[name][channels], table], 1)
        for name, values in strongest(both, k).items():
            own[name][channels] = values
        self._add_examples(places.channel, candidates)

    def _add_examples(self, channel: torch.Tensor, candidates: dict[str, torch.Tensor]) -> None:
        """Take those of the candidates whose turn comes before that of the example of their level."""
        image, levels = candidates["image"], self.levels
        level, turn = levels.of(candidates["value"], channel), turns(image)
        # of several places in one image the first is the strongest
        turn[1:].masked_fill_((image[1:] == image[:-1]) & (channel[1:] == channel[:-1]), LAST)
        sooner = (turn < levels.turn[channel, level]).nonzero()[:, 0]
        if not len(sooner):
            return
        channel, level, turn = channel[sooner], level[sooner], turn[sooner]
        at = channel * LEVELS + level
        first = turn == levels.turn.flatten().scatter_reduce(0, at, turn, "amin")[at]
        for name, values in candidates.items():
            own = self.numbers[f"level_{name}"]
            own.view(-1)[at[first]] = values[sooner[first]].to(own.dtype)
        levels.take(channel[first], level[first], turn[first])


def _within(found: Measured) -> torch.Tensor:
    """(C,) float64: sum of the squared deviations of the values from the means of their images."""
    total = found.total.double()
    return (found.norm.double().square_() - total.square_() / found.positions).sum(0)


def strongest(places: dict[str, torch.Tensor], k: int) -> dict[str, torch.Tensor]:
    """The k strongest of the places (C, M) of each channel; of equal ones the lower index, the upper row, the left.

    Those of one image stand from the strongest on, of equal ones so, and are left in this order.
    """
    last = torch.where(places["image"] == NONE, torch.iinfo(torch.int64).max, places["image"])
    order = last.argsort(dim=1, stable=True)
    value = places["value"].gather(1, order)
    order = order.gather(1, value.argsort(dim=1, descending=True, stable=True))
    return {name: values.gather(1, order[:, :k]) for name, values in places.items()}


def merged(one: Tally, other: Tally) -> Tally:
    """The numbers of two disjoint sets of images together.

    Raises
    ------
    ValueError
        They are framed by different first images.
    """
    a, b = one.numbers, other.numbers
    if not framed_alike(one, other):
        raise ValueError("their histograms have other edges: they begin with other images, or the network has changed")
    found = {name: merge(a[name], b[name]) for name, merge in MERGED.items()}
    found |= strongest({name: torch.cat([a[name], b[name]], 1) for name in PLACES}, a["value"].shape[1])
    sooner = turns(a["level_image"]) <= turns(b["level_image"])
    found |= {name: torch.where(sooner, a[name], b[name]) for name in EXAMPLES}
    found["shift"] = torch.minimum(a["shift"], b["shift"])  # equal, but for the rounding of two machines
    for name in ("total", "squares"):
        found[name] = sum(_shifted(each, found["shift"])[name] for each in (a, b))  # type: ignore[assignment]
    found["start"], found["end"] = torch.minimum(a["start"], b["start"]), torch.maximum(a["end"], b["end"])
    return Tally(found)


def _shifted(numbers: dict[str, torch.Tensor], shift: torch.Tensor) -> dict[str, torch.Tensor]:
    """Sum and squares of the deviations from another number."""
    by = numbers["shift"] - shift
    total = numbers["total"] + numbers["count"] * by
    return {"total": total, "squares": numbers["squares"] + by * (2 * numbers["total"] + numbers["count"] * by)}


def framed_alike(one: Tally, other: Tally) -> bool:
    """Whether both are framed by the same images, as exactly as two passes agree."""
    a, b = one.numbers, other.numbers
    if a["histogram"].shape != b["histogram"].shape or a["value"].shape != b["value"].shape:
        return False
    room = CLOSE * (a["end"] - a["start"]).abs()
    return all(bool(((a[name] - b[name]).abs() <= room + 1e-12).all()) for name in ("start", "end"))
