"""What goes to a page that paints, how often, and what the page says."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets as W
import numpy as np
import pytest

from cnnwidgets.render.color import COLORMAPS
from cnnwidgets.widgets.painter import Numbers, Painter, Painting, Series, drawn_size, painter
from cnnwidgets.widgets.painter.page import Pages
from cnnwidgets.widgets.surface import script

MAPS = np.random.default_rng(0).standard_normal((6, 8, 8)).astype(np.float32)
STATE = {"channel": 0, "colormap": "auto", "scale": "layer", "columns": 0}


@pytest.fixture(autouse=True)
def pages(monkeypatch) -> Pages:
    """No page has been heard of."""
    fresh = Pages()
    monkeypatch.setattr(painter, "pages", fresh)
    return fresh


class Heard:
    """A painter whose messages are collected."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, links: dict[str, list[W.Widget]] | None = None) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self.calls: list[Any] = []
        monkeypatch.setattr(Painter, "send", lambda _, content, buffers=None: self.sent.append((content, buffers)))
        self.painter = Painter(
            links or {},
            on_hello=lambda: self.calls.append("hello"),
            on_wait=lambda: self.calls.append("waits"),
            on_cell=self.calls.append,
            on_place=lambda x, y: self.calls.append((x, y)),
            on_switch=lambda cell: self.calls.append(("switch", cell)),
        )

    @property
    def kinds(self) -> list[str]:
        return [content["kind"] for content, _ in self.sent]

    def say(self, kind: str, **content: Any) -> None:
        self.painter._handle_custom_msg({"kind": kind, "page": "p", **content}, [])

    def hello(self, page: str = "p", holds: tuple[str, ...] = (), *, inflates: bool = True, ratio: float = 1) -> None:
        self.say("hello", page=page, holds=list(holds), inflates=inflates, ratio=ratio)


@pytest.fixture
def heard(monkeypatch) -> Heard:
    return Heard(monkeypatch)


def painting(maps: np.ndarray = MAPS, links: Any = None, **state: Any) -> Painting:
    return Painting(Numbers(maps), "grid", STATE | state, links or {}, width=480, tall=520, heading=["All 6 maps"])


def test_numbers_and_colours_go_to_the_page_once(heard):
    heard.hello()
    assert heard.calls == ["hello"]
    for shown in (painting(), painting(MAPS + 1), painting(), painting(channel=3)):
        heard.painter.show(shown)
    assert heard.kinds == ["palettes", "layer", "layer"]
    assert heard.sent[0][0]["names"] == list(COLORMAPS[1:])
    heard.painter.show(painting(colormap="jet"))
    assert heard.sent[-1][0]["names"] == ["jet"]


def test_what_the_page_says_it_holds_is_not_sent(heard):
    shown = painting()
    heard.hello(holds=(shown.numbers.key, *(f"palette {name}" for name in COLORMAPS[1:])))
    heard.painter.show(shown)
    assert heard.sent == []


def test_another_page_gets_what_it_has_not(heard):
    heard.hello()
    heard.painter.show(painting())
    heard.hello("q")
    assert heard.kinds == ["palettes", "layer"] * 2
    heard.hello("q")  # another painter of the same page
    assert len(heard.sent) == 4


def test_what_the_store_of_the_page_let_go_of_is_sent_again(heard):
    heard.hello()
    shown = painting()
    heard.painter.show(shown)
    heard.painter.show(painting(MAPS + 1))
    heard.say("painted", number=1, gone=[shown.numbers.key])
    assert heard.painter.painted == heard.painter.newest == 1
    heard.painter.show(shown)
    assert heard.kinds == ["palettes", "layer", "layer", "layer"]


def test_a_layer_that_was_lost_is_sent_again_when_the_page_needs_it(heard):
    heard.hello()
    heard.painter.show(painting())
    heard.say("need", key=painting().numbers.key)
    heard.say("need", key="one that is shown no more")
    assert heard.kinds == ["palettes", "layer", "layer"]


def test_colours_that_were_lost_are_sent_again_when_the_page_needs_them(heard):
    heard.hello()
    heard.painter.show(painting(colormap="jet"))
    heard.say("need", key=painting().numbers.key, missing="palettes")
    assert heard.kinds == ["palettes", "layer", "palettes"]
    assert heard.sent[2][0]["names"] == heard.sent[0][0]["names"]


def test_nothing_is_sent_for_a_page_that_nobody_sees_until_somebody_does(heard):
    heard.hello()
    heard.painter.show(painting())
    heard.say("seen", seen=False)
    for add in (1, 2, 3):
        heard.painter.show(painting(MAPS + add, colormap="jet"))
    assert heard.kinds == ["palettes", "layer"]
    heard.say("seen", seen=True)
    assert heard.kinds[2:] == ["palettes", "layer"]  # of the last alone
    assert heard.sent[3][0]["key"] == painting(MAPS + 3).numbers.key
    heard.say("seen", seen=True)  # another painter of the same page
    assert len(heard.sent) == 4


