"""Results are put together in the order of their parts, in whichever order they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class InOrder(Generic[T]):
    """A sum of results, whose rounding is the same however many workers there are and whichever ends first.

    Parameters
    ----------
    start : T
        What is there before.
    merge : callable
        `merge(one, other)`: both together.
    parts : sequence of (int, int)
        Those that come, in their order.

    Attributes
    ----------
    done : T
        The results of the first parts, up to one that has not come yet.
    """

    def __init__(self, start: T, merge: Callable[[T, T], T], parts: Sequence[tuple[int, int]]) -> None:
        self.done, self._merge, self._parts = start, merge, list(parts)
        self._early: dict[tuple[int, int], T] = {}

    def add(self, part: tuple[int, int], result: T) -> None:
        """Take the result of a part; it waits for those before it."""
        self._early[part] = result
        while self._parts and self._parts[0] in self._early:
            self.done = self._merge(self.done, self._early.pop(self._parts.pop(0)))

    def close(self) -> T:
        """All that came: also what waits for parts that will not come."""
        while self._early:
            self.done = self._merge(self.done, self._early.pop(min(self._early)))
        return self.done
