"""A ranking in the making: drawn at its own pace, stopped, and begun again for another place."""

from __future__ import annotations

import asyncio

import pytest

from cnnwidgets import ChannelAblator
from cnnwidgets.live import portions
from cnnwidgets.views.intervention.growing import GrowingFinding
from cnnwidgets.views.intervention.ranking import Ranking
from tests.widgets.conftest import steps, tiny


def ablator() -> Ranking:
    return Ranking(ChannelAblator(tiny(), steps()[0][0][None], "fc", target=0, batch_size=1))


class Owner:
    """What a view does with a ranking: counts how often it is to be drawn, and with how much."""

    def __init__(self) -> None:
        self.drawn: list[int] = []
        self.current = self.fine = True
        self.growing = GrowingFinding(self.draw, lambda: self.current)

    def draw(self) -> bool:
        self.drawn.append(self.growing.done)
        return self.fine


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "PAUSE", 0.0)
    monkeypatch.setattr(portions, "HOLD", 0.0)
    monkeypatch.setattr(GrowingFinding, "shown", 0.0)


def run(owner: Owner, make=ablator, turns: int = 60) -> None:
    async def main() -> None:
        owner.growing.follow("here", make, True)
        for _ in range(turns):
            await asyncio.sleep(0)

    asyncio.run(main())


def test_it_grows_in_portions_and_ends_with_the_curve():
    owner = Owner()
    run(owner)
    assert owner.drawn[-1] == 4 and len(owner.drawn) > 2 and owner.drawn == sorted(owner.drawn)
    assert owner.growing.complete and not owner.growing.running
    assert owner.growing.result.change.tolist() == [[15.0, 0.0, 0.0]]
    assert owner.growing.work.curve.tolist() == [15.0, 0.0, 0.0, 0.0]


def test_without_a_loop_it_waits_until_it_is_asked_for():
    owner = Owner()
    owner.growing.follow("here", ablator, True)
    assert not owner.growing.running and owner.growing.result is None
    assert owner.growing.finish().complete and owner.growing.complete


def test_what_is_done_stays_where_it_is_stopped_and_another_place_begins_anew():
    owner = Owner()
    owner.fine = False  # ends with the first drawing
    run(owner)
    done = owner.growing.done
    assert done < 4 and not owner.growing.complete
    owner.growing.follow("here", ablator, False)
    assert owner.growing.done == done
    owner.growing.follow("there", ablator, False)
    assert owner.growing.done == 0 and owner.growing.result is None


def test_a_network_that_is_not_what_it_was_ends_the_run():
    owner = Owner()
    owner.current = False
    run(owner)
    assert owner.drawn == [] and owner.growing.done == 0 and not owner.growing.running


def test_an_error_is_kept_and_not_tried_again():
    def fails() -> Ranking:
        raise ValueError("no such class")

    owner = Owner()
    run(owner, fails)
    assert str(owner.growing.error) == "no such class" and owner.drawn == [0] and not owner.growing.running
