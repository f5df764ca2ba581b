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

    def known(self, name: str, key: Sequence[Any]) -> Any:
        """What was made for `key` last; None where nothing was, or something else since."""
        held = self._held.get(name)
        return held[1] if held is not None and same(held[0], tuple(key)) else None

    def forget(self) -> None:
        """Remember nothing."""
        self._held.clear()


def same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two keys are equal: numbers, texts and tuples by value, all else by identity."""
    if len(one) != len(other):
        return False
    for left, right in zip(one, other, strict=True):
        if isinstance(left, tuple) and isinstance(right, tuple):
            if not same(left, right):
                return False
        elif left is not right and not (isinstance(left, VALUES) and isinstance(right, VALUES) and left == right):
            return False
    return True
