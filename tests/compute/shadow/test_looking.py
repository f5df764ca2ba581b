"""A look runs on a shadow: it shares the weights, and what it writes stays in it."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict, deque
from dataclasses import make_dataclass
from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import nn

from cnnwidgets import activations, capture, occlusion
from cnnwidgets.compute.core import alone
from cnnwidgets.compute.shadow import looking, shadow_of, twin_of


class Keeper(nn.Module):
    """Writes into everything that a module can hold, each time it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.register_buffer("seen", torch.zeros(()))
        self.cache, self.log, self.last, self.names = {}, [], deque(maxlen=2), set()
        self.nested = {"a": [torch.zeros(1)]}
        self.state = torch.zeros(2)
        self.count = 0
        self.generator = torch.Generator().manual_seed(3)

    def forward(self, x):
        self.seen += 1
        self.cache["x"] = x
        self.log.append(x)
        self.last.append(x)
        self.names.add("x")
        self.nested["a"][0] += 1
        self.nested["a"].append(1)
        self.state += 1
        self.count += 1
        return self.conv(x) + torch.rand((), generator=self.generator)


def test_nothing_that_a_pass_writes_reaches_the_model():
    model, image = Keeper(), torch.ones(1, 1, 2, 2)
    started = model.generator.get_state()
    activations(model, image)
    assert (model.cache, model.log, list(model.last), model.names) == ({}, [], [], set())
    assert model.nested["a"][0].item() == 0 and len(model.nested["a"]) == 1
    assert (model.seen.item(), model.state.tolist(), model.count) == (0, [0, 0], 0)
    assert torch.equal(model.generator.get_state(), started)


def test_each_look_begins_where_the_model_is():
    model, image = Keeper(), torch.ones(1, 1, 2, 2)
    first, second = (activations(model, image, "conv") for _ in range(2))
    assert torch.equal(first, second)
    model(image)
    assert model.count == 1
    with looking(model) as shadow:
        assert (shadow.count, len(shadow.log), shadow.seen.item()) == (1, 1, 1)


def test_after_a_first_look_a_shadow_shares_parameters_and_nothing_else():
    model = Keeper()
    with looking(model) as first:
        assert first.conv.weight.data_ptr() != model.conv.weight.data_ptr()
        first(torch.ones(1, 1, 1, 1))
    shadow = shadow_of(model)
    assert shadow.conv.weight.data_ptr() == model.conv.weight.data_ptr()
    assert shadow.conv.weight is not model.conv.weight
    assert shadow is not model and shadow.conv is not model.conv
    assert shadow.seen is not model.seen and shadow.nested["a"][0] is not model.nested["a"][0]


def test_a_container_without_modules_is_copied_too():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sequential(), nn.ModuleDict(), nn.ParameterList())
    with looking(model.train()) as shadow:
        pairs = list(zip(model.modules(), shadow.modules(), strict=True))
        assert all(mine is not copy and mine.training and not copy.training for mine, copy in pairs)
    assert all(part.training for part in model.modules())


def test_a_module_in_two_places_is_one_in_the_shadow_too():
    relu = nn.ReLU()
    shadow = shadow_of(nn.Sequential(nn.Linear(1, 1), relu, nn.Linear(1, 1), relu))
    assert shadow[1] is shadow[3] and shadow[1] is not relu


