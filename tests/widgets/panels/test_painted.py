"""A panel that the page paints: pictures until a page says that it can, and no picture from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from cnnwidgets import ActivationView
from cnnwidgets.live import newest
from cnnwidgets.live.newest import PATIENCE
from cnnwidgets.views.activation import view as activation
from cnnwidgets.widgets.base import view as base_view
from cnnwidgets.widgets.painter import Painter, painter
from cnnwidgets.widgets.painter.page import Pages
from cnnwidgets.widgets.panels import painted
from cnnwidgets.widgets.shown import lifetime
from cnnwidgets.widgets.surface import Text, tree
from tests.widgets.conftest import Refusing, inside, words

HELLO = {"kind": "hello", "page": "p", "holds": [], "inflates": True, "ratio": 1}


@pytest.fixture(autouse=True)
def pages(monkeypatch) -> None:
    """There may be a page, and none has been heard of."""
    fresh = Pages()
    monkeypatch.setattr(painter, "pages", fresh)
    monkeypatch.setattr(activation, "pages", fresh)
    for module in (activation, painted):
        monkeypatch.setattr(module, "possible", lambda: True)


@pytest.fixture
def view(model, dataset) -> ActivationView:
    return ActivationView(model, dataset, layer="conv")


def painters(view: ActivationView) -> list[Painter]:
    return [box.painter for box in map(view.box, ("maps", "channel"))]


def greet(view: ActivationView) -> None:
    """A page says that it can paint, once for each painter, as it does."""
    for each in painters(view):
        each._handle_custom_msg(HELLO, [])


def traits(messages: list[Any], sender: Callable[[Any], bool]) -> set[str]:
    """What the page was told by the widgets for which `sender` holds."""
    return {trait for message in messages if sender(message.widget) for trait in message.traits}


def is_picture(widget: Any) -> bool:
    return type(widget).__name__ == "Picture"


def test_a_painter_stands_in_the_page_only_once_its_code_runs_there(view):
    maps, channel = painters(view)
    assert not any(isinstance(part, Painter) for part in inside(view))
    assert {maps, channel} <= set(tree(view))  # it is closed, and let go of, with the view
    greet(view)
    assert [part for part in inside(view) if isinstance(part, Painter)] == [maps, channel]
    assert [sheet["role"] for sheet in (maps.sheets[0], channel.sheets[0])] == ["grid", "map"]
    assert maps.sheets[0]["key"] == channel.sheets[0]["key"]


def test_a_map_that_is_pressed_with_alt_is_switched_off_and_on_again(view):
    greet(view)
    press = {"kind": "switch", "cell": 1}
    grid = painters(view)[0]
    assert "Alt-click" in grid.sheets[grid.side]["hint"]
    grid._handle_custom_msg(press, [])
    assert view.off == (("conv", 1),) and grid._shown["heading"][-1] == "off: 1"
    grid._handle_custom_msg(press, [])
    assert view.off == () and grid._shown["heading"][-1] != "off: 1"


def test_without_a_page_that_paints_the_pictures_go_on(view, messages):
    view.layer = "pool"
    assert traits(messages, is_picture) == {"value"}
    assert traits(messages, lambda widget: isinstance(widget, Painter)) == set()


def test_with_a_page_that_paints_no_picture_is_sent_and_no_text_of_the_panel(view, messages):
    greet(view)
    messages.clear()
    for trait, value in (("channel", 1), ("columns", 1), ("colormap", "magma"), ("scale", "map"), ("layer", "pool")):
        setattr(view, trait, value)
    box = view.box("channel")
    assert traits(messages, is_picture) <= {"layout"}
    assert traits(messages, lambda widget: widget in (box.heading, box.below)) == set()
    assert view.panel("channel").heading == "Channel 1 · 2 × 2"  # what it would be, for the static picture


def test_a_channel_that_the_page_has_painted_itself_costs_no_message_of_a_painter(view, messages):
    greet(view)
    messages.clear()
    view.channel = 1
    assert [message for message in messages if isinstance(message.widget, Painter)] == []


def test_a_vector_is_a_picture_again_with_its_texts(view):
    greet(view)
    view.layer = "fc"
    assert [each.sheets[0] for each in painters(view)] == [None, None]
    assert "All 3 units" in words(view.box("maps").heading)
    before = view.box("maps").figure.png
    view.layer = "pool"
    assert view.box("maps").figure.png == before
    assert painters(view)[0].sheets[0]["key"]
    view.layer, view.index = "flatten", 1
    assert view.box("maps").figure.png != before


def test_a_page_that_lost_where_the_painter_belongs_is_told_again(view, messages):
    greet(view)
    box = view.box("maps")
    messages.clear()
    painters(view)[0]._handle_custom_msg({"kind": "waits"}, [])
    assert [(message.widget, set(message.traits)) for message in messages] == [(box, {"children", "_dom_classes"})]


def test_the_page_chooses_and_points(view):
    greet(view)
    maps, channel = painters(view)
    maps._handle_custom_msg({"kind": "cell", "cell": 1}, [])
    channel._handle_custom_msg({"kind": "place", "x": 2.5, "y": 1.5}, [])
    assert (view.channel, view.pixel) == (1, (1, 2))
    assert channel.sheets[0]["pixel"] == [1, 2]


def test_an_exported_page_sends_the_notebook_nothing(view, tmp_path, monkeypatch):
    greet(view)
    sent: list[Any] = []
    monkeypatch.setattr(Painter, "send", lambda _, content, buffers=None: sent.append(content))
    view.to_html(tmp_path / "view.html", progress=False)
    assert sent == []


def test_weights_that_changed_are_other_numbers(view, model):
    greet(view)
    key = painters(view)[0].sheets[0]["key"]
    with np.errstate(all="ignore"):
        model.conv.weight.data.mul_(1.001)
    view.refresh()
    assert painters(view)[0].sheets[0]["key"] != key


def test_closing_leaves_no_painter(view):
    for hello in (lambda: None, lambda: greet(view)):
        hello()
    all_of = painters(view)
    view.close()
    assert [each.comm for each in all_of] == [None, None]


def addresses(view: ActivationView, messages: list[Any]) -> list[Any]:
    """Where the pages were told that the view stands, in order."""
    states = [message.content.get("state", {}) for message in messages if message.widget is painters(view)[0]]
    return [state["address"] for state in states if "address" in state]


def sent(messages: list[Any]) -> int:
    """How many layers went to the page."""
    custom = [message.content.get("content") or {} for message in messages]
    return sum(content.get("kind") == "layer" for content in custom)


def test_pages_are_told_where_the_view_stands_before_and_after_all_else_that_is_seen_changes(view, messages):
    greet(view)
    messages.clear()
    view.layer = "pool"
    told = [n for n, m in enumerate(messages) if m.widget is painters(view)[0] and "address" in m.traits]
    seen = [n for n, m in enumerate(messages) if "sheets" in m.traits or isinstance(m.widget, Text)]
    assert len(seen) >= 3 and told[0] < min(seen) and max(seen) < told[1]
    none, address = addresses(view, messages)
    assert none is None and address["layer"] == view.layer_row.label
    assert {name: address[name] for name in ("index", "slice", "colormap", "scale", "columns")} == {
        "index": 0,
        "slice": 0,
        "colormap": "auto",
        "scale": "layer",
        "columns": 0,
    }
    messages.clear()
    view.channel = 1  # the page draws that of every layer by itself
    view.pixel = (1, 1)
    assert addresses(view, messages) == []
    view.scale = (0.0, 2.0)  # which the status line tells
    assert [address and address["scale"] for address in addresses(view, messages)] == [None, [0.0, 2.0]]


def test_a_second_visit_sends_no_numbers_and_has_the_same_address(view, messages):
    greet(view)
    first = painters(view)[0].address
    for trait, there, back in (("layer", "pool", "conv"), ("index", 1, 0)):
        messages.clear()
        setattr(view, trait, there)
        assert sent(messages) == 1
        assert painters(view)[0].address[trait] != first[trait]
        messages.clear()
        setattr(view, trait, back)
        assert sent(messages) == 0
        assert painters(view)[0].address == first


def test_other_weights_or_a_refresh_make_every_address_another(view, model, messages):
    greet(view)
    seen = [painters(view)[0].address]
    messages.clear()
    with torch.no_grad():
        model.conv.weight.mul_(2)
    view.channel = 1
    seen.append(painters(view)[0].address)
    assert sent(messages) == 1
    view.refresh()
    seen.append(painters(view)[0].address)
    assert len({address["valid"] for address in seen}) == 3
    assert [{**address, "valid": ""} for address in seen[1:]] == [{**seen[0], "valid": ""}] * 2


def test_the_page_hears_a_hand_ask_for_another_address_from_sliders_menu_and_box(view):
    maps, channel = painters(view)
    assert {name: len(ids) for name, ids in maps.movers.items()} == {"layer": 2, "index": 2, "slice": 1}
    assert channel.movers == {}  # one painter hears them for the card


def test_a_hand_that_is_ahead_of_its_slider_is_followed_and_the_slider_in_the_page_is_not_moved(view, messages):
    greet(view)
    maps = painters(view)[0]
    for name, ids in (("index", maps.movers["index"]), ("layer", maps.movers["layer"])):
        slider = next(part for part in inside(view) if part.model_id == ids[0])
        trait, value = (
            ("value", 2) if name == "index" else ("index", [each for _, each in slider.options].index("pool"))
        )
        messages.clear()
        maps._handle_custom_msg({"kind": "asks", "id": ids[0], "name": trait, "value": value}, [])
        assert getattr(slider, trait) == value
        assert trait not in traits(messages, lambda widget, slider=slider: widget is slider)
    assert (view.index, view.layer) == (2, "pool")
    maps._handle_custom_msg({"kind": "asks", "id": "a control of nobody", "name": "value", "value": 3}, [])
    assert view.index == 2


@pytest.mark.parametrize("layer", ["conv", "fc"])
def test_positions_that_arrive_while_one_is_drawn_cost_one_drawing_and_one_pass_more(
    model, layer, messages, passes, monkeypatch
):
    """What a page sends is handled in order: 30 positions, with what it has painted between them."""
    loosen = lifetime.loosen
    monkeypatch.setattr(lifetime, "loosen", lambda view: [loosen(view), tree(view)][1])
    monkeypatch.setattr(base_view, "pages", painter.pages)
    view = ActivationView(model, torch.rand(40, 1, 4, 4), layer="conv")
    greet(view)
    view.layer = layer
    maps = painters(view)[0]
    slider = next(part for part in inside(view) if part.model_id == maps.movers["index"][0])
    drawn = []
    view._newest._draw = lambda draw=view._newest._draw: [draw(), drawn.append(view.index)]

    def painted_by_the_page():
        for each in painters(view):
            each._handle_custom_msg({"kind": "painted", "page": "p", "number": each.newest, "gone": []}, [])

    def asks(position):
        maps._handle_custom_msg({"kind": "asks", "id": slider.model_id, "name": "value", "value": position}, [])

    async def burst():
        asks(1)
        assert drawn == [1]
        for position in range(2, 32):
            asks(position)
            if position == 10:
                painted_by_the_page()
            if position % 2:
                await asyncio.sleep(0)
        assert (view.index, drawn) == (31, [1])
        await asyncio.sleep(25 * PATIENCE)

    painted_by_the_page()
    passes()
    monkeypatch.setattr(newest, "PATIENCE", 10 * PATIENCE)  # handling them takes a machine that is busy so long
    monkeypatch.setattr(newest, "AT_ONCE", 1.0)
    monkeypatch.setattr(newest, "LATEST", (100.0, 10.0))
    asyncio.run(burst())
    assert drawn == [1, 31] and passes() == 2


def test_a_look_that_fails_changes_no_address(messages):
    data = [(torch.zeros(1, 4, 4), 0), (torch.ones(1, 4, 4), 0)]
    view = ActivationView(Refusing(), data, layer="conv")
    greet(view)
    before = painters(view)[0].address
    view.index = 1
    assert "too bright" in view.error and painters(view)[0].address == before  # nothing was drawn
    view.index = 0
    assert view.error == "" and painters(view)[0].address == before


def test_a_view_draws_on_while_a_page_paints_and_waits_with_two_drawings_on_their_way(model, dataset, monkeypatch):
    loosen = lifetime.loosen
    monkeypatch.setattr(lifetime, "loosen", lambda view: [loosen(view), tree(view)][1])
    monkeypatch.setattr(base_view, "pages", painter.pages)
    view = ActivationView(model, dataset, layer="conv")
    drawn: list[int] = []

    def painted_by_the_page() -> None:
        for each in painters(view):
            each._handle_custom_msg({"kind": "painted", "number": each.newest, "page": "p", "gone": []}, [])

    async def hand() -> None:
        greet(view)
        painted_by_the_page()
        for index in range(1, 6):
            view.index = index
            await asyncio.sleep(2 * PATIENCE)
            drawn.append(view.snapshot.index)
        painted_by_the_page()
        drawn.append(view.snapshot.index)

    asyncio.run(hand())
    assert drawn == [1, 2, 2, 2, 2, 5]
