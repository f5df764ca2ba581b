"""Work in a thread of its own, whose result arrives in the thread that runs the cells."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import cell_thread
from .weak import weakly

Work = Callable[[Callable[..., bool]], Any]


class Background:
    """One piece of work at a time, the newest that was asked for; results that nobody waits for are dropped.

    Parameters
    ----------
    landed : callable
        `landed(key, result)`, or `landed(key, error)` with the Exception, in the thread that runs the cells.
    reported : callable, optional
        `reported(*numbers)` there too, for what the work tells on its way.
    """

    def __init__(self, landed: Callable[[Any, Any], None], reported: Callable[..., None] = lambda *_: None) -> None:
        self._landed, self._reported = weakly(landed), weakly(reported)  # the view of a thread may go
        self._waiting: Work | None = None
        self._busy = False
        self.running: Any = None
        """Key of the work whose result is waited for, or None."""

    def start(self, key: Any, work: Work) -> None:
        """Begin `work(report)`, unless that of the same key is under way; behind older work, which is told to stop.

        `report(*numbers)` returns whether the result is still wanted. Where no event loop runs (a script, a test) the
        work is done at once.
        """
        if key == self.running:
            return
        loop = cell_thread.loop()
        if loop is None:
            self._landed(key, _outcome(work, lambda *_: True))
            return
        self.running, self._waiting = key, work
        if not self._busy:
            self._begin(loop)

    def cancel(self) -> None:
        """Want no result any more; the work ends at its next report."""
        self.running = self._waiting = None

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        key, work = self.running, self._waiting
        self._waiting, self._busy = None, True
        assert work is not None

        def report(*numbers: int) -> bool:
            loop.call_soon_threadsafe(self._tell, key, numbers)
            return bool(self.running == key)

        def run() -> None:
            outcome = _outcome(work, report)
            with suppress(RuntimeError):  # the loop is closed: the kernel ends
                loop.call_soon_threadsafe(self._land, loop, key, outcome)

        threading.Thread(target=run, daemon=True, name="cnnwidgets").start()

    def _tell(self, key: Any, numbers: tuple[int, ...]) -> None:
        if key == self.running:
            self._reported(*numbers)

    def _land(self, loop: asyncio.AbstractEventLoop, key: Any, outcome: Any) -> None:
        self._busy = False
        if self._waiting is not None:
            self._begin(loop)
        if key == self.running:
            self.running = None
            self._landed(key, outcome)


def _outcome(work: Work, report: Callable[..., bool]) -> Any:
    try:
        return work(report)
    except Exception as error:
        return error
