"""Closing a widget with everything that belongs to it."""

from __future__ import annotations

from typing import Any

import ipywidgets as W


def close_tree(widget: W.Widget, *, keep: set[int] | None = None) -> None:
    """Close `widget` and every widget that it holds: children, layouts, styles, marks, scales, images.

    ipywidgets closes the outer widget alone, which leaves the rest in the kernel and in the page.
    """
    done = set() if keep is None else keep
    if id(widget) in done:
        return
    done.add(id(widget))
    for name in list(widget.keys):
        for part in _widgets_in(getattr(widget, name, None)):
            close_tree(part, keep=done)
    widget.close()


def _widgets_in(value: Any) -> list[W.Widget]:
    if isinstance(value, W.Widget):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, (list, tuple)) or type(value).__name__ == "dict_values":
        return [part for item in value for part in _widgets_in(item)]
    return []
