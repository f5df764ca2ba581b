from __future__ import annotations

import base64

import ipywidgets as W
import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import ActivationView
from cnnwidgets.render.color.colormap import palette
from cnnwidgets.render.color.scale import NONFINITE
from tests.widgets.conftest import EVIL, POOLED, control, decoded, expected, inside, levels, said, steps, tiny, titled


@pytest.fixture
def view(model, dataset, passes) -> ActivationView:
    return ActivationView(model, dataset, layer="pool")


def test_the_title_says_what_is_seen(view):
    view.index = 1
    assert titled(view).startswith("pool · MaxPool2d · 2 maps of 2 × 2 · image 1 · label: 1")
    assert "scale: whole layer, centred on 0" in titled(view)
    assert view.source().startswith("cached · drawn in ")  # by now: from here on nothing need run


def test_names_that_look_like_html_are_shown_as_text():
    model = nn.Sequential()
    for name, part in tiny().named_children():
        model.add_module(f"{name}{EVIL}", part)
    view = ActivationView(model, steps(), classes=[EVIL] * 3, main_layers=False)
    for layer in view.table.names:
        view.layer = layer
        for part in inside(view):
            if type(part).__name__ in ("HTML", "HTMLMath"):
                assert "<img" not in part.value
        assert f"{layer} · " in titled(view) and f"label: {EVIL}" in titled(view)
        assert EVIL in said(view.panel("prediction"))
    assert [label.split(" · ")[0] for label, _ in control(view, "Layer", W.Dropdown).options] == view.table.names
    assert said(view.panel("channel")).count(EVIL) == 3  # the units of the last layer have the classes' names


def test_save_and_the_notebook_picture_show_the_present_state(view, tmp_path):
    first = decoded(view.save(tmp_path / "a.png").read_bytes())
    view.layer, view.index = "conv", 5
    second = decoded(view.save(tmp_path / "b.png", dark=True).read_bytes())
    assert first[2, 2].tolist() == [255, 255, 255, 255]
    assert second[2, 2, :3].max() < 60
    shown = decoded(base64.b64decode(view._repr_mimebundle_()["image/png"]))
    assert shown.shape == second.shape and shown.min() < shown.max()


def test_the_static_picture_holds_the_maps_colours(view):
    colours = {tuple(colour) for colour in palette("RdBu_r")[np.array(POOLED).ravel()][:, :3].tolist()}
    pixels, counts = np.unique(view.picture().reshape(-1, 3), axis=0, return_counts=True)
    shown = {tuple(pixel) for pixel, count in zip(pixels.tolist(), counts, strict=True) if count > 1000}
    assert colours <= shown


# ---------------------------------------------------------------------- kinds of layers and numbers


@pytest.mark.parametrize(("count", "side"), [(512, 7), (2048, 3), (1, 4)])
def test_any_number_of_maps_is_one_picture(dataset, count, side):
    model = nn.Sequential(nn.Conv2d(1, count, 1), nn.AdaptiveAvgPool2d(side))
    view = ActivationView(model, dataset, layer="1")
    assert np.array_equal(view.panel("maps").drawn(), expected(model, dataset[0][0], "1"))
    view.channel = count - 1
    assert f"Channel {count - 1}" in said(view.panel("channel"))
    assert view.panel("maps").marks


def test_images_need_not_be_square():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1))
    images = torch.rand(2, 3, 12, 40)
    view = ActivationView(model, images)
    assert np.array_equal(view.panel("maps").drawn(), expected(model, images[0], "0"))
    assert view.panel("image").pixels.shape == (48, 160, 3)  # four times as large: as often as 40 goes into 190


def test_nan_and_infinity_in_a_map_have_a_colour_of_their_own():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = Reciprocal()

        def forward(self, images):
            return self.part(images)

    class Reciprocal(nn.Module):
        def forward(self, images):
            return torch.stack([1 / images[:, 0], images[:, 0].log()], 1)

    view = ActivationView(Broken(), torch.tensor([[[[0.0, 1.0], [-1.0, 2.0]]]]))
    assert np.delete(levels(view), 16, axis=1)[4::8, 4::8].tolist()[0][:2] == [NONFINITE, 253]
    assert (np.delete(levels(view), 16, axis=1)[4::8, 4::8] == NONFINITE).sum() == 3
    view.channel = 1
    assert "not finite 2 of 4 pixels" in said(view.panel("channel"))
    assert view.picture().ndim == 3


def test_a_model_in_training_mode_is_seen_in_evaluation_mode_and_stays_in_training():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Dropout(0.9)).train()
    model[2].eval()
    model[1].running_mean[:] = 7.0
    view = ActivationView(model, steps(), layer="2")
    view.index = 1
    assert torch.equal(view.maps, model.eval()(steps()[1][0][None])[0])
    model.train()
    model[2].eval()
    view.refresh()
    assert [part.training for part in model.modules()] == [True, True, True, False]
    assert model[1].running_mean.tolist() == [7.0, 7.0] and model[1].num_batches_tracked == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_floating_point_type_is_drawn(dtype):
    model = tiny().to(dtype)
    view = ActivationView(model, steps(), layer="pool")
    assert view.maps.dtype == dtype
    assert np.delete(levels(view), 16, axis=1)[4::8, 4::8].tolist() == POOLED


class WithClassToken(nn.Module):
    """The pixels as tokens of two features, v and -v, behind one token that is ten times the first pixel."""

    def __init__(self):
        super().__init__()
        self.split = nn.Flatten(2)
        self.embed = nn.Linear(1, 2, bias=False)
        nn.init.zeros_(self.embed.weight)
        self.embed.weight.data[0], self.embed.weight.data[1] = 1, -1

    def forward(self, images):
        tokens = self.split(images).transpose(1, 2)
        return self.embed(torch.cat([10 * tokens[:, :1], tokens], 1)).sum(1)


def test_the_class_token_is_told_beside_the_grid_for_each_channel():
    image = torch.arange(1.0, 17).reshape(1, 4, 4) / 16
    view = ActivationView(WithClassToken(), [(image, 0)], layer="embed")
    assert "2 features of 4 × 4 tokens, class token apart" in titled(view)
    assert "class token 0.625" in said(view.panel("channel"))
    view.channel = 1
    assert "class token −0.625" in said(view.panel("channel"))
    assert view.panel("maps").cells.count == 2
    view.layer = "split"
    assert "class token" not in titled(view) + said(view.panel("channel"))