def test_two_painters_that_are_told_in_two_threads_send_what_both_show_once(heard, monkeypatch):
    other = Heard(monkeypatch)
    heard.hello()
    heard.say("seen", seen=False)
    for each in (heard, other):
        each.painter.show(painting())
    sent: list[str] = []
    begun = threading.Event()

    def tell_other() -> None:
        begun.set()
        other.say("seen", seen=True)

    thread = threading.Thread(target=tell_other)

    def send(_: Painter, content: dict[str, Any], buffers: Any = None) -> None:
        sent.append(content["kind"])
        if not thread.ident:
            thread.start()
            begun.wait()
            thread.join(0.2)  # longer than it takes to send all, were it not for this painter's turn

    monkeypatch.setattr(Painter, "send", send)
    heard.say("seen", seen=True)
    thread.join()
    assert sent == ["palettes", "layer"]


def test_a_page_in_sight_gets_all_beside_one_that_nobody_sees_and_that_one_the_rest_later(heard):
    heard.hello()
    heard.hello("q")
    heard.painter.show(painting())
    heard.say("seen", page="q", seen=False)
    heard.painter.show(painting(MAPS + 1))
    assert heard.kinds == ["palettes", "layer", "layer"]
    heard.say("seen", page="q", seen=True)  # messages go to all pages: it has heard that too
    assert len(heard.sent) == 3


def test_a_page_that_opens_out_of_sight_gets_its_numbers_when_it_is_looked_at(heard):
    heard.say("hello", holds=[], inflates=True, ratio=1, seen=False)
    heard.painter.show(painting())
    assert heard.calls == ["hello"] and heard.sent == []
    heard.say("seen", seen=True)
    assert heard.kinds == ["palettes", "layer"]


def test_the_page_gets_a_map_in_full_when_it_wants_one_and_an_answer_in_any_case(heard):
    heard.hello()
    heard.painter.show(painting())
    heard.say("want", key=painting().numbers.key, channel=4)
    heard.say("want", key="gone", channel=1)
    (wanted, planes), (none, _) = heard.sent[2:]
    assert (wanted["kind"], wanted["channel"], wanted["size"]) == ("map", 4, [8, 8])
    assert sum(map(len, planes)) <= 2 * 64
    assert none == {"kind": "none", "key": "gone", "channel": 1}


def test_what_the_page_reads_from_its_controls_is_not_said_again(monkeypatch):
    slider = W.IntSlider()
    links = {"channel": [slider]}
    heard = Heard(monkeypatch, links)
    assert heard.painter.controls == {"channel": [slider.model_id]}
    heard.hello()
    changes: list[Any] = []
    heard.painter.observe(changes.append, "sheets")
    for channel in (0, 1, 2):
        heard.painter.show(painting(links=links, channel=channel))
    assert len(changes) == 1
    heard.painter.show(painting(links=links, scale="map"))
    heard.painter.show(None)
    heard.painter.show(None)
    assert len(changes) == 3


def test_what_is_sent_ahead_is_not_sent_again_when_it_is_shown(heard):
    heard.painter.ahead(Numbers(MAPS + 1), 0)  # no page was heard of
    assert heard.sent == []
    heard.hello()
    heard.painter.show(painting())
    for _ in range(2):
        heard.painter.ahead(Numbers(MAPS + 1), 2)
    assert heard.painter.sheets[0]["key"] == painting().numbers.key
    heard.painter.show(painting(MAPS + 1))
    assert heard.kinds == ["palettes", "layer", "layer"]
    heard.say("seen", seen=False)
    heard.painter.ahead(Numbers(MAPS + 2), 0)
    assert len(heard.sent) == 3


def test_of_a_series_the_page_is_told_which_frame_it_is_though_it_reads_the_controls(monkeypatch):
    slider, series = W.IntSlider(), Series("1", signed=True, scales={"film": [[0, 1], [-1, 1]]})
    links = {"frame": [slider]}
    heard = Heard(monkeypatch, links)
    heard.hello()
    for frame in (0, 1):  # of the same numbers
        heard.painter.show(Painting(Numbers(MAPS), "grid", STATE | {"frame": frame}, links, series=series))
        assert heard.painter.sheets[0]["state"]["frame"] == frame
    assert heard.painter.sheets[0]["series"] == {"of": "1", "signed": True, "scales": {"film": [[0, 1], [-1, 1]]}}
    heard.painter.show(painting(links=links))
    assert "series" not in heard.painter.sheets[0]


@pytest.mark.parametrize("size", [None, (4, 4)])
def test_the_bytes_of_numbers_are_those_of_their_message(size):
    numbers = Numbers(MAPS, size, extra=[("class token", np.arange(6))])
    assert numbers.nbytes == sum(map(len, numbers.message(2)[1]))


