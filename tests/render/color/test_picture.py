from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.color.picture import to_picture

NAN, INF = np.nan, np.inf
MAGENTA = [255, 0, 255]


def column(*channels: float) -> np.ndarray:
    """An image of one pixel."""
    return np.array(channels, np.float32).reshape(-1, 1, 1)


def test_one_channel_is_grey() -> None:
    picture = to_picture(np.array([[[0.0, 0.5, 1.0]]], np.float32))
    assert picture.pixels.tolist() == [[[0, 0, 0], [128, 128, 128], [255, 255, 255]]]
    assert (picture.vmin, picture.vmax, picture.rescaled) == (0, 1, False)


def test_three_channels_are_red_green_and_blue() -> None:
    assert to_picture(column(1, 0.2, 0)).pixels.tolist() == [[[255, 51, 0]]]


def test_four_channels_are_laid_on_grey_by_their_opacity() -> None:
    assert to_picture(column(1, 0, 0, 1)).pixels.tolist() == [[[255, 0, 0]]]
    assert to_picture(column(1, 0, 0, 0)).pixels.tolist() == [[[128, 128, 128]]]
    assert to_picture(column(1, 0, 0, 0.5)).pixels.tolist() == [[[191, 64, 64]]]  # 0.75, 0.25 of 255


def test_two_or_many_channels_show_their_mean() -> None:
    assert to_picture(column(0.2, 0.6)).pixels.tolist() == [[[102, 102, 102]]]
    assert to_picture(column(0, 0, 0, 0, 1)).pixels.tolist() == [[[51, 51, 51]]]


def test_four_channels_out_of_range_are_no_colours_but_a_mean() -> None:
    image = np.array([[[0, -4]], [[0, 0]], [[0, 0]], [[8, 0]]], np.float32)  # means 2 and -1
    picture = to_picture(image)
    assert picture.pixels[0, :, 0].tolist() == [255, 0]
    assert (picture.vmin, picture.vmax, picture.rescaled) == (-1, 2, True)


def test_bytes_are_shown_as_they_are() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    picture = to_picture(levels)
    assert (picture.pixels == levels[0, :, :, None]).all()
    assert (picture.vmin, picture.vmax, picture.rescaled) == (0, 255, False)


def test_other_integers_are_bytes_while_they_fit() -> None:
    assert to_picture(np.array([[[7, 255]]])).pixels[0, :, 0].tolist() == [7, 255]
    assert to_picture(np.array([[[0, 1000]]])).pixels[0, :, 0].tolist() == [0, 255]


def test_false_and_true_are_black_and_white() -> None:
    assert to_picture(np.array([[[False, True]]])).pixels[0, :, 0].tolist() == [0, 255]


def test_floats_outside_zero_to_one_are_mapped_over_all_channels_alike() -> None:
    picture = to_picture(column(-2, 0, 3))
    assert picture.pixels.tolist() == [[[0, 102, 255]]]
    assert (picture.vmin, picture.vmax, picture.rescaled) == (-2, 3, True)


def test_a_hair_outside_zero_to_one_is_clipped() -> None:
    picture = to_picture(column(-0.0005, 0.5, 1.0005))
    assert picture.pixels.tolist() == [[[0, 128, 255]]]
    assert not picture.rescaled


@pytest.mark.parametrize(("value", "grey"), [(0.0, 0), (0.4, 102), (5.0, 255), (-5.0, 0)])
def test_a_constant_image_is_a_plain_one(value: float, grey: int) -> None:
    assert np.unique(to_picture(np.full((3, 2, 2), value)).pixels).tolist() == [grey]


def test_pixels_that_are_not_finite_are_loud() -> None:
    image = np.array([[[NAN, 0.2, 1]], [[0, 0.2, 1]], [[0, 0.2, -INF]]], np.float32)
    assert to_picture(image).pixels.tolist() == [[MAGENTA, [51, 51, 51], MAGENTA]]
    assert np.isnan(image[0, 0, 0])


def test_broken_pixels_do_not_stretch_the_range() -> None:
    picture = to_picture(np.array([[[NAN, 2, 4, INF]]], np.float32))
    assert picture.pixels.tolist() == [[MAGENTA, [0, 0, 0], [255, 255, 255], MAGENTA]]
    assert (picture.vmin, picture.vmax) == (2, 4)


def test_an_image_without_a_finite_pixel_is_loud_all_over() -> None:
    assert to_picture(np.full((2, 1, 2), NAN)).pixels.tolist() == [[MAGENTA, MAGENTA]]


@pytest.mark.parametrize("shape", [(4, 4), (1, 3, 4, 4), (3, 0, 4)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(C, H, W\)"):
        to_picture(np.zeros(shape))
