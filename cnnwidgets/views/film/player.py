"""What plays a film: a slider for the frame, a play button and its speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as W
import traitlets as T

from ...live import Linked
from ...widgets import controls
from ...widgets.controls import Player

SPEEDS = (1, 2, 5, 10)
"""Frames a second that can be chosen."""


class FilmPlayer:
    """Slider, play button and speed, linked to the traits `frame` and `speed` of a view.

    Parameters
    ----------
    view : HasTraits
        Whose traits they are linked to.
    first, last : int
        The frames that can be chosen.

    Attributes
    ----------
    control : Widget
        All of them, with their label.
    """

    def __init__(self, view: Any, first: int, last: int) -> None:
        tip = "Frame of the film (arrow keys work)"
        self._slider = controls.slider(view, "frame", maximum=last, width=260, tip=tip)
        self._slider.min = first
        self._play = Player(value=view.frame, min=first, max=last, layout=W.Layout(width="auto"))
        Linked((view, "frame"), (self._play, "value"))
        T.dlink((view, "speed"), (self._play, "interval"), transform=lambda speed: round(1000 / speed))
        controls.hint(self._play, "Play the film")
        speeds = [(f"{speed} a second", speed) for speed in SPEEDS]
        speed = controls.dropdown(view, "speed", speeds, width=110, tip="How fast the film plays")
        self.control = controls.labelled("Frame", self._play, self._slider, speed)

    @property
    def movers(self) -> list[W.Widget]:
        """What moves the frame in the page."""
        return [self._slider, self._play]

    @property
    def last(self) -> int:
        """The last frame that can be chosen."""
        return int(self._slider.max)

    def fit(self, frames: Sequence[int], last: int) -> None:
        """Offer the frames from the first of `frames` to `last`; the view moves on to the next one of `frames`."""
        for control in (self._slider, self._play):  # first all of them, so that no end cuts off what is on its way
            control.max = last
            control.min = 0
        self._slider.value = min((at for at in frames if at >= self._slider.value), default=frames[-1])
        for control in (self._slider, self._play):
            control.min = frames[0]  # before it there is nothing of the kind
