from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.color.colormap import (
    COLORMAPS,
    LOUD,
    apply,
    choose,
    css_gradient,
    is_diverging,
    overlay,
    palette,
    rgb,
    table,
)
from cnnwidgets.render.color.scale import GAP, NONFINITE


def test_a_colour_is_read_from_its_hexadecimal_name() -> None:
    assert rgb("#1976d2") == (25, 118, 210)


def test_viridis_runs_from_violet_to_yellow() -> None:
    assert table("viridis").shape == (254, 3)
    assert table("viridis")[[0, 253]].tolist() == [[68, 1, 84], [253, 231, 37]]


def test_grey_rises_by_one_step_a_level_but_for_the_two_left_out() -> None:
    grey = table("gray")[:, 0].astype(int)
    assert grey[0] == 0 and grey[253] == 255
    assert set(np.diff(grey)) == {1, 2}


def test_the_diverging_default_is_blue_below_zero_and_red_above() -> None:
    colors = table(choose("auto", signed=True)).astype(int)
    assert colors[40, 2] > colors[40, 0] + 50
    assert colors[213, 0] > colors[213, 2] + 50
    assert colors[127].min() > 240


def test_classes_get_ten_equal_bands() -> None:
    bands, counts = np.unique(table("tab10"), axis=0, return_counts=True)
    assert len(bands) == 10
    assert counts.min() >= 25


def test_tables_are_made_once_and_cannot_be_written() -> None:
    assert table("magma") is table("magma")
    assert palette("magma") is palette("magma")
    with pytest.raises(ValueError, match="read-only"):
        palette("magma")[0, 0] = 1


def test_an_unknown_map_is_refused_with_the_nearest_and_those_offered() -> None:
    with pytest.raises(ValueError, match=r"'virdis'; did you mean 'viridis'; offered: viridis, magma"):
        table("virdis")
    with pytest.raises(ValueError, match="no colour map '%%%'; offered"):
        table("%%%")


@pytest.mark.parametrize("name", COLORMAPS[1:])
def test_every_map_offered_exists_and_nan_stands_out_from_it(name: str) -> None:
    distance = np.sqrt(((table(name).astype(float) - rgb(LOUD)) ** 2).sum(1)).min()
    assert distance > 100 or name == "hsv"


def test_the_palette_ends_with_a_transparent_ground_and_the_loud_colour() -> None:
    colors = palette("viridis")
    assert colors[0].tolist() == [68, 1, 84, 255]
    assert colors[GAP].tolist() == [255, 255, 255, 0]
    assert colors[NONFINITE].tolist() == [255, 0, 255, 255]
    assert (colors[:, 3] == 0).sum() == 1


def test_diverging_maps_are_known_also_when_reversed() -> None:
    assert [name for name in COLORMAPS if is_diverging(name)] == ["RdBu_r", "coolwarm", "PuOr"]
    assert is_diverging("RdBu") and not is_diverging("viridis_r")


def test_auto_follows_the_sign_and_a_name_is_kept() -> None:
    assert choose("auto", signed=True) == "RdBu_r"
    assert choose("auto", signed=False) == "viridis"
    assert choose("gray", signed=True) == "gray"


def test_indices_become_colours() -> None:
    indices = np.array([[0, 253, GAP, NONFINITE]], np.uint8)
    expected = [[0, 0, 0], [255, 255, 255], [255, 255, 255], [255, 0, 255]]
    assert apply(indices, "gray").tolist() == [expected]
    with_alpha = [[*color, a] for color, a in zip(expected, (255, 255, 0, 255), strict=True)]
    assert apply(indices, "gray", alpha=True).tolist() == [with_alpha]


def test_an_overlay_mixes_by_weight_and_rounds() -> None:
    picture = np.array([[[0, 100, 200]]], np.uint8)
    heat = np.array([[[255, 0, 200]]], np.uint8)
    assert overlay(picture, heat, 0.5).tolist() == [[[128, 50, 200]]]
    assert overlay(picture, heat, 0.0).tolist() == picture.tolist()
    assert overlay(picture, heat, 1.0).tolist() == heat.tolist()
    assert picture.tolist() == [[[0, 100, 200]]]


def test_an_overlay_takes_a_weight_for_each_pixel() -> None:
    picture, heat = np.zeros((1, 2, 3), np.uint8), np.full((1, 2, 3), 200, np.uint8)
    mixed = overlay(picture, heat, np.array([[0.25, 1.0]]))
    assert mixed.tolist() == [[[50, 50, 50], [200, 200, 200]]]


def test_an_overlay_refuses_other_sizes_and_weights() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"\(2, 2, 3\).*\(2, 3, 3\)"):
        overlay(picture, np.zeros((2, 3, 3), np.uint8), 0.5)
    with pytest.raises(ValueError, match=r"0 to 1; got 1\.5"):
        overlay(picture, picture, 1.5)


def test_the_gradient_runs_from_the_first_colour_to_the_last() -> None:
    assert css_gradient("gray", 2) == "linear-gradient(to right, #000000, #ffffff)"
    assert css_gradient("viridis").count("#") == 16
    with pytest.raises(ValueError, match="at least 2 stops; got 1"):
        css_gradient("gray", 1)