def test_while_held_the_new_state_goes_to_the_side_that_is_not_seen(heard):
    heard.hello()
    one, two, three = (painting(MAPS + add) for add in range(3))

    def keys() -> list[str | None]:
        return [sheet and sheet["key"] for sheet in heard.painter.sheets]

    heard.painter.show(one)
    assert keys() == [one.numbers.key, None]
    heard.painter.held = True
    heard.painter.show(two)
    heard.painter.show(three)
    assert keys() == [one.numbers.key, three.numbers.key]
    heard.painter.held = False
    heard.painter.turn()
    assert heard.painter.seen == heard.painter.sides[1]
    heard.painter.show(two)
    assert keys() == [one.numbers.key, two.numbers.key]


def test_states_that_no_page_is_to_hear_of_send_nothing(heard):
    heard.hello()
    with heard.painter.hold_sync():
        heard.painter.show(painting())
    assert heard.sent == []
    heard.say("need", key=painting().numbers.key)
    assert heard.kinds == ["palettes", "layer"]


def test_clicks_in_the_page_are_passed_on(heard):
    heard.say("cell", cell=3)
    heard.say("place", x=1.5, y=2.5)
    heard.say("switch", cell=4)
    assert heard.calls == [3, (1.5, 2.5), ("switch", 4)]


def test_what_the_page_waits_for_is_not_deflated_and_nothing_is_for_a_page_that_cannot_inflate(heard):
    zeros = np.zeros((4, 40, 40), np.float32)
    zeros[:, 0, 0] = 1
    shown = painting(zeros)
    heard.hello()
    heard.painter.show(shown)
    assert heard.sent[-1][0]["deflated"] == [False, False]
    heard.say("want", key=shown.numbers.key, channel=1)
    assert heard.sent[-1][0]["deflated"] == [True, True]
    heard.hello("q", inflates=False)
    heard.say("want", key=shown.numbers.key, channel=1)
    assert heard.sent[-1][0]["deflated"] == [False, False]


def test_numbers_have_a_key_of_their_own():
    keys = [Numbers(MAPS).key, Numbers(MAPS, (4, 4)).key, Numbers(MAPS.reshape(6, 4, 16)).key, Numbers(MAPS + 1e-6).key]
    keys += [Numbers(MAPS, extra=[("class token", np.arange(6))]).key, Numbers(MAPS.astype(np.float64)).key]
    keys.append(Numbers(MAPS.view(np.int32)).key)
    assert len(set(keys)) == len(keys)
    assert Numbers(MAPS.copy()).key == keys[0]


def test_a_layer_goes_at_the_size_at_which_it_is_drawn_and_the_chosen_map_in_full():
    maps = np.random.default_rng(0).standard_normal((64, 112, 112)).astype(np.float32)
    size = drawn_size(64, 112, 112, columns=None, room=480)
    assert size == (56, 56)
    header, buffers = Numbers(maps, size).message(5)
    assert (header["size"], header["map"]["channel"], header["map"]["size"]) == ([56, 56], 5, [112, 112])
    assert sum(map(len, buffers)) < 2 * 64 * 56 * 56 + 2 * 112 * 112 + 64 * 6 * 8 + 1


@pytest.mark.parametrize(
    ("maps", "columns", "ratio", "size"),
    [
        ((6, 28, 28), None, 1, (28, 28)),
        ((64, 112, 112), None, 2, (112, 112)),
        ((64, 112, 112), 2, 1, (112, 112)),
        ((64, 224, 224), None, 1, (56, 56)),
        ((64, 224, 224), None, 3, (112, 112)),
        ((1, 4096, 4096), None, 1, (480, 480)),
        ((2048, 7, 7), None, 1, (7, 7)),
        ((512, 1, 1), None, 1, (1, 1)),
        ((3, 2, 4096), 3, 1, (1, 159)),
    ],
)
def test_the_size_at_which_maps_are_drawn(maps, columns, ratio, size):
    assert drawn_size(*maps, columns=columns, room=480, ratio=ratio) == size


def test_a_map_of_16_million_values_goes_at_a_smaller_size():
    header, planes = Numbers(np.zeros((1, 4096, 4096), np.float32)).map(0, deflate=True)
    assert header["size"] == [1024, 1024]
    assert sum(map(len, planes)) < 10_000


def test_a_page_that_was_closed_holds_nothing_up():
    pages = Pages()
    assert not pages.hold("a")
    pages.heard("p", [], inflates=True, ratio=2)
    pages.sent("a")
    pages.heard("q", ["a", "b"], inflates=False, ratio=1)
    assert pages.hold("a") and not pages.hold("b")
    assert (pages.inflate, pages.ratio) == (False, 2)
    for number in range(20):
        pages.heard(f"r{number}", ["a"], inflates=True, ratio=1)
    assert pages.hold("a") and pages.inflate and pages.ratio == 1


def test_without_anywidget_there_is_no_painter(monkeypatch):
    painter.front_end.cache_clear()
    monkeypatch.setattr(script, "version", lambda _: (_ for _ in ()).throw(script.PackageNotFoundError))
    try:
        assert painter.front_end() is None and not painter.possible()
    finally:
        painter.front_end.cache_clear()
