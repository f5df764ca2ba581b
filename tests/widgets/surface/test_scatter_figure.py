from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.widgets.surface.scatter_figure import ScatterFigure
from tests.widgets.conftest import click, hover, words

BOX = (0.0, 0.0, 4.0, 4.0)
POINTS = np.array([[1.0, 2.0], [3.0, 1.0]])


@pytest.fixture
def clicked() -> list[int]:
    return []


@pytest.fixture
def figure(clicked) -> ScatterFigure:
    figure = ScatterFigure(480, "point {}".format, clicked.append)
    figure.show(POINTS, [0, 1], BOX)
    return figure


def marks(figure: ScatterFigure) -> list:
    """The way of the chosen point, the ring around it, and the points."""
    return list(figure.children[0].marks)


def test_the_axes_are_a_square_and_tell_round_numbers(figure):
    figure.show(np.zeros((1, 2)), [0], (-0.09, -0.0005, 0.09, 0.0115))
    (inner,) = figure.children
    across, up = inner.axes
    assert np.allclose(across.tick_values, [-0.05, 0, 0.05]) and np.allclose(up.tick_values, [0, 0.005, 0.01])
    layout, margin = inner.layout, inner.fig_margin
    sides = [int(layout.width[:-2]) - margin["left"] - margin["right"]]
    sides.append(int(layout.height[:-2]) - margin["top"] - margin["bottom"])
    assert sides == [412, 412]


def test_a_click_and_the_mouse_over_a_point_tell_which_it_is(figure, clicked):
    points = marks(figure)[2]
    click(points, index=1)
    assert clicked == [1]
    hover(points, 0)
    assert words(points.tooltip).strip() == "point 0"
    hover(points, 7)  # one that was there before
    assert words(points.tooltip).strip() == "point 0"


def test_a_move_sends_places_and_what_stays_is_not_sent(figure, messages):
    figure.show(POINTS + 0.5, [0, 1], BOX)
    assert [message.widget for message in messages] == [marks(figure)[2]]
    assert messages[0].traits == {"x", "y"}


def test_a_ring_marks_the_chosen_point_and_a_line_its_way(figure):
    way = np.array([[1.0, 2.0], [2.0, 3.0]])
    path, ring, _ = marks(figure)
    figure.select(way, 1)
    assert ring.visible and (ring.x[0], ring.y[0]) == (2.0, 3.0)
    assert path.visible and np.array_equal(path.x, way[:, 0])
    figure.select(way[:1])
    assert ring.visible and not path.visible
    figure.select(None)
    assert not ring.visible


def test_closing_leaves_no_widget(widgets):
    before = widgets()
    ScatterFigure(480, str, int).close()
    assert widgets() == before
