"""The ranking of InterventionView in the making: in portions while a notebook runs, at once where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from ...compute.interventions import ChannelAblator, ChannelEffects
from ...live import Pace, Portions, weakly

SHOWN = 0.250
"""Seconds between two drawings of the growing ranking."""
MOST = 16
"""Channels of the curve at most."""
Make = Callable[[], ChannelAblator]


class GrowingRanking:
    """Switches off one channel after another in portions, between which cells and widgets are answered.

    Then the best channels together, for the curve. Where no event loop runs (a script, a test) it waits for `finish`.

    Parameters
    ----------
    on_progress : callable
        Called without arguments where there is more to draw: every `SHOWN` seconds, and when the run has ended. The run
        ends too where it returns False.
    is_current : callable
        Asked before each portion; the run ends where it returns False: the network is not what it was.

    Attributes
    ----------
    curve : torch.Tensor or None
        (K + 1,): the score with no channel off, with the first of the ranking, with the first two ...
    error : Exception or None
        What ended the last run before its time.
    """

    def __init__(self, on_progress: Callable[[], bool], is_current: Callable[[], bool]) -> None:
        self.curve: torch.Tensor | None = None
        self.error: Exception | None = None
        self._key: Any = None
        self._make: Make | None = None
        self._ablator: ChannelAblator | None = None
        self._on_progress, self._is_current = weakly(on_progress), weakly(is_current)  # the view may go
        self._portions, self._pace = Portions(self._portion), Pace()
        self._drawn_at, self._undrawn = 0.0, False

    @property
    def result(self) -> ChannelEffects | None:
        """The effects as far as they are known; None before the first portion."""
        return None if self._ablator is None else self._ablator.result

    @property
    def done(self) -> int:
        """Channels that have been switched off."""
        return 0 if self._ablator is None else self._ablator.done

    @property
    def running(self) -> bool:
        """Whether portions are being done."""
        return self._portions.running

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self.curve is not None or self._make is None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; None where that is not known."""
        return None if self._ablator is None else self._pace.left(self._ablator.total - self._ablator.done)

    def follow(self, key: Any, make: Make | None, wanted: bool) -> None:
        """Make the ranking of `make()`, or go on with it where the `key` is the same, if it is `wanted`; else stop."""
        if key != self._key:
            self.stop()
            self._key, self._make, self._ablator, self.curve, self.error = key, make, None, None, None
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

    def finish(self) -> ChannelEffects | None:
        """Do the rest now; the whole ranking, or None where there is none to make."""
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
        if self._ablator is None:
            assert self._make is not None
            self._ablator = self._make()
            return
        ablator, start, done = self._ablator, time.monotonic(), self._ablator.done
        if done < ablator.total:
            ablator.step(seconds)
            self._pace.took(ablator.done - done, start, time.monotonic())
        else:
            order = ablator.result.ranking[:MOST].tolist()
            self.curve = ablator.without([order[:count] for count in range(len(order) + 1)])[:, 0].cpu()
