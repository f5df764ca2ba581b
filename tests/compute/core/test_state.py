"""After a look, an error or an interrupt, everything is as it was: numbers, memory, flags, hooks, randomness."""

from __future__ import annotations

import random
import sys
import types

import numpy as np
import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.overrides import _get_current_function_mode_stack as modes
from torch.utils._python_dispatch import TorchDispatchMode

from cnnwidgets.compute.core.forward import ForwardError
from cnnwidgets.compute.core.hooks import capture
from cnnwidgets.compute.core.state import OperatorMode, PassMode, no_mode_left, same_random_state
from cnnwidgets.compute.layers.activations import activations
from cnnwidgets.compute.layers.table import layer_table
from cnnwidgets.compute.shadow import evaluating
from cnnwidgets.compute.shadow.held import same_module_state

IMAGES = torch.linspace(-1, 1, 2 * 9).reshape(2, 1, 3, 3)


class Restless(nn.Module):
    """Draws random numbers and writes to everything of its own that a forward pass can write to."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1)
        self.norm = nn.BatchNorm2d(1)
        self.register_buffer("in_place", torch.zeros(2))
        self.register_buffer("reassigned", torch.zeros(()))
        self.register_buffer("exchanged", torch.zeros(2))
        self.register_buffer("grown", torch.zeros(2))
        self.register_buffer("unset", None)
        self.count = 0
        self.last_input = None

    def forward(self, x):
        random.random(), np.random.rand(), torch.rand(1)
        self.in_place.add_(1)
        self.reassigned = self.reassigned + 1
        self.exchanged.data = torch.ones(2)
        self.grown.data = torch.ones(5)
        self.unset = torch.ones(1)
        self.register_buffer("late", torch.ones(1))
        self.count += 1
        self.last_input = x
        self.conv.weight.data = self.conv.weight.data * 2
        self.conv.bias = nn.Parameter(torch.ones(1))
        self.norm.weight.requires_grad_(False)
        self.norm.train()
        return self.norm(self.conv(x))


class Raises(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


def restless(*more):
    """A restless network with mixed flags, a frozen weight, gradients and hooks of the user's."""
    model = nn.Sequential(Restless(), nn.Dropout(), nn.Sequential(nn.ReLU(inplace=True)), *more)
    model.train()
    model[1].eval(), model[0].conv.eval()
    model[0].conv.weight.grad = torch.full((1, 1, 1, 1), 7.0)
    model[0].conv.bias.requires_grad_(False)
    model[0].norm.register_forward_hook(lambda part, args, output: None)
    model[2].register_forward_pre_hook(lambda part, args: None)
    return model


def test_the_restless_network_changes_when_nobody_watches_over_it(watched):
    model = restless()
    before = watched(model)
    model(IMAGES.clone())
    after = watched(model)
    changed = [key for key in before if after.get(key) != before[key]]
    assert changed == [
        "python's random state",
        "numpy's random state",
        "torch's random state",
        "0 attributes",
        "0 in_place",
        "0 reassigned",
        "0 exchanged",
        "0 grown",
        "0 unset",
        "0.conv weight",
        "0.conv weight memory",
        "0.conv bias",
        "0.conv bias memory",
        "0.norm weight memory",
        "0.norm running_mean",
        "0.norm running_var",
        "0.norm num_batches_tracked",
    ]
    assert set(after) - set(before) == {"0 late"}


@pytest.mark.parametrize(
    "look",
    [
        lambda model: activations(model, IMAGES),
        lambda model: activations(model, IMAGES[0], "1"),
        lambda model: activations(model, IMAGES, "0.conv"),
        lambda model: layer_table(model, IMAGES),
    ],
    ids=["all layers", "one layer", "a stopped pass", "the layer table"],
)
def test_a_look_changes_nothing(look, watched):
    model = restless()
    before = watched(model)
    look(model)
    assert watched(model) == before
    assert IMAGES.flatten().tolist() == torch.linspace(-1, 1, 18).tolist()


def test_a_look_by_hand_changes_nothing(watched):
    model = restless()
    before = watched(model)
    with evaluating(model) as module, capture(module) as captured:
        module(IMAGES.clone())
    assert "0.conv" in captured
    assert watched(model) == before


@pytest.mark.parametrize("look", [activations, layer_table])
@pytest.mark.parametrize(
    ("error", "raised"), [(ValueError(), ForwardError), (KeyboardInterrupt(), KeyboardInterrupt)], ids=repr
)
def test_an_error_in_the_middle_changes_nothing(look, error, raised, watched):
    model = restless(Raises(error), nn.ReLU())
    before = watched(model)
    with pytest.raises(raised):
        look(model, IMAGES)
    assert watched(model) == before


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_the_body_of_the_with_changes_nothing(error, watched):
    model = restless()
    before = watched(model)
    with pytest.raises(error), evaluating(model) as module, capture(module):
        module(IMAGES.clone())
        raise error
    assert watched(model) == before


