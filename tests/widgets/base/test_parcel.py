"""One message for all that a drawing writes, as the page is told it."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import pytest

import cnnwidgets as cw
from cnnwidgets.live import Newest
from cnnwidgets.widgets.base import frame
from cnnwidgets.widgets.base.parcel import Parcel, code
from cnnwidgets.widgets.base.traffic import Traffic
from cnnwidgets.widgets.shown import lifetime
from cnnwidgets.widgets.surface import tree
from tests.widgets.conftest import exported_by, passes_in_node, steps, tiny, with_kernel

loosen = lifetime.loosen


class Sent(list[tuple[Any, Any, list[Any]]]):
    """What goes to the page, as (widget, data, buffers)."""

    def take(self) -> list[tuple[Any, Any, list[Any]]]:
        found = self[:]
        self.clear()
        return found


@pytest.fixture
def sent(monkeypatch) -> Sent:
    """Messages as they leave, whichever widget's they are."""
    found = Sent()
    with_kernel(monkeypatch)
    opened = W.Widget.open

    def open_noted(self: W.Widget) -> None:
        opened(self)
        if self.comm is not None and "send" not in vars(self.comm):
            comm: Any = self.comm
            comm.send = lambda data=None, metadata=None, buffers=None: found.append((self, data, list(buffers or ())))

    monkeypatch.setattr(W.Widget, "open", open_noted)
    return found


def hear(widget: W.Widget, content: Any) -> None:
    """The page says something to a widget."""
    widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


@pytest.fixture
def parts(sent) -> tuple[Parcel, W.IntSlider, W.HTML]:
    parcel, slider, text = Parcel(), W.IntSlider(), W.HTML("a")
    parcel.follow([parcel, slider, text])
    sent.clear()
    return parcel, slider, text


def update(**state: Any) -> dict[str, Any]:
    return {"method": "update", "state": state, "buffer_paths": []}


def test_what_is_sent_inside_goes_in_one_message_in_its_order_with_all_buffers(parts, sent):
    parcel, slider, text = parts
    hear(parcel, {"kind": "hello"})
    with parcel.filled():
        slider.value = 3
        text.send({"kind": "x"}, [b"one", b"two"])
        text.value = "b"
        assert sent == []
    ((widget, data, buffers),) = sent.take()
    assert widget is parcel and buffers == [b"one", b"two"]
    x = {"method": "custom", "content": {"kind": "x"}}
    told = [[slider.model_id, update(value=3), 0], [text.model_id, x, 2], [text.model_id, update(value="b"), 0]]
    assert data == {"method": "custom", "content": {"kind": "parcel", "parts": told}}
    slider.value = 4
    assert sent.take() == [(slider, update(value=4), [])]


def test_as_long_as_no_page_hands_on_each_widget_sends_by_itself(parts, sent):
    parcel, slider, text = parts
    with parcel.filled():
        slider.value, text.value = 3, "b"
    assert [widget for widget, *_ in sent] == [slider, text]


def test_a_single_message_goes_by_itself_and_none_is_none(parts, sent):
    parcel, slider, _ = parts
    hear(parcel, {"kind": "hello"})
    with parcel.filled():
        slider.send({"kind": "x"}, [b"one"])
    assert sent.take() == [(slider, {"method": "custom", "content": {"kind": "x"}}, [b"one"])]
    with parcel.filled():
        pass
    assert sent == []


def test_what_raises_inside_has_sent_what_came_before_and_one_within_another_waits_for_it(parts, sent):
    parcel, slider, text = parts
    hear(parcel, {"kind": "hello"})
    with pytest.raises(ZeroDivisionError), parcel.filled():
        slider.value, text.value = 3, "b"
        raise ZeroDivisionError
    assert [widget for widget, *_ in sent.take()] == [parcel]
    with parcel.filled():
        with parcel.filled():
            slider.value = 4
        text.value = "c"
    assert [widget for widget, *_ in sent.take()] == [parcel]


def test_what_another_thread_sends_comes_after_what_was_sent_before(parts, sent):
    parcel, slider, text = parts
    hear(parcel, {"kind": "hello"})
    with parcel.filled():
        slider.value, text.value = 3, "b"
        thread = threading.Thread(target=slider.set_trait, args=("value", 5))
        thread.start()
        thread.join()
        text.value = "c"
    assert [widget for widget, *_ in sent] == [parcel, slider, text]


