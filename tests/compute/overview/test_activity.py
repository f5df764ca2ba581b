"""The most active maps and what to look out for, on outputs that are made by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets.compute.layers import layer_table, one_image, run
from cnnwidgets.compute.overview import look_out, strongest

IMAGE = torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(0)) + 0.1


def output_of(model, name, image=IMAGE):
    row = layer_table(model, image)[name]
    return one_image(run(model, image)[name], row), row


def scaled(*factors):
    """A convolution that multiplies the image by each of some numbers."""
    layer = nn.Conv2d(1, len(factors), 1, bias=False)
    layer.weight.data = torch.tensor(factors, dtype=torch.float32).reshape(-1, 1, 1, 1)
    return layer


def test_the_strongest_maps_are_those_with_the_largest_mean_of_absolute_values():
    output, row = output_of(nn.Sequential(scaled(1, -3, 0, 2)), "0")
    assert strongest(output, row, 3) == [1, 3, 0]
    assert strongest(output, row, 9) == [1, 3, 0, 2]


def test_units_are_ordered_too_and_nan_comes_last():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    model[1].weight.data = torch.stack([torch.full((36,), value) for value in (1.0, float("nan"), -2.0)])
    output, row = output_of(model, "1")
    assert strongest(output, row, 3) == [2, 0, 1]


def test_channels_are_where_the_table_says():
    tokens = torch.tensor([[1.0, 0, -5], [1, 0, -5]])
    row = layer_table(nn.Sequential(nn.Conv2d(1, 3, 4, 2), nn.Flatten(2)), IMAGE)["0"]
    from dataclasses import replace

    last = replace(row, kind="tokens", layout="last", shape=(2, 3))
    assert strongest(tokens, last, 2) == [2, 0]
    assert look_out(tokens, last) == [
        "1 of 3 features are 0 everywhere",
        "2 of 3 features are one number everywhere",
    ]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Sequential(scaled(1, -3, 0)), ["1 of 3 maps are 0 everywhere"]),
        (nn.Sequential(scaled(1, -3), nn.ReLU()), ["1 of 2 maps are 0 everywhere"]),
        (nn.Sequential(scaled(1, 2, 3)), ["all 3 maps are nearly alike"]),
        (nn.Sequential(scaled(1, -1)), []),
        (nn.Sequential(scaled(1, float("nan"))), ["36 numbers are NaN"]),
        (nn.Sequential(scaled(1, float("inf"))), ["36 numbers are infinite"]),
        (nn.Sequential(scaled(1000, -1000), nn.Sigmoid()), ["saturated: 100% of the numbers are at 0 or 1"]),
        (nn.Sequential(scaled(1, -1), nn.Tanh()), []),
    ],
)
def test_what_to_look_out_for_is_said(model, words):
    output, row = output_of(model, f"{len(model) - 1}")
    found = look_out(output, row)
    assert found[: len(words)] == words
    assert bool(found) == bool(words)


def test_a_vector_of_zeros_is_said_and_some_zeros_are_not():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3), nn.ReLU())
    model[1].weight.data.zero_()
    model[1].bias.data = torch.tensor([-1.0, 0, 1])
    assert look_out(*output_of(model, "2")) == []
    model[1].bias.data = torch.tensor([-1.0, -1, -1])
    assert look_out(*output_of(model, "2")) == ["all 3 numbers are 0"]
