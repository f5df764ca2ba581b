"""A page whose panels are painted holds numbers, one card for every channel, colour map, scale and columns."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.render.color import COLORMAPS, Quantised
from cnnwidgets.widgets.painter import exported
from cnnwidgets.widgets.shown import sweep


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Identity(), nn.Flatten(), nn.Linear(3 * 36, 2))


@pytest.fixture
def view(model) -> cw.ActivationView:
    return cw.ActivationView(model, torch.rand(4, 1, 8, 8), layer="1", main_layers=False, index=2, channel=1)


def data_of(path: Path) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', path.read_text(), re.S)
    return json.loads(text)


def positions(path: Path) -> list[tuple[str, ...]]:
    return [tuple(frame["at"]) for frame in data_of(path)["frames"]]


def buffers(packed: dict[str, Any]) -> list[bytes]:
    whole, found = zlib.decompress(base64.b64decode(packed["data"])), []
    for size in packed["sizes"]:
        found.append(whole[:size])
        whole = whole[size:]
    assert whole == b""
    return found


def maps_in(packed: dict[str, Any]) -> np.ndarray:
    """The values that a page has of a layer."""
    header, (table, high, low) = packed["header"], buffers(packed)
    lows, steps = np.frombuffer(table, "<f8").reshape(-1, header["count"])[:2]
    codes = np.frombuffer(high, np.uint8).astype(np.uint16) * 256 + np.frombuffer(low, np.uint8)
    return Quantised(codes.reshape(header["count"], *header["size"]).astype(np.uint16), lows, steps).values()


def keys_of(data: dict[str, Any], at: list[str]) -> set[str]:
    (frame,) = [frame for frame in data["frames"] if frame["at"] == at]
    panels = [data["panels"][number] for column in frame["columns"] for number in column]
    return {panel["paint"]["key"] for panel in panels if "paint" in panel}


def test_a_card_that_is_painted_stands_for_all_channels_and_one_that_is_not_for_each(view, tmp_path):
    done = view.to_html(tmp_path / "view.html", index=[2, 0])
    assert positions(done.path) == [
        *[("2", layer) for layer in "012"],
        *[("2", "3", str(unit)) for unit in range(64)],
        *[("2", "4", "0"), ("2", "4", "1")],
        *[("0", layer) for layer in "012"],
        *[("0", "3", str(unit)) for unit in range(64)],
        *[("0", "4", "0"), ("0", "4", "1")],
    ]
    assert (done.frames, done.painted) == (2 * 69, 6)
    assert repr(done).startswith(f"{done.path}: 138 pictures, 6 of them with every channel, colour map and scale, 0.")


def test_the_page_holds_every_value_of_every_map(view, tmp_path):
    data = data_of(view.to_html(tmp_path / "view.html", index=[2, 0]).path)
    for index, layer in (("2", "0"), ("2", "1"), ("0", "1")):
        view.index, view.layer = int(index), layer
        (key,) = keys_of(data, [index, layer])
        held, maps = maps_in(data["paints"]["numbers"][key]), view.maps.numpy()
        assert np.abs(held - maps).max() <= np.ptp(maps) / 65_531


def test_layers_with_the_same_numbers_share_them(view, tmp_path):
    data = data_of(view.to_html(tmp_path / "view.html", index=[2]).path)
    assert keys_of(data, ["2", "1"]) == keys_of(data, ["2", "2"])  # the identity module
    assert len(data["paints"]["numbers"]) == 2


def test_no_picture_lies_in_the_page_of_what_is_painted(view, tmp_path):
    data = data_of(view.to_html(tmp_path / "view.html", index=[2], layer=["0", "1"]).path)
    assert len(data["pictures"]) == 1  # the image
    assert [sorted(panel) for panel in data["panels"] if "paint" in panel] == [["heading", "paint", "width"]] * 4


def test_the_page_begins_at_what_the_view_shows_and_offers_all_else(view, tmp_path):
    view.colormap, view.scale, view.columns = "magma", (-1, 2), 2
    data = data_of(view.to_html(tmp_path / "view.html").path)
    paints = data["paints"]
    assert data["start"] == ["2", "1", "1"]
    assert paints["start"] == {"channel": 1, "colormap": "magma", "scale": [-1, 2], "columns": 2}
    assert [name for name, _ in paints["controls"]] == ["colormap", "scale", "columns"]
    assert paints["colormaps"] == list(COLORMAPS)
    (tables,) = buffers(paints["palettes"])
    assert len(tables) == 1024 * len(paints["palettes"]["header"]["names"])


def test_what_is_chosen_is_offered_by_a_slider_besides_what_the_view_shows(view, tmp_path):
    path = tmp_path / "view.html"
    data = data_of(view.to_html(path, index=[2], layer=["0"], channel=[2], scale=["map", (0, 1)], colormap="Reds").path)
    assert positions(path) == [("2", "1"), ("2", "0")]
    assert data["sliders"][2:] == [["channel", "Channel"], ["scale", "Scale"], ["colormap", "Colormap"]]
    assert data["paints"]["values"] == {
        "channel": [["1", 1], ["2", 2]],
        "scale": [["layer", "layer"], ["map", "map"], ["(0, 1)", [0, 1]]],
        "colormap": [["auto", "auto"], ["Reds", "Reds"]],
    }
    assert [name for name, _ in data["paints"]["controls"]] == ["columns"]


@pytest.mark.parametrize(
    ("keywords", "error", "words"),
    [
        ({"channel": [500]}, IndexError, "channel 500 is out of range"),
        ({"scale": ["narrow"]}, ValueError, "narrow"),
        ({"colormap": ["virids"]}, ValueError, "did you mean 'viridis'"),
        ({"columns": [-1]}, ValueError, "columns must be 0"),
    ],
)
def test_what_no_layer_takes_is_refused_and_leaves_the_view(view, tmp_path, keywords, error, words):
    before = repr(view)
    with pytest.raises(error, match=words):
        view.to_html(tmp_path / "view.html", layer=["0", "1"], **keywords)
    assert repr(view) == before
    assert list(tmp_path.iterdir()) == []


class Wide(nn.Module):
    """Maps of a size at which a page does not hold them in full."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.pool = nn.Conv2d(1, 24, 3, padding=1), nn.MaxPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(self.conv(x))


