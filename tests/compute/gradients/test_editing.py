"""Gradients that are edited on their way back."""

from __future__ import annotations

import pytest
import torch
import torch.utils.checkpoint
from torch import nn

from cnnwidgets import activations, edit_gradients
from cnnwidgets.compute.gradients.edits import edits_of


@pytest.fixture
def chain():
    """x -> 2x -> ReLU in place -> 3x: the gradients of its two weights for x = 1 are 3 and 2."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(inplace=True), nn.Linear(1, 1, bias=False))
    nn.init.constant_(model[0].weight, 2.0)
    nn.init.constant_(model[2].weight, 3.0)
    return model


def gradients(model, x=1.0):
    model.zero_grad()
    model(torch.tensor([[x]])).sum().backward()
    return [weight.grad.item() for weight in model.parameters()]


def test_without_an_edit_they_are_what_a_hand_works_out(chain):
    assert gradients(chain) == [3.0, 2.0]


@pytest.mark.parametrize(
    ("edit", "first"),
    [
        ({"scale": 0.5}, 1.5),
        ({"scale": 0}, 0.0),
        ({"clip": 1.0}, 1.0),
        ({"clip": 5.0}, 3.0),
        ({"zero": True}, 0.0),
        ({"zero": [0]}, 0.0),
        ({"fn": lambda gradient: -gradient}, -3.0),
    ],
)
def test_the_layer_feels_the_edit_and_what_is_behind_it_does_not(chain, edit, first):
    with edit_gradients(chain, "0", **edit) as edits:
        assert gradients(chain) == [first, 2.0]
    assert (edits.before, edits.after, edits.count) == ([3.0], [abs(first)], 1)
    assert gradients(chain) == [3.0, 2.0]  # no hook is left


def test_what_comes_before_the_layer_feels_it_too(chain):
    with edit_gradients(chain, "2", scale=10):
        assert gradients(chain) == [30.0, 20.0]


def test_an_in_place_layer_may_be_edited_itself(chain):
    with edit_gradients(chain, "1", scale=2):
        assert gradients(chain) == [6.0, 2.0]


def test_a_single_channel_is_set_to_0():
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False))
    with edit_gradients(model, "0", zero=[1]):
        model(torch.ones(1, 1, 2, 2)).sum().backward()
    assert model[0].weight.grad.flatten().tolist() == [4.0, 0.0]


class Twice(nn.Module):
    """relu(w relu(x)), with the same module for both."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Linear(1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        nn.init.constant_(self.weight.weight, 3.0)

    def forward(self, x):
        return self.relu(self.weight(self.relu(x)))


def given(model, layer):
    x = torch.tensor([[1.0]], requires_grad=True)
    with edit_gradients(model, layer, scale=10) as edits:
        for _ in range(2):  # calls are counted anew in each pass
            x.grad = None
            model(x * 1).sum().backward()
    return x.grad.item(), edits.count


def test_a_module_that_runs_twice_is_edited_at_each_call_or_at_one():
    assert given(Twice(), "relu") == (300.0, 4)
    assert given(Twice(), "relu:1") == (30.0, 2)
    assert given(Twice(), "relu:2") == (30.0, 2)


class Residual(nn.Module):
    """x + same(x), where same() hands its input on."""

    def __init__(self):
        super().__init__()
        self.same = nn.Identity()
        self.unused = nn.Linear(1, 1)

    def forward(self, x):
        return x + self.same(x)


def test_a_layer_that_hands_its_input_on_is_edited_alone():
    x = torch.tensor([1.0], requires_grad=True)
    model = Residual()
    with edit_gradients(model, "same", scale=5):
        model(x).sum().backward()
    assert x.grad.item() == 6.0  # 1 by the short cut, 5 through the layer


def test_looks_see_what_they_saw_and_are_not_counted(chain):
    image = torch.tensor([[1.0]])
    with pytest.warns(UserWarning, match="no gradient"), edit_gradients(chain, "0", zero=True) as edits:
        assert activations(chain, image, "2").item() == 6.0
    assert edits.count == 0


