from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.color.scale import GAP, NONFINITE
from cnnwidgets.render.mosaic.grid import Grid, mosaic
from cnnwidgets.render.mosaic.window import Window, enlarged, nearly_square


def numbered(count: int, height: int = 1, width: int = 1) -> np.ndarray:
    """Tile k is filled with k."""
    return np.arange(count, dtype=np.uint8).repeat(height * width).reshape(count, height, width)


def seen(window: Window) -> list[list[int]]:
    """Numbers of the tiles that are on the screen, row by row, found by looking at the middle of each."""
    picture = window.picture(numbered(window.count, window.height, window.width))
    height, width = window.tile_size
    rows = (np.arange(window.down) * (picture.shape[0] / window.down) + height / 2).astype(int)
    columns = (np.arange(window.columns) * (picture.shape[1] / window.columns) + width / 2).astype(int)
    return picture[np.ix_(rows, columns)].tolist()


# ---------------------------------------------------------------------- what is seen


@pytest.mark.parametrize(
    ("zoom", "center", "expected"),
    [
        (1, 0, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]),
        (2, 5, [[0, 1], [4, 5]]),
        (2, 10, [[5, 6], [9, 10]]),
        (2, 0, [[0, 1], [4, 5]]),  # moved inside
        (2, 15, [[10, 11], [14, 15]]),
        (4, 6, [[6]]),
        (64, 6, [[6]]),
        (3, 6, [[1, 2], [5, 6]]),
    ],
)
def test_a_window_shows_this_part_of_16_tiles_in_rows_of_4(zoom, center, expected):
    assert seen(Window.of(16, 1, 1, across=4, room=4, zoom=zoom, center=center)) == expected


def test_the_whole_mosaic_at_zoom_1_is_the_picture_of_mosaic():
    window = Window.of(6, 2, 3, across=3, room=100)
    grid = window.grid
    assert grid == Grid(6, 2, 3, columns=3, zoom=10, gap=1)  # 3 * 30 + 2 = 92 pixels; eleven times would be 103
    assert np.array_equal(window.picture(numbered(6, 2, 3)), mosaic(numbered(6, 2, 3), grid))


def test_the_last_row_may_not_be_full():
    window = Window.of(5, 1, 1, across=3, room=3)
    assert window.picture(numbered(5)).tolist() == [[0, 1, 2], [3, 4, GAP]]
    assert [window.tile_at(x, y) for y in (0, 1) for x in (0, 1, 2)] == [0, 1, 2, 3, 4, None]
    corner = Window.of(5, 1, 1, across=3, room=3, zoom=2, center=4)
    assert (corner.down, corner.columns, seen(corner)) == (1, 2, [[3, 4]])


def test_each_tile_is_found_where_its_box_is():
    for room in (120, 7):  # enlarged with gaps, and reduced
        window = Window.of(40, 2, 3, across=8, room=room, zoom=2, center=20)
        inside = [tile for tile in range(40) if window.box(tile) is not None]
        assert inside == [row * 8 + column for row in (1, 2, 3) for column in (2, 3, 4, 5)]
        for tile in inside:
            left, top, right, bottom = window.box(tile)
            assert window.tile_at((left + right) / 2, (top + bottom) / 2) == tile
        assert window.tile_at(-1, 0) is window.tile_at(0, room + 1) is None


def test_the_cells_of_the_grid_are_numbered_within_the_window():
    window = Window.of(16, 1, 1, across=4, room=40, zoom=2, center=10)
    assert [window.tile(cell) for cell in range(window.grid.count)] == [5, 6, 9, 10]


# ---------------------------------------------------------------------- more pixels than room


def test_a_pixel_shows_the_value_farthest_from_the_middle_level():
    tiles = np.array([100, 120, 127, 128, 0, 130, 253, 140], np.uint8).reshape(8, 1, 1)
    assert Window.of(8, 1, 1, across=8, room=4).picture(tiles).tolist() == [[100, 128, 0, 253]]
    assert Window.of(8, 1, 1, across=4, room=2).picture(tiles).tolist() == [[0, 253]]


