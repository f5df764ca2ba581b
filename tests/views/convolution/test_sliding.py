"""What the kernel says to a page that slides the window by itself, and what it hears."""

from __future__ import annotations

import base64
import json
import re
import zlib

import pytest
import torch
from torch import nn

from cnnwidgets.views.convolution import ConvolutionView, KernelPlayground
from cnnwidgets.views.convolution import sliding as sliding_room
from tests.views.convolution.pages import numbers_of, say, script, sliding


@pytest.fixture
def view(monkeypatch):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(48, 2))
    with sliding(monkeypatch):
        view = ConvolutionView(model, torch.randn(2, 1, 6, 6), layer="0", pixel=(1, 2))
    yield view
    view.close()


def values(view) -> list[str]:
    """What the page has of the boxes that change with the window."""
    return [view.box(key).below.value for key in ("tables", "sum")] + [view.box("output").heading.value]


def test_a_page_that_runs_no_script_is_sent_pictures_as_ever(view):
    before = values(view)
    view.pixel = (3, 3)
    assert script(view).key == "" and all(old != new for old, new in zip(before, values(view), strict=True))


def test_once_a_page_has_the_numbers_it_is_told_the_place_alone(view):
    numbers_of(view)
    before = values(view)
    view.pixel = (3, 0)
    assert view.panel("output").heading == "Output 0 · row 3, column 0" and view.explanation.unit == (3, 0)
    assert values(view) == before and script(view).told == [script(view).key, 0, 3, 0]
    view.layer = "2"
    assert script(view).key == "" and "sum over 48 features" in view.box("sum").below.value
    view.layer = "0"
    assert f"row {view.row}, column {view.column}" in view.box("output").heading.value  # drawn until the numbers come
    assert values(view) != before


def test_a_move_in_the_page_is_the_trait_and_one_for_another_layer_is_none(view):
    numbers_of(view)
    part = script(view)
    part.moved = [part.key, 7, 2, 1]
    assert view.pixel == (2, 1) and part.told == [part.key, 7, 2, 1]
    part.moved = ["other", 8, 0, 0]
    assert view.pixel == (2, 1)


def test_numbers_go_once_and_an_input_that_the_page_holds_does_not(view):
    header, buffers = numbers_of(view)
    assert set(header["names"]) == {"given", "tiles", "output", "kernel", "colors", "signed", "levels", "paint"}
    given = torch.frombuffer(bytearray(buffers[header["names"].index("given")]), dtype=torch.float32)
    assert torch.equal(given.reshape(6, 6), view.subject.at(0).item.image[0])
    view.channel = 1
    [(less, _)] = say(view, kind="want", key=script(view).key, holds=header["input"])
    assert set(less["names"]) == {"output", "kernel", "colors", "signed", "levels", "paint"}
    assert say(view, kind="want", key=header["key"], holds="") == []  # which is no longer shown


def test_a_large_input_stays_with_the_kernel(monkeypatch):
    with sliding(monkeypatch):
        large = ConvolutionView(nn.Sequential(nn.Conv2d(1, 1, 3, stride=8)), torch.zeros(1, 1, 1025, 1024), layer="0")
    say(large, kind="hello")
    large.pixel = (0, 0)
    assert script(large).key == "" and not large.panel("sum").resting
    large.close()


def test_the_playground_has_new_numbers_for_a_new_kernel(monkeypatch):
    with sliding(monkeypatch):
        view = KernelPlayground()
    header, _ = numbers_of(view)
    view.bias = 3.0
    assert script(view).key != header["key"] and "+ 3 (bias)" in view.box("sum").below.value
    view.close()


def test_an_exported_page_has_the_numbers_of_the_map_without_any_notebook(tmp_path, monkeypatch):
    torch.manual_seed(0)
    view = ConvolutionView(nn.Sequential(nn.Conv2d(1, 3, 3)), torch.randn(2, 1, 6, 6), pixel=(1, 2))
    assert view.page_moves() is None  # not before a page is made
    made = view.to_html(tmp_path / "view.html", channel=[0, 1], index=[0], progress=False)
    text = made.path.read_text("utf-8")
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    first, second = (frame["moves"] for frame in json.loads(data)["frames"])
    assert first["given"]["place"] == [1, 2]
    assert [each["most"] for each in first["given"]["controls"]] == [3, 3] and first["given"]["play"]["most"] == 15
    names = first["given"]["header"]["names"]
    of = [dict(zip(names, (at for at, _ in each["buffers"]), strict=True)) for each in (first, second)]
    assert of[0]["given"] == of[1]["given"] and of[0]["output"] != of[1]["output"]  # one input, two maps
    stored = json.loads(data)["buffers"][of[1]["output"]]
    output = torch.frombuffer(bytearray(zlib.decompress(base64.b64decode(stored))), dtype=torch.float32)
    assert torch.equal(output.reshape(4, 4), view.subject.at(0).output(view.layer)[1])
    monkeypatch.setattr(sliding_room, "IN_PAGE", 35)
    large = view.to_html(tmp_path / "large.html", channel=[0], index=[0], progress=False)
    assert '"moves":' not in large.path.read_text("utf-8")
    view.close()


def test_closing_a_view_closes_what_waits_for_a_page(view):
    part = script(view)
    view.close()
    assert part.comm is None
