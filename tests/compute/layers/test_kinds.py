"""What an output is, where its channels are, and the maps as which it is drawn."""

from __future__ import annotations

import pytest
import torch

from cnnwidgets.compute.layers.kinds import as_maps, kind_of, planes, token_grid, tokens_off_grid


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((), "vector"),
        ((10,), "vector"),
        ((120, 1, 1), "vector"),
        ((197, 768), "tokens"),
        ((6, 28, 28), "maps"),
        ((6, 1, 28), "maps"),
        ((3, 8, 16, 16), "volume"),
        ((3, 2, 8, 16, 16), "volume"),
    ],
)
def test_the_number_of_axes_tells_the_kind(shape, kind):
    assert kind_of(shape) == kind


@pytest.mark.parametrize(
    ("tokens", "aspect", "grid"),
    [
        (197, 1, (1, 14, 14)),
        (196, 1, (0, 14, 14)),
        (50, 1, (1, 7, 7)),
        (198, 1, (2, 14, 14)),
        (201, 1, (5, 14, 14)),
        (200, 1, (4, 14, 14)),
        (4, 1, (0, 2, 2)),
        (129, 2, (1, 8, 16)),
        (128, 0.5, (0, 16, 8)),
        (3, 1, None),
        (193, 1, None),
    ],
)
def test_tokens_stand_on_a_grid_of_the_images_form(tokens, aspect, grid):
    assert token_grid(tokens, aspect) == grid


def test_a_vector_becomes_maps_of_one_pixel():
    assert as_maps(torch.tensor([3.0, 4.0]), "vector", "first").tolist() == [[[3]], [[4]]]
    assert as_maps(torch.tensor(5.0), "vector", "first").tolist() == [[[5]]]
    assert as_maps(torch.tensor([[[6.0]], [[7.0]]]), "vector", "first").tolist() == [[[6]], [[7]]]


def test_tokens_become_a_grid_for_each_feature_without_the_class_token():
    tokens = torch.tensor([[9.0, -9], [0, 10], [1, 11], [2, 12], [3, 13]])
    assert as_maps(tokens, "tokens", "last").tolist() == [[[0, 1], [2, 3]], [[10, 11], [12, 13]]]


def test_the_class_token_that_is_not_on_the_grid_is_told_apart():
    tokens = torch.tensor([[9.0, -9], [0, 10], [1, 11], [2, 12], [3, 13]])
    assert tokens_off_grid(tokens, "tokens", "last").tolist() == [[9, -9]]
    assert tokens_off_grid(tokens[1:], "tokens", "last").tolist() == []
    assert tokens_off_grid(tokens, "tokens", "first").tolist() == []
    assert tokens_off_grid(tokens[:, 0], "vector", "first").tolist() == []


def test_tokens_of_a_wide_image_become_a_wide_grid():
    tokens = torch.arange(8.0)[:, None]
    assert as_maps(tokens, "tokens", "last", aspect=2).tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7]]]


def test_tokens_that_form_no_grid_become_a_row_for_each_feature():
    tokens = torch.tensor([[0.0, 10], [1, 11], [2, 12]])
    assert as_maps(tokens, "tokens", "last").tolist() == [[[0, 1, 2]], [[10, 11, 12]]]


def test_a_signal_becomes_a_row_for_each_channel():
    signal = torch.tensor([[0.0, 1, 2], [10, 11, 12]])
    assert as_maps(signal, "tokens", "first").tolist() == [[[0, 1, 2]], [[10, 11, 12]]]


def test_maps_stay_and_those_with_channels_last_are_turned():
    maps = torch.arange(12.0).reshape(2, 2, 3)
    assert as_maps(maps, "maps", "first").tolist() == maps.tolist()
    assert as_maps(maps, "maps", "last").tolist() == [[[0, 3], [6, 9]], [[1, 4], [7, 10]], [[2, 5], [8, 11]]]


def test_a_slice_of_a_volume_is_chosen_by_its_plane():
    volume = torch.arange(2 * 3 * 1 * 2.0).reshape(2, 3, 1, 2)  # channels, depth, height, width
    assert as_maps(volume, "volume", "first", plane=0).tolist() == [[[0, 1]], [[6, 7]]]
    assert as_maps(volume, "volume", "first", plane=2).tolist() == [[[4, 5]], [[10, 11]]]
    assert planes(tuple(volume.shape), "volume", "first") == 3


def test_the_middle_axes_of_a_volume_are_counted_as_one():
    volume = torch.arange(2 * 2 * 3.0).reshape(1, 2, 2, 1, 3)
    assert planes(tuple(volume.shape), "volume", "first") == 4
    assert as_maps(volume, "volume", "first", plane=3).tolist() == [[[9, 10, 11]]]


def test_a_volume_with_channels_last_is_sliced_along_its_depth():
    volume = torch.arange(3 * 1 * 2 * 2.0).reshape(3, 1, 2, 2)  # depth, height, width, channels
    assert planes(tuple(volume.shape), "volume", "last") == 3
    assert as_maps(volume, "volume", "last", plane=1).tolist() == [[[4, 6]], [[5, 7]]]


def test_only_volumes_have_planes():
    assert planes((6, 28, 28), "maps", "first") == planes((10,), "vector", "first") == 1


@pytest.mark.parametrize(
    ("output", "expected", "dtype"),
    [
        (torch.tensor([3 + 4j]), 5.0, torch.float32),
        (torch.tensor([True]), 1.0, torch.float32),
        (torch.tensor([2.5], dtype=torch.float16), 2.5, torch.float32),
        (torch.tensor([2.5], dtype=torch.bfloat16), 2.5, torch.float32),
        (torch.tensor([2.5], dtype=torch.float64), 2.5, torch.float64),
        (torch.tensor([7]), 7, torch.int64),
    ],
)
def test_numbers_that_cannot_be_drawn_as_they_are_become_real_ones(output, expected, dtype):
    maps = as_maps(output, "vector", "first")
    assert (maps.item(), maps.dtype) == (expected, dtype)


def test_a_number_without_axes_is_a_vector_of_one_with_no_token_apart():
    loss = torch.tensor(0.5)
    assert kind_of(()) == "vector"
    assert as_maps(loss, "vector", "first").tolist() == [[[0.5]]]
    assert tokens_off_grid(loss, "vector", "first").tolist() == []


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_numbers_of_few_bits_are_drawn_in_single_precision(name):
    output = torch.tensor([[[1.0, 2.0]]]).to(getattr(torch, name))
    maps = as_maps(output, "maps", "first")
    assert maps.dtype == torch.float32 and maps.tolist() == [[[1.0, 2.0]]]
