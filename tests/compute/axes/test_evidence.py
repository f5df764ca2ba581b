"""What the type of a layer and the sizes before it tell of its axes, and when a pass must."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets.compute.axes import Evidence

CHANNEL, POSITION, NOTHING = frozenset({"channel"}), frozenset({"position"}), frozenset()


@pytest.mark.parametrize(
    ("owner", "shape", "layout"),
    [
        (nn.Conv2d(1, 1, 1), (7, 7, 3), "first"),
        (torch.ao.nn.quantized.Conv2d(1, 1, 1), (7, 7, 3), "first"),
        (torch.ao.nn.intrinsic.quantized.ConvReLU2d(1, 1, 1), (7, 7, 3), "first"),
        (nn.BatchNorm2d(1), (7, 7, 3), "first"),
        (nn.GroupNorm(1, 1), (7, 7, 3), "first"),
        (nn.AdaptiveAvgPool2d(1), (7, 7, 3), "first"),
        (nn.Conv1d(1, 1, 1), (8, 20), "first"),
        (nn.MultiheadAttention(2, 1), (9, 2), "last"),
        (nn.Embedding(3, 3), (9, 3), "last"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_a_layer_that_takes_its_channels_from_one_axis_says_where_they_are(owner, shape, layout):
    other = "first" if layout == "last" else "last"
    assert Evidence([(shape, other)]).find("", owner, shape, 0) == (layout, True)


def test_a_batch_norm_over_rows_of_tokens_has_the_channels_last():
    assert Evidence().find("", nn.BatchNorm1d(8), (49, 8), None) == ("last", True)


@pytest.mark.parametrize("owner", [nn.Linear(9, 9), nn.LayerNorm(9), nn.Identity(), None])
@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((16, 9), "first"),  # 16 channels over the 9 positions of 3 x 3
        ((9, 16), "last"),
        ((10, 16), "last"),  # with a class token
        ((9, 48), "last"),  # three times the channels
        ((48, 9), "first"),
        ((16, 3, 3), "first"),
        ((3, 3, 16), "last"),
        ((3, 3, 64), "last"),
        ((2, 9, 8), "first"),  # two heads of 8 features on both sides of the positions
        ((2, 9, 9), "first"),  # what two heads attend to
        ((9, 2, 8), "last"),
    ],
)
def test_the_sizes_before_a_layer_tell_its_axes_whatever_its_type(owner, shape, layout):
    assert Evidence([((16, 3, 3), "first")]).find("", owner, shape, 0) == (layout, True)


def test_a_layer_norm_over_the_width_of_maps_leaves_the_channels_first():
    assert Evidence([((2, 10, 9), "first")]).find("", nn.LayerNorm(9), (2, 10, 9), 0) == ("first", True)


def test_an_activation_keeps_the_axes_of_the_layer_before_it():
    evidence = Evidence([((8, 8, 8), "last")])
    assert evidence.find("", nn.GELU(), (8, 8, 8), 0) == ("last", True)


@pytest.mark.parametrize(
    ("roles", "found"),
    [
        ((NOTHING, CHANNEL, POSITION), ("first", True)),
        ((NOTHING, POSITION, CHANNEL), ("last", True)),
        ((NOTHING, NOTHING, NOTHING), ("first", False)),
    ],
)
def test_a_pass_is_asked_once_and_only_where_the_sizes_leave_it_open(roles, found):
    asked = []
    evidence = Evidence([((9, 3, 3), "first")], lambda: asked.append(1) or {"a": roles, "b": roles})
    evidence.find("", nn.Identity(), (3, 3, 9), 0)
    assert asked == []
    assert evidence.find("a", nn.Identity(), (9, 9), 0) == found
    assert evidence.find("b", nn.Identity(), (9, 9), 0) == found
    assert asked == [1]


def test_what_nothing_tells_is_in_the_order_of_the_axes_and_said_to_be_a_guess():
    assert Evidence().find("", nn.Identity(), (5, 7), 0) == ("first", False)
    assert Evidence().find("", nn.Linear(7, 7), (5, 7), 0) == ("last", False)


def test_a_number_that_is_both_channels_and_flattened_positions_does_not_tell_the_axes_of_maps():
    evidence = Evidence([((96, 24, 16), "first"), ((24, 16, 384), "last")])  # 24 x 16 = 384, and 12 x 8 = 96
    assert evidence.find("", nn.LayerNorm(384), (12, 8, 384), 0) == ("last", True)


def test_height_and_width_tell_more_than_a_number_that_agrees_with_flattened_positions():
    evidence = Evidence([((24, 12, 8), "first"), ((48, 6, 4), "first")])  # 12 x 8 = 96, and 6 x 4 = 24 channels
    assert evidence.find("", nn.Sequential(), (96, 6, 4), 0) == ("first", True)
    evidence = Evidence([((96, 24, 16), "first"), ((24, 6, 4), "first")])  # 24 x 16 = 384
    assert evidence.find("", nn.Linear(96, 384), (6, 4, 384), 0) == ("last", True)


def test_a_number_of_channels_that_agrees_by_chance_makes_no_maps_of_another_aspect():
    evidence = Evidence([((3, 96, 64), "first"), ((24, 16, 96), "last")])
    assert evidence.find("", nn.Linear(384, 768), (3, 2, 768), 0) == ("last", False)
    assert evidence.find("", nn.Identity(), (96, 12, 9), 0) == ("first", True)
