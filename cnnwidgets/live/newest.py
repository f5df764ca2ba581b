"""Newest wins: one drawing at a time, and what waited behind it is merged into the last."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
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
"""How long each event after it waits where no page says what it has painted: a hand that nobody holds back sends one in
every frame of the screen. Where a page says so, such a hand is followed, and the wait is `PATIENCE`."""
LATEST = (3.0, 0.300)
"""Events wait together no longer than so many times what the last drawing took, nor than so many seconds: the browser
needs time too, to show what is drawn."""
AHEAD = 2
"""Drawings that may be on their way to a page that says what it has painted: while it paints one, the next is drawn. To
a page that is far away there may be more (`Way`)."""
REMEMBERED = 64
"""Drawings on their way of which it is remembered when they were sent: a page that was closed answers none."""
SILENT = 1.0
"""After so many seconds without a word a page counts as one that says nothing, until it does again."""


class Way:
    """How many drawings may be on their way to a page that says what it has painted.

    At least `AHEAD`, and to a page that is far away as many as the way holds: else the newest position would wait in
    the kernel for the answer to one long gone. A drawing that was sent as the last for which there was room and was
    answered as quickly as one that is alone on its way has queued up nowhere: from then on there is room for one more.
    One that took longer has: there is room for one fewer.

    Attributes
    ----------
    room : int
        So many.
    """

    def __init__(self) -> None:
        self.room = AHEAD
        # of each that is on its way: when it was sent, and how many were then
        self._sent: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)
        self._alone, self._quickest = False, 0.0  # whether the first of them was sent alone, and what such a one took

    def drawn(self, out: int) -> None:
        """A drawing has ended, after which so many are on their way."""
        if out > len(self._sent):
            self._alone = self._alone or not self._sent
            self._sent.extend([(time.monotonic(), out)] * min(out - len(self._sent), REMEMBERED))

    def painted(self, out: int, took: float) -> None:
        """A page has answered, and so many are left; while it draws, for so many seconds, the kernel hears nothing."""
        count = len(self._sent)
        if out >= count:
            return
        for _ in range(count - out):
            sent, place = self._sent.popleft()
        now = time.monotonic()
        if self._alone:
            self._alone, self._quickest = False, now - sent
        elif now - sent > self._quickest + took:
            self.room = max(AHEAD, self.room - 1)
        elif place == self.room:
            self.room += 1


class Newest:
    """Runs `draw` for requests, and never while a cell runs in another thread.

    A request is drawn at once, unless it sat in a queue behind the last drawing. The front end holds slider moves back
    by itself while a redraw runs, and drawing at once is then the quickest way. Clicks, hovering and older front ends
    send every event: those arrive in a burst right after a drawing, wait for a moment, and only the newest is drawn.

    A page that paints says what it has painted. Then no time is guessed: a request is drawn at once where all that was
    drawn is painted; else it waits for what queued up behind it, and, where there is no room on the `Way` to the page,
    for the page. A drawing that puts nothing on its way, such as one of a picture, is judged by time, and so is what a
    cell asks for, which hears no page while it runs.

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
        self._way = Way()
        self._heard = False  # whether a page has answered since the last drawing
        self._silent = False  # whether the page owes an answer for too long
        self._lock = threading.RLock()
        self._ended = float("-inf")
        self._took = 0.0
        # when what waits is drawn, in the loop's time; when it waits no longer for newer, and when no longer for a page
        self._due = self._patient = self._latest = 0.0
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
            self._due = min(loop.time() + (BURST if unpainted is None else PATIENCE), self._patient)
        elif unpainted == 0 and self._heard:
            self._run()
        elif unpainted or time.monotonic() - self._ended < max(AT_ONCE, QUEUED * self._took):
            self._wait(loop)
        else:
            self._run()

    def painted(self) -> None:
        """A page has said what it has painted: draw what waited for that."""
        self._silent, self._heard = False, True
        self._way.painted(self._on_way() or 0, self._took)
        loop = cell_thread.turning_loop()
        if self.waiting and loop is not None:
            self._latest = loop.time() + SILENT
            self._ring(loop)

    def flush(self) -> None:
        """Draw at once what waits."""
        if self.waiting:
            self._run()

    def cancel(self) -> None:
        """Forget what waits."""
        self.waiting = False

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """Draw in a moment, when nothing newer comes any more and the page has room."""
        self.waiting, now = True, loop.time()
        self._due, self._latest = now + PATIENCE, now + SILENT
        self._patient = now + max(PATIENCE, min(LATEST[0] * self._took, LATEST[1]))
        loop.call_later(PATIENCE, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self.waiting:
            return
        rest = self._due - loop.time()
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
        return (self._unpainted() or 0) < self._way.room

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
                self._took, self._heard = self._ended - start, False
                self._way.drawn(self._on_way() or 0)
