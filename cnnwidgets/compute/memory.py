"""Memory for the copies of a whole pass: to get it afresh from the system takes longer than the copying does."""

from __future__ import annotations

import math
import threading
import weakref

import numpy as np
import torch

BLOCK = 4 * 2**20
"""Bytes of a block that several copies share."""
LARGE = 2**20
"""A copy of as many bytes has a block of its own."""
SMALL = 64 * 2**10
"""A copy of fewer bytes is left to torch: it is quick, and often kept for long."""
KEPT = 256 * 2**20
"""Bytes at most that wait for the next pass."""

_blocks: list[tuple[np.ndarray, weakref.ref[np.ndarray]]] = []  # memory, and the loan of it; the oldest loan first
_lock = threading.Lock()


class Copies:
    """Copies tensors of the CPU into blocks of memory that are used again.

    Each copy is a tensor with a storage of its own size. A block is free once every tensor in it is gone, with all
    their views: they hold the array that stands for the loan, and the pool of blocks knows that only weakly.
    """

    def __init__(self) -> None:
        self._loan = np.empty(0, np.uint8)
        self._at = 0

    def copy(self, value: torch.Tensor) -> torch.Tensor:
        """A contiguous copy of `value`, a plain strided tensor without a gradient."""
        size = value.nbytes
        if size < SMALL or not value.is_cpu:
            return value.clone(memory_format=torch.contiguous_format)
        loan, at = (_borrow(size), 0) if size >= LARGE else self._shared(size)
        held = torch.frombuffer(loan, dtype=torch.uint8, count=size, offset=at)
        return held.view(value.dtype).view(value.shape).copy_(value)

    def _shared(self, size: int) -> tuple[np.ndarray, int]:
        if self._at + size > self._loan.nbytes:
            self._loan, self._at = _borrow(BLOCK), 0
        at = self._at
        self._at += math.ceil(size / 64) * 64
        return self._loan, at


def on_loan() -> int:
    """Bytes in blocks of the pool that somebody holds."""
    return sum(memory.nbytes for memory, loan in _blocks if loan() is not None)


def _borrow(size: int) -> np.ndarray:
    """A block of `size` bytes, or a little more, that nobody else has."""
    with _lock:
        fits = (
            at for at, (block, loan) in enumerate(_blocks) if loan() is None and 0 <= block.nbytes - size <= size / 10
        )
        at = next(fits, None)
        memory = np.empty(size, np.uint8) if at is None else _blocks.pop(at)[0]
        loan = memory.view()
        _blocks.append((memory, weakref.ref(loan)))
        while sum(block.nbytes for block, _ in _blocks) > KEPT:
            del _blocks[0]  # who holds it keeps it; it just does not come back
        return loan
