"""How far a move goes: calls of the package's own functions, and how often the same question is asked."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import cnnwidgets as cw

PACKAGE = str(Path(cw.__file__).parent)


@pytest.fixture(scope="module")
def parts():
    return cw.models.lenet5(pretrained=True), cw.data.digits()  # what is said of the maps takes calls as well


@pytest.fixture
def view(parts) -> cw.ActivationView:
    """A view that has shown both layers and both images before: nothing need run."""
    view = cw.ActivationView(*parts)
    for trait, value in (("layer", "C3"), ("index", 1), ("layer", "C1"), ("index", 0)):
        setattr(view, trait, value)
    return view


def calls(trip: Callable[[], Any]) -> Counter[str]:
    """The functions of the package that `trip()` calls, and how often each."""
    found: Counter[str] = Counter()

    def see(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        ours = code.co_filename.startswith(PACKAGE) and not code.co_name.startswith("<")
        if event == "call" and ours and not code.co_filename.endswith("cache.py"):  # that asks other tests' caches too
            found[code.co_name] += 1

    gc.collect()  # views of other tests close when they are collected: not in the middle of this trip
    sys.setprofile(see)
    try:
        trip()
    finally:
        sys.setprofile(None)
    return found


@pytest.mark.parametrize(("trait", "value"), [("layer", "C3"), ("index", 1)])
def test_a_move_asks_once_for_a_snapshot_and_once_for_the_weights_and_makes_no_table(view, trait, value):
    asked = calls(lambda: setattr(view, trait, value))
    assert (asked["at"], asked["look"], asked["weights_version"], asked["table_of"]) == (1, 1, 1, 0)


def test_what_only_the_display_changes_asks_for_no_snapshot_but_once_for_the_weights(view):
    asked = calls(lambda: setattr(view, "channel", 2))
    assert (asked["at"], asked["look"], asked["weights_version"]) == (0, 0, 1)


def test_making_a_view_takes_one_table(parts):
    model = cw.models.lenet5()
    assert calls(lambda: cw.ActivationView(model, parts[1]))["table_of"] == 1


@pytest.mark.parametrize(("trait", "value", "most"), [("channel", 2, 193), ("layer", "C3", 335)])
def test_a_move_is_a_short_trip(view, trait, value, most):
    assert sum(calls(lambda: setattr(view, trait, value)).values()) <= most


def test_making_a_view_is_a_bounded_trip(parts, view):  # `view`: what is done once in a process is done
    model = cw.models.lenet5()
    assert sum(calls(lambda: cw.ActivationView(model, parts[1])).values()) <= 1825
