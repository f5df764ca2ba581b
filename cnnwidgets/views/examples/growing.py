"""The scan of a layer in the making: in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cachetools import LRUCache

from ...compute.core import Bar
from ...compute.scan import Scan, Scanner
from ...live import Pace, Portions, weakly

SHOWN = 0.250
"""Seconds between two drawings of what has been found."""
KEPT = 16
"""Scans of layers that are kept, finished or not: going back goes on."""
BATCH = 32
"""Images at a time at most."""
Make = Callable[[], Scanner]


class GrowingScan:
    """Scans one layer after another as they are looked at, in portions between which cells and widgets are answered.

    Where no event loop runs (a script, a test) it waits for `finish`.

    Parameters
    ----------
    on_progress : callable
        Called without arguments where there is more to draw: every `SHOWN` seconds, and when the scan has ended. It
        stops too where this returns False.
    is_current : callable
        Asked before each portion; the scan stops where it returns False: the network is not what it was.

    Attributes
    ----------
    error : Exception or None
        What ended the last scan before its time.
    """

    def __init__(self, on_progress: Callable[[], bool], is_current: Callable[[], bool]) -> None:
        self.error: Exception | None = None
        self._key: Any = None
        self._make: Make | None = None
        self._known: LRUCache[Any, Scanner] = LRUCache(KEPT)
        self._found: Scan | None = None
        self._on_progress, self._is_current = weakly(on_progress), weakly(is_current)  # the view may go
        self._portions, self._pace, self._each = Portions(self._portion), Pace(), 0.0
        self._drawn_at, self._undrawn = 0.0, False

    @property
    def result(self) -> Scan | None:
        """What has been found of the present layer; None before the first images."""
        scanner = self._scanner
        if scanner is None or not scanner.done:
            return None
        if self._found is None or self._found.done != scanner.done or self._found.key != scanner.key:
            self._found = scanner.result
        return self._found

    @property
    def done(self) -> int:
        """Images that have been visited."""
        return 0 if self._scanner is None else self._scanner.done

    @property
    def running(self) -> bool:
        """Whether portions are being done."""
        return self._portions.running

    @property
    def complete(self) -> bool:
        """Whether all images have been visited."""
        return self._scanner is not None and self._scanner.done == self._scanner.total

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; None where that is not known."""
        scanner = self._scanner
        return None if scanner is None else self._pace.left(scanner.total - scanner.done)

    @property
    def _scanner(self) -> Scanner | None:
        found: Scanner | None = self._known.get(self._key)
        return found

    def knows(self, key: Any) -> bool:
        """Whether a scan of this key is kept."""
        return key in self._known

    def follow(self, key: Any, make: Make, wanted: bool) -> None:
        """Scan what `make()` gives, or go on with it where `key` is known, if it is `wanted`; else stop."""
        if key != self._key:
            self.stop()
            self._key, self._make, self.error, self._pace, self._each = key, make, None, Pace(), 0.0
        if wanted and not self.complete and self.error is None:
            self._portions.start()
        elif not wanted:
            self.stop()

    def stop(self) -> None:
        """Do no further portion; what is done stays."""
        self._portions.stop()

    def hold(self) -> None:
        """Wait a little before the next portion: somebody is moving the view."""
        self._portions.hold()

    def forget(self) -> None:
        """Forget every scan: the weights or the data may be others."""
        self.stop()
        self._known.clear()
        self._key = self._found = None

    def finish(self, *, bar: bool) -> Scan | None:
        """Do the rest now, with a bar where that takes long; what has been found."""
        self.stop()
        if self._make is not None and not self.complete:
            self._advance(None)
            scanner = self._scanner
            with Bar(0 if scanner is None else scanner.total, "images", bar) as shown:
                while scanner is not None and not self.complete:
                    shown.add(scanner.step())
        return self.result

    def _portion(self) -> bool:
        if not self._is_current():
            return False
        if self._undrawn and time.monotonic() - self._drawn_at > SHOWN:  # a portion by itself, so that none is longer
            return self._report() and self.running
        key, self.error = self._key, None
        try:
            self._advance(self._portions.seconds)
        except Exception as error:
            self.error = error
        self._undrawn = True
        if key != self._key:
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

    def _advance(self, seconds: float | None) -> None:
        """Scan some images, as many as fit into so many seconds; at first, set the scan up."""
        scanner = self._scanner
        if scanner is None:
            assert self._make is not None
            self._known[self._key] = self._make()
            return
        most = BATCH if seconds is None else max(1, int(seconds / self._each)) if self._each else 1
        start, done = time.monotonic(), scanner.done
        scanner.step(seconds, most)
        stop = time.monotonic()
        self._each = (stop - start) / max(1, scanner.done - done)
        self._pace.took(scanner.done - done, start, stop)
