"""The map of OcclusionView in the making: in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...compute.occlusion import Occluder, OcclusionMap
from ...live import Growing, Pace

AHEAD, AT_MOST = 0.500, 2.0
"""Seconds of work before a notebook stores the first static picture; up to the second number, where the map does not
yet cover the image."""


class GrowingMap(Growing):
    """Runs an `Occluder`.

    Parameters
    ----------
    occluder : Occluder
        What makes the map.
    on_progress, is_current : callable
        As for `Growing`.
    """

    def __init__(
        self, occluder: Occluder, on_progress: Callable[[], bool], is_current: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__(on_progress, is_current)
        self._key = occluder

    @property
    def occluder(self) -> Occluder:
        """What makes the map."""
        found: Occluder = self._key
        return found

    @property
    def result(self) -> OcclusionMap:
        """The map as far as it is done; NaN where no patch has been."""
        return self.occluder.result

    @property
    def done(self) -> int:
        """How many places are done."""
        return self.occluder.done

    @property
    def total(self) -> int:
        """Of how many."""
        return self.occluder.total

    @property
    def complete(self) -> bool:
        """Whether every place is done."""
        return self.done >= self.total

    def follow(self, occluder: Occluder, wanted: bool) -> None:
        """Make the map of `occluder`, or go on with it, if it is `wanted`; else stop."""
        if occluder is not self.occluder:
            self.stop()
            self._key, self._pace = occluder, Pace()
        (self.start if wanted else self.stop)()

    def start(self) -> None:
        """Begin, or go on; nothing where the map is complete or under way."""
        if not self.complete:
            self._portions.start()

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
            if time.perf_counter() - start > (AHEAD if self.done >= self.occluder.coarse else AT_MOST):
                break
            self._advance(self._portions.seconds)

    def _advance(self, seconds: float | None) -> None:
        if not self.complete:
            self._timed(lambda: self.occluder.step(seconds))
