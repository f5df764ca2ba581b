from __future__ import annotations

import base64
import re
from collections import OrderedDict

import ipywidgets as W
import numpy as np
import pytest
import torch
import traitlets as T
from torch import nn

from cnnwidgets import activations
from cnnwidgets.compute.filters.filters import filters
from cnnwidgets.data import digits
from cnnwidgets.models import lenet5
from cnnwidgets.render.color.shaded import Shaded
from cnnwidgets.views.filter.view import FilterView
from cnnwidgets.widgets.controls import Group
from cnnwidgets.widgets.state.subject import Subject
from tests.widgets.conftest import EVIL, control, decoded, hooks, inside, said, steps, titled, words


def net() -> nn.Sequential:
    """3 -> `first` 4 filters of 3 x 3, filter 2 near-dead -> `norm` -> `second` 6 of 1 x 1 in 2 groups -> `third` 2."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["first"] = nn.Conv2d(3, 4, 3, padding=1)
    layers["norm"] = nn.BatchNorm2d(4)
    layers["relu"] = nn.ReLU()
    layers["second"] = nn.Conv2d(4, 6, 1, groups=2)
    layers["third"] = nn.ConvTranspose2d(6, 2, 2, bias=False)
    model = nn.Sequential(layers)
    model.first.weight.data[2] *= 1e-4
    model.norm.running_mean.normal_()
    return model


@pytest.fixture
def model() -> nn.Sequential:
    return net()


@pytest.fixture
def view(model, passes) -> FilterView:
    return FilterView(model)


def levels(view: FilterView) -> np.ndarray:
    """Palette indices of the sheet."""
    return view.panel("sheet").pixels


def pictures(view: FilterView) -> tuple[bytes, bytes]:
    return view.panel("sheet").drawn().tobytes(), view.panel("filter").drawn().tobytes()


def kernel_in(view: FilterView, cell: int) -> tuple[int, int]:
    """(filter, channel) in a cell of the sheet, as the mouse over it shows."""
    found = re.match(r"filter (\d+)(?:, (?:input )?channel (\d+))?", view.panel("sheet").describe(cell))
    return int(found[1]), int(found[2] or 0)


def cell_of(view: FilterView, kernel: tuple[int, int]) -> int | None:
    """The cell of the sheet in which a kernel is."""
    return next((cell for cell in range(view.panel("sheet").cells.count) if kernel_in(view, cell) == kernel), None)


def middle(box: tuple[float, float, float, float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def click(view: FilterView, cell: int) -> None:
    sheet = view.panel("sheet")
    sheet.on_place(*middle(sheet.cells.box(cell)))


def offered(view: FilterView, text: str) -> bool:
    """Whether the control with this label is seen."""
    groups = [part for part in inside(view) if isinstance(part, Group) and part.text == text]
    return (groups or [control(view, text)])[0].layout.display != "none"


# ---------------------------------------------------------------------- what is run


def test_the_model_alone_is_enough_and_nothing_is_run(model, passes):
    view = FilterView(model)
    for trait, value in (
        ("filter", 3), ("mode", "single"), ("mode", "collated"), ("scale", "layer"), ("order", "similarity"),
        ("zoom", 2), ("layer", "second"), ("layer", "third"), ("layer", "first"), ("folded", True),
    ):  # fmt: skip
        setattr(view, trait, value)
    view.refresh()
    assert passes() == 0
    assert torch.equal(view.filters.weights, filters(model, "first", folded=True).weights)


def test_with_a_data_set_each_image_runs_once_and_filters_run_nothing(model, passes):
    view = FilterView(model, torch.rand(3, 3, 4, 4))
    assert passes() == 1
    for trait, value in (("filter", 3), ("layer", "third"), ("filter", 1), ("mode", "single"), ("layer", "first")):
        setattr(view, trait, value)
    assert passes() == 0
    view.index = 2
    view.index = 0
    assert passes() == 1


def test_looking_leaves_the_model_in_training_and_without_hooks(model):
    model.train()
    mean, count = model.norm.running_mean.clone(), hooks(model)
    view = FilterView(model, torch.rand(3, 3, 4, 4), folded=True)
    view.index = 1
    view.layer = "second"
    assert all(part.training for part in model.modules())
    assert torch.equal(model.norm.running_mean, mean) and hooks(model) == count


# ---------------------------------------------------------------------- cause and effect


def map_on_screen(view: FilterView) -> np.ndarray:
    return view.panel("map").pixels


def test_the_feature_map_of_the_chosen_filter_stands_beside_it(model):
    images = torch.rand(3, 3, 4, 5)
    view = FilterView(model, images, filter=1)
    for index, layer, filter in ((0, "first", 1), (2, "first", 3), (2, "second", 5), (1, "third", 0)):
        view.layer, view.index, view.filter = layer, index, filter
        maps = Shaded.of(activations(model, images[index], layer)[0].numpy(), scale="map")
        assert np.array_equal(map_on_screen(view), maps.tile(filter))
        assert f"Feature map {filter}" in view.panel("map").heading
    view.scale = "layer"  # the map, too, is seen beside all others then
    maps = Shaded.of(activations(model, images[1], "third")[0].numpy())
    assert np.array_equal(map_on_screen(view), maps.tile(0))


def test_folded_filters_stand_beside_what_the_batchnorm_puts_out(model):
    images = torch.rand(1, 3, 4, 5)
    view = FilterView(model, images, folded=True)
    assert np.array_equal(
        map_on_screen(view), Shaded.of(activations(model, images[0], "norm")[0].numpy(), scale="map").tile(0)
    )
    weights, bias = view.filters.weights, view.filters.bias
    assert torch.allclose(
        nn.functional.conv2d(images, weights, bias, padding=1)[0], activations(model, images[0], "norm")[0], atol=1e-6
    )
    assert "norm folded in" in titled(view)


def test_without_a_data_set_there_is_no_subject_and_no_image(model):
    view = FilterView(model)
    assert (view.subject, view.snapshot) == (None, None)
    with pytest.raises(LookupError, match=r"there are sheet, filter, weights$"):
        view.panel("image")
    assert not [part for part in inside(view) if isinstance(part, Group) and part.text == "Image"]


def test_views_that_share_a_subject_share_its_passes(model, passes):
    subject = Subject(model, torch.rand(2, 3, 4, 4))
    one, two = FilterView(subject), FilterView(subject, layer="third")
    assert one.subject is two.subject is subject
    assert passes() == 1
    T.link((one, "index"), (two, "index"))
    one.index = 1
    assert (two.index, passes()) == (1, 1)


def test_a_convolution_that_runs_twice_shows_its_first_map_and_one_that_never_runs_none():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.idle = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1)
            self.conv.weight.data.fill_(2)

        def forward(self, images):
            return self.conv(self.conv(images))

    view = FilterView(Twice(), torch.ones(1, 1, 2, 2), layer="conv")
    assert "range 2 … 2" in said(view.panel("map"))
    view.layer = "idle"
    with pytest.raises(LookupError, match="no panel 'map'; there are sheet, filter, weights, image, prediction"):
        view.panel("map")
    assert view.error == ""
    assert view.picture().ndim == 3
    view.layer = "conv"
    assert "range 2 … 2" in said(view.panel("map"))


def test_an_image_that_the_model_refuses_is_reported_and_the_last_good_one_stays(model):
    images = [(torch.rand(3, 4, 4), 0), (torch.rand(1, 4, 4), 0)]
    view = FilterView(model, images)
    before = map_on_screen(view)
    view.index = 1
    assert "layer 'first' (Conv2d) refused its input" in view.error
    assert np.array_equal(map_on_screen(view), before) and "image 0" in titled(view)
    view.index = 0
    assert view.error == ""


def test_weights_that_an_optimizer_moved_show_at_the_next_drawing(model):
    view = FilterView(model, torch.rand(2, 3, 4, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.first.weight.grad = torch.full_like(model.first.weight, -1.0)
    before = view.filters.weights.clone()
    optimizer.step()
    view.index = 1
    assert torch.allclose(view.filters.weights, before + 1)
    model.first.weight.data[0] = 5.0  # behind our back
    view.refresh()
    assert (view.filters.weights[0] == 5).all()


@pytest.mark.parametrize(("trait", "value"), [("filter", 3), ("scale", "layer"), ("mode", "single"), ("channel", 1)])
def test_after_weights_changed_the_next_drawing_is_of_the_new_ones_whatever_asked_for_it(model, passes, trait, value):
    images = torch.rand(2, 3, 4, 4)
    view = FilterView(model, images)
    passes()
    model.first.weight.grad = torch.full_like(model.first.weight, -1.0)
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    setattr(view, trait, value)
    assert passes() == 1
    fresh = FilterView(model, images, **{trait: value})
    assert torch.equal(view.filters.weights, model.first.weight)
    for key in ("sheet", "filter", "weights", "map"):
        assert np.array_equal(view.panel(key).drawn(), fresh.panel(key).drawn()), key
        assert said(view.panel(key)) == said(fresh.panel(key))
    passes()
    view.filter = 2
    assert passes() == 0


def test_without_a_data_set_too_a_drawing_is_of_the_weights_now(model, passes):
    view = FilterView(model)
    model.first.weight.grad = torch.full_like(model.first.weight, -1.0)
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    view.filter = 3
    assert torch.equal(view.filters.weights, model.first.weight) and passes() == 0


def test_a_model_that_fails_since_its_weights_changed_leaves_the_last_good_picture(model):
    view = FilterView(model, torch.rand(2, 3, 4, 4))
    before, title = view.panel("map").drawn(), titled(view)
    model.first = nn.Conv2d(5, 4, 3)
    view.filter = 1
    assert "refused its input" in view.error
    assert np.array_equal(view.panel("map").drawn(), before) and titled(view) == title


# ---------------------------------------------------------------------- modes


def test_a_first_layer_begins_in_colour_and_others_with_the_mosaic(view):
    assert view.mode == "rgb"
    assert view.panel("sheet").drawn().shape[2] == 4 and view.panel("sheet").heading == "All 4 filters in colour"
    view.layer = "second"
    assert view.mode == "collated"
    assert view.panel("sheet").heading == "All 12 kernels"


def test_the_menu_offers_colour_only_where_there_are_three_channels(view):
    menu = control(view, "Show", W.Dropdown)
    assert list(menu.options) == ["rgb", "single", "collated"]
    view.layer = "second"
    assert list(menu.options) == ["single", "collated"] and menu.value == "collated"
    view.mode = "single"
    view.layer = "first"
    assert list(menu.options) == ["rgb", "single", "collated"] and menu.value == view.mode == "single"


def test_colour_is_refused_where_there_are_not_three_channels():
    model = nn.Sequential(nn.Conv2d(3, 3, 1, groups=3), nn.Conv2d(6, 2, 1, groups=2))
    for layer, reads in (("0", "1 of 3"), ("1", "3 of 6")):
        text = f"mode 'rgb' needs filters that read 3 input channels, and those of layer '{layer}' read {reads}"
        with pytest.raises(ValueError, match=text):
            FilterView(model, layer=layer, mode="rgb")


def test_the_sheet_is_one_level_for_each_weight(model):
    view = FilterView(model, layer="second", scale="layer", columns=2)
    weights = model.second.weight.detach().reshape(6, 2)
    limit = weights.abs().max()
    expected = torch.floor((weights + limit) / (2 * limit) * 253 + 0.5)
    height, width = view.panel("sheet").cells.cell_size
    gap = view.panel("sheet").cells.gap
    assert levels(view)[height // 2 :: height + gap, width // 2 :: width + gap].tolist() == expected.tolist()


def test_sorting_moves_the_pictures_and_keeps_the_choice(view):
    view.mode = "collated"
    view.filter, view.channel = 3, 1
    frames = set()
    for order in ("index", "norm", "sparsity", "similarity"):
        view.order = order
        assert [kernel_in(view, 3 * place)[0] for place in range(4)] == view.filters.order(order).tolist()
        assert (view.filter, view.channel) == (3, 1)
        (frame,) = view.panel("sheet").marks
        assert kernel_in(view, view.panel("sheet").cells.cell_at(*middle(frame))) == (3, 1)
        frames.add(frame)
    assert len(frames) > 1


def test_near_dead_filters_are_crossed_out_and_named(view):
    sheet = view.panel("sheet")
    assert sheet.flags == [sheet.cells.box(2)]
    assert "1 near-dead: 2" in titled(view)
    view.filter = 2
    assert "near-dead norm < 1 % of median" in said(view.panel("filter"))
    view.mode = "collated"
    assert len(view.panel("sheet").flags) == 3  # its three kernels
    view.layer = "second"
    assert view.panel("sheet").flags == [] and "near-dead" not in titled(view)


def test_hovering_says_which_kernel_it_is(view):
    assert re.fullmatch(r"filter 3 · norm [\d.]+", view.panel("sheet").describe(3))
    assert view.panel("sheet").describe(2).endswith(" · near-dead")
    view.layer = "second"
    weight = float(view.filters.weights[4, 1])
    hovered = view.panel("sheet").describe(9)
    assert f"filter 4, channel 1 (input channel 3): {weight:.3g}".replace("-", "−") in hovered


def test_hovering_the_large_kernel_says_its_weights(view):
    red, green, blue = view.filters.weights[0, :, 1, 2].tolist()
    expected = f"row 1, column 2: {red:.3g}, {green:.3g}, {blue:.3g}".replace("-", "−")
    assert view.panel("filter").describe(5) == expected
    view.mode, view.channel = "single", 1
    assert view.panel("filter").describe(5) == f"row 1, column 2: {green:.3g}".replace("-", "−")


def test_titles_of_single_kernels_are_as_large_as_they_were_written():
    view = FilterView(nn.Sequential(nn.Conv2d(6, 16, 5)), mode="single")  # 60 kernels on a page, half as wide as it
    sheet = view.panel("sheet")
    assert sheet.cells.shape[1] < sheet.width / 2  # else there is nothing to test
    assert sheet.drawn().shape[1] == sheet.size[0] == sheet.width == 480


# ---------------------------------------------------------------------- choosing


def test_moving_a_control_and_setting_the_trait_are_the_same(model):
    views = [FilterView(model, layer="second") for _ in range(2)]
    for trait, value in (("filter", 5), ("channel", 1), ("scale", "kernel"), ("order", "norm"), ("mode", "single")):
        before = repr(views[0])
        setattr(views[0], trait, value)
        name = {"mode": "Show"}.get(trait, trait.capitalize())
        control(views[1], name, W.IntSlider if isinstance(value, int) else W.Dropdown).value = value
        assert pictures(views[0]) == pictures(views[1])
        assert repr(views[0]) == repr(views[1]) != before


def test_a_click_chooses_the_kernel(view):
    click(view, 3)
    assert (view.filter, view.channel) == (3, 0)
    view.layer = "second"
    click(view, 11)
    assert (view.filter, view.channel) == (5, 1)
    assert view.panel("sheet").marks == [view.panel("sheet").cells.box(11)]
    assert view.panel("filter").heading == "Filter 5 · channel 1 of 2"


def test_a_click_beside_the_kernels_chooses_nothing(view):
    view.filter = 3
    view.panel("sheet").on_place(-1.0, 2.0)
    assert view.filter == 3


def test_in_colour_a_click_keeps_the_channel(view):
    view.channel = 2
    click(view, 1)
    assert (view.filter, view.channel) == (1, 2)


def test_what_a_layer_does_not_have_is_moved_when_the_layer_changes(view):
    view.layer = "second"
    view.filter, view.channel, view.zoom = 5, 1, 4
    view.layer = "third"  # two filters of six channels
    assert (view.filter, view.channel) == (1, 1)
    view.channel = 5
    view.layer = "first"
    assert (view.filter, view.channel, view.zoom) == (1, 2, 4)
    with view.hold_trait_notifications():
        view.filter = 5
        view.layer = "second"
    assert (view.layer, view.filter) == ("second", 5)
    assert control(view, "Filter", W.IntSlider).value == 5


# ---------------------------------------------------------------------- zoom


@pytest.fixture
def large() -> FilterView:
    """262,144 kernels: more than the page has pixels for."""
    model = nn.Sequential(nn.Conv2d(512, 512, 3, bias=False))
    return FilterView(model, mode="collated")


def test_a_quarter_of_a_million_kernels_are_one_small_picture_without_hover_cells(large):
    assert levels(large).shape == (480, 480)
    sheet = large.panel("sheet")
    assert sheet.cells is None
    assert sheet.heading == "All 262,144 kernels · each pixel: its weight of largest magnitude"
    assert sheet.hint == "click to zoom"


def test_clicks_zoom_in_until_a_kernel_can_be_hit_and_then_choose_it(large):
    large.panel("sheet").on_place(100.5 * 480 / 512, 300.5 * 480 / 512)  # 512 filters x 512 channels on 480 pixels
    assert (large.filter, large.channel, large.center) == (300, 100, (300, 100))
    assert large.zoom == 4 and len(large.panel("sheet").marks) == 1
    large.zoom = 32  # 16 x 16 kernels
    assert large.panel("sheet").cells.count == 256
    click(large, cell_of(large, (303, 95)))
    assert (large.filter, large.channel, large.zoom, large.center) == (303, 95, 32, (300, 100))


def test_plus_goes_down_to_the_chosen_kernel_and_all_comes_back(large):
    large.filter, large.channel = 511, 1
    for zoom in (2, 4, 8, 16, 32, 64, 128, 256, 512, 512):
        control(large, "+", W.Button).click()
        assert large.zoom == zoom and len(large.panel("sheet").marks) == 1
    assert large.panel("sheet").cells.count == 1
    assert np.array_equal(levels(large)[::160, ::160], large.panel("filter").pixels)
    control(large, "−", W.Button).click()
    assert large.panel("sheet").cells.count == 4
    control(large, "all", W.Button).click()
    assert (large.zoom, levels(large).shape) == (1, (480, 480))


def test_the_zoom_slider_doubles(large):
    slider = control(large, "Zoom", W.FloatLogSlider)
    slider.value = 64.0
    assert (large.zoom, large.panel("sheet").cells.count) == (64, 64)
    large.zoom = 128
    assert slider.value == 128.0


def test_arrows_move_by_half_a_window(large):
    with large.hold_trait_notifications():
        large.zoom, large.center = 64, (100, 100)  # 8 x 8 kernels
    corners = []
    for arrow in ("→", "↓", "←", "↑"):
        control(large, arrow, W.Button).click()
        corners.append(kernel_in(large, 0))
    assert corners == [(96, 100), (100, 100), (100, 96), (96, 96)]


def test_a_filter_that_is_chosen_out_of_sight_is_gone_to(large):
    with large.hold_trait_notifications():
        large.zoom, large.center = 64, (100, 100)
    assert cell_of(large, (0, 0)) is None and large.panel("sheet").marks == []
    large.filter = 400
    assert large.panel("sheet").marks == [large.panel("sheet").cells.box(cell_of(large, (400, 0)))]
    center = large.center
    large.channel = 1  # in sight: nothing moves
    assert large.center == center


# ---------------------------------------------------------------------- messages and widgets


def test_another_filter_sends_the_large_kernel_and_not_the_mosaic(large, messages):
    large.filter = 5
    sent = [message.widget for message in messages if isinstance(message.widget, W.Image) and "value" in message.traits]
    assert [decoded(bytes(picture.value)).shape[:2] for picture in sent] == [(3, 3), (56, 236)]  # kernel and histogram
    assert len(messages) < 16


def test_a_trait_that_moves_no_picture_sends_none(model, messages):
    view = FilterView(model, torch.rand(3, 3, 4, 4), layer="second")
    for trait, value in (("center", (0, 1)), ("order", "index"), ("columns", view.columns)):
        messages.clear()
        setattr(view, trait, value)
        assert not [message for message in messages if isinstance(message.widget, W.Image)]


def test_120_moves_make_no_widget_and_close_leaves_none(model, widgets):
    before = widgets()
    view = FilterView(model, torch.rand(3, 3, 4, 4))
    made = widgets()
    for step in range(120):
        view.layer = ("first", "second", "third")[step % 3]
        view.mode = ("single", "collated")[step % 2]
        view.index, view.filter, view.zoom = step % 3, step % 2, 1 + step % 2
    assert widgets() == made > before
    view.close()
    assert widgets() == before


# ---------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("trait", "value", "error", "text"),
    [
        ("layer", "frist", LookupError, "no layer 'frist'; did you mean 'first'.* convolutions: first, second, third"),
        ("layer", "relu", TypeError, "layer 'relu' is a ReLU, not a convolution; convolutions: first, second, third"),
        ("filter", 4, IndexError, "filter 4 is out of range: layer 'first' has 4, 0 to 3"),
        ("filter", -1, IndexError, "0 to 3"),
        ("channel", 3, IndexError, "channel 3 is out of range: layer 'first' has 3, 0 to 2"),
        ("plane", 1, IndexError, "plane 1 is out of range: layer 'first' has 1, 0 to 0"),
        ("index", 1, ValueError, r"there is no data set: FilterView\(model, dataset\)"),
        ("mode", "colour", T.TraitError, "mode"),
        ("scale", "map", T.TraitError, "kernel"),
        ("order", "size", T.TraitError, "similarity"),
        ("colormap", "virids", ValueError, "viridis"),
        ("columns", -1, ValueError, "columns must be 0 to 9,999, not -1"),
        ("zoom", 0, ValueError, "zoom must be 1 to 4, not 0"),
        ("zoom", 5, ValueError, "zoom must be 1 to 4, not 5"),
        ("center", (4, 0), IndexError, r"center \(4, 0\) is no kernel: there are 4 filters × 3 channels"),
    ],
)
def test_a_refused_value_is_named_and_changes_nothing(view, model, widgets, trait, value, error, text):
    state, before, count = repr(view), pictures(view), widgets()
    with pytest.raises(error, match=text):
        setattr(view, trait, value)
    assert (repr(view), pictures(view)) == (state, before)
    with pytest.raises(error, match=text):
        FilterView(model, **{trait: value})
    assert widgets() == count


def test_a_layer_without_batchnorm_cannot_be_folded(view, model):
    with pytest.raises(ValueError, match=r"layer 'third' cannot be folded: .* it can be with first$"):
        FilterView(model, layer="third", folded=True)
    view.folded = True
    assert offered(view, "BatchNorm folded")
    view.layer = "third"
    assert not view.folded and not offered(view, "BatchNorm folded")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((nn.Sequential(nn.Linear(2, 2)),), {}, ValueError, "FilterView needs a convolution, and Sequential has none"),
        ((nn.Conv2d,), {}, TypeError, "model is the class Conv2d"),
        ((net(), []), {}, ValueError, "the data set is empty"),
        ((net(), torch.rand(2, 3, 4, 4)), {"index": 2}, IndexError, "the data set has 2 images"),
        ((net(),), {"filtre": 1}, TypeError, "FilterView has no keyword 'filtre'; did you mean 'filter'"),
        ((net(),), {"classes": ["a"]}, TypeError, "classes belongs to a data set, and there is none"),
    ],
)
def test_bad_arguments_are_named_and_leave_no_widget(arguments, options, error, text, widgets):
    before = widgets()
    with pytest.raises(error, match=text):
        FilterView(*arguments, **options)
    assert widgets() == before


# ---------------------------------------------------------------------- what is written


def test_title_and_numbers_by_hand():
    model = nn.Sequential(nn.Conv2d(2, 2, 1))
    model[0].weight.data = torch.tensor([[3.0, -4.0], [0.01, 2.0]]).reshape(2, 2, 1, 1)
    model[0].bias.data = torch.tensor([0.5, -0.25])
    view = FilterView(model, channel=1)
    assert titled(view) == (
        "0 · Conv2d(2, 2, 1×1) · 2 filters × 2 channels of 1 × 1 · scale: each filter its own, centred on 0"
    )
    assert re.fullmatch(r"drawn in [\d.]+ ms", view.source())
    facts = said(view.panel("filter"))
    assert "norm 5, rank 1 of 2 " in facts and "sparsity 0 % have |w| ≤ 0.04 " in facts and "bias 0.5 " in facts
    assert "kernel −4 … −4 " in facts
    assert view.panel("filter").colorbar[1:] == ("−4", "0", "4")
    view.filter = 1
    facts = said(view.panel("filter"))
    assert "rank 2 of 2 norm / median 100 % " in facts and "sparsity 50 % " in facts and "bias −0.25 " in facts
    assert view.panel("filter").colorbar[1:] == ("−2", "0", "2")
    assert view.panel("weights").axis == ("−4", "0", "4")  # that of the layer
    assert "from −4 to 4, 0 in the middle" in said(view.panel("weights"))
    texts = [part for part in inside(view) if isinstance(part, W.HTML)]
    assert any(words(part).split() == ["−4", "0", "4"] and "cnnw-ramp" not in part.value for part in texts)
    assert view.panel("sheet").colorbar[1:] == ("−max |w| of the filter", "0", "max |w| of the filter")
    view.scale = "layer"
    assert view.panel("filter").colorbar[1:] == view.panel("sheet").colorbar[1:] == ("−4", "0", "4")
    assert "scale: whole layer" in titled(view)


def test_the_histogram_of_a_filter_stands_before_that_of_its_layer():
    model = nn.Sequential(nn.Conv2d(1, 2, 1))
    model[0].weight.data = torch.tensor([-4.0, 4.0]).reshape(2, 1, 1, 1)
    view = FilterView(model)
    grey, blue = (128, 128, 128, 90), (25, 118, 210, 255)
    for filter, ends in ((0, (blue, grey)), (1, (grey, blue))):
        view.filter = filter
        lowest = view.panel("weights").drawn()[-1]
        assert (tuple(lowest[0]), tuple(lowest[-2])) == ends  # a bar at the right has a gap behind it


def test_grouped_and_depthwise_layers_say_so():
    model = nn.Sequential(nn.Conv2d(4, 4, 1, groups=2), nn.Conv2d(4, 4, 3, groups=4))
    view = FilterView(model)
    assert "2 groups" in titled(view)
    view.filter, view.channel = 3, 0
    assert "reads input channel 2" in said(view.panel("filter"))
    assert offered(view, "Channel")
    view.layer = "1"
    assert "depthwise" in titled(view) and "the only channel" in view.panel("filter").heading
    assert not offered(view, "Channel")


def test_kernels_of_one_and_three_dimensions_have_rows_and_slices():
    model = nn.Sequential(nn.Conv1d(2, 3, 5), nn.Conv3d(1, 2, (4, 2, 2)))
    view = FilterView(model)
    assert "6 kernels" in view.panel("sheet").heading and "1 × 5" in titled(view)
    assert not offered(view, "Slice")
    view.layer = "1"
    assert offered(view, "Slice")
    before = pictures(view)
    view.plane = 3
    assert pictures(view) != before
    low, high = model[1].weight.detach()[0, 0, 3].aminmax()
    assert f"kernel {low:.3g} … {high:.3g}".replace("-", "−") in said(view.panel("filter"))


def test_names_that_look_like_html_are_shown_as_text():
    model = nn.Sequential(OrderedDict({f"conv{EVIL.replace('.', '')}": nn.Conv2d(1, 1, 1)}))
    view = FilterView(model, steps(2), classes=[EVIL] * 3)
    for part in inside(view):
        if type(part).__name__ in ("HTML", "HTMLMath"):
            assert "<img" not in part.value
    assert f"{view.layer} · " in titled(view) and f"label: {EVIL}" in titled(view)


def test_nan_in_the_weights_is_drawn_and_said(model):
    model.first.weight.data[1, 0, 0, 0] = float("nan")
    view = FilterView(model, filter=1)
    for mode in ("rgb", "single", "collated"):
        view.mode = mode
        assert view.error == ""
        assert view.panel("filter").drawn()[0, 0, :3].tolist() == [255, 0, 255]
    assert "kernel NaN … NaN" in said(view.panel("filter"))


def test_save_and_the_notebook_picture_show_the_present_state(model, tmp_path):
    view = FilterView(model, torch.rand(2, 3, 4, 4))
    first = decoded(view.save(tmp_path / "a.png").read_bytes())
    view.layer, view.index = "second", 1
    second = decoded(view.save(tmp_path / "b.png", dark=True).read_bytes())
    assert first[2, 2].tolist() == [255, 255, 255, 255]
    assert second[2, 2, :3].max() < 60
    shown = decoded(base64.b64decode(view._repr_mimebundle_()["image/png"]))
    assert shown.shape == second.shape and shown.min() < shown.max()


def test_a_published_network_with_its_digits():
    view = FilterView(lenet5(pretrained=True), digits(), layer="C3", filter=5, index=3)
    assert "16 filters × 6 channels of 5 × 5 · image 3" in titled(view)
    view.layer = "C5"  # whose output is a vector
    assert "unit 5" in said(view.panel("map")) and view.error == ""
    assert view.picture().ndim == 3
