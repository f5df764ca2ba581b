from __future__ import annotations

import numpy as np

from cnnwidgets.render.static.histogram import BAR, QUIET, counts, histogram

ACCENT = (0x19, 0x76, 0xD2, 255)


def test_counts_by_hand_with_zero_in_the_middle_of_a_bar():
    # three bars from -3 to 3: below -1, around 0, from 1 on
    values = np.array([[-3.0, -2.0, -0.9], [0.0, 0.9, 3.0], [np.nan, np.inf, 3.1]])
    assert counts(values, 3, 3 * BAR).tolist() == [2, 3, 1]
    assert counts(values, 3, 4 * BAR + 3).tolist() == [2, 3, 1]  # an even number of bars has no middle
    assert len(counts(values, 3, 1)) == 1
    assert counts(np.array([]), 1, 12).tolist() == [0, 0, 0]


def test_heights_are_those_of_the_logarithm():
    # log2(1 + count): 1, 2 and 4 of 4, in front 0, 2 and 0 of 2
    picture = histogram(np.array([0, 3, 0]), np.array([1, 3, 15]), height=8)
    assert picture.shape == (8, 3 * BAR, 4)
    assert [int((picture[:, x] == QUIET).all(1).sum()) for x in (0, BAR, 2 * BAR)] == [2, 0, 8]
    assert [int((picture[:, x] == ACCENT).all(1).sum()) for x in (0, BAR, 2 * BAR)] == [0, 8, 0]
    assert (picture[-1, 0] == QUIET).all() and (picture[0, 0] == 0).all()  # bars stand on the ground


def test_bars_do_not_touch_and_nothing_is_drawn_where_nothing_is():
    picture = histogram(np.array([1, 1]), np.array([0, 0]), height=4)
    assert (picture[:, BAR - 1 :: BAR] == 0).all()
    assert not histogram(np.array([0, 0]), np.array([0, 0])).any()
