"""The smallest set of channels whose removal takes a class away, found greedily."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..core import Bar, Prepare, Report, Stopped, shortened, whole
from ..interventions import Ablate
from ..scoring import Score, choose_targets
from .replacing import Value, replacing
from .tail import Batches, Tail


@dataclass(frozen=True)
class ClassUnits:
    """Channels whose removal takes a class away, and the curve on the way.

    Attributes
    ----------
    channels : tuple of int
        The channels, in the order in which they were taken.
    kept : torch.Tensor
        (k + 1,): fraction of the images that are predicted as the class, with none of the channels removed, with the
        first, with the first two ...
    scores : torch.Tensor
        (k + 1,): mean score of the class, likewise.
    gone : bool
        Whether the class was taken away: no more images than allowed are predicted as it.
    needed : tuple of int
        Those of `channels` that suffice: none of them can be left out; all of them where the class is not gone.
    layer : str
        The layer.
    target : int
        The class.
    words : str
        What ran: only what is behind the layer, or the whole network and why.
    """

    channels: tuple[int, ...]
    kept: torch.Tensor
    scores: torch.Tensor
    gone: bool
    needed: tuple[int, ...]
    layer: str
    target: int
    words: str

    def __repr__(self) -> str:
        what = f"without channels {shortened(self.needed)} of {self.layer}" if self.needed else f"of {self.layer}"
        state = "gone" if self.gone else f"still {self.kept[-1]:.0%} of the images"
        return f"ClassUnits of class {self.target}: {state} {what}"


def units_for_class(
    model: nn.Module,
    images: Any,
    layer: str,
    target: int,
    *,
    value: Value = "zero",
    share: float = 0.0,
    most: int | None = None,
    candidates: int | None = None,
    score: Score = "logit",
    batch_size: int | None = None,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> ClassUnits:
    """The smallest set of channels whose removal takes a class away, found greedily.

    Channel after channel is removed, each time the one without which the class loses most of its lead: its score minus
    the highest of the others, on average over the images. It ends as soon as at most `share` of the images are
    predicted as the class. Then each channel that is not needed is given back. A greedy search need not find the very
    smallest set. The network is left unchanged.

    Parameters
    ----------
    model : torch.nn.Module
        Any network with two classes or more.
    images : torch.Tensor
        (N, C, H, W): images of the class.
    layer : str
        As for `intervene`: modules, and operations such as `add`.
    target : int
        The class.
    value : {"zero", "mean"} or float
        What replaces a channel; `"mean"` is its mean over `images` and all places.
    share : float
        The class is gone when at most this fraction of the images is predicted as it, 0 to 1.
    most : int, optional
        Stop after so many channels; all by default.
    candidates : int, optional
        Try only so many channels in each step, those that alone cost the class most; all by default.
    score, batch_size, prepare
        As for `channel_effects`.
    progress : bool or callable
        As for `channel_effects`, counted in channels removed. Stopped so, it gives what is done.

    Returns
    -------
    ClassUnits
        The channels, and the curve `kept` over their number.

    Raises
    ------
    LookupError, TypeError, ValueError, ForwardError
        As for `channel_effects`; fewer than two classes; `share`, `most` or `candidates` out of range.

    Examples
    --------
    >>> import torch, cnnwidgets as cw
    >>> ones = torch.stack([image for image, label in cw.data.digits() if label == 1][:4])
    >>> found = cw.units_for_class(cw.models.lenet5(), ones, "C5", 1, most=2, progress=False)
    >>> len(found.channels) <= 2, len(found.kept) == len(found.channels) + 1
    (True, True)
    """
    if whole(target) is None:
        raise TypeError(f"target is a class number, not {target!r}")
    if isinstance(share, bool) or not 0 <= share < 1:
        raise ValueError(f"share is a fraction of the images from 0 to below 1, not {share!r}")
    for name, number in (("most", most), ("candidates", candidates)):
        if number is not None and (whole(number) is None or number < 1):
            raise ValueError(f"{name} is a number of channels, 1 or more, not {number!r}")
    Ablate(value)
    search = _Search(Tail(model, images, layer, score=score, prepare=prepare), int(target), value, batch_size)
    limit = min(search.channels, most or search.channels)
    with suppress(Stopped), Bar(limit, "channels", progress) as bar:
        while search.curve[-1][0] > share and len(search.removed) < limit:
            search.remove_one(candidates)
            bar.add()
    gone = search.curve[-1][0] <= share
    kept, scores = (torch.tensor(values) for values in zip(*search.curve, strict=True))
    needed = search.needed(share) if gone else tuple(search.removed)
    return ClassUnits(tuple(search.removed), kept, scores, gone, needed, layer, int(target), search.tail.words)


class _Search:
    """What has been removed so far, and what the class is without it."""

    def __init__(self, tail: Tail, target: int, value: Value, batch_size: int | None) -> None:
        self.tail, self.target = tail, target
        self.images, self.channels = tail.output.shape[:2]
        choose_targets(tail.whole, [target])
        if tail.whole.shape[1] < 2:
            raise ValueError("the model gives a single score: there is no other class to predict")
        self._replacing = replacing(tail.output, value)
        self._batches = Batches(tail, batch_size)
        self.removed: list[int] = []
        self.curve = [self._figures(tail.whole)[0][:2]]
        self._order: list[int] = []

    def remove_one(self, candidates: int | None) -> None:
        """Remove the channel without which the class loses most of its lead."""
        left = [channel for channel in (self._order or range(self.channels)) if channel not in self.removed]
        left = left[:candidates] if self._order else left
        figures = self.without([[*self.removed, channel] for channel in left])
        leads = torch.tensor([lead for _, _, lead in figures]).nan_to_num(torch.inf, torch.inf, -torch.inf)
        if not self._order:
            self._order = [left[number] for number in leads.argsort(stable=True).tolist()]
        best = int(leads.argmin())
        self.removed.append(left[best])
        self.curve.append(figures[best][:2])

    def needed(self, share: float) -> tuple[int, ...]:
        """What of the removed channels suffices, none of which can be left out."""
        found = list(self.removed)
        for channel in self.removed:
            fewer = [each for each in found if each != channel]
            if fewer and self.without([fewer])[0][0] <= share:
                found = fewer
        return tuple(found)

    def without(self, sets: list[list[int]]) -> list[tuple[float, float, float]]:
        """For each set of channels removed: fraction of the images predicted as the class, mean score, mean lead."""
        off = torch.zeros(len(sets), self.channels, dtype=torch.bool)
        for row, channels in zip(off, sets, strict=True):
            row[channels] = True
        found = self._batches.all(len(sets) * self.images, lambda items: self._scores(items, off))
        return self._figures(found)

    def _scores(self, items: torch.Tensor, off: torch.Tensor) -> torch.Tensor:
        rows, channels = off[items // self.images].nonzero(as_tuple=True)

        def change(values: torch.Tensor) -> None:
            values[rows, channels] = self._replacing[channels].reshape(-1, *[1] * (values.ndim - 2)).to(values)

        return self.tail(items % self.images, change)

    def _figures(self, scores: torch.Tensor) -> list[tuple[float, float, float]]:
        """For each set, whose images stand together: the fraction predicted, the mean score, and the mean lead."""
        mine = scores[:, self.target]
        others = scores.clone()
        others[:, self.target] = -torch.inf
        predicted = scores.argmax(1) == self.target
        each = (predicted.float(), mine, mine - others.amax(1))
        return list(zip(*(values.unflatten(0, (-1, self.images)).mean(1).tolist() for values in each), strict=True))
