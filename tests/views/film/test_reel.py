"""What a page that paints is sent of a film: a frame once, the next ones before they are asked for, and no picture."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from cnnwidgets import FilmView, Recorder
from cnnwidgets.live import portions
from cnnwidgets.views.film import reel
from cnnwidgets.views.film.reel import AHEAD
from cnnwidgets.widgets.painter import Numbers, Painter, painter
from cnnwidgets.widgets.painter.page import Pages
from cnnwidgets.widgets.panels import painted

FRAMES = 9
IMAGE = torch.arange(1.0, 5).reshape(2, 2)


@pytest.fixture(autouse=True)
def pages(monkeypatch) -> Pages:
    """There may be a page, and none has been heard of; portions follow at once."""
    fresh = Pages()
    monkeypatch.setattr(painter, "pages", fresh)
    monkeypatch.setattr(reel, "pages", fresh)
    for module in (reel, painted):
        monkeypatch.setattr(module, "possible", lambda: True)
    monkeypatch.setattr(portions, "PAUSE", 0.0)
    return fresh


@pytest.fixture
def recorder(tmp_path) -> Recorder:
    """Frame k has two maps: k + 1 times an image of 1 to 4, and -2 (k + 1) times it; layer 2 puts out a vector."""
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten(), nn.Linear(8, 2, bias=False))
    become(model, 0)
    recorder = Recorder(model, ["0", "2"], [(IMAGE[None], 0), (-IMAGE[None], 1)], tmp_path / "film", every=1)
    for frame in range(1, FRAMES):
        record(recorder, frame)
    return recorder


def become(model: nn.Module, frame: int) -> None:
    with torch.no_grad():
        model[0].weight.copy_((frame + 1) * torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1))


def record(recorder: Recorder, frame: int) -> None:
    become(recorder.model, frame)
    recorder.step(0, frame - 1)


class Shown:
    """A film in a page that paints, and what its painters send."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, recorder: Recorder, **traits: Any) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(Painter, "send", lambda _, content, buffers=None: self.sent.append((content, buffers)))
        self.view = FilmView(recorder, **{"layer": "0", **traits})
        self.say("hello", holds=[], inflates=True, ratio=1)

    @property
    def painters(self) -> list[Painter]:
        return [self.view.box(key).painter for key in ("maps", "channel")]

    @property
    def sheet(self) -> dict[str, Any]:
        """The newest of the grid."""
        return max(filter(None, self.painters[0].sheets), key=lambda sheet: sheet["number"])

    @property
    def reel(self) -> dict[str, str]:
        """Key of each frame that the pages were told of; both painters the same, of the series that is seen."""
        one, other = (painter.reel for painter in self.painters)
        assert one == other
        return one["keys"] if one.get("of") == self.sheet["series"]["of"] else {}

    def say(self, kind: str, **content: Any) -> None:
        for each in self.painters:
            each._handle_custom_msg({"kind": kind, "page": "p", **content}, [])

    def layers(self) -> list[str]:
        """Keys of the numbers that were sent since the last call."""
        keys = [content["key"] for content, _ in self.sent if content["kind"] == "layer"]
        self.sent.clear()
        return keys


@pytest.fixture
def shown(monkeypatch, recorder) -> Shown:
    return Shown(monkeypatch, recorder)


def idle(*steps: Callable[[], object]) -> None:
    """Take steps in a kernel that has time behind each of them."""

    async def main() -> None:
        for step in steps:
            step()
            for _ in range(3 * AHEAD):
                await asyncio.sleep(0)

    asyncio.run(main())


def move(shown: Shown, **traits: Any) -> Callable[[], None]:
    """What a hand does, and the kernel at once: a move that comes right behind a drawing would wait."""

    def moved() -> None:
        for name, value in traits.items():
            setattr(shown.view, name, value)
        shown.view.flush()

    return moved


