"""Controls that are linked to a view's traits, without callbacks: moving one and setting the trait are the same."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from itertools import chain
from typing import Any

import ipywidgets as W
import traitlets as T

from ...compute.layers import Layer
from ...live import Linked
from ...render.color import COLORMAPS
from ..surface import layout, plain
from .guard import Guard
from .ranges import IntBox, IntRange, LogRange, all_single, mark_single

AUTO = "auto"
SCALE_TIP = (
    "Value range of the colours: map, each its own; layer, 99.5 % of all values, beyond it the colour of the end; "
    "layer-full, all values; or two numbers"
)
TOOLTIPS = ("tooltip", "description_tooltip")
"""ipywidgets 7 has the first for buttons and the second for all else, ipywidgets 8 the first for all."""


def hint(widget: W.Widget, text: str) -> W.Widget:
    """Set the tooltip."""
    for name in TOOLTIPS:
        if widget.has_trait(name):
            setattr(widget, name, text)
            break
    return widget


def _tip(widget: W.Widget) -> str:
    """The tooltip of a widget, or of the first one within it that has one."""
    own = [getattr(widget, name) for name in TOOLTIPS if widget.has_trait(name)]
    return next(filter(None, chain(own, map(_tip, getattr(widget, "children", ())))), "")


NAMED = (
    *(W.IntSlider, W.FloatSlider, W.FloatLogSlider, W.SelectionSlider, W.Dropdown, W.Checkbox, W.Text, W.Textarea),
    *(W.BoundedIntText, W.BoundedFloatText, W.FloatText),
)
"""Controls whose description stands in the page as a label of their own."""


def named(widget: W.Widget, text: str) -> W.Widget:
    """Name a control for a screen reader; the name is not seen."""
    widget.description = text
    widget.add_class("cnnw-named")
    return widget


def _nameless(*widgets: W.Widget) -> list[W.Widget]:
    """The controls among `widgets`, and within them, that have no name."""
    found: list[W.Widget] = []
    for widget in widgets:
        if isinstance(widget, NAMED) and not widget.description:
            found.append(widget)
        if children := getattr(widget, "children", ()):
            found += _nameless(*children)
    return found


class Group(W.HBox):
    """A quiet label before its controls, in one unbreakable group, which goes while none of them has a choice.

    The label has the tooltip of the first control too: sliders and menus of ipywidgets 7 show none themselves.

    Parameters
    ----------
    text : str
        The label, and the name of each control that has none.
    *controls : Widget
        From left to right.
    beside : sequence of Widget
        Behind them: what stays when they have no choice.
    """

    text = T.Unicode()

    @property
    def controls(self) -> tuple[W.Widget, ...]:
        """The controls, from left to right."""
        return self._controls

    def __init__(self, text: str, *controls: W.Widget, beside: Sequence[W.Widget] = ()) -> None:
        self._label = plain(W.HTML, layout=layout(margin="2px 10px 2px 2px"))
        self._controls, self._beside, self._single = controls, beside, False
        self._named = _nameless(*controls)
        self._tip = escape(next(filter(None, map(_tip, controls)), ""))
        look = W.Layout(align_items="flex-start", width="auto", flex="0 1 auto", margin="0 18px 0 0")
        look.overflow = "hidden"
        super().__init__([self._label, *controls, *beside], layout=look, text=text)
        for control in controls:
            control.observe(self._fit, "_dom_classes")
        self._fit()

    @T.observe("text")
    def _show(self, change: Any) -> None:
        self._label.value = f'<span class="cnnw-label" title="{self._tip}">{escape(self.text)}</span>'
        for control in self._named:
            named(control, self.text)

    def _fit(self, change: Any = None) -> None:
        single = all_single(self._controls)
        if single == self._single:
            return
        self._single = single
        going = (
            [self._label, *(each for each in self._controls if isinstance(each, W.Button))] if self._beside else [self]
        )
        for part in going:
            mark_single(part, single)


labelled = Group


def slider(view: T.HasTraits, trait: str, *, maximum: int, width: int = 150, tip: str) -> IntRange:
    """An integer slider from 0 to `maximum`, linked to `trait`, with its number beside it."""
    look = layout(width=f"{width}px")
    control = plain(IntRange, value=getattr(view, trait), min=0, max=maximum, readout=False, layout=look)
    Linked((view, trait), (control, "value"))
    hint(control, tip)
    return control


def entry(view: T.HasTraits, trait: str, *, maximum: int, width: int = 64, tip: str) -> IntBox:
    """A box to type an integer from 0 to `maximum` into, linked to `trait`."""
    control = plain(IntBox, value=getattr(view, trait), min=0, max=maximum, layout=layout(width=f"{width}px"))
    Linked((view, trait), (control, "value"))
    hint(control, tip)
    return control


def fit(view: T.HasTraits, trait: str, last: int, controls: Sequence[W.Widget]) -> None:
    """Have controls linked to `trait` go from 0 to `last`; a value beyond becomes `last`.

    A control cuts off a value that its end does not allow, and pushes that back to the view: so it gets the value that
    is to be, while it is wide enough for both, and only then its end. Otherwise a value set together with the layer
    would be undone by the controls of the layer before.
    """
    value = min(getattr(view, trait), last)
    for control in controls:
        control.max = max(control.max, last)
    setattr(view, trait, value)
    for control in controls:
        control.value = value
        control.max = last


def auto_entry(view: T.HasTraits, trait: str, *, maximum: int, width: int = 56, tip: str) -> W.Text:
    """A box to type a positive integer up to `maximum` into, or `auto` for 0, linked to `trait`."""
    control = plain(W.Text, continuous_update=False, layout=layout(width=f"{width}px"))

    def show(change: Any = None) -> None:
        control.value = str(getattr(view, trait) or AUTO)

    def typed(change: Any) -> None:
        text = change["new"].strip().lower()
        with suppress(ValueError, T.TraitError):  # what is no number is put back
            setattr(view, trait, 0 if text in ("", AUTO) else min(int(text), maximum))
        show()

    show()
    control.observe(typed, "value")
    view.observe(show, trait)
    return hint(control, tip)


def channel_word(row: Layer) -> str:
    """What the channels of a layer are called."""
    return "Unit" if row.kind == "vector" else "Channel"


def dropdown(view: T.HasTraits, trait: str, options: Sequence[Any], *, width: int = 120, tip: str) -> W.Dropdown:
    """A menu of `options`, or `(label, value)` pairs, linked to `trait`."""
    control = plain(W.Dropdown, options=options, value=getattr(view, trait), layout=layout(width=f"{width}px"))
    Linked((view, trait), (control, "value"))
    hint(control, tip)
    return control


def colormap_menu(view: T.HasTraits, trait: str = "colormap", *, tip: str = "", width: int = 100) -> Group:
    """A menu of colour maps with its label, linked to `trait`; one that is given by name is among them from then on."""
    options = list(dict.fromkeys((*COLORMAPS, getattr(view, trait))))
    tip = tip or "auto: a diverging map centred on 0 for signed values"
    menu = plain(W.Dropdown, options=options, value=getattr(view, trait), layout=layout(width=f"{width}px"))
    writing = Guard()

    def show(change: Any) -> None:
        with writing:  # new options begin with the first one
            if change["new"] not in menu.options:
                menu.options = (*menu.options, change["new"])
            menu.value = change["new"]

    def chosen(change: Any) -> None:
        if not writing:
            setattr(view, trait, change["new"])

    view.observe(show, trait)
    menu.observe(chosen, "value")
    return labelled("Colours", hint(menu, tip))


def button(text: str, action: Any, *, width: int = 32, tip: str) -> W.Button:
    """A small button that calls `action()`."""
    control = plain(W.Button, description=text, tooltip=tip, layout=layout(width=f"{width}px", padding="0"))
    control.on_click(lambda _: action())
    return control


def checkbox(view: T.HasTraits, trait: str, text: str, *, width: int, tip: str) -> W.Checkbox:
    """A box to tick, with its text, linked to `trait`."""
    look = W.Layout(width=f"{width}px", margin="0 18px 0 0")
    control = plain(W.Checkbox, value=getattr(view, trait), description=text, indent=False, layout=look)
    Linked((view, trait), (control, "value"))
    hint(control, tip)
    return control


def fraction(view: T.HasTraits, trait: str, *, width: int = 150, tip: str) -> W.FloatSlider:
    """A slider from 0 to 1, linked to `trait`."""
    limits = {"min": 0.0, "max": 1.0, "step": 0.05}
    look = W.Layout(width=f"{width}px")
    control = plain(W.FloatSlider, value=getattr(view, trait), **limits, readout=False, layout=look)
    Linked((view, trait), (control, "value"))
    hint(control, tip)
    return control


def doubling(view: T.HasTraits, trait: str, *, maximum: int, width: int = 110, tip: str) -> LogRange:
    """A slider that doubles at each step, from 1 to `maximum` or just above, linked to `trait`, a whole number."""
    value, look = getattr(view, trait), layout(width=f"{width}px")
    limits = {"base": 2, "min": 0, "max": top_power(maximum), "step": 1}
    control = plain(LogRange, **limits, value=value, readout=False, layout=look)
    Linked((view, trait), (control, "value"), transform=(float, round))
    hint(control, tip)
    return control


def top_power(maximum: int) -> int:
    """The last step of a `doubling` slider."""
    return max(1, math.ceil(math.log2(maximum)))


class _Chosen(T.HasTraits):
    """Which image of the data set is shown, or was before an own image, which the controls have no place for."""

    index = T.Int(0)


def index_control(view: Any, count: int) -> W.HBox:
    """Slider, box and buttons for the trait `index` of a view: which of `count` images, or an own one.

    Where the view has a strip of pictures, its button is among them.
    """
    dice = random.Random()  # our own: the global one stays as it is
    chosen = _Chosen()
    Linked((view, "index"), (chosen, "index"), transform=(lambda at: at if at >= 0 else chosen.index, int))

    def step(by: int) -> None:
        view.index = (chosen.index + by) % count

    def jump() -> None:
        view.index = dice.randrange(count)

    toggle = getattr(view, "toggle_input", None)  # of views that show own images
    own = [button("own image", toggle, width=86, tip="Draw, upload or change an image")] if toggle else []
    strip = getattr(view, "strip_button", lambda: None)()
    found = labelled(
        "Image",
        slider(chosen, "index", maximum=count - 1, tip="Index of the image in the data set"),
        entry(chosen, "index", maximum=count - 1, width=74, tip="Type an index"),
        button("<", lambda: step(-1), tip="Previous image"),
        button(">", lambda: step(1), tip="Next image"),
        button("random", jump, width=70, tip="A random image"),
        *([] if strip is None else [strip]),
        beside=own,
    )
    found.layout.flex_flow = "row wrap"  # in a narrow page no button is cut off
    return found


class ScaleControl(W.HBox):
    """Menu of value ranges; with `fixed`, two boxes for its ends.

    `value` is `"map"`, `"layer"`, `"layer-full"` or `(vmin, vmax)`. `suggestion` is the range that `fixed` starts from.
    """

    value = T.Any("layer")

    def __init__(self, view: T.HasTraits, trait: str, *, tip: str) -> None:
        self.suggestion = (0.0, 1.0)
        self._writing = Guard()
        options = ["map", "layer", "layer-full", "fixed"]
        self._menu = plain(W.Dropdown, options=options, value="layer", layout=layout(width="90px"))
        self._ends = [plain(W.FloatText, layout=W.Layout(width="80px", display="none")) for _ in range(2)]
        super().__init__([self._menu, *self._ends], layout=layout(overflow="hidden"))
        hint(self._menu, tip)
        hint(self._ends[0], "value at the lower end of the colours")
        hint(self._ends[1], "value at the upper end of the colours")
        self._menu.observe(self._chosen, "value")
        for end in self._ends:
            end.observe(self._typed, "value")
        Linked((view, trait), (self, "value"))

    @T.observe("value")
    def _show(self, change: Any) -> None:
        fixed = not isinstance(self.value, str)
        if fixed:
            with self._writing:  # the first box alone, with what stands in the second, is no range
                for end, number in zip(self._ends, self.value, strict=True):
                    end.value = number
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
        if not self._writing and not isinstance(self.value, str) and low < high:
            self.value = (low, high)
