from __future__ import annotations

import ipywidgets as W
import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import ActivationView
from cnnwidgets.render.color import Shaded
from cnnwidgets.widgets.panels import grid_panel
from cnnwidgets.widgets.panels.channel import FEW
from cnnwidgets.widgets.panels.column import HOVERED
from tests.widgets.conftest import bars, control, said, steps, titled


@pytest.fixture
def view(model, dataset) -> ActivationView:
    return ActivationView(model, dataset, layer="pool")


# ---------------------------------------------------------------------- the grid


def test_a_bar_code_has_one_scale_for_all_its_units():
    linear = nn.Linear(1, 3, bias=False)
    linear.weight.data = torch.tensor([[1.0], [-2.0], [4.0]])
    view = ActivationView(nn.Sequential(nn.Flatten(), linear), torch.ones(1, 1, 1, 1), layer="1", scale="map")
    assert view.panel("maps").colorbar[1:] == ("−4", "0", "4")
    assert "scale: whole layer" in titled(view)
    view.close()


def test_clicking_a_tile_chooses_its_channel(view):
    maps = view.panel("maps")
    maps.on_cell(maps.cells.cell_at(20, 3))
    assert view.channel == 1
    assert control(view, "Channel", W.IntSlider).value == 1


def test_the_gap_between_tiles_belongs_to_none(view):
    assert view.panel("maps").cells.cell_at(16.5, 3.0) is None


def test_the_chosen_tile_is_framed(view):
    view.channel = 1
    assert view.panel("maps").marks == [(17, 0, 33, 16)]


def test_hovering_a_tile_tells_its_channel_and_range(view):
    assert view.panel("maps").describe(1) == "channel 1: −20 … 0"


def test_the_grid_says_how_many_there_are_and_carries_its_scale(view):
    assert (view.panel("maps").heading, view.panel("maps").hint) == ("Both feature maps", "click one")
    assert view.panel("maps").colorbar[1:] == ("−20", "0", "20")
    view.scale = "map"
    assert view.panel("maps").colorbar[1:] == ("each map's −max", "0", "each map's +max")  # centred, so symmetric
    view.scale = (0, 1.5)
    assert view.panel("maps").colorbar[1:] == ("0", "88 % beyond", "1.5")  # 7 of the 8 values


def test_a_single_map_is_called_the_only_one(dataset):
    view = ActivationView(nn.Sequential(nn.Conv2d(1, 1, 1)), dataset)
    assert view.panel("maps").heading == "The only feature map"


def test_columns_are_laid_out_as_asked(view):
    view.columns = 1
    assert view.panel("maps").drawn().shape[:2] == (33, 16)


# ---------------------------------------------------------------------- the large map


def test_clicking_the_large_map_tells_the_true_value(view):
    view.panel("channel").on_place(0.5, 1.5)
    assert view.pixel == (1, 0)
    assert "at row 1, column 0 13 " in said(view.panel("channel"))


def test_the_value_is_told_with_five_digits_and_a_real_minus_sign(model, dataset):
    with torch.no_grad():
        model.conv.weight[1] = -1 / 3
    view = ActivationView(model, dataset, layer="conv", channel=1, pixel=(0, 1))
    assert "at row 0, column 1 −0.33333 " in said(view.panel("channel"))


def test_hovering_the_large_map_tells_the_value(view):
    assert view.panel("channel").describe(3) == "row 1, column 1: 15"


def test_a_map_with_many_pixels_tells_values_by_clicks_alone():
    side = 33
    assert side * side > HOVERED
    image = torch.arange(float(side * side)).reshape(1, 1, side, side)
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.ones_(model[0].weight)
    view = ActivationView(model, image)
    assert view.panel("channel").cells is None
    view.panel("channel").on_place(5.5, 2.5)
    assert "at row 2, column 5 71 " in said(view.panel("channel"))


def test_the_large_map_says_its_range_and_mean(view):
    assert view.panel("channel").heading == "Channel 0 · 2 × 2"
    assert "range 5 … 15 mean 10 " in said(view.panel("channel"))


def test_a_pixel_that_is_not_in_the_map_is_refused_and_not_told(view):
    with pytest.raises(IndexError, match="a map of layer 'pool' has 2 rows and 2 columns"):
        view.pixel = (7, 7)
    assert view.pixel is None
    assert "at row" not in said(view.panel("channel"))
    assert not view.panel("channel").marks


def test_the_pixel_of_another_layer_is_forgotten(view):
    view.pixel = (1, 1)
    view.layer = "conv"
    assert view.pixel is None
    assert "at row" not in said(view.panel("channel"))


# ---------------------------------------------------------------------- vectors


def test_a_vector_is_a_bar_code_whose_bars_can_be_clicked(view):
    view.layer = "flatten"
    strip = view.panel("maps").drawn()
    assert strip.shape[1] == 8
    assert (strip == strip[0]).all()
    view.panel("maps").on_cell(6)
    assert view.channel == 6
    assert "unit 6 −16 " in said(view.panel("channel"))
    assert view.panel("maps").describe(7) == "unit 7: −20"


def test_a_short_vector_is_labelled_bars_in_order(view):
    view.layer = "flatten"
    assert list(bars(view.panel("channel")).items()) == list(
        zip("01234567", ["5", "7", "13", "15", "0", "−4", "−16", "−20"], strict=True)
    )
    assert view.panel("channel").pixels is None  # the bars stand in its place
    view.layer = "pool"
    assert view.panel("channel").pixels is not None


