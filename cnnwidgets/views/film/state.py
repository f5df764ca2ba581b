"""What can be chosen in a FilmView, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import traitlets as T

from ...compute.core import unknown_layer
from ...compute.layers import Layer, LayerTable
from ...training.recording import WHAT, Recording
from ...widgets.base import ModelView
from ...widgets.state import Colormap, Pixel, Whole
from .shots import DIFFERENCES, SCALES, WORDS, Shot, Shots


class FilmState(ModelView):
    """The traits of a FilmView; `shots` is set before."""

    shots: Shots

    sliders: ClassVar[dict[str, str]] = {"layer": "Layer", "frame": "Frame", "channel": "Channel"}

    frame = Whole(0, help="which frame of the film, from 0").tag(source=True)
    what = T.Enum(WHAT, "maps", help="what is seen: " + "; ".join(f"{k}: {v}" for k, v in WORDS.items()))
    what.tag(source=True)
    layer = T.Unicode(help="name of the layer").tag(source=True)
    probe = Whole(0, help="which probe image, from 0").tag(source=True)
    difference = T.Enum(tuple(DIFFERENCES), "none", help="minus nothing, the first frame, or the previous").tag(
        source=True
    )
    channel = Whole(0, help="which map, unit or filter is shown large, from 0").tag(display=True)
    plane = Whole(0, help="which slice of a volume, or kernel of each filter, from 0").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    scale = T.Enum(SCALES, "film", help="value range of the colours: the film, a frame, a map").tag(display=True)
    columns = Whole(0, help="maps in a row; 0: as fits").tag(display=True)
    pixel = Pixel(None, help="(row, column) in the large map whose value is told, or None").tag(display=True)

    @property
    def recording(self) -> Recording:
        """The film."""
        return self.shots.recording

    @property
    def row(self) -> Layer:
        """The chosen layer, shaped as it is drawn."""
        return self.shots.row(self.what, self.layer)

    @property
    def layers(self) -> LayerTable:
        """The layers of which there is what is chosen."""
        recording = self.recording
        names = recording.layers_with(self.what)
        return LayerTable([layer for layer in recording.layers if layer.name in names])

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` of `sliders` may be, as the view now stands."""
        if name == "layer":
            return self.layers.names
        return range(self.row.channels if name == "channel" else len(self.recording.frames))

    def checked(self, traits: dict[str, Any]) -> dict[str, Any]:
        """Keywords with what they leave open; raises for those that do not fit the film, before a widget exists."""
        recording = self.recording
        what = traits.setdefault("what", "maps")
        traits.setdefault("scale", self.suited(what))
        if what in WHAT:
            self._check_what(what)
            traits.setdefault("layer", recording.layers_with(what)[0])
            self._check_layer(what, traits["layer"])
            traits.setdefault("frame", self.shots.frames(what, traits["layer"])[0])
            row = self.shots.row(what, traits["layer"])
            counts = {"frame": len(recording), "probe": recording.count, "channel": row.channels, "plane": row.planes}
            for name, count in counts.items():
                self._in_range(name, traits.get(name, 0), count)
        return traits

    @staticmethod
    def suited(what: str) -> str:
        """The scale to begin with: gradients differ so much from frame to frame that one scale would show few."""
        return "frame" if what == "gradients" else "film"

    def _check_what(self, what: Any) -> None:
        if what not in self.shots.whats:
            raise ValueError(f"the film has no {WORDS[what]}; it has {', '.join(map(repr, self.shots.whats))}")

    def _check_layer(self, what: Any, layer: str) -> None:
        names = self.recording.layers_with(what)
        if layer not in names:
            raise unknown_layer(layer, names)

    def _in_range(self, name: str, value: int, count: int) -> int:
        if not 0 <= value < count:
            raise IndexError(f"{name} {value} is out of range: there are {count}, 0 to {count - 1}")
        return int(value)

    @T.validate("what")
    def _validate_what(self, proposal: Any) -> str:
        self._check_what(proposal["value"])
        return str(proposal["value"])

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        self._check_layer(self.what, proposal["value"])
        return str(proposal["value"])

    @T.validate("frame", "probe", "channel", "plane")
    def _validate_number(self, proposal: Any) -> int:
        name, recording = proposal["trait"].name, self.recording
        if name in ("frame", "probe"):
            return self._in_range(name, proposal["value"], len(recording) if name == "frame" else recording.count)
        return self._in_range(name, proposal["value"], self.row.channels if name == "channel" else self.row.planes)

    @T.validate("columns")
    def _validate_columns(self, proposal: Any) -> int:
        if proposal["value"] < 0:
            raise ValueError(f"columns must be 0 (as fits) or more, not {proposal['value']}")
        return int(proposal["value"])

    @property
    def shot(self) -> Shot:
        """What of each frame is seen."""
        return Shot(self.what, self.layer, self.probe if self.what == "maps" else 0, self.difference)
