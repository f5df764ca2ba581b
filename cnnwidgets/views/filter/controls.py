"""The controls of FilterView: which of them there are, and which of them a layer and a mode have use for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W

from ...compute.filters import ORDERS
from ...widgets import controls
from ...widgets.controls import LayerPicker
from .convolutions import Convolutions
from .sheets import SCALES

NUMBERS = {
    "filter": ("Filter", "Filter shown large: an output channel"),
    "channel": ("Channel", "Kernel of the filter: one input channel of its group"),
    "plane": ("Slice", "Slice of a kernel of three dimensions"),
}
MENUS = {
    "mode": ("Show", 95, "rgb: filters in colour; single: kernels page by page; collated: every kernel of the layer"),
    "order": ("Order", 100, "Order in which filters are laid out"),
    "scale": ("Scale", 80, "Value range of the colours; in rgb a kernel has that of its filter"),
}
FOLDED = "Weights and bias as they act together with the BatchNorm behind the layer"


class FilterControls:
    """The bar of a FilterView: `bar` in the order of the card, `groups` by the trait that they move."""

    def __init__(self, view: Any, known: Convolutions) -> None:
        self._view, self._known = view, known
        counts = known.counts(view.layer)
        options = {"mode": known.modes(view.layer), "scale": SCALES, "order": ORDERS}
        self._numbers = {
            name: (
                controls.slider(view, name, maximum=counts[name] - 1, width=110, tip=f"{tip} (arrow keys work)"),
                controls.entry(view, name, maximum=counts[name] - 1, width=60, tip=tip),
            )
            for name, (_, tip) in NUMBERS.items()
        }
        self._menus: dict[str, W.Dropdown] = {
            name: controls.dropdown(view, name, options[name], width=width, tip=tip)
            for name, (_, width, tip) in MENUS.items()
        }
        menus = {name: controls.labelled(MENUS[name][0], menu) for name, menu in self._menus.items()}
        columns = controls.auto_entry(view, "columns", maximum=9999, tip="Pictures in a row; auto: as fits")
        self.groups: dict[str, W.Widget] = {
            **{name: controls.labelled(NUMBERS[name][0], *pair) for name, pair in self._numbers.items()},
            "mode": menus["mode"],
            "order": menus["order"],
            "colormap": controls.colormap_menu(view, tip="auto: a diverging map; its middle is 0", width=95),
            "scale": menus["scale"],
            "columns": controls.labelled("Columns", columns),
            "folded": controls.checkbox(view, "folded", "BatchNorm folded", width=140, tip=FOLDED),
        }
        self.bar = [controls.labelled("Layer", LayerPicker(view, "layer", known.table)), *self.groups.values()]

    def fit(self) -> None:
        """Take the ranges and options of the view's layer; the view draws nothing meanwhile."""
        view = self._view
        for name, count in self._known.counts(view.layer).items():
            for control in self._numbers[name]:
                control.max = count - 1
                control.value = getattr(view, name)
        mode, modes = view.mode, self._known.modes(view.layer)
        if list(self._menus["mode"].options) != modes:
            self._menus["mode"].options = modes  # which chooses the first
            view.mode = mode

    def show(self) -> None:
        """Show what the layer and the mode have use for."""
        layer, colored = self._view.layer, self._view.mode == "rgb"
        useful = {name: count > 1 for name, count in self._known.counts(layer).items()}
        useful |= {"folded": layer in self._known.norms, "colormap": not colored}
        useful["channel"] = useful["channel"] and not colored
        for name, wanted in useful.items():
            self.groups[name].layout.display = "" if wanted else "none"


class ZoomControl(W.HBox):
    """Buttons and a slider for the trait `zoom` of a FilterView, and arrows that call `pan(down, right)`."""

    def __init__(self, view: Any, pan: Callable[[int, int], None]) -> None:
        self._view = view
        self._slider = controls.doubling(view, "zoom", maximum=view.deepest, tip="Zoom around the chosen kernel")
        arrows = {"←": (0, -1, "left"), "↑": (-1, 0, "up"), "↓": (1, 0, "down"), "→": (0, 1, "right")}
        row = controls.labelled(
            "Zoom",
            controls.button("−", lambda: self._by(0.5), tip="Show twice as many rows and columns"),
            self._slider,
            controls.button("+", lambda: self._by(2), tip="Show half as many rows and columns"),
            *(
                controls.button(text, lambda by=by: pan(*by[:2]), tip=f"Move half a window {by[2]}")
                for text, by in arrows.items()
            ),
            controls.button("all", lambda: view.set_trait("zoom", 1), width=44, tip="Show every kernel"),
        )
        super().__init__([row], layout=W.Layout(margin="0 0 4px 0"))

    def fit(self) -> None:
        """Take the range of the view's layer."""
        self._slider.max = controls.top_power(self._view.deepest)
        self._slider.value = float(self._view.zoom)

    def _by(self, factor: float) -> None:
        self._view.zoom = min(self._view.deepest, max(1, round(factor * self._view.zoom)))
