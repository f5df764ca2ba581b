"""A map under the mouse: what it sees, what fed it, and that asking runs nothing."""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import nn

from cnnwidgets import ExploreView
from cnnwidgets.explore.hovered import Hovered
from cnnwidgets.explore.widget import Overview
from cnnwidgets.live import portions
from cnnwidgets.widgets.panels import painted
from tests.explore.test_view import Skip, hand, photos


@pytest.fixture(autouse=True)
def page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painted, "possible", lambda: True)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(Overview, "send", lambda _, content, buffers=None: found.append(content))
    return found


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which parts were worked out, each by a pass or two."""
    found: list[str] = []
    for name in ("fields_of", "fields_between"):
        real = getattr(module(), name)
        monkeypatch.setattr(module(), name, lambda *a, n=name, f=real, **k: found.append(n) or f(*a, **k))
    return found


def module() -> Any:
    return sys.modules[Hovered.__module__]


def network() -> nn.Module:
    """`first` doubles and negates; `second` takes 3 of the one and 1 of the other in windows of 3."""
    first, second = nn.Conv2d(1, 2, 1, bias=False), nn.Conv2d(2, 1, 3, bias=False)
    first.weight.data.copy_(torch.tensor([2.0, -2.0]).view(2, 1, 1, 1))
    second.weight.data.copy_(torch.tensor([1.0, 3.0]).view(1, 2, 1, 1).expand(1, 2, 3, 3))
    return nn.Sequential(OrderedDict(first=first, second=second, pool=nn.MaxPool2d(2)))


def bright(row: int, column: int, side: int = 8) -> torch.Tensor:
    image = torch.zeros(1, side, side)
    image[0, row, column] = 1.0
    return image


@pytest.fixture
def view() -> ExploreView:
    view = ExploreView(network(), [(bright(4, 5), 0), (bright(2, 2), 1)])
    view.settle()
    return view


def ask(view: ExploreView, answers: list[dict[str, Any]], stage: str, channel: int = 0) -> dict[str, Any]:
    hand(view, "hover", layer=stage, channel=channel, stage=stage, key="k")
    return answers[-1]


def test_the_stage_before_is_told_with_the_place_and_the_channels_that_gave_most(view, answers):
    said = ask(view, answers, "second")
    # the brightest place of `second` is the first window that holds row 4, column 5: rows 2 to 4, columns 3 to 5 of 8
    assert said["box"] == [3 / 8, 2 / 8, 6 / 8, 5 / 8]
    assert said["fed"] == [
        {
            "stage": "first",
            "box": [3 / 8, 2 / 8, 6 / 8, 5 / 8],
            "channels": [1, 0],
            "text": "most: 1, 0 (100%) · 3 × 3 places",
        }
    ]


def test_pooling_takes_from_one_channel(view, answers):
    fed = ask(view, answers, "pool")["fed"]
    assert [(each["stage"], each["channels"]) for each in fed] == [("second", [0])]
    assert fed[0]["text"] == "channel 0 · 2 × 2 places"


def test_the_first_stage_is_fed_by_none(view, answers):
    assert ask(view, answers, "first")["fed"] == []


def test_an_addition_is_fed_by_both_of_its_terms(answers):
    model = nn.Sequential(OrderedDict(first=nn.Conv2d(1, 2, 1), block=Skip(2)))
    view = ExploreView(model, photos())
    view.settle()
    add = next(row.stage.name for row in view.rows if "add" in row.stage.name)
    fed = {each["stage"]: each for each in ask(view, answers, add)["fed"]}
    assert {"first", "block.two"} == set(fed)
    left, top, right, bottom = fed["block.two"]["box"]
    assert (round((right - left) * 8), round((bottom - top) * 8)) == (1, 1)
    assert fed["first"]["box"] is not None  # by way of the block too


def test_where_the_edges_are_not_known_nothing_is_lit(answers):
    view = ExploreView(network(), photos())
    assert ask(view, answers, "second")["fed"] == []


def test_asking_runs_nothing_once_it_is_worked_out(view, answers, worked):
    ask(view, answers, "second")
    assert worked == ["fields_of", "fields_between"]
    passes = view.subject.passes
    ran: list[int] = []
    view.subject.module.first.register_forward_pre_hook(lambda *_: ran.append(1))
    ask(view, answers, "pool")
    ask(view, answers, "second")
    assert (worked, view.subject.passes, ran) == (["fields_of", "fields_between"], passes, [])


def test_another_image_of_the_same_size_has_the_same_fields(view, answers, worked):
    first = ask(view, answers, "second")["box"]
    view.index = 1
    assert ask(view, answers, "second")["box"] == [0.0, 0.0, 3 / 8, 3 / 8] != first
    assert worked == ["fields_of", "fields_between"]


def test_outputs_that_the_memory_does_not_hold_are_not_asked_for(answers):
    view = ExploreView(network(), photos(), cache_bytes=1)
    view.settle()
    ask(view, answers, "second")
    passes = view.subject.passes
    assert ask(view, answers, "second")["box"] is None
    assert view.subject.passes == passes


def test_a_network_whose_fields_cannot_be_found_is_asked_once(view, answers, worked, monkeypatch):
    def refuses(*_: Any, **__: Any) -> None:
        worked.append("refused")
        raise RuntimeError("no")

    monkeypatch.setattr(module(), "fields_of", refuses)
    for _ in range(2):
        assert ask(view, answers, "second")["box"] is None
    assert worked.count("refused") == 1


# ---------------------------------------------------------------------- ahead, where there is an event loop


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "HOLD", 0.0)
    monkeypatch.setattr(module(), "REST", 0.0)


async def until(done: Any) -> None:
    for _ in range(2000):
        if done():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come")


def test_what_a_hover_asks_for_is_worked_out_before_it(answers, worked, quick):
    async def main() -> None:
        view = ExploreView(network(), photos())
        view.settle()
        assert worked == []
        await until(lambda: not view.lacks())
        assert worked == ["fields_of", "fields_between"]
        said = ask(view, answers, "second")
        assert (said["waits"], bool(said["box"]), len(said["fed"])) == (False, True, 1)
        view.index = 1
        await asyncio.sleep(0.02)
        assert len(worked) == 2
        view.close()

    asyncio.run(main())


def test_a_hover_that_comes_before_is_told_to_wait_and_runs_nothing(answers, worked, quick):
    async def main() -> None:
        view = ExploreView(network(), photos())
        view.settle()
        said = ask(view, answers, "second")
        assert (said["waits"], said["box"], worked) == (True, None, [])
        await until(lambda: not view.lacks())
        assert ask(view, answers, "second")["box"] is not None
        view.close()

    asyncio.run(main())


def test_an_image_that_is_left_again_is_not_worked_out(worked, quick, monkeypatch):
    monkeypatch.setattr(portions, "HOLD", 0.15)  # the drawing of the second image is due before

    async def main() -> None:
        data = [(torch.rand(1, side, side), 0) for side in (8, 10)]
        view = ExploreView(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), data)
        view.settle()
        view.index = 1
        await until(lambda: not view.lacks() and view.snapshot.traced)
        await asyncio.sleep(0.02)
        assert worked == ["fields_of", "fields_between"]  # of the second alone
        view.close()

    asyncio.run(main())


def test_a_view_that_is_closed_works_out_nothing_more(worked, quick):
    async def main() -> None:
        view = ExploreView(network(), photos())
        view.settle()
        view.close()
        await asyncio.sleep(0.05)
        assert worked == []

    asyncio.run(main())
