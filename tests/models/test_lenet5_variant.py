"""The two variants of the Fashion-MNIST walkthrough."""

from __future__ import annotations

import pytest
import torch

from cnnwidgets import activations
from cnnwidgets.models import lenet5_variant


def parameters(model):
    return {name: sum(weight.numel() for weight in part.parameters()) for name, part in model.named_children()}


def shapes(model):
    return [tuple(output.shape[1:]) for name, output in activations(model, torch.zeros(1, 1, 28, 28)).items() if name]


def test_variant_1_has_the_published_layers_and_44426_parameters():
    model = lenet5_variant()
    counts = parameters(model)
    assert {name: count for name, count in counts.items() if count} == {
        "conv1": 156, "conv2": 2416, "fc1": 30840, "fc2": 10164, "op": 850
    }  # fmt: skip
    assert sum(counts.values()) == 44426
    assert list(counts) == [
        "conv1", "relu1", "max_pool1", "conv2", "relu2", "max_pool2", "flatten", "fc1", "relu3", "fc2", "relu4", "op"
    ]  # fmt: skip
    assert shapes(model)[:7] == [
        (6, 24, 24), (6, 24, 24), (6, 12, 12), (16, 8, 8), (16, 8, 8), (16, 4, 4), (256,)
    ]  # fmt: skip


def test_variant_2_keeps_the_size_of_its_maps():
    model = lenet5_variant(padding="same")
    assert shapes(model)[:7] == [
        (6, 28, 28), (6, 28, 28), (6, 14, 14), (16, 14, 14), (16, 14, 14), (16, 7, 7), (784,)
    ]  # fmt: skip
    assert sum(parameters(model).values()) == 107786


def test_another_padding_is_refused():
    with pytest.raises(ValueError, match="'valid' or 'same', not 'full'"):
        lenet5_variant("full")
