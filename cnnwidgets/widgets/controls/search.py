"""A box to search a list with, which says how much it found."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as W
import traitlets as T

from ...live import Linked
from ..surface import layout, plain
from .basic import hint, named

LATE = 0.5
"""Seconds after Enter in which text may still come: the page holds text back while the kernel works, Enter never."""


class Search(W.HBox):
    """What is typed is `value`. Enter calls `on_enter`, with the text that was there when it was pressed.

    Parameters
    ----------
    one, many : str
        What is searched, as in "1 layer" and "2 layers".
    on_enter : callable
        Called without arguments.
    width : int
        Of the box, in px.
    tip : str
        Its tooltip.
    """

    value = T.Unicode()

    def __init__(self, one: str, many: str, on_enter: Callable[[], object], *, width: int, tip: str) -> None:
        self._words, self._on_enter, self._entered = (one, many), on_enter, -LATE
        self._box = plain(W.Text, placeholder="search", layout=W.Layout(width=f"{width}px"), continuous_update=True)
        self._found = plain(W.HTML, layout=layout(margin="2px 8px"))
        super().__init__([self._box, self._found], layout=W.Layout(overflow="hidden"))
        hint(named(self._box, f"Search {many}"), tip)
        Linked((self._box, "value"), (self, "value"))
        self._box.on_msg(self._said)

    def tell(self, count: int, left_out: int = 0) -> None:
        """Say how many were found, where anything is searched for; called after each change of `value`.

        Where there is none, `left_out` is how many there would be if all were searched.
        """
        one, many = self._words
        text, found = self.value.strip(), f"{count:,} {one if count == 1 else many}"
        words = f"{found} · Enter: the first" if count else f"no {one} matches {text!r}"
        words += f"; {left_out:,} left out {'does' if left_out == 1 else 'do'}" if left_out else ""
        self._found.value = f'<span class="cnnw-label" role="status">{escape(words)}</span>' if text else ""
        if count and time.monotonic() < self._entered + LATE:
            self._on_enter()

    def _said(self, _: Any, content: dict[str, Any], buffers: Any) -> None:
        if content.get("event") == "submit":
            self._entered = time.monotonic()
            self._on_enter()
