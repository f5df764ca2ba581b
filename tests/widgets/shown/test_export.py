"""to_html() takes a view through its states and leaves it as it was."""

from __future__ import annotations

import json
import re
import stat

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets import files as whole
from cnnwidgets.widgets.shown import sweep


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 2))


class Pictures(cw.ActivationView):
    """A page of it has a picture for each state, as one of a view that no page can paint."""

    painted = ()


@pytest.fixture
def view(model):
    return Pictures(model, torch.rand(4, 1, 8, 8), layer="1", main_layers=False, index=2, channel=1)


def data_of(path):
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', path.read_text(), re.S)
    return json.loads(text)


def positions(path):
    return [tuple(frame["at"]) for frame in data_of(path)["frames"]]


def test_every_state_is_in_the_page_in_the_order_of_the_sliders(view, tmp_path):
    done = view.to_html(tmp_path / "view.html")
    widths = {"0": 3, "1": 3, "2": 108, "3": 2}
    expected = [
        (str(index), layer, str(channel))
        for index in range(4)
        for layer, channels in widths.items()
        for channel in range(min(channels, sweep.OTHERS))
    ]
    assert positions(done.path) == expected
    assert done.frames == len(expected)
    assert done.bytes == done.path.stat().st_size
    assert done.left_out == "44 of 108 values of Channel"


def test_the_page_has_the_layers_that_the_menu_lists_and_the_present_one_for_every_image(view, tmp_path):
    view.main_layers, view.channel = True, 0
    path = view.to_html(tmp_path / "view.html", index=[0, 2], channel=[0]).path
    assert positions(path) == [(index, layer, "0") for index in "02" for layer in "013"]
    view.layer, view.channel = "2", 5  # only moves numbers
    done = view.to_html(tmp_path / "view.html", index=[0, 2], channel=[0, 5])
    layers = {layer for _, layer, _ in positions(done.path)}
    assert layers == {"0", "1", "2", "3"} and done.left_out == ""
    assert [at for at in positions(done.path) if at[1] == "2"] == [(i, "2", c) for i in "02" for c in "05"]
    assert [at[1] for at in positions(done.path) if at[0] == "0" and at[2] == "0"] == ["0", "1", "2", "3"]
    view.layer, view.channel = "3", 0
    path = view.to_html(tmp_path / "view.html", layer=["2", "3"], index=2, channel=0).path
    assert positions(path) == [("2", "2", "0"), ("2", "3", "0")]  # a layer that is named is there


def test_the_page_opens_at_what_the_view_shows(view, tmp_path):
    assert data_of(view.to_html(tmp_path / "view.html").path)["start"] == ["2", "1", "1"]


def test_each_frame_shows_what_the_view_would(view, tmp_path):
    data = data_of(view.to_html(tmp_path / "view.html", index=[0, 3]).path)
    for frame in data["frames"][:12]:
        index, layer, channel = frame["at"]
        with view.hold_trait_notifications():
            view.index, view.layer = int(index), layer
        view.channel = int(channel)
        card = view.static()
        assert (frame["title"], frame["footer"]) == (card.title, card.footer)
        headings = [[data["panels"][number]["heading"] for number in column] for column in frame["columns"]]
        assert headings == [[panel.heading for panel in column] for column in card.columns]


def test_the_view_is_as_it_was_and_the_page_in_the_browser_heard_of_no_state_between(view, messages, tmp_path):
    before, picture = repr(view), view.picture().tobytes()
    messages.clear()
    view.to_html(tmp_path / "view.html")
    assert (repr(view), view.picture().tobytes()) == (before, picture)
    assert len(messages) <= len(sweep.tree(view))  # each widget's state at most once, at the end


def test_the_values_of_a_slider_can_be_chosen(view, tmp_path):
    done = view.to_html(tmp_path / "view.html", index=[3, 1], layer=["0"], channel=[2])
    assert positions(done.path) == [("2", "1", "1"), ("3", "0", "2"), ("1", "0", "2")]
    assert done.left_out == ""


def test_any_trait_can_be_a_slider(view, tmp_path):
    done = view.to_html(tmp_path / "view.html", index=[2], layer=["1"], channel=[1], scale=["map", "layer"])
    assert positions(done.path) == [("2", "1", "1", "map"), ("2", "1", "1", "layer")]
    assert data_of(done.path)["sliders"][-1] == ["scale", "Scale"]


def test_a_budget_keeps_what_is_nearest_and_says_what_it_cut_off(view, tmp_path):
    done = view.to_html(tmp_path / "view.html", budget=40_000)
    assert done.bytes < 45_000
    assert done.left_out.endswith("what lies beyond the budget of 0.04 MB")
    assert "Left out of this page: " in done.path.read_text()
    assert {layer for index, layer, _ in positions(done.path) if index == "2"} == {"0", "1", "2", "3"}


