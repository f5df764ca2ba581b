"""Long work of InterventionView in the making: in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from ...live import Pace, Portions, weakly
from ...widgets.controls import ProgressRow

SHOWN = 0.250
"""Seconds between two drawings of what grows."""


class Work(Protocol):
    """Work that is done step by step."""

    @property
    def done(self) -> int:
        """How much is done."""

    @property
    def total(self) -> int:
        """Of how much."""

    @property
    def result(self) -> Any:
        """What is known."""

    def step(self, seconds: float | None = None) -> object:
        """Do a part that takes about so many seconds."""


W = TypeVar("W", bound=Work)


class Growing(Generic[W]):
    """Does work in portions, between which cells and widgets are answered.

    Where no event loop runs (a script, a test) it waits for `finish`.

    Parameters
    ----------
    on_progress : callable
        Called without arguments where there is more to draw: every `SHOWN` seconds, and when the run has ended. The run
        ends too where it returns False.
    is_current : callable
        Asked before each portion; the run ends where it returns False: the network is not what it was.

    Attributes
    ----------
    work : Work or None
        What is being done; None before the first portion.
    error : Exception or None
        What ended the last run before its time.
    """

    def __init__(self, on_progress: Callable[[], bool], is_current: Callable[[], bool]) -> None:
        self.work: W | None = None
        self.error: Exception | None = None
        self._key: Any = None
        self._make: Callable[[], W] | None = None
        self._on_progress, self._is_current = weakly(on_progress), weakly(is_current)  # the view may go
        self._portions, self._pace = Portions(self._portion), Pace()
        self._drawn_at, self._undrawn = 0.0, False

    @property
    def result(self) -> Any:
        """What is known; None before the first step is done."""
        return self.work.result if self.work is not None and self.work.done else None

    @property
    def done(self) -> int:
        """How much is done."""
        return 0 if self.work is None else self.work.done

    @property
    def running(self) -> bool:
        """Whether portions are being done."""
        return self._portions.running

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self._make is None or (self.work is not None and self.work.done >= self.work.total)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; None where that is not known."""
        return None if self.work is None else self._pace.left(self.work.total - self.work.done)

    def follow(self, key: Any, make: Callable[[], W] | None, wanted: bool) -> None:
        """Do the work that `make()` gives, or go on where the `key` is the same, if it is `wanted`; else stop."""
        if key != self._key:
            self.stop()
            self._key, self._make, self.work, self.error = key, make, None, None
            self._pace = Pace()
        if wanted and not self.complete and self.error is None:
            self._portions.start()
        elif not wanted:
            self.stop()

    def stop(self) -> None:
        """Do no further portion; what is done stays."""
        self._portions.stop()

    def hold(self) -> None:
        """Wait a little before the next portion: somebody is moving the view."""
        self._portions.hold()

    def finish(self) -> Any:
        """Do the rest now; the whole result, or None where there is nothing to do."""
        self.stop()
        while not self.complete:
            self._advance(None)
        return self.result

    def _portion(self) -> bool:
        if not self._is_current():
            return False
        if self._undrawn and time.monotonic() - self._drawn_at > SHOWN:  # a portion by itself, so that none is longer
            return self._report() and self.running
        key, self.error = self._key, None
        try:
            self._advance(self._portions.seconds)
        except Exception as error:
            self.error = error
        self._undrawn = True
        if key != self._key:
            return False
        more = self.error is None and self.running and not self.complete
        if not more:
            self.stop()
            self._report()
        return more

    def _report(self) -> bool:
        fine = bool(self._on_progress())
        self._undrawn, self._drawn_at = False, time.monotonic()
        return fine

    def _advance(self, seconds: float | None) -> None:
        if self.work is None:
            assert self._make is not None
            self.work = self._make()
            return
        work, start, done = self.work, time.monotonic(), self.work.done
        work.step(seconds)
        self._pace.took(work.done - done, start, time.monotonic())


class Background(Generic[W]):
    """Growing work of a view, with a row that tells how far it is and has a button.

    Parameters
    ----------
    view : ModelView
        Draws what grows.
    wanted : str
        Its trait that says whether the work is to be done; False stops it.
    """

    def __init__(self, view: Any, wanted: str) -> None:
        self._view, self._wanted = view, wanted
        self.growing: Growing[W] = Growing(self._grown, self._is_current)
        self.progress: ProgressRow | None = None

    @property
    def wanted(self) -> bool:
        """Whether the work is to be done."""
        return bool(getattr(self._view, self._wanted))

    def row(self, what: str) -> ProgressRow:
        """Make the row; `what` is counted."""
        self.progress = ProgressRow(what, self.toggle)
        return self.progress

    def show(self, total: int) -> None:
        """Have the row say how much of `total` is done; 0 hides it."""
        if self.progress is not None:
            growing, done = self.growing, min(self.growing.done, total)
            self.progress.show(done, total, growing.seconds_left, growing.running)

    def follow(self, key: Any, make: Callable[[], W] | None) -> None:
        """Do the work that `make()` gives, if it is wanted; None for nothing to do."""
        self.growing.follow(key, make, self.wanted)

    def toggle(self) -> None:
        """Stop, or begin or go on."""
        if self.growing.running:
            setattr(self._view, self._wanted, False)
        else:
            self.growing.error = None
            with self._view.quiet():
                setattr(self._view, self._wanted, True)
            self._view.redraw()

    def finish(self) -> Any:
        """Do the rest now and draw it; the whole result, or None where there is nothing to do."""
        self._view.flush()
        found = self.growing.finish()
        self._view.guarded(self._view.render)
        return found

    def _grown(self) -> bool:
        """Draw what there is, or say why it grows no more; whether that went well."""
        return bool(self._view.guarded(self._draw))

    def _draw(self) -> None:
        self._view.render()
        if self.growing.error is not None:
            raise self.growing.error

    def _is_current(self) -> bool:
        """Whether the work still is of this network; draws anew where a cell has trained the network."""
        same = not self._view.outdated()
        if not same:
            self._view.redraw()
        return same
