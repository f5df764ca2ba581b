"""Which channels know a class, and which say the same to all, on networks that are worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.evidence import by_class, knowing, saturated


class Channels(nn.Module):
    """Of an image whose pixels are all v: `a` is v, minus v, 0 and 7; `b` doubles them."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Identity(), nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.a(torch.cat([x, -x, 0 * x, 0 * x + 7], 1))
        return self.b(2 * a)


IMAGES = [(torch.full((1, 2, 2), float(at)), at // 20) for at in range(40)]  # 0 to 19 of class 0, 20 to 39 of class 1


@pytest.fixture(scope="module")
def scan() -> cw.Scan:
    return cw.scan(Channels(), IMAGES, ["a", "b"], progress=False)


def test_the_channels_of_all_layers_that_know_a_class_come_best_first(scan):
    best = knowing(scan, 1, "d_prime")
    # class 1 is 20 larger in the mean, both have the same deviation: (20**2 - 1) / 12
    apart = 20 / ((20**2 - 1) / 12) ** 0.5
    assert [(each.layer, each.channel) for each in best[:2]] == [("a", 0), ("b", 0)]
    assert best[0].value == pytest.approx(apart) and best[1].value == pytest.approx(apart)
    assert [(each.layer, each.channel) for each in knowing(scan, 0, "d_prime", 1)] == [("a", 1)]
    assert {each.value for each in best if each.channel > 1} == {0.0}


def test_a_class_without_images_is_known_by_none(scan):
    assert knowing(scan, 2) == []
    assert by_class(scan["a"], "roc_area").shape == (2, 4)
    with pytest.raises(ValueError, match="no measure 'auc'"):
        by_class(scan["a"], "auc")


def test_a_channel_that_says_the_same_to_all_is_saturated_and_a_dead_one_is_not(scan):
    assert saturated(scan["a"]).tolist() == [False, False, False, True]
    assert scan["a"].dead.tolist() == [False, False, True, False]


def test_one_image_in_ten_that_says_something_else_makes_it_no_longer_saturated():
    def scanned(others: int) -> cw.LayerScan:
        images = [torch.full((1, 1, 1), 0.0 if at < others else 5.5) for at in range(100)]
        return cw.scan(nn.Sequential(nn.ReLU6()), images, ["0"], seed=None, progress=False)["0"]

    assert saturated(scanned(4)).tolist() == [True] and saturated(scanned(10)).tolist() == [False]
