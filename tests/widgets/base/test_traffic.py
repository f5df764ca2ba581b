"""What passes between a view and its pages, counted by hand."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import ipywidgets as W
import pytest

from cnnwidgets import ActivationView
from cnnwidgets.live import Newest
from cnnwidgets.views.activation import view as activation
from cnnwidgets.widgets.base.traffic import Traffic
from cnnwidgets.widgets.painter import Painter, painter
from cnnwidgets.widgets.painter.page import Pages
from cnnwidgets.widgets.panels import painted
from cnnwidgets.widgets.shown import lifetime
from cnnwidgets.widgets.surface import tree
from tests.widgets.conftest import control, with_kernel

loosen = lifetime.loosen
ECHOES = not W.__version__.startswith("7.")
"""Whether ipywidgets sends each new value back to the page."""


@pytest.fixture(autouse=True)
def page(monkeypatch) -> None:
    """There is a notebook's page that paints, of which nobody has heard."""
    with_kernel(monkeypatch)
    monkeypatch.setattr(lifetime, "loosen", lambda view: [loosen(view), tree(view)][1])
    fresh = Pages()
    for module in (activation, painted):
        monkeypatch.setattr(module, "possible", lambda: True)
    for module in (activation, painter):
        monkeypatch.setattr(module, "pages", fresh)


@pytest.fixture
def parts() -> tuple[Traffic, W.IntSlider, W.HTML, Newest]:
    """A slider, and a panel, whose messages are counted."""
    slider, panel = W.IntSlider(), W.HTML("a")
    newest = Newest(lambda: None)
    counted = Traffic(newest)
    counted.follow([slider, panel], panel)
    return counted, slider, panel, newest


def hear(widget: W.Widget, data: dict[str, Any], buffers: Any = ()) -> None:
    """The page says something to a widget."""
    widget.comm.handle_msg({"content": {"data": data}, "buffers": list(buffers)})


def ask(widget: W.Widget) -> None:
    hear(widget, {"method": "custom", "content": {"kind": "ask"}})


def test_messages_and_bytes_to_the_page_are_those_that_are_sent(parts):
    counted, slider, panel, _ = parts
    slider.value = 3
    text = '{"method": "update", "state": {"value": 3}, "buffer_paths": []}'
    assert counted.to_page == (1, len(text))
    panel.value = "é"  # two bytes
    assert counted.to_page == (2, len(text) + len(text) + 3)
    assert (counted.from_page, counted.round_trips, counted.cached) == ((0, 0), 0, 0)
    counted.reset()
    assert counted.to_page == (0, 0)


def test_buffers_count(parts):
    counted, slider, _, _ = parts
    slider.send({"kind": "x"}, [bytes(1000), memoryview(bytes(24)).cast("d")])
    text = '{"method": "custom", "content": {"kind": "x"}}'
    assert counted.to_page == (1, len(text) + 1024)
    hear(slider, {"method": "custom", "content": {"kind": "x"}}, [memoryview(bytes(7))])
    assert counted.from_page == (1, len(text) + 7)


def test_a_round_trip_is_a_question_whose_answer_is_seen(parts):
    counted, slider, panel, _ = parts
    slider.observe(lambda change: panel.set_trait("value", str(change["new"])), "value")
    hear(slider, {"method": "update", "state": {"value": 3}})
    assert (counted.from_page.messages, counted.to_page.messages) == (1, 1 + ECHOES)
    assert counted.round_trips == 1
    panel.value = "set from a cell"
    ask(slider)  # which changes nothing
    panel.value = "set from a cell again"
    slider.on_msg(lambda *_: slider.set_trait("max", 50))
    ask(slider)  # of which a control alone speaks
    hear(slider, {"method": "custom", "content": {"kind": "painted"}})
    assert counted.round_trips == 1
    slider.on_msg(lambda *_: (panel.set_trait("value", "one"), panel.set_trait("value", "two")))
    ask(slider)  # two messages in one answer
    assert counted.round_trips == 2


def test_questions_that_one_drawing_answers_are_one_round_trip(parts):
    counted, slider, panel, newest = parts
    newest.waiting = True
    for _ in range(3):
        ask(slider)
    newest.waiting = False
    panel.value = "all of them"
    panel.value = "more"
    assert (counted.from_page.messages, counted.round_trips) == (3, 1)


def test_a_widget_that_is_made_later_counts_with_its_state_and_none_counts_twice(parts):
    counted, slider, panel, _ = parts
    late = W.HTML("b" * 1000)
    counted.follow([slider, panel, late], panel)
    assert counted.to_page.messages == 1
    assert 1000 < counted.to_page.bytes < 3000
    late.value = "c"
    slider.value = 5
    assert counted.to_page.messages == 3


