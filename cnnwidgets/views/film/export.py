"""A film as a file: GIF, MP4, or a sheet of frames as PNG."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compute.core import Bar
from ...files import check_writable
from ...render import encode_png
from ...render.static import Panel, alike, card, write_gif, write_mp4
from ...widgets.panels import GRID
from .scene import Scene

SHEET, ACROSS = 12, 4
"""Frames on a sheet, where nobody says which, and how many in a row."""


def export(
    scene: Callable[[int], Scene],
    there: Sequence[int],
    path: Path,
    *,
    frames: Any,
    seconds: float,
    dark: bool,
    progress: bool = True,
) -> Path:
    """Write the scenes of a film to a file; one that could not be finished is not left there.

    Parameters
    ----------
    scene : callable
        Gives the scene of a frame, by its number.
    there : sequence of int
        The frames that can be written.
    path, frames, seconds, dark, progress
        As for `FilmView.export`.
    """
    kind = path.suffix.lower()
    if kind not in (".gif", ".mp4", ".png"):
        raise ValueError(f"a film is written as .gif, .mp4 or .png, not {kind or 'a name without an ending'!r}: {path}")
    if not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be above 0, not {seconds}")
    check_writable(path)
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
            unfinished.write_bytes(encode_png(_sheet(scene, chosen, dark), level=6))
        else:
            with Bar(len(chosen), "frames", progress) as bar:
                pictures = alike(_counted((_picture(scene(frame), dark) for frame in chosen), bar))
                if kind == ".gif":
                    write_gif(unfinished, pictures, seconds, scene(chosen[0]).shaded.colormap)
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


def _picture(scene: Scene, dark: bool) -> NDArray[np.uint8]:
    """One frame of a film that moves: as the page shows it, without what was clicked."""
    title = " · ".join(scene.title()[:4])
    return card(title, [scene.moment_panels(), scene.grid()], footer=scene.status(), dark=dark)


def _sheet(scene: Callable[[int], Scene], frames: Sequence[int], dark: bool) -> NDArray[np.uint8]:
    """Frames side by side, each under its name."""
    columns: list[list[Panel]] = [[] for _ in range(min(ACROSS, len(frames)))]
    for at, frame in enumerate(frames):
        seen = scene(frame)
        columns[at % len(columns)].append(replace(seen.grid(width=GRID // 2), heading=seen.moment.name))
    title = " · ".join(seen.title()[:3])
    return card(title, columns, footer=seen.status(several=len(frames) > 1), dark=dark)
