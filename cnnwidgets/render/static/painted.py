"""What lets an exported page paint panels, or move a place in them, by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .panel import Panel


@dataclass(frozen=True, eq=False)
class Paints:
    """What a page needs once.

    Attributes
    ----------
    code : str
        JavaScript: an expression that is a function. The page calls it with `given` and with what it offers.
    style : str
        Rules of CSS.
    given : mapping
        What can be written as JSON.
    """

    code: str
    style: str
    given: Mapping[str, Any]

    @cached_property
    def bytes(self) -> int:
        """What it adds to the size of a page."""
        return len(self.code.encode()) + len(self.style.encode()) + len(json.dumps(self.given))


@dataclass(frozen=True, eq=False)
class Painted:
    """What a page needs for one card.

    Attributes
    ----------
    sheets : mapping of Panel
        What is told of each panel that is painted; `key` names the numbers, `place` the panel.
    numbers : mapping of callables
        The numbers by their names; asked for only where the page has them not yet.
    count : int
        How many maps there are.
    words : str
        The part of the footer that the page keeps true.
    """

    sheets: Mapping[Panel, Mapping[str, Any]]
    numbers: Mapping[str, Callable[[], Mapping[str, Any]]]
    count: int
    words: str = ""


@dataclass(frozen=True, eq=False)
class Moves:
    """What a page needs to move a place on one card.

    Attributes
    ----------
    name, code : str
        JavaScript: an expression that is a function. The page has the code of each name once.
    style : str
        Rules of CSS.
    boxes : mapping of Panel
        The panels that move, by the keys by which the code finds them.
    given : mapping
        What the function is called with, as JSON: first this, then the buffers, then the element where it stands.
    buffers : sequence of bytes
        Numbers; what several cards share is stored once.
    widths : mapping of int
        Of boxes that are not as wide as their panels, in px.
    """

    name: str
    code: str
    style: str
    boxes: Mapping[str, Panel]
    given: Mapping[str, Any]
    buffers: Sequence[bytes]
    widths: Mapping[str, int]
