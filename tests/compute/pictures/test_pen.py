"""The pen that drew the pictures of a data set."""

from __future__ import annotations

import numpy as np
import pytest

import cnnwidgets as cw
from cnnwidgets.compute.pictures import pen_of


def line(width: int) -> np.ndarray:
    """A line across a picture that is dark around it."""
    picture = np.zeros((40, 40))
    picture[10 : 10 + width, 5:35] = 1
    return picture


@pytest.mark.parametrize("width", [2, 3, 5])
def test_a_line_has_the_width_that_it_has(width):
    assert pen_of([line(width)]).width == pytest.approx(width, rel=0.2)
    assert pen_of([line(width)])[1:] == (0, 1)


def test_dark_ink_on_white_paper_is_found():
    assert pen_of([1 - line(3)])[1:] == (1, 0)


def test_the_digits_are_drawn_with_a_pen_of_three_pixels():
    digits = cw.data.digits()
    assert 2 <= pen_of([digits[at][0][0].numpy() for at in range(24)]).width <= 3.5


def test_photos_are_no_drawings():
    noise = np.random.default_rng(0).random((100, 50))
    assert pen_of([noise]) == (4.0, 0.0, 1.0)
    assert pen_of([]) == (1.0, 0.0, 1.0)
    assert pen_of([np.zeros((28, 28))]).width == pytest.approx(1.12)
