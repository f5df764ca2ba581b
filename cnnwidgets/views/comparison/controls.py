"""The controls of a CompareView: one set for all its columns."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import traitlets as T

from ...compute.layers import Layer
from ...widgets import controls
from ...widgets.controls import ChannelControl, Player, ProgressRow
from .columns import LETTERS
from .rankings import BY

BLINK = 700
"""Milliseconds for which blinking shows one side."""


def curtain_control(view: Any) -> W.Widget:
    """The slider between two columns, linked to the trait `curtain`, and a player that blinks between its ends."""
    tip = "How much of the first stands left of the curtain"
    slide = controls.slider(view, "curtain", maximum=100, width=130, tip=tip)
    options = {"min": 0, "max": 100, "step": 100, "interval": BLINK}
    blink = Player(value=view.curtain, layout=W.Layout(width="auto"), **options)
    for name in ("_repeat", "repeat"):  # in ipywidgets 7, and from 8 on
        if blink.has_trait(name):
            setattr(blink, name, True)
    T.link((view, "curtain"), (blink, "value"))
    controls.hint(blink, "Blink: one and the other in turn")
    return controls.labelled("Curtain", slide, blink)


class CompareControls:
    """`bar` stands above the panels; the others in them.

    Attributes
    ----------
    channel : ChannelControl
        Which channel of all columns.
    curtain_control : Widget
        The slider between two columns, and what makes it blink.
    by : Widget
        What the ranking is by.
    progress : ProgressRow
        How far the comparison over the sample is.
    """

    def __init__(self, view: Any, count: int) -> None:
        self.channel = ChannelControl(view, view.layer_row, tip="Channel shown large in every column (arrow keys work)")
        words = [("shared", "shared"), ("each its own", "column")]
        scale = controls.dropdown(
            view, "scale", words, tip="Value range of the colours: one for all columns, or each its own"
        )
        self.curtain_control = curtain_control(view)
        by = controls.dropdown(
            view, "by", [(words, name) for name, words in BY.items()], width=200, tip="What is ranked"
        )
        self.by = controls.labelled("By", by)
        self.progress = ProgressRow("images", view.toggle_survey)
        self.bar: list[W.Widget] = [view.layer_control(), view.image_control(), self.channel]
        if count > 2:
            letters = [(LETTERS[at], at) for at in range(1, count)]
            second = controls.dropdown(
                view, "second", letters, width=60, tip="The column that the first is compared with"
            )
            self.bar.append(controls.labelled("A against", second))
        self.bar += [
            controls.labelled("Scale", scale),
            controls.colormap_menu(view),
            controls.labelled(
                "Sample",
                controls.entry(view, "sample", maximum=view.most, tip="Images of the data set that are compared"),
            ),
        ]

    @property
    def slider(self) -> W.Widget:
        """The control that has the channel in the page."""
        return self.channel.controls[0]

    def fit(self, row: Layer) -> None:
        """Offer the channels of a layer."""
        self.channel.fit(row)
