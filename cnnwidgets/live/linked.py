"""Two traits that are the same: that of a view and that of a control."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

End = tuple[Any, str]
"""A trait, as its owner and its name."""


class Linked:
    """Two traits that follow each other, also while one of them is being carried over to the other.

    That takes as long as the view draws. Meanwhile the hand moves on: the page sends what it wants by a message of the
    control, and by one of the painter, which a kernel may handle in another thread. `traitlets.link` overhears such a
    move and raises; here it is carried over when the one before is done.

    Parameters
    ----------
    one, other : (HasTraits, str)
        The traits. At first `other` takes the value of `one`.
    transform : (callable, callable), optional
        From the value of `one` to that of `other`, and back.

    Examples
    --------
    >>> import ipywidgets as W
    >>> box, slider = W.IntText(3), W.IntSlider()
    >>> _ = Linked((box, "value"), (slider, "value"))
    >>> slider.value
    3
    """

    def __init__(
        self, one: End, other: End, transform: tuple[Callable[[Any], Any], Callable[[Any], Any]] | None = None
    ) -> None:
        self._ends, self._transform = (one, other), transform
        self._lock = threading.Lock()
        self._carries: tuple[int, int] | None = None  # the thread that carries a value over, and the end it sets
        self._moved: int | None = None  # the end that has moved since
        self._follow(0)
        for end, (owner, name) in enumerate(self._ends):
            owner.observe(partial(self._follow, end), names=name)

    def _follow(self, end: int, change: Any = None) -> None:
        """Carry the value of this end over to the other one, and what comes after it."""
        thread = threading.get_ident()
        with self._lock:
            if self._carries is not None:
                if self._carries != (thread, end):  # else it is what was just set
                    self._moved = end
                return
            self._carries = thread, 1 - end
        moved: int | None = end
        try:
            while moved is not None:
                (source, name), (target, target_name) = self._ends[moved], self._ends[1 - moved]
                value = getattr(source, name)
                setattr(target, target_name, value if self._transform is None else self._transform[moved](value))
                with self._lock:
                    moved, self._moved = self._moved, None
                    self._carries = None if moved is None else (thread, 1 - moved)
        finally:
            with self._lock:
                self._carries = self._moved = None
