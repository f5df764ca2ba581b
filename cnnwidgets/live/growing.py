"""Long work that is drawn while it grows: in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from .portions import Pace, Portions
from .weak import weakly


class Growing(ABC):
    """Does work in portions, between which cells and widgets are answered.

    Where no event loop runs (a script, a test) it waits until it is asked to finish. A class derived from it says what
    there is to do: `done`, `total`, `complete` and `_advance`.

    Parameters
    ----------
    on_progress : callable
        Called without arguments where there is more to draw: every `shown` seconds, and when the run has ended. The run
        ends too where it returns False.
    is_current : callable
        Asked before each portion; the run ends where it returns False: the network is not what it was.

    Attributes
    ----------
    error : Exception or None
        What ended the last run before its time.
    """

    shown: ClassVar[float] = 0.250
    """Seconds between two drawings of what grows."""

    def __init__(self, on_progress: Callable[[], bool], is_current: Callable[[], bool] = lambda: True) -> None:
        self.error: Exception | None = None
        self._key: Any = None
        self._on_progress, self._is_current = weakly(on_progress), weakly(is_current)  # the view may go
        self._portions, self._pace = Portions(self._portion), Pace()
        self._drawn_at, self._undrawn = 0.0, False

    @property
    @abstractmethod
    def done(self) -> int:
        """How much is done."""

    @property
    @abstractmethod
    def total(self) -> int:
        """Of how much."""

    @property
    @abstractmethod
    def complete(self) -> bool:
        """Whether there is nothing left to do."""

    @abstractmethod
    def _advance(self, seconds: float | None) -> None:
        """Do a part that takes about so many seconds."""

    @property
    def running(self) -> bool:
        """Whether portions are being done."""
        return self._portions.running

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; None where that is not known."""
        return self._pace.left(self.total - self.done)

    def stop(self) -> None:
        """Do no further portion; what is done stays."""
        self._portions.stop()

    def hold(self) -> None:
        """Wait a little before the next portion: somebody is moving the view."""
        self._portions.hold()

    # ------------------------------------------------------------------ portions

    @property
    def _ended(self) -> bool:
        return self.error is not None or self.complete

    def _portion(self) -> bool:
        """Some of the work, or its drawing; whether there is more."""
        if not self._is_current():
            return False
        if self._undrawn and time.monotonic() - self._drawn_at > self.shown:  # by itself, so that no portion is longer
            return self._report() and self.running
        key = self._key
        self._try(self._portions.seconds)
        self._undrawn = True
        if key != self._key:
            return False
        more = self.running and not self._ended
        if not more:
            self.stop()
            self._report()
        return more

    def _report(self) -> bool:
        fine = bool(self._on_progress())
        self._undrawn, self._drawn_at = False, time.monotonic()
        return fine

    def _try(self, seconds: float | None) -> None:
        self.error = None
        try:
            self._advance(seconds)
        except Exception as error:
            self.error = error

    def _timed(self, step: Callable[[], object]) -> None:
        """Take a step, and note how long it took."""
        start, done = time.monotonic(), self.done
        step()
        self._pace.took(max(0, self.done - done), start, time.monotonic())


class Work(Protocol):
    """Work that is done step by step."""

    @property
    def done(self) -> int:
        """How much is done."""

    @property
    def total(self) -> int:
        """Of how much."""

    def step(self, seconds: float | None = None) -> object:
        """Do a part that takes about so many seconds."""


W = TypeVar("W", bound=Work)


class GrowingWork(Growing, Generic[W]):
    """The work of one place at a time: another place begins anew.

    Attributes
    ----------
    work : Work or None
        What is being done; None before the first portion.
    """

    def __init__(self, on_progress: Callable[[], bool], is_current: Callable[[], bool] = lambda: True) -> None:
        super().__init__(on_progress, is_current)
        self.work: W | None = None
        self._make: Callable[[], W] | None = None

    @property
    def done(self) -> int:
        """How much is done."""
        return 0 if self.work is None else self.work.done

    @property
    def total(self) -> int:
        """Of how much; 0 before the first portion."""
        return 0 if self.work is None else self.work.total

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self._make is None or (self.work is not None and self.work.done >= self.work.total)

    def follow(self, key: Any, make: Callable[[], W] | None, wanted: bool, work: W | None = None) -> None:
        """Do the work that `make()` gives, or go on where the `key` is the same, if it is `wanted`; else stop.

        `work` is what is there already of another key.
        """
        if key != self._key:
            self.stop()
            self._key, self._make, self.work, self.error, self._pace = key, make, work, None, Pace()
        if wanted and not self.complete and self.error is None:
            self._portions.start()
        elif not wanted:
            self.stop()

    def finish(self) -> Any:
        """Do the rest now."""
        self.stop()
        while not self.complete:
            self._advance(None)

    def _advance(self, seconds: float | None) -> None:
        work = self.work
        if work is None:
            assert self._make is not None
            self.work = self._make()
        else:
            self._timed(lambda: self._step(work, seconds))

    def _step(self, work: W, seconds: float | None) -> None:
        work.step(seconds)
