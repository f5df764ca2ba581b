"""What the code of a model reads is compared, however deep it lies; what a look does to a model is not."""

from __future__ import annotations

import argparse
import sys
import types
from collections import defaultdict, deque
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets.compute.core import fingerprint, settings_version
from cnnwidgets.compute.layers.activations import activations
from cnnwidgets.compute.settings import reading, settings

TABLE = {"f": 1.0}


def helper():
    return TABLE["f"]


@dataclass
class Options:
    f: float = 1.0


class Slotted:
    __slots__ = ("f",)

    def __init__(self):
        self.f = 1.0


class Named:
    f = 1.0


class Scale(nn.Module):
    factor = 1.0

    def __init__(self, held=None):
        super().__init__()
        self.conv, self.held = nn.Conv2d(1, 1, 1), held

    def get(self):
        return 1.0

    @property
    def half(self):
        return 0.5

    @staticmethod
    def third():
        return 1 / 3

    def forward(self, x):
        return self.conv(x) * self.get() * helper()


class Circle:
    def __init__(self):
        self.other, self.f = self, 1.0


def _in_a_closure(box):
    return lambda: box[0]


BOX = [1.0]
SETS = lambda held: setattr(held, "f", 9.0)  # noqa: E731
HELD = {
    "a dict": ({"f": 1.0}, lambda held: held.update(f=9.0)),
    "an entry that comes": ({"f": 1.0}, lambda held: held.update(g=1.0)),
    "the type of a number": ({"f": 1}, lambda held: held.update(f=1.0)),
    "minus one and minus two": ({"dim": -1}, lambda held: held.update(dim=-2)),
    "a dict with defaults": (defaultdict(float), lambda held: held.update(f=9.0)),
    "a dict in a list in a tuple": (([{"f": 1.0}],), lambda held: held[0][0].update(f=9.0)),
    "a list": ([1.0, 2.0], lambda held: held.reverse()),
    "a queue": (deque([1.0]), lambda held: held.append(2.0)),
    "a set": ({1}, lambda held: held.add(2)),
    "a namespace": (types.SimpleNamespace(f=1.0), SETS),
    "parsed arguments": (argparse.Namespace(f=1.0), SETS),
    "a data class": (Options(), SETS),
    "an object with slots": (Slotted(), SETS),
    "an object that holds itself": (Circle(), SETS),
    "a class": (Named, SETS),
    "a tensor": (torch.ones(3), lambda held: held.fill_(9)),
    "a tensor behind torch's back": ([torch.ones(3)], lambda held: held[0].data.fill_(9)),
    "an array": (np.ones(3), lambda held: held.fill(9)),
    "a module in a list": ([nn.Conv2d(1, 1, 1)], lambda held: held[0].weight.data.mul_(9)),
    "a setting of a module in a list": ([nn.LeakyReLU(0.1)], lambda held: setattr(held[0], "negative_slope", 0.9)),
    "the mode of a module in a list": ([nn.Sequential(nn.Dropout())], lambda held: held[0].eval()),
    "what a function encloses": (_in_a_closure(BOX), lambda held: BOX.append(9.0)),
    "what a partial call holds": (partial(max, [1.0]), lambda held: held.args[0].append(9.0)),
    "what a cached function encloses": (lru_cache(_in_a_closure(BOX)), lambda held: BOX.append(9.0)),
    "a default value": (lambda box=[1.0]: box[0], lambda held: held.__defaults__[0].append(9.0)),
}


@pytest.mark.parametrize(("held", "change"), HELD.values(), ids=HELD)
def test_a_change_within_what_a_module_holds_is_seen(held, change):
    model = Scale(held)
    version, print_ = settings_version(model), fingerprint(model)
    assert settings_version(model) == version and fingerprint(model) == print_
    change(held)
    assert settings_version(model) != version and fingerprint(model) != print_


CLASS_CHANGES = {
    "an attribute": ("factor", 9.0),
    "a method": ("get", lambda self: 9.0),
    "forward": ("forward", lambda self, x: x),
    "a property": ("half", property(lambda self: 9.0)),
    "a static method": ("third", staticmethod(lambda: 9.0)),
}


@pytest.mark.parametrize(("name", "value"), CLASS_CHANGES.values(), ids=CLASS_CHANGES)
def test_a_change_of_a_class_is_seen(monkeypatch, name, value):
    model = nn.Sequential(type("Derived", (Scale,), {})())
    before = settings_version(model)
    monkeypatch.setattr(Scale, name, value)
    assert settings_version(model) != before


def test_the_globals_that_a_function_names_are_seen_and_no_others(monkeypatch):
    model = Scale()
    before = settings_version(model)
    monkeypatch.setitem(HELD, "something else", None)
    assert settings_version(model) == before
    monkeypatch.setitem(TABLE, "f", 9.0)  # of a function that `forward` calls
    changed = settings_version(model)
    assert changed != before
    monkeypatch.setattr(sys.modules[__name__], "helper", lambda: 9.0)
    assert settings_version(model) not in (before, changed)


def test_what_a_module_of_python_holds_is_seen_where_it_is_held_or_a_function_names_it():
    configuration = types.ModuleType("configuration")
    configuration.f = 1.0
    namespace = {"configuration": configuration}
    exec("read = lambda: configuration.f", namespace)
    for held in (lambda: configuration.f, namespace["read"], configuration):
        configuration.f = 1.0
        model = Scale(held)
        before = settings_version(model)
        configuration.f = 9.0
        assert settings_version(model) != before


def test_a_look_and_a_step_of_a_training_change_no_settings():
    model = nn.Sequential(Scale({"list": [torch.ones(2)], "parts": nn.ReLU()}), nn.BatchNorm2d(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model.optimizer = optimizer
    before = settings_version(model)
    activations(model, torch.rand(1, 1, 4, 4), "1")
    model(torch.rand(2, 1, 4, 4)).sum().backward()
    optimizer.step()
    model.eval()
    assert settings_version(model) == before


def test_the_parameters_of_a_model_are_no_settings_wherever_they_are_held_too():
    model = Scale()
    model.held = [model.conv.weight, {"conv": model.conv}, lambda: model]
    before = settings_version(model)
    model.conv.weight.data += 1
    assert settings_version(model) == before and not settings(model)[1]


def test_the_budget_goes_to_what_is_nearest(monkeypatch):
    monkeypatch.setattr(reading, "BUDGET", 300)
    deep = {"list": [[[number, [number]]] for number in range(1000)]}
    model = nn.ModuleList([Scale(deep), Scale({"f": 1.0})])
    before = settings_version(model)
    assert settings_version(model) == before and len(before[0]) < 5000
    model[1].held["f"] = 9.0
    assert settings_version(model) != before


def test_an_object_that_does_not_let_itself_be_looked_at_is_what_it_is():
    class Closed(dict):
        def items(self):
            raise RuntimeError("closed")

    model = Scale(Closed())
    before = settings_version(model)
    assert settings_version(model) == before
    model.held = Closed()
    assert settings_version(model) != before
