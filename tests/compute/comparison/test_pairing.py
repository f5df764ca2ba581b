"""Which layer stands beside which."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.comparison import pair_layers

IMAGE = torch.zeros(1, 4, 4)


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3)
        self.act = nn.ReLU()
        self.extra = nn.Conv2d(2, 5, 1)

    def forward(self, x):
        return self.extra(self.act(self.first(x)))


def table(model: nn.Module) -> cw.LayerTable:
    return cw.layer_table(model, IMAGE, operations=False)


def test_layers_of_the_same_name_stand_beside_each_other():
    found = pair_layers(table(Named()), table(Named()))
    assert [(pair.a, pair.b, pair.how) for pair in found][:2] == [("first", "first", "name"), ("act", "act", "name")]
    assert found.only_a == found.only_b == ()


def test_other_names_are_paired_by_order_and_shape_and_the_rest_is_said():
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 3, 1))
    found = pair_layers(table(Named()), table(other))
    assert [(pair.a, pair.b, pair.how) for pair in found][:2] == [("first", "0", "order"), ("act", "1", "order")]
    assert found.partner("extra") is None and "extra" in found.only_a and "2" in found.only_b
    assert "by order and shape" in found.words and "in the first only" in found.words


def test_a_pair_by_hand_comes_first():
    found = pair_layers(table(Named()), table(Named()), {"first": "extra"})
    pair = found.partner("first")
    assert pair is not None and (pair.b, pair.how) == ("extra", "hand")
    with pytest.raises(LookupError, match="frist"):
        pair_layers(table(Named()), table(Named()), {"frist": "extra"})


def test_the_number_of_a_layer_in_a_sequence_is_a_name_only_where_the_shape_is_the_same():
    one = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 3, 1), nn.ReLU())
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 1), nn.ReLU(), nn.Conv2d(2, 3, 1), nn.ReLU())
    found = pair_layers(table(one), table(other))
    assert [(pair.a, pair.b, pair.how) for pair in found] == [
        ("0", "0", "name"), ("1", "1", "name"), ("2", "4", "order"), ("3", "5", "order")
    ]  # fmt: skip
    assert found.only_b == ("2", "3")
    wider = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    assert [pair.how for pair in pair_layers(table(one), table(wider))] == ["name", "name"]  # nothing else is there
