"""The map of OcclusionView in the making: in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...compute.occlusion import Occluder, OcclusionMap
from ...live import Pace, Portions, weakly

SHOWN = 0.250
"""Seconds between two drawings of the growing map."""
AHEAD, AT_MOST = 0.500, 2.0
"""Seconds of work before a notebook stores the first static picture; up to the second number, where the map does not
yet cover the image."""


class GrowingMap:
    """Runs an `Occluder` in portions, between which cells and widgets are answered.

    Where no event loop runs (a script, a test) it waits for `finish`.

    Parameters
    ----------
    occluder : Occluder
        What makes the map.
    on_progress : callable
        Called without arguments where there is more to draw: every `SHOWN` seconds, and when the run has ended. The run
        ends too where it returns False.
    is_current : callable
        Asked before each portion; the run ends where it returns False: the network is not what it was.

    Attributes
    ----------
    error : Exception or None
        What ended the last run before its time.
    """

    def __init__(
        self, occluder: Occluder, on_progress: Callable[[], bool], is_current: Callable[[], bool] = lambda: True
    ) -> None:
        self.occluder = occluder
        self.error: Exception | None = None
        self._on_progress, self._is_current = weakly(on_progress), weakly(is_current)  # the view may go
        self._portions = Portions(self._portion)
        self._pace, self._drawn_at, self._undrawn = Pace(), 0.0, False

    @property
    def result(self) -> OcclusionMap:
        """The map as far as it is done; NaN where no patch has been."""
        return self.occluder.result

    @property
    def complete(self) -> bool:
        """Whether every place is done."""
        return self.occluder.done >= self.occluder.total

    @property
    def running(self) -> bool:
        """Whether portions are being done."""
        return self._portions.running

    @property
    def seconds_left(self) -> float | None:
        """How long the rest of the map will take; None where that is not known."""
        return self._pace.left(self.occluder.total - self.occluder.done)

    def follow(self, occluder: Occluder, wanted: bool) -> None:
        """Make the map of `occluder`, or go on with it, if it is `wanted`; else stop."""
        if occluder is not self.occluder:
            self.stop()
            self.occluder, self._pace = occluder, Pace()
        (self.start if wanted else self.stop)()

    def start(self) -> None:
        """Begin, or go on; nothing where the map is complete or under way."""
        if not self.complete:
            self._portions.start()

    def stop(self) -> None:
        """Do no further portion; what is done stays."""
        self._portions.stop()

    def hold(self) -> None:
        """Wait a little before the next portion: somebody is moving the view."""
        self._portions.hold()

    def finish(self) -> OcclusionMap:
        """Do the rest now; the whole map."""
        self.stop()
        for _ in self.occluder:
            pass
        return self.result

    def work_ahead(self) -> None:
        """Do a part of the map now, for a first picture that shows something of it."""
        start = time.perf_counter()
        while not self.complete:
            if time.perf_counter() - start > (AHEAD if self.occluder.done >= self.occluder.coarse else AT_MOST):
                break
            self._advance()

    def _portion(self) -> bool:
        """Some places of the map, and its drawing from time to time; whether there are more."""
        if not self._is_current():
            return False
        if self._undrawn and time.monotonic() - self._drawn_at > SHOWN:  # a portion by itself, so that none is longer
            return self._report() and self.running
        occluder, self.error = self.occluder, None
        try:
            self._advance()
        except Exception as error:
            self.error = error
        self._undrawn = True
        if occluder is not self.occluder:
            return False
        more = self.error is None and self.running and not self.complete
        if not more:
            self.stop()
            self._report()
        return more

    def _report(self) -> bool:
        fine = bool(self._on_progress())
        self._undrawn, self._drawn_at = False, time.monotonic()
        return fine

    def _advance(self) -> None:
        occluder, start, done = self.occluder, time.monotonic(), self.occluder.done
        if done < occluder.total:
            occluder.step(self._portions.seconds)
            self._pace.took(occluder.done - done, start, time.monotonic())