def test_large_maps_lie_in_the_page_at_the_size_at_which_they_are_drawn(tmp_path):
    view = cw.ActivationView(Wide(), torch.rand(1, 1, 128, 128), layer="conv")
    data = data_of(view.to_html(tmp_path / "view.html").path)
    ((large,), (small,)) = (keys_of(data, ["0", layer]) for layer in ("conv", "pool"))
    header = data["paints"]["numbers"][large]["header"]
    assert 24 * 128 * 128 > exported.FULL >= 24 * 64 * 64
    assert header["full"] == [128, 128] and header["size"][1] < 128
    assert "map" not in header
    assert data["paints"]["numbers"][small]["header"]["size"] == [64, 64]


def test_a_budget_keeps_what_is_nearest_and_the_size_is_what_was_counted(tmp_path):
    view = cw.ActivationView(Wide(), torch.rand(8, 1, 128, 128), layer="pool", index=3)
    done = view.to_html(tmp_path / "view.html", budget=1_500_000)
    assert 1_000_000 < done.bytes <= 1_505_000
    assert done.left_out == "what lies beyond the budget of 1.5 MB"
    kept = positions(done.path)
    assert {("3", "conv"), ("3", "pool")} <= set(kept) and len(kept) == done.painted < 16
    assert f"Left out of this page: {done.left_out}." in done.path.read_text()


def test_a_budget_that_holds_no_layer_is_refused_and_writes_nothing(tmp_path):
    view = cw.ActivationView(Wide(), torch.rand(1, 1, 128, 128))
    with pytest.raises(ValueError, match="a budget of 300,000 bytes does not even hold the present picture"):
        view.to_html(tmp_path / "view.html", budget="0.3MB")
    assert list(tmp_path.iterdir()) == []


def test_a_page_too_small_for_the_code_that_paints_has_pictures(view, tmp_path):
    done = view.to_html(tmp_path / "view.html", index=[2], budget=sweep.SMALL - 1)
    assert (done.painted, "paints" in data_of(done.path)) == (0, False)
    assert len(positions(done.path)[0]) == 3


def test_what_is_not_finite_is_no_number_in_the_page_but_a_code(tmp_path):
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.broken, self.conv = nn.Identity(), nn.Conv2d(1, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x)
            y[:, 0, 0, :3] = torch.tensor([float("nan"), float("inf"), -float("inf")])
            return self.broken(y)

    view = cw.ActivationView(Broken(), torch.rand(1, 1, 8, 8), layer="broken")
    data = data_of(view.to_html(tmp_path / "view.html", layer=["broken"]).path)
    text = json.dumps(data, allow_nan=False)
    assert "NaN" not in text
    (packed,) = data["paints"]["numbers"].values()
    assert np.array_equal(maps_in(packed)[0, 0, :3], [np.nan, np.inf, -np.inf], equal_nan=True)


def test_nothing_in_the_page_is_taken_for_code(model, tmp_path):
    evil = "</script><script>alert('{{data}}')</script>"
    view = cw.ActivationView(model, [(torch.rand(1, 8, 8), 0)], classes=[evil, "b"])
    html = view.to_html(tmp_path / "view.html").path.read_text()
    assert len(re.findall("<script", html)) == len(re.findall("</script", html)) == 3  # data, place, code
    assert evil in json.dumps(data_of(tmp_path / "view.html")).replace('\\"', '"')
    code = html.split("<script>")[1]
    for word in (
        r"\beval\(",
        "new Function",
        r"https?://(?!www\.w3\.org/2000/svg)",
        r"(?<!\{)\bimport\b ?[({]",
        "^export ",
    ):
        assert not re.search(word, code, re.M), word


def test_the_view_is_as_it_was(view, tmp_path):
    before, picture = repr(view), view.picture().tobytes()
    view.to_html(tmp_path / "view.html", channel=[0, 2], colormap=["magma"])
    assert (repr(view), view.picture().tobytes(), view.exporting) == (before, picture, False)
    assert view.panel("maps").painting is None  # there is no page that could paint
