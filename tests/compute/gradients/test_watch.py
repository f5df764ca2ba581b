"""watching() sees a training go by: what the model was given, and the gradients of its own backward pass."""

from __future__ import annotations

import threading

import pytest
import torch
import torch.utils.checkpoint
from torch import nn

from cnnwidgets.compute.gradients.watch import watching


class Twice(nn.Module):
    """x becomes 3 x, twice, each time with an in-place ReLU behind it; then the sum of all pixels."""

    def __init__(self):
        super().__init__()
        self.triple = nn.Conv2d(1, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        nn.init.constant_(self.triple.weight, 3.0)

    def forward(self, x):
        return self.relu(self.triple(self.relu(self.triple(x)))).sum()


def test_gradients_of_a_training_pass_are_told_by_call():
    model = Twice()
    with watching(model, ["triple", "triple:2", "relu:1"], images=True) as watched:
        model(torch.tensor([[[[1.0, -1.0]]], [[[1.0, 1.0]]]])).backward()
    # behind the second triple the gradient is 1 where the ReLU is open, 3 before it
    assert watched.gradients["triple:2"].tolist() == [[[[1, 0]]]]
    assert watched.gradients["relu:1"].tolist() == [[[[3, 0]]]]
    assert watched.gradients["triple"].tolist() == [[[[3, 0]]]]
    assert watched.image.tolist() == [[[[1, -1]]]]


def test_a_flattened_view_with_an_in_place_relu_behind_it_has_its_gradient():
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.ReLU(inplace=True))
    nn.init.constant_(model[0].weight, 2.0)
    with watching(model, ["0", "1"]) as watched:
        model(torch.tensor([[[[1.0, -1.0]]]])).sum().backward()
    assert watched.gradients["0"].tolist() == [[[[1, 0]]]]
    assert watched.gradients["1"].tolist() == [[1, 0]]


def test_watching_sees_no_pass_without_gradients_and_none_of_another_thread():
    model = Twice()
    with watching(model, ["triple"], images=True) as watched:
        with torch.no_grad():
            model(torch.ones(1, 1, 1, 1))
        thread = threading.Thread(target=lambda: model(torch.ones(1, 1, 1, 1)).backward())
        thread.start()
        thread.join()
    assert watched.image is None
    assert watched.gradients == {}


def test_watching_leaves_no_hook_after_an_error_and_none_for_a_name_that_is_not_there(hooks_on):
    model = Twice()
    with pytest.raises(ZeroDivisionError), watching(model, ["triple"], images=True):
        raise ZeroDivisionError
    with pytest.raises(LookupError, match="did you mean 'triple'"), watching(model, ["tripel"]):
        pass
    assert hooks_on(model) == {}
    assert not any(part._forward_pre_hooks for part in model.modules())


# ---------------------------------------------------------------------- several passes, several backward passes


def image(value):
    return torch.full((1, 1, 1, 1), float(value))


def test_of_two_passes_before_one_backward_image_and_gradient_are_of_the_same_one():
    model = Twice()
    with watching(model, ["triple:2"], images=True) as watched:
        (2 * model(image(1)) + 5 * model(image(7))).backward()
        assert (watched.image.item(), watched.gradients["triple:2"].item()) == (7, 5)
        watched.next_step()
        first, second = model(image(1)), model(image(7))
        (2 * first).backward()  # the second goes nowhere
        assert (watched.image.item(), watched.gradients["triple:2"].item()) == (1, 2)
        (5 * second).backward()
        assert (watched.image.item(), watched.gradients["triple:2"].item()) == (7, 5)


def test_a_pass_without_a_backward_does_not_hide_the_one_of_the_training():
    model = Twice()
    with watching(model, ["triple:2"], images=True) as watched:
        (2 * model(image(1))).backward()
        model(image(7))  # such as for the accuracy, without no_grad
        assert (watched.image.item(), watched.gradients["triple:2"].item()) == (1, 2)


def test_gradients_of_two_losses_of_one_pass_are_summed_and_those_of_two_passes_are_not():
    model = Twice()
    with watching(model, ["triple:2"]) as watched:
        for factor in (2, 3):
            output = model(image(1))
            (factor * output).backward(retain_graph=True)
        output.backward()
    assert watched.gradients["triple:2"].item() == 3 + 1


def test_the_gradients_of_a_penalty_are_not_those_of_the_loss():
    model = Twice()
    x = image(2).requires_grad_()
    with watching(model, ["triple:2"]) as watched:
        output = model(x)
        (slope,) = torch.autograd.grad(output, x, create_graph=True)
        (5 * output + slope.sum()).backward()
    assert watched.gradients["triple:2"].item() == 5  # the slope, 9, does not depend on the output


def test_a_step_without_a_pass_has_nothing_of_the_step_before():
    model = Twice()
    with watching(model, ["triple"], images=True) as watched:
        model(image(1)).backward()
        assert watched.next_step().missing == {}
        seen = watched.next_step()
    assert (seen.image, seen.gradients) == (None, {})
    assert set(seen.missing) == {"input", "gradients/triple"}
    assert all("was not called with gradients since the last step" in reason for reason in seen.missing.values())


