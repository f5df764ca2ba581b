from __future__ import annotations

import base64
import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.render.color.colormap import palette
from cnnwidgets.render.png import encode_png, encode_still, png_address
from cnnwidgets.render.static.card import Panel, card

RANDOM = np.random.default_rng(0)


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()  # Pillow checks every CRC here
    return image


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize(("shape", "mode"), [((5, 7), "L"), ((5, 7, 3), "RGB"), ((5, 7, 4), "RGBA")])
def test_pillow_reads_back_the_same_pixels(shape: tuple[int, ...], mode: str, level: int) -> None:
    pixels = RANDOM.integers(0, 256, shape, dtype=np.uint8)
    image = decoded(encode_png(pixels, level=level))
    assert image.mode == mode
    assert (np.asarray(image) == pixels).all()


def test_an_indexed_picture_keeps_indices_colours_and_transparency() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(2, 128)
    image = decoded(encode_png(pixels, palette("viridis")))
    assert image.mode == "P"
    assert (np.asarray(image) == pixels).all()
    assert (np.asarray(image.convert("RGBA")) == palette("viridis")[pixels]).all()


def test_a_palette_without_alpha_writes_no_transparency() -> None:
    data = encode_png(np.zeros((1, 1), np.uint8), palette("gray")[:, :3].copy())
    assert b"PLTE" in data and b"tRNS" not in data
    assert decoded(data).convert("RGB").getpixel((0, 0)) == (0, 0, 0)


def test_the_header_says_width_height_depth_and_kind() -> None:
    data = encode_png(np.zeros((2, 3), np.uint8), palette("gray"))
    assert data[:16] == b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
    assert data[16:29] == struct.pack(">IIBBBBB", 3, 2, 8, 3, 0, 0, 0)


def test_a_view_with_gaps_in_memory_is_written_as_it_looks() -> None:
    pixels = RANDOM.integers(0, 256, (9, 9), dtype=np.uint8)[1:-1:2, ::-3]
    assert (np.asarray(decoded(encode_png(pixels))) == pixels).all()


def test_a_picture_past_one_stored_block_is_whole() -> None:
    pixels = RANDOM.integers(0, 256, (300, 300), dtype=np.uint8)  # a stored deflate block holds 65,535 bytes
    data = encode_png(pixels)
    assert (np.asarray(decoded(data)) == pixels).all()
    assert len(data) > 300 * 301


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        (np.zeros((2, 2)), {}, "float64"),
        (np.zeros((2, 2, 2), np.uint8), {}, r"\(2, 2, 2\)"),
        (np.zeros(4, np.uint8), {}, r"\(4,\)"),
        (np.zeros((0, 4), np.uint8), {}, "needs pixels"),
        (np.zeros((4, 0, 3), np.uint8), {}, "needs pixels"),
        (np.zeros((2, 2), np.uint8), {"palette": np.zeros((255, 3), np.uint8)}, r"uint8 \(255, 3\)"),
        (np.zeros((2, 2), np.uint8), {"palette": np.zeros((256, 3))}, r"float64 \(256, 3\)"),
        (np.zeros((2, 2, 3), np.uint8), {"palette": palette("gray")}, "palette goes with indices"),
        (np.zeros((2, 2), np.uint8), {"level": 10}, "0 to 9; got 10"),
    ],
)
def test_what_is_no_picture_is_refused(pixels: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_png(pixels, **options)


def test_the_still_keeps_up_to_256_colours_exactly_and_any_others_nearly() -> None:
    few = RANDOM.integers(0, 256, (250, 3), dtype=np.uint8)[RANDOM.integers(0, 250, (40, 50))]
    assert (np.asarray(decoded(encode_still(few)).convert("RGB")) == few).all()
    y, x = np.mgrid[:200, :300]
    many = np.stack([y, x * 255 // 300, 128 + 0 * x], axis=2).astype(np.uint8)
    many[80:120] = 255
    shown = np.asarray(decoded(encode_still(many)).convert("RGB"))
    assert np.abs(shown.astype(int) - many).max() <= 16 and (shown[80:120] == 255).all()


def test_the_still_of_a_card_is_less_than_half_as_large() -> None:
    noise = np.clip(np.cumsum(RANDOM.normal(0, 6, (200, 300, 3)), axis=1) + 128, 0, 255).astype(np.uint8)
    picture = card("Layer · 64 maps", [Panel("Image", noise, 300), Panel("h", lines=["one", ("two", "2")])])
    assert len(encode_still(picture)) < 0.5 * len(encode_png(picture, level=6))


def test_the_address_of_a_png_holds_it():
    png = encode_png(np.zeros((2, 3), np.uint8))
    head, data = png_address(png).split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == png
