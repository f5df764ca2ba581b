"""What of a recording is drawn: maps, filters or gradients of a frame, as they are or against another frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.layers import Layer, drawable
from ...render.color import Shaded, choose, is_diverging, value_range
from ...training.recording import WHAT, Damaged, Recording, What, finite_range

DIFFERENCES = {"none": "nothing", "first": "first frame", "previous": "previous frame"}
SCALES = ("film", "frame", "map")
WORDS: dict[str, str] = {
    "maps": "feature maps of a probe",
    "batch": "feature maps, batch image",
    "gradients": "gradients, batch image",
    "filters": "filters",
}
"""The batch image is the first of the batch, as the model saw it."""


@dataclass(frozen=True)
class Shot:
    """What of each frame is seen.

    Attributes
    ----------
    what : str
        `maps`, `batch`, `gradients` or `filters`.
    layer : str
        Name of the layer.
    probe : int
        Which probe image, for `maps`.
    difference : str
        `none`; `first`: less the first frame that has it; `previous`: less the frame before.
    """

    what: What
    layer: str
    probe: int = 0
    difference: str = "none"


class Shots:
    """Takes shots of a recording; reads no more than each needs.

    Parameters
    ----------
    recording : Recording
        The film.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.aspect = recording.probes.shape[-1] / recording.probes.shape[-2]
        self._limits = lru_cache(maxsize=64)(self._scanned)

    @property
    def whats(self) -> list[What]:
        """What there is to see."""
        return [what for what in WHAT if self.recording.layers_with(what)]

    def row(self, what: What, layer: str) -> Layer:
        """The layer, shaped as it is drawn; filters have a map each, and a slice for each of their kernels."""
        row = self.recording.layers.find(layer)
        if what != "filters":
            return row
        shape = next(shape for frame in self.recording.frames if (shape := frame.shapes.get(f"filters/{layer}")))
        planes = int(np.prod(shape[1:-2]))
        return replace(row, kind="maps", shape=(shape[0], *shape[-2:]), layout="first", batch_axis=0, planes=planes)

    def frames(self, what: What, layer: str) -> list[int]:
        """Numbers of the frames that have it."""
        return [at for at, frame in enumerate(self.recording.frames) if f"{what}/{layer}" in frame.ranges]

    def readable(self, shot: Shot) -> Iterator[int]:
        """Numbers of the frames that have it and can be read: no file of theirs is damaged."""
        for frame in self.frames(shot.what, shot.layer):
            with suppress(Damaged):
                self.value(shot, frame)
                yield frame

    def value(self, shot: Shot, frame: int) -> torch.Tensor:
        """The numbers of a frame, as the layer put them out; raises LookupError where it has none."""
        value = self._read(shot, frame)
        if shot.difference == "none":
            return value
        return value - self._read(shot, self.before(shot, frame))

    def before(self, shot: Shot, frame: int) -> int:
        """The frame that is taken from a frame for a difference; itself, where none before has it."""
        before = [at for at in self.frames(shot.what, shot.layer) if at < frame] or [frame]
        return before[0 if shot.difference == "first" else -1]

    def _read(self, shot: Shot, frame: int) -> torch.Tensor:
        recording = self.recording
        if shot.what == "maps":
            return recording.maps(frame, shot.layer, shot.probe).float()
        return getattr(recording, shot.what)(frame, shot.layer).float()

    def limits(self, shot: Shot) -> tuple[float, float]:
        """Smallest and largest number over the whole film; over all probes, save for differences."""
        if shot.difference == "none":
            return self.recording.range(shot.what, shot.layer)
        frames = self.recording.frames
        return self._limits(shot, len(frames), frames[-1].step)

    def _scanned(self, shot: Shot, count: int, last: int) -> tuple[float, float]:
        low = high = 0.0
        for frame in self.frames(shot.what, shot.layer):
            with suppress(Damaged):  # said where it is seen
                ends = finite_range(self.value(shot, frame)) or (0.0, 0.0)
                low, high = min(low, ends[0]), max(high, ends[1])
        return low, high

    def signed(self, shot: Shot) -> bool:
        """Whether there may be negative numbers anywhere in the film."""
        return shot.difference != "none" or shot.what in ("gradients", "filters") or bool(self.limits(shot)[0] < 0)

    def scales(self, shot: Shot) -> dict[str, Any]:
        """Each of `SCALES` as the painter in a page knows it; for the film (vmin, vmax), and (-m, m) around 0."""
        limits = np.array(self.limits(shot))
        film = [list(value_range(limits, symmetric=symmetric)) for symmetric in (False, True)]
        return {"film": film, "frame": "layer-full", "map": "map"}

    def maps(self, shot: Shot, value: torch.Tensor, *, plane: int) -> NDArray[Any]:
        """Maps (C, H, W) of what was read of a frame."""
        if shot.what == "filters":
            return value.reshape(value.shape[0], -1, *value.shape[-2:])[:, plane].numpy()
        return drawable(value, self.row(shot.what, shot.layer), aspect=self.aspect, plane=plane).numpy()

    def shaded(self, shot: Shot, value: torch.Tensor, *, plane: int, colormap: str, scale: str) -> Shaded:
        """Maps (C, H, W) with their colours; these do not change their meaning from frame to frame."""
        maps, name = self.maps(shot, value, plane=plane), choose(colormap, self.signed(shot))
        known = self.scales(shot)[scale]
        return Shaded.of(maps, colormap=name, scale=known if isinstance(known, str) else known[is_diverging(name)])
