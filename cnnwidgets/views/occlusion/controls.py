"""The controls of OcclusionView that no other view has: for the target, for a length in pixels, for the filling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as W
import torch
import traitlets as T

from ...compute.dataset import Items
from ...widgets import controls
from ...widgets.controls import IntBox, IntRange, Search, hint

LISTED = 50
"""Classes that a search lists at most."""
PREDICTED = -1
"""What stands for None in the menu, where None means that nothing is chosen."""


class TargetPicker(W.HBox):
    """Menu of the most probable classes, and a search among all; `value` is linked to the trait `target` of a view."""

    value = T.Any(None, allow_none=True)

    def __init__(self, view: T.HasTraits) -> None:
        self._busy = True
        self._names: list[str] = []
        self._best: list[int] = []
        self._predicted = ""
        self._menu = W.Dropdown(options=[("predicted", PREDICTED)], layout=W.Layout(width="210px"))
        tip = "List the classes whose name or number holds this text"
        self._search = Search("class", "classes", self._to_first, width=90, tip=tip)
        super().__init__([self._menu, self._search], layout=W.Layout(overflow="hidden"))
        hint(
            self._menu,
            "Class whose score is shown and mapped: the predicted class, one of the best, or one that was found",
        )
        self._menu.observe(self._chosen, "value")
        self._search.observe(lambda change: self._list(), "value")
        T.link((view, "target"), (self, "value"))
        self._busy = False

    def update(self, names: list[str], best: Sequence[int], predicted: str) -> None:
        """List the `best` of all classes; `names` has one for each class, `predicted` is the name of the best one."""
        if (names, list(best), predicted) != (self._names, self._best, self._predicted):
            self._names, self._best, self._predicted = names, list(best), predicted
            self._search.layout.display = "" if len(names) > len(self._best) else "none"
            self._list()

    @property
    def found(self) -> list[int]:
        """The classes that are searched for, without a search the best ones."""
        text = self._search.value.strip().lower()
        if not text:
            return self._best
        return [n for n, name in enumerate(self._names) if text in name.lower() or text == str(n)]

    @property
    def listed(self) -> list[int]:
        """The classes in the menu."""
        found, chosen = self.found[:LISTED], self.value
        return found if chosen is None or chosen in found else [chosen, *found]

    def _to_first(self) -> None:
        if self._search.value.strip() and (found := self.found):
            self.value = found[0]

    def _list(self) -> None:
        options = [(f"predicted: {self._predicted}" if self._predicted else "predicted", PREDICTED)]
        options += [(self._names[number], number) for number in self.listed if number < len(self._names)]
        chosen = PREDICTED if self.value is None else self.value
        before, self._busy = self._busy, True  # new options choose the first of them for a moment
        try:
            if list(self._menu.options) != options:
                self._menu.options = options
            if any(number == chosen for _, number in options):
                self._menu.value = chosen
        finally:
            self._busy = before
        self._search.tell(len(self.found))

    def _chosen(self, change: Any) -> None:
        if not self._busy:
            self.value = None if change["new"] == PREDICTED else change["new"]

    @T.observe("value")
    def _show(self, change: Any) -> None:
        if not self._busy:
            self._list()


class OpenMenu(W.Dropdown):
    """Menu for a trait of a view that may also hold what is not listed: it is called "own" then."""

    def __init__(self, view: T.HasTraits, trait: str, options: Sequence[tuple[str, Any]], *, width: int, tip: str):
        self._listed, self._busy = list(options), False
        value = getattr(view, trait)
        super().__init__(options=self._with(value), value=value, layout=W.Layout(width=f"{width}px"))
        hint(self, tip)
        view.observe(lambda change: self._follow(change["new"]), trait)
        self.observe(lambda change: None if self._busy else view.set_trait(trait, change["new"]), "value")

    def _with(self, value: Any) -> list[tuple[str, Any]]:
        return self._listed if any(value == listed for _, listed in self._listed) else [*self._listed, ("own", value)]

    def _follow(self, value: Any) -> None:
        before, self._busy = self._busy, True  # new options choose the first of them for a moment
        try:
            known: Sequence[tuple[str, Any]] = self.options  # type: ignore[has-type]
            if all(value != one for _, one in known):
                self.options = self._with(value)
            self.value = value
        finally:
            self._busy = before


class PixelsControl(W.HBox):
    """A length in pixels. It sets a trait of a view that may also hold None or (height, width).

    Parameters
    ----------
    slide : bool
        A slider beside the box.
    """

    def __init__(self, view: T.HasTraits, trait: str, *, slide: bool, tip: str) -> None:
        self._view, self._trait, self._busy = view, trait, False
        self.box = IntBox(value=1, min=1, max=1, layout=W.Layout(width="58px"))
        parts: list[Any] = [self.box]
        if slide:
            slider = IntRange(value=1, min=1, max=1, readout=False, layout=W.Layout(width="110px"))
            parts.insert(0, slider)
        for part in parts:
            hint(part, tip)
            part.observe(self._moved, "value")
        super().__init__(parts, layout=W.Layout(overflow="hidden"))

    def show(self, pixels: int, maximum: int) -> None:
        """Tell what the view makes of its trait: so many pixels, of at most `maximum`."""
        before, self._busy = self._busy, True
        try:
            for part in self.children:
                part.max = max(maximum, pixels)
                part.value = pixels
        finally:
            self._busy = before

    def _moved(self, change: Any) -> None:
        if not self._busy:
            setattr(self._view, self._trait, change["new"])


def fillings(items: Items) -> list[tuple[str, Any]]:
    """What a patch can be filled with, as (label, baseline); in units of the network's input."""
    found: list[tuple[str, Any]] = [("zero", 0.0), ("mean colour", "mean"), ("blurred", "blur"), ("noise", "noise")]
    if items.normalization is None:
        found.append(("one", 1.0))
    else:
        mean, std = (torch.as_tensor(part, dtype=torch.float64).flatten() for part in items.normalization)
        for name, level in (("black", 0.0), ("white", 1.0)):
            numbers = ((level - mean) / std).tolist()  # a single one is for every channel
            found.append((name, numbers[0] if len(numbers) == 1 else tuple(numbers)))
    return found


def score_control(view: Any) -> W.Widget:
    """Menu of what is told of the target; a function of one's own is in it, where there is one."""
    options = [("logit", "logit"), ("probability", "probability")]
    return OpenMenu(view, "score", options, width=104, tip="The score that is shown and mapped")


def place_control(view: Any, size: tuple[int, int]) -> tuple[W.HBox, list[IntRange]]:
    """Sliders for the upper and the left edge of the patch on an image of `size`, which arrow keys move."""
    parts = (("top", "Row", "Upper"), ("left", "Column", "Left"))
    sliders = [
        controls.slider(view, trait, maximum=length - 1, width=110, tip=f"{edge} edge of the patch (arrow keys work)")
        for (trait, _, edge), length in zip(parts, size, strict=True)
    ]
    groups = [controls.labelled(label, slider) for (_, label, _), slider in zip(parts, sliders, strict=True)]
    return W.HBox(groups, layout=W.Layout(flex_flow="row wrap", overflow="hidden")), sliders
