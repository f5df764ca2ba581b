"""How far weights are apart, worked out by hand."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

import cnnwidgets as cw


def network() -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    with torch.no_grad():
        made[0].weight.copy_(torch.tensor([3.0, 4.0]).reshape(2, 1, 1, 1))
        made[0].bias.zero_()
    return made


def test_a_change_is_the_norm_of_the_difference_over_the_norm():
    before, after = network(), network()
    with torch.no_grad():
        after[0].weight[1] = 4.0 + 1.0  # 3, 4 -> 3, 5: 1 / 5 in all, 0 and 1 / 4 by channel
    found = cw.weight_changes(before, after)
    assert found["0"].relative == pytest.approx(0.2) and found["0"].channels.tolist() == [0.0, 0.25]
    assert found.ranking[0] == "0" and found["3"].relative == 0.0
    assert not found.same


def test_a_model_against_itself_or_a_copy_has_not_changed():
    model = network()
    assert cw.weight_changes(model, model).same and cw.weight_changes(model, copy.deepcopy(model)).same


def test_running_statistics_are_told_beside_the_weights():
    before, after = network(), network()
    after[1].running_mean += 1  # from (0, 0, 1, 1): sqrt(2) / sqrt(2)
    change = cw.weight_changes(before, after)["1"]
    assert change.relative == 0.0 and change.buffers == pytest.approx(1.0)
    assert not cw.weight_changes(before, after).same


def test_precision_wrappers_and_nan_are_no_obstacle():
    model = network()
    half = copy.deepcopy(model).half()
    assert cw.weight_changes(nn.DataParallel(model), half)["3"].relative < 1e-3
    with torch.no_grad():
        half[3].weight[0, 0] = torch.nan
    found = cw.weight_changes(model, half)
    assert math.isnan(found["3"].relative) and found.ranking[0] == "3"


def test_layers_without_a_partner_are_named():
    other = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    found = cw.weight_changes(network(), other)
    assert found.only_a == ("3",) and found.only_b == ("3",) and "3" not in found
    moved = nn.Sequential(nn.Identity(), *other)
    assert [(each.layer, each.partner, each.how) for each in cw.weight_changes(other, moved).values()] == [
        ("0", "1", "order"), ("1", "2", "order"), ("3", "4", "order"),
    ]  # fmt: skip


def test_from_zero_every_change_is_infinite():
    before, after = nn.Linear(2, 1), nn.Linear(2, 1)
    nn.init.zeros_(before.weight), nn.init.zeros_(before.bias)
    assert math.isinf(
        cw.weight_changes(before, after).ranking and next(iter(cw.weight_changes(before, after).values())).relative
    )
