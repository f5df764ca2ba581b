"""Memory pool for the copies of a whole pass: allocation by the system takes longer than copying."""

from __future__ import annotations

import ctypes
import math
import threading
import weakref

import numpy as np
import torch

BLOCK = 4 * 2**20
"""Size in bytes of a block shared by several copies."""
LARGE = 2**20
"""Copies of at least this many bytes get a separate block."""
SMALL = 64 * 2**10
"""Smaller copies are allocated by torch: it is fast, and they are often kept for long."""
KEPT = 256 * 2**20
"""Maximum number of bytes kept for the next pass."""

_blocks: list[tuple[np.ndarray, weakref.ref[np.ndarray]]] = []  # memory, and the array on loan; the oldest loan first
_lock = threading.Lock()
_trim = getattr(ctypes.pythonapi, "malloc_trim", None)  # glibc's; elsewhere freed memory goes back by itself


class Copies:
    """Copies CPU tensors into reusable blocks of memory.

    Each copy is a tensor whose storage has exactly its size. A block is free once all tensors in it and their views are
    deleted: they hold the array on loan, to which the pool has only a weak reference.
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
    """Bytes in blocks of the pool that are in use."""
    return sum(memory.nbytes for memory, loan in _blocks if loan() is not None)


def held() -> int:
    """Bytes in all blocks of the pool, in use or not."""
    return sum(memory.nbytes for memory, _ in _blocks)


def give_back() -> None:
    """Hand to the system what is free: blocks that wait for the next pass, and what the C library keeps for itself."""
    with _lock:
        _blocks[:] = [(memory, loan) for memory, loan in _blocks if loan() is not None]
    if _trim is not None:
        _trim(0)


def _borrow(size: int) -> np.ndarray:
    """An unused block of `size` bytes or slightly more."""
    with _lock:
        fits = (
            at for at, (block, loan) in enumerate(_blocks) if loan() is None and 0 <= block.nbytes - size <= size / 10
        )
        at = next(fits, None)
        memory = np.empty(size, np.uint8) if at is None else _blocks.pop(at)[0]
        loan = memory.view()
        _blocks.append((memory, weakref.ref(loan)))
        while held() > KEPT:
            del _blocks[0]  # its holder keeps it; it does not return to the pool
        return loan
