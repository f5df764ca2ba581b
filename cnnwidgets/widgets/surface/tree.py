"""A widget with everything that belongs to it."""

from __future__ import annotations

from typing import Any

import ipywidgets as W


def tree(widget: W.Widget) -> list[W.Widget]:
    """`widget` and every widget that it holds, itself last: children, layouts, styles, marks, scales, images."""
    found: list[W.Widget] = []
    known: set[int] = set()

    def walk(part: W.Widget) -> None:
        if id(part) not in known:
            known.add(id(part))
            for name in list(part.keys):
                for inner in widgets_in(getattr(part, name, None)):
                    walk(inner)
            found.append(part)

    walk(widget)
    return found


def close_tree(widget: W.Widget) -> None:
    """Close `widget` and every widget that it holds.

    ipywidgets closes the outer widget alone, which leaves the rest in the kernel and in the page.
    """
    for part in tree(widget):
        part.close()


def widgets_in(value: Any) -> list[W.Widget]:
    """The widgets that a value is, or holds."""
    if isinstance(value, W.Widget):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, (list, tuple)) or type(value).__name__ == "dict_values":
        return [part for item in value for part in widgets_in(item)]
    return []
