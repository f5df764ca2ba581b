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


def test_a_complex_layer_is_no_partner_of_a_real_one_and_its_phase_counts():
    real, turned = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2).to(torch.complex64))
    found = cw.weight_changes(turned, real)
    assert (len(found), found.only_a, found.only_b) == (0, ("0",), ("0",))
    after = copy.deepcopy(turned)
    with torch.no_grad():
        after[0].weight.mul_(1j), after[0].bias.mul_(1j)
    assert cw.weight_changes(turned, after)["0"].relative == pytest.approx(2**0.5)  # |i − 1|


def test_another_view_of_the_same_memory_is_not_the_same_weight():
    before, after = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    before.weight.data = torch.tensor([[0.0, 3.0], [4.0, 0.0]])
    after.weight = nn.Parameter(before.weight.data.t())  # 3 and 4 change places: sqrt(2) / 5
    assert cw.weight_changes(before, after).ranking
    assert next(iter(cw.weight_changes(before, after).values())).relative == pytest.approx(2**0.5 / 5)


class Held(nn.Module):
    """A single weight in any form."""

    def __init__(self, values: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(values, requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize("form", ["quantised", "sparse", "csr", "mkldnn", "bfloat16", "float64"])
def test_weights_in_another_form_are_compared_by_their_numbers(form):
    dense = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    kept = {
        "quantised": lambda: torch.quantize_per_tensor(dense, 0.5, 0, torch.qint8),
        "sparse": dense.to_sparse,
        "csr": dense.to_sparse_csr,
        "mkldnn": dense.to_mkldnn,
        "bfloat16": dense.bfloat16,
        "float64": dense.double,
    }[form]()
    with torch.no_grad():
        for one, other, expected in (
            (Held(kept), Held(2 * dense), 1.0),
            (Held(2 * dense), Held(kept), 0.5),
            (Held(kept), Held(kept.clone()), 0.0),
        ):
            (change,) = cw.weight_changes(one, other).values()
            assert change.relative == pytest.approx(expected)


def test_a_change_below_single_precision_is_a_change():
    (change,) = cw.weight_changes(Held(torch.ones(1)), Held(torch.ones(1).double() + 1e-12)).values()
    assert change.relative == pytest.approx(1e-12, rel=1e-3)


def test_what_has_no_numbers_is_refused_by_the_name_of_its_network():
    half = network()
    half[3].to("meta")
    with pytest.raises(ValueError, match=r"layer '3' of B \(Sequential\) are on the meta device"):
        cw.weight_changes(network(), half)
    with pytest.raises(ValueError, match=r"A \(Sequential\): .*meta device"):
        cw.weight_changes(network().to("meta"), network())
    with pytest.raises(ValueError, match=r"B \(Sequential\): .*lazy"):
        cw.weight_changes(network(), nn.Sequential(nn.LazyLinear(3)))
    with pytest.raises(TypeError, match=r"B \(int\): .*not int"):
        cw.weight_changes(network(), 3)
