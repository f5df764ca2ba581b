from __future__ import annotations

import math

import numpy as np
import pytest

from cnnwidgets.render.mosaic.grid import Grid
from cnnwidgets.widgets.surface.figure import MOST_CELLS, PixelFigure
from tests.widgets.conftest import click, decoded, hover, inside


def grey(height: int, width: int, level: int = 0) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


@pytest.fixture
def figure() -> PixelFigure:
    return PixelFigure(100, 60)


@pytest.fixture
def tiled(figure) -> PixelFigure:
    """Five cells of 4 x 4 in rows of three with gaps of 1, shown 7 times as large: 98 x 63."""
    cells = Grid(5, 4, 4, columns=3, gap=1)
    figure.show(grey(*cells.shape))
    figure.cells(cells, lambda cell: f"cell {cell}")
    return figure


def size(figure: PixelFigure) -> tuple[float, float, str, str]:
    """Extent of the picture in data units of its scales, and in px: width, height."""
    x, y = figure._mark.scales["x"], figure._mark.scales["y"]
    assert figure._mark.x.tolist() == [0, x.max] and figure._mark.y.tolist() == [y.max, 0]
    return x.max, y.max, figure._figure.layout.width, figure._figure.layout.height


def test_the_picture_is_shown_at_the_largest_whole_multiple_that_fits_the_width(figure):
    figure.show(grey(5, 30))
    assert size(figure) == (90, 15, "90px", "15px")
    assert figure.shown_width == 90
    assert "cnnw-crisp" in figure._image._dom_classes


def test_a_picture_wider_than_the_box_is_reduced_to_it(figure):
    figure.show(grey(40, 400))
    assert size(figure) == (100, 10, "100px", "10px")
    assert "cnnw-crisp" not in figure._image._dom_classes


def test_a_picture_higher_than_the_box_scrolls(figure):
    figure.show(grey(200, 50))
    assert size(figure) == (100, 400, "100px", "400px")
    assert figure.layout.overflow == "auto" and figure.layout.max_height == "64px"


def test_fit_keeps_the_height_too():
    figure = PixelFigure(100, 60, fit=True)
    figure.show(grey(20, 10))
    assert size(figure) == (30, 60, "30px", "60px")
    figure.show(grey(120, 100))
    assert size(figure) == (50, 60, "50px", "60px")


def test_png_is_the_picture_on_the_screen_with_its_palette(figure):
    palette = np.zeros((256, 4), np.uint8)
    palette[3] = 10, 20, 30, 255
    palette[4] = 40, 50, 60, 0
    figure.show(np.array([[3, 4]], np.uint8), palette)
    assert decoded(figure.png).tolist() == [[[10, 20, 30, 255], [40, 50, 60, 0]]]


def test_a_picture_of_the_same_shape_is_one_message(figure, messages, widgets):
    figure.show(grey(5, 10, 1))
    count = widgets()
    messages.clear()
    figure.show(grey(5, 10, 2))
    assert [(message.widget, message.traits) for message in messages] == [(figure._image, {"value"})]
    assert decoded(figure.png)[0, 0].tolist() == [2, 2, 2, 255]
    assert widgets() == count


def test_cells_that_are_where_they_were_are_not_sent_again(tiled, messages):
    cells = tiled._cells
    messages.clear()
    tiled.cells(Grid(5, 4, 4, columns=3, gap=1), lambda cell: f"another {cell}")
    assert tiled._cells == cells and messages == []
    tiled.cells(Grid(4, 4, 4, columns=3, gap=1))
    assert {message.widget for message in messages} == {tiled._hover}


def test_the_picture_lies_under_the_figure_in_its_size(figure):
    for shape, width, height in (((5, 30), "90px", "15px"), ((40, 400), "100px", "10px")):
        figure.show(grey(*shape))
        layout = figure._image.layout
        assert (layout.width, layout.height) == (width, height)
        assert layout.margin == f"2px 2px -{int(height[:-2]) + 2}px 2px"
        assert figure.children == (*figure._picture.pictures, figure._frame, figure._figure)
    assert "cnnw-figure" in figure._dom_classes and figure.layout.display is None  # set and reset by who hides it


def test_a_click_on_the_image_reports_the_cell_and_the_place_in_picture_pixels(tiled):
    cells, places = [], []
    tiled.on_cell(cells.append)
    tiled.on_click(lambda x, y: places.append((x, y)))
    click(tiled._mark, click_x=7 * 6.5, click_y=7 * 2.0)
    assert cells == [1]
    assert places == [(6.5, 2.0)]


