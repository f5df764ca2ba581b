"""Loss and accuracy as lines."""

from __future__ import annotations

import bqplot
import numpy as np
import pytest

from cnnwidgets.render.static.chart import Chart, Line
from cnnwidgets.training.loop.history import History, Step
from cnnwidgets.views.training.curves import POINTS, Track, curve_panel, has_values, thinned
from cnnwidgets.widgets.panels import Columns, CurveBox
from cnnwidgets.widgets.surface import close_tree
from tests.widgets.conftest import inside, words


def history(epochs=2, batches=2, loss=1.0, accuracy=0.5, valid=(0.25, 0.75), sized=True):
    made = History()
    for epoch in range(epochs):
        for batch in range(batches):
            number = epoch * batches + batch
            made.steps.append(Step(epoch, batch, batches if sized else None, number, loss + number, accuracy, 1, 0.1))
        made.end_epoch(epoch, valid, 0.0)
    return made


def lines(history, what="loss", goal=4):
    track = Track(history)
    track.update()
    chart = track.chart(what, goal)
    return [(line.x.tolist(), line.y.tolist()) for line in chart.lines], chart.x_limits, chart.x_label


def test_steps_lie_at_their_share_of_an_epoch_and_validations_at_its_end():
    assert lines(history()) == (
        [([0.5, 1.0, 1.5, 2.0], [1.0, 2.0, 3.0, 4.0]), ([1.0, 2.0], [0.25, 0.25])], (0.0, 4.0), "epoch"
    )  # fmt: skip
    assert lines(history(), "accuracy")[0][1] == ([1.0, 2.0], [0.75, 0.75])


def test_where_the_loader_has_no_length_steps_are_counted():
    assert lines(history(sized=False)) == (
        [([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]), ([2.0, 4.0], [0.25, 0.25])], (0.0, 4.0), "step"
    )  # fmt: skip


def test_without_validation_or_classes_there_is_no_line():
    (train, valid), *_ = lines(history(valid=None, accuracy=None), "accuracy")
    assert np.isnan(train[1]).all() and valid == ([], [])


def test_only_new_steps_are_read_and_another_history_is_noticed():
    made = history()
    track = Track(made)
    track.update()
    made.steps.append(Step(2, 0, 2, 4, 9.0, 0.5, 1, 0.1))
    track.update()
    assert track.chart("loss", 3).lines[0].y.tolist() == [1.0, 2.0, 3.0, 4.0, 9.0]
    made.load_state_dict(history(loss=7.0).state_dict())
    track.update()
    assert track.chart("loss", 3).lines[0].y.tolist() == [7.0, 8.0, 9.0, 10.0]


def test_many_steps_are_means_of_neighbours():
    x = np.arange(2 * POINTS + 2.0)
    found = thinned(x, x)
    assert len(found[0]) == -(-(2 * POINTS + 2) // 3)
    assert found[0][:2].tolist() == [2.0, 5.0]
    assert found[1][:2].tolist() == [1.0, 4.0]
    assert (found[0][-1], found[1][-1]) == (481.0, 480.5)  # the last has what is left
    assert thinned(x[:5], x[:5])[1].tolist() == [0, 1, 2, 3, 4]


def chart(*values, log=False):
    y = np.array(values, dtype=float)
    return Chart([Line(np.arange(len(y)) + 1.0, y), Line(np.empty(0), np.empty(0), True)], (0.0, 4.0), "epoch", log)


def loss(*values, log=False):
    return curve_panel("Loss", chart(*values, log=log))


def test_the_screen_shows_the_values_between_round_numbers():
    box = CurveBox(loss(2.0, 1.0))
    train, valid = box.plot.marks
    assert (train.x.tolist(), train.y.tolist(), train.visible) == ([1.0, 2.0], [2.0, 1.0], True)
    assert not valid.visible
    across, up = box.plot.axes
    assert (across.scale.min, across.scale.max, across.label) == (0.0, 4.06, "epoch")  # room for half of a dot
    assert (up.scale.min, up.scale.max) == (0.0, 2.08)
    assert list(up.tick_values) == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert "Loss train 1" in words(box.heading)


def test_a_single_value_is_a_dot():
    box = CurveBox(loss(2.0))
    assert box.plot.marks[0].marker == "circle" and box.plot.marks[0].visible
    box.show(loss(2.0, 1.0))
    assert box.plot.marks[0].marker is None


def test_what_has_not_changed_is_not_sent_again(messages):
    box = CurveBox(loss(2.0, 1.0))
    messages.clear()
    box.show(loss(2.0, 1.0))
    assert messages == []


def test_another_kind_of_axis_takes_new_marks_and_leaves_no_old_ones(widgets):
    box = CurveBox(loss(2.0, 0.0))
    before = widgets()
    box.show(loss(2.0, 0.0, log=True))
    assert isinstance(box.plot.marks[0].scales["y"], bqplot.LogScale)
    assert np.array_equal(box.plot.marks[0].y, [2.0, np.nan], equal_nan=True)
    box.show(loss(2.0, 0.0))
    assert isinstance(box.plot.marks[0].scales["y"], bqplot.LinearScale)
    assert widgets() == before


def test_a_chart_has_values_unless_there_are_steps_without_one():
    assert has_values(chart())
    assert not has_values(chart(np.nan, np.nan))
    assert has_values(chart(1.0))


def test_a_chart_that_left_the_page_comes_back_with_its_newest_values():
    columns = Columns()
    columns.show([[loss(2.0), curve_panel("Accuracy", chart(0.5))]])
    columns.show([[loss(2.0)]])
    assert [part for part in inside(columns) if isinstance(part, bqplot.Figure)] == [columns.boxes["loss"].plot]
    columns.show([[loss(2.0), curve_panel("Accuracy", chart(0.5, 0.75))]])
    assert columns.boxes["accuracy"].plot in inside(columns)
    assert columns.boxes["accuracy"].plot.marks[0].y.tolist() == [0.5, 0.75]


@pytest.mark.parametrize("dark", [False, True])
def test_the_static_picture_is_the_chart_with_its_legend(dark):
    panel = loss(2.0, 1.0)
    assert np.array_equal(panel.drawn(dark=dark), panel.curves.pixels(312, 184, legend=["train 1"], dark=dark))
    assert panel.size == (312, 184 + 18)


def test_closing_leaves_nothing(widgets):
    before = widgets()
    columns = Columns()
    columns.show([[loss(1.0), curve_panel("Accuracy", chart(1.0))]])
    columns.show([[loss(np.nan)]])
    close_tree(columns)
    assert widgets() == before
