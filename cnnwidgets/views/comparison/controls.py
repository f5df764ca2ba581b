"""The controls of a CompareView: one set for all its columns."""

from __future__ import annotations

from typing import Any

import ipywidgets as W

from ...compute.layers import Layer
from ...live import Linked
from ...widgets import controls
from ...widgets.controls import ChannelControl, Group, Player, ProgressRow
from .columns import LETTERS
from .panels import SCALES
from .rankings import BY

BLINK = 700
"""Milliseconds for which blinking shows one side."""


def curtain_control(view: Any) -> Group:
    """The slider between two columns, linked to the trait `curtain`, and a player that blinks between its ends."""
    tip = "How much of the first stands left of the curtain"
    slide = controls.slider(view, "curtain", maximum=100, width=130, tip=tip)
    options = {"min": 0, "max": 100, "step": 100, "interval": BLINK}
    blink = Player(value=view.curtain, layout=W.Layout(width="auto"), **options)
    for name in ("_repeat", "repeat"):  # in ipywidgets 7, and from 8 on
        if blink.has_trait(name):
            setattr(blink, name, True)
    Linked((view, "curtain"), (blink, "value"))
    controls.hint(blink, "Blink: one and the other in turn")
    return controls.labelled("Curtain", slide, blink)


def scale_control(view: Any) -> Group:
    """The menu of value ranges."""
    words = [(text, value) for value, text in SCALES.items()]
    tip = "Value range of the colours: one for all columns, or each its own"
    return controls.labelled("Scale", controls.dropdown(view, "scale", words, tip=tip))


class CompareControls:
    """`bar` stands above the panels; `by` and `progress` in them.

    Attributes
    ----------
    drawn : dict of str to Group
        For each trait that the page draws by itself the controls that have it.
    movers : dict of str to sequence of Widget
        The controls by which a hand asks for another layer or image.
    by : Widget
        What the ranking is by.
    progress : ProgressRow
        How far the comparison over the sample is.
    """

    def __init__(self, view: Any, count: int) -> None:
        self.channel = ChannelControl(view, view.layer_row, tip="Channel shown large in every column (arrow keys work)")
        scale, colors, curtain = scale_control(view), controls.colormap_menu(view), curtain_control(view)
        self.drawn = {"channel": self.channel, "colormap": colors, "scale": scale, "curtain": curtain}
        by = controls.dropdown(
            view, "by", [(words, name) for name, words in BY.items()], width=200, tip="What is ranked"
        )
        self.by = controls.labelled("By", by)
        self.progress = ProgressRow("images", view.toggle_survey)
        layer, image = view.layer_control(), view.image_control()
        self.movers = {"layer": layer.controls[0].pickers, "index": image.controls[:2]}
        self.bar: list[W.Widget] = [layer, image, self.channel]
        if count > 2:
            letters = [(LETTERS[at], at) for at in range(1, count)]
            second = controls.dropdown(
                view, "second", letters, width=60, tip="The column that the first is compared with"
            )
            self.bar.append(controls.labelled("A against", second))
        self.bar += [
            scale,
            colors,
            curtain,
            controls.labelled(
                "Sample",
                controls.entry(view, "sample", maximum=view.most, tip="Images of the data set that are compared"),
            ),
        ]

    def fit(self, row: Layer) -> None:
        """Offer the channels of a layer."""
        self.channel.fit(row)
