"""The vectors of many images, taken in batches: a few to look at soon, the rest while the notebook goes on."""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from ...compute.core import Bar
from ...compute.dataset import BATCH, check_alike
from ...compute.embedding import States
from ...live import PORTION, Pace

LARGEST = 2**27
"""Numbers that all vectors of all frames may have together: 0.5 GB."""
PARTS = 8
"""How often each of several states of a network is loaded: once for each part of the images."""
LEAST = 2
"""Points that make a picture."""


class Gathering:
    """Outputs of a layer for images `indices` in every frame, in random order: those that are there are spread evenly.

    Attributes
    ----------
    key : object
        The settings that it is made for.
    done, total : int
        Images whose vectors are there in every frame, and all.
    """

    def __init__(self, frames: States, layer: str, indices: list[int], pooling: str, key: Any) -> None:
        self._frames, self._layer, self._indices, self._pooling = frames, layer, indices, pooling
        self.key, self.done, self.total = key, 0, len(indices)
        self._order = torch.randperm(self.total, generator=torch.Generator().manual_seed(0)).tolist()
        count = len(frames.names)
        self._part = self.total if count == 1 else max(BATCH, math.ceil(self.total / PARTS))
        self._found: list[list[torch.Tensor]] = [[] for _ in range(count)]
        self._labels: dict[int, int | None] = {}
        self._pace, self._each = Pace(), 0.0

    @property
    def complete(self) -> bool:
        """Whether all vectors are there."""
        return self.done == self.total

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; None where that is not known."""
        frames = len(self._found)
        return self._pace.left(self.total * frames - sum(map(len, self._found)))

    def begin(self, seconds: float) -> None:
        """Take images for about `seconds`, and enough of them for a picture."""
        start = time.monotonic()
        while not self.complete and (self.done < LEAST or time.monotonic() - start < seconds):
            self.step(PORTION)

    def all(self, *, bar: bool = False) -> None:
        """Take all that are not there yet; with a bar where that takes long."""
        with Bar(self.total, "images", bar) as shown:
            shown.add(self.done)
            while not self.complete:
                before = self.done
                self.step(None)
                shown.add(self.done - before)

    def step(self, seconds: float | None) -> None:
        """One batch in one frame, to be done within about `seconds`; by default as large as is usual.

        Raises
        ------
        ForwardError, ValueError
            As `responses` does; or there are too many numbers. What is done stays done.
        """
        end = min(self.done + self._part, self.total) if len(self._found) > 1 else self.total
        frame = next(frame for frame, found in enumerate(self._found) if len(found) < end)
        found, start = self._found[frame], time.monotonic()
        most = BATCH if seconds is None else min(BATCH, max(1, int(seconds / self._each))) if self._each else 1
        chosen = [self._indices[at] for at in self._order[len(found) : min(end, len(found) + most)]]
        answers = self._frames.responses(frame, self._layer, chosen, self._pooling)
        self._check(answers)
        for index in chosen if frame == 0 else ():
            self._labels[index] = self._frames.items[index].label
        found.extend(answers)
        stop = time.monotonic()
        self._each = (stop - start) / len(chosen)
        self._pace.took(len(chosen), start, stop)
        self.done = min(map(len, self._found))

    @property
    def _places(self) -> list[int]:
        return sorted(range(self.done), key=lambda at: self._order[at])

    @property
    def indices(self) -> list[int]:
        """The images that are there, ascending."""
        return [self._indices[at] for at in sorted(self._order[: self.done])]

    @property
    def labels(self) -> list[int | None]:
        """The class of each of them."""
        return [self._labels[index] for index in self.indices]

    def answers(self) -> torch.Tensor:
        """(F, N, C, P) of them, as `responses` gives it."""
        return torch.stack([torch.stack([found[at] for at in self._places]) for found in self._found])

    def _check(self, answers: torch.Tensor) -> None:
        first = next((found[0] for found in self._found if found), answers[0])
        check_alike(self._layer, (first, answers[0]))
        frames = len(self._found)
        if first.numel() * self.total * frames > LARGEST:
            raise ValueError(
                f"layer {self._layer!r} has {first.numel():,} numbers an image: too many for "
                f"{self.total} images in {frames} frames; choose pooling 'mean' or 'max', or fewer images"
            )