def test_a_widget_is_closed_after_what_was_sent_before(parts, sent, monkeypatch):
    parcel, slider, text = parts
    hear(parcel, {"kind": "hello"})
    with parcel.filled():
        slider.value, text.value = 3, "b"
        slider.close()
        assert [widget for widget, *_ in sent] == [parcel]


def test_a_page_that_is_loaded_anew_is_told_what_it_may_have_missed(parts, sent):
    parcel, slider, text = parts
    hear(parcel, {"kind": "hello"})
    assert sent == []
    with parcel.filled():
        slider.value, text.value = 3, "b"
    sent.clear()
    hear(parcel, {"kind": "hello"})
    assert sent.take() == [(slider, update(value=3), []), (text, update(value="b"), [])]
    hear(parcel, {"kind": "hello"})
    assert sent == []


def test_a_parcel_counts_as_one_message_and_answers_where_something_in_it_is_seen(sent):
    parcel, slider, text = Parcel(), W.IntSlider(), W.HTML("a")
    traffic = Traffic(Newest(lambda: None))
    traffic.follow([parcel, slider, text], text)
    parcel.follow([parcel, slider, text])
    hear(parcel, {"kind": "hello"})
    traffic.reset()

    def answer(*_: Any) -> None:
        with parcel.filled():
            slider.max, slider.step = 50, 2
            if seen:
                text.value = "b"

    slider.on_msg(answer)
    for seen in (False, True):
        traffic.reset()
        slider.max, slider.step = 40, 1
        traffic.reset()
        hear(slider, {"kind": "ask"})
        assert (traffic.to_page.messages, traffic.round_trips) == (1, int(seen))


# ---------------------------------------------------------------------- of a view


@pytest.fixture
def view(sent, monkeypatch) -> cw.InterventionView:
    monkeypatch.setattr(frame, "possible", lambda: True)
    monkeypatch.setattr(lifetime, "loosen", lambda view: [loosen(view), tree(view)][1])
    view = cw.InterventionView(tiny(), steps(), layer="conv", ranking=False, channel=1)
    view.off = (0,)  # which makes widgets
    view.off = ()
    sent.clear()
    return view


def parcel_of(view: cw.InterventionView) -> Parcel:
    (found,) = [widget for widget in tree(view) if isinstance(widget, Parcel)]
    return found


def test_a_drawing_is_one_message_and_without_a_page_that_hands_on_the_same_ones_apart(view, sent):
    view.off = (0,)
    apart = [(widget.model_id, set(data["state"])) for widget, data, _ in sent]
    view.off = ()
    hear(parcel_of(view), {"kind": "hello"})
    sent.clear()
    view.off = (0,)
    ((widget, data, _),) = sent.take()
    assert widget is parcel_of(view)
    assert [(key, set(part["state"])) for key, part, _ in data["content"]["parts"]] == apart and len(apart) > 4


def test_the_page_gets_the_same_values_either_way(view, sent):
    hear(parcel_of(view), {"kind": "hello"})
    sent.clear()
    view.off = (0,)
    ((_, data, buffers),) = sent.take()
    end = 0
    for _, part, count in data["content"]["parts"]:
        own, end = buffers[end : end + count], end + count
        assert len(own) == len(part.get("buffer_paths", ()))
    assert end == len(buffers) > 0 and all(np.frombuffer(each, np.uint8).size for each in buffers)


def test_a_parcel_holds_no_view_and_goes_with_it(view):
    parcel, gone = parcel_of(view), weakref.ref(view)
    del view
    gc.collect()
    assert isinstance(parcel, Parcel)
    if gone() is not None:
        gone().close()
    assert parcel.comm is None


def test_outside_a_notebook_there_is_none():
    view = cw.InterventionView(tiny(), steps(), layer="conv", ranking=False)
    assert not [widget for widget in tree(view) if isinstance(widget, Parcel)]


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
def test_the_code_of_the_page(tmp_path: Path):
    passes_in_node(Path(__file__).parent / "parcel.test.mjs")
    assert "initialize" in exported_by(code(), tmp_path / "parcel.mjs")
