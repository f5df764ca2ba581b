"""Boxes to tick, any number of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as W
import traitlets as T

from ...live import Linked
from ..surface import layout, plain
from .basic import hint


class Choices(W.HBox):
    """A box to tick for each of several things; `value` is a tuple of those that are, in the order of the boxes.

    Parameters
    ----------
    view, trait
        What `value` is linked to.
    options : mapping
        Value -> its text.
    tips : mapping
        Value -> its tooltip.
    """

    value = T.Tuple()

    def __init__(self, view: T.HasTraits, trait: str, options: Mapping[str, str], tips: Mapping[str, str]) -> None:
        self._boxes: dict[str, W.Checkbox] = {}
        for name, text in options.items():
            look = layout(width="auto", margin="0 8px 0 0")
            box = plain(W.Checkbox, value=False, description=text, indent=False, layout=look)
            self._boxes[name] = hint(box, tips.get(name, text))
        super().__init__(list(self._boxes.values()), layout=W.Layout(flex_flow="row wrap"))
        Linked((view, trait), (self, "value"))
        for box in self._boxes.values():
            box.observe(self._ticked, "value")

    @T.observe("value")
    def _show(self, change: Any) -> None:
        for name, box in self._boxes.items():
            box.value = name in self.value

    def _ticked(self, change: Any) -> None:
        name = next(name for name, box in self._boxes.items() if box is change["owner"])
        if change["new"] != (name in self.value):
            chosen = {*self.value, name} if change["new"] else {*self.value} - {name}
            self.value = tuple(each for each in self._boxes if each in chosen)
