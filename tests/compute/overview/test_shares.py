"""From which maps one number came: the shares worked out by hand, and where they are not known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets.compute.overview import input_shares


def conv(weights: list[float], **options) -> nn.Conv2d:
    layer = nn.Conv2d(len(weights), 1, 1, **options)
    layer.weight.data.copy_(torch.tensor(weights).view(1, -1, 1, 1))
    return layer


GIVEN = torch.tensor([1.0, 2.0, -4.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4).contiguous()


def test_the_shares_of_a_convolution_are_the_magnitudes_of_its_terms():
    layer = conv([1.0, -1.0, 0.25])  # terms 1, -2, -1
    assert input_shares(layer, GIVEN, layer(GIVEN), 0, (2, 2)) == [(1, 0.5), (0, 0.25), (2, 0.25)]


def test_a_window_over_the_border_counts_what_is_in_the_map():
    layer = nn.Conv2d(2, 1, 3, padding=1, bias=False)
    layer.weight.data.copy_(torch.tensor([1.0, 2.0]).view(1, 2, 1, 1).expand(1, 2, 3, 3))
    given = torch.ones(1, 2, 4, 4)
    given[0, 1, 0, 1] = 4.0  # at the corner: 4 places of ones, and 1 + 4 + 1 + 1 of those that count twice
    found = dict(input_shares(layer, given, layer(given), 0, (0, 0)))
    assert found == pytest.approx({0: 4 / 18, 1: 14 / 18})


def test_a_group_takes_from_its_own_channels_alone():
    layer = nn.Conv2d(4, 2, 1, groups=2)
    given = torch.rand(1, 4, 3, 3)
    assert {channel for channel, _ in input_shares(layer, given, layer(given), 1, (0, 0))} == {2, 3}


@pytest.mark.parametrize("layer", [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.BatchNorm2d(3).eval(), nn.ReLU(), nn.SiLU()])
def test_pooling_normalization_and_activations_take_from_their_own_channel(layer):
    with torch.no_grad():
        output = layer(GIVEN)
    assert input_shares(layer, GIVEN, output, 1, (0, 0)) == [(1, 1.0)]


class Twice(nn.Conv2d):
    """Does more than its base class says."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def test_nothing_is_said_where_the_number_is_another():
    layer = conv([1.0, -1.0, 0.25])
    assert input_shares(layer, GIVEN.flip(1), layer(GIVEN), 0, (2, 2)) == []  # shuffled on the way
    assert input_shares(nn.ReLU(), GIVEN.roll(1, 1), torch.relu(GIVEN), 1, (0, 0)) == []
    assert input_shares(layer, GIVEN[:, :2], layer(GIVEN), 0, (2, 2)) == []  # other channels
    assert input_shares(layer, torch.rand(1, 3, 2, 2), layer(GIVEN), 0, (3, 3)) == []
    twice = Twice(3, 1, 1)
    assert input_shares(twice, GIVEN, twice(GIVEN), 0, (0, 0)) == []


def test_nothing_is_said_of_a_number_that_is_zero_nor_of_other_layers():
    zero = conv([1.0, 1.0, 0.75], bias=False)
    assert input_shares(zero, GIVEN, zero(GIVEN), 0, (0, 0)) == []
    assert input_shares(nn.Softmax(1), GIVEN, torch.softmax(GIVEN, 1), 0, (0, 0)) == []
