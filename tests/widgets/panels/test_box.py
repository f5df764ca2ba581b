"""What a panel looks like on the page, and what of it is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import ipywidgets as W
import numpy as np
import pytest

from cnnwidgets.render.color import palette
from cnnwidgets.render.mosaic import Grid
from cnnwidgets.render.static import Panel
from cnnwidgets.widgets.panels import Columns, PanelBox
from tests.widgets.conftest import EVIL, click, decoded, hover, inside, words

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
RGB = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
CELLS = Grid(12, 1, 1, columns=4, gap=0)


def answering(**fields) -> Panel:
    return Panel("Map · 3 × 4", PIXELS, palette=palette("viridis"), cells=CELLS, **fields)


def pictures(box: W.Widget) -> list[np.ndarray]:
    """Pixels of the pictures that the page shows."""
    return [decoded(bytes(part.value)) for part in inside(box) if type(part).__name__ == "Picture" and part.value]


def test_text_stands_above_and_below_the_picture():
    box = PanelBox(
        Panel(
            "Map · 3 × 4",
            RGB,
            hint="click one",
            colorbar=("viridis", "low", None, "high"),
            bars=[("ant", 0.5, "50 %")],
            lines=["a note", ("mean", "3")],
        )
    )
    assert words(box.heading).split() == ["Map", "·", "3", "×", "4", "·", "click", "one"]
    assert words(box.below).split() == ["low", "high", "ant", "50", "%", "a", "note", "mean", "3"]


def test_what_comes_from_outside_is_text():
    box = PanelBox(Panel(EVIL, bars=[(EVIL, 1.0, EVIL)], lines=[EVIL, (EVIL, EVIL)], hint=EVIL))
    assert "<img" not in box.heading.value + box.below.value
    dotted = PanelBox(Panel("Groups", lines=[EVIL], dots=["#ff0000"]))
    assert "<img" not in dotted.below.value and "#ff0000" in dotted.below.value


def test_a_picture_that_does_not_answer_is_an_image_in_its_size_on_the_card():
    panel = Panel("Photo", RGB, width=40)
    box = PanelBox(panel)
    assert box.figure is None
    (picture,) = pictures(box)
    assert np.array_equal(picture[..., :3], RGB)
    assert (box.picture.layout.width, box.picture.layout.height) == ("40px", "30px")


def test_a_picture_with_a_palette_is_shown_in_its_colours():
    panel = answering()
    (picture, *_) = pictures(PanelBox(panel))
    assert np.array_equal(picture, panel.drawn())


def test_clicks_hovering_and_dragging_reach_the_description_that_is_shown():
    seen: list[object] = []
    box = PanelBox(answering(on_cell=seen.append, drag=True, marks=[(0, 0, 1, 1)]))
    box.show(
        answering(
            on_cell=lambda cell: seen.append(("cell", cell)),
            on_place=lambda x, y: seen.append((x, y)),
            describe=lambda cell: f"cell {cell}",
            drag=True,
            marks=[(0, 0, 1, 1)],
        )
    )
    image, scatter = (box.figure._mark, box.figure._hover)
    click(image, click_x=1.5 * 60, click_y=0.5 * 60)
    assert seen == [(1.5, 0.5), ("cell", 1)]
    hover(scatter, 7)
    assert words(box.figure._tip).strip() == "cell 7"
    box.show(answering(describe=lambda cell: EVIL))
    hover(scatter, 7)
    assert "<img" not in box.figure._tip.value


def test_a_mark_that_is_dragged_tells_the_description_that_is_shown_where_to():
    seen: list[object] = []
    box = PanelBox(answering(drag=True, marks=[(0, 0, 1, 1)]))
    box.show(answering(on_place=lambda x, y: seen.append((x, y)), drag=True, marks=[(1, 1, 2, 2)]))
    handle = box.figure._handle
    for event in ("drag", "drag_end"):
        handle._handle_custom_msgs(handle, {"event": event, "point": {"x": 150.0, "y": 90.0}, "index": 0})
    assert seen == [(2.5, 1.5)] * 2
    assert PanelBox(answering(marks=[(0, 0, 1, 1)])).figure._handle is None


def test_marks_are_framed_and_flags_crossed_out():
    box = PanelBox(answering(marks=[(1, 1, 2, 2)]))
    left, right = box.figure._frame.x[0][:2] / 60
    assert (round(left), round(right)) == (1, 2)
    box.show(answering(flags=[(0, 0, 1, 1)]))
    assert not box.figure._frame.visible and box.figure._flags.visible


def test_only_what_changed_is_sent(messages):
    first = answering(marks=[(0, 0, 1, 1)], lines=[("mean", "3")])
    box = PanelBox(first)
    messages.clear()
    box.show(first)
    box.show(replace(first))
    assert messages == []
    box.show(replace(first, lines=[("mean", "4")]))
    assert {message.widget for message in messages} == {box.below}
    messages.clear()
    box.show(replace(first, marks=[(1, 1, 2, 2)]))
    assert not any(type(message.widget).__name__ == "Picture" for message in messages)


def test_a_picture_that_goes_leaves_its_room_to_the_text():
    box = PanelBox(answering())
    box.show(Panel("Units", bars=[("0", 1.0, "5")]))
    assert pictures(box) == [] or all(picture.shape == (1, 1, 4) for picture in pictures(box))
    assert "cnnw-instead" in box.below.value
    assert f"--cnnw-room:{answering().width + 4}px" in box.below.value  # a picture that fits stands in a square
    box.show(answering())
    assert any(np.array_equal(picture, answering().drawn()) for picture in pictures(box))


def test_a_picture_that_scrolls_leaves_the_room_that_it_had():
    wide = np.zeros((50, 100, 3), np.uint8)
    for scrolls, room in ((400, 100), (60, 60)):
        box = PanelBox(
            replace(
                answering(), pixels=wide, palette=None, width=200, scrolls=scrolls, cells=None, flags=[(0, 0, 1, 1)]
            )
        )
        box.show(Panel("Units", width=200, lines=["none"]))
        assert f"--cnnw-room:{room + 4}px" in box.below.value


def test_a_panel_that_first_has_no_picture_can_get_one():
    box = PanelBox(Panel("Units", bars=[("0", 1.0, "5")]))
    assert "cnnw-instead" not in box.below.value
    box.show(answering())
    assert np.array_equal(pictures(box)[0], answering().drawn())


def test_controls_stand_under_the_heading():
    slider = W.IntSlider()
    box = PanelBox(Panel("Map", RGB, controls=[slider]))
    assert list(box.children).index(slider) == 1


# ---------------------------------------------------------------------- side by side


def test_a_sequence_is_a_column_and_panels_keep_their_boxes():
    columns = Columns()
    one, two, three = Panel("One"), Panel("Two"), Panel("Three", key="three")
    columns.show([one, [two, three]])
    assert list(columns.shown) == ["0.0", "1.0", "three"]
    box = columns.shown["three"]
    columns.show([Panel("Three", key="three")])
    assert columns.shown == {"three": box}
    columns.show([one, [two, three]])
    assert columns.shown["three"] is box


def test_two_panels_with_one_key_are_refused():
    with pytest.raises(ValueError, match="two panels have the key 'a'"):
        Columns().show([Panel("One", key="a"), Panel("Two", key="a")])


def test_a_kind_of_panel_names_its_own_box():
    class Shouting(PanelBox):
        def text(self, panel: Panel) -> str:
            return "LOUD"

    @dataclass(frozen=True, eq=False)
    class Loud(Panel):
        box: ClassVar[type[PanelBox]] = Shouting

    columns = Columns()
    columns.show([Loud("One")])
    assert columns.shown["0.0"].below.value == "LOUD"


def test_closing_closes_the_boxes_that_are_out_of_sight_too(widgets):
    before = widgets()
    columns = Columns()
    columns.show([answering(key="a"), [Panel("b"), Panel("c")]])
    columns.show([Panel("b", key="0.0")])
    for part in inside(columns):
        part.close()
    assert widgets() == before
