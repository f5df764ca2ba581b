from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.color.scale import GAP
from cnnwidgets.render.color.shaded import Shaded
from cnnwidgets.widgets.panels.map import MapPanel
from tests.widgets.conftest import click, hover, inside, words


@pytest.fixture
def places() -> list[object]:
    return []


@pytest.fixture
def panel(places) -> MapPanel:
    panel = MapPanel(100, places.append, places.append)
    maps = np.arange(12.0).reshape(2, 2, 3)
    panel.draw("Input 1", "2 × 3", Shaded.of(maps), 1, around=((1, 0), (2, 0)), note="grey: padding", hint="click")
    return panel


def test_the_padding_lies_around_the_map(panel):
    padding = panel._pixels == GAP
    assert padding.tolist() == [[True] * 5, [True, True, False, False, False], [True, True, False, False, False]]
    assert "click; grey: padding" in words(panel._below)


def test_a_click_tells_the_place_in_the_map_and_in_the_padding_nothing(panel, places):
    assert panel.figure._factor == 20
    for x, y in ((2.5, 1.5), (4.9, 2.9), (0.5, 1.5), (2.5, 0.5)):
        click(panel.figure._mark, click_x=20 * x, click_y=20 * y)
    assert places == [(0, 0), (1, 2)]


def test_frames_are_counted_in_rows_and_columns_of_the_map(panel):
    panel.frame((-1, -1, 2, 2))
    assert panel.figure._frame.x[0].tolist() == [20, 80, 80, 20, 20]
    panel.frame()
    assert not panel.figure._frame.visible


def test_hovering_tells_the_value_or_that_it_is_padding(panel):
    hover(panel.figure._hover, 0)
    assert "row -1, column -2: padding" in panel.figure._tip.value
    hover(panel.figure._hover, 14)
    assert "row 1, column 2: 11" in panel.figure._tip.value


def test_what_is_there_already_is_not_sent_again(panel, messages):
    panel.draw("Input 1", "other words", panel._shaded, 1, around=((1, 0), (2, 0)), note="grey: padding", hint="click")
    assert [message.widget for message in messages] == [panel._text]


def test_a_vector_is_a_bar_code_whose_units_can_be_clicked(panel, places):
    panel.draw("Output 0", "4 units", Shaded.of(np.arange(4.0).reshape(4, 1, 1)), None)
    assert panel._pixels.shape == (1, 4)
    click(panel.figure._mark, click_x=2.5 * panel.figure._factor, click_y=1)
    assert places == [2]
    assert panel.unit_box(3) == (3, 0, 4, 1)


def test_the_static_picture_keeps_the_frames_inside(panel):
    panel.frame((-3, -2, 9, 9))
    static = panel.static()
    assert static.marks == [(0, 0, 5, 3)] and static.lines == ["grey: padding"]
    assert static.pixels[0, 0].tolist() == [0xA9, 0xAD, 0xB6, 255]


def test_numbers_are_written_only_where_asked(panel):
    assert panel.figure._label is None
    numbered = MapPanel(100, numbers=True)
    numbered.draw("Image", "", Shaded.of(np.array([[[1.0, 20]]])), 0)
    assert numbered.figure._label.text.tolist() == ["1", "20"] and numbered.static().texts == [["1", "20"]]
    assert len(inside(numbered)) > 0