def test_a_budget_that_holds_nothing_is_refused_and_writes_nothing(view, tmp_path):
    with pytest.raises(ValueError, match="1,000 bytes does not even hold the present picture"):
        view.to_html(tmp_path / "view.html", budget=1000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "keywords", "error", "words"),
    [
        ("view.png", {}, ValueError, r"written as \.html, not '\.png'"),
        ("view", {}, ValueError, "a name without an ending"),
        ("missing/view.html", {}, OSError, "no such folder"),
        ("view.html", {"chanel": [1]}, TypeError, "no 'chanel'; did you mean 'channel'"),
        ("view.html", {"channel": [500]}, IndexError, "channel 500 is out of range"),
        ("view.html", {"layer": ["conv9"]}, LookupError, "conv9"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_the_view(view, tmp_path, name, keywords, error, words):
    before = repr(view)
    with pytest.raises(error, match=words):
        view.to_html(tmp_path / name, **keywords)
    assert repr(view) == before
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_permission_is_refused_before_the_work(view, tmp_path, monkeypatch):
    monkeypatch.setattr(whole.os, "access", lambda path, mode: False)  # root may write everywhere
    monkeypatch.setattr(sweep, "_Sweep", None)
    with pytest.raises(OSError, match="no permission to write"):
        view.to_html(tmp_path / "view.html")


def test_looking_for_the_page_changes_nothing_in_the_model(model, view, tmp_path):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    view.to_html(tmp_path / "view.html")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(part._forward_hooks for part in model.modules())


@pytest.mark.parametrize(
    "build",
    [
        lambda model, images: cw.FilterView(model),
        lambda model, images: cw.FilterView(model, images),
        lambda model, images: cw.ConvolutionView(model, images),
        lambda model, images: cw.ReceptiveFieldView(model, images),
        lambda model, images: cw.AttributionView(model, images),
        lambda model, images: cw.OcclusionView(model, images),
        lambda model, images: cw.KernelPlayground(),
    ],
    ids=["filters", "filters and maps", "convolution", "receptive field", "attribution", "occlusion", "playground"],
)
def test_every_view_can_be_a_page(model, build, tmp_path):
    done = build(model, torch.rand(2, 1, 8, 8)).to_html(tmp_path / "view.html")
    assert done.frames >= 1
    assert data_of(done.path)["frames"][0]["columns"]


def test_the_page_can_be_read_by_others(view, tmp_path):
    done = view.to_html(tmp_path / "view.html", index=[2])
    assert done.path.stat().st_mode & stat.S_IRUSR
    assert done.path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_link_stays_one_and_the_file_behind_it_is_written(view, tmp_path):
    behind, link = tmp_path / "behind.png", tmp_path / "link.png"
    link.symlink_to(behind)
    view.save(link)
    assert link.is_symlink() and behind.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["view.html", "view.png"])
def test_a_full_disk_leaves_the_file_that_was_there(view, tmp_path, monkeypatch, name):
    path = tmp_path / name
    path.write_text("old")
    written = type(path).write_bytes

    def full(self, data):
        written(self, data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        view.to_html(path, layer=["3"], index=[2]) if name == "view.html" else view.save(path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(name, "old")]


def test_a_single_value_is_one_value_and_none_are_refused(view, tmp_path):
    view.to_html(tmp_path / "view.html", layer="0", index=3, budget="1MB")
    assert {at[:2] for at in positions(tmp_path / "view.html")} == {("2", "1"), ("3", "0")}  # and the one it opens at
    with pytest.raises(ValueError, match=r"index=\[\] holds no value for its slider"):
        view.to_html(tmp_path / "none.html", index=[])
    with pytest.raises(ValueError, match="budget 'much'; allowed: a number of bytes above 0"):
        view.to_html(tmp_path / "none.html", budget="much")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        (tmp_path / "folder.html").mkdir()
        view.to_html(tmp_path / "folder.html")
    assert not (tmp_path / "none.html").exists()


class Torn:
    """Four images of which one cannot be read."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> torch.Tensor:
        if index == 2 or index < 0:
            raise OSError("torn")
        return torch.full((1, 8, 8), index / 4)


@pytest.mark.parametrize("kind", [Pictures, cw.ActivationView, cw.OcclusionView])
def test_a_state_that_cannot_be_drawn_says_why_in_its_place_and_the_others_are_there(kind, model, tmp_path):
    view = kind(model, Torn(), index=1, **({"layer": "1"} if kind is not cw.OcclusionView else {}))
    done = view.to_html(tmp_path / "view.html", index=range(4), **({"channel": [0]} if kind is Pictures else {}))
    assert "in whose place it is said why: the data set cannot give item 2: Torn raises OSError (torn)" in done.left_out
    data = data_of(done.path)
    lines = {frame["at"][0]: data["panels"][frame["columns"][0][0]].get("lines") for frame in data["frames"]}
    assert [at for at, said in lines.items() if said and "torn" in str(said)] == ["2"]
    assert len(lines) == 4 and view.index == 1 and not view.error


def test_a_view_none_of_whose_states_can_be_drawn_makes_no_page(view, tmp_path):
    view.compute = lambda: 1 / 0
    view.index = 0
    with pytest.raises(ZeroDivisionError):
        view.to_html(tmp_path / "view.html", index=[0, 1], layer=["1"], channel=[0])
    assert not list(tmp_path.iterdir())
