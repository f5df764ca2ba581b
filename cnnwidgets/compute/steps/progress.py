"""What long work says: a bar on stderr, after a second and where more is to come; and how it ends early."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...late import imported

DELAY = 1.0
"""Seconds after which a bar appears."""
APART = 0.5
"""Seconds from one drawing of the bar to the next: a notebook takes milliseconds for each."""

Report = Callable[[int, int], bool]
"""Called with how much is done, and of how much; False stops the work."""


class Stopped(Exception):
    """The caller's progress function said so."""


@contextmanager
def on_interrupt(tell: Callable[[], object]) -> Iterator[None]:
    """The first interrupt (Ctrl-C) calls `tell()`, a second one has its usual effect; in the main thread only."""
    before = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
    if before is None:
        yield
        return

    def handle(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, before)
        tell()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Bar:
    """Counts what is done; a context manager.

    Parameters
    ----------
    total : int
        How many there are; 0 where nobody knows.
    unit : str
        What is counted, in the plural.
    progress : bool or callable
        True for a bar, False for none; or a function that is called with (done, total) instead, and returns whether to
        go on.

    Raises
    ------
    TypeError
        `progress` is neither.
    """

    def __init__(self, total: int, unit: str, progress: bool | Report = True) -> None:
        if not isinstance(progress, bool) and not callable(progress):
            raise TypeError(f"progress is True, False or a function of (done, total), not {progress!r}")
        self._total, self._unit, self._progress = total, unit, progress
        self._start, self._done = time.monotonic(), 0
        self._bar: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, count: int = 1) -> None:
        """Count so many more as done; raises `Stopped` where the caller wants no more."""
        self._done += count
        if callable(self._progress):
            if not self._progress(self._done, self._total):
                raise Stopped
        elif self._bar is not None:
            self._bar.update(count)
        elif self._progress and time.monotonic() - self._start >= DELAY and self._done != self._total:
            options = {"initial": self._done, "leave": False, "mininterval": APART}
            self._bar = imported("tqdm.auto").tqdm(total=self._total or None, unit=f" {self._unit}", **options)