class Columns(nn.Module):
    """(N, 2) becomes (2, N), the batch in the second axis, and weighs the two by 1 and 10."""

    def __init__(self):
        super().__init__()
        self.turn = nn.Identity()
        self.weight = nn.Parameter(torch.tensor([[1.0], [10.0]]))

    def forward(self, x):
        return (self.turn(x.T + 0 * self.weight) * self.weight).sum()


def test_the_first_of_a_batch_is_taken_along_its_axis():
    with watching(model := Columns(), ["turn"], axes={"turn": 1}) as watched:
        model(torch.ones(3, 2)).backward()
    assert watched.gradients["turn"].tolist() == [[1], [10]]
    with watching(model, ["turn"], axes={"turn": None}) as watched:
        model(torch.ones(3, 2)).backward()
    assert watched.gradients["turn"].tolist() == [[1] * 3, [10] * 3]


class Checkpointed(nn.Module):
    """3 x, of which the backward pass runs all once more, and 3 x more often."""

    def __init__(self, *, reentrant, times=1):
        super().__init__()
        self.triple = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.triple.weight, 3.0)
        self.reentrant, self.times = reentrant, times

    def forward(self, x):
        x = x.requires_grad_()
        for _ in range(self.times):
            x = torch.utils.checkpoint.checkpoint(self.triple, x, use_reentrant=self.reentrant)
        return x.sum()


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpointed_layer_is_seen_once(reentrant):
    model = Checkpointed(reentrant=reentrant)
    with watching(model, ["triple"], images=True) as watched:
        for factor in (2, 5):  # gradients are accumulated over two batches
            (factor * model(image(factor))).backward()
            assert (watched.image.item(), watched.gradients["triple"].item()) == (factor, factor)


def test_checkpointed_calls_that_cannot_be_told_apart_are_not_mixed():
    with watching(model := Checkpointed(reentrant=False, times=2), ["triple:1", "triple:2"]) as watched:
        model(image(1)).backward()
    assert {layer: gradient.item() for layer, gradient in watched.gradients.items()} == {"triple:1": 3, "triple:2": 1}
    with watching(model := Checkpointed(reentrant=True, times=2), ["triple:1"]) as watched:
        model(image(1)).backward()
    assert "cannot be told apart" in watched.seen.missing["gradients/triple:1"]
    with watching(model := Checkpointed(reentrant=True), ["triple"]) as watched:
        (model(image(1)) + model(image(2))).backward()
    assert "cannot be told apart" in watched.seen.missing["gradients/triple"]


# ---------------------------------------------------------------------- what is missing, and why


class Odd(nn.Module):
    """A layer that runs, one called past its hooks, one frozen, one without gradients and one that never runs."""

    def __init__(self):
        super().__init__()
        self.runs, self.past, self.off, self.never = (nn.Linear(1, 1) for _ in range(4))
        self.frozen = nn.Linear(1, 1).requires_grad_(False)

    def forward(self, x):
        y = self.runs(self.past.forward(x)) + self.frozen(x)
        with torch.no_grad():
            shift = self.off(x)
        return (y + shift).sum()


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("runs:2", "it ran 1 times"),
        ("past", "its hook never fired"),
        ("never", "its hook never fired"),
        ("frozen", "it is frozen or detached"),
        ("off", "it ran without gradients"),
    ],
)
def test_a_layer_without_a_gradient_is_told_with_the_reason(layer, reason):
    with watching(model := Odd(), ["runs", layer]) as watched:
        model(torch.ones(1, 1)).backward()
    assert reason in watched.seen.missing[f"gradients/{layer}"]


def test_a_model_whose_parts_are_called_has_gradients_and_says_why_it_has_no_image():
    model = Twice()
    with watching(model, ["triple"], images=True) as watched:
        for factor in (2, 3):
            (factor * model.triple(image(1))).sum().backward()
            seen = watched.next_step()
            assert seen.gradients["triple"].item() == factor  # of each step, not of the first alone
    assert seen.missing == {"input": "the model itself was not called, only parts of it"}


def test_a_model_in_another_thread_is_told():
    with watching(model := Twice(), ["triple"]) as watched:
        thread = threading.Thread(target=lambda: model(image(1)).backward())
        thread.start()
        thread.join()
    assert "in another thread" in watched.seen.missing["gradients/triple"]


def test_an_error_of_the_watching_does_not_reach_the_training(monkeypatch):
    monkeypatch.setattr("cnnwidgets.compute.gradients.watch._first", None)
    with watching(model := Twice(), ["triple"], images=True) as watched:
        model(image(1)).backward()
    assert model.triple.weight.grad is not None
    assert all("watching failed with TypeError" in reason for reason in watched.seen.missing.values())


def test_where_nothing_is_watched_there_are_no_hooks(hooks_on):
    with watching(model := Twice()):
        assert hooks_on(model) == {}
        assert not model._forward_pre_hooks
