"""FilmView: a recorded training, to scrub through and to play."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ...compute.core import unknown_layer
from ...compute.layers import Layer, LayerTable
from ...render.static import FORMATS, Panel
from ...training.recording import WHAT, Recording
from ...widgets.base import ModelView
from ...widgets.panels import PaintedPanel, grid_sizes, painted_grid
from ...widgets.state import Colormap, Given, Index, Integer, Pixel, call, recording_of
from .controls import FilmControls
from .export import export
from .player import SPEEDS
from .reel import Reel
from .scene import Scene
from .shots import DIFFERENCES, SCALES, WORDS, Shot, Shots


def _there_are(count: int) -> tuple[int, str]:
    return count, f"there are {count}"


class FilmView(ModelView):
    """Feature maps, gradients or filters of a recorded training, from the first step to the last.

    Parameters
    ----------
    recording : Recording, Recorder, str or Path
        The film: as `Recording.open` gives it, of a recorder that is still at it (`refresh()` shows what came since),
        or its folder.
    **traits
        Initial `frame`, `what`, `layer`, `probe`, `difference`, `channel`, `plane`, `colormap`, `scale`, `columns`,
        `pixel`, `speed`.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no recording, or what is to be seen was not recorded.
    LookupError, IndexError
        No such layer, frame, probe or channel.
    TypeError
        `recording` is none; a keyword is misspelt.
    """

    sliders: ClassVar[dict[str, str]] = {"layer": "Layer", "frame": "Frame", "channel": "Channel"}

    frame = Index(of=lambda view: _there_are(len(view.recording)), help="which frame of the film, from 0").tag(
        source=True
    )
    what = T.Enum(WHAT, "maps", help="what is seen: " + "; ".join(f"{k}: {v}" for k, v in WORDS.items())).tag(
        source=True
    )
    layer = T.Unicode(help="name of the layer").tag(source=True)
    probe = Index(of=lambda view: _there_are(view.recording.count), help="which probe image, from 0").tag(source=True)
    difference = T.Enum(tuple(DIFFERENCES), "none", help="minus nothing, the first frame, or the previous").tag(
        source=True
    )
    channel = Index(
        of=lambda view: _there_are(view.row.channels), help="which map, unit or filter is shown large, from 0"
    ).tag(display=True)
    plane = Index(
        of=lambda view: _there_are(view.row.planes), help="which slice of a volume, or kernel of each filter, from 0"
    ).tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    scale = T.Enum(SCALES, "film", help="value range of the colours: the film, a frame, a map").tag(display=True)
    columns = Integer(0, help="maps in a row; 0: as fits").tag(display=True)
    pixel = Pixel(None, help="(row, column) in the large map whose value is shown, or None").tag(display=True)
    speed = T.Enum(SPEEDS, 5, help="frames that the player shows in a second").tag(display=True)

    def __init__(self, recording: Any, **traits: Any) -> None:
        self.check_keywords(traits)
        self._given_as = recording
        if isinstance(recording, (str, Path)):
            recording = Recording.open(recording)
        recording = getattr(recording, "recording", recording)
        if not isinstance(recording, Recording):
            raise TypeError(f"FilmView shows a Recording, a Recorder or a folder, not {type(recording).__name__}")
        self.shots = Shots(recording)
        super().__init__(**traits)

    # ------------------------------------------------------------------ state

    @property
    def recording(self) -> Recording:
        """The film."""
        return self.shots.recording

    @property
    def layers(self) -> LayerTable:
        """The layers that were recorded as `what` says."""
        names = self.recording.layers_with(self.what)
        return LayerTable([layer for layer in self.recording.layers if layer.name in names])

    @property
    def row(self) -> Layer:
        """The chosen layer, shaped as it is drawn; the first one, where the chosen one was not recorded as `what`."""
        names = self.recording.layers_with(self.what)
        return self.shots.row(self.what, self.layer if self.layer in names else names[0])

    @property
    def shot(self) -> Shot:
        """What of each frame is seen."""
        return Shot(self.what, self.layer, self.probe if self.what == "maps" else 0, self.difference)

    @property
    def maps(self) -> NDArray[np.floating]:
        """(C, H, W) as they are on the screen, unscaled: a copy."""
        self.flush()
        return np.array(self._scene.shaded.maps)

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` of `sliders` may be, as the view now stands."""
        return self.layers.names if name == "layer" else super().choices(name)

    def prepare(self, traits: dict[str, Any]) -> None:
        """Check what and which layer is to be seen, and set what is left open as fits these."""
        what = traits.setdefault("what", "maps")
        traits.setdefault("scale", _suited(what))
        if what in WHAT:
            self._check_what(what)
            layer = traits.setdefault("layer", self.recording.layers_with(what)[0])
            self._check_layer(what, layer)
            if "frame" not in traits:
                shot = Shot(what, layer, traits.get("probe", 0))
                traits["frame"] = next(self.shots.readable(shot), self.shots.frames(what, layer)[0])

    def _check_what(self, what: str) -> None:
        if what not in self.shots.whats:
            raise ValueError(f"the film has no {WORDS[what]}; it has {', '.join(map(repr, self.shots.whats))}")

    def _check_layer(self, what: Any, layer: str) -> None:
        names = self.recording.layers_with(what)
        if layer not in names:
            raise unknown_layer(layer, names)

    @T.validate("what")
    def _validate_what(self, proposal: Any) -> str:
        self._check_what(proposal["value"])
        return str(proposal["value"])

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        self._check_layer(self.what, proposal["value"])
        return str(proposal["value"])

    @T.validate("columns")
    def _validate_columns(self, proposal: Any) -> int:
        if proposal["value"] < 0:
            raise ValueError(f"columns must be 0 (as fits) or more, not {proposal['value']}")
        return int(proposal["value"])

    @T.observe("what", "layer")
    def _bound(self, change: Any) -> None:
        if self.ready:  # at once, not with the drawing: a channel of the new layer may be set right after
            self._fit()
            if change["name"] == "what":
                with self.quiet():
                    self.scale = _suited(self.what)

    def _fit(self) -> None:
        """Fit the controls to what is seen, and move what no longer fits; called without drawing."""
        with self.quiet():
            layers = self.layers
            if self.layer not in layers.names:
                self.layer = layers.names[0]
            self._controls.player.fit(self.shots.frames(self.what, self.layer), len(self.recording) - 1)
            row = self.row
            self.channel, self.plane = min(self.channel, row.channels - 1), min(self.plane, row.planes - 1)
            self._controls.fit(self.what, layers, row)
            self.pixel = None

    def numbers_in_code(self, given: Given) -> list[str]:
        """The numbers of the frame, read from the recording; less those of another frame, as `difference` says."""
        layer = given.trait("layer")
        probe = (given.trait("probe"),) if self.what == "maps" else ()
        frames = [self.frame] if self.difference == "none" else [self.frame, self.shots.before(self.shot, self.frame)]
        opened, film = recording_of(given["recording"], self._given_as)
        read = [f"{call(f'{film}.{self.what}', str(frame), layer, *probe)}.float()" for frame in frames]
        return [*opened, f"{self.what} = {' - '.join(read)}"]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Player, what is seen of each frame, and how it is drawn."""
        self._controls = FilmControls(self)
        self._reel = Reel(self, self._controls.links)
        return self._controls.groups

    def compute(self) -> None:
        """Read what is seen of the frame."""
        shot, frame = self.shot, self.frame
        self._read = shot, frame, self.shots.value(shot, frame)

    def panels(self) -> list[Panel | list[Panel]]:
        """The image and the moment, all maps, and the chosen one."""
        scene = self._scene = self._scene_of(*self._read, remember=self.remember)
        grid = self.remember("grid", (scene.shaded, self.columns), self._grid)
        assert grid.cells is not None
        channel, paint = min(self.channel, scene.row.channels - 1), self._reel.paint(scene)
        grid = replace(grid, marks=[grid.cells.box(channel)])
        if paint is not None:
            grid = painted_grid(grid, paint)
        detail = scene.channel(channel, self.pixel, on_pixel=partial(self.set_trait, "pixel"), paint=paint)
        return [scene.moment_panels(), grid, detail]

    def render(self) -> None:
        """Draw what was read, and have pages get the frames that come next."""
        super().render()
        if not self.exporting:
            shot, frame, _ = self._read
            self._reel.follow(frame, self.shots.frames(shot.what, shot.layer))

    def title(self) -> list[str]:
        """The layer, what is seen of it, and of which frame."""
        return self._scene.title()

    def status(self) -> str:
        """What the colours mean, and what is to be known of the recording."""
        return self._scene.status()

    def source(self) -> str:
        """Nothing: frames are only read."""
        return ""

    def scene(self, frame: int) -> Scene:
        """What would be seen of another frame; the view stays where it is."""
        return self._scene_of(self.shot, frame, self.shots.value(self.shot, frame))

    def _scene_of(self, shot: Shot, frame: int, value: torch.Tensor, **options: Any) -> Scene:
        return Scene(self.shots, shot, frame, value, self.plane, self.colormap, self.scale, self.columns, **options)

    def _grid(self) -> PaintedPanel:
        grid = self._scene.grid(on_choose=partial(self.set_trait, "channel"))
        return replace(grid, sizes=grid_sizes([self._scene.row], self.columns))

    # ------------------------------------------------------------------ as a file

    def refresh(self) -> None:
        """Look for frames that came since; at the end of the film, go on to the newest."""
        last = self.frame == self._controls.player.last
        self.recording.refresh()
        with self.quiet():
            self._fit()
            if last:
                self.frame = len(self.recording) - 1
        super().refresh()

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write a picture of the frame as `ModelView.save` does, or the film (`.gif`, `.mp4`), as `export` does."""
        picture = Path(path).suffix.lower() in FORMATS
        return super().save(path, **options) if picture else self.export(path, **options)

    def export(
        self,
        path: str | Path,
        *,
        frames: Any = None,
        seconds: float | None = None,
        dark: bool = False,
        progress: bool = True,
    ) -> Path:
        """Write the film of what is chosen now to a file; needs no browser.

        Parameters
        ----------
        path : str or Path
            `.gif` and `.mp4` move; `.png` is a sheet of frames side by side. `.mp4` needs ffmpeg: the program, or
            `pip install imageio-ffmpeg`.
        frames : iterable of int, optional
            Which frames; by default all that can be read, for a sheet 12 at even distances.
        seconds : float, optional
            How long each is shown; by default as `speed` says.
        dark : bool
            Light text on a dark ground.
        progress : bool
            A bar on stderr where it takes longer than a second.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ValueError
            Another ending, or no frames.
        IndexError
            A frame that is not there.
        OSError
            The file cannot be written; what was there is left as it was.
        RuntimeError
            There is no ffmpeg, or it failed.
        """
        self.flush()
        seconds = 1 / self.speed if seconds is None else seconds
        there, path = self.shots.frames(self.what, self.layer), Path(path).expanduser()
        if frames is None and len(whole := list(self.shots.readable(self.shot))) < len(there):
            left = ", ".join(self.recording.frames[frame].name for frame in there if frame not in whole)
            warnings.warn(f"left out of {path.name}, since their files are damaged: {left}", stacklevel=2)
            there = whole
        return export(self.scene, there, path, frames=frames, seconds=seconds, dark=dark, progress=progress)


def _suited(what: str) -> str:
    """The scale to begin with: gradients differ so much between frames that one scale for all would hide most."""
    return "frame" if what == "gradients" else "film"
