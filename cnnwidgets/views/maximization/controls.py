"""The controls of MaximizeView: what is driven, how, and from which random numbers."""

from __future__ import annotations

from typing import Any

import ipywidgets as W

from ...widgets import controls
from ...widgets.controls import ChannelControl, ProgressRow

PLACES = {"centre": "unit in the middle", "everywhere": "mean of the map"}
"""What of a channel is driven, and what the menu calls it."""


class MaximizeControls:
    """The controls of a MaximizeView: `bar` stands above its panels, `progress` below its pictures."""

    def __init__(self, view: Any) -> None:
        self.channel = ChannelControl(view, view.layer_row, tip="The channel that is driven (arrow keys work)")
        self.progress = ProgressRow("steps", view.toggle)
        places = [(text, name) for name, text in PLACES.items()]
        place = controls.dropdown(view, "place", places, width=150, tip="What of the channel is driven")
        self.place = controls.labelled("Driven", place)
        self.bar: list[W.Widget] = [
            view.layer_control(),
            self.channel,
            self.place,
            controls.labelled(
                "Pictures", controls.entry(view, "count", maximum=9, width=56, tip="How many, kept apart: 1 to 9")
            ),
            controls.labelled(
                "Steps", controls.entry(view, "steps", maximum=4096, width=72, tip="Of the optimisation")
            ),
            controls.labelled(
                "Seed",
                controls.entry(view, "seed", maximum=9999, width=72, tip="Of all that is random"),
                controls.button("new", view.new_seed, width=48, tip="Begin anew with the next seed"),
            ),
        ]

    def fit(self, maps: bool) -> None:
        """Show what the present layer has use for."""
        self.place.layout.display = "" if maps else "none"
