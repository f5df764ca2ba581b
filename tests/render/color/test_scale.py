from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cnnwidgets.render.color.scale import NONFINITE, Range, share_beyond, to_uint8, value_range, value_ranges

NAN, INF = np.nan, np.inf


@pytest.fixture(autouse=True)
def every_warning_is_an_error() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_the_range_is_minimum_and_maximum() -> None:
    assert value_range([[3, -1], [2, 7]]) == (-1, 7)


def test_the_range_leaves_out_nan_and_infinities() -> None:
    assert value_range([NAN, 2, -INF, 5, INF]) == (2, 5)


@pytest.mark.parametrize(("values", "expected"), [([-1, 4], (-4, 4)), ([-6, 4], (-6, 6)), ([0, 0], (-1, 1))])
def test_a_symmetric_range_has_zero_in_the_middle(values: list[int], expected: tuple[int, int]) -> None:
    assert value_range(values, symmetric=True) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3, 3], (0, 3)), ([-3, -3], (-3, 0)), ([0, 0], (0, 1)), ([NAN, INF], (0, 1)), ([], (0, 1))],
)
def test_the_range_is_never_empty(values: list[float], expected: tuple[int, int]) -> None:
    assert value_range(values) == expected


def test_a_range_is_signed_when_it_reaches_below_zero() -> None:
    assert Range(-1, 2).signed
    assert Range(-2, -1).signed
    assert not Range(0, 2).signed


def test_complex_values_are_refused_by_their_dtype() -> None:
    with pytest.raises(TypeError, match="complex128"):
        value_range([1j])


MAPS = np.array([[[0, 4], [1, 2]], [[-8, 0], [0, 0]]], np.float32)


def test_scale_map_gives_each_map_its_own_range() -> None:
    assert value_ranges(MAPS, "map").tolist() == [[0, 4], [-8, 0]]
    assert value_ranges(MAPS, "map", symmetric=True).tolist() == [[-4, 4], [-8, 8]]


def test_scale_layer_gives_all_maps_one_range() -> None:
    assert value_ranges(MAPS, "layer").tolist() == [[-8, 4], [-8, 4]]
    assert value_ranges(MAPS, "layer", symmetric=True).tolist() == [[-8, 8], [-8, 8]]


def test_a_pair_is_taken_as_it_is() -> None:
    assert value_ranges(MAPS, (-1, 2.5), symmetric=True).tolist() == [[-1, 2.5], [-1, 2.5]]


def test_a_broken_map_leaves_the_ranges_of_the_others_alone() -> None:
    maps = np.array([[[1, 2]], [[NAN, INF]], [[NAN, 5]]], np.float32)
    assert value_ranges(maps, "map").tolist() == [[1, 2], [0, 1], [0, 5]]
    assert value_ranges(maps, "layer").tolist() == [[1, 5]] * 3


@pytest.mark.parametrize("scale", [(2, 1), (1, 1), (0, INF), (NAN, 1), (0, 1, 2), (None, 1), None])
def test_a_bad_pair_is_refused_by_name(scale: Any) -> None:
    with pytest.raises(ValueError, match="vmin < vmax"):
        value_ranges(MAPS, scale)


def test_an_unknown_scale_is_refused_with_those_allowed() -> None:
    with pytest.raises(ValueError, match=r"'maps'.*'map', 'layer'"):
        value_ranges(MAPS, "maps")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16, np.int64, np.uint8])
def test_values_become_the_nearest_of_254_levels(dtype: type) -> None:
    values: np.ndarray = np.array([[[0, 1, 2, 5, 10]]], dtype)  # 253 / 10 a unit: 0, 25.3, 50.6, 126.5, 253
    assert to_uint8(values, [[0, 10]]).tolist() == [[[0, 25, 51, 127, 253]]]


def test_false_and_true_are_the_two_ends() -> None:
    assert to_uint8(np.array([[False, True]]), value_ranges(np.array([[False, True]]))).tolist() == [[0, 253]]


def test_each_map_is_scaled_by_its_own_range() -> None:
    assert to_uint8(MAPS, [[0, 4], [-8, 8]]).tolist() == [[[0, 253], [63, 127]], [[0, 127], [127, 127]]]


def test_values_outside_the_range_are_clipped() -> None:
    assert to_uint8([[-1e30, -0.1, 1.1, 1e30]], [[0, 1]]).tolist() == [[0, 0, 253, 253]]


def test_nan_and_infinities_have_an_index_of_their_own() -> None:
    assert to_uint8([[NAN, 0, INF, 1, -INF]], [[0, 1]]).tolist() == [[NONFINITE, 0, NONFINITE, 253, NONFINITE]]


def test_an_empty_range_gives_the_middle_level() -> None:
    assert to_uint8(np.array([[3, -INF, 3]], np.float32), [[3, 3]]).tolist() == [[127, NONFINITE, 127]]


@pytest.mark.parametrize(
    ("dtype", "vmin", "vmax"),
    [
        (np.float32, -3.4e38, 3.4e38),
        (np.float32, 0, 1e-45),
        (np.float64, -1.7e308, 1.7e308),
        (np.float64, 0, 5e-324),
        (np.float32, 1000, 1000.001),
        (np.int64, -(2**62), 2**62),
    ],
)
def test_extreme_ranges_reach_both_ends_without_a_warning(dtype: type, vmin: float, vmax: float) -> None:
    maps: np.ndarray = np.array([[vmin, vmax]], dtype)
    ranges = value_ranges(maps)
    assert ranges.tolist() == [[float(maps[0, 0]), float(maps[0, 1])]]
    assert to_uint8(maps, ranges).tolist() == [[0, 253]]


