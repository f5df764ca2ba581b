"""Newest wins: one drawing at a time, and what waited behind it is merged into the last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

QUEUED = 0.003
"""An event within so many seconds after a drawing ended had been waiting for it."""
PATIENCE = 0.010
"""How long such an event waits for a newer one, in seconds."""


class Newest:
    """Runs `draw` for requests: at once, unless the request sat in a queue behind the last drawing.

    The front end holds slider moves back by itself while a redraw runs, and drawing at once is then the quickest way.
    Clicks, hovering and older front ends send every event: those arrive in a burst right after a drawing, wait for a
    moment, and only the newest is drawn. Without a running event loop (a script, a test) each is drawn at once.

    Parameters
    ----------
    draw : callable
        Draws the present state; called without arguments.
    """

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._ended = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def request(self) -> None:
        """Draw now, or shortly, when this came right behind the last drawing."""
        self.cancel()
        loop = _running_loop()
        if loop is not None and time.monotonic() - self._ended < QUEUED:
            self._timer = loop.call_later(PATIENCE, self._run)
            self._ended = time.monotonic()
        else:
            self._run()

    def flush(self) -> None:
        """Draw at once what waits."""
        if self._timer is not None:
            self.cancel()
            self._run()

    def cancel(self) -> None:
        """Forget what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        self._timer = None
        try:
            self._draw()
        finally:
            self._ended = time.monotonic()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
