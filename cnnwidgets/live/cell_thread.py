"""The main thread of a kernel, which runs the cells: its event loop, and how another thread pauses it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from .kernel import answering

BUSY = 0.050
"""Seconds that another thread waits for the main thread to pause; then that one is busy with a cell."""

_cells: asyncio.AbstractEventLoop | None = None  # the event loop of the main thread, once it was seen


def remember() -> None:
    """Take note of the event loop of the main thread; in any other thread nothing happens."""
    global _cells
    if threading.current_thread() is threading.main_thread():
        _cells = running_loop()


def loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of the main thread, if it runs; None in a script or a test."""
    if threading.current_thread() is threading.main_thread():
        return running_loop()
    return _cells if _cells is not None and _cells.is_running() else None


def turning_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread, unless a cell holds it: what is put off would be put off until the cell ends."""
    return None if answering() else running_loop()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread; None where none runs."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Pause:
    """Pauses the main thread while another thread draws.

    Where the main thread is busy with a cell for more than `BUSY` seconds, the drawing is put off instead: the main
    thread calls `later` when the cell has ended.

    Parameters
    ----------
    later : callable
        Called in the main thread in place of the pause.
    """

    def __init__(self, later: Callable[[], object]) -> None:
        self.over = threading.Event()
        self._later = later
        self._lock = threading.Lock()
        self._still = threading.Event()
        self._late = False

    def granted(self) -> bool:
        """Wait at most `BUSY` seconds; True if the main thread is paused, until `over` is set."""
        self._still.wait(BUSY)
        with self._lock:
            self._late = not self._still.is_set()
        return not self._late

    def hold_still(self) -> None:
        """In the main thread: wait until the drawing is `over`."""
        with self._lock:
            if not self._late:
                self._still.set()
        if self._late:
            self._later()
        else:
            self.over.wait()
