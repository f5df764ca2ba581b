"""A picture from a file, its bytes, a picture of Pillow, or an array, in the modes L or RGB."""

from __future__ import annotations

import math
import os
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

MOST = 16_000_000
"""Pixels of a picture; a larger one is reduced, before anything is made of it."""
WHITE = (255, 255, 255, 255)


def read_picture(given: Any) -> tuple[Image.Image, list[str]]:
    """The picture that `given` holds, upright, and what was done to it, in words.

    Parameters
    ----------
    given : str, path, bytes, PIL.Image.Image, numpy.ndarray or torch.Tensor
        A file, or what is in it; an array (H, W), (H, W, C) or (C, H, W) of bytes, of 16 bits, of truth values, or of
        numbers in [0, 1], of 1, 3 or 4 channels. Other whole numbers are 0 and 1, or bytes.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It cannot be read, is no picture, or is too large.
    TypeError
        Nothing of the above.
    """
    if isinstance(given, (str, os.PathLike)):
        return _of_file(given)
    if isinstance(given, (bytes, bytearray, memoryview)):
        return _opened(BytesIO(given), "this file")
    if isinstance(given, Image.Image):
        return _finished(given, "this picture")
    if isinstance(given, torch.Tensor):
        if given.is_meta:
            raise ValueError("a tensor on the device 'meta' has no numbers")
        given = given.detach().cpu().numpy()
    if isinstance(given, np.ndarray):
        whole = given.dtype.kind in "iu" and given.dtype not in (np.uint8, np.uint16) and given.max(initial=0) > 1
        return _reduced(Image.fromarray(in_bytes(given)), ["whole numbers taken as bytes"] if whole else [])
    raise TypeError(
        f"an image is a path, a PIL image, an array (H, W, C) or a tensor (C, H, W), not {type(given).__name__}"
    )


