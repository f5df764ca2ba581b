"""Adaptive batch size: tuned while running, halved when memory runs out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch

FIRST, LARGEST = 7, 256
SIGNS = ("out of memory", "not enough memory", "allocate memory")
PIXELS = 32 * 224 * 224
"""Limit for one batch on the CPU, where exhausted memory kills the process; eight times that on other devices."""


def out_of_memory(error: BaseException | None) -> bool:
    """Whether `error`, or what caused it, reports that memory ran out, on any device."""
    while error is not None:
        words = str(error).lower()
        if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
            return True
        if isinstance(error, RuntimeError) and any(sign in words for sign in SIGNS):
            return True
        error = error.__cause__
    return False


class BatchSize:
    """The batch size with the shortest time per image.

    Starts small and doubles as long as the time per image falls by at least 5 %: large weights favour large batches,
    large maps favour small batches, which fit into the cache of the processor and need no new memory each time.

    Parameters
    ----------
    pixels : int
        Height times width of an image, which limits the batch.
    device : torch.device
        Where the network runs.
    size : int, optional
        A fixed size, kept unless memory runs out.
    """

    def __init__(self, pixels: int, device: torch.device, size: int | None = None) -> None:
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
            raise ValueError(f"batch_size is a whole number of images, 1 or more, not {size!r}")
        self._cuda = device.type == "cuda"
        room = PIXELS if device.type == "cpu" else 8 * PIXELS
        self.most = size or max(1, min(LARGEST, room // pixels))
        self.size = min(self.most, size or FIRST)
        self.each: float | None = None
        self._best, self._best_size = math.inf, self.size
        self._tried: list[float] = []
        self._settled = size is not None

    def next(self, left: int, seconds: float | None = None) -> int:
        """How many of the `left` images to take now, to be done within about `seconds`; at least one.

        Without a time limit the rest is split evenly, so that no batch of one or two remains at the end.
        """
        if seconds is not None:
            return min(left, self.size, max(1, int(seconds / self.each)) if self.each else 1)
        count = math.ceil(left / max(1, left // self.size))
        return count if count <= self.most else math.ceil(left / math.ceil(left / self.most))

    def run(
        self, left: int, batch: Callable[[int], object], seconds: float | None = None, *, timed: bool = True
    ) -> int:
        """Run one batch, a smaller one where memory does not suffice; how many images that were.

        Parameters
        ----------
        left : int
            How many images are left.
        batch : callable
            Runs so many of them. What it has written before memory ran out must not count.
        seconds : float, optional
            As for `next`.
        timed : bool
            Whether its time says something of the next ones.

        Raises
        ------
        RuntimeError, MemoryError
            Memory does not suffice for a single image; and whatever else `batch` raises.
        """
        while True:
            count, start = self.next(left, seconds), time.perf_counter()
            try:
                batch(count)
            except (RuntimeError, MemoryError) as error:
                if count == 1 or not out_of_memory(error):
                    raise
                self.failed(count)
            else:
                if timed:
                    self.took(count, time.perf_counter() - start)
                return count
            if self._cuda:
                torch.cuda.empty_cache()

    def took(self, count: int, seconds: float) -> None:
        """Update the search with a batch of `count` images that took `seconds`.

        The first batch of a size includes set-up time, so a size is rejected after two batches only; the smallest needs
        two for comparison.
        """
        each = seconds / count
        first, self.each = self.each is None, each
        if first or self._settled or not self.size <= count <= 1.25 * self.size:
            return
        self._tried.append(each)
        smallest, better = self._best == math.inf, min(self._tried) < 0.95 * self._best
        if len(self._tried) < 2 and (smallest or not better):
            return
        if better:
            self._best, self._best_size = min(self._tried), self.size
        grown = min(2 * self.size, self.most)
        self._settled = not better or grown == self.size
        self.size = self._best_size if self._settled else grown
        self._tried = []

    def restart(self) -> None:
        """Restart the search at twice the size, for a network that now holds half as many maps at a time."""
        if not self._settled:
            self.size = self._best_size = min(2 * self.size, self.most)
            self._best, self._tried = math.inf, []

    def failed(self, count: int) -> None:
        """Use half of `count` from now on: memory did not suffice for `count` images."""
        self.most = self.size = max(1, count // 2)
        self._settled = True
