from __future__ import annotations

import ipywidgets as W
import numpy as np
import pytest
import torch
import traitlets as T

from cnnwidgets.render.static import Panel
from cnnwidgets.views.convolution.numbers import NumbersControl
from cnnwidgets.views.convolution.playground import IMAGES, KERNELS, KernelPlayground
from tests.widgets.conftest import inside, said, titled, words


@pytest.fixture
def view() -> KernelPlayground:
    return KernelPlayground()


def sums(view: KernelPlayground) -> str:
    return "".join(map(said, view.panel("sum").parts))


def window(view: KernelPlayground) -> Panel:
    return view.panel("tables").parts[0]


def player(view: KernelPlayground) -> W.Play:
    return next(part for part in inside(view) if isinstance(part, W.Play))


def boxes(view: KernelPlayground) -> list[NumbersControl]:
    return [part for part in inside(view) if isinstance(part, NumbersControl)]


def test_it_opens_with_a_diagonal_that_the_kernel_matches(view):
    assert view.output.tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert view.pixel == (1, 1) and view.explanation.cosine == pytest.approx(1)
    assert "1 + 0 + 0 + 1 + 0 (bias) = 2" in sums(view)
    assert "network" not in sums(view)
    assert "3 × 3 output · 4 × 4 image · 2 × 2 kernel · stride 1, padding 0, dilation 1, bias 0" in titled(view)


def test_where_the_patch_is_something_else_the_cosine_says_so(view):
    view.pixel = (0, 1)
    assert window(view).texts == [["0", "0"], ["1", "0"]] and "cosine of window and filter 0:" in sums(view)


def test_typed_numbers_change_the_output_at_once(view):
    image, kernel = boxes(view)
    kernel._box.value = "1 1\n1 1"
    assert view.kernel == ((1, 1), (1, 1)) and view.output.tolist() == [[2, 1, 0], [1, 2, 1], [0, 1, 2]]
    image._box.value = "1, 2, 3; 4, 5, 6; 7, 8, 9"
    assert view.output.tolist() == [[12, 16], [24, 28]] and image._menu.value == "own numbers"
    assert image._box.value == "1, 2, 3; 4, 5, 6; 7, 8, 9"  # what is typed is not written over


def test_what_cannot_be_read_is_said_and_changes_nothing(view):
    image, _ = boxes(view)
    image._box.value = "1 2\n3 x"
    assert "row 2: 'x' is no number" in words(image._wrong)
    assert view.image == tuple(map(tuple, np.eye(4)))
    image._box.value = "1 2\n3 4"
    assert image._wrong.value == "" and view.image == ((1, 2), (3, 4))


def test_presets_fill_the_boxes(view):
    _, kernel = boxes(view)
    kernel._menu.value = "vertical edges"
    assert view.kernel == ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))
    assert kernel._box.value.split() == ["-1", "0", "1", "-2", "0", "2", "-1", "0", "1"]
    view.kernel = "sharpen"
    assert kernel._menu.value == "sharpen" and "5" in kernel._box.value


def test_every_preset_can_be_drawn(view):
    for image in IMAGES:
        for kernel in KERNELS:
            with view.hold_trait_notifications():
                view.image, view.kernel = image, kernel
            assert view.error == ""


def test_what_the_presets_promise():
    blurred = KernelPlayground(image="8 × 8 square", kernel="box blur", padding=1).output
    assert blurred[3, 3] == pytest.approx(1) and blurred[2, 2] == pytest.approx(4 / 9)
    assert (
        KernelPlayground(image="8 × 8 cross", kernel="identity", padding=1).output.tolist()
        == np.maximum(np.eye(8), np.eye(8)[::-1]).tolist()
    )
    assert KernelPlayground(image="4 × 4 edge", kernel="horizontal edges").output.tolist() == [[0, 0], [0, 0]]
    assert KernelPlayground(image="4 × 4 edge", kernel="vertical edges").output.tolist() == [[4, 4], [4, 4]]


def test_a_click_switches_a_pixel_of_the_image(view):
    view.panel("image").on_place(1.5, 0.5)
    assert view.image[0] == (1, 1, 0, 0) and view.output[0].tolist() == [2, 1, 0]
    view.panel("image").on_place(1.5, 0.5)
    assert view.image[0] == (1, 0, 0, 0)


def test_the_numbers_stand_in_the_pixels(view):
    assert view.panel("output").texts == [["2", "0", "0"], ["0", "2", "0"], ["0", "0", "2"]]
    view.padding = 1
    assert view.panel("image").texts[:2] == [[""] * 6, ["", "1", "0", "0", "0", ""]]
    view.image = np.eye(32)  # pixels of 6 px have no room for numbers
    assert not view.panel("image").texts