def test_evaluation_reaches_every_module_and_turns_gradients_off():
    model = restless()
    with evaluating(model) as module:
        assert module is model
        assert not any(part.training for part in model.modules())
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_evaluation_yields_the_plain_module_and_leaves_the_wrappers_flag():
    model = nn.Sequential(nn.ReLU(), nn.Linear(1, 1))
    wrapper = nn.DataParallel(model).train()
    model[0].eval()
    with evaluating(wrapper) as module:
        assert module is model
        assert [part.training for part in wrapper.modules()] == [True, False, False, False]
    assert [part.training for part in wrapper.modules()] == [True, True, False, True]


def test_the_users_hooks_still_fire_during_and_after_a_look():
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    fired = []
    model[0].register_forward_hook(lambda part, args, output: fired.append("forward"))
    model[1].register_forward_pre_hook(lambda part, args: fired.append("pre"))
    activations(model, torch.ones(1, 1))
    assert fired == ["forward", "pre"]
    model(torch.ones(1, 1))
    assert fired == ["forward", "pre", "forward", "pre"]


def test_batch_norm_statistics_are_used_and_not_moved():
    model = nn.Sequential(nn.BatchNorm1d(1, eps=1e-12)).train()  # some versions of torch refuse 0
    model[0].running_mean.fill_(3), model[0].running_var.fill_(4)
    output = activations(model, torch.tensor([[5.0], [9.0]]), "0")
    assert output.flatten().tolist() == [1, 3]
    assert (model[0].running_mean.item(), model[0].num_batches_tracked.item()) == (3, 0)


def test_a_buffer_keeps_its_memory_so_that_views_of_it_stay_views():
    model = restless()
    view = model[0].exchanged[:1]
    activations(model, IMAGES)
    view.fill_(5)
    assert model[0].exchanged.tolist() == [5, 0]


def test_a_weight_that_was_turned_over_in_its_own_memory_is_turned_back(watched):
    class Turning(nn.Linear):
        def forward(self, x):
            self.weight.data = self.weight.data.t()
            return super().forward(x)

    model = nn.Sequential(Turning(2, 2))
    before = watched(model)
    activations(model, torch.ones(1, 2))
    assert watched(model) == before


def test_a_gradient_that_forward_made_is_taken_away():
    class Learning(nn.Linear):
        def forward(self, x):
            with torch.enable_grad():
                super().forward(x).sum().backward()
            return super().forward(x)

    model = nn.Sequential(Learning(1, 1))
    activations(model, torch.ones(1, 1))
    assert model[0].weight.grad is None
    model(torch.ones(1, 1))
    assert model[0].weight.grad.item() == 1


def test_a_sparse_buffer_does_not_stand_in_the_way():
    model = nn.Sequential(nn.Linear(2, 2))
    model.register_buffer("neighbours", torch.eye(2).to_sparse())
    assert activations(model, torch.ones(1, 2), "0").shape == (1, 2)
    assert model.neighbours.to_dense().tolist() == [[1, 0], [0, 1]]


def test_the_random_state_of_python_numpy_and_torch_is_put_back():
    draw = lambda: (random.random(), float(np.random.rand()), torch.rand(1).item())  # noqa: E731
    with same_random_state():
        first, second = draw(), draw()
    assert first != second
    assert draw() == first


def test_an_error_does_not_keep_the_random_state_from_being_put_back():
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="stop"), same_random_state():
        torch.rand(1)
        raise ValueError("stop")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_child_that_was_exchanged_or_added_is_put_back():
    model = nn.Sequential(nn.ReLU(), nn.Linear(1, 1))
    children = list(model)
    with same_module_state(list(model.modules())):
        model[0] = nn.Tanh()
        model.append(nn.ReLU())
        del model[1]
    assert list(model) == children


class Counting(PassMode):
    calls = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.calls += 1
        return func(*args, **(kwargs or {}))


class Users(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def test_a_mode_is_taken_off_from_under_others_which_stay():
    mode, x = Counting(), torch.ones(2)
    mode.put_on()
    with Users() as other:
        torch.relu(x)
        assert mode.take_off() and modes() == [other] and not mode.take_off()
        torch.relu(x)
    assert mode.calls == 1 and not modes()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_a_pass_leaves_on_is_taken_off_and_what_was_on_before_stays(error):
    first = Counting()
    first.put_on()
    with pytest.raises(error), no_mode_left():
        Counting().put_on()
        Counting().put_on()
        raise error
    assert modes() == [first] and first.take_off()


def test_a_mode_for_operators_imports_no_compiler_and_keeps_it_out_where_it_is_there(monkeypatch):
    class Names(OperatorMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            names.append(func._schema.name)
            return func(*args, **(kwargs or {}))

    names: list[str] = []
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # cannot be imported
    with Names():
        torch.ones(2).relu()
    assert names == ["aten::ones", "aten::relu"] and not hasattr(Names.__torch_dispatch__, "__wrapped__")
    monkeypatch.setitem(sys.modules, "torch._dynamo", types.ModuleType("torch._dynamo"))
    with Names():
        pass
    assert hasattr(Names.__torch_dispatch__, "__wrapped__")
    ours = [mode for mode in TorchDispatchMode.__subclasses__() if mode.__module__.startswith("cnnwidgets")]
    assert ours == [OperatorMode]
