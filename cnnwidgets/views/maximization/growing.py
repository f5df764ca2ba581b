"""Pictures in the making, and the real images beside them: in portions while a notebook runs, at once without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...compute.maximization import MaximizedPicture, Maximizer
from ...live import Pace, Portions, weakly
from .strongest import Sample

SHOWN = 0.500
"""Seconds between two drawings: each takes a pass more, for what the pictures give as they are."""
AT_ONCE = 16
"""Steps between two points of the curve, where nothing is drawn meanwhile."""


class GrowingPictures:
    """Makes steps of an optimisation in portions, between which cells and widgets are answered; then runs the sample.

    Where no event loop runs (a script, a test) it waits for `finish`.

    Parameters
    ----------
    on_progress : callable
        Called without arguments where there is more to draw: every `SHOWN` seconds, and when the run has ended. The run
        ends too where it returns False.
    is_current : callable
        Asked before each portion; the run ends where it returns False: the network is not what it was.

    Attributes
    ----------
    picture : MaximizedPicture or None
        The pictures as they were last measured.
    course : list of (int, float)
        Step and mean activation of each measurement.
    error : Exception or None
        What ended the run before its time.
    """

    def __init__(self, on_progress: Callable[[], bool], is_current: Callable[[], bool]) -> None:
        self.picture: MaximizedPicture | None = None
        self.course: list[tuple[int, float]] = []
        self.error: Exception | None = None
        self.sample: Sample | None = None
        self._key: Any = None
        self._make: Callable[[], Maximizer] | None = None
        self._maximizer: Maximizer | None = None
        self._on_progress, self._is_current = weakly(on_progress), weakly(is_current)  # the view may go
        self._portions, self._pace = Portions(self._portion), Pace()
        self._drawn_at, self._undrawn = 0.0, False

    @property
    def done(self) -> int:
        """Steps that were made."""
        return 0 if self._maximizer is None else self._maximizer.done

    @property
    def running(self) -> bool:
        """Whether portions are being done."""
        return self._portions.running

    @property
    def grown(self) -> bool:
        """Whether the pictures are made to the end, or to where an error ended it."""
        ended = self._maximizer is not None and self._maximizer.done >= self._maximizer.total
        return self._make is None or ended or self.error is not None

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self.grown and (self.sample is None or self.sample.complete)

    @property
    def seconds_left(self) -> float | None:
        """How long the other steps will take; None where that is not known."""
        return None if self._maximizer is None else self._pace.left(self._maximizer.total - self._maximizer.done)

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

    def stop(self) -> None:
        """Do no further portion; what is done stays."""
        self._portions.stop()

    def hold(self) -> None:
        """Wait a little before the next portion: somebody is moving the view."""
        self._portions.hold()

    def finish(self) -> None:
        """Do the rest now."""
        self.stop()
        while not self.complete:
            self._try(None)
        if self._maximizer is not None and self.picture is not None and self.picture.step < self._maximizer.done:
            self._measure()

    # ------------------------------------------------------------------ portions

    def _portion(self) -> bool:
        if not self._is_current():
            return False
        if self._undrawn and time.monotonic() - self._drawn_at > SHOWN:  # a portion by itself, so that none is longer
            return self._report() and self.running
        key = self._key
        self._try(self._portions.seconds)
        self._undrawn = True
        if key != self._key:
            return False
        first = len(self.course) == 1 and self._drawn_at == 0.0
        more = self.running and not self.complete
        if not more:
            self.stop()
        if first or not more:
            return self._report() and more
        return more

    def _report(self) -> bool:
        if self._maximizer is not None and self.picture is not None and self.picture.step != self._maximizer.done:
            self._measure()
        fine = bool(self._on_progress())
        self._undrawn, self._drawn_at = False, time.monotonic()
        return fine

    def _try(self, seconds: float | None) -> None:
        try:
            self._advance(seconds)
        except Exception as error:
            self.error = error
            if self._maximizer is None:
                self.sample = None  # what cannot be begun has nothing beside it

    def _advance(self, seconds: float | None) -> None:
        if not self.grown:
            if self._maximizer is None:
                assert self._make is not None
                self._maximizer, self._drawn_at = self._make(), 0.0
                self._measure()
                return
            maximizer, start, done = self._maximizer, time.monotonic(), self._maximizer.done
            maximizer.step(AT_ONCE, seconds=seconds)
            self._pace.took(max(0, maximizer.done - done), start, time.monotonic())
            if seconds is None:
                self._measure()
        elif self.sample is not None:
            self.sample.step(seconds)

    def _measure(self) -> None:
        assert self._maximizer is not None
        self.picture = self._maximizer.picture()
        point = self.picture.step, float(self.picture.activation.mean())
        self.course = [*(each for each in self.course if each[0] < point[0]), point]