def test_the_page_paints_the_frame_from_its_numbers_and_gets_no_picture(shown, messages):
    messages.clear()
    for frame in (1, 2):
        shown.view.frame = frame
        assert shown.sheet["key"] == key_of(shown.view)
    assert len(shown.layers()) == 3  # the first one too
    assert not [each for each in messages if type(each.widget).__name__ == "Picture" and "value" in each.traits]
    assert (shown.sheet["role"], shown.sheet["heading"]) == ("grid", ["All 2 feature maps"])
    assert {**shown.sheet["state"]} == {"channel": 0, "colormap": "auto", "scale": "film", "columns": 0, "frame": 2}


def key_of(view: FilmView) -> str:
    return Numbers(view.maps).key


def test_what_the_scales_of_a_film_mean_is_said_for_both_kinds_of_colour_maps(shown):
    most = 4.0 * FRAMES
    series = shown.sheet["series"]
    assert (series["signed"], series["scales"]["frame"]) == (True, "layer-full")
    assert series["scales"]["film"] == [[-2 * most, 2 * most], [-2 * most, 2 * most]]
    shown.view.scale = "map"
    assert shown.sheet["state"]["scale"] == "map"


def test_channel_and_colours_cost_no_message_of_a_painter(shown, messages):
    messages.clear()
    for trait, value in (("channel", 1), ("colormap", "magma")):
        setattr(shown.view, trait, value)
    assert [each for each in messages if isinstance(each.widget, Painter)] == []


def test_the_frames_that_come_next_are_sent_once_and_the_page_is_told_which_they_are(shown, messages):
    shown.layers()
    idle(move(shown, frame=1))
    keys = shown.layers()
    assert len(keys) == 1 + AHEAD
    assert shown.reel == {str(frame): key for frame, key in zip(range(2, 6), keys[1:], strict=True)}
    messages.clear()
    shown.view.frame = 2
    assert shown.layers() == []  # it is there
    assert shown.sheet["key"] == keys[1]
    told = [each for each in messages if isinstance(each.widget, Painter)]
    assert [each.traits for each in told] == [{"sheets"}] * 2
    assert sum(len(json.dumps(each.content)) for each in told) < 3000
    idle(move(shown, frame=3))
    assert len(shown.layers()) == 2  # frames 6 and 7
    idle(move(shown, frame=2), move(shown, frame=3))
    assert len(shown.layers()) == 0  # frames 0 and 1 were seen


def test_they_are_those_in_the_direction_of_the_last_move(shown):
    idle(move(shown, frame=7))
    shown.layers()
    idle(move(shown, frame=6))
    assert list(shown.reel) == ["5", "4", "3", "2"]
    assert len(shown.layers()) == 1 + 4
    idle(move(shown, channel=1))  # no move
    assert shown.layers() == [] and list(shown.reel) == ["5", "4", "3", "2"]
    idle(move(shown, frame=8), move(shown, frame=0))  # the player begins once more
    assert list(shown.reel) == ["1", "2", "3", "4"]


def test_a_newer_move_takes_the_place_of_an_older_one(shown):
    shown.layers()
    idle(lambda: (move(shown, frame=1)(), move(shown, frame=4)()))
    assert list(shown.reel) == ["5", "6", "7", "8"]
    assert len(shown.layers()) == 2 + 4


def test_no_more_bytes_are_sent_ahead_than_the_bound(shown, monkeypatch):
    shown.layers()
    size = Numbers(shown.view.maps).nbytes
    assert size == 2 * 2 * 4 + 8 * 2 * 6
    monkeypatch.setattr(reel, "MOST", 2 * size + 1)
    idle(move(shown, frame=1))
    sent = [sum(map(len, buffers)) for content, buffers in shown.sent if content["kind"] == "layer"]
    assert sent == [size] * 3
    monkeypatch.setattr(reel, "MOST", size - 1)
    shown.layers()
    idle(move(shown, frame=5))
    assert len(shown.layers()) == 1


