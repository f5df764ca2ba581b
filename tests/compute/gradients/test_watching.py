"""watching() sees a training go by: what the model was given, and the gradients of its own backward pass."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from cnnwidgets.compute.gradients.hooks import watching


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
