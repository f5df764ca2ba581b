"""A PNG writer that is quick because it may store the pixels without squeezing them."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_GREY, _RGB, _INDEXED, _RGBA = 0, 2, 3, 6
_COLOR_TYPES = {3: _RGB, 4: _RGBA}


def encode_png(pixels: NDArray[np.uint8], palette: NDArray[np.uint8] | None = None, level: int = 0) -> bytes:
    """PNG file of a picture, after the PNG specification (ISO/IEC 15948), filter 0 throughout.

    Parameters
    ----------
    pixels
        uint8: (H, W) palette indices or, without a palette, grey; (H, W, 3) RGB; (H, W, 4) RGBA.
    palette
        uint8 (256, 3) RGB or (256, 4) RGBA, for indices only.
    level
        zlib's: 0 stores (the quickest by far, for a picture that stays on one machine), 1 to 9 compress.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If pixels, palette or level are not of these kinds, or the picture has no pixels.
    """
    height, width, color_type = _checked(pixels, palette, level)
    lines = np.empty((height, 1 + pixels.size // height), np.uint8)
    lines[:, 0] = 0  # the filter of each line
    lines[:, 1:] = pixels.reshape(height, -1)
    parts = [
        b"\x89PNG\r\n\x1a\n",
        *_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)),
    ]
    if palette is not None:
        parts += _chunk(b"PLTE", palette[:, :3].tobytes())
        if palette.shape[1] == 4:
            parts += _chunk(b"tRNS", palette[:, 3].tobytes())
    parts += _chunk(b"IDAT", zlib.compress(lines.data, level))
    parts += _chunk(b"IEND", b"")
    return b"".join(parts)


def encode_still(pixels: NDArray[np.uint8]) -> bytes:
    """PNG file of a whole card with a palette of 256 colours, less than half as large: for the output of a cell.

    Parameters
    ----------
    pixels
        uint8 (H, W, 3) RGB. Up to 256 colours are kept exactly; of more each is replaced by one near it.
    """
    colors, indices = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    if len(colors) <= 256:
        palette, tiles = colors, indices.reshape(pixels.shape[:2]).astype(np.uint8)
    else:  # of Pillow's ways the one with the smallest largest error: the few pixels of a curve keep their colour
        image = Image.fromarray(np.ascontiguousarray(pixels)).quantize(
            256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
        palette, tiles = np.array(image.getpalette(), np.uint8).reshape(-1, 3), np.asarray(image)
    whole = np.zeros((256, 3), np.uint8)
    whole[: len(palette)] = palette
    return encode_png(tiles, whole, level=9)


def png_address(png: bytes) -> str:
    """The `data:` address of a PNG file, for a page: there at once, where a blob is loaded first."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, ...]:
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _checked(pixels: NDArray[np.uint8], palette: NDArray[np.uint8] | None, level: int) -> tuple[int, int, int]:
    """Height, width and PNG colour type of a picture."""
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in _COLOR_TYPES)):
        raise ValueError(f"pixels must be uint8 (H, W), (H, W, 3) or (H, W, 4); got {pixels.dtype} {pixels.shape}")
    if not pixels.size:
        raise ValueError(f"a picture needs pixels; got shape {pixels.shape}")
    if level not in range(10):
        raise ValueError(f"level must be 0 to 9; got {level!r}")
    height, width = pixels.shape[:2]
    if palette is None:
        return height, width, _GREY if pixels.ndim == 2 else _COLOR_TYPES[pixels.shape[2]]
    if pixels.ndim != 2:
        raise ValueError(f"a palette goes with indices (H, W); got pixels of shape {pixels.shape}")
    if palette.shape not in ((256, 3), (256, 4)) or palette.dtype != np.uint8:
        raise ValueError(f"palette must be uint8 (256, 3) or (256, 4); got {palette.dtype} {palette.shape}")
    return height, width, _INDEXED
