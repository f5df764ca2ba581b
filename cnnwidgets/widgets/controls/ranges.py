"""Sliders, players and number boxes that have two places in the page at least, hidden while they have one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets as W

SINGLE = "cnnw-single"
"""Class of what is hidden because there is nothing to choose; apart from `layout.display`, which views set."""


def mark_single(widget: W.DOMWidget, single: bool) -> None:
    """Hide what has nothing to choose, or show it again."""
    if single != (SINGLE in widget._dom_classes):
        (widget.add_class if single else widget.remove_class)(SINGLE)


def is_single(widget: Any) -> bool:
    """Whether the control has nothing to choose."""
    return SINGLE in widget._dom_classes


class _Range(W.DOMWidget):
    """Tells the page of `min` and `max` together, and never that they are equal.

    noUiSlider, which newer front ends draw sliders with, throws where they are, and the slider is then missing for
    good. In the kernel `max` stays what it is, so that nothing beyond it is accepted.
    """

    min: Any
    max: Any

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.observe(self._fit, ["min", "max"])
        self._fit()

    def _fit(self, change: Any = None) -> None:
        mark_single(self, self.min == self.max)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The state as the page is told it."""
        names = set(self.keys if key is None else [key] if isinstance(key, str) else key)
        ends = {"min", "max"} & names
        state = super().get_state(names | {"min", "max"} if ends else names, drop_defaults)
        if ends:
            low, high = self.min, self.max
            state |= {"min": low, "max": high if high > low else low + 1}
        return state


class IntRange(_Range, W.IntSlider):
    """Slider of whole numbers."""


class LogRange(_Range, W.FloatLogSlider):
    """Slider of powers; `min` and `max` are exponents."""


class Player(_Range, W.Play):
    """Counts from `min` to `max` by itself."""


class IntBox(_Range, W.BoundedIntText):
    """Box for a whole number."""


class Options(W.SelectionSlider):
    """Slider over `options`; of a single one the page is told twice."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.observe(self._fit, "_options_labels")
        self._fit()

    def _fit(self, change: Any = None) -> None:
        mark_single(self, len(self._options_labels) < 2)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The state as the page is told it."""
        state = super().get_state(key, drop_defaults)
        if len(labels := state.get("_options_labels", "??")) == 1:
            state["_options_labels"] = labels * 2
        return state


def all_single(controls: Iterable[W.Widget]) -> bool:
    """Whether every range among the controls has one place, and there is one."""
    ranges = [control for control in controls if isinstance(control, _Range | Options)]
    return bool(ranges) and all(map(is_single, ranges))
