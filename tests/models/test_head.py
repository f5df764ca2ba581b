"""A trained network with a new last layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from cnnwidgets.models import with_new_head


@pytest.fixture
def small():
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(8, 5)).eval()


def test_the_last_layer_is_new_and_the_others_are_the_same(small):
    model = with_new_head(small, 3)
    assert model(torch.zeros(1, 1, 2, 2)).shape == (1, 3)
    assert torch.equal(model[0].weight, small[0].weight)
    assert all(weight.requires_grad for weight in model.parameters())
    assert model.training and not small.training
    assert small[2].out_features == 5  # the given model is as it was
    assert model[0].weight.data_ptr() != small[0].weight.data_ptr()


def test_the_last_layer_may_learn_alone(small):
    model = with_new_head(small, 3, train="last")
    assert [name for name, weight in model.named_parameters() if weight.requires_grad] == ["2.weight", "2.bias"]
    assert all(weight.requires_grad for weight in small.parameters())


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet18", "fc"),
        ("alexnet", "classifier.6"),
        ("squeezenet1_0", "classifier.1"),
        ("mobilenet_v2", "classifier.1"),
    ],
)
def test_it_is_found_in_the_models_of_torchvision(name, layer):
    with torch.device("meta"):
        model = with_new_head(torchvision.models.get_model(name, weights=None), 2)
    new = model.get_submodule(layer)
    assert (new.out_channels if isinstance(new, nn.Conv2d) else new.out_features) == 2


def test_bad_input_is_named(small):
    with pytest.raises(ValueError, match="1 or more, not 0"):
        with_new_head(small, 0)
    with pytest.raises(ValueError, match="'all' or 'last', not 'first'"):
        with_new_head(small, 2, train="first")
    with pytest.raises(ValueError, match="Sequential holds no Linear or Conv2d"):
        with_new_head(nn.Sequential(nn.ReLU()), 2)


def test_the_new_layer_has_numbers_of_the_type_of_the_old_one():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).double()
    assert with_new_head(model, 2)(torch.zeros(1, 4, dtype=torch.float64)).shape == (1, 2)


def test_what_is_no_model_and_no_number_is_named(small):
    with pytest.raises(TypeError, match=r"must be a torch\.nn\.Module, not str"):
        with_new_head("resnet18", 2)
    with pytest.raises(TypeError, match=r"n_classes must be a whole number, not 1\.5"):
        with_new_head(small, 1.5)


@pytest.mark.parametrize("count", [torch.tensor(1.5), np.array([2, 3]), True, "2", None])
def test_what_only_looks_like_a_whole_number_is_named(small, count):
    with pytest.raises(TypeError, match="n_classes must be a whole number"):
        with_new_head(small, count)


@pytest.mark.parametrize("count", [np.int64(3), torch.tensor(3)])
def test_a_whole_number_of_numpy_or_torch_counts_classes(small, count):
    assert with_new_head(small, count)[2].out_features == 3
