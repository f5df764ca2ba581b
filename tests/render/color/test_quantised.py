"""Codes of 16 bits, and maps at a smaller size."""

from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.color import NAN, NEGATIVE, POSITIVE, Quantised, reduced, to_uint8, value_ranges


def test_a_code_is_within_half_a_step_of_its_value_and_a_map_has_65_531_steps():
    maps = np.random.default_rng(0).standard_normal((3, 20, 20)).astype(np.float32)
    found = Quantised.of(maps)
    assert found.codes.dtype == np.uint16
    assert found.step == pytest.approx((maps.max((1, 2)) - maps.min((1, 2))) / 65_531)
    assert (np.abs(found.values() - maps) <= 0.51 * found.step[:, None, None]).all()


def test_nothing_finite_is_taken_for_something_else():
    maps = np.array([[[np.nan, np.inf, -np.inf, 1, 2]], [[np.nan] * 5]])
    found = Quantised.of(maps)
    assert found.codes[0, 0].tolist() == [NAN, POSITIVE, NEGATIVE, 0, 65_531]
    assert (found.codes[1] == NAN).all()
    np.testing.assert_array_equal(found.values(), maps)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.int64])
def test_integers_of_a_narrow_range_are_exact(dtype):
    maps = np.arange(-20, 20).astype(dtype).reshape(1, 5, 8)
    np.testing.assert_array_equal(Quantised.of(maps).values(), maps)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_zero_and_a_map_of_one_value_are_exact(dtype):
    maps = np.array([[[-0.7, 0, 3]], [[5, 5, 5]], [[-2, -2, -2]]], dtype)
    values = Quantised.of(maps).values()
    assert values[0, 0, 1] == 0
    np.testing.assert_array_equal(values[1:], maps[1:])


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e-38, 1e38, 1.7e308])
def test_the_smallest_and_the_largest_numbers_keep_their_order(size):
    maps = size * np.linspace(-1, 1, 101).reshape(1, 1, -1)
    values = Quantised.of(maps).values()
    assert np.isfinite(values).all() and (np.diff(values / 2) >= 0).all()
    assert values / 2 == pytest.approx(maps / 2, abs=max(size / 30_000, 1e-322))


@pytest.mark.parametrize("scale", ["map", "layer", (-0.5, 0.5)])
def test_a_picture_of_codes_is_at_most_one_level_off_and_that_rarely(scale):
    maps = np.random.default_rng(1).standard_normal((4, 60, 60)).astype(np.float32)
    ranges = value_ranges(maps, scale)
    exact, coded = (to_uint8(each, ranges).astype(int) for each in (maps, Quantised.of(maps).values()))
    assert np.abs(exact - coded).max() <= 1
    assert (exact != coded).mean() < 0.03


def test_a_smaller_map_has_the_means():
    maps = np.arange(20.0).reshape(1, 4, 5)
    assert reduced(maps, 2, 3).tolist() == [[[2.5, 4.0, 6.0], [12.5, 14.0, 16.0]]]
    assert reduced(np.array([[[True, False], [True, True]]]), 1, 1).tolist() == [[[0.75]]]
    assert reduced(np.array([[[200, 250], [200, 250]]], np.uint8), 1, 1).tolist() == [[[225]]]


def test_what_is_not_finite_stays_seen_in_a_smaller_map():
    maps = np.ones((1, 4, 4), np.float32)
    maps[0, 0, 0], maps[0, 3, 3] = np.nan, np.inf
    assert np.isnan(reduced(maps, 2, 2)[0, 0, 0]) and reduced(maps, 2, 2)[0, 1, 1] == np.inf
    assert reduced(maps, 2, 2)[0, 0, 1] == 1
