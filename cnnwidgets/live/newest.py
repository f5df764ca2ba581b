"""Newest wins: one drawing at a time, and what waited behind it is merged into the last."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from .kernel import answering

AT_ONCE = 0.003
QUEUED = 0.25
"""An event had waited behind a drawing if it comes within `AT_ONCE` seconds, or `QUEUED` of the time that one took."""
PATIENCE = 0.010
"""How long such an event waits for a newer one, in seconds."""
BURST = 0.020
"""How long each event after it waits: a hand that nobody holds back sends one in every frame of the screen."""
LATEST = (3.0, 0.300)
"""Events wait together no longer than so many times what the last drawing took, nor than so many seconds: the browser
needs time too, to show what is drawn."""

PAINTED = 0.050
"""In so many seconds the page has taken and painted a picture; what is sent meanwhile holds it up."""
DRAGGING = 0.050
"""A drawing that begins so soon after the last one, in seconds, is one of a drag."""
BUSY = 0.050
"""Another thread waits so many seconds for the cells' thread to hold still; then that one is busy, and draws later."""

_cells: asyncio.AbstractEventLoop | None = None  # the event loop of the thread that runs the cells


class Newest:
    """Runs `draw` for requests, and never while a cell runs in another thread.

    A request is drawn at once, unless it sat in a queue behind the last drawing. The front end holds slider moves back
    by itself while a redraw runs, and drawing at once is then the quickest way. Clicks, hovering and older front ends
    send every event: those arrive in a burst right after a drawing, wait for a moment, and only the newest is drawn.

    JupyterLab sends the events of widgets to a thread of their own (a subshell of the kernel). A drawing there has the
    thread that runs the cells hold still meanwhile. If that one is busy with a cell, nobody waits: one drawing of the
    newest state follows the cell. So a slider that is moved while a cell trains the model does not look at it in the
    middle of a step.

    Without a running event loop (a script, a test) each request is drawn at once.

    Parameters
    ----------
    draw : callable
        Draws the present state; called without arguments.
    """

    def __init__(self, draw: Callable[[], object]) -> None:
        self._draw = draw
        self._lock = threading.RLock()
        self._ended = float("-inf")
        self._took = 0.0
        self._drawn = float("-inf")  # when the last drawing ended, without its rest
        self._dragging = False
        self._rest: Callable[[], object] | None = None
        self._due = self._latest = 0.0  # when what waits is drawn, and when at the latest, in the loop's time
        self.waiting = False
        """Whether a drawing is still to come."""
        _loop_of_cells()

    def request(self) -> None:
        """Draw now, or shortly, when this came right behind the last drawing."""
        loop = turning_loop()
        if loop is None:
            self._run()
        elif self.waiting:  # what is scheduled will draw what is then the newest
            self._due = loop.time() + BURST
        elif time.monotonic() - self._ended < max(AT_ONCE, QUEUED * self._took):
            self.waiting = True
            self._due = loop.time() + PATIENCE
            self._latest = loop.time() + max(PATIENCE, min(LATEST[0] * self._took, LATEST[1]))
            loop.call_later(PATIENCE, self._ring, loop)
        else:
            self._run()

    def follow(self, rest: Callable[[], object]) -> None:
        """Run `rest`, the smaller part of a drawing, when the page has painted the larger; only the newest counts.

        In a drag at once: the front end holds the next move back until all is there, and nothing piles up in the page.
        """
        loop = turning_loop()
        if loop is None or self._dragging:
            self._rest = None
            rest()
            return
        if self._rest is None:  # a drag does not put it off for ever
            loop.call_later(PAINTED, self._finish)
        self._rest = rest

    def flush(self) -> None:
        """Draw at once what waits."""
        if self.waiting:
            self._run()
        self._finish()

    def cancel(self) -> None:
        """Forget what waits."""
        self.waiting, self._rest = False, None

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        rest = min(self._due, self._latest) - loop.time()
        if rest > 0 and self.waiting:
            loop.call_later(rest, self._ring, loop)
        elif self.waiting:
            self._run()

    def _finish(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            rest()
            self._ended = time.monotonic()

    def _run(self) -> None:
        cells = _loop_of_cells()
        if cells is None or cells is _running_loop():
            self.here()
            return
        self.waiting = True
        stop = _Stop(lambda: self.here() if self.waiting else None)
        cells.call_soon_threadsafe(stop.hold_still)
        if stop.granted():
            try:
                self.here()
            finally:
                stop.over.set()

    def here(self) -> None:
        """Draw at once in this thread, whatever the cells do: only where that cannot be in the middle of a step."""
        with self._lock:
            self.waiting = False  # before drawing: what changes meanwhile asks again
            start = time.monotonic()
            self._dragging = start - self._drawn < DRAGGING
            try:
                self._draw()
            finally:
                self._ended = self._drawn = time.monotonic()
                self._took = self._ended - start


class _Stop:
    """Has the thread that runs the cells hold still, or calls `later` in it, when it was too busy to hold still."""

    def __init__(self, later: Callable[[], object]) -> None:
        self.over = threading.Event()
        self._later = later
        self._lock = threading.Lock()
        self._still = threading.Event()
        self._late = False

    def granted(self) -> bool:
        """Wait for the cells' thread, not for long; whether it holds still."""
        self._still.wait(BUSY)
        with self._lock:
            self._late = not self._still.is_set()
        return not self._late

    def hold_still(self) -> None:
        """In the cells' thread: until it is `over`."""
        with self._lock:
            if not self._late:
                self._still.set()
        if self._late:
            self._later()
        else:
            self.over.wait()


def _loop_of_cells() -> asyncio.AbstractEventLoop | None:
    """The running event loop of the main thread, in which a kernel runs the cells, as far as it was ever seen."""
    global _cells
    if threading.current_thread() is threading.main_thread():
        _cells = _running_loop()
    return _cells if _cells is not None and _cells.is_running() else None


def turning_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread, unless a cell holds it: what is put off would be put off until the cell ends."""
    return None if answering() else _running_loop()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
