"""A scan of a layer in the making: drawn at its own pace, stopped, and gone on with."""

from __future__ import annotations

import asyncio

import pytest

import cnnwidgets as cw
from cnnwidgets.live import portions
from cnnwidgets.views.examples.growing import GrowingScan
from tests.widgets.conftest import steps, tiny


def scanner() -> cw.Scanner:
    return cw.Scanner(tiny(), steps(), ["pool"], k=2)


class Owner:
    """What a view does with a scan: counts how often it is to be drawn, and with how much."""

    def __init__(self) -> None:
        self.drawn: list[int] = []
        self.current = self.fine = True
        self.growing = GrowingScan(self.draw, lambda: self.current)

    def draw(self) -> bool:
        self.drawn.append(self.growing.done)
        return self.fine


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAUSE", "HOLD", "PORTION", "LONG"):
        monkeypatch.setattr(portions, name, 0.0)
    monkeypatch.setattr(GrowingScan, "shown", 0.0)


def run(owner: Owner, make=scanner, turns: int = 60) -> None:
    async def main() -> None:
        owner.growing.follow("here", make, True)
        for _ in range(turns):
            await asyncio.sleep(0)

    asyncio.run(main())


def test_it_grows_in_portions_and_ends_with_all_images():
    owner = Owner()
    run(owner)
    assert owner.drawn[-1] == 6 and len(owner.drawn) > 2 and owner.drawn == sorted(owner.drawn)
    assert owner.growing.complete and not owner.growing.running
    assert [place.image for place in owner.growing.result["pool"].strongest(0)] == [5, 4]


def test_without_a_loop_it_waits_until_it_is_asked_for():
    owner = Owner()
    owner.growing.follow("here", scanner, True)
    assert not owner.growing.running and owner.growing.result is None
    assert owner.growing.finish(bar=False).complete and owner.growing.complete


def test_what_is_done_stays_where_it_is_stopped_and_when_one_comes_back():
    owner = Owner()
    owner.fine = False  # ends with the first drawing
    run(owner)
    done = owner.growing.done
    assert done < 6 and not owner.growing.running
    owner.growing.follow("there", scanner, False)
    assert owner.growing.done == 0 and owner.growing.result is None
    owner.growing.follow("here", scanner, False)
    assert owner.growing.done == done
    owner.growing.forget()
    assert owner.growing.done == 0


def test_a_network_that_is_not_what_it_was_ends_the_run():
    owner = Owner()
    owner.current = False
    run(owner)
    assert owner.drawn == [] and owner.growing.done == 0 and not owner.growing.running


def test_an_error_is_kept_and_not_tried_again():
    def fails() -> cw.Scanner:
        raise ValueError("no such layer")

    owner = Owner()
    run(owner, fails)
    assert str(owner.growing.error) == "no such layer" and owner.drawn == [0] and not owner.growing.running
