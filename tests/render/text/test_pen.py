from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnnwidgets.render.color.colormap import LIGHT
from cnnwidgets.render.text.pen import Pen, text_length


@pytest.fixture
def pen() -> Pen:
    image = Image.new("RGB", (300, 40), LIGHT.ground)
    return Pen(image, ImageDraw.Draw(image), LIGHT)


def inked_columns(pen: Pen) -> np.ndarray:
    return np.nonzero((np.asarray(pen.image) != 255).any((0, 2)))[0]


def test_text_that_fits_is_written_whole(pen: Pen) -> None:
    assert pen.text(10, 30, "abc", 200, 12, "#000000") == text_length("abc", 12)
    assert inked_columns(pen)[0] >= 10 and inked_columns(pen)[-1] <= 10 + text_length("abc", 12)


def test_text_that_is_too_long_ends_in_an_ellipsis_within_its_width(pen: Pen) -> None:
    room = text_length("ab…", 12) + 1
    assert pen.text(10, 30, "abcdefgh", room, 12, "#000000") == text_length("ab…", 12)
    assert inked_columns(pen)[-1] < 10 + room


def test_no_space_is_left_before_the_ellipsis(pen: Pen) -> None:
    room = text_length("a  …", 12)
    assert pen.text(10, 30, "a bcdefgh", room, 12, "#000000") == text_length("a…", 12)


def test_where_not_even_the_ellipsis_fits_nothing_is_written(pen: Pen) -> None:
    assert pen.text(10, 30, "abc", 3, 12, "#000000") == 0
    assert not len(inked_columns(pen))


def test_text_may_end_at_its_place_or_have_it_in_the_middle(pen: Pen) -> None:
    pen.text(100, 30, "mmmm", 200, 12, "#000000", anchor="r")
    assert 98 <= inked_columns(pen)[-1] <= 100
    pen.text(200, 30, "mmmm", 200, 12, "#000000", anchor="m")
    right = inked_columns(pen)[inked_columns(pen) > 110]
    assert (right[0] + right[-1]) / 2 == pytest.approx(200, abs=1)


def test_a_heading_is_bold_up_to_the_first_dot_and_quiet_after_it(pen: Pen) -> None:
    pen.heading(10, 30, "C3 · x · y", 280, 15)
    columns = inked_columns(pen)
    gap = columns[1:][np.diff(columns) > 4][0]  # the dot, after the first space
    pixels = np.asarray(pen.image).astype(int)
    assert pixels[:, :gap].min() < 60  # nearly black
    assert pixels[:, gap:].min() > 100  # grey


def test_a_heading_without_a_dot_is_all_bold(pen: Pen) -> None:
    pen.heading(10, 30, "all of it", 280, 15)
    assert inked_columns(pen)[-1] - 10 > text_length("all of it", 15)  # bold letters are wider
