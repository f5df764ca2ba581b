"""How often a training is drawn, so that looking at it takes little of its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

SHARE = 50
"""After a drawing, the training runs undisturbed for this many times as long: drawing takes 2 % of the time at most."""
APART = 0.5
"""Seconds between two drawings at least: the browser that paints them may share the training's processor."""


class Pace:
    """Says when the next drawing is due, and how fast the training is.

    Attributes
    ----------
    rate : float
        Images a second between the last two drawings.
    """

    def __init__(self) -> None:
        self.rate = 0.0
        self._due, self._since, self._examples = 0.0, time.monotonic(), 0

    def step(self, examples: int) -> bool:
        """Count a step of `examples` images; whether a drawing is due after it."""
        self._examples += examples
        return time.monotonic() >= self._due

    def hurry(self) -> None:
        """Have a drawing after the present step."""
        self._due = 0.0

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """What runs inside is a drawing: the next is due after a pause as long as `SHARE` and `APART` say."""
        start = time.monotonic()
        self.rate = self._examples / max(start - self._since, 1e-3)
        self._since, self._examples = start, 0
        yield
        end = time.monotonic()
        self._due = end + max(APART, SHARE * (end - start))
