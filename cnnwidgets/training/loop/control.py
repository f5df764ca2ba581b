"""Start, pause and stop a loop from any thread, and defer an interrupt to the end of a step."""

from __future__ import annotations

import contextvars
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from ...compute.core import on_interrupt
from ...live import answer

ANSWERS = 0.05
"""Maximum delay in seconds before widget events are handled while the loop is paused."""


class Control:
    """Runs a loop, in this thread or in the background; only one at a time.

    Attributes
    ----------
    watchers : list of callable
        Called without arguments, in the thread of the event, when the loop starts, pauses, resumes, ends an epoch or
        ends.
    error : Exception or None
        The error that ended the last run; None after its regular end, `stop()` or an interrupt.
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
        """Whether a run is active, paused or not."""
        return self._claim.locked()

    @property
    def paused(self) -> bool:
        """Whether it waits between two steps, or will after the current one, until `resume()` or `stop()`."""
        return self.running and not self._go_on.is_set()

    def pause(self) -> None:
        """Pause after the current step. From any thread; no effect if nothing runs."""
        if self.running:
            self._go_on.clear()
            self.changed()

    def resume(self) -> None:
        """Continue after `pause()`."""
        self._go_on.set()
        self.changed()

    def stop(self) -> None:
        """Stop after the current step. From any thread; no effect if nothing runs."""
        if self.running:
            self._stopping = True
            self._go_on.set()
            self.changed()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of a background run; returns whether it has ended. An error of the run is raised here."""
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
        """Notify the watchers."""
        for watcher in list(self.watchers):
            watcher()

    def _run(self, work: Callable[[], Any], *, background: bool) -> None:
        """Call `work` unless a run is active."""
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

        context = contextvars.copy_context()  # output goes to the cell that started it
        self._thread = threading.Thread(target=context.run, args=(quietly,), name="cnnwidgets training", daemon=True)
        self._thread.start()

    def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            self.changed()
            with on_interrupt(self._interrupt):
                work()
        except BaseException as error:
            self.error = error
            raise
        finally:
            self._claim.release()
            self.changed()

    def _interrupt(self) -> None:
        """Called at any point of a step: only sets a flag."""
        self._interrupted = self._stopping = True

    def _may_go_on(self) -> bool:
        """Between two steps: handle widget events, and wait while paused; False to stop."""
        answer()
        while not self._go_on.wait(ANSWERS) and not self._stopping:  # with a timeout, so that an interrupt is noticed
            answer()
        return not self._stopping
