from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import ImageDraw

from cnnwidgets.render.color.colormap import DARK, FLAG, LIGHT, rgb
from cnnwidgets.render.static.card import BETWEEN, FOOTER, NARROWEST, PADDING, Card, Panel, card
from cnnwidgets.render.text.pen import fitting_size, text_length, wrapped
from tests.render.conftest import contrast

RED = (255, 0, 0)


def plain(height: int, width: int, color: tuple[int, ...] = RED) -> np.ndarray:
    return np.full((height, width, len(color)), color, np.uint8)


def box_of(image: np.ndarray, color: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of all pixels of a colour."""
    y, x = np.nonzero((image == color).all(2))
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


@pytest.mark.parametrize(
    ("height", "width", "room", "size"),
    [
        (28, 28, 190, (168, 168)),  # 6 times 28 is within a quarter of 190
        (10, 10, 290, (290, 290)),
        (100, 100, 140, (140, 140)),  # once 100 is not within a quarter of 140
        (945, 945, 420, (420, 420)),
        (14, 84, 504, (504, 84)),
        (1000, 1, 100, (1, 1000)),  # no more than four times as high as 100, save one pixel's width
    ],
)
def test_pictures_are_enlarged_by_a_whole_number_where_one_is_near(
    height: int, width: int, room: int, size: tuple[int, int]
) -> None:
    assert Panel("", plain(height, width), width=room).size == size


def test_the_picture_stands_on_the_card_in_its_size() -> None:
    left, top, right, bottom = box_of(card("t", [Panel("h", plain(3, 5), width=100)]), RED)
    assert (left, right - left, bottom - top) == (PADDING, 100, 60)
    assert top > 60


def test_enlarged_pixels_stay_crisp() -> None:
    pixels = np.zeros((1, 4, 3), np.uint8)
    pixels[0, 1] = RED
    left, _, right, _ = box_of(card("t", [Panel("h", pixels, width=40)]), RED)
    assert (left, right) == (PADDING + 10, PADDING + 20)


def test_a_reduced_picture_is_averaged() -> None:
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[:, ::2] = 200
    image = card("t", [Panel("h", pixels, width=100)])
    assert box_of(image, (100, 100, 100))[2] == PADDING + 100


def test_panels_stand_side_by_side_and_columns_are_stacked() -> None:
    green, blue = (0, 255, 0), (0, 0, 255)
    panels: list[Panel | list[Panel]] = [
        Panel("a", plain(1, 1), width=150),
        [Panel("b", plain(1, 1, green), width=200), Panel("c", plain(1, 1, blue), width=200)],
    ]
    image = card("t", panels)
    assert image.shape[1] == 2 * PADDING + 150 + BETWEEN + 200
    assert box_of(image, green)[:2] == (PADDING + 150 + BETWEEN, box_of(image, RED)[1])
    assert box_of(image, blue)[0] == box_of(image, green)[0]
    assert box_of(image, blue)[1] > box_of(image, green)[3]


def test_parts_stand_in_place_of_their_panel_and_what_holds_only_controls_is_left_out() -> None:
    parts = [Panel("b"), Panel("c")]
    shown = Card("t", [Panel("", controls=[object()]), Panel("a"), [Panel("x", parts=parts), Panel("d")]])
    assert [[panel.heading for panel in column] for column in shown.columns] == [["a"], ["b", "c", "d"]]


@pytest.mark.parametrize(("dark", "theme"), [(False, LIGHT), (True, DARK)])
def test_the_ground_shows_through_transparent_pixels(dark: bool, theme: Any) -> None:
    image = card("t", [Panel("h", plain(1, 1, (*RED, 0)), width=50)], dark=dark)
    assert not (image == RED).all(2).any()
    assert tuple(image[100, PADDING + 20]) == rgb(theme.ground)


def test_a_mark_frames_its_box_from_outside() -> None:
    # The box is 10 to 20 both ways of a picture enlarged tenfold: two pixels of line, one of ground between.
    panel = Panel("h", plain(3, 3), width=30, marks=[(1, 1, 2, 2)])
    image = card("t", [panel])
    left, top = box_of(image, RED)[:2]
    assert box_of(image, rgb(LIGHT.accent)) == (left + 7, top + 7, left + 23, top + 23)
    assert (image[top + 10 : top + 20, left + 10 : left + 20] == RED).all()


def test_a_flag_crosses_its_box_out() -> None:
    panel = Panel("h", plain(3, 3), width=30, flags=[(1, 1, 3, 3)])
    image = card("t", [panel])
    left, top = box_of(image, RED)[:2]
    edges = (left + 10, top + 10, left + 30, top + 30)
    assert np.abs(np.subtract(box_of(image, rgb(FLAG)), edges)).max() <= 1
    crossed = (image[top + 10 : top + 30, left + 10 : left + 30] == rgb(FLAG)).all(2)
    along = np.arange(2, 18)
    assert crossed[along, along].all() and crossed[along, 19 - along].all()
    assert not crossed[[0, 10, 19, 10], [10, 0, 10, 19]].any()


def test_a_colour_bar_runs_over_the_width_of_the_picture() -> None:
    image = card("t", [Panel("h", plain(1, 1), width=254, colorbar=("gray", "0", None, "1"))])
    bottom = box_of(image, RED)[3]
    ramp = image[bottom + 16, PADDING : PADDING + 254, 0].astype(int)
    assert (ramp[0], ramp[-1]) == (0, 255)
    assert (np.diff(ramp) > 0).all()


@pytest.mark.parametrize(("fraction", "share"), [(1.0, 1.0), (0.5, 0.5), (7.0, 1.0)])
def test_bars_are_as_long_as_their_fraction(fraction: float, share: float) -> None:
    image = card("t", [Panel("h", width=300, bars=[("a", fraction, "x"), ("b", 0.0, "x")])])
    left, _, right, _ = box_of(image, rgb(LIGHT.accent))
    track = box_of(image, rgb(LIGHT.track))
    assert right - left == pytest.approx(share * (track[2] - left), abs=2)


def test_where_a_bar_is_negative_all_begin_in_the_middle() -> None:
    image = card("t", [Panel("h", width=300, bars=[("a", -1.0, "x"), ("b", 0.5, "x")])])
    track = box_of(image, rgb(LIGHT.track))
    left, _, right, _ = box_of(image, rgb(LIGHT.accent))
    middle, half = (track[0] + track[2]) / 2, (right - left) / 1.5
    assert right - middle == pytest.approx(half / 2, abs=2)  # half of the right half
    assert middle - left == pytest.approx(half, abs=2)  # all of the left half


@pytest.mark.parametrize("fraction", [0.0, float("nan")])
def test_a_bar_of_nothing_is_not_drawn(fraction: float) -> None:
    image = card("t", [Panel("h", width=300, bars=[("a", fraction, "x")])])
    assert not (image == rgb(LIGHT.accent)).all(2).any()


LONG = "a very long text that goes on " * 30


def test_long_text_never_leaves_its_place() -> None:
    panel = Panel(LONG, plain(1, 1), 120, [LONG, (LONG, LONG)], [(LONG, 0.5, LONG)], ("gray", LONG, LONG, LONG))
    image = card(LONG, [panel], footer=LONG)
    assert image.shape[1] == NARROWEST + 2 * PADDING
    ground = np.array(rgb(LIGHT.ground))
    assert (image[2:-2, 2 : PADDING - 1] == ground).all()
    assert (image[2:-2, -PADDING + 1 : -2] == ground).all()
    # Panels keep to their own 120 pixels; title and footer stand above and below.
    below = 30 + (FOOTER - 1) * 15
    assert (image[50:-below, PADDING + 121 : -2] == ground).all()


def test_a_footer_that_is_too_long_is_wrapped_and_loses_no_word() -> None:
    one = card("t", [Panel("h", width=300)], footer="a quiet line")
    long = card("t", [Panel("h", width=300)], footer="a quiet line " * 6)  # 3 lines of 300 px in 11 px type
    lines = wrapped("a quiet line " * 6, 300, 11)
    assert len(lines) > 1 and " ".join(lines).split() == ["a", "quiet", "line"] * 6
    assert long.shape == (one.shape[0] + 15 * (len(lines) - 1), *one.shape[1:])


def test_text_of_several_lines_is_written_on_one() -> None:
    assert (card("a\nb", [], footer="c\td") == card("a b", [], footer="c d")).all()


def test_every_part_makes_the_card_higher() -> None:
    height = card("t", [Panel("h", width=200)]).shape[0]
    assert card("t", [Panel("h", width=200, lines=["one", ("two", "2")])]).shape[0] == height + 2 * 20
    assert card("t", [Panel("h", width=200, bars=[("a", 1, "")] * 3)]).shape[0] == height + 3 * 23
    assert card("t", [Panel("h", width=200)], footer="f").shape[0] == height + 24


def test_the_same_card_is_drawn_twice_alike() -> None:
    panels = [Panel("h · quiet", plain(4, 4), lines=["x"])]
    assert (card("t", panels) == card("t", panels)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pixels": np.zeros((2, 2), np.uint8)}, r"uint8 \(2, 2\)"),
        ({"pixels": np.zeros((2, 2, 3))}, "float64"),
        ({"pixels": np.zeros((0, 2, 3), np.uint8)}, r"\(0, 2, 3\)"),
        ({"width": 0}, "width must be 1 or more; got 0"),
    ],
)
def test_a_panel_refuses_what_it_cannot_draw(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Panel("h", **options)


def test_numbers_are_written_into_the_pixels_in_black_or_white() -> None:
    pixels = np.array([[[255, 255, 255], [0, 0, 0]]], np.uint8)
    bare = card("t", [Panel("", pixels, 80)])
    written = card("t", [Panel("", pixels, 80, texts=[["8", "8"]])])
    left, right = (written[80:120, PADDING + 40 * k : PADDING + 40 * (k + 1)] for k in (0, 1))
    changed = (written != bare).any(2)
    assert changed[80:120, PADDING : PADDING + 80].sum() == changed.sum() > 0
    assert left.min() < 60 and right.max() > 195
    y, x = np.nonzero((left < 128).all(2))
    assert abs(x.mean() - 19.5) < 1.5 and abs(y.mean() - 19.5) < 1.5  # in the middle of its pixel


def test_an_empty_text_leaves_its_pixel_alone() -> None:
    bare, written = (card("t", [Panel("", plain(2, 2), 80, texts=texts)]) for texts in ([], [["", ""], ["", ""]]))
    assert (bare == written).all()


@pytest.mark.parametrize("dark", [False, True])
def test_a_legend_has_a_dot_of_its_colour_before_each_line(dark: bool) -> None:
    colors = ["#d62728", "#2ca02c"]
    image = card("t", [Panel("h", width=200, lines=["one", "two"], dots=colors)], dark=dark)
    boxes = [box_of(image, rgb(color)) for color in colors]
    assert boxes[0][0] == boxes[1][0] == PADDING and boxes[1][1] - boxes[0][1] == 20
    with pytest.raises(ValueError, match="2 lines, 1 dots"):
        Panel("h", lines=["one", "two"], dots=["#d62728"])


def test_a_value_that_is_too_long_goes_on_in_the_next_line_and_is_not_cut() -> None:
    words = "half of the gradient lies in 94 of 729 px"
    assert wrapped(words, 120, 12) == ["half of the gradient", "lies in 94 of 729 px"]
    assert wrapped("one two three", 1, 12, most=2) == ["one", "two three"]
    heights = [card("t", [Panel("h", width=200, lines=[("field", text)])]).shape[0] for text in ("5", words)]
    assert heights[1] == heights[0] + 16


def test_numbers_in_neighbouring_cells_do_not_touch() -> None:
    texts = [["−0.22", "−0.32", "−0.29", "−0.10", "0.27"]] * 5
    size = fitting_size((text for row in texts for text in row), 38)
    assert text_length("−0.22", size) <= 38 - 6 and size >= 9


def test_the_ends_of_a_narrow_scale_are_not_cut_and_the_middle_gives_way(monkeypatch) -> None:
    written = written_on(monkeypatch)
    card("t", [Panel("h", plain(1, 1), width=110, colorbar=("gray", "−0.0812", "no change", "+0.0812"))])
    assert "−0.0812" in written and "+0.0812" in written and "no change" not in written


def test_the_name_of_the_true_class_is_whole_though_it_is_bold(monkeypatch) -> None:
    written = written_on(monkeypatch)
    card("t", [Panel("h", width=190, bars=[("class 0", 0.8, "80.0 %"), ("class 9", 0.1, "10.0 %")], truth=(0, True))])
    assert "class 0" in written and "class 9" in written


def test_the_text_of_a_bar_is_whole_also_where_it_is_long(monkeypatch) -> None:
    written = written_on(monkeypatch)
    card("t", [Panel("h", width=310, bars=[("class 3", 0.8, "0.823 (+0.00123)"), ("a long class name", 0.1, "1")])])
    assert "0.823 (+0.00123)" in written


def written_on(monkeypatch) -> list[str]:
    """All texts that are drawn, as they are drawn."""
    found: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def text(self, xy, text, *args, **options):
        found.append(text)
        return draw(self, xy, text, *args, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return found


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_all_text_of_a_card_can_be_read(theme):
    assert min(contrast(color, theme.ground) for color in (theme.text, theme.muted)) > 4.5
