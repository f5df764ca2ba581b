from __future__ import annotations

import numpy as np

from cnnwidgets.render.color.colormap import palette
from cnnwidgets.render.mosaic.barcodes import (
    ACROSS,
    BARS,
    HIGH,
    LEFT,
    MARGIN,
    ROW,
    barcodes,
    bars_in_row,
    contact_sheet,
    shown_step,
    squares,
)


def row(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint8)


def test_bars_stand_at_their_places_in_the_colours_of_their_values():
    pixels, cells, places = barcodes(
        [row([0, 100, 253]), row([7, 7, 7])], [None, None], ["#3", "#9"], {0: "a"}, "viridis"
    )
    assert places == [None, 0, 1]
    _, top, right, bottom = cells.box(1)
    middle = (top + bottom) // 2
    wide = BARS // 3
    begin = MARGIN + LEFT
    for bar, level in enumerate((0, 100, 253)):
        for x in (begin + bar * wide, begin + (bar + 1) * wide - 1):
            assert (pixels[middle, x] == palette("viridis")[level]).all()
    assert right == begin + 3 * wide + MARGIN and pixels.shape == (3 * ROW, 480, 4)
    assert not pixels[top : top + MARGIN, :, 3].any()  # ground for the frame
    assert squares(cells).cell_at(200, middle) // ACROSS == 1 and squares(cells).shape == pixels.shape[:2]


def test_a_long_vector_takes_several_rows_and_a_very_long_one_is_thinned():
    assert bars_in_row(84) == (84, 1) and bars_in_row(512) == (256, 2)
    assert shown_step(HIGH * BARS) == 1 and shown_step(HIGH * BARS + 1) == 2
    values = np.repeat(np.array([10, 20], np.uint8), 256)
    pixels, _, _ = barcodes([values], [None], [""], {}, "viridis")
    middle = pixels[:, MARGIN + LEFT + 5]
    assert (middle[MARGIN + 5] == palette("viridis")[10]).all() and (
        middle[-MARGIN - 5] == palette("viridis")[20]
    ).all()


def test_pictures_stand_below_their_titles():
    red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    pixels, cells = contact_sheet([red, None], ["#1", "#2"], side=8, columns=2)
    left, _, right, bottom = cells.box(0)
    assert (pixels[bottom - MARGIN - 8 : bottom - MARGIN, left + MARGIN : right - MARGIN] == (255, 0, 0, 255)).all()
    assert pixels[:14, left:right, 3].any()  # its title
    left, top, right, bottom = cells.box(1)
    assert not pixels[top + 20 : bottom, left:right, 3].any()
