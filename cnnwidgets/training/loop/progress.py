"""The progress bar of a training."""

from __future__ import annotations

from typing import Any

from ...late import imported
from .history import Step

APART = 0.5
"""Minimum interval in seconds between updates of the bar: each takes milliseconds in a notebook."""


class Progress:
    """One bar over all epochs of a training, created at the first step; a context manager.

    Parameters
    ----------
    shown : bool
        False for no bar.
    epoch, goal : int
        Finished epochs, and their total.
    batch : int
        Finished batches of the current epoch.
    """

    def __init__(self, shown: bool, epoch: int, goal: int, batch: int = 0) -> None:
        self._shown = shown
        self._first, self._goal, self._batch = epoch, goal, batch
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, step: Step) -> None:
        """Count a step."""
        if not self._shown:
            return
        if self._bar is None:
            total = None if step.batches is None else step.batches * (self._goal - self._first) - self._batch
            self._bar = imported("tqdm.auto").tqdm(total=total, unit=" steps", mininterval=APART)
        self._bar.set_postfix_str(f"epoch {step.epoch + 1}/{self._goal}, loss {step.loss:.4g}", refresh=False)
        self._bar.update()

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        if self._bar is not None:
            self._bar.write(text)
