"""What a view remembers of its last drawing, so that nothing is worked out twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
VALUES = (bool, int, float, str)


class Memory:
    """One value for each name, with the key that it was made for."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[tuple[Any, ...], Any]] = {}

    def remember(self, name: str, key: Sequence[Any], make: Callable[[], T]) -> T:
        """What was made for `key` last, or what `make()` gives now.

        Parameters
        ----------
        name : str
            Of what is remembered; only the newest of each name is.
        key : sequence
            All that it depends on. Numbers, texts and tuples are compared by value; all else must be the same object.
        make : callable
            Works it out. Where it raises, what was there stays.
        """
        wanted, held = tuple(key), self._held.get(name)
        if held is None or not same(held[0], wanted):
            held = self._held[name] = (wanted, make())
        value: T = held[1]
        return value

    def forget(self) -> None:
        """Remember nothing."""
        self._held.clear()


def same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two keys are equal: numbers, texts and tuples by value, all else by identity."""
    return len(one) == len(other) and all(map(_equal, one, other))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return same(one, other)
    return one is other or (isinstance(one, VALUES) and isinstance(other, VALUES) and one == other)
