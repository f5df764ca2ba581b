"""A card as SVG and PDF: text is text, pixels are squares, and what cannot be read in print is refused."""

from __future__ import annotations

import base64
import io
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.render.static import Card, Chart, Line, Panel, TooNarrow, encode_card

SVG = "{http://www.w3.org/2000/svg}"
PIXELS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]]], np.uint8)
CARD = Card(
    "C3 · image 3",
    [
        Panel(
            "Maps · all 2",
            PIXELS,
            width=240,
            lines=["<b> & $x$"],
            bars=[("cat", 0.5, "50 %"), ("dog", -0.2, "-2")],
            colorbar=("viridis", "0", None, "1.5"),
            marks=[(0, 0, 1, 1)],
            flags=[(1, 1, 2, 2)],
        )
    ],
    "a footer",
)


def svg(card: Card = CARD, **options: object) -> ElementTree.Element:
    return ElementTree.fromstring(encode_card(card, ".svg", **options))


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_every_text_of_the_card_is_text_as_it_is():
    assert texts(svg()) == [
        "C3", "· image 3", "Maps", "· all 2", "0", "1.5", "cat", "50 %", "dog", "-2", "<b> & $x$", "a footer",
    ]  # fmt: skip


def test_characters_that_xml_cannot_hold_are_replaced():
    root = svg(Card("A\x07 · b\x00", [Panel("Bars", bars=[("c\x1b\ufffe", 0.5, "1")], lines=["d\x0e"])], "e\x7f"))
    assert texts(root) == ["A\ufffd", "· b\ufffd", "Bars", "c\ufffd\ufffd", "1", "d\ufffd", "e\ufffd"]


def test_a_picture_is_in_the_file_to_the_pixel_and_drawn_without_blur():
    first = next(svg().iter(f"{SVG}image"))
    href = next(value for name, value in first.attrib.items() if name.endswith("href"))
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(href.partition(",")[2]))).convert("RGB"))
    assert np.array_equal(found, PIXELS) or np.array_equal(found, PIXELS[::-1])
    assert "pixelated" in first.attrib.get("style", "")


def test_the_file_has_the_width_in_mm_and_the_same_card_gives_the_same_file():
    root = svg(width_mm=85)
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(85 / 25.4 * 72, abs=0.01)
    assert encode_card(CARD, ".svg") == encode_card(CARD, ".svg")


def test_a_pdf_has_fonts_and_no_text_as_outlines():
    data = encode_card(CARD, ".pdf", width_mm=85)
    assert data.startswith(b"%PDF") and b"/FontFile2" in data
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    pages = b" ".join(zlib.decompress(each) for each in streams if each[:1] == b"x")
    assert re.search(rb"\) Tj|\] TJ|> Tj", pages)


def test_a_png_has_so_many_pixels_to_the_inch():
    found = Image.open(io.BytesIO(encode_card(CARD, ".png", width_mm=76.2, dpi=200)))
    assert found.width == pytest.approx(600, abs=1)


def test_a_width_that_cannot_hold_the_text_is_refused_and_the_one_that_is_named_is_taken():
    wide = Card("Wide", [Panel(name, PIXELS, width=400, lines=["x"]) for name in ("One", "Two", "Three")])
    with pytest.raises(TooNarrow, match=r"at 85 mm the smallest text would have \d\.\d pt") as error:
        encode_card(wide, ".svg", width_mm=85)
    (least,) = re.findall(r"give (\d+) mm or more, or fewer panels$", str(error.value))
    assert encode_card(wide, ".svg", width_mm=float(least))


@pytest.mark.parametrize("width_mm", [1, 30, 40.5])
def test_the_width_that_is_named_is_the_least_whatever_was_given(width_mm):
    pixels = np.zeros((122, 122, 3), np.uint8)
    maps = Card("Maps", [Panel("All 16", pixels, width=480)])
    with pytest.raises(TooNarrow) as error:
        encode_card(maps, ".svg", width_mm=width_mm)
    (least,) = re.findall(r"give (\d+) mm or more$", str(error.value))
    assert encode_card(maps, ".svg", width_mm=int(least))
    with pytest.raises(TooNarrow, match=f"give {least} mm or more$"):
        encode_card(maps, ".svg", width_mm=int(least) - 1)


