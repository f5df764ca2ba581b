"""A map in the making: drawn at its own pace, stopped, taken up again, and let go."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
import torch
from torch import nn

from cnnwidgets import Occluder
from cnnwidgets.live import portions
from cnnwidgets.views.occlusion import growing_map
from cnnwidgets.views.occlusion.growing_map import GrowingMap

PLACES = 16


def occluder() -> Occluder:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    return Occluder(net, torch.rand(1, 1, 4, 4), window=1, stride=1, batch_size=1)


class Owner:
    """What a view does with a map: counts how often it is to be drawn, and with how much."""

    def __init__(self) -> None:
        self.drawn: list[int] = []
        self.current = self.fine = True
        self.growing = GrowingMap(occluder(), self.draw, lambda: self.current)

    def draw(self) -> bool:
        self.drawn.append(int(self.growing.result.done.sum()))
        return self.fine


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "PAUSE", 0.0)
    monkeypatch.setattr(portions, "HOLD", 0.0)
    monkeypatch.setattr(GrowingMap, "shown", float("inf"))


def run(owner: Owner, turns: int = 100) -> None:
    """Start the map, and give the loop so many turns."""

    async def main() -> None:
        owner.growing.start()
        for _ in range(turns):
            await asyncio.sleep(0)

    asyncio.run(main())


def test_it_is_drawn_once_at_the_end_where_it_is_quick():
    owner = Owner()
    run(owner)
    assert owner.drawn == [PLACES] and owner.growing.complete and not owner.growing.running


def test_it_is_drawn_on_its_way_where_it_takes_longer(monkeypatch):
    monkeypatch.setattr(GrowingMap, "shown", 0.0)
    owner = Owner()
    run(owner)
    assert owner.drawn == sorted(owner.drawn) and len(owner.drawn) > 3 and owner.drawn[-1] == PLACES


def test_without_a_loop_nothing_is_done_before_it_is_asked_for():
    owner = Owner()
    owner.growing.start()
    assert not owner.growing.running and owner.growing.occluder.done == 0
    assert owner.growing.finish().complete and owner.drawn == []


def test_work_ahead_does_a_part_and_stops_at_the_time_it_has(monkeypatch):
    monkeypatch.setattr(growing_map, "AHEAD", -1.0)
    owner = Owner()
    owner.growing.work_ahead()
    assert owner.growing.occluder.coarse <= owner.growing.occluder.done < owner.growing.occluder.total
    monkeypatch.setattr(growing_map, "AHEAD", float("inf"))
    owner.growing.work_ahead()
    assert owner.growing.complete


def test_another_occluder_takes_its_place_and_an_unwanted_one_stays_away():
    owner = Owner()

    async def main() -> None:
        owner.growing.start()
        await asyncio.sleep(0)
        owner.growing.follow(occluder(), wanted=False)
        for _ in range(50):
            await asyncio.sleep(0)
        assert owner.growing.occluder.done == 0 and not owner.growing.running and owner.drawn == []
        owner.growing.follow(owner.growing.occluder, wanted=True)
        for _ in range(50):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert owner.drawn == [PLACES]


def test_an_error_ends_it_and_is_kept_and_the_next_run_clears_it():
    owner = Owner()
    owner.growing.occluder.step = lambda seconds: 1 / 0
    run(owner)
    assert isinstance(owner.growing.error, ZeroDivisionError) and owner.drawn == [0] and not owner.growing.running
    del owner.growing.occluder.step
    run(owner)
    assert owner.growing.error is None and owner.drawn == [0, PLACES]


def test_a_drawing_that_fails_and_a_network_that_changed_end_it(monkeypatch):
    monkeypatch.setattr(GrowingMap, "shown", 0.0)
    failing, changed = Owner(), Owner()
    failing.fine = changed.current = False
    run(failing)
    run(changed)
    assert len(failing.drawn) == 1 and not failing.growing.running and not failing.growing.complete
    assert changed.growing.occluder.done == 0 and changed.drawn == [] and not changed.growing.running


def test_it_does_not_hold_its_view():
    owner = Owner()
    growing, living = owner.growing, weakref.ref(owner)
    growing._is_current = lambda: True  # the lambda of the test holds its owner
    del owner
    gc.collect()
    assert living() is None

    async def main() -> None:
        growing.start()
        for _ in range(100):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert growing.complete
