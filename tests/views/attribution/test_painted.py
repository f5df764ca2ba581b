"""A page that paints: what of the maps it draws by itself, counted in messages and in pictures."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.attribution import attributions, rank_correlation
from cnnwidgets.views.attribution import panels
from cnnwidgets.views.attribution import view as module
from cnnwidgets.views.attribution.maps import Found
from cnnwidgets.views.attribution.panels import correlations, numbers_of
from cnnwidgets.widgets.painter import Painter, painter
from cnnwidgets.widgets.painter.page import Pages
from cnnwidgets.widgets.panels import painted
from cnnwidgets.widgets.surface import number, tree
from cnnwidgets.widgets.surface.picture import Picture

METHODS = ("saliency", "input_x_gradient")


@pytest.fixture(autouse=True)
def page(monkeypatch) -> None:
    """There may be a page, and none has been heard of."""
    for each in (module, painted):
        monkeypatch.setattr(each, "possible", lambda: True)
    monkeypatch.setattr(painter, "pages", Pages())


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def opened(**traits) -> tuple[cw.AttributionView, dict[str, Painter]]:
    """A view in a page that paints, and its painters by the keys of their panels."""
    images = [(torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(at)), at % 3) for at in range(3)]
    view = cw.AttributionView(network(), images, **{"methods": METHODS, **traits})
    for each in painters(view):
        hello = {"kind": "hello", "page": "p", "holds": [], "inflates": True, "ratio": 1, "seen": True}
        each._handle_custom_msg(hello, [])
    view.redraw()
    return view, {each._shown["name"]: each for each in painters(view)}


def painters(view: cw.AttributionView) -> list[Painter]:
    return [part for part in tree(view) if isinstance(part, Painter)]


def test_every_map_is_painted_over_the_same_grey_image():
    view, found = opened()
    sheets = {name: each._shown for name, each in found.items()}
    assert set(sheets) == set(METHODS) and {sheet["role"] for sheet in sheets.values()} == {"heat"}
    assert len({sheet["other"] for sheet in sheets.values()}) == 1 < len({sheet["key"] for sheet in sheets.values()})
    assert sheets["saliency"]["heading"] == ["Saliency"]
    values = attributions(view.subject.module, view.item.image[None], method="saliency", target=view._explained).maps
    painting = view.panel("saliency").painting
    assert np.array_equal(painting.numbers._maps, values.numpy())
    assert painting.other.shape == (1, 6, 6)


@pytest.mark.parametrize("move", [("sign", "all"), ("outliers", 7.0), ("opacity", 0.25), ("colormap", "magma")])
def test_a_move_of_what_the_page_draws_sends_no_picture_and_no_sheet_and_is_the_trait(messages, move):
    name, value = move
    view, found = opened(sanity=True)
    trips = view.traffic.round_trips
    (control,) = view._links[name]
    messages.clear()
    control.set_state({"index": control.options.index(value)} if name in ("sign", "colormap") else {"value": value})
    view.flush()
    assert getattr(view, name) == value
    assert not [each for each in messages if each.widget in found.values() or isinstance(each.widget, Picture)]
    assert view.traffic.round_trips == trips
    assert view.panel("saliency").painting.state[name] == value  # the picture that `save` writes follows too


def test_a_cell_that_sets_what_the_page_draws_moves_the_control_that_the_page_reads(messages):
    view, found = opened()
    messages.clear()
    view.opacity = 0.4
    view.flush()
    (slider,) = view._links["opacity"]
    assert [each.traits for each in messages if each.widget is slider] == [{"value"}] and slider.value == 0.4
    assert found["saliency"].controls["opacity"] == [slider.model_id]


def test_another_image_sends_its_maps_once(messages):
    view, _ = opened()

    def sent() -> list[str]:
        kinds = [each.content["content"]["kind"] for each in messages if each.content.get("method") == "custom"]
        messages.clear()
        return kinds

    sent()
    view.index = 1
    view.flush()
    assert sent() == ["layer"] * 3  # two maps, and the image below them
    view.index = 0
    view.flush()
    assert sent() == []


def test_the_note_on_random_weights_is_there_for_every_sign():
    view, found = opened(sanity=True)
    notes = found["input_x_gradient random"]._shown["note"]
    assert set(notes) == {"absolute", "positive", "negative", "all"}
    one, other = (view.panel(f"input_x_gradient{each}").painting.numbers._maps for each in ("", " random"))
    for sign, drawn in {"absolute": np.abs, "positive": lambda map_: np.maximum(map_, 0)}.items():
        wanted = rank_correlation(*(torch.from_numpy(drawn(map_)) for map_ in (one, other)))
        assert notes[sign] == f"rank correlation with the map above {number(wanted, 2)}"
    assert view.panel("input_x_gradient random").lines[0] in notes[view.sign]


def test_what_is_no_map_of_finite_numbers_or_a_very_large_one_is_painted_by_no_page(monkeypatch):
    whole = torch.ones(2, 3)
    assert numbers_of(Found(whole, "")).shape == (1, 2, 3)
    assert numbers_of(Found(None, "why")) is numbers_of(None) is None
    assert numbers_of(Found(whole * torch.inf, "")) is None and correlations(Found(whole * torch.inf, ""), None) == {}
    monkeypatch.setattr(panels, "LARGEST", 5)
    assert numbers_of(Found(whole, "")) is None


def test_a_page_that_is_exported_has_the_numbers_and_a_control_for_each_of_what_it_draws(tmp_path):
    view, _ = opened(opacity=0.6, outliers=1.5)
    done = view.to_html(tmp_path / "view.html", index=[0, 1])
    assert (done.frames, done.painted) == (2, 2)
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', done.path.read_text("utf-8"), re.S)
    data = json.loads(text)
    assert data["paints"]["start"] == {"sign": "absolute", "outliers": 1.5, "opacity": 0.6, "colormap": "auto"}
    assert [name for name, _ in data["paints"]["controls"]] == ["sign", "outliers", "opacity", "colormap"]
    assert {frame["paint"]["words"] for frame in data["frames"]} == {view.status()}
    assert len(data["paints"]["numbers"]) == 2 * 3
