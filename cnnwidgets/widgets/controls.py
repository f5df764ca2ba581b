"""Controls that are linked to a view's traits, without callbacks: moving one and setting the trait are the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as W
import traitlets as T


def hint(widget: W.Widget, text: str) -> W.Widget:
    """Set the tooltip, which ipywidgets 7 and 8 call by different names."""
    for name in ("tooltip", "description_tooltip"):
        if widget.has_trait(name):
            setattr(widget, name, text)
            break
    return widget


def labelled(text: str, *controls: W.Widget) -> W.HBox:
    """A quiet label before its controls, in one unbreakable group."""
    label = W.HTML(f'<span class="cnnw-label">{text}</span>')
    layout = W.Layout(align_items="center", width="auto", flex="0 1 auto", margin="0 18px 0 0", overflow="hidden")
    return W.HBox([label, *controls], layout=layout)


def slider(view: T.HasTraits, trait: str, *, maximum: int, width: int = 150, tip: str) -> W.IntSlider:
    """An integer slider from 0 to `maximum`, linked to `trait`, with its number beside it."""
    control = W.IntSlider(
        value=getattr(view, trait), min=0, max=maximum, readout=False, layout=W.Layout(width=f"{width}px")
    )
    T.link((view, trait), (control, "value"))
    hint(control, tip)
    return control


def entry(view: T.HasTraits, trait: str, *, maximum: int, width: int = 64, tip: str) -> W.BoundedIntText:
    """A box to type an integer from 0 to `maximum` into, linked to `trait`."""
    control = W.BoundedIntText(value=getattr(view, trait), min=0, max=maximum, layout=W.Layout(width=f"{width}px"))
    T.link((view, trait), (control, "value"))
    hint(control, tip)
    return control


def dropdown(view: T.HasTraits, trait: str, options: Sequence[Any], *, width: int = 120, tip: str) -> W.Dropdown:
    """A menu of `options`, or `(label, value)` pairs, linked to `trait`."""
    control = W.Dropdown(options=options, value=getattr(view, trait), layout=W.Layout(width=f"{width}px"))
    T.link((view, trait), (control, "value"))
    hint(control, tip)
    return control


def button(text: str, action: Any, *, width: int = 32, tip: str) -> W.Button:
    """A small button that calls `action()`."""
    control = W.Button(description=text, tooltip=tip, layout=W.Layout(width=f"{width}px", padding="0"))
    control.on_click(lambda _: action())
    return control


def card_body(title: W.Widget, bar: Sequence[W.Widget], panels: Sequence[W.Widget]) -> list[W.Widget]:
    """The parts of a card from top to bottom: title, controls in rows that wrap, a line, panels side by side."""
    wrap = W.Layout(flex_flow="row wrap", align_items="center")
    side = W.Layout(flex_flow="row wrap", align_items="flex-start", min_height="440px")
    rule = W.HTML('<div class="cnnw-rule"></div>')
    return [title, W.HBox(list(bar), layout=wrap), rule, W.HBox(list(panels), layout=side)]


class ScaleControl(W.HBox):
    """Menu of value ranges; with `fixed`, two boxes for its ends.

    `value` is `"map"`, `"layer"` or `(vmin, vmax)`. `suggestion` is the range that `fixed` starts from.
    """

    value = T.Any("layer")

    def __init__(self, view: T.HasTraits, trait: str, *, tip: str) -> None:
        self.suggestion = (0.0, 1.0)
        self._showing = False
        self._menu = W.Dropdown(options=["map", "layer", "fixed"], value="layer", layout=W.Layout(width="90px"))
        self._ends = [W.FloatText(layout=W.Layout(width="80px", display="none")) for _ in range(2)]
        super().__init__([self._menu, *self._ends], layout=W.Layout(overflow="hidden"))
        hint(self._menu, tip)
        hint(self._ends[0], "value at the lower end of the colours")
        hint(self._ends[1], "value at the upper end of the colours")
        self._menu.observe(self._chosen, "value")
        for end in self._ends:
            end.observe(self._typed, "value")
        T.link((view, trait), (self, "value"))

    @T.observe("value")
    def _show(self, change: Any) -> None:
        fixed = not isinstance(self.value, str)
        if fixed:
            self._showing = True  # the first box alone, with what stands in the second, is no range
            for end, number in zip(self._ends, self.value, strict=True):
                end.value = number
            self._showing = False
        for end in self._ends:
            end.layout.display = "" if fixed else "none"
        self._menu.value = "fixed" if fixed else self.value

    def _chosen(self, change: Any) -> None:
        if self._menu.value != "fixed":
            self.value = self._menu.value
        elif isinstance(self.value, str):
            self.value = self.suggestion

    def _typed(self, change: Any) -> None:
        low, high = (end.value for end in self._ends)
        if not self._showing and not isinstance(self.value, str) and low < high:
            self.value = (low, high)
