"""Long work in short portions, between which cells and widgets are answered."""

from __future__ import annotations

import time
from collections.abc import Callable

from .newest import _loop_of_cells
from .register import weakly

PORTION = 0.040
"""About how long a portion takes, in seconds: less than `Newest` waits for the cells' thread to hold still."""
PAUSE = 0.005
"""Between two portions, in seconds: whoever waits comes first."""
HOLD = 0.150
"""After a drawing that a hand asked for, in seconds: it may well ask for the next one."""


class Portions:
    """Calls `work` again and again in the event loop of the thread that runs the cells, until it returns False.

    So no portion runs beside a cell; nor beside a drawing, which has that thread hold still (see `Newest`).

    Parameters
    ----------
    work : callable
        Does about `PORTION` seconds of work; returns whether there is more.
    """

    def __init__(self, work: Callable[[], bool]) -> None:
        self._work = weakly(work)  # the view may go
        self._run = 0  # counts starts and stops: a turn of an earlier run is not taken
        self._not_before = 0.0
        self.running = False

    def start(self) -> bool:
        """Begin, unless it runs already; False where there is no event loop to work in (a script, a test)."""
        loop = _loop_of_cells()
        if loop is None:
            return False
        if not self.running:
            self.running = True
            self._run += 1
            loop.call_soon_threadsafe(self._turn, self._run)
        return True

    def stop(self) -> None:
        """Do no further portion."""
        self.running = False
        self._run += 1

    def hold(self) -> None:
        """Wait a little before the next portion: somebody is moving the view."""
        self._not_before = time.monotonic() + HOLD

    def _turn(self, run: int) -> None:
        if run != self._run:
            return
        rest = self._not_before - time.monotonic()
        if rest <= 0:
            more = False
            try:
                more = self._work()
            finally:
                if run == self._run and not more:
                    self.stop()
        loop = _loop_of_cells()
        if run == self._run and loop is not None:
            loop.call_later(max(rest, PAUSE), self._turn, run)
