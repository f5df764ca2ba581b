"""A widget with everything that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, ValuesView
from functools import cache
from typing import Any

import ipywidgets as W
import traitlets as T

from .script import Scripted

PLAIN = (T.Unicode, T.Int, T.Float, T.Bool, T.Bytes, T.Enum)
"""Traits that hold no widget."""
PLAYING = ("_playing", "playing")
"""Whether a player plays: in ipywidgets 7, and from 8 on."""


def tree(widget: W.Widget) -> list[W.Widget]:
    """`widget` and every widget that it holds, itself last: children, layouts, styles, marks, scales, images."""
    found: dict[int, W.Widget] = {}
    todo: list[Any] = [widget]
    while todo:
        value = todo.pop()
        if isinstance(value, W.Widget):
            if id(value) not in found:
                found[id(value)] = value
                todo += [getattr(value, name, None) for name in _holding(type(value))]  # type: ignore[arg-type]
                todo += getattr(value, "apart", ())  # what stands in the page later, or never
        elif isinstance(value, Mapping):
            todo += value.values()
        elif isinstance(value, (list, tuple)) and value and not isinstance(value[0], (str, int, float)):
            todo += value
    return list(found.values())[::-1]


@cache
def _holding(kind: Any) -> list[str]:
    """The synchronised traits of a class that may hold widgets."""
    return [name for name, trait in kind.class_traits(sync=True).items() if not isinstance(trait, PLAIN)]


def close_tree(widget: W.Widget) -> None:
    """Close `widget` and every widget that it holds.

    ipywidgets closes the outer widget alone, which leaves the rest in the kernel and in the page. All is taken out of
    the page first: a hand that still is on a control would move one that is closed, and ipywidgets throws then. What
    runs JavaScript of ours goes before that: ipywidgets 7 has forgotten its views once it is closed, and says so. And
    what plays is stopped: it would count on in the page, and throw each time.
    """
    parts = tree(widget)
    for part in parts:
        if isinstance(part, W.Play):
            _stop(part)
        if isinstance(part, W.Box) and any(isinstance(child, Scripted) for child in part.children):
            part.children = [child for child in part.children if not isinstance(child, Scripted)]
    if isinstance(widget, W.Box):
        widget.children = ()
    for part in parts:
        part.close()


def _stop(player: W.Play) -> None:
    """Stop a player; the page is told so even where the kernel has not heard yet that it plays."""
    for name in PLAYING:
        if player.has_trait(name):
            player.set_trait(name, False)
            player.send_state(name)


def widgets_in(value: Any) -> list[W.Widget]:
    """The widgets that a value is, or holds."""
    if isinstance(value, W.Widget):
        return [value]
    if isinstance(value, Mapping):
        value = [*value.values()]
    if isinstance(value, (list, tuple, ValuesView)):
        return [part for item in value for part in widgets_in(item)]
    return []
