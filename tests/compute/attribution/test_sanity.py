"""The sanity check: weights drawn anew, in a copy."""

from __future__ import annotations

import math
import threading
import warnings

import pytest
import torch
from torch import nn

from cnnwidgets.compute.attribution.attribution import attributions
from cnnwidgets.compute.attribution.sanity import randomized, rank_correlation


def network():
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(True), nn.Flatten(), nn.Linear(64, 3)]
    model = nn.Sequential(*layers).eval()
    with torch.no_grad():
        model[1].running_mean.fill_(0.1)
        model[1].weight.fill_(7.0)
    return model


def test_every_weight_is_another_and_running_means_begin_anew(watched):
    model = network()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    before = watched(model)
    copy = randomized(model)
    assert watched(model) == before
    for old, new in zip(model.parameters(), copy.parameters(), strict=True):
        assert new.grad is None
        assert (not torch.equal(old, new)) or old.eq(0).all()
    assert copy[1].running_mean.tolist() == [0.0] * 4
    assert copy[1].weight.tolist() == [1.0] * 4


def test_the_seed_says_which_weights():
    one, same, other = (randomized(network(), seed)[0].weight for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


@pytest.mark.parametrize("norm", [nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm])
def test_weights_that_are_computed_are_drawn_anew_too(norm):
    model = nn.Sequential(norm(nn.Linear(4, 3)))
    before = model[0].weight.detach().clone()
    assert not torch.allclose(randomized(model)[0].weight, before)


def test_parameters_that_no_layer_resets_keep_their_mean_and_deviation():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(3 + 2 * torch.randn(10_000))

        def forward(self, x):
            return x + self.token.sum()

    torch.manual_seed(0)
    model = Own()
    token = randomized(model).token.detach()
    assert not torch.equal(token, model.token)
    assert (float(token.mean()), float(token.std())) == pytest.approx((3, 2), abs=0.1)


def test_a_model_that_cannot_be_copied_says_why():
    model = network()
    model.lock = threading.Lock()
    with pytest.raises(TypeError, match=r"needs a copy of Sequential, which cannot be copied .*lock"):
        randomized(model)


def test_rank_correlation_looks_at_the_order_alone():
    one = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert rank_correlation(one, one.exp()) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert rank_correlation(one, torch.tensor([[2.0, 1.0], [4.0, 3.0]])) == pytest.approx(0.6)  # 1 - 6 * 4 / (4 * 15)
    assert math.isnan(rank_correlation(one, torch.zeros(2, 2)))


def test_rank_correlation_gives_equal_pixels_their_mean_rank():
    ties, other = torch.tensor([1.0, 1.0, 2.0, 3.0]), torch.tensor([2.0, 1.0, 3.0, 4.0])
    assert rank_correlation(ties, other) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)  # ranks 1.5, 1.5, 3, 4


@pytest.mark.parametrize("one", [[float("nan"), 1.0, 2.0], [float("nan")] * 3, [5.0, 5.0, 5.0], [], [1.0]], ids=str)
def test_rank_correlation_is_nan_without_an_order_and_warns_of_nothing(one):
    values = torch.tensor(one)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(rank_correlation(values, torch.arange(len(one), dtype=torch.float)))
        assert math.isnan(rank_correlation(torch.arange(len(one), dtype=torch.float), values))


def test_rank_correlation_is_the_same_with_whole_numbers_and_infinite_ones():
    assert rank_correlation(torch.tensor([1, 2, 3]), torch.tensor([1.0, 2.0, float("inf")])) == pytest.approx(1)


def test_maps_of_different_sizes_have_no_rank_correlation():
    with pytest.raises(ValueError, match="the same shape, not 2 x 2 and 3 x 3"):
        rank_correlation(torch.zeros(2, 2), torch.zeros(3, 3))


def test_the_gradient_of_other_weights_is_another_map():
    model, image = network(), torch.randn(1, 1, 4, 4)
    maps = [attributions(each, image, target=0).maps[0] for each in (model, randomized(model))]
    assert abs(rank_correlation(*maps)) < 0.9
