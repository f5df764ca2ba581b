"""Long work in short portions, between which cells and widgets are answered."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from . import cell_thread
from .weak import weakly

PORTION = 0.040
"""About how long a portion takes, in seconds: less than a drawing waits for the main thread to pause."""
LONG = 0.150
"""How long, where nobody has been there for `QUIET` seconds: large batches are the quickest for each image."""
QUIET = 1.0
PAUSE = 0.005
"""Between two portions, in seconds: whoever waits comes first."""
LATE = 0.100
"""A turn that comes so many seconds late had to wait for a cell."""
MEASURED, APART = 5.0, 0.500
"""Seconds over which a pace is measured, and between two portions that belong together."""
HOLD = 0.150
"""After a drawing that a hand asked for, in seconds: it may well ask for the next one."""


class Portions:
    """Calls `work` again and again in the event loop of the thread that runs the cells, until it returns False.

    So no portion runs beside a cell; nor beside a drawing, which pauses that thread.

    Parameters
    ----------
    work : callable
        Does about `PORTION` seconds of work; returns whether there is more.
    """

    def __init__(self, work: Callable[[], bool]) -> None:
        self._work = weakly(work)  # the view may go
        self._run = 0  # counts starts and stops: a turn of an earlier run is not taken
        self._not_before = 0.0
        self._due = 0.0  # when the next turn should come
        self._disturbed = float("-inf")
        self.running = False

    def start(self) -> bool:
        """Begin, unless it runs already; False where there is no event loop to work in (a script, a test)."""
        loop = cell_thread.loop()
        if loop is None:
            return False
        if not self.running:
            self.running = True
            self._run += 1
            self._disturbed = self._due = time.monotonic()
            loop.call_soon_threadsafe(self._turn, self._run)
        return True

    def stop(self) -> None:
        """Do no further portion."""
        self.running = False
        self._run += 1

    def hold(self) -> None:
        """Wait a little before the next portion: somebody is moving the view."""
        self._disturbed = time.monotonic()
        self._not_before = self._disturbed + HOLD

    @property
    def seconds(self) -> float:
        """How long a portion may take now: longer where neither a hand nor a cell has come in between of late."""
        return LONG if time.monotonic() - self._disturbed > QUIET else PORTION

    def _turn(self, run: int) -> None:
        if run != self._run:
            return
        now = time.monotonic()
        if now - self._due > LATE:  # a cell ran
            self._disturbed = now
        rest = self._not_before - now
        if rest <= 0:
            more = False
            try:
                more = self._work()
            finally:
                if run == self._run and not more:
                    self.stop()
        loop = cell_thread.loop()
        if run == self._run and loop is not None:
            self._due = time.monotonic() + max(rest, PAUSE)
            loop.call_later(max(rest, PAUSE), self._turn, run)


class Pace:
    """How fast work in portions goes on, measured over the last few seconds: a slow beginning is soon forgotten.

    What a cell takes between two portions does not count, the small pauses and drawings between them do.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[int, float]] = deque()
        self._ended = float("-inf")

    def took(self, made: int, start: float, end: float) -> None:
        """Count a portion that did `made` of the work between these two times, in seconds."""
        between = start - self._ended
        self._recent.append((made, end - start + (between if between < APART else PAUSE)))
        self._ended = end
        while sum(seconds for _, seconds in self._recent) - self._recent[0][1] > MEASURED:
            self._recent.popleft()

    def left(self, rest: int) -> float | None:
        """How many seconds the `rest` will take; None where that is not known."""
        made = sum(each for each, _ in self._recent)
        return rest * sum(seconds for _, seconds in self._recent) / made if made else None
