"""One guard against re-entrance: a control that writes its own parts does not take that for a hand."""

from __future__ import annotations


class Guard:
    """True inside its own `with` blocks, which may be nested; False outside.

    Examples
    --------
    >>> guard = Guard()
    >>> with guard:
    ...     print(bool(guard))
    True
    >>> bool(guard)
    False
    """

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> Guard:
        self._depth += 1
        return self

    def __exit__(self, *raised: object) -> None:
        self._depth -= 1

    def __bool__(self) -> bool:
        return self._depth > 0