def test_the_units_of_the_last_layer_are_called_by_their_classes(model, dataset):
    view = ActivationView(model, dataset, layer="fc", classes=["ant", "bee", "cat"])
    assert bars(view.panel("channel")) == {"ant": "15", "bee": "0", "cat": "0"}
    view.layer = "flatten"
    assert list(bars(view.panel("channel")))[:2] == ["0", "1"]


def test_class_names_that_do_not_fit_the_last_layer_are_not_used(model, dataset):
    view = ActivationView(model, dataset, layer="fc", classes=["ant", "bee"])
    assert list(bars(view.panel("channel"))) == ["0", "1", "2"]


def test_of_a_long_vector_the_units_farthest_from_0_are_shown():
    image = torch.arange(-50.0, 50.0).reshape(1, 1, 10, 10)
    view = ActivationView(nn.Sequential(nn.Flatten(), nn.Linear(100, 3)), image, layer="0")
    shown = bars(view.panel("channel"))
    assert len(shown) == FEW
    assert list(shown.items())[:3] == [("0", "−50"), ("1", "−49"), ("99", "49")]
    assert "the 16 of 100 farthest from 0" in said(view.panel("channel"))


def test_the_chosen_unit_stands_out_among_the_bars():
    image = torch.arange(4.0).view(1, 1, 2, 2)
    view = ActivationView(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), image, layer="0", channel=2)
    assert view.panel("channel").bars[view.panel("channel").chosen][0] == "2"


def test_a_very_long_vector_takes_several_rows():
    view = ActivationView(nn.Sequential(nn.Flatten(), nn.Linear(2048, 2)), torch.rand(1, 2, 32, 32), layer="0")
    assert view.panel("maps").drawn().shape[1] == 228  # nine rows
    view.channel = 2047
    assert "unit 2047" in said(view.panel("channel"))


def test_units_that_are_not_finite_are_told_as_such():
    class Broken(nn.Module):
        def forward(self, images):
            return 1 / images.flatten(1)

    model = nn.Sequential(Broken(), nn.Linear(4, 2))
    view = ActivationView(model, torch.tensor([[[[0.0, 1.0], [2.0, 4.0]]]]), layer="0")
    assert bars(view.panel("channel")) == {"0": "∞", "1": "1", "2": "0.5", "3": "0.25"}
    assert view.picture().ndim == 3


# ---------------------------------------------------------------------- the image


def test_the_image_panel_shows_the_image_its_label_and_the_prediction(model):
    images = [(torch.eye(4)[None], "six"), (torch.zeros(1, 4, 4), "none")]
    view = ActivationView(model, images)
    shown = view.panel("image").drawn()
    assert shown.shape[:2] == (188, 188)  # 47 times as large: as often as 4 goes into 190
    assert shown[47 // 2 :: 47, 47 // 2 :: 47, 0].tolist() == (255 * np.eye(4)).tolist()
    assert view.panel("image").heading == "Image 0 · label: six"
    assert said(view.panel("prediction")).split()[:2] == ["Prediction", "·"]


def test_an_image_out_of_range_says_how_it_was_brought_into_it(view):
    assert view.panel("image").heading == "Image 0 · label: 0 · 0 to 15"


def test_the_prediction_names_the_most_probable_classes_in_percent(model, dataset):
    with torch.no_grad():
        model.fc.weight.zero_()
        model.fc.weight[0, 0] = 0.4  # times 5, the first number of pooled map 0: logits 2, 0, 0
    view = ActivationView(model, dataset, classes=["ant", "bee", "cat"])
    share = 100 * np.e**2 / (np.e**2 + 2)
    rest = (100 - share) / 2
    told = view.panel("prediction")
    assert told.heading == "Prediction · right · softmax"
    assert told.truth == (0, True)
    assert bars(told) == {"ant": f"{share:.1f} %", "bee": f"{rest:.1f} %", "cat": f"{rest:.1f} %"}


def test_a_network_without_class_scores_has_no_prediction():
    view = ActivationView(nn.Sequential(nn.Conv2d(1, 2, 1)), steps())
    assert view.panel("prediction").heading == "Prediction · no class scores"


# ---------------------------------------------------------------------- the static picture


def test_the_static_card_has_the_very_panels_of_the_page(view):
    view.channel, view.pixel = 1, (1, 1)
    (image, told), grid, detail = view.static().panels
    for key, panel in (("image", image), ("prediction", told), ("maps", grid), ("channel", detail)):
        assert view.panel(key) is panel
    assert grid.marks == [(17, 0, 33, 16)]
    assert grid.colorbar[1:] == detail.colorbar[1:] == ("−20", "0", "20")
    assert dict(detail.lines) == {"range": "−20 … 0", "mean": "−10", "at row 1, column 1": "−20"}


def test_the_static_picture_of_a_vector_has_the_same_bars(view):
    view.layer = "fc"
    panel = view.panel("channel")
    assert panel.pixels is None
    assert list(panel.bars) == [("0", 1.0, "15"), ("1", 0.0, "0"), ("2", 0.0, "0")]


def test_a_grid_without_a_choice_asks_for_none(view):
    grid = grid_panel(Shaded.of(view.maps.numpy()), view.layer_row)
    assert (grid.heading, grid.hint) == ("Both feature maps", "")
    assert grid.on_cell is None and grid.marks == ()
