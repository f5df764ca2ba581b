from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pytest

from cnnwidgets.render.color.colormap import ACCENT
from cnnwidgets.widgets.surface import markup
from tests.widgets.conftest import EVIL


class Reader(HTMLParser):
    """Tags and text of a piece of HTML, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.23456, "1.23"),
        (-0.5, "−0.5"),
        (1234567.0, "1.23e+06"),
        (-0.000012345, "−1.23e−05"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers_have_three_digits_and_a_real_minus_sign(value, text):
    assert markup.number(value) == text


def test_numbers_can_have_more_digits():
    assert markup.number(-1 / 3, 5) == "−0.33333"


def test_words_that_views_share():
    assert [markup.pictured(7, label) for label in ("", "3", "8", "cat", "Ankle boot")] == [
        "image 7", "image 7 · label: 3", "image 7 · label: 8", "image 7 · label: cat", "image 7 · label: Ankle boot"
    ]  # fmt: skip
    assert [markup.counted(count, "step") for count in (0, 1, 1200)] == ["0 steps", "1 step", "1,200 steps"]
    assert [markup.drawn_in(time) for time in (4.26, 999.0, 27013.0)] == [
        "drawn in 4.3 ms", "drawn in 999.0 ms", "drawn in 27.0 s"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "html",
    [
        markup.title(EVIL, EVIL, status=EVIL),
        markup.heading(EVIL, EVIL),
        markup.bars([(EVIL, 1.0)], [EVIL]),
        markup.colorbar("viridis", EVIL, EVIL, EVIL, 100),
        markup.facts([(EVIL, EVIL)]),
        markup.error(EVIL),
    ],
    ids=["title", "heading", "bars", "colorbar", "facts", "error"],
)
def test_names_from_outside_stay_text(html):
    reader = Reader(html)
    assert "img" not in reader.tags
    assert EVIL in reader.texts[0] + reader.texts[-1]
    assert reader.open == []


def test_a_name_cannot_break_out_of_a_bars_title():
    html = markup.bars([('" onmouseover="alert(1)', 1.0)], ["1"])
    assert 'onmouseover="' not in html


def test_the_title_leaves_out_empty_parts():
    assert Reader(markup.title("C3", "Conv2d", "", "16 maps", status="cached")).texts == [
        "C3",
        " · Conv2d · 16 maps",
        "cached",
    ]


def extents(html: str) -> list[tuple[float, float]]:
    """(left, width) of each bar, in percent of its track."""
    return [(float(left), float(width)) for left, width in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", html)]


def test_bars_are_as_long_as_their_share_of_the_longest():
    assert extents(markup.bars([("a", 4.0), ("b", 1.0), ("c", 0.0)], ["", "", ""])) == [(0, 100), (0, 25), (0, 0)]


def test_bars_are_as_long_as_their_share_of_the_limit():
    assert extents(markup.bars([("a", 0.5), ("b", 2.0)], ["", ""], 1.0)) == [(0, 50), (0, 100)]


def test_with_a_negative_value_all_bars_start_in_the_middle():
    assert extents(markup.bars([("a", 4.0), ("b", -2.0)], ["", ""])) == [(50, 50), (25, 25)]


def test_values_that_are_not_finite_have_no_bar_and_do_not_count():
    rows = [("a", math.nan), ("b", math.inf), ("c", 2.0), ("d", 1.0)]
    assert extents(markup.bars(rows, [""] * 4)) == [(0, 0), (0, 0), (0, 100), (0, 50)]


@pytest.mark.parametrize("rows", [[("a", 0.0)], [("a", math.nan)], []])
def test_bars_without_any_length_are_no_division_by_zero(rows):
    assert all(width == 0 for _, width in extents(markup.bars(rows, [""] * len(rows))))


def test_long_labels_stand_above_their_bars_where_asked():
    rows = [("ant", 1.0), ("golden retriever", 0.5)]
    assert "cnnw-stacked" in markup.bars(rows, ["", ""], stack=15)
    assert "cnnw-stacked" not in markup.bars(rows, ["", ""], stack=16)
    assert "cnnw-stacked" not in markup.bars(rows, ["", ""])


def test_a_heading_says_all_in_its_tooltip():
    assert 'title="Image 3 · label a &#34;cat&#34;"' in markup.heading("Image 3", 'label a "cat"', "")


def test_a_colour_bar_says_its_ends_and_its_middle_where_it_has_one():
    assert Reader(markup.colorbar("RdBu_r", "−1", "0", "1", 90)).texts == ["−1", "0", "1"]
    assert Reader(markup.colorbar("viridis", "0", None, "1", 90)).texts == ["0", "1"]
    assert "width:90px" in markup.colorbar("viridis", "0", None, "1", 90)


def test_facts_come_in_pairs():
    assert Reader(markup.facts([("range", "0 … 1"), ("mean", "0.5")])).texts == ["range", "0 … 1", "mean", "0.5"]


def test_no_error_no_line():
    assert markup.error("") == ""


def test_the_style_sheet_speaks_only_of_our_own_classes_and_falls_back_outside_jupyterlab():
    rules = re.findall(r"([^{}]+)\{", markup.STYLE.split("<style>")[1])
    assert rules and all("cnnw" in rule for rule in rules if not rule.strip().startswith("@media"))
    variables = re.findall(r"var\((--jp-[\w-]+)(,?)", markup.STYLE)
    assert variables and all(comma for _, comma in variables)
    assert ACCENT in markup.STYLE


def test_the_legend_of_a_chart_has_a_dot_for_each_line_and_escapes_its_texts():
    text = markup.legend("Loss", [("train 0.5", "#1976d2"), (EVIL, "#ef8a17")])
    read = Reader(text)
    assert read.tags == ["div", "b", "i", "span", "i", "span"]
    assert read.texts == ["Loss", "train 0.5", EVIL]
    assert text.index("#1976d2") < text.index("train 0.5") < text.index("#ef8a17")


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, ""),
        (1e-6, "0.01 %"),
        (0.005, "0.5 %"),
        (0.88, "88 %"),
        (0.9951, "99.5 %"),
        (0.99999, "99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_is_told_with_sensible_digits_and_all_only_of_all(share, words):
    assert markup.beyond_words(share) == (f"{words} beyond" if words else "")
