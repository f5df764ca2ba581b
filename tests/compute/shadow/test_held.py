"""Models that reach themselves from outside of their modules: copied where possible, else restored at any depth."""

from __future__ import annotations

import functools
import weakref
from collections import deque
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import activations, layer_table
from cnnwidgets.compute.shadow import Unshadowed, evaluating, shadow_of
from cnnwidgets.compute.shadow.held import same_module_state
from cnnwidgets.testing import deep_state, different, values_of

IMAGE = torch.ones(1, 1, 2, 2)


class Counts(nn.Module):
    """Counts its passes, and multiplies by their number."""

    def __init__(self):
        super().__init__()
        self.conv, self.drop, self.count, self.log = nn.Conv2d(1, 1, 1), nn.Dropout(), 0, {"seen": [0]}

    def run(self, x, by=1):
        self.count += by
        self.log["seen"].append(self.count)
        return self.drop(self.conv(x)) * self.count


class Calls(Counts):
    def __init__(self, make):
        super().__init__()
        self.step = make(self)

    def forward(self, x):
        return self.step(x)


class Weak(Counts):
    """Finds its parent by a weak reference."""

    def __init__(self):
        super().__init__()
        self.parents = [weakref.ref(self), weakref.proxy(self)]

    def forward(self, x):
        return self.parents[0]().run(x) + self.parents[1].run(x)


class Hidden(Counts):
    """Keeps its children in a list besides."""

    def __init__(self):
        super().__init__()
        self.children_of_mine, self.norms = [self.conv, self.drop], [nn.BatchNorm2d(1)]

    def forward(self, x):
        for part in self.children_of_mine + self.norms:
            x = part(x)
        return x


class Cached(Counts):
    def __init__(self):
        super().__init__()
        self.grid = functools.lru_cache(self.work_out)

    def work_out(self, side):
        self.count += 1
        return self.conv.weight.detach().sum() * side

    def forward(self, x):
        return self.conv(x) + self.grid(x.shape[-1])


def closure_in_forward():
    model, cache = Counts(), {}

    def forward(x):
        cache.setdefault("weights", []).append(model.conv.weight.detach().clone())
        return model.run(x) * len(cache["weights"])

    model.forward = forward
    return model


def shared_child():
    child = Weak()
    nn.Sequential(child)  # of another model too
    return nn.Sequential(child, nn.Dropout())


COPIED = {
    "a lambda": lambda: Calls(lambda model: lambda x: model.run(x)),
    "a bound method": lambda: Calls(lambda model: model.run),
    "a partial call": lambda: Calls(lambda model: partial(Counts.run, model, by=2)),
    "a function in a function": lambda: Calls(lambda model: functools.wraps(model.run)(lambda x: model.run(x))),
    "weak references": Weak,
    "a hidden list": Hidden,
    "a cached method": Cached,
    "a closure in the place of forward": closure_in_forward,
    "a shared child": shared_child,
}


@pytest.mark.parametrize("make", COPIED.values(), ids=COPIED)
def test_a_look_runs_on_the_copy_alone_and_the_model_trains_on_as_its_twin(make):
    torch.manual_seed(0)
    model = make()
    torch.manual_seed(0)
    twin = make()
    shadow_of(model)
    for step in range(2):
        before = deep_state(model)
        activations(model, IMAGE)
        layer_table(model, IMAGE[0])
        assert different(before, deep_state(model)) == []
        for each in (model, twin):
            torch.manual_seed(step)
            each.train()(torch.ones(2, 1, 2, 2)).sum().backward()
            with torch.no_grad():
                for weight in each.parameters():
                    weight -= 0.1 * (0 if weight.grad is None else weight.grad)
    assert different(values_of(model), values_of(twin)) == []


def test_a_forward_that_names_the_model_as_a_global_variable_runs_on_the_copy():
    model = Counts()
    names = {"model": model}
    exec("def forward(x):\n    return [model.run(x) for _ in range(2)][1]", names)
    model.forward = names["forward"]
    assert activations(model, IMAGE)["conv:2"].shape == (1, 1, 2, 2)
    assert (model.count, model.training, names["model"]) == (0, True, model)