@pytest.mark.parametrize(("x", "y"), [(4.5, 1), (1, 4.5), (12, 7), (-0.5, 1), (1, 9.5)])
def test_a_click_in_a_gap_past_the_last_cell_or_outside_chooses_none(tiled, x, y):
    cells = []
    tiled.on_cell(cells.append)
    click(tiled._mark, click_x=7 * x, click_y=7 * y)
    assert cells == []


def test_a_click_on_the_square_that_lies_over_a_cell_is_a_click_in_its_middle(tiled):
    cells, places = [], []
    tiled.on_cell(cells.append)
    tiled.on_click(lambda x, y: places.append((x, y)))
    click(tiled._hover, index=4)
    assert cells == [4]
    assert places == [(7.0, 7.0)]


def test_hovering_shows_what_the_cell_is(tiled):
    hover(tiled._hover, 3)
    assert ">cell 3<" in tiled._tip.value


def test_events_of_a_picture_that_was_replaced_are_ignored(tiled):
    cells = []
    tiled.on_cell(cells.append)
    hover(tiled._hover, 2)
    hover(tiled._hover, 5)
    click(tiled._hover, index=5)
    assert ">cell 2<" in tiled._tip.value
    assert cells == []


def test_the_invisible_squares_lie_on_the_cells(tiled):
    assert tiled._hover.x.tolist() == [14, 49, 84, 14, 49]
    assert tiled._hover.y.tolist() == [14, 14, 14, 49, 49]
    assert tiled._hover.default_size == 28 * 28
    assert tiled._hover.default_skew == 0
    assert tiled._hover.visible


def test_high_cells_get_high_squares(figure):
    cells = Grid(2, 9, 1, columns=2, gap=0)
    figure.show(grey(9, 2))
    figure.cells(cells)
    assert figure._hover.default_size == 50 * 450
    assert figure._hover.default_skew == 1  # nine times as high as wide
    figure.show(grey(3, 2))
    figure.cells(Grid(2, 3, 1, columns=2, gap=0))
    assert figure._hover.default_skew == pytest.approx(math.log(3, 9))


def test_more_cells_than_the_page_can_carry_answer_clicks_but_not_hovering(figure):
    cells = Grid(MOST_CELLS + 1, 1, 1, columns=100, gap=0)
    figure.show(grey(*cells.shape))
    figure.cells(cells, str)
    assert not figure._hover.visible
    chosen = []
    figure.on_cell(chosen.append)
    click(figure._mark, click_x=3.5, click_y=2.5)
    assert chosen == [203]


def test_without_cells_nothing_hovers_and_nothing_is_chosen(tiled):
    tiled.cells(None)
    chosen = []
    tiled.on_cell(chosen.append)
    click(tiled._mark, click_x=10, click_y=10)
    assert not tiled._hover.visible
    assert chosen == []


def test_the_frame_goes_round_the_cell(tiled):
    tiled.select(4)
    outer, inner = zip(tiled._frame.x.tolist(), tiled._frame.y.tolist(), strict=True)
    assert outer == ([35, 63, 63, 35, 35], [35, 35, 62, 62, 35])  # the last row: one px inside, where it is not cut
    assert inner == ([37, 61, 61, 37, 37], [37, 37, 60, 60, 37])
    assert tiled._frame.visible


def test_the_frame_of_a_corner_cell_stays_inside_the_picture(tiled):
    tiled.select(0)
    assert tiled._frame.x[0].tolist() == [1, 28, 28, 1, 1]
    assert tiled._frame.y[0].tolist() == [1, 1, 28, 28, 1]


@pytest.mark.parametrize("cell", [None, 5, -1])
def test_no_such_cell_no_frame(tiled, cell):
    tiled.select(0)
    tiled.select(cell)
    assert not tiled._frame.visible


def test_any_box_can_be_framed(tiled):
    tiled.frame((1, 2, 3.5, 4))
    assert tiled._frame.x[0].tolist() == [7, 24.5, 24.5, 7, 7]
    assert tiled._frame.y[0].tolist() == [14, 14, 28, 28, 14]
    tiled.frame(None)
    assert not tiled._frame.visible


