"""Cards become one page of HTML: what they share is stored once, and nothing in it is taken for code."""

from __future__ import annotations

import base64
import io
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.render.static.card import Card, Panel
from cnnwidgets.render.static.page import Page
from cnnwidgets.render.static.painted import Moves, Painted, Paints

EVIL = "</script><script>alert('{{data}}')</script>"


def pixels(grey, size=(2, 3), channels=3):
    return np.full((*size, channels), grey, np.uint8)


def data_of(html):
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)
    return json.loads(text)


def test_a_picture_is_stored_to_the_pixel():
    page = Page("a title")
    shown = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    page.add([], Card("one", [Panel("a map", shown, width=30)]))
    data = data_of(page.html())
    stored = Image.open(io.BytesIO(base64.b64decode(data["pictures"][0])))
    assert np.array(stored.convert("RGB")).tolist() == shown.tolist()
    assert data["panels"][0]["crisp"] and data["panels"][0]["wide"] == 30


def test_a_picture_larger_than_its_place_is_reduced_to_it():
    page = Page("a title")
    page.add([], Card("one", [Panel("a photo", pixels(7, (40, 80)), width=20)]))
    data = data_of(page.html())
    assert Image.open(io.BytesIO(base64.b64decode(data["pictures"][0]))).size == (20, 10)
    assert not data["panels"][0]["crisp"]


def test_what_frames_share_is_stored_once():
    page = Page("a title", [("index", "Image"), ("channel", "Channel")])
    for index in "01":
        for channel in "012":
            panels = [Panel("image", pixels(int(index))), Panel("map", pixels(10 + int(channel)))]
            page.add([index, channel], Card(f"{index} {channel}", panels))
    data = data_of(page.html())
    assert (len(page), len(data["pictures"]), len(data["panels"])) == (6, 5, 5)
    assert [frame["columns"] for frame in data["frames"][:2]] == [[[0], [1]], [[0], [2]]]


def test_frames_stand_in_the_order_that_is_asked_for():
    page = Page("a title", [("index", "Image")])
    for at in "201":
        page.add([at], Card(at))
    data = data_of(page.html(start=["1"], order=[["0"], ["1"], ["2"]]))
    assert [frame["at"] for frame in data["frames"]] == [["0"], ["1"], ["2"]]
    assert data["start"] == ["1"]


def test_a_card_beyond_the_budget_leaves_the_page_as_it_was():
    page = Page("a title", [("index", "Image")])
    assert page.add(["0"], Card("first", [Panel("a map", pixels(1))]))
    before, size = page.html(), page.bytes
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert not page.add(["1"], Card("second", [Panel("noise", noise, width=64)]), most=size + 1000)
    assert (page.html(), page.bytes, len(page)) == (before, size, 1)


def test_the_size_is_known_before_the_page_is_written():
    page = Page("a title", [("index", "Image")])
    noise = np.random.default_rng(0).integers(0, 256, (50, 64, 64, 3)).astype(np.uint8)
    for at, picture in enumerate(noise):
        page.add([str(at)], Card("noise", [Panel(f"number {at}", picture, width=64)]))
    assert abs(len(page.html().encode()) - page.bytes) < 5000


def test_names_with_html_in_them_are_text():
    page = Page(EVIL, [("layer", EVIL)])
    page.add([EVIL], Card(EVIL, [Panel(EVIL, pixels(0), lines=[EVIL, (EVIL, EVIL)], bars=[(EVIL, 0.5, EVIL)])], EVIL))
    page.note = EVIL
    html = page.html()
    assert len(re.findall("<script", html)) == 2  # the data and the code of the page
    assert "alert('{{data}}')" in json.dumps(data_of(html))
    assert data_of(html)["frames"][0]["title"] == EVIL


def test_marks_and_flags_are_places_in_per_cent():
    page = Page("a title")
    page.add([], Card("one", [Panel("a map", pixels(0, (4, 8)), marks=[(0, 0, 4, 4)], flags=[(4, 2, 8, 4)])]))
    (panel,) = data_of(page.html())["panels"]
    assert panel["marks"] == [[0, 0, 50, 100]]
    assert panel["flags"] == [[50, 50, 100, 100]]


def test_texts_have_an_ink_that_can_be_read():
    page = Page("a title")
    black_and_white = np.concatenate([pixels(0, (1, 1)), pixels(255, (1, 1))], axis=1)
    page.add([], Card("one", [Panel("a kernel", black_and_white, width=100, texts=[["1", "2"]])]))
    assert data_of(page.html())["panels"][0]["texts"] == [[["1", "#ffffff"], ["2", "#000000"]]]


def test_a_bar_that_is_nan_is_no_bar():
    page = Page("a title")
    page.add([], Card("one", [Panel("scores", bars=[("a", float("nan"), "NaN")])]))
    assert data_of(page.html())["panels"][0]["bars"] == [["a", 0.0, "NaN"]]


def test_a_page_loads_nothing():
    page = Page("a title")
    page.add([], Card("one", [Panel("a map", pixels(1), colorbar=("viridis", "0", None, "1"))]))
    assert not re.findall(r"https?://|@import|url\(", page.html())