def test_a_hook_that_holds_the_model_acts_on_the_copy_and_what_it_notes_stays_the_users():
    model, seen = Calls(lambda model: model.run), []

    def hook(part, args, output):
        model.count += 10
        seen.append(part)

    model.conv.register_forward_hook(hook)
    activations(model, IMAGE)
    assert model.count == 0 and len(seen) == 1


def test_what_the_classes_of_modules_hold_is_restored():
    class Shares(nn.Module):
        cache, passes = {"kept": 1}, 0

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)

        @staticmethod
        @functools.lru_cache
        def grid(side):
            return torch.ones(side)

        def forward(self, x):
            type(self).passes += 1
            type(self).late = x
            self.cache["weight"] = self.conv.weight.detach()
            return self.conv(x) + self.grid(x.shape[-1])

    activations(Shares(), IMAGE)
    assert (Shares.cache, Shares.passes, hasattr(Shares, "late")) == ({"kept": 1}, 0, False)
    assert Shares.grid.cache_info().currsize == 0


class Slotted:
    __slots__ = ("count", "total")

    def __init__(self):
        self.count, self.total = 0, torch.zeros(1)


class Uncopyable(nn.Module):
    """Cannot be made without its constructor's arguments, and writes into all that it holds."""

    def __init__(self):
        super().__init__()
        self.conv, self.drop = nn.Conv2d(1, 1, 1), nn.Dropout()
        self.held = {"list": [0], "set": {1}, "queue": deque([1], maxlen=2), "deep": [{"tensor": torch.zeros(2)}]}
        self.object, self.array, self.generator = Slotted(), np.zeros(2), torch.Generator().manual_seed(1)
        self.random, self.merged = np.random.default_rng(0), False
        self.script = torch.jit.script(Scripted())
        note = []
        self.function = lambda: note.append(1) or len(note)

    def train(self, mode=True):
        if self.merged is mode:
            self.conv.weight.data += 1 if mode else -1
            self.merged = not mode
        return super().train(mode)

    def forward(self, x):
        held = self.held
        held["list"].append(x), held["set"].add(2), held["queue"].extend([2, 3]), held["deep"].append(held)
        held["deep"][0]["tensor"] += 1
        held["new"] = x
        self.object.count += 1
        self.object.total += 1
        self.array += 1
        torch.rand(1, generator=self.generator), self.random.random()
        self.conv.weight.data.mul_(2)
        return self.script(self.conv(x)) * self.function()


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.count, self.log = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), 0, [1.0]

    def forward(self, x):
        self.count += 1
        self.log.append(float(self.count))
        with torch.no_grad():
            self.conv.weight.clamp_(-0.01, 0.01)
        return self.norm(self.conv(x)) * self.count


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_a_model_without_a_copy_is_restored_with_all_that_it_holds(error):
    model, numbers = Uncopyable(), []
    with pytest.raises(Unshadowed, match="TorchScript"):
        shadow_of(model)
    first = model.random.bit_generator.state
    note = model.function.__closure__[0].cell_contents
    before = deep_state(model)
    try:
        with evaluating(model) as module:
            assert module is model and model.merged and not model.drop.training
            numbers += [module(IMAGE), module(IMAGE)]
            if error:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    assert len(numbers) == 2
    assert different(before, deep_state(model)) == []
    assert (model.object.count, model.object.total.item(), model.array.tolist(), note) == (0, 0, [0, 0], [])
    assert model.random.bit_generator.state == first
    assert (model.script.count, model.script.log, model.script.training) == (0, [1.0], True)


def test_looks_at_a_model_without_a_copy_change_nothing():
    model = Uncopyable()
    before = deep_state(model)
    activations(model, IMAGE)
    layer_table(model, IMAGE[0])
    assert different(before, deep_state(model)) == []


def test_an_interrupt_while_something_is_restored_does_not_keep_the_rest():
    class Stubborn(dict):
        def clear(self):
            raise KeyboardInterrupt

    part = nn.Linear(1, 1)
    part.first, part.stubborn, part.last = [1], Stubborn(), [2]
    with pytest.raises(KeyboardInterrupt), same_module_state([part]):
        part.first.append(1), part.last.append(2), part.stubborn.update(a=1)
    assert (part.first, part.last) == ([1], [2])
