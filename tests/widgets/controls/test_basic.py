from __future__ import annotations

import ipywidgets as W
import pytest
import torch
import traitlets as T

import cnnwidgets as cw
from cnnwidgets.widgets import controls
from cnnwidgets.widgets.controls.ranges import is_single
from tests.widgets.conftest import inside


class View(T.HasTraits):
    """Stands in for a view: some traits, and what they were set to, in order."""

    index = T.Int(2)
    layer = T.Unicode("b")
    on = T.Bool(False)
    scale = T.Any("layer")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []
        self.observe(lambda change: self.seen.append(change["new"]), T.All)


@pytest.fixture
def view() -> View:
    return View()


def tip(control: W.Widget) -> str:
    return control.tooltip if control.has_trait("tooltip") else control.description_tooltip


LAYERS = [("A · Conv2d", "a"), ("B · ReLU", "b"), ("C · Linear", "c")]
LINKED = {
    "slider": (lambda view: controls.slider(view, "index", maximum=9, tip="which"), "index", 2, 5),
    "entry": (lambda view: controls.entry(view, "index", maximum=9, tip="which"), "index", 2, 5),
    "dropdown": (lambda view: controls.dropdown(view, "layer", LAYERS, tip="which"), "layer", "b", "c"),
    "checkbox": (lambda view: controls.checkbox(view, "on", "On", width=90, tip="which"), "on", False, True),
    "doubling": (lambda view: controls.doubling(view, "index", maximum=9, tip="which"), "index", 2, 4),
}


@pytest.fixture(params=LINKED)
def linked(request, view):
    make, trait, old, new = LINKED[request.param]
    return make(view), trait, old, new


def test_a_control_begins_with_the_value_of_its_trait(linked, view):
    control, _, old, _ = linked
    assert control.value == old
    assert view.seen == []


def test_moving_a_control_sets_the_trait_once(linked, view):
    control, trait, _, new = linked
    control.value = new
    assert getattr(view, trait) == new
    assert view.seen == [new]


def test_setting_the_trait_moves_the_control(linked, view):
    control, trait, _, new = linked
    setattr(view, trait, new)
    assert control.value == new
    assert view.seen == [new]


def test_a_control_has_a_tooltip_under_the_name_that_this_ipywidgets_has(linked):
    assert tip(linked[0]) == "which"


def test_integer_controls_go_from_0_to_the_maximum(view):
    for make in (controls.slider, controls.entry):
        control = make(view, "index", maximum=9, tip="")
        assert (control.min, control.max) == (0, 9)


def test_a_button_calls_its_action():
    pressed = []
    control = controls.button("<", lambda: pressed.append("<"), tip="back")
    control.click()
    assert pressed == ["<"]
    assert control.tooltip == "back"


@pytest.mark.parametrize(("maximum", "steps"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (512, 9)])
def test_a_doubling_slider_goes_up_to_the_power_of_two_that_reaches_the_maximum(view, maximum, steps):
    view.index = 1
    slider = controls.doubling(view, "index", maximum=maximum, tip="which")
    assert (slider.base, slider.min, slider.max, slider.step) == (2, 0, steps, 1)


def test_the_image_controls_share_the_index(view):
    row = controls.index_control(view, 3)
    _, slider, box, back, forth, dice = row.children
    assert (slider.max, box.max, slider.value) == (2, 2, 2)
    forth.click()  # round the end
    assert (view.index, slider.value, box.value) == (0, 0, 0)
    back.click()
    assert view.index == 2
    seen = {(dice.click(), view.index)[1] for _ in range(60)}
    assert seen == {0, 1, 2}


def test_labelled_keeps_its_controls_together_behind_the_label():
    slider = W.IntSlider()
    row = controls.labelled("Image", slider)
    assert ">Image<" in row.children[0].value
    assert row.children[1] is slider


def test_the_label_says_what_the_first_control_behind_it_is_for():
    within = W.HBox([W.IntSlider(), controls.hint(W.IntSlider(), 'the "first"')])
    row = controls.labelled("Image", within, controls.hint(W.IntSlider(), "second"))
    assert 'title="the &quot;first&quot;"' in row.children[0].value


@pytest.fixture
def scale(view):
    return controls.ScaleControl(view, "scale", tip="range")