@pytest.mark.parametrize(
    "change",
    [{"probe": 1}, {"difference": "first"}, {"what": "filters"}, {"layer": "2"}],
    ids=lambda each: next(iter(each)),
)
def test_another_shot_cancels_what_was_to_come_and_shows_no_frame_of_the_one_before(shown, change):
    shown.layers()
    idle(lambda: (move(shown, frame=2)(), move(shown, **change)()))
    assert len(shown.layers()) == 2 - ("layer" in change)
    idle(move(shown, frame=3))
    if "layer" in change:  # a vector is a picture
        assert shown.painters[0].sheets[shown.painters[0].side] is None
        assert shown.layers() == []
        return
    assert list(shown.reel) == ["4", "5", "6", "7"]
    keys = dict(shown.reel)
    for frame in (4, 5):
        shown.view.frame = frame
        assert keys[str(frame)] == key_of(shown.view)


def test_nothing_is_sent_ahead_to_a_page_that_nobody_sees_or_after_closing(shown):
    shown.layers()
    idle(lambda: (move(shown, frame=1)(), shown.say("seen", seen=False)))
    idle(move(shown, frame=2))
    assert len(shown.layers()) == 1
    shown.say("seen", seen=True)
    assert len(shown.layers()) == 1  # the frame that is seen
    idle(lambda: (move(shown, frame=3)(), shown.view.close()))
    assert len(shown.layers()) == 1


def test_a_page_that_is_loaded_again_is_sent_what_it_has_not(shown):
    idle(move(shown, frame=1))
    shown.layers()
    shown.say("hello", page="q", holds=[], inflates=True, ratio=1)
    assert len(shown.layers()) == 1
    idle(move(shown, frame=2))
    assert len(shown.layers()) == 1 + 4


def test_a_frame_that_is_gone_is_passed_over(shown, recorder):
    recorder.recording.frames[3].file.unlink()
    shown.layers()
    idle(move(shown, frame=1))
    assert list(shown.reel) == ["2", "4", "5"]
    assert shown.view.error == ""


def test_a_film_that_is_still_recorded_goes_on(shown, recorder):
    idle(move(shown, frame=7))
    assert list(shown.reel) == ["8"]
    record(recorder, FRAMES)
    shown.view.refresh()
    assert shown.sheet["key"] == key_of(shown.view)
    shown.layers()
    idle(move(shown, frame=8))
    assert list(shown.reel) == ["9"]
    assert len(shown.layers()) == 1  # the new one
    assert shown.sheet["series"]["scales"]["film"][0] == [-8.0 * (FRAMES + 1), 8.0 * (FRAMES + 1)]


def test_frames_that_were_dropped_make_another_series(shown, recorder):
    idle(move(shown, frame=1))
    of = shown.sheet["series"]["of"]
    recorder._film.forget(*recorder.recording.frames[1::2])
    shown.view.refresh()
    assert shown.sheet["series"]["of"] != of and shown.reel == {}
    idle(move(shown, frame=2))
    assert list(shown.reel) == ["3", "4"]


def test_frames_that_came_ahead_count_as_held(shown):
    counted: list[bool] = []
    idle(move(shown, frame=1))
    shown.painters[0].on_numbers = lambda key, held: counted.append(held)
    for frame in (2, 3, 8):
        shown.view.frame = frame
    assert counted == [True, True, False]


def test_maps_that_are_not_finite_are_painted(monkeypatch, tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False))
    nn.init.constant_(model[0].weight, torch.nan)
    recorder = Recorder(model, "0", IMAGE[None, None], tmp_path / "film", every=1)
    nn.init.constant_(model[0].weight, torch.inf)
    recorder.step(0, 0)
    shown = Shown(monkeypatch, recorder)
    shown.view.frame = 1
    assert len(shown.layers()) == 2
    assert shown.sheet["series"]["scales"]["film"] == [[0.0, 1.0], [-1.0, 1.0]]
    json.dumps(shown.sheet, allow_nan=False)


def test_without_a_page_nothing_is_read_ahead(recorder, monkeypatch):
    view = FilmView(recorder, layer="0")
    read: list[int] = []
    value = view.shots.value
    monkeypatch.setattr(view.shots, "value", lambda shot, frame: read.append(frame) or value(shot, frame))
    idle(lambda: setattr(view, "frame", 1))
    assert read == [1]
