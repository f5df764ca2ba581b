from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.mosaic.cells import Cells, Ordered
from cnnwidgets.render.mosaic.grid import Grid
from cnnwidgets.render.mosaic.strip import Strip

# 5 maps of 2 x 3 pixels, doubled to 4 x 6, 1 pixel apart, 3 in a row: 2 rows, the last place empty.
GRID = Grid(count=5, height=2, width=3, columns=3, zoom=2, gap=1)


def test_the_shape_counts_gaps_between_cells_only() -> None:
    assert GRID.rows == 2
    assert GRID.shape == (4 + 1 + 4, 6 + 1 + 6 + 1 + 6)


def test_boxes_are_where_the_cells_are() -> None:
    assert GRID.box(0) == (0, 0, 6, 4)
    assert GRID.box(2) == (14, 0, 20, 4)
    assert GRID.box(4) == (7, 5, 13, 9)


@pytest.mark.parametrize("index", [-1, 5])
def test_there_is_no_box_beyond_the_cells(index: int) -> None:
    with pytest.raises(IndexError, match=f"no cell {index}; cells: 0 to 4"):
        GRID.box(index)


@pytest.mark.parametrize(
    ("x", "y", "index"),
    [(0, 0, 0), (5.9, 3.9, 0), (7, 0, 1), (19.9, 3, 2), (0, 5, 3), (12.99, 8.99, 4)],
)
def test_a_point_in_a_cell_gives_its_index(x: float, y: float, index: int) -> None:
    assert GRID.cell_at(x, y) == index


@pytest.mark.parametrize(
    ("x", "y"), [(6, 0), (6.9, 0), (0, 4.5), (15, 6), (-0.1, 0), (0, -1), (20, 0), (0, 9), (np.nan, 0)]
)
def test_gaps_empty_places_and_the_outside_are_no_cell(x: float, y: float) -> None:
    assert GRID.cell_at(x, y) is None


def test_centers_are_the_middles_of_the_boxes() -> None:
    x, y = GRID.centers()
    assert x.tolist() == [3, 10, 17, 3, 10]
    assert y.tolist() == [2, 2, 2, 7, 7]


@pytest.mark.parametrize(
    "cells", [GRID, Grid.fit(7, 5, 9), Strip.fit(300), Strip(5, 2, 3, gap=0), Ordered(GRID, (3, 1, 4, 0, 2))]
)
def test_every_center_lies_in_its_own_cell(cells: Cells) -> None:
    found = [cells.cell_at(x, y) for x, y in zip(*cells.centers(), strict=True)]
    assert found == list(range(cells.count))


def test_cells_in_another_order_are_found_by_their_numbers() -> None:
    cells = Ordered(GRID, (3, 1, 4, 0, 2))
    assert (cells.shape, cells.rows) == (GRID.shape, 2)
    assert (cells.box(3), cells.box(0)) == (GRID.box(0), GRID.box(3))
    assert (cells.cell_at(0, 0), cells.cell_at(0, 5), cells.cell_at(6, 0)) == (3, 0, None)
    with pytest.raises(IndexError, match="no cell 5; cells: 0 to 4"):
        cells.box(5)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 1, 2, 3, 3), (1, 2, 3, 4, 5)])
def test_an_order_names_each_cell_once(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="order must name each of 5 cells once"):
        Ordered(GRID, order)
