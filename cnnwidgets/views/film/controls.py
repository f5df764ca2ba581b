"""The controls of a FilmView."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as W

from ...compute.layers import Layer, LayerTable
from ...widgets import controls
from ...widgets.controls import LayerPicker
from .player import FilmPlayer
from .shots import DIFFERENCES, SCALES, WORDS


class FilmControls:
    """Player, sliders and menus, linked to the traits of a view.

    Parameters
    ----------
    view : FilmView
        Whose traits they are linked to.

    Attributes
    ----------
    player : FilmPlayer
        What plays the film.
    groups : list of Widget
        All of them, from left to right.
    links : dict
        The controls from which a page reads what it paints, by the names of their traits.
    """

    def __init__(self, view: Any) -> None:
        recording, row, layers = view.recording, view.row, view.layers
        self.player = FilmPlayer(view, view.shots.frames(view.what, view.layer)[0], len(recording) - 1)
        whats = [(WORDS[what], what) for what in view.shots.whats]
        what = controls.dropdown(view, "what", whats, width=230, tip="What is seen of each frame")
        self._picker, self._listed = LayerPicker(view, "layer", layers), layers.names
        most = recording.count - 1
        self._probes = controls.labelled(
            "Probe",
            controls.slider(view, "probe", maximum=most, width=110, tip="Which of the probe images"),
            controls.entry(view, "probe", maximum=most, width=56, tip="Type a number"),
        )
        most, tip = row.channels - 1, "Channel shown large (arrow keys work)"
        self._channel = controls.slider(view, "channel", maximum=most, tip=tip)
        self._channel_box = controls.entry(view, "channel", maximum=most, width=60, tip="Type a channel number")
        self._channels = controls.labelled("Channel", self._channel, self._channel_box)
        tip = "Slice of a volume; of filters, the kernel of that input channel"
        self._plane = controls.slider(view, "plane", maximum=row.planes - 1, tip=tip)
        self._planes = controls.labelled("Slice", self._plane)
        differences = [(words, name) for name, words in DIFFERENCES.items()]
        tip = "Show what changed since another frame"
        difference = controls.dropdown(view, "difference", differences, width=120, tip=tip)
        tip = "Value range of the colours: the whole film, each frame or each map"
        scale = controls.dropdown(view, "scale", SCALES, width=80, tip=tip)
        columns = controls.auto_entry(view, "columns", maximum=999, tip="Maps in a row; auto: as many as fit")
        colors = controls.colormap_menu(view)
        self.links: dict[str, Sequence[W.Widget]] = {
            "channel": [self._channel],
            "colormap": colors.controls,
            "scale": [scale],
            "columns": [columns],
            "frame": self.player.movers,
        }
        self.groups: list[W.Widget] = [
            self.player.control,
            controls.labelled("Show", what),
            controls.labelled("Layer", self._picker),
            self._probes,
            self._channels,
            self._planes,
            controls.labelled("Difference to", difference),
            controls.labelled("Scale", scale),
            colors,
            controls.labelled("Columns", columns),
        ]
        self.fit(view.what, layers, row)

    def fit(self, what: str, layers: LayerTable, row: Layer) -> None:
        """Offer the `layers` that were recorded as `what`, and the channels and slices of `row`."""
        if layers.names != self._listed:
            self._listed = layers.names
            self._picker.update(layers)
        self._channel.max = self._channel_box.max = row.channels - 1
        self._plane.max = row.planes - 1
        self._channels.text = controls.channel_word(row)
        self._planes.text = "Kernel" if what == "filters" else "Slice"
        self._probes.layout.display = "" if what == "maps" else "none"