def test_stride_padding_and_dilation_are_those_of_conv2d(view):
    with view.hold_trait_notifications():
        view.image, view.kernel = "8 × 8 ramp", [[1, 2], [3, 4]]
        view.stride, view.padding, view.dilation, view.bias = 2, 1, 3, 0.5
    image = torch.arange(8.0).repeat(8, 1)[None, None]
    kernel = torch.tensor([[[[1.0, 2], [3, 4]]]])
    wanted = torch.nn.functional.conv2d(image, kernel, torch.tensor([0.5]), 2, 1, 3)[0, 0]
    assert view.output.tolist() == wanted.tolist()
    assert view.pixel == (1, 1) and player(view).max == wanted.numel() - 1
    view.pixel = (0, 0)
    assert list(window(view).lines) == ["rows −1, 2", "columns −1, 2"]
    assert view.panel("image").marks == [(0, 0, 4, 4)]


def test_a_kernel_that_does_not_fit_is_said_in_one_line_and_the_next_good_move_clears_it(view):
    before = view.output
    view.dilation = 4
    assert "the kernel, 5 high, does not fit into the image, 4 high with its padding" in view.error
    assert any("cnnw-stale" in part._dom_classes for part in inside(view) if isinstance(part, W.VBox))
    assert np.array_equal(view.output, before)
    view.padding = 1
    assert view.error == "" and view.output.shape == (2, 2)


def test_the_player_slides_the_window(view):
    for position in range(9):
        player(view).value = position
        assert view.pixel == divmod(position, 3)
        assert view.explanation.value == view.output[view.pixel]


def test_an_array_a_tensor_and_a_name_are_all_images():
    rows = [[1, 2, 3], [4, 5, 6]]
    for image in (rows, np.array(rows), torch.tensor(rows)):
        assert KernelPlayground(image=image).output.tolist() == [[6, 8]]
    assert KernelPlayground(image="8 × 8 dot").output.sum() == 2


@pytest.mark.parametrize(
    ("traits", "error", "message"),
    [
        ({"image": "4 × 4 diagonl"}, ValueError, "no image '4 × 4 diagonl'; did you mean '4 × 4 diagonal'"),
        ({"kernel": [[1, 2], [3]]}, ValueError, "kernel: row 2 has 1 numbers, row 1 has 2"),
        ({"image": [[float("nan")]]}, ValueError, "image: row 1 has a number that is not finite"),
        ({"image": [[1, 2], [3, 4]], "kernel": "sharpen"}, ValueError, "the kernel, 3 high, does not fit"),
        ({"stride": 0}, T.TraitError, "stride"),
        ({"bias": float("nan")}, T.TraitError, "bias must be a finite number, not nan"),
        ({"bias": float("-inf")}, T.TraitError, "bias must be a finite number, not -inf"),
        ({"strid": 1}, TypeError, "no keyword 'strid'; did you mean 'stride'"),
        ({"pixel": (3, 0)}, IndexError, "the map has 3 rows and 3 columns"),
    ],
)
def test_what_cannot_be_is_refused_and_no_widget_is_left(widgets, traits, error, message):
    with pytest.raises(error, match=message):
        KernelPlayground(**traits)
    assert widgets() == 0


def test_closing_closes_every_widget(view, widgets):
    view.image = "8 × 8 cross"
    view.close()
    assert widgets() == 0


def test_every_control_has_a_tooltip(view):
    kinds = (W.IntSlider, W.Dropdown, W.Button, W.BoundedIntText, W.FloatText, W.Textarea, W.Play)
    for control in inside(view):
        if isinstance(control, kinds):
            assert control.tooltip if control.has_trait("tooltip") else control.description_tooltip, control


def test_the_static_picture_follows_the_view(view):
    before = view.picture()
    view.pixel = (0, 1)
    assert view.picture().shape == before.shape and not np.array_equal(view.picture(), before)


@pytest.mark.parametrize(("trait", "value"), [("row", 3), ("column", -1), ("position", 9), ("bias", float("nan"))])
def test_a_refused_number_changes_nothing(view, trait, value):
    before = repr(view), view.row, view.column, view.position
    with pytest.raises((IndexError, T.TraitError), match=f"{trait} "):
        setattr(view, trait, value)
    assert (repr(view), view.row, view.column, view.position) == before and view.error == ""


def test_the_static_picture_has_the_panels_of_the_page_without_the_boxes_to_type_into(view):
    assert [[panel.heading for panel in column] for column in view.static().columns] == [
        ["Image · 4 × 4"],
        ["Output · row 1, column 1"],
        ["Sum"],
        ["Window", "Kernel", "Product"],
    ]
    assert view.panel("editor").controls


def test_another_bias_sends_no_image(view, messages):
    before = view.panel("image").pixels
    view.bias = 2.0
    assert view.panel("image").pixels is before and view.output.tolist() == [[4, 2, 2], [2, 4, 2], [2, 2, 4]]