def test_a_nan_is_seen_however_small_it_is():
    tiles = np.full((100, 3, 3), 253, np.uint8)
    tiles[57, 1, 1] = NONFINITE
    picture = Window.of(100, 3, 3, across=10, room=10).picture(tiles)
    assert (picture.shape, np.argwhere(picture == NONFINITE).tolist()) == ((10, 10), [[5, 7]])


def test_a_quarter_of_a_million_kernels_are_one_picture_of_the_size_of_the_room():
    window = Window.of(512 * 512, 3, 3, across=512, room=480)
    tiles = np.full((512 * 512, 3, 3), 127, np.uint8)
    tiles[300 * 512 + 17] = 0
    picture = window.picture(tiles)
    assert picture.shape == (480, 480) and window.grid is None
    y, x = np.argwhere(picture == 0).mean(0)
    assert window.tile_at(x + 0.5, y + 0.5) == 300 * 512 + 17


def test_reduced_pictures_that_are_not_square_keep_their_form():
    assert Window.of(100, 5, 1, across=100, room=50).picture(numbered(100, 5, 1)).shape == (2, 50)
    assert Window.of(100, 1, 1, across=1, room=50).picture(numbered(100)).shape == (50, 1)


# ---------------------------------------------------------------------- moving


def test_panning_moves_by_half_a_window_and_stops_at_the_border():
    window = Window.of(64, 1, 1, across=8, room=8, zoom=2, center=8 * 4 + 4)  # rows and columns 2 to 5
    assert [window.panned(*by) for by in ((0, 1), (0, -1), (1, 0), (-1, 0))] == [38, 34, 52, 20]
    right = Window.of(64, 1, 1, across=8, room=8, zoom=2, center=window.panned(0, 1))
    assert (right.left, right.top) == (4, 2)
    for _ in range(3):
        right = Window.of(64, 1, 1, across=8, room=8, zoom=2, center=right.panned(1, 1))
    assert (right.left, right.top) == (4, 4)
    back = Window.of(64, 1, 1, across=8, room=8, zoom=2, center=right.panned(0, -1))
    assert (back.left, back.top) == (2, 4)


def test_one_tile_at_a_time_can_be_reached():
    window = Window.of(9, 1, 1, across=3, room=9, zoom=3, center=4)
    assert [window.panned(*by) for by in ((0, 1), (0, -1), (1, 0), (-1, 0))] == [5, 3, 7, 1]


@pytest.mark.parametrize("wrong", [{"zoom": 0}, {"across": 0}, {"room": 0}])
def test_a_number_below_1_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be 1 or more; got 0"):
        Window.of(4, 1, 1, **{"across": 2, "room": 9, **wrong})


def test_a_center_that_is_no_tile_is_refused():
    with pytest.raises(IndexError, match="no tile 4; tiles: 0 to 3"):
        Window.of(4, 1, 1, across=2, room=9, center=4)


# ---------------------------------------------------------------------- forms


def test_tiles_are_enlarged_as_far_as_they_fit():
    assert enlarged(4, 2, 2, columns=2, room=41) == Grid(4, 2, 2, 2, 10, 1)
    assert enlarged(4, 2, 2, columns=2, room=40) == Grid(4, 2, 2, 2, 9, 1)  # the gap takes a pixel
    assert enlarged(4, 2, 2, columns=1, room=41, tall=20) == Grid(4, 2, 2, 1, 2, 0)  # too small for gaps
    assert enlarged(4, 2, 2, columns=9, room=8) == Grid(4, 2, 2, 4, 1, 0)
    assert enlarged(4, 2, 2, columns=4, room=7) is None


@pytest.mark.parametrize(
    ("filters", "channels", "kernel", "columns"),
    [
        (64, 64, (3, 3), 64),
        (192, 64, (5, 5), 128),  # two filters in a row, 96 rows
        (6, 1, (5, 5), 3),  # 2 columns would be as far from square, and higher
        (4, 100, (1, 1), 20),  # a filter takes five rows
        (1, 7, (1, 1), 7),
        (512, 512, (3, 3), 512),
    ],
)
def test_rows_hold_whole_filters_or_whole_parts_of_one(filters, channels, kernel, columns):
    assert nearly_square(filters, channels, *kernel) == columns
    assert columns % channels == 0 or channels % columns == 0
