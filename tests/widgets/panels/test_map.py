from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.color.scale import GAP
from cnnwidgets.render.color.shaded import Shaded
from cnnwidgets.widgets.panels import PanelBox, map_panel
from cnnwidgets.widgets.panels.map import MapPanel
from tests.widgets.conftest import click, hover, words

AROUND = ((1, 0), (2, 0))
"""A row before, and two columns."""


@pytest.fixture
def places() -> list[object]:
    return []


@pytest.fixture
def panel(places) -> MapPanel:
    shaded = Shaded.of(np.arange(12.0).reshape(2, 2, 3))
    return map_panel(
        shaded,
        1,
        "Input 1 · 2 × 3",
        around=AROUND,
        note="grey: padding",
        hint="click",
        width=100,
        on_place=places.append,
        on_unit=places.append,
    )


def box_of(panel: MapPanel) -> PanelBox:
    return panel.box(panel)


def test_the_padding_lies_around_the_map(panel):
    padding = panel.pixels == GAP
    assert padding.tolist() == [[True] * 5, [True, True, False, False, False], [True, True, False, False, False]]
    assert panel.drawn()[0, 0].tolist() == [0xA9, 0xAD, 0xB6, 255]


def test_what_the_mouse_does_stands_below_the_picture_with_the_note(panel):
    box = box_of(panel)
    assert "click; grey: padding" in words(box.below)
    assert words(box.heading).split() == ["Input", "1", "·", "2", "×", "3"]
    assert panel.lines == ["grey: padding"]  # the static picture has no mouse


def test_a_click_gives_the_place_in_the_map_and_in_the_padding_nothing(panel, places):
    figure = box_of(panel).figure
    for x, y in ((2.5, 1.5), (4.9, 2.9), (0.5, 1.5), (2.5, 0.5)):
        click(figure._mark, click_x=20 * x, click_y=20 * y)
    assert places == [(0, 0), (1, 2)]


def test_frames_are_counted_in_rows_and_columns_of_the_map_and_end_at_the_border(panel):
    assert panel.framed((0, 0, 1, 1)).marks == [(2, 1, 3, 2)]
    assert panel.framed((-1, -1, 2, 2), (-3, -2, 9, 9)).marks == [(1, 0, 4, 3), (0, 0, 5, 3)]
    assert panel.framed().marks == []


def test_a_frame_that_moves_sends_neither_the_pixels_nor_the_text_below(panel, messages):
    box = box_of(panel)
    messages.clear()
    box.show(panel.framed((0, 0, 1, 1), heading="Input 1 · other words"))
    assert {type(message.widget).__name__ for message in messages} == {"Text", "Frames"}
    assert [message.widget for message in messages if message.widget in (box.heading, box.below)] == [box.heading]


def test_hovering_gives_the_value_or_says_that_it_is_padding(panel):
    assert panel.describe(0) == "row -1, column -2: padding"
    assert panel.describe(14) == "row 1, column 2: 11"
    figure = box_of(panel).figure
    hover(figure._hover, 14)
    assert "row 1, column 2: 11" in figure._tip.value


def test_a_vector_is_a_heat_strip_whose_units_can_be_clicked(places):
    panel = map_panel(Shaded.of(np.arange(4.0).reshape(4, 1, 1)), None, width=100, on_unit=places.append)
    assert panel.pixels.shape == (1, 4)
    panel.on_place(2.5, 0.5)
    panel.on_place(9.0, 0.5)
    assert places == [2] and panel.describe(3) == "unit 3: 3"
    assert panel.unit(3).marks == [(3, 0, 4, 1)]


def test_numbers_are_written_only_where_asked_and_where_they_have_room(panel):
    assert not panel.texts
    shaded = Shaded.of(np.array([[[1.0, 20]]]))
    assert map_panel(shaded, 0, width=100, numbers=True).texts == [["1", "20"]]
    assert map_panel(shaded, 0, width=100, numbers=True, around=((0, 0), (1, 0))).texts == [["", "1", "20"]]
    assert not map_panel(shaded, 0, width=20, numbers=True).texts


def test_numbers_that_need_a_factor_are_not_written():
    assert not map_panel(Shaded.of(np.array([[[1e-6, 2e-6]]])), 0, width=100, numbers=True).texts
