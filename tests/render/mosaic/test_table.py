from __future__ import annotations

import numpy as np

from cnnwidgets.render.mosaic import LINE, heat_table

COLORS = np.array([[[9, 9, 9], [200, 0, 0]], [[9, 9, 9], [0, 0, 200]]], np.uint8)


def test_a_row_stands_on_its_colours_below_the_heads():
    pixels, cells = heat_table(["name", "mean"], [["a", "1"], ["b", "2"]], COLORS, [4, 2])
    assert pixels.shape == (3 * LINE, 6 * LINE, 3)
    assert pixels[LINE + 1, 4 * LINE + 1].tolist() == [200, 0, 0]
    assert pixels[3 * LINE - 1, 6 * LINE - 1].tolist() == [0, 0, 200]
    assert cells.box(1) == (0, 2 * LINE - 1, 6 * LINE, 3 * LINE + 1)


def test_a_square_tells_its_row_and_column():
    _, cells = heat_table(["name", "mean"], [["a", "1"], ["b", "2"]], COLORS, [4, 2])
    assert (cells.squares.count, cells.squares.columns) == (18, 6)
    assert [cells.at(square) for square in (0, 4, 6, 9, 10, 17)] == [
        (None, 0),
        (None, 1),
        (0, 0),
        (0, 0),
        (0, 1),
        (1, 1),
    ]


def test_a_name_that_is_too_long_is_cut_and_leaves_the_next_column_alone():
    long, _ = heat_table(["name", "x"], [["a" * 90, ""], ["b", ""]], COLORS, [4, 2])
    assert (long[LINE : 2 * LINE, 4 * LINE :] == COLORS[0, 1]).all()
