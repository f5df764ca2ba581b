"""A film as a file: GIF, MP4, or a sheet of frames as PNG."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...compute.core import Bar
from ...files import check_writable
from ...render import encode_png
from ...render.color import LEVELS, LOUD, Shaded, apply, rgb, table
from ...render.mosaic import Grid, mosaic, strip
from ...render.static import Panel, card
from ...widgets.panels import GRID
from ...widgets.surface import number
from .panels import facts_of, panels_of, picture_of

if TYPE_CHECKING:
    from .view import FilmView

SHEET, ACROSS = 12, 4
"""Frames on a sheet, where nobody says which, and how many in a row."""
OTHERS = 95
"""Colours of a GIF that are not the colour map's: of the text and the image."""


def export(view: FilmView, path: Path, *, frames: Any, seconds: float, dark: bool, progress: bool = True) -> Path:
    """Write what a view shows of each frame to `path`; a file that could not be finished is not left there."""
    kind = path.suffix.lower()
    if kind not in (".gif", ".mp4", ".png"):
        raise ValueError(f"a film is written as .gif, .mp4 or .png, not {kind or 'a name without an ending'!r}: {path}")
    if not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be above 0, not {seconds}")
    check_writable(path)
    there = view._shots.frames(view.what, view.layer)
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
            writer = _write_gif if kind == ".gif" else _write_mp4
            with Bar(len(chosen), "frames", progress) as bar:
                pictures = _alike(_counted((_moment(view, frame, dark) for frame in chosen), bar))
                writer(unfinished, pictures, seconds, view._shaded.colormap)
        os.replace(unfinished, path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return path


def _counted(pictures: Iterator[NDArray[np.uint8]], bar: Bar) -> Iterator[NDArray[np.uint8]]:
    for picture in pictures:
        yield picture
        bar.add()


def _maps(view: FilmView, frame: int, width: int) -> tuple[Shaded, NDArray[np.uint8]]:
    """The grid of a frame, or the bar code of a vector."""
    shot, row = view.shot, view.row
    shaded = view._shots.shaded(
        shot,
        view._shots.value(shot, frame),
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


def _moment(view: FilmView, frame: int, dark: bool) -> NDArray[np.uint8]:
    """One frame of a film that moves."""
    recording, moment = view.recording, view.recording.frames[frame]
    shaded, pixels = _maps(view, frame, GRID)
    left = panels_of(*picture_of(recording, moment, view.shot), facts_of(moment))
    grid = Panel(view.heading, pixels, width=GRID, colorbar=_colorbar(shaded, view.scale))
    title = " · ".join([view.layer, *view.said(frame)[:3]])
    return card(title, [left, grid], footer=view.status(shaded), dark=dark)


def _sheet(view: FilmView, frames: list[int], dark: bool) -> NDArray[np.uint8]:
    """Frames side by side, each under its name."""
    columns: list[list[Panel]] = [[] for _ in range(min(ACROSS, len(frames)))]
    for at, frame in enumerate(frames):
        shaded, pixels = _maps(view, frame, GRID // 2)
        bar = _colorbar(shaded, view.scale)
        name = view.recording.frames[frame].name
        columns[at % len(columns)].append(Panel(name, pixels, width=GRID // 2, colorbar=bar))
    title = " · ".join([view.layer, *view.said()[:2]])
    return card(title, columns, footer=view.status(shaded, several=len(frames) > 1), dark=dark)


def _alike(pictures: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Pictures of the size of the first, even in both directions: what is missing is filled from its edge."""
    first = next(pictures)
    height, width = (extent + extent % 2 for extent in first.shape[:2])
    for picture in (first, *pictures):
        missing = [(0, max(0, want - have)) for want, have in zip((height, width), picture.shape[:2], strict=True)]
        yield np.pad(picture, (*missing, (0, 0)), mode="edge")[:height, :width]


def _write_gif(path: Path, pictures: Iterator[NDArray[np.uint8]], seconds: float, colormap: str) -> None:
    """All frames have one palette, most of it the colour map's: colours mean the same throughout."""
    start = Image.fromarray(next(pictures))
    others = start.quantize(OTHERS, dither=Image.Dither.NONE).getpalette() or []
    colors = table(colormap)[np.linspace(0, LEVELS - 1, 255 - OTHERS).round().astype(int)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*others[: 3 * OTHERS], *rgb(LOUD), *colors.ravel().tolist()])
    images = (Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.NONE) for pixels in pictures)
    start.quantize(palette=palette, dither=Image.Dither.NONE).save(
        path, save_all=True, append_images=images, duration=max(20, round(1000 * seconds)), loop=0
    )


def _write_mp4(path: Path, pictures: Iterator[NDArray[np.uint8]], seconds: float, colormap: str) -> None:
    program = _ffmpeg()
    first = next(pictures)
    height, width = first.shape[:2]
    command = [program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += ["-r", f"{1 / seconds:g}", "-i", "-", "-c:v", "libx264", "-crf", "16", "-pix_fmt", "yuv420p", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stderr is not None
        with suppress(BrokenPipeError):  # it says below why it ended
            for pixels in (first, *pictures):
                process.stdin.write(pixels.tobytes())
            process.stdin.close()
        said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise RuntimeError(f"ffmpeg could not write the film: {said.splitlines()[-1] if said else process.returncode}")


def _ffmpeg() -> str:
    if program := shutil.which("ffmpeg"):
        return program
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        raise RuntimeError(
            "an .mp4 needs ffmpeg, which is not there: pip install imageio-ffmpeg, or write a .gif"
        ) from None
    return str(get_ffmpeg_exe())
