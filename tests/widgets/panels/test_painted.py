"""A panel that the page paints: pictures until a page says that it can, and no picture from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnwidgets import ActivationView
from cnnwidgets.views import activation
from cnnwidgets.widgets.painter import Painter, painter
from cnnwidgets.widgets.painter.page import Pages
from cnnwidgets.widgets.panels import painted
from cnnwidgets.widgets.surface import tree
from tests.widgets.conftest import inside, words

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
