"""Sliders that change an image, and the curve of the scores as one of them runs over its range."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ipywidgets as W

from ...compute.dataset import Item, pixels_of
from ...compute.perturbation import CHANGES, perturb, stability
from ...compute.pictures import OwnImage
from ...live import Newest
from .. import controls
from ..state import Memory, Subject
from ..surface import layout, markup, number, plain
from .curve import curve, spread

POINTS = 41
"""Values of the curve."""
SLOW = 1.0
"""Seconds; a curve that takes longer is made when it is asked for."""
WORDS = {"gray": "no colour"}
STEPS = {"rotate": 1.0, "scale": 0.02}
"""Of these sliders; the others go from one end to the other in 100 steps. The value that changes nothing is a step."""
OFF = "no curve"


def words_of(name: str) -> str:
    """What a change is called."""
    return WORDS.get(name, name.replace("_", " "))


class Changes(W.VBox):
    """A slider for each change of an image, a button that undoes them all, and a curve.

    Parameters
    ----------
    subject : Subject
        Model and data set.
    on_change : callable
        Called when a slider has moved.

    Attributes
    ----------
    sliders : dict
        The slider of each change.
    chosen : Dropdown
        Which of them the curve is of.
    """

    def __init__(self, subject: Subject, on_change: Callable[[], object]) -> None:
        self.subject, self._on_change = subject, on_change
        self.seed, self._neutrally, self._took = 0, controls.Guard(), 0.0
        self._item: Item | None = None
        self._memory, self._newest = Memory(), Newest(self._draw)
        self.sliders = {name: self._slider(name) for name in CHANGES}
        named = [(words_of(name), name) for name in CHANGES]
        self.chosen = plain(W.Dropdown, options=[(OFF, ""), *named], value="", layout=layout(width="130px"))
        controls.hint(self.chosen, "The scores as this slider runs over its range, with the places where they flip")
        self.chosen.observe(self._asked, "value")
        self._curve = plain(W.HTML)
        self._reset = controls.button("reset", self.reset, width=64, tip="Undo all changes")
        again = controls.button("other noise", self._other_noise, width=90, tip="Another pattern of noise")
        self._again = controls.button("update", self._update, width=64, tip="Make the curve of the present image")
        self._again.layout = W.Layout(width="64px", padding="0", display="none")
        rows = plain(
            W.VBox, [controls.labelled(words_of(name).capitalize(), slider) for name, slider in self.sliders.items()]
        )
        rows.add_class("cnnw-changes")
        buttons = plain(W.HBox, [self._reset, again])
        beside = plain(W.VBox, [controls.labelled("Curve of", self.chosen, beside=[self._again]), self._curve])
        super().__init__([rows, buttons, beside])

    @property
    def values(self) -> dict[str, float]:
        """The changes that change something."""
        found = {name: float(slider.value) for name, slider in self.sliders.items()}
        return {name: value for name, value in found.items() if abs(value - CHANGES[name].none) > _step(name) / 2}

    def follow(self, item: Item, *, reset: bool = False) -> None:
        """Change `item` from now on; with `reset`, by nothing at first."""
        self._item = item
        if reset:
            self._neutral()
        self.request()

    def made(self, item: Item) -> OwnImage:
        """The image of `item` with the present changes, with the label of `item`."""
        if item.image is None:
            raise TypeError("the items hold no image tensor that could be changed")
        pixels, values = pixels_of(item.image, self.subject.items.normalization), self.values
        image = pixels.normalize(perturb(pixels.image, limits=pixels.limits, seed=self.seed, **values))
        words = ", ".join(f"{words_of(name)} {number(value)}" for name, value in values.items())
        return OwnImage(numbers=image, notes=(*item.notes, words), label=item.label, text=item.text)

    def reset(self) -> None:
        """Undo all changes."""
        self._neutral()
        self._on_change()
        self.request()

    def request(self) -> None:
        """Have the curve made of the present image, unless that takes long."""
        if not self.chosen.value:
            return
        if self._took < SLOW:
            self._newest.request()
        else:
            self._again.layout.display = ""

    # ------------------------------------------------------------------ parts

    def _slider(self, name: str) -> W.FloatSlider:
        change = CHANGES[name]
        low, high = change.span
        limits = {"min": low, "max": high, "step": _step(name)}
        look = layout(width="122px")
        slider = plain(W.FloatSlider, value=change.none, **limits, readout_format=".2f", layout=look)
        controls.hint(slider, change.unit)
        slider.observe(self._moved, "value")
        return slider

    def _moved(self, change: Any) -> None:
        if not self._neutrally:
            self._on_change()
            self.request()

    def _neutral(self) -> None:
        with self._neutrally:
            for name, slider in self.sliders.items():
                slider.value = CHANGES[name].none

    def _other_noise(self) -> None:
        self.seed += 1
        self._on_change()
        self.request()

    def _asked(self, change: Any) -> None:
        self._took = 0.0
        self._newest.request()

    def _update(self) -> None:
        self._took = 0.0
        self._newest.request()

    def _draw(self) -> None:
        """Make the curve, where anything it depends on has changed."""
        name, item = self.chosen.value, self._item
        self._again.layout.display = "none"
        if not name or item is None:
            self._curve.value = ""
            return
        try:
            self._curve.value = self._drawn(name, item)
        except Exception as error:
            self._curve.value = markup.error(" ".join(str(error).split()))

    def _drawn(self, name: str, item: Item) -> str:
        if item.image is None or self.subject.prepare is not None:
            raise TypeError("no curve: it is of networks that take one image and nothing else")
        image, change = item.image, CHANGES[name]
        others = {other: value for other, value in self.values.items() if other != name}
        key = (item, name, self.seed, *self.subject.weights, *(part for pair in others.items() for part in pair))

        def find() -> Any:
            pixels, start = pixels_of(image, self.subject.items.normalization), time.perf_counter()
            found = stability(
                self.subject.module,
                pixels.image,
                name,
                spread(change.span, POINTS),
                limits=pixels.limits,
                seed=self.seed,
                transform=pixels.normalize,
                **others,
            )
            self._took = time.perf_counter() - start
            return found

        found = self._memory.remember("curve", key, find)
        count = found.scores.shape[1]
        called = self.subject.names.called
        return curve(found, lambda at: called(at, count), float(self.sliders[name].value), change.unit)


def _step(name: str) -> float:
    low, high = CHANGES[name].span
    return STEPS.get(name, (high - low) / 100)
