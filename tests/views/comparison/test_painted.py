"""A page that paints: what of a comparison it draws by itself, counted in messages and in pictures."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.render.color import Shaded
from cnnwidgets.views.comparison import drawing
from cnnwidgets.widgets.painter import Painter, painter
from cnnwidgets.widgets.painter.page import Pages
from cnnwidgets.widgets.panels import painted
from cnnwidgets.widgets.surface import PixelFigure, tree
from cnnwidgets.widgets.surface.picture import Picture


@pytest.fixture(autouse=True)
def page(monkeypatch) -> None:
    """There may be a page, and none has been heard of."""
    fresh = Pages()
    for module in (drawing, painted):
        monkeypatch.setattr(module, "possible", lambda: True)
    for module in (drawing, painter):
        monkeypatch.setattr(module, "pages", fresh)


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 4, 2), nn.Flatten(), nn.Linear(36, 3))


def opened() -> tuple[cw.CompareView, list[Painter]]:
    """A view in a page that paints."""
    images = [(torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(at)), at % 3) for at in range(4)]
    view = cw.compare([network(), network(1)], images, layer="0", by="outputs", survey=False)
    painters = [part for part in tree(view) if isinstance(part, Painter)]
    for each in painters:
        hello = {"kind": "hello", "page": "p", "holds": [], "inflates": True, "ratio": 1, "seen": True}
        each._handle_custom_msg(hello, [])
    view.redraw()
    return view, painters


def test_every_map_is_painted_by_one_painter_each():
    view, painters = opened()
    assert len(painters) == 7
    shown = {each._shown["role"] + each._shown.get("name", "") for each in painters}
    assert shown == {"gridA", "mapA", "gridB", "mapB", "griddifference", "mapdifference", "curtain"}
    keys = ("mapsA", "channelA", "mapsB", "channelB", "mapsdifference", "channeldifference", "curtain")
    assert {view.box(key).painter for key in keys} == set(painters)


@pytest.mark.parametrize("move", [("channel", 1), ("colormap", "magma"), ("curtain", 20)])
def test_a_move_of_what_the_page_draws_sends_no_picture_and_no_sheet(messages, monkeypatch, move):
    view, painters = opened()
    shaded = []
    of = Shaded.of
    monkeypatch.setattr(Shaded, "of", lambda maps, **options: [shaded.append(maps), of(maps, **options)][1])
    numbers = [view.panel(key).painting.numbers for key in ("mapsA", "mapsB", "mapsdifference")]
    messages.clear()
    setattr(view, *move)
    view.flush()
    assert {name for each in messages if each.widget in painters for name in each.traits} <= {"address"}
    assert not [each for each in messages if isinstance(each.widget, Picture)]
    assert len([maps for maps in shaded if maps.shape[1:] != (1, 1)]) == (3 if move[0] == "colormap" else 0)
    assert [view.panel(key).painting.numbers for key in ("mapsA", "mapsB", "mapsdifference")] == numbers


def test_a_scale_is_said_in_a_sheet_and_no_number_is_sent_again(messages):
    view, painters = opened()
    messages.clear()
    view.scale = "column"
    view.flush()
    sent = [each for each in messages if each.widget in painters]
    assert {name for each in sent for name in each.traits} <= {"sheets", "address"}
    assert not [each for each in messages if each.content.get("method") == "custom"]
    series = view.panel("mapsA").painting.series
    assert series.scales["column"] == series.scales["each its own"] == "layer"
    low, high = series.scales["shared"][0]
    maps = torch.cat([column.output.flatten() for column in view.columns])
    assert low <= float(maps.quantile(0.01)) and high >= float(maps.quantile(0.99))


def test_a_page_is_told_where_the_view_stands_and_a_layer_seen_before_is_not_sent_again(messages):
    view, painters = opened()
    (lead,) = [each for each in painters if each.address is not None]
    first = dict(lead.address)
    assert first["layer"] == view.layer_row.label and first["scale"] == "shared"
    assert set(lead.movers) == {"layer", "index"}
    view.layer = "2"
    view.flush()
    assert lead.address["layer"] == view.layer_row.label != first["layer"]
    messages.clear()
    view.layer = "0"
    view.flush()
    assert lead.address == first
    kinds = [each.content["content"]["kind"] for each in messages if each.content.get("method") == "custom"]
    assert "layer" not in kinds and "palettes" not in kinds


def test_nothing_that_the_page_paints_has_a_figure_drawn_for_it():
    view, _ = opened()
    figures = [part for part in tree(view) if isinstance(part, PixelFigure)]
    before = [figure.png for figure in figures]
    view.channel = 1
    view.flush()
    assert [figure.png for figure in figures] == before
