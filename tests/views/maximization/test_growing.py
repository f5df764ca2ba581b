"""Pictures in the making: drawn at their own pace, stopped, gone on with, and ended where the network changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.live import portions
from cnnwidgets.views.maximization import growing
from cnnwidgets.views.maximization.growing import GrowingPictures
from tests.widgets.conftest import said


def maximizer() -> cw.Maximizer:
    torch.manual_seed(0)
    return cw.Maximizer(nn.Sequential(nn.Conv2d(1, 2, 3)), "0", channel=0, size=6, steps=5)


class Owner:
    """What a view does with pictures: notes the step of each drawing."""

    def __init__(self) -> None:
        self.drawn: list[int] = []
        self.current = self.fine = True
        self.growing = GrowingPictures(self.draw, lambda: self.current)

    def draw(self) -> bool:
        self.drawn.append(self.growing.picture.step if self.growing.picture is not None else -1)
        return self.fine


@pytest.fixture(autouse=True)
def one_step_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "PAUSE", 0.0)
    monkeypatch.setattr(portions, "HOLD", 0.0)
    monkeypatch.setattr(portions, "PORTION", 0.0)
    monkeypatch.setattr(GrowingPictures, "shown", 0.0)
    monkeypatch.setattr(growing, "LONGEST", 0.0)


def run(owner: Owner, make=maximizer, turns: int = 60) -> None:
    async def main() -> None:
        owner.growing.follow("here", make, None, True)
        for _ in range(turns):
            await asyncio.sleep(0)

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something holds; a drawing may wait for a newer one first."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never holds")


def test_the_noise_is_drawn_at_once_and_the_last_step_in_the_end():
    owner = Owner()
    run(owner)
    assert owner.drawn[0] == 0 and owner.drawn[-1] == 5 and owner.drawn == sorted(owner.drawn)
    assert owner.growing.complete and not owner.growing.running
    assert [step for step, _ in owner.growing.course] == sorted({*owner.drawn})


def test_drawings_have_only_a_share_of_the_time_however_slow_they_are(monkeypatch):
    monkeypatch.setattr(growing, "LONGEST", 60.0)
    monkeypatch.setattr(growing, "DRAWING", 1e-9)
    owner = Owner()
    run(owner)
    assert owner.drawn == [0, 1, 5]  # the noise, the first step, and then only the end: the next would come too soon


def test_without_a_loop_it_waits_until_it_is_asked_for():
    owner = Owner()
    owner.growing.follow("here", maximizer, None, True)
    assert not owner.growing.running and owner.growing.picture is None
    owner.growing.finish()
    assert owner.growing.complete and owner.growing.picture.step == 5


def test_what_is_done_stays_where_it_is_stopped_and_goes_on_from_there():
    owner = Owner()
    owner.fine = False  # ends with the first drawing
    run(owner)
    done = owner.growing.done
    assert done < 5
    owner.growing.follow("here", maximizer, None, False)
    assert owner.growing.done == done and owner.growing.picture is not None
    owner.growing.finish()
    whole = maximizer()
    whole.step(5)
    assert torch.equal(owner.growing.picture.images, whole.picture().images)
    owner.growing.follow("there", maximizer, None, False)
    assert owner.growing.done == 0 and owner.growing.picture is None


def test_a_network_that_is_not_what_it_was_ends_the_run():
    owner = Owner()
    owner.current = False
    run(owner)
    assert owner.drawn == [] and not owner.growing.running and owner.growing.done == 0


def test_an_error_ends_the_run_and_is_kept_with_the_picture_before():
    def broken() -> cw.Maximizer:
        model = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
        model[0].weight.data.fill_(-1.0)
        model[0].bias.data.fill_(-1.0)
        return cw.Maximizer(model, "1", channel=0, size=6, steps=99)

    owner = Owner()
    run(owner, broken, turns=120)
    assert "cannot be driven" in str(owner.growing.error) and owner.growing.complete and not owner.growing.running
    assert owner.growing.picture is not None


def test_a_view_grows_while_a_loop_runs_and_a_training_ends_the_run():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(32, 2))

    async def main() -> None:
        view = cw.MaximizeView(model, torch.rand(3, 1, 6, 6), layer="0", steps=10_000)
        await until(lambda: view.growing.done > 3)
        assert view.growing.done < 10_000 and view.growing.running
        with torch.no_grad():
            model[0].weight += 1
        await until(lambda: "was trained meanwhile" in said(view.panel("optimised")))
        assert not view.growing.running and view.growing.picture is None
        view.toggle()
        await until(lambda: view.growing.done > 3)
        view.close()
        assert not view.growing.running

    asyncio.run(main())