def ends(scale: controls.ScaleControl) -> list[float]:
    """The numbers in the two boxes, or [] while they are hidden."""
    return [end.value for end in scale._ends if end.layout.display != "none"]


def test_the_scale_menu_sets_the_trait(scale, view):
    scale._menu.value = "map"
    assert view.scale == "map"
    scale._menu.value = "layer-full"
    assert view.scale == "layer-full"
    assert ends(scale) == []


def test_a_fixed_scale_starts_from_the_suggestion_in_one_step(scale, view):
    scale.suggestion = (-4.0, 4.0)
    scale._menu.value = "fixed"
    assert view.scale == (-4.0, 4.0)
    assert ends(scale) == [-4.0, 4.0]
    assert view.seen == [(-4.0, 4.0)]


def test_setting_two_numbers_shows_them_in_one_step(scale, view):
    view.scale = (1.0, 5.0)
    view.scale = (-3.0, -1.0)
    assert scale._menu.value == "fixed"
    assert ends(scale) == [-3.0, -1.0]
    assert view.seen == [(1.0, 5.0), (-3.0, -1.0)]


def test_typing_an_end_sets_the_trait(scale, view):
    view.scale = (0.0, 1.0)
    scale._ends[1].value = 3.0
    assert view.scale == (0.0, 3.0)
    scale._ends[0].value = -2.0
    assert view.scale == (-2.0, 3.0)


def test_ends_in_the_wrong_order_wait_for_the_other_one(scale, view):
    view.scale = (0.0, 1.0)
    scale._ends[0].value = 5.0
    assert view.scale == (0.0, 1.0)
    scale._ends[1].value = 9.0
    assert view.scale == (5.0, 9.0)


def test_back_to_a_word_hides_the_ends(scale, view):
    view.scale = (0.0, 1.0)
    scale._menu.value = "layer"
    assert view.scale == "layer"
    assert ends(scale) == []


def test_the_ends_say_which_is_which(scale):
    assert "lower" in tip(scale._ends[0])
    assert "upper" in tip(scale._ends[1])
    assert all(part in inside(scale) for part in scale._ends)


class Columns(T.HasTraits):
    columns = T.Int(0, min=0)


def test_zero_columns_are_called_auto():
    view = Columns()
    box = controls.auto_entry(view, "columns", maximum=99, tip="in a row")
    assert (box.value, view.columns) == ("auto", 0)
    box.value = " 8 "
    assert (box.value, view.columns) == ("8", 8)
    for typed, shown in (("many", "8"), ("-3", "8"), ("500", "99"), ("AUTO", "auto"), ("7", "7"), ("", "auto")):
        box.value = typed
        assert (box.value, view.columns) == (shown, 0 if shown == "auto" else int(shown))
    view.columns = 5
    assert box.value == "5"


def test_a_group_names_its_controls_for_a_screen_reader(view):
    slider = controls.slider(view, "index", maximum=9, tip="which")
    own = controls.checkbox(view, "on", "On", width=90, tip="which")
    group = controls.labelled("Image", slider, own)
    assert (slider.description, own.description) == ("Image", "On")
    assert ["cnnw-named" in control._dom_classes for control in (slider, own)] == [True, False]
    group.text = "Frame <1>"
    assert slider.description == "Frame <1>" and "Frame &lt;1&gt;" in group.children[0].value


def test_a_colour_map_that_the_menu_has_not_is_added_when_it_is_set(view):
    view.add_traits(colormap=T.Unicode("auto"))
    (menu,) = (part for part in controls.colormap_menu(view).children if isinstance(part, W.Dropdown))
    before = menu.options
    view.colormap = "jet"
    assert (menu.value, menu.options) == ("jet", (*before, "jet"))
    view.colormap = "magma"
    assert (view.colormap, menu.value, menu.options) == ("magma", "magma", (*before, "jet"))
    menu.value = "jet"
    assert view.colormap == "jet"


def test_of_a_data_set_of_one_image_only_the_button_for_an_own_one_is_left():
    view = cw.ActivationView(cw.models.lenet5(), [torch.rand(1, 28, 28)])
    row = next(part for part in inside(view) if getattr(part, "text", "") == "Image")
    assert [is_single(part) for part in row.children] == [True] * 6 + [False]
    assert row.children[-1].description == "own image" and not is_single(row)
