from __future__ import annotations

import asyncio
import re
import threading
import time

import ipywidgets as W
import pytest

from cnnwidgets import ActivationView
from cnnwidgets.widgets.surface import swap
from cnnwidgets.widgets.surface.picture import Picture
from cnnwidgets.widgets.surface.swap import Stage, Swapped, Text


@pytest.fixture
def card():
    text, picture = Text("old"), Swapped({}, "shown")
    picture.target.value = b"old"
    stage = Stage(W.VBox([text, *picture.pictures]))
    stage.turn()
    return text, picture, stage


def in_loop(steps, then=0.0):
    async def main():
        steps()
        await asyncio.sleep(then)

    asyncio.run(main())


def seen(html: str, style: str) -> str:
    """What of the HTML of a text the style sheet shows."""
    copies = re.findall(r'<div class="cnnw-side ([^"]+)">(.*?)</div>', html)
    return "".join(copy for name, copy in copies if f".{name}" in style) if copies else html


def test_until_the_last_message_the_old_state_is_seen_and_with_it_the_new_one(card, messages):
    text, picture, stage = card
    for new in ("1", "2", "3"):
        before, styles = text.value, stage.value

        def draw(new=new):
            with stage.held():
                text.value = new
                picture.target.value = new.encode()
                assert picture.seen in stage.value  # what is seen is the other one

        messages.clear()
        in_loop(draw)
        assert [message.widget for message in messages] == [text, picture.newest, stage]
        html = messages[0].content["state"]["value"]
        assert seen(html, styles) == before
        assert seen(html, stage.value) == text.value == new
        assert f".{picture.sides[picture.pictures.index(picture.newest)]}" in stage.value
        assert bytes(picture.newest.value) == new.encode()


def test_what_did_not_change_is_not_sent_and_stays(card, messages):
    text, picture, stage = card

    def draw():
        with stage.held():
            picture.target.value = b"new"

    messages.clear()
    in_loop(draw)
    assert text not in [message.widget for message in messages]
    assert text.value == "old" and text.seen in stage.value


def test_outside_of_an_event_loop_everything_is_sent_as_it_is(card, messages):
    text, picture, stage = card
    messages.clear()
    with stage.held():
        text.value = "new"
        picture.target.value = b"new"
    assert [message.widget for message in messages] == [text, picture.pictures[0]]
    assert messages[0].content["state"]["value"] == "new"


def test_at_rest_nothing_stays_out_of_sight(card, messages, monkeypatch):
    monkeypatch.setattr(swap, "REST", 0.01)
    text, picture, stage = card

    def draw():
        with stage.held():
            text.value = "new"
            picture.target.value = b"new"

    in_loop(draw, then=0.1)
    assert text.get_state()["value"] == "new"
    assert [bytes(each.value) for each in picture.pictures] == [b"", b"new"]


def test_a_timer_of_another_thread_takes_nothing_away_that_is_being_drawn(card, monkeypatch):
    monkeypatch.setattr(swap, "REST", 0.05)
    _, picture, stage = card
    drawing = threading.Event()

    async def other():
        with stage.held():
            picture.put(b"first")
        await asyncio.to_thread(drawing.set)
        await asyncio.sleep(0.2)

    def draw():
        with stage.held():
            picture.put(b"second")
            time.sleep(0.15)  # the timer of the other thread rings meanwhile

    thread = threading.Thread(target=asyncio.run, args=[other()])
    thread.start()
    drawing.wait()
    in_loop(draw, then=0.1)
    thread.join()
    assert picture.value == b"second"
    assert sorted(bytes(each.value) for each in picture.pictures) == [b"", b"second"]


def test_a_view_that_draws_in_an_event_loop_ends_with_the_style_sheet(model, dataset, messages):
    view = ActivationView(model, dataset, layer="conv")

    def move():
        view.layer = "pool"

    messages.clear()
    in_loop(move)
    drawn = [message.widget for message in messages if "value" in message.traits]
    assert {Picture, Text} <= set(map(type, drawn))
    last = max(at for at, widget in enumerate(drawn) if isinstance(widget, (Picture, Text)))
    (stage,) = [at for at, widget in enumerate(drawn) if isinstance(widget, Stage)]
    assert stage > last


class Painted(Text):
    """Stands for what a page paints itself."""

    paints = True


def test_a_card_turns_only_when_the_page_has_painted_what_was_written():
    text, painted = Text("old"), Painted("old")
    stage = Stage(W.VBox([text, painted]))
    stage.turn()
    assert "-wait" not in stage.value  # nothing is waited for
    for part in (text, painted):
        part.held = True
        part.value = "new"
        part.held = False
    stage.turn()
    (old, new), (before, now) = painted.sides, text.sides
    for where, own, side in ((f":not(.{new}-wait)", new, now), (f":is(.{new}-wait)", old, before)):
        shown = stage.value.split(f".cnnw{where} :is(")[1].split(")")[0].split(",")
        assert sorted(shown) == sorted(f".{each}.{each}" for each in (own, side))
    assert f".{new}-full ~ *" in stage.value and f".{old}-full ~ *" in stage.value
    stage.turn()
    assert "-wait" not in stage.value
