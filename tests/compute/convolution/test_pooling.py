from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnnwidgets.compute.convolution.pooling import explain_pooling, window

COUNT = torch.arange(16.0).reshape(1, 1, 4, 4)


def explained(module: nn.Module, given: torch.Tensor, channel: int, unit: tuple[int, ...]):
    return explain_pooling(module, given, module(given), "x", channel, unit)


def test_the_pixel_that_won_is_named():
    image = COUNT.clone()
    image[0, 0, 2, 1] = 99
    found = explained(nn.MaxPool2d(2), image, 0, (1, 0))
    assert (found.result, found.value, found.winner) == (99, 99, (2, 1))
    assert found.patch.tolist() == [[[8, 99], [12, 13]]] and found.positions == ((2, 3), (0, 1))
    assert found.kernel is None and found.cosine is None and found.agrees


def test_of_equals_the_first_wins():
    assert explained(nn.MaxPool2d(2), torch.zeros(1, 1, 4, 4), 0, (1, 1)).winner == (2, 2)


def test_padding_never_wins_and_is_left_out():
    found = explained(nn.MaxPool2d(3, stride=2, padding=1), -1 - COUNT, 0, (0, 0))
    assert found.result == found.value == -1 and found.winner == (0, 0)
    assert found.positions == ((0, 1), (0, 1))


def test_dilation_spreads_the_window():
    found = explained(nn.MaxPool2d(2, stride=1, dilation=2), COUNT, 0, (1, 0))
    assert found.positions == ((1, 3), (0, 2)) and found.result == found.value == 14


def test_a_mean_says_by_how_much_it_divides():
    found = explained(nn.AvgPool2d(2), COUNT, 0, (0, 1))
    assert found.steps == (("sum of 4 numbers", 18.0), ("divided by 4", 4.5)) and found.value == 4.5


@pytest.mark.parametrize(
    ("module", "divisor"),
    [
        (nn.AvgPool2d(2, padding=1), 4),
        (nn.AvgPool2d(2, padding=1, count_include_pad=False), 1),
        (nn.AvgPool2d(2, padding=1, divisor_override=8), 8),
    ],
)
def test_padded_zeros_count_or_not_as_the_layer_says(module, divisor):
    found = explained(module, COUNT + 8, 0, (0, 0))
    assert found.steps[-1] == (f"divided by {divisor}", 8 / divisor) and found.value == 8 / divisor


def test_an_adaptive_window_is_as_large_as_it_must_be():
    module = nn.AdaptiveAvgPool2d((3, 1))
    assert [window(module, 0, at, 4, 3).positions for at in range(3)] == [(0, 1), (1, 2), (2, 3)]
    found = explained(module, COUNT, 0, (1, 0))
    assert found.patch.shape == (1, 2, 4) and found.result == found.value == 7.5


POOLS = st.sampled_from([nn.MaxPool2d, nn.AvgPool2d])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(POOLS, st.integers(2, 3), st.integers(1, 3), st.integers(0, 1), st.booleans(), st.booleans(), st.integers(0, 99))
def test_every_number_of_a_random_pooling_is_the_one_of_torch(kind, kernel, stride, padding, ceil, counted, seed):
    options = {"count_include_pad": counted} if kind is nn.AvgPool2d else {}
    module = kind(kernel, stride, padding, ceil_mode=ceil, **options)
    image = torch.randn(1, 2, 5, 6, generator=torch.Generator().manual_seed(seed))
    output = module(image)
    for channel, row, column in np.ndindex(*output.shape[1:]):
        found = explain_pooling(module, image, output, "x", channel, (row, column))
        assert found.agrees and found.value == output[0, channel, row, column]
        if found.winner is not None:
            assert image[(0, channel, *found.winner)] == found.value


@pytest.mark.parametrize(
    "module",
    [nn.MaxPool1d(2), nn.AvgPool1d(3, padding=1), nn.AdaptiveMaxPool1d(3), nn.AdaptiveAvgPool1d(2), nn.MaxPool1d(2, 1)],
)
def test_sequences_are_pooled_too(module):
    image = torch.randn(1, 2, 7)
    output = module(image)
    for place in range(output.shape[2]):
        assert explain_pooling(module, image, output, "x", 1, place).agrees


@pytest.mark.parametrize("module", [nn.MaxPool3d(2), nn.AvgPool3d((1, 2, 2)), nn.AdaptiveMaxPool3d((1, 2, 2))])
def test_volumes_are_pooled_too(module):
    image = torch.randn(1, 2, 2, 4, 5)
    found = explain_pooling(module, image, module(image), "x", 1, (0, 1, 1))
    assert found.agrees and found.patch.ndim == 4
