"""Start, pause and stop a loop from any thread, and let an interrupt wait for the end of a step."""

from __future__ import annotations

import contextvars
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .events import answer

ANSWERS = 0.05
"""While nothing goes on, widgets of the page are answered after so many seconds at the latest."""


class Control:
    """What runs a loop, in this thread or in the background; only one at a time.

    Attributes
    ----------
    watchers : list of callable
        Called without arguments, in whichever thread it happens, when the loop begins, pauses, goes on, ends an epoch
        or ends.
    error : Exception or None
        What ended the last run, unless that was its end, `stop()` or an interrupt.
    """

    def __init__(self) -> None:
        self.watchers: list[Callable[[], None]] = []
        self.error: BaseException | None = None
        self._claim = threading.Lock()
        self._go_on = threading.Event()
        self._stopping = self._interrupted = False
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether it is under way, paused or not."""
        return self._claim.locked()

    @property
    def paused(self) -> bool:
        """Whether it waits between two steps, or will after the present one, until `resume()` or `stop()`."""
        return self.running and not self._go_on.is_set()

    def pause(self) -> None:
        """Wait after the present step. From any thread; nothing happens where nothing runs."""
        if self.running:
            self._go_on.clear()
            self.changed()

    def resume(self) -> None:
        """Go on after `pause()`."""
        self._go_on.set()
        self.changed()

    def stop(self) -> None:
        """End after the present step. From any thread; nothing happens where nothing runs."""
        if self.running:
            self._stopping = True
            self._go_on.set()
            self.changed()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of a run in the background; whether it has ended. What went wrong in it is raised here."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        if self._thread is not None:
            while self._thread.is_alive() and (left := end - time.monotonic()) > 0:
                answer()
                self._thread.join(min(ANSWERS, left))
            if self._thread.is_alive():
                return False
            self._thread = None
            if self.error is not None:
                raise self.error
        return True

    def changed(self) -> None:
        """Tell the watchers."""
        for watcher in list(self.watchers):
            watcher()

    def _run(self, work: Callable[[], Any], *, background: bool) -> None:
        """Call `work` unless one runs already."""
        if not self._claim.acquire(blocking=False):
            raise RuntimeError("this trainer is training already; stop() and wait() come first")
        self.error, self._stopping, self._interrupted = None, False, False
        self._go_on.set()
        if not background:
            self._guarded(work)
            return

        def quietly() -> None:
            try:
                self._guarded(work)
            except BaseException as error:
                self.error = error  # for wait(), in the thread of the user

        context = contextvars.copy_context()  # prints go to the cell that began it
        self._thread = threading.Thread(target=context.run, args=(quietly,), name="cnnwidgets training", daemon=True)
        self._thread.start()

    def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            self.changed()
            with _interrupts(self._interrupt):
                work()
        except BaseException as error:
            self.error = error
            raise
        finally:
            self._claim.release()
            self.changed()

    def _interrupt(self) -> None:
        """In the middle of anything: takes note, and nothing more."""
        self._interrupted = self._stopping = True

    def _may_go_on(self) -> bool:
        """Between two steps: answer the page, and wait while paused; False to stop."""
        answer()
        while not self._go_on.wait(ANSWERS) and not self._stopping:  # with a limit, so that an interrupt is noticed
            answer()
        return not self._stopping


@contextmanager
def _interrupts(tell: Callable[[], None]) -> Iterator[None]:
    """The first interrupt (Ctrl-C) calls `tell()`, a second one is as always; in the main thread, where they arrive."""
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
