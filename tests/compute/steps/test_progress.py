"""Long work says so: not before a second has gone by, and never in the way of a caller who wants none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from cnnwidgets import diagnose, occlusion, signatures
from cnnwidgets.compute.steps import progress
from cnnwidgets.compute.steps.progress import Bar, Stopped


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The seconds that the bar sees; set its only entry."""
    now = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))


IMAGES = [(torch.rand(1, 4, 4), number % 2) for number in range(70)]
CALLS = {
    "signatures": (lambda **options: signatures(net(), IMAGES, "3", [0, 1], count=35, **options), 70),
    "diagnose": (lambda **options: diagnose(net(), IMAGES, count=5, **options), 5),
    "occlusion": (lambda **options: occlusion(net(), IMAGES[0][0], window=2, stride=1, **options), 10),
}


def test_a_bar_appears_after_a_second_tells_all_that_is_done_and_goes(clock, capsys):
    with Bar(10, "images") as bar:
        bar.add(2)
        assert bar._bar is None
        clock[0] = 1.5
        bar.add(3)
        assert bar._bar.n == 5 and bar._bar.total == 10
        bar.add()
        assert bar._bar.n == 6 and "images" in str(bar._bar)
    assert bar._bar.leave is False
    said = capsys.readouterr()
    assert said.out == "" and "5/10" in said.err


def test_no_bar_appears_for_what_is_done_by_then(clock, capsys):
    with Bar(5, "images") as bar:
        clock[0] = 60.0
        bar.add(5)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", CALLS)
def test_a_function_counts_to_its_total_and_can_be_stopped(name):
    call, total = CALLS[name]
    told: list[tuple[int, int]] = []
    call(progress=lambda done, of: told.append((done, of)) or True)
    assert told[-1] == (total, total) and [done for done, _ in told] == sorted({done for done, _ in told})
    with pytest.raises(Stopped):
        call(progress=lambda done, of: False)
    with pytest.raises(TypeError, match="progress is True, False or a function"):
        call(progress="yes")


@pytest.mark.parametrize("name", CALLS)
def test_a_slow_function_shows_a_bar_unless_told_not_to(name, monkeypatch, capsys):
    monkeypatch.setattr(progress, "DELAY", 0.0)
    call, total = CALLS[name]
    call(progress=False)
    assert capsys.readouterr().err == ""
    call()
    assert f"/{total}" in capsys.readouterr().err
