from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets.compute.convolution import layer_pass, slide, whole_map, whole_slide

IMAGE = torch.arange(32.0).reshape(2, 4, 4)


def whole(layer: nn.Module, channel: int = 0, image: torch.Tensor = IMAGE):
    return whole_map(layer_pass(nn.Sequential(layer), image, "0"), channel)


def test_the_group_of_a_map_its_weights_and_its_windows_are_found():
    layer = nn.Conv2d(2, 2, 3, padding=1, groups=2)
    found = whole(layer, 1)
    assert (found.kind, found.inputs, found.bias) == ("convolution", range(1, 2), float(layer.bias[1].detach()))
    assert torch.equal(found.given, IMAGE[1:]) and torch.equal(found.kernel, layer.weight[1])
    assert found.axes[0][0].positions == (-1, 0, 1) and found.axes[0][0].sources == (-1, 0, 1)
    assert found.output.shape == (4, 4)


def test_the_tolerance_is_that_of_one_number():
    passed = layer_pass(nn.Sequential(nn.Conv2d(2, 1, 2)), IMAGE, "0")
    e = passed.explain(0, (1, 1))
    size = float(e.product.abs().sum()) + abs(e.bias)
    assert whole_map(passed, 0).slack * size == pytest.approx(e.tolerance, rel=1e-12)


def test_a_mean_says_what_each_window_is_divided_by():
    found = whole(nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False))
    assert found.kind == "mean" and found.counted == ([2, 3], [2, 3])
    assert whole(nn.AvgPool2d(2, divisor_override=7)).counted == ([7, 7], [1, 1])
    assert whole(nn.MaxPool2d(2)).kind == "maximum" and whole(nn.MaxPool2d(2)).counted is None


def test_what_a_layer_puts_around_its_input_is_part_of_it():
    found = whole(nn.Conv2d(2, 1, 3, padding=1, padding_mode="reflect"))
    assert found.given.shape == (2, 6, 6) and found.before == (1, 1)
    assert found.axes[1][0].positions == (-1, 0, 1) and found.axes[1][0].sources == (0, 1, 2)


@pytest.mark.parametrize(
    "layer", [nn.ReLU(), nn.BatchNorm2d(2), nn.Linear(4, 2), nn.ConvTranspose2d(2, 1, 1, stride=2)]
)
def test_there_is_none_where_no_window_of_maps_is_read(layer):
    assert whole(layer) is None


def test_there_is_none_for_numbers_that_float32_does_not_hold():
    assert whole(nn.Conv2d(2, 1, 2).double(), image=IMAGE.double()) is None


def test_a_slide_has_its_own_numbers_in_float64():
    found = whole_slide(slide([[0.1, 2], [3, 4]], [[1, 0.5]], bias=2))
    assert found.output.dtype == torch.float64 and found.output.tolist() == [[3.1], [7.0]]
    assert (found.checked, found.bias, found.kernel.tolist()) == (False, 2.0, [[[1.0, 0.5]]])
