"""The comparison over a sample of images, in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...compute.comparison import Comparer
from ...live import Pace, Portions, weakly

SHOWN = 0.5
"""Seconds between two drawings of what has been found."""
Make = Callable[[], Comparer]


class GrowingComparison:
    """Runs both networks on one mini-batch after another, between which cells and widgets are answered.

    Where no event loop runs (a script, a test) it waits for `finish`.

    Parameters
    ----------
    on_progress : callable
        Called without arguments where there is more to draw; the run ends where it returns False.

    Attributes
    ----------
    comparer : Comparer or None
        What has been found; None before the first portion.
    error : Exception or None
        What ended the last run before its time.
    """

    def __init__(self, on_progress: Callable[[], bool]) -> None:
        self.comparer: Comparer | None = None
        self.error: Exception | None = None
        self.total = 0
        self._key: Any = None
        self._make: Make | None = None
        self._on_progress = weakly(on_progress)  # the view may go
        self._portions, self._pace = Portions(self._portion), Pace()
        self._drawn_at = 0.0

    @property
    def done(self) -> int:
        """Images that have been compared."""
        return 0 if self.comparer is None else self.comparer.done

    @property
    def running(self) -> bool:
        """Whether portions are being done."""
        return self._portions.running

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self._make is None or self.done == self.total

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; None where that is not known."""
        return self._pace.left(self.total - self.done)

    def follow(self, key: Any, make: Make | None, total: int, wanted: bool) -> None:
        """Compare what `make()` gives, or go on with it where the `key` is the same, if it is `wanted`; else stop."""
        if key != self._key:
            self.stop()
            self._key, self._make, self.total = key, make, total
            self.comparer, self.error, self._pace = None, None, Pace()
        if wanted and not self.complete and self.error is None:
            self._portions.start()
        elif not wanted:
            self.stop()

    def again(self) -> None:
        """Forget an error, so that the next `follow` goes on."""
        self.error = None

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
            self._advance(None)

    def _portion(self) -> bool:
        key, self.error = self._key, None
        try:
            self._advance(self._portions.seconds)
        except Exception as error:
            self.error = error
        if key != self._key:
            return False
        more = self.error is None and self.running and not self.complete
        if not more:
            self.stop()
        if not more or time.monotonic() - self._drawn_at > SHOWN:
            self._drawn_at = time.monotonic()
            more = bool(self._on_progress()) and more and self.running
        return more

    def _advance(self, seconds: float | None) -> None:
        if self.comparer is None:
            assert self._make is not None
            self.comparer = self._make()
            self.total = self.comparer.total
            return
        start = time.monotonic()
        made = self.comparer.step(seconds)
        self._pace.took(made, start, time.monotonic())
