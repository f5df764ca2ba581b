"""CompareFrames: two moments of a recorded training side by side, and which layers changed most on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import ipywidgets as W
import numpy as np
import torch
import traitlets as T

from ...compute.core import unknown_layer
from ...compute.layers import Layer, LayerTable
from ...render.color import SEQUENTIAL, Shaded, fitted, palette, to_picture
from ...render.mosaic import Grid
from ...render.static import Panel
from ...training.recording import Damaged, Recorder, Recording
from ...widgets import controls
from ...widgets.base import ModelView
from ...widgets.controls import ChannelControl, LayerPicker
from ...widgets.panels import INPUT
from ...widgets.state import Colormap, Given, Index, NotNone, call, recording_of
from ...widgets.surface import markup, number
from .columns import LETTERS, Shown, checked_pixel, numbers
from .controls import curtain_control, scale_control
from .drawing import PRESENTED, Drawing
from .rankings import Ranked

WIDTH = 288
MOST = 60
"""Frames of the film of the ranking at most, evenly spread."""


def _frames(view: CompareFrames) -> tuple[int, str]:
    return len(view.recording), f"the recording has {len(view.recording)} frames"


class CompareFrames(ModelView):
    """Two moments of a training side by side: the recorded maps of a layer, their difference, and what changed most.

    Beside the columns stand the layers and channels that changed most between the two, and a film of that ranking: how
    far each layer is from the first moment, at every frame. A click there goes to the layer and the frame.

    Parameters
    ----------
    recording : Recording or Recorder
        Of a training; see `Recorder`. Only its maps are read.
    **traits
        Initial `layer`, `probe`, `first`, `last`, `channel`, `pixel`, `scale`, `colormap`, `curtain`.

    Raises
    ------
    TypeError, ValueError
        It is no recording, or has no maps or a single frame; a keyword is misspelt.
    LookupError, IndexError
        No such layer, frame or probe.

    Examples
    --------
    >>> import tempfile, torch
    >>> import cnnwidgets as cw
    >>> model, digits = cw.models.lenet5(), cw.data.digits()
    >>> recorder = cw.Recorder(model, ["C1"], [digits[0]], tempfile.mkdtemp() + "/film", every=1)
    >>> with recorder:
    ...     for step in range(2):
    ...         recorder.step(0, step, of=2)
    >>> cw.compare(recorder.recording).title()[:2]
    ['C1', 'A before training | B end of epoch 0']
    """

    sliders: ClassVar[dict[str, str]] = {"last": "Frame B", "layer": "Layer", "channel": "Channel"}
    painted: ClassVar[tuple[str, ...]] = ("channel", "colormap", "curtain")
    panels_height: ClassVar[int] = 640
    presented: ClassVar[tuple[str, ...]] = PRESENTED
    unit_names: ClassVar[list[str]] = []
    second = 1

    layer = T.Unicode(help="name of the layer").tag(source=True)
    probe = Index(
        0,
        of=lambda view: (view.recording.count, f"the recording has {view.recording.count} probes"),
        help="which probe",
    ).tag(source=True)
    first = Index(0, of=_frames, what="frame", help="the frame of column A").tag(source=True)
    last = Index(0, of=_frames, what="frame", help="the frame of column B").tag(source=True)
    channel = Index(
        of=lambda view: (view.layer_row.channels, f"layer {view.layer!r} has {view.layer_row.channels}"),
        help="which channel is shown large, from 0",
    ).tag(display=True)
    pixel = NotNone((), help="(row, column) of the maps whose values are told, or ()").tag(display=True)
    scale = T.Enum(("shared", "column"), "shared", help="value range of the colours: shared, or each its own").tag(
        display=True
    )
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    curtain = Index(50, of=lambda view: (101, "percent of the first"), help="percent of the first left of it").tag(
        display=True
    )

    def __init__(self, recording: Recording | Recorder, **traits: Any) -> None:
        self.check_keywords(traits)
        self._given_as = recording
        found = recording.recording if isinstance(recording, Recorder) else recording
        if not isinstance(found, Recording):
            raise TypeError(f"a Recording is compared with itself, not {type(found).__name__}")
        if not found.layers_with("maps"):
            raise ValueError("this recording has no maps to compare")
        if len(found) < 2:
            raise ValueError("this recording has a single frame: there is nothing to compare")
        self.recording = found
        super().__init__(**traits)

    # ------------------------------------------------------------------ state

    @property
    def layer_row(self) -> Layer:
        """The layer, as the recording describes it."""
        return self.recording.layers.find(self.layer)

    @property
    def layers(self) -> LayerTable:
        """The layers whose maps were recorded."""
        names = self.recording.layers_with("maps")
        return LayerTable([row for row in self.recording.layers if row.name in names])

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` may be, as the view now stands."""
        return self.layers.names if name == "layer" else super().choices(name)

    def prepare(self, traits: dict[str, Any]) -> None:
        """Begin with the first layer, and the last frame beside the first."""
        self._check_layer(traits.setdefault("layer", self.layers.names[0]))
        there = [at for at, frame in enumerate(self.recording.frames) if f"maps/{traits['layer']}" in frame.ranges]
        traits.setdefault("first", there[0])
        traits.setdefault("last", there[-1])
        self._drawing = Drawing(self)

    def _check_layer(self, layer: str) -> None:
        if layer not in self.layers.names:
            raise unknown_layer(layer, self.layers.names)

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        self._check_layer(proposal["value"])
        return str(proposal["value"])

    @T.validate("pixel")
    def _validate_pixel(self, proposal: Any) -> tuple[int, ...]:
        return checked_pixel(proposal["value"])

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:
            with self.quiet():
                self._channel.fit(self.layer_row)
                if not self.set_together("pixel"):
                    self.pixel = ()

    def numbers_in_code(self, given: Given) -> list[str]:
        """The maps of both frames, and their difference."""
        opened, film = recording_of(given["recording"], self._given_as)
        layer, probe = given.trait("layer"), given.trait("probe")
        read = [
            f"{letter} = {call(f'{film}.maps', str(at), layer, probe)}"
            for letter, at in zip("ab", self._at, strict=True)
        ]
        return [*opened, *read, "difference = a - b"]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer, frames, probe and channel of both columns, and how they are drawn."""
        last, probes = len(self.recording) - 1, self.recording.count - 1
        self._channel = ChannelControl(
            self, self.layer_row, tip="Channel shown large in both columns (arrow keys work)"
        )
        layer = LayerPicker(self, "layer", self.layers)
        sliders = {
            "first": controls.slider(self, "first", maximum=last, tip="Frame of the first column"),
            "last": controls.slider(self, "last", maximum=last, tip="Frame of the second column"),
            "probe": controls.slider(self, "probe", maximum=probes, width=110, tip="Which probe image"),
        }
        scale, colors, curtain = scale_control(self), controls.colormap_menu(self), curtain_control(self)
        drawn = {"channel": self._channel, "colormap": colors, "scale": scale, "curtain": curtain}
        self._drawing.link(drawn, {"layer": layer.pickers, **{name: [slider] for name, slider in sliders.items()}})
        self._ends = {name: [sliders[name]] for name in ("first", "last")}
        return [
            controls.labelled("Layer", layer),
            controls.labelled("Frame A", sliders["first"]),
            controls.labelled("Frame B", sliders["last"]),
            controls.labelled("Probe", sliders["probe"]),
            self._channel,
            scale,
            colors,
            curtain,
        ]

    @property
    def _at(self) -> tuple[int, int]:
        return self.first, self.last

    def compute(self) -> None:
        """Read the maps of both frames."""
        self._fit()
        self._moments_at = [self.recording.frames[at] for at in self._at]
        probes = self.recording.probes
        aspect = probes.shape[-1] / probes.shape[-2]
        self.columns = [
            Shown(
                letter=letter,
                name=at.name,
                row=self.layer_row,
                output=numbers(self.recording.maps(at, self.layer, self.probe)),
                aspect=aspect,
            )
            for letter, at in zip(LETTERS, self._moments_at, strict=False)
        ]

    def panels(self) -> list[Panel | list[Panel]]:
        """A column each, the difference, the probe and the moments, the ranking and its film."""
        key = (self._times(self._at), self.probe, self.layer)
        ranked = self.remember("ranked", key, self._ranked)
        channel = None if self.exporting else self.channel  # which a page moves without it
        ranking = self._drawing.ranking(ranked, channel, self._look_at)
        drawn = self._drawing.panels()
        return [*drawn, [self._image(), self._moments()], [*ranking, self._film()]]

    def render(self) -> None:
        """Draw what `compute` found; a page that has shown it before shows it at once."""
        self._drawing.render(super().render, self._address)

    def title(self) -> list[str]:
        """The layer, and the two moments."""
        return [
            self.layer,
            " | ".join(f"{column.letter} {column.name}" for column in self.columns),
            f"probe {self.probe}",
        ]

    def status(self) -> str:
        """What the colours mean."""
        return "scale: shared by both columns" if self.scale == "shared" else "scale: each column its own"

    def source(self) -> str:
        """Nothing: frames are only read."""
        return ""

    def refresh(self) -> None:
        """Look for frames that came since; of frames that were dropped, those nearest in time take the place."""
        seen = [frame.step for frame in self._moments_at]
        self.recording.refresh()
        steps = [frame.step for frame in self.recording.frames]
        if steps:
            with self.quiet():
                self._fit()
                for name, step in zip(("first", "last"), seen, strict=True):
                    setattr(self, name, min(range(len(steps)), key=lambda at, step=step: abs(steps[at] - step)))  # type: ignore[misc]
        super().refresh()

    def _fit(self) -> None:
        """Have the frames end with those of the recording, which grows and drops some during a training."""
        if not self.recording.frames:
            raise LookupError(f"the recording in {self.recording.path} has no frame any more")
        with self.quiet():
            for name, sliders in self._ends.items():
                controls.fit(self, name, len(self.recording) - 1, sliders)

    def _times(self, frames: Sequence[int]) -> tuple[int, ...]:
        """Which moments these frames are now: another one may have their number later."""
        return tuple(self.recording.frames[at].step for at in frames)

    # ------------------------------------------------------------------ parts

    def _address(self) -> dict[str, Any]:
        """All that is seen depends on, save what the page draws by itself."""
        places = {name: getattr(self, name) for name in ("first", "last", "probe")}
        return {"layer": self.layer_row.label, "valid": str(self._times(range(len(self.recording))))} | places

    def _look_at(self, layer: str) -> None:
        self.layer = layer

    def _ranked(self) -> Ranked:
        layers: dict[str, float] = {}
        channels = np.empty(0)
        for row in self.layers:
            one, other = (self._read(at, row.name) for at in self._at)
            if one is None or other is None:
                continue
            layers[row.name] = _change(one, other)
            if row.name == self.layer:
                if row.layout == "last" and one.ndim > 1:
                    one, other = one.movedim(-1, 0), other.movedim(-1, 0)
                channels = np.array([_change(a, b) for a, b in zip(one, other, strict=True)])
        return Ranked("outputs", layers, channels)

    def _read(self, frame: int, layer: str) -> torch.Tensor | None:
        try:
            return numbers(self.recording.maps(frame, layer, self.probe))
        except (LookupError, Damaged, OSError):  # said where it is looked at
            return None

    def _image(self) -> Panel:
        def drawn() -> Any:
            image = self.recording.probes[self.probe]
            if self.recording.normalization is not None:
                mean, std = (torch.tensor(part).reshape(-1, 1, 1) for part in self.recording.normalization)
                image = image * std + mean
            return None if image.ndim != 3 else fitted(to_picture(image.numpy()).pixels, INPUT, INPUT)

        return Panel(f"Probe {self.probe}", self.remember("probe", (self.probe,), drawn), width=INPUT, key="image")

    def _moments(self) -> Panel:
        lines = []
        for letter, at in zip(LETTERS, self._at, strict=False):
            frame = self.recording.frames[at]
            loss = "" if frame.loss is None else f", loss {number(frame.loss, 4)}"
            lines.append((letter, f"frame {at}, step {frame.step:,}{loss}"))
        return Panel("Moments", width=INPUT, lines=lines, key="moments")

    def _film(self) -> Panel:
        """How far each layer is from the first moment, at every frame: a row a layer, from left to right in time."""
        frames = np.unique(np.linspace(0, len(self.recording) - 1, min(MOST, len(self.recording))).round()).astype(int)
        names = self.layers.names
        key = (self._times([self.first, *frames.tolist()]), self.probe)
        values = self.remember("film", key, lambda: self._changes(names, frames.tolist()))
        shaded = Shaded.of(values.reshape(1, *values.shape), colormap=SEQUENTIAL, scale="layer-full")
        height = max(1, round(len(frames) / len(names) / 8))
        cells = Grid(values.size, height, 1, columns=len(frames), gap=0)
        near = int(np.abs(frames - self.last).argmin())
        at = names.index(self.layer) * len(frames) + near

        def describe(cell: int) -> str:
            row, column = divmod(cell, len(frames))
            return f"{names[row]}, {self.recording.frames[frames[column]].name}: {number(float(values[row, column]))}"

        def choose(cell: int) -> None:
            row, column = divmod(cell, len(frames))
            with self.hold_trait_notifications():
                self.layer, self.last = names[row], int(frames[column])

        return Panel(
            "Film of the ranking · change since A",
            shaded.tiles()[0].repeat(height, axis=0),
            palette=palette(SEQUENTIAL),
            width=WIDTH,
            colorbar=(SEQUENTIAL, *markup.scale_texts(*shaded.ends(), shaded.beyond())),
            lines=[f"down: {', '.join(names[:6])}{' …' if len(names) > 6 else ''}; across: frames in time"],
            cells=cells,
            marks=[cells.box(at)],
            describe=describe,
            on_cell=choose,
            hint="click one",
            key="film",
        )

    def _changes(self, names: Sequence[str], frames: Sequence[int]) -> Any:
        found = np.full((len(names), len(frames)), np.nan, np.float32)
        for row, name in enumerate(names):
            before = self._read(self.first, name)
            for column, at in enumerate(frames):
                after = None if before is None else self._read(int(at), name)
                if before is not None and after is not None:
                    found[row, column] = _change(before, after)
        return found


def _change(one: torch.Tensor, other: torch.Tensor) -> float:
    """‖B − A‖ / ‖A‖; 0 where nothing changed, infinite from 0."""
    norm, change = float(one.norm()), float((other - one).norm())
    return change / norm if norm else math.inf if change else change
