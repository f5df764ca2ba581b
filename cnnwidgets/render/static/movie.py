"""Pictures as a film: GIF and MP4."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...late import imported
from ..color import LEVELS, LOUD, rgb, table

OTHERS = 95
"""Colours of a GIF that are not the colour map's: of the text and the image."""


def alike(pictures: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Pictures of the size of the first, even in both directions: what is missing is filled from its edge."""
    first = next(pictures)
    height, width = (extent + extent % 2 for extent in first.shape[:2])
    for picture in (first, *pictures):
        missing = [(0, max(0, want - have)) for want, have in zip((height, width), picture.shape[:2], strict=True)]
        yield np.pad(picture, (*missing, (0, 0)), mode="edge")[:height, :width]


def write_gif(path: Path, pictures: Iterator[NDArray[np.uint8]], seconds: float, colormap: str) -> None:
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


def write_mp4(path: Path, pictures: Iterator[NDArray[np.uint8]], seconds: float) -> None:
    """Write a film of H.264; raises RuntimeError where ffmpeg is missing or fails."""
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
        ffmpeg = imported("imageio_ffmpeg")
    except ImportError:
        raise RuntimeError(
            "an .mp4 needs ffmpeg, which is not there: pip install imageio-ffmpeg, or write a .gif"
        ) from None
    return str(ffmpeg.get_ffmpeg_exe())
