from __future__ import annotations

import ipywidgets as W
import numpy as np
import pytest
import torch
import traitlets as T
from torch import Tensor, nn

from cnnwidgets import ReceptiveFieldView, effective_receptive_field, receptive_field
from cnnwidgets.compute.receptive_field.fields import Box
from cnnwidgets.data import digits
from cnnwidgets.models import lenet5
from tests.widgets.conftest import EVIL, control, hooks, inside, said, steps, titled, words


@pytest.fixture
def view(model, dataset, passes) -> ReceptiveFieldView:
    return ReceptiveFieldView(model, dataset, layer="pool", unit=(0, 0))


def padded() -> nn.Sequential:
    """3 x 3, padding 1, all weights 1: unit (r, c) sees rows r - 1 to r + 1."""
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.constant_(conv.weight, 1.0)
    return nn.Sequential(conv)


class Cut(nn.Module):
    """A network whose second convolution gets no gradient from the image."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.a(x).detach())


def photo(view: ReceptiveFieldView) -> np.ndarray:
    return view.panel("photo").drawn()[..., :3].astype(int)


def framed(view: ReceptiveFieldView) -> list[tuple[float, ...]]:
    """Left, top, right, bottom of the frames on the photo, in its pixels."""
    return list(view.panel("photo").marks)


def facts(view: ReceptiveFieldView) -> str:
    return said(view.panel("map"))


def table(view: ReceptiveFieldView) -> list[str]:
    """The lines of the table of layers."""
    return [" ".join(line) for line in view.panel("layers").parts[0].lines]


def sliders(view: ReceptiveFieldView) -> list[W.IntSlider]:
    return [control(view, name, W.IntSlider) for name in ("Row", "Column")]


# ---------------------------------------------------------------------- what is shown


def test_the_frame_is_around_the_field_on_the_photo(view):
    assert view.field.box(0, 0) == Box(0, 0, 2, 2)
    assert framed(view) == [(0, 0, 2, 2)]
    view.unit = (1, 0)  # rows 2 and 3, columns 0 and 1
    assert framed(view) == [(0, 2, 2, 4)]
    assert "row 1, column 0 size 2 px stride 2 px centre row 2.5, column 0.5 rows 2 to 3 columns 0 to 1" in facts(view)


def test_the_gradient_is_that_of_all_channels_or_of_one(view):
    # map 0 holds the last of four, x; map 1 the first, -2 x
    assert view.effective.tolist() == [[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    view.gradient = "channel"
    assert view.effective.nonzero().tolist() == [[1, 1]] and view.effective.sum() == 1
    view.channel = 1
    assert view.effective.nonzero().tolist() == [[0, 0]] and view.effective.sum() == 2
    assert "gradient of channel 1" in titled(view)


def test_the_overlay_covers_the_pixels_that_have_a_gradient_and_no_other(view):
    covered = photo(view)
    view.overlay = False
    bare = photo(view)
    assert (covered != bare).any(-1).nonzero()[0].tolist() == [0, 1]
    assert (covered != bare).any(-1).nonzero()[1].tolist() == [0, 1]
    assert bare[:, :, 0].ravel().tolist() == [17 * k for k in range(16)]  # 0 to 15 on 256 levels of grey
    view.overlay, view.opacity = True, 0.0
    assert np.array_equal(photo(view), bare)
    view.opacity = 1.0
    assert photo(view)[0, 0].tolist() == [252, 255, 164]  # the upper end of inferno


def test_what_is_cut_off_at_the_border_is_told():
    view = ReceptiveFieldView(padded(), steps(), unit=(0, 3))
    assert (
        "size 3 px stride 1 px centre row 0, column 3 rows 0 to 1 columns 2 to 3 outside the image top 1, right 1 px"
        in facts(view)
    )
    view.unit = (1, 2)
    assert "outside the image none" in facts(view)
    assert "gradient 100 % inside the frame half the gradient in 5 of 9 px (56 %)" in facts(view)  # nine equal ones


def test_what_does_not_come_from_the_image_sees_nothing():
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.a(x) + self.b(torch.ones(1, 1, 4, 4))

    view = ReceptiveFieldView(Constant(), steps(), layer="b")
    assert "does not depend on the image" in titled(view)
    assert "field does not depend on the image" in facts(view)
    assert framed(view) == []
    assert "▸ b none" in table(view)


def test_layers_that_see_everything_say_so_and_why(view):
    view.layer = "fc"
    assert "sees the whole image because a linear layer over all positions" in facts(view)
    assert "sees the whole image" in titled(view)
    assert framed(view) == [(0, 0, 4, 4)]


def test_in_a_vector_the_unit_is_the_channel(view):
    view.layer, view.channel = "fc", 1  # -2 times the first pixel
    assert view.effective.nonzero().tolist() == [[0, 0]] and view.effective.sum() == 2
    hidden = [part for part in inside(view) if isinstance(part, W.HBox) and part.layout.display == "none"]
    held = {id(part) for group in hidden for part in inside(group)}
    assert all(id(part) in held for part in (control(view, "Gradient", W.Dropdown), *sliders(view)))
    view.channel = 2
    assert "gradient 0 everywhere" in facts(view)
    view.layer, view.channel = "flatten", 7  # the last of map 1
    assert view.field.box(0, 0, channel=7) == Box(2, 2, 4, 4)
    assert framed(view) == [(2, 2, 4, 4)]
    assert "size 2 px centre row 2.5, column 2.5 rows 2 to 3" in facts(view)


def test_the_table_lists_size_and_stride_of_all_layers_and_marks_the_chosen_one(view):
    shown = [part for part in inside(view) if isinstance(part, W.HTML)]
    (rows,) = [words(part).split("stride ")[1].split() for part in shown if "<table" in part.value]
    assert rows == ["conv", "1", "1", "pool", "2", "2", "flatten", "2", "fc", "all"]
    assert any("tr:nth-child(2)" in part.value for part in shown)
    assert table(view) == ["conv 1 · stride 1", "▸ pool 2 · stride 2", "flatten 2", "fc all"]
    view.layer = "fc"
    assert any("tr:nth-child(4)" in part.value for part in shown) and table(view)[-1] == "▸ fc all"


def test_field_fields_and_effective_are_those_of_the_functions():
    model, dataset = lenet5(pretrained=True), digits()
    view = ReceptiveFieldView(model, dataset, layer="C3", index=7, unit=(2, 9))
    field, expected = view.field, receptive_field(model, dataset[7][0], "C3")
    assert (field.size, field.stride, field.start) == (expected.size, expected.stride, expected.start) == (14, 2, -2)
    assert view.fields["S2"].size == 6
    found = effective_receptive_field(model, dataset[7][0], "C3", unit=(2, 9))
    assert torch.equal(view.effective, found) and found.sum() > 0
    view.effective.zero_()
    assert torch.equal(view.effective, found)


# ---------------------------------------------------------------------- clicks and sliders


def test_a_click_in_the_map_chooses_the_unit(view):
    view.panel("map").on_place(1.2, 0.7)  # column 1, row 0
    assert view.unit == (0, 1)
    left, top, right, bottom = view.panel("map").cells.box(2)
    view.panel("map").on_place((left + right) / 2, (top + bottom) / 2)
    assert (view.unit, view.row, view.column) == ((1, 0), 1, 0)
    view.layer = "fc"
    left, top, right, bottom = view.panel("map").cells.box(2)
    view.panel("map").on_place((left + right) / 2, (top + bottom) / 2)
    assert (view.channel, view.unit) == (2, (0, 0))


def test_a_click_on_the_photo_chooses_the_unit_that_sees_it_from_nearest(view):
    view.panel("photo").on_place(3.6, 0.3)
    assert view.unit == (0, 1)
    view.panel("photo").on_place(1.9, 2.1)
    assert view.unit == (1, 0)


def test_sliders_and_the_trait_move_each_other(view):
    rows, columns = sliders(view)
    rows.value = 1
    assert view.unit == (1, 0)
    view.unit = (0, 1)
    assert (rows.value, columns.value) == (0, 1)
    view.column = 0
    assert view.unit == (0, 0)


def test_another_layer_keeps_the_part_of_the_photo(view):
    view.unit = (1, 0)
    view.layer = "conv"  # 4 x 4: the middle of the lower left quarter
    assert (view.unit, [slider.max for slider in sliders(view)]) == ((3, 1), [3, 3])
    view.unit = (3, 0)
    view.layer = "pool"
    assert (view.unit, [slider.max for slider in sliders(view)]) == ((1, 0), [1, 1])
    with view.hold_trait_notifications():
        view.layer, view.unit = "conv", (0, 3)
    assert view.unit == (0, 3)


def test_the_middle_is_the_default_and_stays_it(model, dataset):
    view = ReceptiveFieldView(model, dataset, layer="pool")
    assert (view.unit, view.row, view.column) == (None, 1, 1)
    view.layer = "conv"
    assert (view.unit, view.row, view.column) == (None, 2, 2)
    assert framed(view) == [(2, 2, 3, 3)]


def test_a_smaller_image_keeps_the_unit_inside():
    view = ReceptiveFieldView(padded(), [(torch.rand(1, 6, 8), 0), (torch.rand(1, 4, 4), 1)], unit=(5, 7))
    view.index = 1
    assert (view.unit, view.field.image, view.field.grid) == ((3, 3), (4, 4), (4, 4))
    assert photo(view).shape == (4, 4, 3)


# ---------------------------------------------------------------------- counts


def test_a_view_takes_three_passes_to_make_and_one_of_them_once_for_a_size_of_image(view, passes):
    assert passes() == 3  # outputs, fields, gradient
    view.index = 1
    assert passes() == 2  # outputs, gradient


def test_each_unit_takes_one_pass_and_going_back_none(view, passes):
    passes()
    for unit, layer in (((1, 1), "pool"), ((3, 0), "conv"), ((0, 2), "conv")):
        view.layer = layer
        passes()
        view.unit = unit
        assert passes() == 1
    view.unit = (3, 0)
    assert passes() == 0
    assert any('title="cached' in part.value for part in inside(view) if isinstance(part, W.HTML))


def test_what_only_changes_the_drawing_runs_nothing(view, passes):
    passes()
    for trait, value in (("overlay", False), ("opacity", 0.2), ("colormap", "magma"), ("channel", 1)):
        setattr(view, trait, value)
    assert passes() == 0


def test_refresh_shows_weights_written_behind_our_back(view, model):
    model.conv.weight.data[0] = 3.0
    view.refresh()
    assert view.effective[1, 1] == 3


def test_a_unit_move_sends_neither_the_map_nor_the_table(view, messages):
    before = view.panel("map").pixels
    view.unit = (1, 1)
    assert view.panel("map").pixels is before
    sent = [message for message in messages if "value" in message.traits]
    assert len([message for message in sent if isinstance(message.widget, W.Image)]) == 1  # the photo
    assert not any("<table" in str(message.content) for message in sent)
    assert 0 < len(messages) <= 14
    messages.clear()
    view.layer = "conv"
    assert not any("<table" in str(message.content) for message in messages)


def test_200_moves_make_no_widget_and_close_leaves_none(model, dataset, widgets):
    before = widgets()
    view = ReceptiveFieldView(model, dataset)
    made = widgets()
    for step in range(200):
        view.layer = ("conv", "pool", "fc", "flatten")[step % 4]
        view.index, view.channel = step % 6, step % 2
        view.unit = (0, 0)
    assert widgets() == made > before
    view.close()
    assert widgets() == before
    assert hooks(model) == 0


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("trait", "value", "error", "text"),
    [
        ("layer", "pol", LookupError, "did you mean 'pool'"),
        ("index", 6, IndexError, "index 6 is out of range: the data set has 6 images, 0 to 5"),
        ("unit", (2, 0), IndexError, r"unit \(2, 0\) is out of range: layer 'pool' has 2 rows and 2 columns"),
        ("unit", (0, -1), ValueError, "unit must be"),
        ("unit", 3, ValueError, "unit must be"),
        ("channel", 2, IndexError, "channel 2 is out of range: layer 'pool' has 2, 0 to 1"),
        ("channel", -1, IndexError, "0 to 1"),
        ("gradient", "some", T.TraitError, "gradient.*'all', 'channel'"),
        ("opacity", 1.5, T.TraitError, "opacity"),
        ("opacity", float("nan"), T.TraitError, "opacity must be a number from 0 to 1, not nan"),
        ("unit", ("a", 0), ValueError, "unit must be"),
        ("overlay", "no", T.TraitError, "overlay"),
        ("colormap", "virids", ValueError, "viridis"),
    ],
)
def test_a_refused_value_is_named_and_changes_nothing(view, model, dataset, widgets, trait, value, error, text):
    state, shown, count = repr(view), view.picture(), widgets()
    with pytest.raises(error, match=text):
        setattr(view, trait, value)
    view.settle()
    assert repr(view) == state and view.error == "" and np.array_equal(view.picture(), shown)
    with pytest.raises(error, match=text):
        ReceptiveFieldView(model, dataset, **{"layer": "pool", trait: value})
    assert widgets() == count


@pytest.mark.parametrize(("trait", "value"), [("row", 2), ("column", -1)])
def test_a_row_or_column_that_is_not_there_is_refused(view, trait, value):
    with pytest.raises(IndexError, match="layer 'pool' has 2 rows and 2 columns"):
        setattr(view, trait, value)
    assert (view.unit, view.row, view.column) == ((0, 0), 0, 0)


def test_a_misspelt_keyword_is_refused_before_a_widget_exists(model, dataset, widgets):
    count = widgets()
    with pytest.raises(TypeError, match="no keyword 'opacty'; did you mean 'opacity'"):
        ReceptiveFieldView(model, dataset, opacty=1)
    assert widgets() == count


def test_a_layer_without_a_gradient_keeps_its_frame_and_says_why():
    view = ReceptiveFieldView(Cut(), steps(), layer="b", unit=(1, 2))
    assert view.effective is None
    assert "gradient none: layer 'b' has no gradient with respect to the image" in facts(view)
    assert framed(view) == [(2, 1, 3, 2)]
    view.layer = "a"
    assert view.effective.nonzero().tolist() == [[1, 2]]


def test_names_that_look_like_html_are_shown_as_text():
    model = nn.Sequential()
    model.add_module(EVIL.replace(".", ""), nn.Conv2d(1, 1, 1))
    view = ReceptiveFieldView(model, [(torch.rand(1, 4, 4), 0)], classes=[EVIL])
    shown = [part.value for part in inside(view) if isinstance(part, W.HTML)]
    assert not any("<img" in value for value in shown)
    assert any("&lt;img" in value for value in shown if "<table" in value)


# ---------------------------------------------------------------------- the static picture


def test_the_static_picture_shows_frame_numbers_and_table(view, tmp_path):
    light, dark = view.picture(), view.picture(dark=True)
    assert light.shape == dark.shape and light.mean() > 200 > 100 > dark.mean()
    (panel,), (map_,), (layers,) = view.static().columns
    assert panel is view.panel("photo") and map_ is view.panel("map")
    assert (panel.heading, panel.marks) == ("Image 0 · label: 0 · 0 to 15", [(0, 0, 2, 2)])
    assert layers.lines[:2] == [("conv", "1 · stride 1"), ("▸ pool", "2 · stride 2")]
    view.unit = (1, 1)
    assert (view.picture() != light).any()
    assert view.save(tmp_path / "field.png").stat().st_size > 1000


def test_the_static_picture_lists_the_layers_around_the_chosen_one():
    model = nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(30)))
    view = ReceptiveFieldView(model, steps(), layer="15")
    panel = view.panel("layers").parts[0]
    assert panel.heading == "19 of 30 layers · fields in px"
    assert [name for name, _ in panel.lines][::9] == ["6", "▸ 15", "24"]