class Prepares(nn.Module):
    """`eval()` works out what evaluation needs and `train()` forgets it, as networks with merged weights do."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.doubled, self.prepared = nn.Parameter(torch.tensor(1.0)), None, 0

    def train(self, mode=True):
        super().train(mode)
        self.prepared += not mode
        self.doubled = None if mode else self.scale.detach() * 2
        return self

    def forward(self, x):
        return x * (self.scale if self.training else self.doubled)


def test_the_models_own_eval_is_called_on_the_shadow_alone():
    model = Prepares()
    assert activations(model, torch.ones(1, 1, 2, 2), "(output)").unique().tolist() == [2.0]
    assert (model.training, model.prepared, model.doubled) == (True, 0, None)
    with torch.no_grad():
        model.scale.fill_(5)
    assert activations(model, torch.ones(1, 1, 2, 2), "(output)").unique().tolist() == [10.0]


class Merging(nn.Conv2d):
    """Adds an update to its weights in evaluation mode, in place, as low-rank adapters do."""

    def train(self, mode=True):
        if mode != self.training:
            self.weight.data += -1.0 if mode else 1.0
        return super().train(mode)


def test_an_eval_that_writes_to_the_weights_does_so_in_a_shadow_of_their_own():
    model = nn.Sequential(Merging(1, 1, 1)).train()
    before = model[0].weight.clone()
    with looking(model) as shadow:
        assert torch.equal(shadow[0].weight, before + 1)
    staying = shadow_of(model)
    assert torch.equal(staying[0].weight, before + 1) and not staying.training
    assert torch.equal(model[0].weight, before) and model.training


def test_a_map_of_occlusion_leaves_weights_that_eval_writes_to():
    model = nn.Sequential(Merging(1, 2, 1), nn.BatchNorm2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten()).train()
    before = model[0].weight.clone()
    occlusion(model, torch.rand(1, 1, 12, 12), target=0, window=2, stride=1, progress=False)
    assert torch.equal(model[0].weight, before)


def test_a_model_in_evaluation_mode_is_not_prepared_again():
    model = Prepares().eval()
    with looking(model) as shadow:
        assert shadow.prepared == model.prepared == 1


def test_hooks_that_are_methods_of_the_model_act_on_the_shadow():
    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.calls = nn.Conv2d(1, 1, 1), 0
            self.conv.register_forward_hook(self.note)
            self.conv.register_forward_pre_hook(partial(Counts.before, self))

        def note(self, *_):
            self.calls += 1

        def before(self, *_):
            self.calls += 10

        def forward(self, x):
            return self.conv(x)

    model = Counts()
    with looking(model) as shadow:
        shadow(torch.ones(1, 1, 2, 2))
        assert shadow.calls == 11
    assert model.calls == 0


def test_the_users_own_hooks_run_and_take_effect():
    model, calls = nn.Sequential(nn.Conv2d(1, 1, 1)), []
    model[0].register_forward_hook(lambda module, args, output: calls.append(1) or output * 0)
    assert activations(model, torch.ones(1, 1, 2, 2), "(output)").abs().sum() == 0
    assert calls == [1]


def test_hooks_that_a_pass_installs_stay_on_the_shadow():
    class Installs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.ready = nn.Conv2d(1, 1, 1), False

        def forward(self, x):
            if not self.ready:
                self.ready = True
                self.conv.register_forward_hook(lambda module, args, output: output + 1)
            return self.conv(x)

    model, twin = Installs(), Installs()
    twin.load_state_dict(model.state_dict())
    activations(model, torch.ones(1, 1, 2, 2))
    assert not model.conv._forward_hooks
    assert torch.equal(model(torch.ones(1, 1, 2, 2)), twin(torch.ones(1, 1, 2, 2)))


def test_a_forward_that_was_replaced_runs_on_the_shadow():
    model = Keeper()
    model.forward = partial(Keeper.forward, model)
    with looking(model) as shadow:
        shadow(torch.ones(1, 1, 2, 2))
        assert shadow.count == 1
    assert model.count == 0


def test_a_forward_that_holds_the_model_itself_runs_on_the_shadow():
    model = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 1, 1), drop=nn.Dropout()))
    inner = model.conv
    model.forward = lambda x: model.drop(inner(x))
    assert shadow_of(model).forward is not model.forward
    assert activations(model, torch.ones(1, 1, 2, 2), "conv").shape == (1, 1, 2, 2)
    assert all(part.training for part in model.modules())


def test_what_cannot_be_copied_is_shared():
    model = Keeper()
    model.lock = threading.Lock()
    assert shadow_of(model).lock is model.lock


def test_no_hook_of_ours_is_ever_on_the_model():
    model, found = nn.Sequential(nn.Conv2d(1, 1, 1)), []
    itself = weakref.ref(model)
    model.register_forward_pre_hook(lambda *_: found.append(len(itself()[0]._forward_hooks)))
    activations(model, torch.ones(1, 1, 2, 2))
    assert found == [0]
    with capture(model):  # this one is for passes of the user's own
        assert len(model[0]._forward_hooks) == 1


def test_tensors_kept_by_a_pass_can_be_trained_with():
    class Keeps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)
            self.grids = {}

        def forward(self, x):
            if "grid" not in self.grids:
                self.grids["grid"] = torch.ones(x.shape[-2:])
            return (self.conv(x) * self.grids["grid"]).flatten(1)

    from cnnwidgets import occlusion

    model, image = Keeps(), torch.rand(1, 1, 6, 6)
    occlusion(model, image, window=3, stride=3, target=0)
    model(image).sum().backward()
    assert model.conv.weight.grad is not None


class Setting(NamedTuple):
    """A named tuple with a class of its own, as the settings of a quantisation are."""

    low: int
    high: list[int]


class Derived(Setting):
    pass


class OneSlot:
    __slots__ = ("value",)

    def __init__(self):
        self.value = [1]


class SlotAndDict:
    __slots__ = ("__dict__", "value")

    def __init__(self):
        self.value, self.other = [1], [2]


@pytest.mark.parametrize(
    ("held", "read"),
    [
        (Setting(1, [2]), lambda held: held.high),
        (Derived(1, [2]), lambda held: held.high),
        (OneSlot(), lambda held: held.value),
        (SlotAndDict(), lambda held: held.value),
        (SlotAndDict(), lambda held: held.other),
        (make_dataclass("Slotted", ["value"], slots=True)([1]), lambda held: held.value),
        ({"a": [1]}, lambda held: next(iter(held.values()))),
    ],
)
def test_what_a_module_holds_is_whole_in_the_copy_and_is_not_written_to(held, read):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.held, self.keys = held, {"a": 1}.keys()
            self.body = nn.Conv2d(1, 1, 1)

        def forward(self, x):
            read(self.held).append(0)
            return self.body(x) * read(self.held)[0]

    model, first = Net(), list(read(held))
    found = activations(model, torch.ones(1, 2, 2), "body")
    with torch.no_grad():
        assert torch.equal(found, model.body(torch.ones(1, 1, 2, 2)))
    assert read(held) == first


def test_a_twin_holds_the_very_weights_and_buffers_of_other_modules_and_hooks_of_its_own():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    twin = twin_of(model)
    held = [*model.parameters(), *model.buffers()]
    assert all(one is other for one, other in zip(held, [*twin.parameters(), *twin.buffers()], strict=True))
    assert twin is not model and twin[0] is not model[0] and twin[0]._forward_hooks is not model[0]._forward_hooks
    twin[0].register_forward_hook(lambda *given: given[2] * 0)
    image = torch.ones(1, 1, 2, 2)
    assert torch.equal(twin.eval()(image), model.eval()[1](torch.zeros(1, 2, 2, 2)))
    assert not torch.equal(twin(image), model(image)) and model.training is False


def test_nobody_else_runs_a_model_while_its_twin_is_looked_at():
    model = nn.Linear(1, 1)
    twin, entered = twin_of(model), []

    def other() -> None:
        with alone(model):
            entered.append(True)

    thread = threading.Thread(target=other)
    with looking(twin):
        thread.start()
        thread.join(0.2)
        assert not entered
    thread.join()
    assert entered
