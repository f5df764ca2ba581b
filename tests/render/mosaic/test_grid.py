from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.color.scale import GAP
from cnnwidgets.render.mosaic.grid import Grid, mosaic


@pytest.mark.parametrize(
    ("count", "height", "width", "columns"),
    [
        (1, 8, 8, 1),
        (6, 28, 28, 3),
        (16, 10, 10, 4),
        (12, 8, 8, 4),
        (64, 112, 112, 8),
        (4, 10, 40, 1),
        (4, 40, 10, 4),
    ],
)
def test_the_mosaic_is_nearly_square(count: int, height: int, width: int, columns: int) -> None:
    assert Grid.fit(count, height, width).columns == columns


@pytest.mark.parametrize(
    ("height", "width", "zoom", "gap"),
    [(112, 112, 1, 7), (28, 28, 1, 2), (16, 16, 1, 1), (15, 15, 2, 2), (10, 12, 2, 1), (1, 1, 16, 1)],
)
def test_small_maps_are_zoomed_and_the_gap_is_a_sixteenth(height: int, width: int, zoom: int, gap: int) -> None:
    grid = Grid.fit(6, height, width)
    assert (grid.zoom, grid.gap) == (zoom, gap)


def test_very_many_small_maps_are_zoomed_less() -> None:
    # 12,288 kernels of 5 x 5 fill 111 columns of 5 pixels: twice as large, they would pass 1024.
    grid = Grid.fit(12288, 5, 5)
    assert (grid.columns, grid.zoom, grid.gap) == (111, 1, 1)


def test_columns_are_taken_as_given_up_to_the_count() -> None:
    assert Grid.fit(6, 8, 8, columns=2).shape == (3 * 16 + 2, 2 * 16 + 1)
    assert Grid.fit(6, 8, 8, columns=10).columns == 6


@pytest.mark.parametrize("columns", [0, -3])
def test_columns_below_one_are_refused(columns: int) -> None:
    with pytest.raises(ValueError, match=f"columns must be 1 or more; got {columns}"):
        Grid.fit(6, 8, 8, columns=columns)


def test_sizes_below_one_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="count must be 1 or more; got 0"):
        Grid.fit(0, 8, 8)
    with pytest.raises(ValueError, match="width must be 1 or more; got 0"):
        Grid.fit(1, 8, 0)
    with pytest.raises(ValueError, match="zoom must be 1 or more; got 0"):
        Grid(1, 8, 8, 1, zoom=0)
    with pytest.raises(ValueError, match="gap must be 0 or more; got -1"):
        Grid(1, 8, 8, 1, gap=-1)


def test_tiles_are_laid_out_row_by_row_with_gaps_between() -> None:
    tiles = np.array([[[1, 2]], [[3, 4]], [[5, 6]]], np.uint8)
    assert mosaic(tiles, Grid(3, 1, 2, columns=2, gap=1)).tolist() == [
        [1, 2, GAP, 3, 4],
        [GAP, GAP, GAP, GAP, GAP],
        [5, 6, GAP, GAP, GAP],
    ]


def test_zoom_repeats_each_pixel() -> None:
    tiles = np.array([[[1, 2]], [[3, 4]]], np.uint8)
    assert mosaic(tiles, Grid(2, 1, 2, columns=2, zoom=2, gap=1)).tolist() == [[1, 1, 2, 2, GAP, 3, 3, 4, 4]] * 2


def test_without_a_gap_tiles_touch() -> None:
    tiles = np.arange(4, dtype=np.uint8).reshape(4, 1, 1)
    assert mosaic(tiles, Grid(4, 1, 1, columns=2, gap=0)).tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("count", [1, 4, 5, 11])
def test_every_tile_lies_in_its_box_and_the_rest_is_ground(count: int) -> None:
    tiles = np.random.default_rng(0).integers(0, GAP, (count, 5, 7), dtype=np.uint8)
    grid = Grid.fit(count, 5, 7)
    picture = mosaic(tiles, grid)
    assert picture.shape == grid.shape
    for index, tile in enumerate(tiles):
        left, top, right, bottom = grid.box(index)
        assert (picture[top : bottom : grid.zoom, left : right : grid.zoom] == tile).all()
    assert (picture != GAP).sum() == tiles.size * grid.zoom**2


def test_tiles_that_do_not_fit_the_grid_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3, 2, 2\).*uint8 \(2, 2, 2\)"):
        mosaic(np.zeros((2, 2, 2), np.uint8), Grid(3, 2, 2, columns=2))
    with pytest.raises(ValueError, match="float64"):
        mosaic(np.zeros((3, 2, 2)), Grid(3, 2, 2, columns=2))  # type: ignore[arg-type]
