from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from cnnwidgets.compute.convolution.convolution import (
    explain_convolution,
    filter_of,
    gather,
    slide,
    taps,
    transposed_taps,
)

EDGE = [[0, 0, 1, 1]] * 4
DOWN = [[-1, 1], [-1, 1]]


def test_a_kernel_slides_over_an_image_as_worked_out_by_hand():
    assert slide(EDGE, DOWN).output.tolist() == [[0, 2, 0]] * 3
    assert slide(EDGE, DOWN, stride=2).output.tolist() == [[0, 0]] * 2
    assert slide(EDGE, DOWN, bias=0.5, dilation=2).output.tolist() == [[2.5, 2.5]] * 2
    assert slide(EDGE, DOWN, padding=1, stride=(2, 1)).output.tolist() == [
        [0, 0, 1, 0, -1],
        [0, 0, 2, 0, -2],
        [0, 0, 1, 0, -1],
    ]


def test_one_place_shows_patch_product_sum_and_cosine():
    here = slide([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, -1]]).at((1, 0))
    assert here.patch.tolist() == [[[4, 5], [7, 8]]]
    assert here.kernel.tolist() == [[[1, 0], [0, -1]]]
    assert here.product.tolist() == [[[4, 0], [0, -8]]]
    assert here.sums.tolist() == [-4] and here.result == here.value == -4
    assert here.positions == ((1, 2), (0, 1))
    assert here.cosine == pytest.approx(-4 / math.sqrt((16 + 25 + 49 + 64) * 2))


def test_the_cosine_is_1_where_patch_and_filter_point_the_same_way():
    diagonal = slide(3 * np.eye(4), np.eye(2))
    assert [round(diagonal.at((0, column)).cosine or 0, 9) for column in range(3)] == [1, 0, 0]
    assert slide(-np.eye(4), np.eye(2)).at((1, 1)).cosine == pytest.approx(-1)


def test_the_cosine_of_a_dark_patch_is_none():
    assert slide(EDGE, DOWN).at((0, 0)).cosine is None


def test_a_slide_draws_no_random_number_and_leaves_its_arguments_alone():
    image, before = torch.ones(3, 3), torch.get_rng_state()
    slide(image, image)
    assert torch.equal(torch.get_rng_state(), before) and torch.equal(image, torch.ones(3, 3))


def test_what_a_slide_prints_speaks_of_no_network():
    assert repr(slide(EDGE, DOWN).at((0, 1))).splitlines()[0] == "output at (0, 1)"
    assert "network" not in repr(slide(EDGE, DOWN).at((0, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1, 2], [3]], DOWN), "image must be a matrix of numbers"),
        ((EDGE, "kernel"), "kernel must be a matrix of numbers"),
        (([1, 2, 3], DOWN), r"image must have rows and columns, \(H, W\); got shape \(3,\)"),
        ((EDGE, np.zeros((5, 2))), "the kernel, 5 high, does not fit into the image, 4 high with its padding"),
    ],
)
def test_what_is_no_image_or_no_kernel_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        slide(*arguments)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"stride": 0}, "stride must be a whole number from 1 up, or two; got 0"),
        ({"padding": -1}, "padding must be a whole number from 0 up"),
        ({"dilation": (1, 2, 3)}, "dilation must be a whole number from 1 up"),
        ({"dilation": 4}, "the kernel, 5 high, does not fit"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        slide(EDGE, DOWN, **setting)


def test_a_place_outside_the_output_is_refused():
    with pytest.raises(IndexError, match=r"unit \(3, 0\) is out of range: a map of the output is 3 x 3"):
        slide(EDGE, DOWN).at((3, 0))


# ---------------------------------------------------------------------- along one axis


@pytest.mark.parametrize(
    ("mode", "sources"),
    [("zeros", (-1, -1, 0)), ("reflect", (2, 1, 0)), ("replicate", (0, 0, 0)), ("circular", (2, 3, 0))],
)
def test_each_padding_mode_reads_its_own_place(mode, sources):
    found = taps(0, 4, kernel=3, padding=2, mode=mode)
    assert found.positions == (-2, -1, 0) and found.sources == sources


def test_past_the_end_the_modes_mirror_that():
    assert taps(4, 4, kernel=2, mode="reflect").sources == (2, 1)
    assert taps(4, 4, kernel=2, mode="replicate").sources == (3, 3)
    assert taps(4, 4, kernel=2, mode="circular").sources == (0, 1)


def test_stride_and_dilation_spread_the_taps():
    assert taps(2, 20, kernel=3, stride=3, padding=1, dilation=2).positions == (5, 7, 9)


def test_a_transposed_convolution_reads_only_the_inputs_that_reach_the_output():
    # stride 2, kernel 3: output 4 gets input 2 by weight 0 and input 1 by weight 2; output 3 only input 1 by weight 1
    assert transposed_taps(4, 5, kernel=3, stride=2)[::2] == ((1, 2), (2, 0))
    assert transposed_taps(3, 5, kernel=3, stride=2)[::2] == ((1,), (1,))
    assert transposed_taps(1, 5, kernel=1, stride=2)[::2] == ((), ())


def test_gathering_reads_a_zero_where_there_is_nothing_even_beside_nan():
    values = torch.tensor([[[float("nan"), 2.0], [3.0, 4.0]]])
    assert gather(values, [(-1, 1), (1, -1)]).tolist() == [[[0, 0], [4, 0]]]


# ---------------------------------------------------------------------- against torch, on random settings


def everywhere(module: nn.Module, given: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """Every number of `output`, worked out again by `explain_convolution`."""
    again = torch.full_like(output, torch.nan)
    for channel, *unit in np.ndindex(*output.shape[1:]):
        again[(0, channel, *unit)] = explain_convolution(module, given, output, "x", channel, unit).result
    return again


SIDES = st.integers(4, 6)
FEW = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def convolutions(draw) -> tuple[nn.Conv2d, torch.Tensor]:
    mode = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    kernel, dilation = (draw(st.tuples(st.integers(1, 3), st.integers(1, 2))) for _ in range(2))
    same = draw(st.booleans())
    stride = 1 if same else draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = "same" if same else draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    groups = draw(st.sampled_from([1, 2, 4]))
    torch.manual_seed(draw(st.integers(0, 999)))
    module = nn.Conv2d(
        4, 4, kernel, stride, padding, dilation, groups, bias=draw(st.booleans()), padding_mode=mode, dtype=torch.double
    )
    return module, torch.randn(1, 4, draw(SIDES), draw(SIDES), dtype=torch.double)


@FEW
@given(convolutions())
def test_every_number_of_a_random_convolution_is_the_one_of_conv2d(setting):
    module, image = setting
    padded = image
    amount = module.padding
    if module.padding_mode != "zeros":
        padded = F.pad(image, module._reversed_padding_repeated_twice, mode=module.padding_mode)
        amount = 0
    output = F.conv2d(
        padded, module.weight, module.bias, module.stride, amount, module.dilation, module.groups
    ).detach()
    assert torch.allclose(everywhere(module, image, output), output, rtol=0, atol=1e-12)


@FEW
@given(st.data())
def test_every_number_of_a_random_transposed_convolution_is_the_one_of_torch(data):
    stride, groups = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2]))
    torch.manual_seed(data.draw(st.integers(0, 999)))
    module = nn.ConvTranspose2d(
        2,
        4,
        data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        stride=stride,
        padding=data.draw(st.integers(0, 1)),
        output_padding=stride - 1,
        groups=groups,
        dilation=data.draw(st.integers(stride, 3)),
        dtype=torch.double,
    )
    image = torch.randn(1, 2, 4, 3, dtype=torch.double)
    with torch.no_grad():
        output = module(image)
    assert torch.allclose(everywhere(module, image, output), output, rtol=0, atol=1e-12)


