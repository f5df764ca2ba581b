"""FilmView: a recorded training, to scrub through and to play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...render.color import Shaded
from ...render.static import Card
from ...training.recording import Recording
from ...widgets import controls
from ...widgets.panels import ChannelPanel, GridPanel
from ...widgets.surface import Text, markup, number
from .controls import FilmControls
from .export import export
from .panels import MomentPanel
from .shots import Shots


class FilmView(FilmControls):
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

    def __init__(self, recording: Any, **traits: Any) -> None:
        self.check_keywords(traits)
        if isinstance(recording, (str, Path)):
            recording = Recording.open(recording)
        recording = getattr(recording, "recording", recording)
        if not isinstance(recording, Recording):
            raise TypeError(f"FilmView shows a Recording, a Recorder or a folder, not {type(recording).__name__}")
        self.shots = Shots(recording)
        super().__init__(**self.checked(traits))
        self._title = Text()
        self._moment = MomentPanel()
        self._grid = GridPanel(lambda channel: self.set_trait("channel", channel))
        self._detail = ChannelPanel(lambda pixel: self.set_trait("pixel", pixel))
        panels = [self._moment, self._grid, self._detail]
        self._body.children = controls.card_body(self._title, self.bar(), panels)
        self.start()

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
            self.fit()
            if last:
                self.frame = len(self.recording) - 1
        super().refresh()

    def save(self, path: str | Path, *, dark: bool = False) -> Path:
        """Write a picture (`.png`) of the frame as it is now, or the film (`.gif`, `.mp4`), as `export` does."""
        picture = Path(path).suffix.lower() == ".png"
        return super().save(path, dark=dark) if picture else self.export(path, dark=dark)

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
            Which frames; by default all, for a sheet 12 at even distances.
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
        self._newest.flush()
        seconds = 1 / self.speed if seconds is None else seconds
        return export(self, Path(path).expanduser(), frames=frames, seconds=seconds, dark=dark, progress=progress)

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Read what is seen of the frame."""
        self._value = self.shots.value(self.shot, self.frame)
        self._seen = self.recording.frames[self.frame]

    def render(self) -> None:
        """Draw the panels; the grid first."""
        row, plane = self.row, min(self.plane, self.row.planes - 1)
        self._shaded: Shaded = self.shots.shaded(
            self.shot, self._value, plane=plane, colormap=self.colormap, scale=self.scale
        )
        self._grid.draw(self._shaded, row, self.columns, self.scale == "map", self.heading)
        self._grid.reserve([row], self.columns)
        self._grid.select(self.channel)
        self.later(self._render_rest)

    def _render_rest(self) -> None:
        row = self.row
        names = self.recording.classes if len(self.recording.classes) == row.channels and row.kind == "vector" else []
        self._detail.draw(self._shaded, row, min(self.channel, row.channels - 1), self.pixel, names)
        self._moment.draw(self.recording, self._seen, self.shot)
        self._planes.children[0].value = markup.label("Kernel" if self.what == "filters" else "Slice")
        self._planes.layout.display = "" if row.planes > 1 else "none"
        self._probes.layout.display = "" if self.what == "maps" and self.recording.count > 1 else "none"
        if self._picker.listed != list(self.layers):
            self._picker.update(self.layers)
        self._title.value = markup.title(self.layer, *self.said(), status=self.status(self._shaded))

    def static(self) -> Card:
        """What the view shows, without the controls."""
        panels = (self._moment.static(), self._grid.static(), self._detail.static())
        title = " · ".join([self.layer, *self.said()])
        return Card(title, panels, self.status(self._shaded))

    # ------------------------------------------------------------------ words

    @property
    def plural(self) -> str:
        """What the pictures of the grid are."""
        units = "units" if self.row.kind == "vector" else "feature maps"
        return {"filters": "filters", "gradients": "gradients"}.get(self.what, units)

    @property
    def heading(self) -> str:
        """Over the grid."""
        return f"All {self.row.channels:,} {self.plural}" if self.row.channels > 1 else f"The only {self.plural[:-1]}"

    def said(self, frame: int | None = None) -> list[str]:
        """What is seen, in words; of another `frame` than the present one."""
        at = self.frame if frame is None else frame
        less = {"none": "", "first": " minus those of the first frame", "previous": " minus those of the frame before"}
        count = len(self.recording)
        return [
            self.recording.layers.find(self.layer).type,
            self.plural + less[self.difference],
            self.recording.frames[at].name,
            f"frame {at} ({self._frame_slider.min} to {count - 1})",
        ]

    def status(self, shaded: Shaded, *, several: bool = False) -> str:
        """The scale, and what is to be known of the recording; `several` frames are seen side by side."""
        words = {"film": "the whole film", "frame": "this frame", "map": "each map its own"}
        if several:
            words["frame"] = "each frame its own"
        scale = "frame" if shaded.numbers and self.scale == "map" else self.scale
        centred = ", centred on 0" if shaded.centred else ""
        low, _, high = shaded.ends()
        ends = "" if scale == "map" or (several and scale == "frame") else f", {number(low)} to {number(high)}"
        notes = [note.partition(",")[0].partition(" where")[0] for note in self.recording.notes]
        return " · ".join([f"scale: {words[scale]}{ends}{centred}", *notes])
