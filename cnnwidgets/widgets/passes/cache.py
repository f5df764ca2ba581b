"""Dictionaries that keep the most recently used tensors, and together stay within a number of bytes."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Protocol

_uses = itertools.count()


class Sized(Protocol):
    """A tensor, or what holds some."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""


class Budget:
    """The bytes that several caches may hold together. What was not used for longest goes first, in whichever it is.

    Parameters
    ----------
    limit : int
        Bytes held at most; more where a single cache, as long as it lives, is allowed more.
    """

    def __init__(self, limit: int) -> None:
        self.least = limit
        self.lock = threading.RLock()  # a cache may go, and another view draw, in the middle of a `put`
        self._caches: weakref.WeakSet[ByteCache] = weakref.WeakSet()

    @property
    def limit(self) -> int:
        """Bytes held at most, now."""
        return max([self.least, *(cache.limit for cache in self._caches)])

    @property
    def bytes(self) -> int:
        """Bytes that are held."""
        return sum(cache.bytes for cache in self._caches)

    def join(self, cache: ByteCache) -> None:
        """Count `cache` in, until nobody holds it any more."""
        self._caches.add(cache)

    def keep(self, new: int = 0) -> None:
        """Let go of as much as is needed; for `new` bytes, of as many that are going, if there are any."""
        while new > 0 and (going := [cache for cache in self._caches if cache.going]):
            new -= _drop_oldest(going)
        while self.bytes > self.limit:
            _drop_oldest([cache for cache in self._caches if len(cache)])


def _drop_oldest(caches: list[ByteCache]) -> int:
    """Remove the least recently used tensor of all; how many bytes it had."""
    return min(caches, key=lambda cache: cache.oldest).drop()


PROCESS = Budget(512 * 2**20)
"""What all views of a process share."""


class ByteCache:
    """LRU cache: the least recently used tensors are removed when `limit` bytes, or those of its budget, are exceeded.

    Parameters
    ----------
    limit : int
        Maximum number of bytes. A single tensor larger than that is not stored.
    budget : Budget
        Shared with other caches.
    """

    def __init__(self, limit: int, *, budget: Budget = PROCESS) -> None:
        if limit < 0:
            raise ValueError(f"the cache limit is a number of bytes, 0 or more, not {limit}")
        self.limit = limit
        self.bytes = 0
        self._budget = budget
        self._left = -1  # tensors last used before then are going
        self._held: OrderedDict[Hashable, tuple[int, Sized]] = OrderedDict()  # with the number of its last use
        budget.join(self)

    @property
    def oldest(self) -> int:
        """When its least recently used tensor was used; a number that grows with each use, in all caches alike."""
        return next(iter(self._held.values()))[0]

    @property
    def going(self) -> bool:
        """Whether some of its tensors are going."""
        return len(self) > 0 and self.oldest < self._left

    def leave(self) -> None:
        """No page shows its tensors any more: they are going, unless they are used again.

        They make way for what is stored in any cache, not only for want of room. So a cell that runs again holds no
        more than before, yet finds what its new run can use.
        """
        self._left = next(_uses)

    def get(self, key: Hashable) -> Any:
        """The tensor of `key`, which becomes the most recently used, or None."""
        with self._budget.lock:
            if key not in self._held:
                return None
            tensor = self._held.pop(key)[1]
            self._held[key] = next(_uses), tensor
            return tensor

    def put(self, key: Hashable, tensor: Sized) -> None:
        """Store `tensor` under `key`; remove the least recently used as needed."""
        with self._budget.lock:
            if key in self._held:
                self.bytes -= self._held.pop(key)[1].nbytes
            if tensor.nbytes > self.limit:
                return
            self._held[key] = next(_uses), tensor
            self.bytes += tensor.nbytes
            while self.bytes > self.limit:
                self.drop()
            self._budget.keep(tensor.nbytes)

    def drop(self) -> int:
        """Remove the least recently used tensor; how many bytes it had."""
        size = self._held.popitem(last=False)[1][1].nbytes
        self.bytes -= size
        return size

    def clear(self) -> None:
        """Remove all tensors."""
        with self._budget.lock:
            self._held.clear()
            self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)
