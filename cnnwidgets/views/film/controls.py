"""The controls of a FilmView, and what they may be for the layer that is seen."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import traitlets as T

from ...render.color import COLORMAPS
from ...widgets import controls
from ...widgets.controls import LayerPicker, Player
from .shots import DIFFERENCES, SCALES, WORDS
from .state import FilmState

SPEEDS = (1, 2, 5, 10)


class FilmControls(FilmState):
    """Player, sliders and menus, linked to the traits."""

    speed = T.Enum(SPEEDS, 5, help="frames that the player shows in a second").tag(display=True)

    def bar(self) -> list[W.Widget]:
        """All controls, in groups."""
        recording, row = self.recording, self.row
        self._frame_slider = controls.slider(
            self, "frame", maximum=len(recording) - 1, width=260, tip="Frame of the film (arrow keys work)"
        )
        self._frame_slider.min = self.shots.frames(self.what, self.layer)[0]
        self._play = Player(
            value=self.frame, min=self._frame_slider.min, max=len(recording) - 1, layout=W.Layout(width="auto")
        )
        T.link((self, "frame"), (self._play, "value"))
        T.dlink((self, "speed"), (self._play, "interval"), transform=lambda speed: round(1000 / speed))
        controls.hint(self._play, "Play the film")
        speeds = [(f"{speed} a second", speed) for speed in SPEEDS]
        speed = controls.dropdown(self, "speed", speeds, width=110, tip="How fast the film plays")
        whats = [(WORDS[what], what) for what in self.shots.whats]
        what = controls.dropdown(self, "what", whats, width=230, tip="What is seen of each frame")
        self._picker = LayerPicker(self, "layer", self.layers)
        self._probes = controls.labelled(
            "Probe",
            controls.slider(self, "probe", maximum=recording.count - 1, width=110, tip="Which of the probe images"),
            controls.entry(self, "probe", maximum=recording.count - 1, width=56, tip="Type a number"),
        )
        self._channel = controls.slider(
            self, "channel", maximum=row.channels - 1, tip="Channel shown large (arrow keys work)"
        )
        self._channel_box = controls.entry(
            self, "channel", maximum=row.channels - 1, width=60, tip="Type a channel number"
        )
        word = controls.channel_word(row)
        self._channels = controls.labelled(word, self._channel, self._channel_box)
        self._plane = controls.slider(
            self,
            "plane",
            maximum=row.planes - 1,
            tip="Slice of a volume; of filters, the kernel of that input channel",
        )
        self._planes = controls.labelled("Slice", self._plane)
        differences = [(words, name) for name, words in DIFFERENCES.items()]
        difference = controls.dropdown(
            self, "difference", differences, width=120, tip="Show what changed since another frame"
        )
        scale = controls.dropdown(
            self, "scale", SCALES, width=80, tip="Value range of the colours: the whole film, each frame or each map"
        )
        colours = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        colormap = controls.dropdown(
            self, "colormap", colours, width=100, tip="auto: a diverging map centred on 0 for signed values"
        )
        columns = controls.auto_entry(self, "columns", maximum=999, tip="Maps in a row; auto: as many as fit")
        return [
            controls.labelled("Frame", self._play, self._frame_slider, speed),
            controls.labelled("Show", what),
            controls.labelled("Layer", self._picker),
            self._probes,
            self._channels,
            self._planes,
            controls.labelled("Difference to", difference),
            controls.labelled("Scale", scale),
            controls.labelled("Colours", colormap),
            controls.labelled("Columns", columns),
        ]

    @T.observe("what", "layer")
    def _bound(self, change: Any) -> None:
        if self._ready:  # at once, not with the drawing: a channel of the new layer may be set right after
            self.fit()
            if change["name"] == "what":
                with self.quiet():
                    self.scale = self.suited(self.what)

    def fit(self) -> None:
        """Fit the controls to what is seen, and move what no longer fits; called without drawing."""
        with self.quiet():
            if self.layer not in (names := self.layers.names):
                self.layer = names[0]
            frames = self.shots.frames(self.what, self.layer)
            for control in (self._frame_slider, self._play):
                control.max = len(self.recording) - 1
                control.min = 0
            self.frame = min((at for at in frames if at >= self.frame), default=frames[-1])
            for control in (self._frame_slider, self._play):
                control.min = frames[0]  # before it there is nothing of the kind
            for name, count in (("channel", self.row.channels), ("plane", self.row.planes)):
                setattr(self, name, min(getattr(self, name), count - 1))
            self._channel.max = self._channel_box.max = self.row.channels - 1
            self._channels.text = controls.channel_word(self.row)
            self._plane.max = self.row.planes - 1
            self.pixel = None
