from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.text.numerals import ink, numerals


@pytest.mark.parametrize(
    ("values", "texts", "factor"),
    [
        ([1, 2, -30], ["1", "2", "−30"], ""),
        ([0, 0], ["0", "0"], ""),
        ([0.5, -0.004, 0], ["0.50", "0.00", "0.00"], ""),
        ([5.123, -0.2], ["5.12", "−0.20"], ""),
        ([12.34, 5], ["12.3", "5.0"], ""),
        ([0.05, -0.0204], ["0.050", "−0.020"], ""),
        ([0.003, 0.0001], ["3.00", "0.10"], "× 10⁻³"),
        ([12345.0, -300], ["12.3", "−0.3"], "× 10³"),
        ([np.nan, np.inf, -np.inf], ["NaN", "∞", "−∞"], ""),
    ],
)
def test_numbers_of_a_map_are_written_alike(values, texts, factor):
    assert numerals(np.array([values], float)) == ([texts], factor)


@pytest.mark.parametrize(
    ("values", "texts", "factor"),
    [
        ([-0.14, 0.004], ["−.14", "0"], ""),
        ([5.12, -0.2], ["5.1", "−.2"], ""),
        ([123.4, 3], ["123", "3"], ""),
        ([0.05, -0.0204], ["50", "−20"], "× 10⁻³"),
        ([1234.5, 2], ["1.2", "0"], "× 10³"),
    ],
)
def test_where_there_is_little_room_four_characters_do(values, texts, factor):
    assert numerals(np.array([values], float), tight=True) == ([texts], factor)


def test_writing_is_black_on_light_and_white_on_dark():
    colors = [(255, 255, 255), (253, 231, 37), (68, 1, 84), (103, 0, 31), (0, 0, 0)]
    inks = [ink(np.array(color, np.uint8)) for color in colors]
    assert inks == ["#000000", "#000000", "#ffffff", "#ffffff", "#ffffff"]
