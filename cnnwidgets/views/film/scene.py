"""One frame of a film as it is drawn: the page, the static picture and the film as a file are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from ...compute.layers import Layer
from ...render.color import Shaded
from ...render.static import Panel
from ...training.recording import Frame, Recording
from ...widgets.panels import GRID, PaintedPanel, channel_panel, grid_panel
from ...widgets.state import Memory
from ...widgets.surface import number
from .panels import Remember, image_panel, moment_panel
from .shots import Shot, Shots

LESS = {"none": "", "first": " minus those of the first frame", "previous": " minus those of the frame before"}


@dataclass(frozen=True, eq=False)
class Scene:
    """What is seen of one frame: its maps in their colours, its panels, and what is said of it.

    Attributes
    ----------
    shots : Shots
        The film.
    shot : Shot
        What of the frame is seen.
    frame : int
        Number of the frame.
    value : torch.Tensor
        What `shots` read of it.
    plane, colormap, scale, columns
        As the traits of a `FilmView`.
    remember : callable
        As `ModelView.remember`; by default, nothing is shared with another scene.
    """

    shots: Shots
    shot: Shot
    frame: int
    value: torch.Tensor
    plane: int
    colormap: str
    scale: str
    columns: int
    remember: Remember = field(default_factory=lambda: Memory().remember)

    @property
    def recording(self) -> Recording:
        """The film."""
        return self.shots.recording

    @property
    def moment(self) -> Frame:
        """The frame, as it was recorded."""
        return self.recording.frames[self.frame]

    @cached_property
    def row(self) -> Layer:
        """The layer, shaped as it is drawn."""
        return self.shots.row(self.shot.what, self.shot.layer)

    @property
    def slice(self) -> int:
        """Which slice of the layer is drawn."""
        return min(self.plane, self.row.planes - 1)

    @cached_property
    def shaded(self) -> Shaded:
        """The maps with their colours."""
        options: dict[str, Any] = {"plane": self.slice, "colormap": self.colormap, "scale": self.scale}
        key = (self.value, *options.values(), self.shots.limits(self.shot))
        shaded: Shaded = self.remember("maps", key, lambda: self.shots.shaded(self.shot, self.value, **options))
        return shaded

    # ------------------------------------------------------------------ panels

    def moment_panels(self) -> list[Panel]:
        """The image and the moment of the training, one above the other."""
        return [image_panel(self.recording, self.moment, self.shot, self.remember), moment_panel(self.moment)]

    def grid(self, *, width: int = GRID, on_choose: Callable[[int], object] | None = None) -> PaintedPanel:
        """All maps; `on_choose` is called with the number of one that is clicked."""
        return grid_panel(
            self.shaded,
            self.row,
            self.columns,
            each=self.scale == "map",
            name=self.heading,
            on_choose=on_choose,
            width=width,
        )

    def channel(self, channel: int, pixel: tuple[int, int] | None, **options: Any) -> Panel:
        """The chosen map, large; `options` as for `channel_panel`."""
        classes = self.recording.classes
        names = classes if self.row.kind == "vector" and len(classes) == self.row.channels else []
        channel = min(channel, self.row.channels - 1)
        return channel_panel(self.shaded, self.row, channel, pixel=pixel, names=names, **options)

    # ------------------------------------------------------------------ words

    @property
    def plural(self) -> str:
        """What the pictures of the grid are."""
        units = "units" if self.row.kind == "vector" else "feature maps"
        return {"filters": "filters", "gradients": "gradients"}.get(self.shot.what, units)

    @property
    def heading(self) -> str:
        """Above the grid."""
        return f"All {self.row.channels:,} {self.plural}" if self.row.channels > 1 else f"The only {self.plural[:-1]}"

    def title(self) -> list[str]:
        """The layer, its type, what is seen of it, the moment of the training, and which frame that is."""
        first = self.shots.frames(self.shot.what, self.shot.layer)[0]
        return [
            self.shot.layer,
            self.recording.layers.find(self.shot.layer).type,
            self.plural + LESS[self.shot.difference],
            self.moment.name,
            f"frame {self.frame} ({first} to {len(self.recording) - 1})",
        ]

    def status(self, *, several: bool = False) -> str:
        """What the colours mean, and what is to be known of the recording; `several` frames are seen side by side."""
        words = {"film": "the whole film", "frame": "this frame", "map": "each map its own"}
        if several:
            words["frame"] = "each frame its own"
        scale = "frame" if self.shaded.numbers and self.scale == "map" else self.scale
        centred = ", centred on 0" if self.shaded.centred else ""
        low, _, high = self.shaded.ends()
        ends = "" if scale == "map" or (several and scale == "frame") else f", {number(low)} to {number(high)}"
        notes = [note.partition(",")[0].partition(" where")[0] for note in self.recording.notes]
        if damaged := self.recording.damaged:
            notes.append(damaged[0] if len(damaged) == 1 else f"{len(damaged):,} files are lost or damaged")
        return " · ".join([f"scale: {words[scale]}{ends}{centred}", *notes])