def test_flagged_boxes_are_crossed_out_from_corner_to_corner(tiled):
    tiled.flag([(0, 0, 4, 4), (5, 5, 9, 9)])
    strokes = list(zip(tiled._flags.x.tolist(), tiled._flags.y.tolist(), strict=True))
    breaks = [number for number, (x, y) in enumerate(strokes) if math.isnan(x) and math.isnan(y)]
    assert breaks == [0, 3, 6, 9]  # the pen is lifted before each stroke
    assert strokes[1:3] + strokes[4:6] == [(0, 0), (28, 28), (0, 28), (28, 0)]
    assert strokes[7:9] + strokes[10:12] == [(35, 35), (63, 63), (35, 63), (63, 35)]
    assert tiled._flags.visible
    tiled.flag([])
    assert not tiled._flags.visible


def test_close_leaves_no_widget(widgets):
    before = widgets()
    figure = PixelFigure(100, 60)
    figure.show(grey(4, 4))
    parts = inside(figure)
    figure.close()
    assert len(parts) > 10
    assert widgets() == before


def framed(figure: PixelFigure) -> list[list[float]]:
    """Left, top, right, bottom of each line of the frame, in px."""
    lines = zip(figure._frame.x.tolist(), figure._frame.y.tolist(), strict=True)
    return [[min(x), min(y), max(x), max(y)] for x, y in lines]


def test_several_boxes_are_framed_each_with_its_light_line(tiled):
    tiled.frame((0, 0, 4, 4), (5, 5, 9, 9))
    assert framed(tiled) == [[1, 1, 28, 28], [3, 3, 26, 26], [35, 35, 63, 62], [37, 37, 61, 60]]
    tiled.frame(None)
    assert not tiled._frame.visible


def test_a_frame_around_one_small_pixel_is_large_enough_to_be_seen():
    figure = PixelFigure(100, 100)
    figure.show(grey(50, 50))
    figure.frame((10, 10, 11, 11))  # 2 px on the screen
    assert framed(figure)[0] == [17, 17, 25, 25]


def drag(figure: PixelFigure, event: str, x: float, y: float) -> None:
    figure._handle._handle_custom_msgs(figure._handle, {"event": event, "point": {"x": x, "y": y}, "index": 0})


def test_dragging_the_frame_reports_where_it_is_in_picture_pixels(tiled):
    places: list[tuple[float, float]] = []
    tiled.on_drag(lambda x, y: places.append((x, y)))
    drag(tiled, "drag", 14, 21)
    drag(tiled, "drag_end", 70, 35)
    assert places == [(2, 3), (10, 5)]


def test_the_handle_lies_over_the_frame_and_is_left_in_the_hand_that_drags_it(tiled):
    tiled.on_drag(lambda x, y: None)
    tiled.frame((5, 0, 9, 4))
    assert (tiled._handle.x.tolist(), tiled._handle.y.tolist()) == ([(35 + 63) / 2], [(1 + 28) / 2])
    assert tiled._handle.visible and tiled._handle.default_size == 28 * 27
    drag(tiled, "drag", 14, 21)
    tiled.frame((0, 5, 4, 9))
    assert tiled._handle.x.tolist() == [49]
    drag(tiled, "drag_end", 14, 49)
    assert tiled._handle.x.tolist() == [(1 + 28) / 2]


def test_a_figure_that_is_not_dragged_has_no_handle(tiled):
    tiled.select(0)
    assert tiled._handle is None and tiled._label is None


def test_numbers_are_written_in_the_middle_of_each_pixel(figure):
    figure.show(grey(2, 3))  # 33 times as large
    figure.write([["1", "2", "3"], ["4", "5", "−6"]], [["black"] * 3, ["white"] * 3])
    label = figure._label
    assert label.x.tolist() == [16.5, 49.5, 82.5] * 2 and label.y.tolist() == [16.5] * 3 + [49.5] * 3
    assert label.text.tolist() == ["1", "2", "3", "4", "5", "−6"]
    assert label.colors == ["black"] * 3 + ["white"] * 3 and label.visible and label.default_size == 13


def test_numbers_that_do_not_fit_are_not_written(figure):
    figure.show(grey(2, 3))
    figure.write([["1"] * 3] * 2, [["black"] * 3] * 2)
    figure.write([["1.234567"] * 3] * 2, [["black"] * 3] * 2)
    assert not figure._label.visible


def test_closing_closes_the_handle_and_the_numbers_too(figure, widgets):
    figure.on_drag(lambda x, y: None)
    figure.show(grey(2, 3))
    figure.write([["1"] * 3] * 2, [["black"] * 3] * 2)
    figure.close()
    assert widgets() == 0