@FEW
@given(st.data())
def test_every_number_of_a_random_slide_is_the_one_of_conv2d(data):
    torch.manual_seed(data.draw(st.integers(0, 999)))
    image = torch.randn(data.draw(SIDES), data.draw(SIDES), dtype=torch.double)
    kernel = torch.randn(data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)), dtype=torch.double)
    stride, padding, dilation = (data.draw(st.integers(least, 2)) for least in (1, 0, 1))
    found = slide(image, kernel, stride=stride, padding=padding, dilation=dilation, bias=0.25)
    wanted = F.conv2d(image[None, None], kernel[None, None], None, stride, padding, dilation)[0, 0] + 0.25
    assert torch.allclose(found.output, wanted)
    again = torch.tensor([[found.at((r, c)).result for c in range(wanted.shape[1])] for r in range(wanted.shape[0])])
    assert torch.allclose(again.double(), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("module", "size"),
    [
        (nn.Conv1d(2, 3, 3, padding=1, padding_mode="reflect"), (5,)),
        (nn.Conv3d(2, 2, (1, 2, 2), stride=(1, 2, 1), groups=2), (2, 4, 3)),
        (nn.ConvTranspose1d(2, 3, 2, stride=2), (4,)),
        (nn.ConvTranspose3d(1, 1, 2, stride=(1, 2, 1)), (2, 2, 2)),
    ],
)
def test_one_and_three_dimensions_agree_with_torch(module, size):
    image = torch.randn(1, module.in_channels, *size)
    with torch.no_grad():
        output = module(image)
    assert torch.allclose(everywhere(module, image, output), output, atol=1e-6)


def test_an_unbatched_input_is_understood():
    module = nn.Conv2d(1, 1, 2)
    image = torch.randn(1, 3, 3)
    with torch.no_grad():
        output = module(image)
    found = explain_convolution(module, image, output, "x", 0, (1, 1))
    assert found.value == output[0, 1, 1].item() and found.agrees


def test_a_filter_of_a_group_reads_the_channels_of_its_group():
    grouped = nn.Conv2d(6, 4, 1, groups=2)
    inputs, weights = filter_of(grouped, 2)
    assert inputs == range(3, 6) and torch.equal(weights, grouped.weight[2])
    turned = nn.ConvTranspose2d(6, 4, 1, groups=2)
    inputs, weights = filter_of(turned, 3)
    assert inputs == range(3, 6) and torch.equal(weights, turned.weight[3:6, 1])


def test_an_output_that_no_input_reaches_is_its_bias():
    module = nn.ConvTranspose2d(1, 1, 1, stride=2, output_padding=1)
    image = torch.ones(1, 1, 2, 2)
    with torch.no_grad():
        output = module(image)
    found = explain_convolution(module, image, output, "x", 0, (1, 1))
    assert found.patch.numel() == 0 and found.result == found.value == pytest.approx(module.bias.item())
    assert found.cosine is None