def in_bytes(array: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pixels as bytes, (H, W) or (H, W, 3) or (H, W, 4), for `Image.fromarray`; raises ValueError for other numbers."""
    shape, pixels = " × ".join(map(str, array.shape)), np.ma.getdata(array)
    if pixels.ndim == 3 and pixels.shape[-1] not in (1, 3, 4) and pixels.shape[0] in (1, 3, 4):
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.size == 0 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[-1] not in (3, 4)):
        raise ValueError(f"an array of {shape} is no picture: wanted (H, W), (H, W, 3), (H, W, 4) or (3, H, W)")
    if pixels.dtype == np.bool_ or pixels.dtype.kind not in "iuf":
        if pixels.dtype != np.bool_:
            raise ValueError(f"an array of {pixels.dtype} is no picture: wanted bytes, or numbers from 0 to 1")
        return np.where(pixels, np.uint8(255), np.uint8(0))
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    low, high = float(pixels.min()), float(pixels.max())
    if 0 <= low <= high <= 1:
        pixels = pixels * 255.0
    elif pixels.dtype == np.uint16:
        pixels = pixels / 257.0
    elif not (0 <= low <= high <= 255 and (pixels.dtype.kind in "iu" or (pixels == pixels.round()).all())):
        raise ValueError(
            f"an array of numbers from {low:.4g} to {high:.4g} is no picture: wanted bytes from 0 to 255, or numbers "
            "from 0 to 1; a tensor is taken as the network gets it"
        )
    return np.ascontiguousarray(pixels.round().astype(np.uint8))


def sized(picture: Image.Image, width: int, height: int) -> Image.Image:
    """As large as that: scaled to cover it, and cut off evenly at the edges that stand out."""
    if picture.size == (width, height):
        return picture
    return ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)


def _of_file(path: Any) -> tuple[Image.Image, list[str]]:
    if str(path).startswith(("http://", "https://")):
        raise ValueError(f"{str(path)!r:.80} is an address, and nothing is downloaded: give a file")
    file = Path(path).expanduser()
    if not str(path):
        raise FileNotFoundError("the name of the file is empty")
    if file.is_dir():
        raise ValueError(f"{str(file)!r} is a folder: give a file in it")
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {str(file)!r}")
    return _opened(file, file.name)


def _opened(source: Any, name: str) -> tuple[Image.Image, list[str]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # it is reduced
            with Image.open(source) as image:
                _draft(image)
                return _finished(image, name)
    except UnidentifiedImageError:
        raise ValueError(f"{name} is no picture of a kind that can be read: broken, or not one") from None
    except Image.DecompressionBombError:
        raise ValueError(f"{name} has too many pixels to be read") from None


def _draft(image: Image.Image) -> None:
    """A large JPEG is decoded at a half, a quarter or an eighth of its size, which takes as much less time."""
    image.info["cnnwidgets_size"] = image.size
    if image.size[0] * image.size[1] > MOST:
        share = math.sqrt(MOST / (image.size[0] * image.size[1]))
        image.draft(None, (round(image.size[0] * share), round(image.size[1] * share)))


def _finished(image: Image.Image, name: str) -> tuple[Image.Image, list[str]]:
    """The first frame, upright, in L or RGB, of `MOST` pixels."""
    notes = []
    try:
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format != "MPO":  # that of a camera: the others are previews
            notes.append(f"the first of {frames} frames")
            image.seek(0)
        width, height = image.info.get("cnnwidgets_size", image.size)
        image.load()
        if min(image.size) == 0:
            raise ValueError(f"{name} is empty: {width} × {height} px")
        upright = ImageOps.exif_transpose(image) or image
        plain, said = _plain(upright)
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError(f"{name} is cut off or broken: {' '.join(str(error).split())}") from None
    return _reduced(plain, notes + said, width * height, turned=upright.size != image.size, size=(width, height))


def _reduced(
    picture: Image.Image, notes: list[str], count: int = 0, *, turned: bool = False, size: tuple[int, int] = (0, 0)
) -> tuple[Image.Image, list[str]]:
    """Of at most `MOST` pixels; `count` and `size` are those of the file, where they were more."""
    width, height = size if count else picture.size
    count = width * height
    if picture.size[0] * picture.size[1] > MOST:
        share = math.sqrt(MOST / (picture.size[0] * picture.size[1]))
        small = max(1, int(picture.size[0] * share)), max(1, int(picture.size[1] * share))
        picture = picture.resize(small, Image.Resampling.BOX, reducing_gap=2.0)
    if count > picture.size[0] * picture.size[1]:
        full = f"{height} × {width}" if turned else f"{width} × {height}"
        notes = [*notes, f"reduced from {full} px to {picture.size[0]} × {picture.size[1]} px"]
    return picture, notes


def _plain(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """In L or RGB, and what was done."""
    if image.mode.startswith("I") or image.mode == "F":
        return _of_numbers(image)
    grey = image.mode in ("1", "L", "LA", "La")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        clear = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        if clear.getchannel("A").histogram()[255] < clear.size[0] * clear.size[1]:
            ground = Image.new("RGBA", clear.size, WHITE)
            plain = Image.alpha_composite(ground, clear).convert("L" if grey else "RGB")
            return plain, ["white where it is transparent"]
        image = clear
    return image.convert("L" if grey else "RGB"), []


def _of_numbers(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """A picture of 16 bits, or of numbers of any kind, in 256 levels."""
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("the picture holds values that are no numbers")
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and 255 < high <= 65535 and low >= 0):
        ends, said = (0.0, 65535.0), ["16 bits reduced to 8"]
    elif 0 <= low <= high <= 1 and image.mode == "F":
        ends, said = (0.0, 1.0), []
    elif 0 <= low <= high <= 255:
        ends, said = (0.0, 255.0), []
    else:
        ends, said = (low, high), [f"{low:.4g} is black, {high:.4g} white"]
    levels = (values - ends[0]) / (ends[1] - ends[0]) * 255
    return Image.fromarray(levels.round().astype(np.uint8)), said
