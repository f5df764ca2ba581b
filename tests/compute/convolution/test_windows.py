from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets.compute.convolution.explain import layer_pass
from cnnwidgets.compute.convolution.windows import nearest, windows


def positions(module: nn.Module, size: int, count: int) -> list[tuple[int, ...]]:
    rows, _ = windows(module, (size, size), (count, count))
    return [tap.positions for tap in rows]


def test_windows_of_a_convolution_reach_into_the_padding():
    assert positions(nn.Conv2d(1, 1, 3, padding=1, stride=2), 5, 3) == [(-1, 0, 1), (1, 2, 3), (3, 4, 5)]


def test_windows_of_pooling_lie_inside():
    assert positions(nn.AdaptiveAvgPool2d(2), 5, 2) == [(0, 1, 2), (2, 3, 4)]


def test_a_place_that_is_changed_by_itself_reads_itself():
    assert positions(nn.BatchNorm2d(1), 3, 3) == [(0,), (1,), (2,)]


def test_the_nearest_window_is_the_one_with_its_middle_there():
    rows, _ = windows(nn.Conv2d(1, 1, 3, stride=2), (7, 7), (3, 3))
    assert [nearest(rows, place) for place in range(7)] == [0, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(2, 2, 3, padding=2, dilation=2),
        nn.ConvTranspose2d(2, 2, 3, stride=2),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AvgPool2d(3, 2, padding=1),
        nn.BatchNorm2d(2),
        nn.Conv1d(2, 2, 3, padding=1),
    ],
)
def test_windows_are_those_of_explain(module):
    image = torch.rand(1, 2, 7) if isinstance(module, nn.Conv1d) else torch.rand(1, 2, 7, 6)
    passed = layer_pass(nn.Sequential(module, nn.Identity()), image, "0")
    for unit in [(0,) * (image.ndim - 2), tuple(size - 1 for size in passed.output.shape[2:])]:
        found = passed.explain(1, unit).positions
        assert found == tuple(taps[at].positions for taps, at in zip(passed.windows, unit, strict=True))
