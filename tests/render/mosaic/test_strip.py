from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.color.scale import GAP
from cnnwidgets.render.mosaic.strip import Strip, strip


@pytest.mark.parametrize(
    ("count", "columns", "rows", "height"),
    # One row is six times as wide as high; 2 x 240 likewise; 16 rows of 240 share the 240 pixels of a square.
    [
        (1, 1, 1, 1),
        (10, 10, 1, 2),
        (84, 84, 1, 14),
        (240, 240, 1, 40),
        (480, 240, 2, 40),
        (3840, 240, 16, 14),
    ],
)
def test_a_vector_looks_like_a_bar_code(count: int, columns: int, rows: int, height: int) -> None:
    cells = Strip.fit(count)
    assert (cells.columns, cells.rows, cells.height) == (columns, rows, height)


def test_a_vector_past_240_takes_rows_of_equal_length() -> None:
    assert Strip.fit(1000).columns == 200
    assert Strip.fit(241).columns == 121  # and one place of the second row is left over


def test_bars_touch_and_rows_do_not() -> None:
    assert Strip(6, columns=3, height=2, gap=1).shape == (5, 3)
    assert Strip(6, columns=3, height=2, gap=1).box(4) == (1, 3, 2, 5)


def test_a_short_vector_is_one_row_of_bars() -> None:
    assert strip(np.arange(10, dtype=np.uint8)).tolist() == [list(range(10))] * 2


def test_what_is_left_of_the_last_row_is_ground() -> None:
    picture = strip(np.array([1, 2, 3], np.uint8), columns=2)
    assert picture.tolist() == [[1, 2]] * 4 + [[GAP, GAP]] + [[3, GAP]] * 4


def test_the_picture_has_the_shape_and_the_boxes_of_its_geometry() -> None:
    values = np.random.default_rng(0).integers(0, GAP, 301, dtype=np.uint8)
    picture, cells = strip(values), Strip.fit(301)
    assert picture.shape == cells.shape
    for index, value in enumerate(values):
        left, top, right, bottom = cells.box(index)
        assert (picture[top:bottom, left:right] == value).all()


def test_bad_sizes_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="count must be 1 or more; got 0"):
        Strip.fit(0)
    with pytest.raises(ValueError, match="columns must be 1 or more; got 0"):
        Strip.fit(5, columns=0)
    with pytest.raises(ValueError, match="height must be 1 or more; got 0"):
        Strip(5, 5, 0)


@pytest.mark.parametrize("values", [np.zeros(0, np.uint8), np.zeros((2, 2), np.uint8), np.zeros(3, np.float32)])
def test_only_a_vector_of_indices_is_a_strip(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"values must be uint8 \(N,\)"):
        strip(values)