def test_it_comes_off_after_an_error_too(chain):
    with pytest.raises(RuntimeError, match="stop"), edit_gradients(chain, "0", zero=True):
        assert [edits.words for edits in edits_of(chain)] == ["set to 0"]
        raise RuntimeError("stop")
    assert edits_of(chain) == []
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in chain.modules())


def test_two_edits_follow_each_other(chain):
    with edit_gradients(chain, "0", scale=2), edit_gradients(chain, "0", scale=5):
        assert gradients(chain) == [30.0, 2.0]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({}, "one of scale, clip, zero and fn, not none"),
        ({"scale": 1, "clip": 1}, "not scale and clip"),
        ({"clip": 0}, "a norm above 0, not 0"),
        ({"zero": False}, "zero must be True"),
        ({"zero": []}, r"numbers of channels, not \[\]"),
        ({"zero": [0.5]}, r"numbers of channels, not \[0.5\]"),
        ({"scale": "0.5"}, "scale must be a finite number, not '0.5'"),
        ({"scale": float("nan")}, "scale must be a finite number, not nan"),
        ({"fn": 3}, "fn must be a function of the gradient, not 3"),
    ],
)
def test_an_edit_that_makes_no_sense_is_named(chain, edit, words):
    with pytest.raises(ValueError, match=words), edit_gradients(chain, "0", **edit):
        pass


def test_a_function_that_works_in_place_is_told_from_what_came(chain):
    with edit_gradients(chain, "0", fn=lambda gradient: gradient.mul_(0.5)) as edits:
        assert gradients(chain) == [1.5, 2.0]
    assert (edits.before, edits.after) == ([3.0], [1.5])


def test_what_is_found_in_the_pass_is_named(chain):
    with pytest.raises(LookupError, match="no layer 'conv9'"), edit_gradients(chain, "conv9", scale=1):
        pass
    with pytest.raises(ValueError, match="no channel 4"), edit_gradients(chain, "0", zero=4):
        gradients(chain)
    with pytest.raises(ValueError, match=r"shape \(1, 1\), not \(1,\)"), edit_gradients(chain, "0", fn=torch.ravel):
        gradients(chain)
    with pytest.raises(ValueError, match="not NoneType"), edit_gradients(chain, "0", fn=lambda gradient: None):
        gradients(chain)


def test_it_says_what_it_did(chain):
    with edit_gradients(chain, "0", scale=0.5) as edits:
        gradients(chain)
    assert repr(edits) == "GradientEdits('0' scaled by 0.5, 1 times, last norm 3 -> 1.5)"


# ---------------------------------------------------------------------- compiled, checkpointed, called by parts


@pytest.mark.parametrize("inside", [False, True])
def test_a_compiled_model_is_edited_inside_the_block_and_not_after_it(chain, inside):
    torch._dynamo.reset()
    compiled = torch.compile(chain, backend="aot_eager")
    if not inside:
        assert gradients(compiled) == [3.0, 2.0]
    with edit_gradients(chain, "0", zero=True) as edits:
        if inside:
            compiled = torch.compile(chain, backend="aot_eager")
        assert gradients(compiled) == [0.0, 2.0]
    assert edits.count == 1
    assert gradients(compiled) == [3.0, 2.0]


def test_blocks_of_compiled_models_may_end_in_any_order(chain):
    torch._dynamo.reset()
    compiled = torch.compile(chain, backend="aot_eager")
    one, other = edit_gradients(compiled, "0", scale=2), edit_gradients(compiled, "0", scale=5)
    one.__enter__()
    other.__enter__()
    assert gradients(compiled) == [30.0, 2.0]
    one.__exit__(None, None, None)
    assert gradients(compiled) == [15.0, 2.0]
    other.__exit__(None, None, None)
    assert gradients(compiled) == [3.0, 2.0]
    counter = torch._dynamo.testing.CompileCounter()
    torch.compile(chain, backend=counter)(torch.ones(1, 1))
    assert counter.frame_count == 1  # compiled code runs again