def test_the_largest_double_is_clipped_by_a_small_range() -> None:
    assert to_uint8([[1.7e308, -1.7e308]], [[1e-300, 2e-300]]).tolist() == [[253, 0]]


def test_scaling_leaves_its_arguments_alone() -> None:
    maps, ranges = np.array([[1.0, NAN]], np.float32), np.array([[0.0, 2.0]])
    assert to_uint8(maps, ranges).tolist() == [[127, NONFINITE]]
    assert maps[0, 0] == 1 and np.isnan(maps[0, 1]) and ranges.tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([[0, 1]], r"\(1, 2\) for 2 maps"),
        ([[0, 1], [1, 0]], r"got \[1\.0, 0\.0\]"),
        ([[0, 1], [0, NAN]], "finite"),
    ],
)
def test_ranges_that_do_not_fit_are_refused(ranges: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_uint8(MAPS, ranges)


# ---------------------------------------------------------------------- what lies far out


def spiky(*, lowest: float = -1.0) -> np.ndarray:
    """4 maps of 50 x 50, evenly spread from `lowest` to 1, save for 20 values of 100 (0.2 %)."""
    maps = np.linspace(lowest, 1, 10_000, dtype=np.float32).reshape(4, 50, 50)
    maps[0, :2, :10] = 100.0
    return maps


def test_a_layers_range_covers_most_values_and_not_a_few_that_are_far_out():
    (low, high), *_ = value_ranges(spiky(), "layer", symmetric=True).tolist()
    assert low == -high and 0.95 < high <= 1
    assert value_ranges(spiky(), "layer-full", symmetric=True).tolist() == [[-100, 100]] * 4
    assert value_ranges(spiky(), "map", symmetric=True)[0].tolist() == [-100, 100]  # of one map all is seen


def test_as_many_values_lie_beyond_as_is_promised():
    maps = np.random.default_rng(0).standard_normal((64, 112, 112)).astype(np.float32) ** 3
    for signed in (maps, np.abs(maps), -np.abs(maps)):
        for symmetric in (True, False):
            beyond = share_beyond(signed, value_ranges(signed, "layer", symmetric=symmetric))
            assert 0.004 < beyond < 0.006
            assert share_beyond(signed, value_ranges(signed, "layer-full", symmetric=symmetric)) == 0


def test_only_the_far_end_of_values_of_one_sign_is_cut_off():
    (low, high), *_ = value_ranges(spiky(lowest=0.0), "layer").tolist()
    assert low < 0.01 and 0.95 < high <= 1


def test_zeros_behind_a_relu_do_not_make_all_other_values_exceptions():
    maps = np.zeros((8, 100, 100), np.float32)
    maps[0, :20, :20] = np.linspace(1, 2, 400).reshape(20, 20)  # 0.5 % of all, and all there is to see
    assert value_ranges(maps, "layer").tolist() == [[0, 2]] * 8


def test_a_range_that_would_hardly_be_narrower_is_left_whole():
    maps = np.linspace(-1, 1, 10_000).reshape(4, 50, 50)
    assert value_ranges(maps, "layer", symmetric=True).tolist() == [[-1, 1]] * 4


def test_of_few_values_and_of_vectors_nothing_is_cut_off():
    few = np.ones((1, 10, 10))
    few[0, 0, 0] = 100
    vector = np.ones((4096, 1, 1))
    vector[7] = 100
    for maps in (few, vector):
        assert value_ranges(maps, "layer").max() == 100


def test_values_that_are_not_finite_neither_widen_the_range_nor_lie_beyond_it():
    maps = spiky()
    maps[1, 0] = np.inf
    maps[2, 0] = np.nan
    ranges = value_ranges(maps, "layer", symmetric=True)
    assert 0.95 < ranges[0, 1] <= 1
    assert 0.0019 < share_beyond(maps, ranges) < 0.0055


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32, np.uint8])
def test_every_kind_of_number_has_a_covering_range(dtype):
    maps = np.zeros((4, 50, 50))
    maps[:, :, ::2] = 3
    maps[0, 0, :10] = 200
    assert value_ranges(maps.astype(dtype), "layer").tolist() == [[0, 3]] * 4
    assert share_beyond(maps.astype(dtype), np.array([[0.0, 3.0]] * 4)) == 10 / 10_000


def test_the_same_maps_have_the_same_range_however_large_they_are():
    maps = np.random.default_rng(1).standard_cauchy((32, 256, 256)).astype(np.float32)
    assert np.array_equal(value_ranges(maps, "layer"), value_ranges(maps.copy(), "layer"))
    assert 0.003 < share_beyond(maps, value_ranges(maps, "layer")) < 0.007


def test_the_share_beyond_is_of_the_finite_values():
    maps = np.array([[[0.0, 2.0]], [[np.inf, np.nan]]])
    assert share_beyond(maps, [(-1, 1), (-1, 1)]) == 0.5
    assert share_beyond(maps[1:], [(-1, 1)]) == 0
