"""The vectors that a view shows while more of them are taken in portions, which can be stopped and go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from ...compute.embedding import States
from ...live import Portions, cell_thread
from .gathering import Gathering

FIRST, FIRST_OF_ALL = 0.3, 1.0
"""Seconds of vectors that are taken before a notebook sees the points: after a move, and when the view is made."""
GROWS = 2
"""The points are drawn again when there are twice as many: all drawings together cost about two of the last."""
REPORTED = 0.25
"""Seconds from one report of the progress to the next."""


class GrowingVectors:
    """Takes the vectors of the present settings: at once in a script; in a notebook a few, and the rest in portions.

    Parameters
    ----------
    on_grown : callable
        Called when there are enough new vectors to draw again, when the last is there, and after an error.
    on_outdated : callable
        Called when the network was trained meanwhile: the vectors that are there say nothing now.
    on_progress : callable
        Called now and then while vectors are taken, and at the end.

    Attributes
    ----------
    gathering : Gathering or None
        The vectors that are there; None before the first `want`.
    stopped : bool
        Whether `stop` was called, or an error came, before the last was there.
    """

    def __init__(
        self, on_grown: Callable[[], object], on_outdated: Callable[[], object], on_progress: Callable[[], object]
    ) -> None:
        self._on_grown, self._on_outdated, self._on_progress = on_grown, on_outdated, on_progress
        self._portions = Portions(self._portion)
        self._frames: States | None = None
        self._next, self._reported = 0, 0.0  # how many images are drawn next, and when the progress was reported last
        self._at_once = False
        self._error: Exception | None = None
        self.gathering: Gathering | None = None
        self.stopped = False

    @property
    def running(self) -> bool:
        """Whether there are portions to come."""
        return self._portions.running

    @property
    def final(self) -> bool:
        """Whether no more vectors are to come."""
        return self.stopped or (self.gathering is not None and self.gathering.complete)

    def want(self, frames: States, layer: str, pooling: str, count: int, *, new: bool) -> None:
        """Begin with the vectors of these settings, or go on with them.

        Parameters
        ----------
        frames, layer, pooling, count
            What is taken: `count` images, spread evenly over the data set.
        new : bool
            Whether the view is being made: it may wait longer, and show a bar.

        Raises
        ------
        ForwardError, ValueError
            As `Gathering.step` does; the vectors from before stay.
        """
        key = (layer, pooling, count, frames.version)
        if self.gathering is None or self.gathering.key != key:
            self._portions.stop()
            self.stopped, self._error = False, None
            spread = np.linspace(0, len(frames.items) - 1, count).round().astype(int).tolist()
            gathering = Gathering(frames, layer, spread, pooling, key)
            if self._at_once or cell_thread.loop() is None:
                gathering.all(bar=new)
            else:
                gathering.begin(FIRST_OF_ALL if new else FIRST)
            self._frames, self.gathering, self._next = frames, gathering, GROWS * gathering.done
            self._portions.hold()
        self._go()

    def current(self) -> Gathering:
        """The vectors that are there; within `at_once`, all.

        Raises
        ------
        Exception
            What went wrong in a portion since the last call.
        """
        assert self.gathering is not None
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._at_once and not self.stopped:
            self.gathering.all()
            self._go()
        return self.gathering

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is wanted inside is taken to the end."""
        before, self._at_once = self._at_once, True
        try:
            yield
        finally:
            self._at_once = before

    def stop(self) -> None:
        """Take no further images; those that are there stay."""
        self._portions.stop()
        self.stopped = self.gathering is not None and not self.gathering.complete

    def go_on(self) -> None:
        """Take the rest of the images, after `stop`."""
        self.stopped = False
        self._go()

    def forget(self) -> None:
        """Begin again at the next `want`."""
        self._portions.stop()
        self.gathering, self._error = None, None

    def _go(self) -> None:
        if self.final:
            self._portions.stop()
        else:
            self._portions.start()

    def _portion(self) -> bool:
        """The vectors of some more images."""
        gathering, frames = self.gathering, self._frames
        assert gathering is not None and frames is not None
        if gathering.key[-1] != frames.version:
            self._on_outdated()
            return False
        try:
            gathering.step(self._portions.seconds)
        except Exception as error:
            self._error, self.stopped = error, True
        if self.final:
            self._portions.stop()
        if gathering.done >= self._next or self.final:
            self._next = GROWS * gathering.done
            self._on_grown()
        if time.monotonic() - self._reported > REPORTED or self.final:
            self._reported = time.monotonic()
            self._on_progress()
        return not self.final
