from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.color.scale import value_ranges
from cnnwidgets.render.mosaic.grid import Grid
from cnnwidgets.render.mosaic.rgb import rgb_mosaic, signed_rgb

LOUD = [255, 0, 255]


def test_zero_is_the_grey_in_the_middle_and_the_ends_are_black_and_full():
    values = np.array([-2.0, 0.0, 2.0], np.float32).reshape(1, 3, 1, 1)
    assert signed_rgb(values, [[-2, 2]]).tolist() == [[[[0, 128, 255]]]]
    assert signed_rgb(values, [[-4, 4]]).tolist() == [[[[64, 128, 191]]]]  # 127.5 - 63.75, 127.5 + 63.75
    assert signed_rgb(values, [[-1, 1]]).tolist() == [[[[0, 128, 255]]]]


def test_a_picture_keeps_its_hue_when_its_weights_are_scaled():
    values = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    values[1] = values[0] * 0.001
    pictures = signed_rgb(values, value_ranges(values, "map", symmetric=True))
    assert pictures.shape == (2, 4, 5, 3)
    assert np.array_equal(pictures[0], pictures[1])
    together = signed_rgb(values, value_ranges(values, "layer", symmetric=True))
    assert np.array_equal(together[0], pictures[0]) and (np.abs(together[1].astype(int) - 128) <= 1).all()


def test_a_nan_in_one_channel_makes_the_pixel_loud_and_leaves_the_others():
    values = np.zeros((1, 3, 1, 3))
    values[0, 1, 0, 0], values[0, 2, 0, 2] = np.nan, -np.inf
    assert signed_rgb(values, [[-1, 1]])[0, 0].tolist() == [LOUD, [128] * 3, LOUD]


def test_a_filter_of_zeros_is_grey():
    values = np.zeros((1, 3, 2, 2))
    assert (signed_rgb(values, value_ranges(values, "map", symmetric=True)) == 128).all()


@pytest.mark.parametrize("shape", [(1, 2, 4, 4), (3, 4, 4), (2, 3, 4, 4)])
def test_what_is_not_three_channels_with_a_range_each_is_refused(shape):
    with pytest.raises(ValueError, match=r"values must be \(N, 3, H, W\) with ranges \(N, 2\)"):
        signed_rgb(np.zeros(shape), [[-1, 1]])


def test_pictures_lie_on_a_transparent_ground():
    tiles = np.array([[[[1, 2, 3]]], [[[4, 5, 254]]], [[[7, 8, 9]]]], np.uint8)
    picture = rgb_mosaic(tiles, Grid(3, 1, 1, columns=2, gap=1))
    assert picture[::2, ::2, :3][[0, 0, 1], [0, 1, 0]].tolist() == [[1, 2, 3], [4, 5, 254], [7, 8, 9]]
    assert picture[..., 3].tolist() == [[255, 0, 255], [0, 0, 0], [255, 0, 0]]
