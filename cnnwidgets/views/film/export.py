"""A film as a file: GIF, MP4, or a sheet of frames as PNG."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...compute.core import Bar
from ...compute.layers import Layer
from ...files import check_writable
from ...render import encode_png
from ...render.color import Shaded, apply
from ...render.mosaic import Grid, mosaic, strip
from ...render.static import Panel, alike, card, write_gif, write_mp4
from ...training.recording import Recording
from ...widgets.panels import GRID
from ...widgets.surface import number
from .panels import facts_of, panels_of, picture_of
from .shots import Shot, Shots

SHEET, ACROSS = 12, 4
"""Frames on a sheet, where nobody says which, and how many in a row."""


class Shown(Protocol):
    """What is written of a view of a recording."""

    shots: Shots
    what: Any
    layer: str
    plane: int
    colormap: str
    scale: Any
    columns: int

    @property
    def recording(self) -> Recording:
        """The film."""

    @property
    def shot(self) -> Shot:
        """What is seen of each frame."""

    @property
    def row(self) -> Layer:
        """The layer."""

    @property
    def heading(self) -> str:
        """Above the maps."""

    def said(self, frame: int | None = None) -> list[str]:
        """The parts of the title."""

    def status(self, shaded: Shaded, *, several: bool = False) -> str:
        """The line below."""


def export(view: Shown, path: Path, *, frames: Any, seconds: float, dark: bool, progress: bool = True) -> Path:
    """Write what a view shows of each frame to `path`; a file that could not be finished is not left there."""
    kind = path.suffix.lower()
    if kind not in (".gif", ".mp4", ".png"):
        raise ValueError(f"a film is written as .gif, .mp4 or .png, not {kind or 'a name without an ending'!r}: {path}")
    if not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be above 0, not {seconds}")
    check_writable(path)
    there = view.shots.frames(view.what, view.layer)
    listed = there if frames is None else frames if isinstance(frames, Iterable) else [frames]
    chosen = [int(frame) for frame in listed]
    if frames is None and kind == ".png":
        chosen = [there[round(at)] for at in np.linspace(0, len(there) - 1, min(SHEET, len(there)))]
    if not chosen:
        raise ValueError("there are no frames to write")
    for frame in chosen:
        if frame not in there:
            raise IndexError(f"frame {frame} is not there; frames: {there[0]} to {there[-1]}")
    unfinished = path.with_name(f".{path.name}.part{kind}")
    try:
        if kind == ".png":
            unfinished.write_bytes(encode_png(_sheet(view, chosen, dark), level=6))
        else:
            with Bar(len(chosen), "frames", progress) as bar:
                pictures = alike(_counted((_moment(view, frame, dark) for frame in chosen), bar))
                if kind == ".gif":
                    write_gif(unfinished, pictures, seconds, _maps(view, chosen[0], GRID)[0].colormap)
                else:
                    write_mp4(unfinished, pictures, seconds)
        os.replace(unfinished, path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return path


def _counted(pictures: Iterator[NDArray[np.uint8]], bar: Bar) -> Iterator[NDArray[np.uint8]]:
    for picture in pictures:
        yield picture
        bar.add()


def _maps(view: Shown, frame: int, width: int) -> tuple[Shaded, NDArray[np.uint8]]:
    """The grid of a frame, or the bar code of a vector."""
    shot, row = view.shot, view.row
    shaded = view.shots.shaded(
        shot,
        view.shots.value(shot, frame),
        plane=min(view.plane, row.planes - 1),
        colormap=view.colormap,
        scale=view.scale,
    )
    tiles, columns = shaded.tiles(), view.columns or None
    if row.kind == "vector":
        pixels = strip(tiles.ravel(), columns=columns)
    else:
        pixels = mosaic(tiles, Grid.fit(*tiles.shape, columns=columns, room=width))
    return shaded, apply(pixels, shaded.colormap, alpha=True)


def _colorbar(shaded: Shaded, scale: str) -> tuple[str, str, str | None, str]:
    low, middle, high = shaded.ends()
    ends = (number(low), number(high))
    if scale == "map" and not shaded.numbers:
        ends = ("lowest", "highest") if middle is None else ("−max", "+max")  # of each map, as the footer says
    return shaded.colormap, ends[0], None if middle is None else "0", ends[1]


def _moment(view: Shown, frame: int, dark: bool) -> NDArray[np.uint8]:
    """One frame of a film that moves."""
    recording, moment = view.recording, view.recording.frames[frame]
    shaded, pixels = _maps(view, frame, GRID)
    left = panels_of(*picture_of(recording, moment, view.shot), facts_of(moment))
    grid = Panel(view.heading, pixels, width=GRID, colorbar=_colorbar(shaded, view.scale))
    title = " · ".join([view.layer, *view.said(frame)[:3]])
    return card(title, [left, grid], footer=view.status(shaded), dark=dark)


def _sheet(view: Shown, frames: list[int], dark: bool) -> NDArray[np.uint8]:
    """Frames side by side, each under its name."""
    columns: list[list[Panel]] = [[] for _ in range(min(ACROSS, len(frames)))]
    for at, frame in enumerate(frames):
        shaded, pixels = _maps(view, frame, GRID // 2)
        bar = _colorbar(shaded, view.scale)
        name = view.recording.frames[frame].name
        columns[at % len(columns)].append(Panel(name, pixels, width=GRID // 2, colorbar=bar))
    title = " · ".join([view.layer, *view.said()[:2]])
    return card(title, columns, footer=view.status(shaded, several=len(frames) > 1), dark=dark)
