"""Newest wins: one drawing at a time, and what waited behind it is merged into the last."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from . import cell_thread
from .cell_thread import Pause
from .kernel import in_cell

AT_ONCE = 0.003
QUEUED = 0.25
"""An event had waited behind a drawing if it comes within `AT_ONCE` seconds, or `QUEUED` of the time that one took."""
PATIENCE = 0.010
"""How long such an event waits for a newer one, in seconds: those that queued up behind a drawing come at once."""
BURST = 0.020
"""How long each event after it waits, where no page says what it has painted: a hand that nobody holds back sends one
in every frame of the screen."""
LATEST = (3.0, 0.300)
"""There, events wait together no longer than so many times what the last drawing took, nor than so many seconds: the
browser needs time too, to show what is drawn."""
AHEAD = 2
"""Drawings that may be on their way to a page that says what it has painted: while it paints one, the next is drawn."""
SILENT = 1.0
"""After so many seconds without a word a page counts as one that says nothing, until it does again."""


class Newest:
    """Runs `draw` for requests, and never while a cell runs in another thread.

    A request is drawn at once, unless it sat in a queue behind the last drawing. The front end holds slider moves back
    by itself while a redraw runs, and drawing at once is then the quickest way. Clicks, hovering and older front ends
    send every event: those arrive in a burst right after a drawing, wait for a moment, and only the newest is drawn.

    A page that paints says what it has painted. Then no time is guessed: a request is drawn at once where all that was
    drawn is painted; else it waits for what queued up behind it, and, with `AHEAD` drawings on their way, for the page.
    A cell hears no page while it runs: what it asks for is judged by time.

    JupyterLab sends the events of widgets to a thread of their own (a subshell of the kernel). A drawing there pauses
    the main thread, which runs the cells. If that one is busy with a cell, nobody waits: one drawing of the newest
    state follows the cell. So a slider that is moved while a cell trains the model never looks at it in the middle of a
    step.

    Without a running event loop (a script, a test) each request is drawn at once.

    Parameters
    ----------
    draw : callable
        Draws the present state; called without arguments.
    on_way : callable, optional
        How many drawings are on their way to a page, which has not yet said that it has painted them; None where no
        page says so.
    """

    def __init__(self, draw: Callable[[], object], *, on_way: Callable[[], int | None] = lambda: None) -> None:
        self._draw, self._on_way = draw, on_way
        self._silent = False  # whether the page owes an answer for too long
        self._lock = threading.RLock()
        self._ended = float("-inf")
        self._took = 0.0
        self._due = self._latest = 0.0  # when what waits is drawn, and when at the latest, in the loop's time
        self.waiting = False
        """Whether a drawing is still to come."""
        cell_thread.remember()

    def request(self) -> None:
        """Draw now, or shortly, when this came right behind the last drawing."""
        loop = cell_thread.turning_loop()
        if loop is None:
            self._run()
            return
        unpainted = None if in_cell() else self._unpainted()
        if self.waiting:  # what is scheduled will draw what is then the newest
            if unpainted is None:
                self._due = loop.time() + BURST
        elif unpainted == 0:
            self._run()
        elif unpainted is not None:
            self._wait(loop, SILENT)
        elif time.monotonic() - self._ended < max(AT_ONCE, QUEUED * self._took):
            self._wait(loop, max(PATIENCE, min(LATEST[0] * self._took, LATEST[1])))
        else:
            self._run()

    def painted(self) -> None:
        """A page has said what it has painted: draw what waited for that."""
        self._silent = False
        loop = cell_thread.turning_loop()
        if self.waiting and loop is not None and self._due <= loop.time() and self._may_go():
            self._run()

    def flush(self) -> None:
        """Draw at once what waits."""
        if self.waiting:
            self._run()

    def cancel(self) -> None:
        """Forget what waits."""
        self.waiting = False

    def _wait(self, loop: asyncio.AbstractEventLoop, most: float) -> None:
        """Draw in a moment, at the latest after so many seconds."""
        self.waiting = True
        self._due, self._latest = loop.time() + PATIENCE, loop.time() + most
        loop.call_later(PATIENCE, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self.waiting:
            return
        rest = min(self._due, self._latest) - loop.time()
        if rest <= 0 and not self._may_go():  # `painted` draws it
            rest = self._latest - loop.time()
            self._silent = rest <= 0
        if rest > 0:
            loop.call_later(rest, self._ring, loop)
        else:
            self._run()

    def _unpainted(self) -> int | None:
        """How many drawings are on their way; None where no page says what it has painted."""
        return None if self._silent else self._on_way()

    def _may_go(self) -> bool:
        """Whether no page has more on its way than it may."""
        return (self._unpainted() or 0) < AHEAD

    def _run(self) -> None:
        cells = cell_thread.loop()
        if cells is None or cells is cell_thread.running_loop():
            self.draw_now()
            return
        self.waiting = True
        pause = Pause(lambda: self.draw_now() if self.waiting else None)
        cells.call_soon_threadsafe(pause.hold_still)
        if pause.granted():
            try:
                self.draw_now()
            finally:
                pause.over.set()

    def draw_now(self) -> None:
        """Draw at once in this thread, whatever the cells do: only where that cannot be in the middle of a step."""
        with self._lock:
            self.waiting = False  # before drawing: what changes meanwhile asks again
            start = time.monotonic()
            try:
                self._draw()
            finally:
                self._ended = time.monotonic()
                self._took = self._ended - start