def test_the_width_that_is_named_is_the_least_where_a_chart_cannot_shrink():
    chart = Panel("Course", chart=lambda dark: PIXELS, width=400)
    with pytest.raises(TooNarrow) as error:
        encode_card(Card("Chart", [chart]), ".svg", width_mm=1)
    (least,) = re.findall(r"give (\d+) mm or more$", str(error.value))
    with pytest.raises(TooNarrow, match=f"give {least} mm or more$"):
        encode_card(Card("Chart", [chart]), ".svg", width_mm=int(least) - 1)
    assert encode_card(Card("Chart", [chart]), ".svg", width_mm=int(least))


def test_each_width_above_one_that_is_enough_is_enough_also_beside_a_chart_and_parts_side_by_side():
    chart = Panel("Course", chart=lambda dark: PIXELS, width=300)
    maps = [Panel(f"Maps {at}", PIXELS, width=200 + 40 * at, beside=at == 2) for at in range(3)]
    made = Card("All", [[maps[0], chart], [maps[1], maps[2]], Panel("Facts", lines=["a fact " * 9], width=180)])
    enough = []
    for width in range(90, 230, 5):
        try:
            encode_card(made, ".svg", width_mm=width)
        except TooNarrow as error:
            assert not enough
            least = int(re.findall(r"give (\d+) mm", str(error))[0])
        else:
            enough.append(width)
    assert enough and least <= enough[0] < least + 5


def test_pictures_are_made_smaller_so_that_the_text_beside_them_can_be_read():
    maps = Card("C3", [Panel("Maps", PIXELS, width=480, colorbar=("viridis", "0", None, "1"))])
    root = svg(maps, width_mm=85)
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", ElementTree.tostring(root, "unicode"))]
    assert min(sizes) == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("width_mm", [84, 85, 87, 90, 92])
def test_a_picture_that_takes_less_than_its_panel_has_is_made_smaller_all_the_same(width_mm):
    pixels = np.zeros((122, 122, 3), np.uint8)  # 244 px wide in 320: twice as large, which 290 px would give as well
    root = svg(Card("Maps", [Panel("All 16", pixels, width=320)]), width_mm=width_mm)
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(width_mm / 25.4 * 72, abs=0.01)


def test_a_chart_is_drawn_as_lines_with_its_numbers_as_text():
    line, nothing = Line(np.arange(3.0), np.array([0.0, 4.0, 2.0])), Line(np.empty(0), np.empty(0))
    chart = Chart([line, nothing], (0.0, 2.0), "step")
    panel = Panel(
        "Course",
        chart=lambda dark: chart.pixels(300, 180, legend=["mean 2"], dark=dark),
        sketch=lambda pen, x, y: chart.sketch(pen, x, y, 300, 180, ["mean 2"]),
        width=300,
    )
    root = svg(Card("Title", [panel]))
    assert not list(root.iter(f"{SVG}image"))
    assert {"step", "mean 2", "4", "2"} <= set(texts(root))


@pytest.mark.parametrize(
    ("suffix", "options", "words"),
    [
        (".bmp", {}, r"written as \.svg, \.pdf or \.png, not '\.bmp'"),
        (".svg", {"width_mm": 0}, "width_mm must be a number above 0, not 0"),
        (".png", {"dpi": -1}, "dpi must be a number above 0"),
        (".png", {"scale": "a"}, "scale must be a number above 0"),
        (".svg", {"width_mm": 1e9}, r"width_mm 1e\+09 makes .* mm, and a side may have 5,080"),
        (".pdf", {"scale": 1e9}, r"scale 1e\+09 makes .* mm, and a side may have 5,080"),
        (".png", {"width_mm": 3000, "dpi": 1e4}, r"at 10000 dpi makes .* more than the 268,435,456 that a picture may"),
        (".png", {"dpi": 1e-3}, r"at 0\.001 dpi makes a picture without a pixel"),
    ],
)
def test_what_cannot_be_meant_is_said(suffix, options, words):
    with pytest.raises(ValueError, match=words):
        encode_card(CARD, suffix, **options)
