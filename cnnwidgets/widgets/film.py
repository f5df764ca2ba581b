"""FilmView: a recorded training, to scrub through and to play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T
from numpy.typing import NDArray

from ..render import COLORMAPS, Shaded, card
from ..training.recording import Recording
from . import controls, markup
from .film_export import export
from .film_panels import MomentPanel
from .film_shots import DIFFERENCES, SCALES, WORDS, Shots
from .film_state import FilmState
from .markup import number
from .panels import ChannelPanel, GridPanel
from .picker import LayerPicker

SPEEDS = (1, 2, 5, 10)


class FilmView(FilmState):
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

    speed = T.Enum(SPEEDS, 5, help="frames that the player shows in a second").tag(display=True)

    def __init__(self, recording: Any, **traits: Any) -> None:
        self.check_keywords(traits)
        if isinstance(recording, (str, Path)):
            recording = Recording.open(recording)
        recording = getattr(recording, "recording", recording)
        if not isinstance(recording, Recording):
            raise TypeError(f"FilmView shows a Recording, a Recorder or a folder, not {type(recording).__name__}")
        self._shots = Shots(recording)
        super().__init__(**self.checked(traits))
        self._build()
        self.start()

    @property
    def recording(self) -> Recording:
        """The film."""
        return self._shots.recording

    @property
    def maps(self) -> NDArray[np.floating]:
        """(C, H, W) as they are on the screen, unscaled: a copy."""
        self._newest.flush()
        return np.array(self._shaded.maps)

    def refresh(self) -> None:
        """Look for frames that came since; at the end of the film, go on to the newest."""
        last = self.frame == self._frame_slider.max
        self.recording.refresh()
        with self.quiet():
            self._bound()
            if last:
                self.frame = len(self.recording) - 1
        super().refresh()

    def export(self, path: str | Path, *, frames: Any = None, seconds: float | None = None, dark: bool = False) -> Path:
        """Write the film of what is chosen now to a file; needs no browser.

        Parameters
        ----------
        path : str or Path
            `.gif` and `.mp4` move; `.png` is a sheet of frames side by side. `.mp4` needs ffmpeg: the program, or
            `pip install imageio-ffmpeg`.
        frames : iterable of int, optional
            Which frames; by default all, for a sheet 12 at even distances.
        seconds : float, optional
            How long each is shown; by default as `speed` says.
        dark : bool
            Light text on a dark ground.

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
        RuntimeError
            There is no ffmpeg, or it failed.
        """
        self._newest.flush()
        return export(self, Path(path), frames=frames, seconds=seconds or 1 / self.speed, dark=dark)

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        recording, row = self.recording, self.row
        self._frame_slider = controls.slider(
            self, "frame", maximum=len(recording) - 1, width=260, tip="Frame of the film (arrow keys work)"
        )
        self._frame_slider.min = self._shots.frames(self.what, self.layer)[0]
        self._play = W.Play(
            value=self.frame, min=self._frame_slider.min, max=len(recording) - 1, layout=W.Layout(width="auto")
        )
        T.link((self, "frame"), (self._play, "value"))
        T.dlink((self, "speed"), (self._play, "interval"), transform=lambda speed: round(1000 / speed))
        controls.hint(self._play, "Play the film")
        speeds = [(f"{speed} a second", speed) for speed in SPEEDS]
        speed = controls.dropdown(self, "speed", speeds, width=110, tip="How fast the film plays")
        whats = [(WORDS[what], what) for what in self._shots.whats]
        what = controls.dropdown(self, "what", whats, width=250, tip="What is seen of each frame")
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
        self._plane = controls.slider(
            self,
            "plane",
            maximum=row.planes - 1,
            tip="Slice of a volume; of filters, their kernel for that input",
        )
        self._planes = controls.labelled("Slice", self._plane)
        differences = [("nothing", "none"), ("first frame", "first"), ("previous frame", "previous")]
        assert [value for _, value in differences] == list(DIFFERENCES)
        difference = controls.dropdown(
            self, "difference", differences, width=120, tip="Show what changed since another frame"
        )
        scale = controls.dropdown(
            self, "scale", SCALES, width=80, tip="What has colours of its own: the whole film, each frame, each map"
        )
        colours = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        colormap = controls.dropdown(
            self, "colormap", colours, width=100, tip="auto: a diverging map centred on 0 for signed values"
        )
        columns = controls.entry(self, "columns", maximum=999, width=56, tip="Maps in a row; 0: as many as fit")
        bar = [
            controls.labelled("Film", self._play, self._frame_slider, speed),
            controls.labelled("Show", what),
            controls.labelled("Layer", self._picker),
            self._probes,
            controls.labelled("Channel", self._channel, self._channel_box),
            self._planes,
            controls.labelled("Difference to", difference),
            controls.labelled("Scale", scale),
            controls.labelled("Colours", colormap),
            controls.labelled("Columns", columns),
        ]
        self._title = W.HTML()
        self._moment = MomentPanel()
        self._grid = GridPanel(lambda channel: self.set_trait("channel", channel))
        self._detail = ChannelPanel(lambda pixel: self.set_trait("pixel", pixel))
        self._body.children = controls.card_body(self._title, bar, [self._moment, self._grid, self._detail])

    @T.observe("what", "layer")
    def _bound(self, change: Any = None) -> None:
        """Move what no longer fits, at once: a channel of the new layer may be set right after."""
        if not self._ready:
            return
        with self.quiet():
            if self.layer not in (names := self.layers.names):
                self.layer = names[0]
            frames = self._shots.frames(self.what, self.layer)
            for control in (self._frame_slider, self._play):
                control.max = len(self.recording) - 1
                control.min = 0
            self.frame = min((at for at in frames if at >= self.frame), default=frames[-1])
            for control in (self._frame_slider, self._play):
                control.min = frames[0]  # before it there is nothing of the kind
            for name, count in (("channel", self.row.channels), ("plane", self.row.planes)):
                setattr(self, name, min(getattr(self, name), count - 1))
            self._channel.max = self._channel_box.max = self.row.channels - 1
            self._plane.max = self.row.planes - 1
            self.pixel = None

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Read what is seen of the frame."""
        self._value = self._shots.value(self.shot, self.frame)
        self._seen = self.recording.frames[self.frame]

    def render(self) -> None:
        """Draw the panels; the grid first."""
        row, plane = self.row, min(self.plane, self.row.planes - 1)
        self._shaded: Shaded = self._shots.shaded(
            self.shot, self._value, plane=plane, colormap=self.colormap, scale=self.scale
        )
        self._grid.draw(self._shaded, row, self.columns, self.scale == "map")
        self._grid.select(self.channel)
        self.later(self._render_rest)

    def _render_rest(self) -> None:
        row = self.row
        names = self.recording.classes if len(self.recording.classes) == row.channels and row.kind == "vector" else []
        self._detail.draw(self._shaded, row, min(self.channel, row.channels - 1), self.pixel, names)
        self._moment.draw(self.recording, self._seen, self.shot)
        self._planes.layout.display = "" if row.planes > 1 else "none"
        self._probes.layout.display = "" if self.what == "maps" and self.recording.count > 1 else "none"
        if self._picker.listed != list(self.layers):
            self._picker.update(self.layers)
        self._title.value = markup.title(self.layer, *self.said(), status=self.status(self._shaded))

    def picture(self, *, dark: bool = False) -> NDArray[np.uint8]:
        """The view as one static picture, (H, W, 3) uint8."""
        panels = (self._moment.static(), self._grid.static(), self._detail.static())
        title = " · ".join([self.layer, *self.said()])
        return card(title, panels, footer=self.status(self._shaded), dark=dark)

    # ------------------------------------------------------------------ words

    def said(self, frame: int | None = None) -> list[str]:
        """What is seen, in words; of another `frame` than the present one."""
        at = self.frame if frame is None else frame
        words = {"maps": "feature maps", "batch": "feature maps", "gradients": "gradients", "filters": "filters"}
        less = {"none": "", "first": " minus those of the first frame", "previous": " minus those of the frame before"}
        count = len(self.recording)
        return [
            self.recording.model,
            words[self.what] + less[self.difference],
            self.recording.frames[at].name,
            f"frame {at} ({self._frame_slider.min} to {count - 1})",
        ]

    def status(self, shaded: Shaded) -> str:
        """The scale, and what is to be known of the recording."""
        words = {"film": "the whole film", "frame": "this frame", "map": "each map its own"}[self.scale]
        centred = ", centred on 0" if shaded.centred else ""
        low, _, high = shaded.ends()
        ends = "" if self.scale == "map" else f", {number(low)} to {number(high)}"
        notes = [note.partition(",")[0].partition(" where")[0] for note in self.recording.notes]
        return " · ".join([f"scale: {words}{ends}{centred}", *notes])