def test_it_reads_as_a_sentence(parts):
    counted, slider, panel, _ = parts
    slider.on_msg(lambda *_: slider.send({}, [bytes(2000)]))
    hear(slider, {"method": "custom", "content": {}})
    said = "to the page: 1 message, 2.04 kB; from the page: 1 message, 35 bytes; 0 round trips; 0 cached"
    assert repr(counted) == f"Traffic({said})"
    slider.on_msg(lambda *_: panel.set_trait("value", "b"))
    ask(slider)
    assert "; 1 round trip; " in repr(counted)


def test_what_the_page_shows_again_by_itself_takes_no_round_trip(parts):
    counted, slider, panel, _ = parts
    slider.observe(lambda change: panel.set_trait("value", str(change["new"])), "value")
    hear(slider, {"method": "custom", "content": {"kind": "recalled", "shown": True}})
    hear(slider, {"method": "update", "state": {"value": 3}})
    assert (counted.round_trips, panel.value) == (0, "3")
    hear(slider, {"method": "custom", "content": {"kind": "recalled", "shown": False}})
    hear(slider, {"method": "update", "state": {"value": 4}})
    assert counted.round_trips == 1


@pytest.mark.parametrize("content", [None, "a word", ["a", "list"], {"kind": "recalled"}, {"kind": "again"}])
def test_a_message_of_any_form_reaches_its_widget(parts, content):
    _, slider, _, _ = parts
    heard = []
    slider.on_msg(lambda widget, said, buffers: heard.append(said))
    hear(slider, {"method": "custom", "content": content})
    assert heard == [content]


# ---------------------------------------------------------------------- of a view


@pytest.fixture
def view(model, dataset) -> ActivationView:
    """A view that a page paints."""
    view = ActivationView(model, dataset, layer="conv")
    hello = {"kind": "hello", "page": "p", "holds": [], "inflates": True, "ratio": 1}
    for box in map(view.box, ("maps", "channel")):
        assert isinstance(box.painter, Painter)
        hear(box.painter, {"method": "custom", "content": hello})
    view.traffic.reset()
    return view


def slide(view: ActivationView, name: str, value: int) -> None:
    """The page moves a slider."""
    slider = {"channel": view._channel_slider}[name]
    hear(slider, {"method": "update", "state": {"value": value}, "buffer_paths": []})


def test_a_view_counts_all_that_its_widgets_send(view, monkeypatch):
    sent: list[Any] = []
    send = W.Widget._send
    monkeypatch.setattr(W.Widget, "_send", lambda *args, **named: sent.append(args) or send(*args, **named))
    for trait, value in (("channel", 1), ("layer", "pool"), ("colormap", "magma"), ("layer", "fc"), ("layer", "conv")):
        setattr(view, trait, value)
    assert 10 < len(sent) <= view.traffic.to_page.messages  # and those of widgets that were made
    assert view.traffic.from_page == (0, 0)


def test_what_the_page_paints_itself_is_no_round_trip(view):
    slide(view, "channel", 1)
    assert view.channel == 1
    assert (view.traffic.from_page.messages, view.traffic.round_trips) == (1, 0)
    assert view.traffic.to_page.messages >= 1  # the box beside the slider follows


def test_layers_that_the_page_has_are_counted_and_cost_few_bytes(view):
    view.layer = "pool"
    first = view.traffic.to_page.bytes
    assert view.traffic.cached == 0
    view.channel = 1
    assert view.traffic.cached == 0  # the same numbers
    view.layer = "conv"
    view.layer = "pool"
    assert view.traffic.cached == 2
    view.index = 1
    assert view.traffic.cached == 2
    assert first > 0


def test_counting_holds_no_view(model, dataset):
    view = ActivationView(model, dataset)
    counted, gone = view.traffic, weakref.ref(view)
    del view
    gc.collect()
    assert gone() is None
    assert repr(counted).startswith("Traffic(")


def test_outside_a_notebook_nothing_is_counted(model, dataset, monkeypatch):
    monkeypatch.setattr(lifetime, "loosen", loosen)
    view = ActivationView(model, dataset)
    view.layer = "pool"
    assert view.traffic.to_page == (0, 0)


def test_where_a_view_stands_is_no_picture(view):
    hear(control(view, "Colours", W.Dropdown), {"method": "update", "state": {"index": 2}, "buffer_paths": []})
    assert view.box("maps").painter.address["colormap"] == view.colormap != "auto"
    assert view.traffic.round_trips == 0
