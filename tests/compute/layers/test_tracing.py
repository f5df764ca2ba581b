"""A network is traced once, and again when something has changed that a trace takes over."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import pytest
import torch
from torch import fx, nn

from cnnwidgets.compute.layers.activations import activations
from cnnwidgets.compute.layers.operations import trace
from cnnwidgets.compute.layers.table import layer_table
from cnnwidgets.compute.layers.tracing import traced


class Scaled(nn.Module):
    """`conv(x) * factor + shift * 2`: a Python number and a buffer, which a trace makes constants of."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.conv.weight)
        self.factor = 3.0
        self.register_buffer("shift", torch.ones(1))

    def forward(self, x):
        return self.conv(x) * self.factor + self.shift * 2


IMAGE = torch.ones(1, 1, 1, 1)


@pytest.fixture
def traces(monkeypatch):
    """One entry for each trace that is made."""
    made, own = [], fx.Tracer.trace
    monkeypatch.setattr(fx.Tracer, "trace", lambda self, *args, **keys: made.append(1) or own(self, *args, **keys))
    return made


def test_several_questions_for_operations_trace_once(traces):
    model = Scaled()
    for name in ("mul", "add", "mul"):
        activations(model, IMAGE, name)
    trace(model)
    assert len(traces) == 1


def test_new_weights_are_used_without_a_new_trace(traces):
    model = Scaled()
    assert activations(model, IMAGE, "add").item() == 5
    with torch.no_grad():
        model.conv.weight.fill_(2)
    assert activations(model, IMAGE, "add").item() == 8
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("change", "sum"),
    [
        (lambda model: setattr(model, "factor", 4.0), 6),
        (lambda model: model.shift.fill_(2), 7),
        (lambda model: model.shift.data.fill_(2), 7),
        (lambda model: setattr(model, "conv", nn.Identity()), 5),
        (lambda model: setattr(model, "forward", lambda x: (x * 7) + 1), 5),  # torch.fx traces the class's own
    ],
    ids=["a number", "a buffer", "a buffer through .data", "a module", "forward"],
)
def test_what_a_trace_takes_over_is_traced_again_when_it_changes(traces, change, sum):
    model = Scaled()
    activations(model, IMAGE, "add")
    change(model)
    assert activations(model, IMAGE, "add").item() == sum
    assert len(traces) == 2


class Configured(nn.Module):
    """`conv(x) * factor`, the factor from wherever `held` has it."""

    def __init__(self, held, factor):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.conv.weight)
        self.held, self.factor = held, factor

    def forward(self, x):
        return self.conv(x) * self.factor(self.held)


HELD = {
    "a dict": (lambda: {"f": 3.0}, lambda held: held["f"], lambda held: held.update(f=4.0)),
    "a namespace": (lambda: SimpleNamespace(f=3.0), lambda held: held.f, lambda held: setattr(held, "f", 4.0)),
    "a tensor": (lambda: torch.full((1,), 3.0), lambda held: held, lambda held: held.fill_(4.0)),
    "a tensor in a list": (lambda: [torch.full((1,), 3.0)], lambda held: held[0], lambda held: held[0].data.fill_(4.0)),
}


@pytest.mark.parametrize(("make", "factor", "change"), HELD.values(), ids=HELD)
def test_numbers_inside_of_what_a_module_holds_are_constants_of_a_trace(traces, make, factor, change):
    model = Configured(make(), factor)
    assert activations(model, IMAGE, "mul").item() == 3
    change(model.held)
    assert activations(model, IMAGE, "mul").item() == 4
    activations(model, IMAGE, "mul")
    assert len(traces) == 2


def test_another_branch_has_other_operations():
    class Branched(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.options = nn.Conv2d(1, 1, 1), {"relu": False}

        def forward(self, x):
            y = self.conv(x)
            return y.relu().exp() if self.options["relu"] else y.exp()

    model = Branched()
    nn.init.constant_(model.conv.weight, -1.0)
    nn.init.zeros_(model.conv.bias)
    assert layer_table(model, IMAGE).names == ["conv", "exp", "(output)"]
    model.options["relu"] = True
    assert layer_table(model, IMAGE).names == ["conv", "relu", "exp", "(output)"]
    assert activations(model, IMAGE, "exp").item() == 1


def test_what_a_pass_counts_makes_no_other_graph():
    model = Configured([], lambda held: held.append(0) or 3.0)
    first = traced(model)
    model.held.append(0)
    assert traced(model) is first


def test_a_graph_that_is_dropped_for_one_image_is_there_for_the_next():
    model = Scaled()
    trace(model).drop("another path")
    assert trace(model).graph is not None


def test_a_trace_does_not_keep_its_model_alive():
    model = Scaled()
    trace(model)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


class Weighted(nn.Module):
    """Uses many weights and statistics of its own by functions."""

    def __init__(self, count):
        super().__init__()
        self.weights = nn.ParameterList(torch.ones(1) for _ in range(count))
        for number in range(count):
            self.register_buffer(f"mean{number}", torch.zeros(1))

    def forward(self, x):
        for number, weight in enumerate(self.weights):
            x = nn.functional.batch_norm(x * weight, getattr(self, f"mean{number}"), torch.ones(1))
        return x


def test_names_of_weights_are_looked_up_in_a_table(monkeypatch):
    asked, own = [], nn.Module._named_members
    monkeypatch.setattr(
        nn.Module, "_named_members", lambda self, *args, **keys: asked.append(1) or own(self, *args, **keys)
    )
    counts = []
    for count in (2, 20):
        asked.clear()
        assert trace(Weighted(count)).graph is not None
        counts.append(len(asked))
    assert counts[1] - counts[0] <= 18  # one for each constant that the network makes, none for a weight or a buffer
