"""The scan of a layer in the making: in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cachetools import LRUCache

from ...compute.core import Bar
from ...compute.scan import Scan, Scanner
from ...live import GrowingWork

KEPT = 16
"""Scans of layers that are kept, finished or not: going back goes on."""
BATCH = 32
"""Images at a time at most."""


class GrowingScan(GrowingWork[Scanner]):
    """Scans one layer after another as they are looked at; those that were looked at before are gone on with."""

    def __init__(self, on_progress: Callable[[], bool], is_current: Callable[[], bool]) -> None:
        super().__init__(on_progress, is_current)
        self._known: LRUCache[Any, Scanner] = LRUCache(KEPT)
        self._found: Scan | None = None
        self._each = 0.0

    @property
    def result(self) -> Scan | None:
        """What has been found of the present layer; None before the first images."""
        scanner = self.work
        if scanner is None or not scanner.done:
            return None
        if self._found is None or self._found.done != scanner.done or self._found.key != scanner.key:
            self._found = scanner.result
        return self._found

    def knows(self, key: Any) -> bool:
        """Whether a scan of this key is kept."""
        return key in self._known

    def follow(self, key: Any, make: Callable[[], Scanner] | None, wanted: bool, work: Scanner | None = None) -> None:
        """Scan what `make()` gives, or go on with it where `key` is known, if it is `wanted`; else stop."""
        if key != self._key:
            self._each, work = 0.0, self._known.get(key, work)
        super().follow(key, make, wanted, work)

    def forget(self) -> None:
        """Forget every scan: the weights or the data may be others."""
        self._known.clear()
        self._found = None
        self.follow(None, None, False)

    def finish(self, *, bar: bool = False) -> Scan | None:
        """Do the rest now, with a bar where that takes long; what has been found."""
        self.stop()
        if not self.complete:
            self._advance(None)
            with Bar(self.total, "images", bar) as shown:
                while self.work is not None and not self.complete:
                    shown.add(self.work.step())
        return self.result

    def _advance(self, seconds: float | None) -> None:
        super()._advance(seconds)
        assert self.work is not None
        self._known[self._key] = self.work

    def _step(self, work: Scanner, seconds: float | None) -> None:
        """Scan some images, as many as fit into so many seconds."""
        most = BATCH if seconds is None else max(1, int(seconds / self._each)) if self._each else 1
        start, done = time.monotonic(), work.done
        work.step(seconds, most)
        self._each = (time.monotonic() - start) / max(1, work.done - done)
