"""Orders of the channels of a layer, worked out by hand."""

from __future__ import annotations

import pytest
import torch

import cnnwidgets as cw
from cnnwidgets.compute.evidence import ORDERS, channel_order

from .test_ranking import IMAGES, Channels


@pytest.fixture(scope="module")
def layer():
    return cw.scan(Channels(), IMAGES, ["a"], progress=False)["a"]


VALUES = torch.tensor([[1.0, 2.0], [5.0, 0.0], [3.0, 3.0], [5.0, -9.0]])


def test_the_strongest_come_first_and_of_equal_ones_the_lower_number():
    assert channel_order("number", VALUES).tolist() == [0, 1, 2, 3]
    assert channel_order("strongest", VALUES).tolist() == [1, 3, 2, 0]


def test_nan_is_no_strength():
    assert channel_order(
        "strongest", torch.tensor([[torch.nan, 1.0], [torch.nan, torch.nan], [2.0, -1.0]])
    ).tolist() == [
        2,
        0,
        1,
    ]


def test_those_that_are_most_often_zero_come_first(layer):
    # v and -v are 0 in the first of 40 images, 0 v in all, 7 in none
    assert channel_order("sparsity", VALUES, layer).tolist() == [2, 0, 1, 3]


def test_those_that_know_the_class_best_come_first(layer):
    assert channel_order("class", VALUES, layer, 1).tolist() == [0, 2, 3, 1]
    assert channel_order("class", VALUES, layer, 0).tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize("order", ORDERS[2:])
def test_what_is_not_known_leaves_them_by_number(order, layer):
    assert channel_order(order, VALUES).tolist() == [0, 1, 2, 3]
    assert channel_order("class", VALUES, layer, 9).tolist() == [0, 1, 2, 3]


def test_what_does_not_fit_is_named(layer):
    with pytest.raises(ValueError, match=r"there is no order 'strength'.*strongest"):
        channel_order("strength", VALUES)
    with pytest.raises(ValueError, match="the scan of 'a' has 4 channels, and the layer 3"):
        channel_order("sparsity", VALUES[:3], layer)
