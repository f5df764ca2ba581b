"""The controls of InterventionView: what is done to the chosen channel, what replaces it, and the ranking."""

from __future__ import annotations

from typing import Any

import ipywidgets as W

from ...widgets import controls
from ...widgets.controls import ChannelControl, Guard, TargetMenu, hint
from ...widgets.surface import layout, plain
from .beside import Beside
from .edits import REPLACES

GAINS = (-2.0, 3.0)
"""Ends of the slider; in a cell any factor may be given."""


class SwitchControl(W.HBox):
    """A tick and a slider for the chosen channel: whether it is off, and by what it is multiplied."""

    def __init__(self, view: Any) -> None:
        self._view, self._writing = view, Guard()
        look = W.Layout(width="56px", margin="0 10px 0 0")
        self.off = plain(W.Checkbox, value=False, description="off", indent=False, layout=look)
        self.gain = plain(
            W.FloatSlider, value=1.0, min=GAINS[0], max=GAINS[1], step=0.1, layout=layout(width="190px"),
            readout_format=".1f",
        )  # fmt: skip
        hint(self.off, "Switch the chosen channel off (or click it in the grid)")
        hint(self.gain, "Multiply the chosen channel by this; 1: as it is")
        super().__init__([self.off, controls.labelled("Gain", self.gain)], layout=W.Layout(overflow="hidden"))
        self.off.observe(self._ticked, "value")
        self.gain.observe(self._moved, "value")
        view.observe(self.show, ["channel", "off", "gains"])
        self.show()

    def show(self, change: Any = None) -> None:
        """Show what is done to the chosen channel."""
        view = self._view
        with self._writing:
            self.off.value = view.channel in view.off
            self.gain.value = min(max(dict(view.gains).get(view.channel, 1.0), GAINS[0]), GAINS[1])

    def _ticked(self, change: Any) -> None:
        if not self._writing:
            self._view.switch(self._view.channel, off=change["new"])

    def _moved(self, change: Any) -> None:
        if not self._writing:
            view = self._view
            view.gains = tuple({**dict(view.gains), view.channel: change["new"]}.items())


class InterventionControls:
    """The controls of an InterventionView: `bar` stands above its panels, the others in those that grow."""

    def __init__(self, view: Any, beside: Beside) -> None:
        self._view = view
        self.channel = ChannelControl(view, view.layer_row, tip="The chosen channel (arrow keys work)")
        self.switch = SwitchControl(view)
        words = [("0", "zero"), ("its mean", "mean"), ("another image's values", "image")]
        assert [value for _, value in words] == list(REPLACES)
        replace = controls.dropdown(view, "replace", words, width=170, tip="What is there instead of a channel")
        last = len(view.subject.items) - 1
        self.other = controls.labelled(
            "of image", controls.entry(view, "other", maximum=last, width=70, tip="Index of the other image")
        )
        look = W.Layout(width="auto", padding="0 8px", display="none")
        self.behind = plain(W.Button, layout=look, tooltip="Switch the same channels off behind the norm")
        self.behind.on_click(lambda _: view.follow_norm())
        self.target = TargetMenu(view, "target", tip="The class that the channels are ranked for")
        scores = ["logit", "probability"]
        self.ranked, self.carried = beside.ranking.row("channels"), beside.carrying.row("layers")
        self.measured = beside.measuring.row("images")
        self.measure = plain(
            W.Button, description="measure", layout=W.Layout(width="90px", padding="0", display="none")
        )
        self.measure.on_click(lambda _: beside.measuring.toggle())
        hint(self.measure, "Take the data set through both networks: accuracy before and after")
        self.every = [
            controls.button("all on", view.all_on, width=84, tip="Every channel as it is"),
            controls.button("all off", view.all_off, width=84, tip="Every channel of the layer off"),
        ]
        self.bar = [
            view.layer_control(),
            view.image_control(),
            self.channel,
            self.switch,
            controls.labelled("Replaced by", replace),
            self.other,
            self.behind,
            W.HBox(self.every, layout=W.Layout(overflow="hidden", margin="0 18px 0 0")),
            controls.labelled("Target", self.target),
            controls.labelled(
                "Score", controls.dropdown(view, "score", scores, width=104, tip="What the channels are ranked by")
            ),
            controls.labelled(
                "Top",
                controls.entry(view, "top", maximum=9999, width=64, tip="How many channels of the ranking"),
                controls.button("off", view.top_off, width=44, tip="Switch off the channels at the top of the ranking"),
            ),
            controls.colormap_menu(view),
        ]

    def fit(self, norms: list[str]) -> None:
        """Show what the present state has use for; `norms` are layers behind which 0 is another number."""
        carries = self._view.replace == "image"
        self.other.layout.display = "" if carries else "none"
        for button, words, name in zip(self.every, ("carry none", "carry all"), ("all on", "all off"), strict=True):
            button.description = words if carries else name
        self.behind.layout.display = "" if norms else "none"
        self.behind.description = f"off behind {norms[0]}" if norms else ""
