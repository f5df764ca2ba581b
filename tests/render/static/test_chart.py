"""Lines over axes: where things are, and round numbers beside them."""

from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.static.chart import BOTTOM, LEFT, LEGEND, RIGHT, TOP, Chart, Line, log_ticks, tick_text, ticks

BLUE = (25, 118, 210)  # the accent


def line(*values, dots=False):
    return Line(np.arange(len(values), dtype=float), np.array(values, dtype=float), dots)


def blue(pixels):
    """Rows and columns of the pixels in the accent colour."""
    return np.argwhere((pixels[LEGEND:, :, :3] == BLUE).all(2) & (pixels[LEGEND:, :, 3] == 255))


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (0, 6, [0, 2, 4, 6]),
        (0, 5, [0, 1, 2, 3, 4, 5]),
        (0, 2.4, [0, 0.5, 1.0, 1.5, 2.0]),
        (-1, 1, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        (0, 30000, [0, 10000, 20000, 30000]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_multiples_of_1_2_or_5(low, high, found):
    assert ticks(low, high, most=5) == found


def test_ticks_of_a_logarithmic_axis_are_powers_of_ten_or_lie_between():
    assert log_ticks(0.05, 200) == [0.1, 1.0, 10.0, 100.0]
    assert log_ticks(0.15, 2.6) == [0.2, 0.5, 1.0, 2.0]
    assert log_ticks(1.9, 2.7) == [2.0, 2.2, 2.4, 2.6]
    assert log_ticks(0.31, 0.34) == [0.31, 0.32, 0.33, 0.34]
    assert len(log_ticks(1e-30, 1e30)) <= 6
    assert [tick_text(tick) for tick in (0.5, -1.0, 20000.0)] == ["0.5", "−1", "20000"]


def test_the_axis_holds_all_values_and_begins_at_0():
    assert Chart([line(1.0, np.nan, 3.0), line(np.inf)], (0, 2)).y_limits == (0.0, 3.12)
    assert Chart([line(-1.0, 1.0)], (0, 1)).y_limits == (-1.0, 1.08)
    assert Chart([line(0.0, 0.0)], (0, 1)).y_limits == (0.0, 1.0)
    assert Chart([], (0, 1)).y_limits == (0.0, 1.0)
    assert Chart([line(0.0, 1.15, 10.0)], (0, 2), log=True).y_limits == pytest.approx((1.0, 11.5))
    assert Chart([line(0.0)], (0, 2), log=True).y_limits == (0.1, 1.0)


def test_a_level_line_lies_at_its_value():
    chart = Chart([line(1.0, 1.0)], (0, 1))  # the axis goes from 0 to 1.04
    found = blue(chart.pixels(200, 100))
    height = 100 - TOP - BOTTOM
    middle = 100 - BOTTOM - height / 1.04
    assert abs(found[:, 0].mean() - middle) <= 1
    assert (found[:, 1].min(), found[:, 1].max()) == (LEFT, 200 - RIGHT - 1)


def test_a_gap_parts_a_line_and_a_single_value_is_a_dot():
    gap = blue(Chart([line(1.0, 1.0, np.nan, 1.0, 1.0)], (0, 4)).pixels(240, 100))
    inside = (gap[:, 1] > LEFT + 190 / 4 + 2) & (gap[:, 1] < LEFT + 3 * 190 / 4 - 2)
    assert len(gap) and not inside.any()
    dot = blue(Chart([line(np.nan, 1.0, np.nan)], (0, 2)).pixels(240, 100))
    assert len(dot) and np.ptp(dot[:, 1]) <= 6


def test_on_a_logarithmic_axis_a_zero_is_a_gap():
    assert len(blue(Chart([line(0.0, 0.0)], (0, 1), log=True).pixels(200, 100))) == 0


def test_the_legend_stands_above_and_the_ground_is_clear():
    pixels = Chart([line(1.0), line(2.0)], (0, 1)).pixels(200, 100, legend=["train 1", "validation 2"])
    assert pixels.shape == (100 + LEGEND, 200, 4)
    legend = pixels[:LEGEND].reshape(-1, 4)
    assert (legend[:, :3] == BLUE).all(1).any()
    assert (legend[:, :3] == (239, 138, 23)).all(1).any()
    assert pixels[50, 2, 3] == 0