def test_before_torch_can_run_it_as_python_a_compiled_model_is_refused(chain, monkeypatch):
    monkeypatch.setattr("cnnwidgets.compute.gradients.editing.can_run_eagerly", lambda: False)
    with (
        pytest.raises(ValueError, match=r"from torch 2\.6 on"),
        edit_gradients(torch.compile(chain, backend="aot_eager"), "0", scale=2),
    ):
        pass


class Checkpointed(nn.Module):
    """w relu(x), of which the backward pass runs all once more."""

    def __init__(self, *, reentrant, times=1):
        super().__init__()
        self.weight = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.weight.weight, 3.0)
        self.reentrant, self.times = reentrant, times

    def forward(self, x):
        for _ in range(self.times):
            x = torch.utils.checkpoint.checkpoint(self.weight, x, use_reentrant=self.reentrant)
        return x


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("layer", ["weight", "weight:1"])
def test_a_checkpointed_layer_is_edited_once(reentrant, layer):
    assert given(Checkpointed(reentrant=reentrant), layer) == (30.0, 2)  # 3 times 10, in each of two passes


def test_calls_of_a_checkpointed_layer_are_counted_where_they_can_be_told_apart():
    assert given(Checkpointed(reentrant=False, times=2), "weight:2") == (90.0, 2)
    with pytest.raises(ValueError, match=r"calls of 'weight' cannot be counted.*use_reentrant=True"):
        given(Checkpointed(reentrant=True, times=2), "weight:2")


def test_calls_are_not_counted_where_parts_of_the_model_are_called():
    model, x = Twice(), torch.tensor([[1.0]], requires_grad=True)
    with edit_gradients(model, "relu", scale=10):
        model.relu(x * 1).backward()
    assert x.grad.item() == 10
    with (
        pytest.raises(ValueError, match="where parts of the model are called"),
        edit_gradients(model, "relu:1", scale=2),
    ):
        model.relu(x * 1)


def test_a_trace_is_not_edited(chain):
    with pytest.warns(UserWarning, match="no gradient"), edit_gradients(chain, "0", zero=True):
        traced = torch.fx.symbolic_trace(chain)
        recorded = torch.jit.trace(chain, torch.ones(1, 1))
    assert gradients(traced) == [3.0, 2.0]
    assert gradients(recorded) == [3.0, 2.0]


# ---------------------------------------------------------------------- a block in which nothing was edited


def untouched(model, layer, run, **edit):
    with pytest.warns(UserWarning) as told, edit_gradients(model, layer, **(edit or {"scale": 2})):
        run(model)
    (warning,) = [str(one.message) for one in told]
    assert warning.startswith(f"no gradient of layer {layer!r} was edited: ")
    return warning


def test_a_block_in_which_nothing_was_edited_says_why():
    model, x = Residual(), torch.tensor([1.0])
    assert "was not called with gradients" in untouched(model, "same", lambda model: None)
    assert "did not run in the last pass" in untouched(model, "unused", lambda model: model(x))
    assert "it ran 1 times" in untouched(model, "same:2", lambda model: model(x.requires_grad_()).sum().backward())
    assert "there was no backward pass" in untouched(model, "same", lambda model: model(x.requires_grad_()))
    with pytest.raises(ZeroDivisionError), edit_gradients(model, "same", scale=2):
        raise ZeroDivisionError  # an error is enough to say


def test_a_layer_in_torchscript_is_refused(chain):
    chain[0] = torch.jit.script(chain[0])
    with (
        pytest.raises(ValueError, match="'0' cannot be edited: it is TorchScript"),
        edit_gradients(chain, "0", scale=2),
    ):
        pass
