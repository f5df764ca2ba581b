"""Pictures in the making, and the real images beside them: in portions while a notebook runs, at once without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from ...compute.maximization import MaximizedPicture, Maximizer
from ...live import Growing, Pace
from .strongest import Sample

AT_ONCE = 16
"""Steps between two points of the curve, where nothing is drawn meanwhile."""
DRAWING = 1 / 50
"""Share of the time that drawings may take, the passes that they need included; the steps have the rest."""
LONGEST = 3.0
"""Seconds between two drawings at most, also where these are slow: it must be seen that it grows."""


class GrowingPictures(Growing):
    """Makes steps of an optimisation, then runs the sample of real images.

    Attributes
    ----------
    picture : MaximizedPicture or None
        The pictures as they were last measured.
    course : list of (int, float)
        Step and mean activation of each measurement.
    error : Exception or None
        What ended the run before its time; the sample is run all the same.
    """

    shown: ClassVar[float] = 0.500  # at least; slow drawings come less often

    def __init__(self, on_progress: Callable[[], bool], is_current: Callable[[], bool]) -> None:
        super().__init__(on_progress, is_current)
        self.picture: MaximizedPicture | None = None
        self.course: list[tuple[int, float]] = []
        self.sample: Sample | None = None
        self._make: Callable[[], Maximizer] | None = None
        self._maximizer: Maximizer | None = None

    @property
    def done(self) -> int:
        """Steps that were made."""
        return 0 if self._maximizer is None else self._maximizer.done

    @property
    def total(self) -> int:
        """Steps in all; 0 before the first portion."""
        return 0 if self._maximizer is None else self._maximizer.total

    @property
    def grown(self) -> bool:
        """Whether the pictures are made to the end, or to where an error ended it."""
        ended = self._maximizer is not None and self._maximizer.done >= self._maximizer.total
        return self._make is None or ended or self.error is not None

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self.grown and (self.sample is None or self.sample.complete)

    def follow(self, key: Any, make: Callable[[], Maximizer] | None, sample: Sample | None, wanted: bool) -> None:
        """Make the pictures of `make()`, or go on with them where the `key` is the same, if they are `wanted`."""
        if key != self._key:
            self.stop()
            self._key, self._make, self._maximizer, self.picture = key, make, None, None
            self.course, self.error, self._pace = [], None, Pace()
        self.sample = sample
        if wanted and not self.complete:
            self._portions.start()
        else:
            self.stop()

    def forget(self) -> None:
        """Begin anew at the next `follow`."""
        self.follow(None, None, None, False)

    def finish(self) -> None:
        """Do the rest now."""
        self.stop()
        while not self.complete:
            self._try(None)
        if self._maximizer is not None and self.picture is not None and self.picture.step < self._maximizer.done:
            self._measure()

    # ------------------------------------------------------------------ portions

    @property
    def _ended(self) -> bool:
        return self.complete

    def _report(self) -> bool:
        start = time.monotonic()
        if self._maximizer is not None and self.picture is not None and self.picture.step != self._maximizer.done:
            self._measure()
        fine = super()._report()
        if len(self.course) > 1:  # the first has to make everything
            took = time.monotonic() - start
            self._drawn_at += max(0.0, min(LONGEST, took / DRAWING) - self.shown)  # so much later comes the next one
        return fine

    def _try(self, seconds: float | None) -> None:
        try:
            self._advance(seconds)
        except Exception as error:
            self.error = error
            if self._maximizer is None:
                self.sample = None  # what cannot be begun has nothing beside it

    def _advance(self, seconds: float | None) -> None:
        maximizer = self._maximizer
        if self.grown:
            if self.sample is not None:
                self.sample.step(seconds)
        elif maximizer is None:
            assert self._make is not None
            self._maximizer, self._drawn_at = self._make(), 0.0
            self._measure()
        else:
            self._timed(lambda: maximizer.step(AT_ONCE, seconds=seconds))
            if seconds is None:
                self._measure()

    def _measure(self) -> None:
        assert self._maximizer is not None
        self.picture = self._maximizer.picture()
        point = self.picture.step, float(self.picture.activation.mean())
        self.course = [*(each for each in self.course if each[0] < point[0]), point]