def test_each_slider_needs_a_value():
    with pytest.raises(ValueError, match="1 sliders, but 2 values: 0, 1"):
        Page("a title", [("index", "Image")]).add(["0", "1"], Card("one"))


def test_a_page_without_cards_is_refused():
    with pytest.raises(ValueError, match="at least one card"):
        Page("a title").html()


def test_a_legend_brings_its_colours():
    page = Page("a title")
    page.add([], Card("t", [Panel("Groups", lines=["one", "two"], dots=["#d62728", "#2ca02c"])]))
    assert data_of(page.html())["panels"][0]["dots"] == ["#d62728", "#2ca02c"]


PAINTS = Paints("(() => null)", ".painted { color: red }", {"start": {"channel": 0}})


def painted(panel, key="a", data="x"):
    return Painted({panel: {"key": key, "place": "maps"}}, {key: lambda: {"data": data}}, count=3, words="scale: …")


def test_a_panel_that_is_painted_has_numbers_in_place_of_its_picture():
    page = Page("a title", [("layer", "Layer"), ("channel", "Channel")], paints=PAINTS)
    panel = Panel("maps", pixels(1), width=50, lines=["one"])
    page.add(["C1"], Card("one", [Panel("image", pixels(2)), panel]), painted=painted(panel))
    page.add(["fc", "0"], Card("two", [panel]))
    html = page.html()
    data = data_of(html)
    assert [frame["at"] for frame in data["frames"]] == [["C1"], ["fc", "0"]]
    assert data["frames"][0]["paint"] == {"count": 3, "words": "scale: …"}
    assert data["panels"][1] == {"heading": "maps", "width": 50, "paint": {"key": "a", "place": "maps"}}
    assert data["paints"] == {"start": {"channel": 0}, "numbers": {"a": {"data": "x"}}}
    assert len(data["pictures"]) == 2  # the image, and the panel where it is not painted
    assert PAINTS.code in html and PAINTS.style in html


def test_numbers_that_cards_share_are_asked_for_and_stored_once():
    page = Page("a title", [("layer", "Layer")], paints=PAINTS)
    asked = []
    for layer in ("C1", "C2"):
        panel = Panel("maps", pixels(1))
        made = Painted({panel: {"key": "a"}}, {"a": lambda: asked.append(1) or {"data": "x"}}, count=3)
        page.add([layer], Card(layer, [panel]), painted=made)
    assert asked == [1]
    assert list(data_of(page.html())["paints"]["numbers"]) == ["a"]


def test_numbers_beyond_the_budget_leave_the_page_as_it_was():
    page = Page("a title", [("layer", "Layer")], paints=PAINTS)
    panel = Panel("maps", pixels(1))
    page.add(["C1"], Card("one", [panel]), painted=painted(panel))
    before, size = page.html(), page.bytes
    large = painted(panel, "b", "x" * 5000)
    assert not page.add(["C2"], Card("two", [panel]), painted=large, most=size + 4000)
    assert (page.html(), page.bytes, len(page)) == (before, size, 1)
    assert page.add(["C2"], Card("two", [panel]), painted=large, most=size + 6000)
    assert abs(len(page.html().encode()) - page.bytes) < 1500


def test_a_page_of_pictures_has_no_code_that_paints():
    page = Page("a title")
    page.add([], Card("one", [Panel("maps", pixels(1))]))
    assert "paints" not in data_of(page.html())
    assert "const exported = null;" in page.html()


def moves(panel, name="slide", buffers=(b"abc",)):
    return Moves(
        name, "(() => null)", ".moved { color: red }", {"map": panel}, {"place": [0, 1]}, buffers, {"map": 300}
    )


def test_a_card_that_moves_has_its_code_once_and_buffers_that_cards_share_once():
    page = Page("a title", [("index", "Image")])
    for at in "01":
        panel = Panel(f"map {at}", pixels(int(at)), width=20)
        assert page.add([at], Card(at, [panel]), moves=moves(panel, buffers=(b"abc", at.encode())))
    html = page.html()
    data = data_of(html)
    assert html.count("(() => null)") == html.count(".moved { color: red }") == 1
    assert [zlib.decompress(base64.b64decode(text)) for text in data["buffers"]] == [b"abc", b"0", b"1"]
    assert data["frames"][1]["moves"] == {
        "script": "slide",
        "given": {"place": [0, 1]},
        "boxes": [{"key": "map", "panels": [1], "headed": True, "width": 300}],
        "buffers": [[0, 3], [2, 1]],
    }
    assert abs(len(html.encode()) - page.bytes) < 1500


def test_a_card_that_moves_beyond_the_budget_leaves_the_page_as_it_was():
    page = Page("a title", [("index", "Image")])
    page.add(["0"], Card("one", [Panel("a map", pixels(1))]))
    before, size, panel = page.html(), page.bytes, Panel("a map", pixels(2))
    noise = np.random.default_rng(0).bytes(5000)
    assert not page.add(["1"], Card("two", [panel]), moves=moves(panel, buffers=(noise,)), most=size + 4000)
    assert (page.html(), page.bytes, len(page)) == (before, size, 1)
