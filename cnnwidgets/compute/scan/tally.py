"""What a scan knows of one layer, however many images it has seen: numbers that are added up, and merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from .measuring import LAST, LEVELS, NONE, Levels, Measured, Weakest, turns

MARGIN = 0.25
"""By what share of their range the edges of a histogram lie beyond the values of the first images."""
CLOSE = 1e-3
"""Two passes for the same images may differ by so much of the range."""


def _padded_sum(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    short, long = sorted((one, other), key=len)
    found = long.clone()
    found[: len(short)] += short
    return found


MERGED: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    **dict.fromkeys(
        ("images", "count", "zeros", "firing", "nonfinite", "total", "squares", "histogram"), torch.Tensor.add
    ),
    "low": torch.minimum,
    "high": torch.maximum,
    **dict.fromkeys(("class_images", "class_total", "class_squares"), _padded_sum),
}
"""Each number, and how that of two disjoint sets of images follows from those of each."""
PLACES = ("value", "image", "row", "column")
EXAMPLES = tuple(f"level_{name}" for name in PLACES)
"""One place of each level, (C, LEVELS) each."""
FRAME = ("shift", "start", "end")
"""What the first images fix for all: where deviations are counted from, and the edges of the histogram."""
FIELDS = (*MERGED, *PLACES, *EXAMPLES, *FRAME)


class Tally:
    """The numbers of one layer with C channels, for all images so far.

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
        finite = torch.cat([one.finite for one in first])
        mean = torch.cat([one.mean for one in first]).where(finite, torch.zeros(()).double())
        ranked = torch.cat([one.statistic for one in first]).double()
        channels = finite.shape[1]
        low = ranked.where(finite, torch.inf).amin(0)
        high = ranked.where(finite, -torch.inf).amax(0)
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
                "shift": mean.sum(0) / finite.sum(0).clamp(min=1),
                "start": low - room,
                "end": high + room,
            }
        )

    @property
    def channels(self) -> int:
        """How many channels it counts."""
        return len(self.numbers["images"])

    @property
    def weakest(self) -> Weakest:
        """The last of the places kept; of fewer than k none has to be beaten."""
        return Weakest(self.numbers["value"][:, -1], self.numbers["image"][:, -1], self.levels)

    @property
    def levels(self) -> Levels:
        """The levels, which lie between the values of the first images, and their examples."""
        if self._levels is None:
            start, end = self.numbers["start"], self.numbers["end"]
            margin = (end - start) * (MARGIN / (1 + 2 * MARGIN))
            self._levels = Levels(start + margin, end - margin, turns(self.numbers["level_image"]))
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
        own, finite = self.numbers, found.finite
        every, count = bool(finite.all()), finite.sum(0)

        def where(values: torch.Tensor, otherwise: float) -> torch.Tensor:
            return values if every else torch.where(finite, values, otherwise)

        apart = where(found.mean - own["shift"], 0.0)
        own["images"] += count
        own["nonfinite"] += len(finite) - count
        own["count"] += found.positions * count
        own["zeros"] += where(found.zeros, 0).sum(0)
        own["firing"] += (finite & (found.high > 0)).sum(0)
        own["total"] += found.positions * apart.sum(0)
        own["squares"] += (where(found.squares, 0.0) + found.positions * apart.square()).sum(0)
        own["low"] = torch.minimum(own["low"], where(found.low, torch.inf).amin(0))
        own["high"] = torch.maximum(own["high"], where(found.high, -torch.inf).amax(0))
        ranked = where(found.statistic.double(), 0.0)
        bins = own["histogram"].shape[1]
        share = (ranked - own["start"]) / (own["end"] - own["start"])
        own["histogram"].scatter_add_(1, (share * bins).long().clamp(0, bins - 1).T, finite.long().T)
        self._add_classes(ranked, finite, labels)
        self._add_places(found, images)

    def _add_classes(self, ranked: torch.Tensor, finite: torch.Tensor, labels: torch.Tensor) -> None:
        chosen = labels != NONE
        if not chosen.any():
            return
        own, kept = self.numbers, finite.double()
        if not chosen.all():
            labels, ranked, kept = labels[chosen], ranked[chosen], kept[chosen]
        names = ("class_images", "class_total", "class_squares")
        missing = int(labels.max()) + 1 - len(own["class_images"])
        if missing > 0:
            for name in names:
                own[name] = torch.cat([own[name], own[name].new_zeros(missing, self.channels)])
        present = labels.unique()
        belongs = (present[:, None] == labels).double()  # several times as fast as index_add_
        sums = (belongs @ torch.cat([kept, ranked, ranked.square()], 1)).chunk(3, 1)  # quicker than three products
        for name, addend in zip(names, sums, strict=True):
            own[name][present] += addend.to(own[name].dtype)

    def _add_places(self, found: Measured, images: torch.Tensor) -> None:
        channels = found.channel.unique()
        if not len(channels):
            return
        own, k = self.numbers, self.numbers["value"].shape[1]
        # one row a channel that has candidates, as long as the longest of them needs
        order = found.channel.argsort(stable=True)
        line = torch.searchsorted(channels, found.channel[order])
        counts = torch.bincount(line)
        column = torch.arange(len(line)) - (counts.cumsum(0) - counts)[line]
        candidates = {
            "value": found.value,
            "image": images[found.image],
            "row": (found.place // found.width).int(),
            "column": (found.place % found.width).int(),
        }
        both = {}
        for name, values in candidates.items():
            table = own[name].new_full((len(channels), int(counts.max())), -torch.inf if name == "value" else NONE)
            table[line, column] = values[order]
            both[name] = torch.cat([own[name][channels], table], 1)
        for name, values in strongest(both, k).items():
            own[name][channels] = values
        self._add_examples(found.channel, candidates)

    def _add_examples(self, channel: torch.Tensor, candidates: dict[str, torch.Tensor]) -> None:
        """Take those of the candidates whose turn comes before that of the example of their level."""
        image, levels = candidates["image"], self.levels
        best = torch.ones_like(image, dtype=torch.bool)  # of several places in one image the first is the strongest
        best[1:] = (image[1:] != image[:-1]) | (channel[1:] != channel[:-1])
        share = (candidates["value"].double() - levels.start[channel]) * (LEVELS / (levels.end - levels.start))[channel]
        at = channel * LEVELS + share.clamp(0, LEVELS - 1).long()
        turn, held = turns(image).where(best, LAST), levels.turn.flatten()
        chosen = ((turn < held[at]) & (turn == held.scatter_reduce(0, at, turn, "amin")[at])).nonzero()[:, 0]
        if not len(chosen):
            return
        for name, values in candidates.items():
            own = self.numbers[f"level_{name}"]
            own.view(-1)[at[chosen]] = values[chosen].to(own.dtype)
        self._levels = None


def strongest(places: dict[str, torch.Tensor], k: int) -> dict[str, torch.Tensor]:
    """The k strongest of the places (C, M) of each channel; of equal ones the lower index, the upper row, the left."""
    order = torch.arange(places["value"].shape[1]).expand(places["value"].shape)
    far = torch.iinfo(torch.int64).max
    last = torch.where(places["image"] == NONE, far, places["image"])
    for key, descending in ((places["column"], False), (places["row"], False), (last, False), (places["value"], True)):
        order = order.gather(1, key.gather(1, order).argsort(dim=1, descending=descending, stable=True))
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
