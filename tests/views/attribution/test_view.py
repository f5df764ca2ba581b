"""AttributionView: methods, targets, signs, the sanity check; each map is computed once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from ipywidgets import Checkbox, ToggleButton
from torch import nn

from cnnwidgets import AttributionView, attributions
from cnnwidgets.render.color.colormap import table
from cnnwidgets.render.color.heat import Heat
from tests.widgets.conftest import EVIL, decoded, hooks, inside, tiny, words

# `fc` of the tiny network: unit 0 is the last pixel of `steps`, unit 1 minus twice its first; unit 0 is predicted


def shown(view, method, part=0):
    """The map on the screen, one pixel for each of the image: (4, 4, 3)."""
    pixels = decoded(bytes(view._panels[method]._parts[part][1].value))
    side = pixels.shape[0] // 4
    return pixels[side // 2 :: side, side // 2 :: side, :3]


def test_the_map_is_the_gradient_over_a_grey_image(model, dataset):
    view = AttributionView(model, dataset, methods="saliency", opacity=1.0)
    pixels = shown(view, "saliency")
    viridis = table("viridis")
    assert pixels[3, 3].tolist() == viridis[-1].tolist()  # the score is that pixel: gradient 1
    assert (pixels.reshape(-1, 3)[:-1] == viridis[0]).all()
    view.opacity = 0.0
    grey = np.rint(np.arange(16) * 255 / 15).reshape(4, 4)
    assert np.abs(shown(view, "saliency")[..., 0] - grey).max() <= 1


def test_what_is_drawn_is_what_attributions_gives(dataset):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(True), nn.Flatten(), nn.Linear(64, 3))
    names = ("saliency", "input_x_gradient", "guided_backprop", "grad_cam")
    view = AttributionView(model, dataset, methods=names, sign="all", opacity=1.0, target=2, against=1, index=3)
    for name in names:
        values = attributions(model, dataset[3][0], method=name, target=2, against=1).maps[0].numpy()
        assert np.array_equal(shown(view, name), Heat.of(values, sign="all").pixels)


def test_every_map_is_computed_once(model, dataset, passes):
    view = AttributionView(model, dataset, methods="saliency")
    first = passes()
    for change in ({"sign": "all"}, {"outliers": 5.0}, {"opacity": 0.2}, {"colormap": "magma"}, {"layer": "conv"}):
        for name, value in change.items():
            setattr(view, name, value)
    assert (first > 0, passes()) == (True, 0)
    view.index = 1
    assert passes() > 0
    view.index = 0
    view.target = 0  # the predicted one
    assert passes() == 0 and 'title="cached' in view._title.value
    view.methods = ("saliency", "input_x_gradient")
    assert passes() == 2 and "2 passes" in view._title.value
    view.methods = ("input_x_gradient",)
    view.methods = ("saliency", "input_x_gradient")
    assert passes() == 0
    view.steps = 7
    assert passes() == 0  # of no concern to these methods


def test_weights_that_changed_are_seen_at_refresh(model, dataset):
    view = AttributionView(model, dataset, methods="input_x_gradient", sign="all", opacity=1.0)
    before = shown(view, "input_x_gradient")
    with torch.no_grad():
        model.fc.weight[0] = 0
        model.fc.weight[0, 0] = 1.0
    view.refresh()
    assert not np.array_equal(shown(view, "input_x_gradient"), before)


def test_boxes_and_menus_are_the_traits(model, dataset):
    view = AttributionView(model, dataset, methods="saliency", classes=["cat", "dog", "fox"])
    boxes = {box.description: box for box in inside(view) if isinstance(box, Checkbox)}
    boxes["Grad-CAM"].value = True
    assert view.methods == ("saliency", "grad_cam")
    boxes["saliency"].value = False
    assert view.methods == ("grad_cam",)
    view.methods = ["occlusion", "saliency"]
    assert [name for name, box in boxes.items() if box.value] == ["saliency", "occlusion"]
    assert len(view._row_of_panels.children) == 3
    assert view._target.options[0] == ("predicted · cat", -1)
    view._target.value = 2
    assert view.target == 2 and 'why "fox"' in words(view._title)
    view._target.value = -1
    assert view.target is None
    view.against = 1
    assert view._against.label.startswith("dog") and 'why "cat", not "dog"' in words(view._title)
    view.index = 2
    assert (view.target, view.against) == (None, 1)  # new menus choose nothing by themselves


def test_the_sanity_check_shows_random_weights_with_the_rank_correlation(dataset):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(64, 3))
    view = AttributionView(model, dataset, methods="saliency")
    panel = view._panels["saliency"]
    assert panel._parts[1][1].layout.display == "none"
    next(part for part in inside(view) if isinstance(part, ToggleButton)).value = True
    assert view.sanity and panel._parts[1][1].layout.display == ""
    assert "rank correlation with the map above" in words(panel._parts[1][2])
    view.sanity = False
    assert panel._parts[1][0].layout.display == "none"


def test_a_method_that_cannot_be_right_says_why_in_its_place(model, dataset):
    view = AttributionView(model, dataset, methods=("saliency", "guided_backprop"), sanity=True)
    heading, image, below = view._panels["guided_backprop"]._parts[0]
    assert words(heading).strip() == "Guided backpropagation"
    assert image.layout.display == "none"
    assert "this network runs none" in words(below)
    assert view._error.value == ""
    assert view.picture().shape[2] == 3


def test_a_model_that_cannot_be_copied_still_has_its_maps(model, dataset):
    model.lock = threading.Lock()
    view = AttributionView(model, dataset, methods="saliency", sanity=True)
    assert view._panels["saliency"]._parts[0][1].layout.display == ""
    assert "cannot be copied" in words(view._panels["saliency"]._parts[1][2])


def test_without_maps_grad_cam_says_so_and_the_others_work(dataset):
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    view = AttributionView(model, dataset, methods=("saliency", "grad_cam"))
    assert "Grad-CAM weights maps" in words(view._panels["grad_cam"]._parts[0][2])
    assert view._panels["saliency"]._parts[0][1].layout.display == ""


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"methods": "saliences"}, ValueError, "no method 'saliences'; did you mean 'saliency'?"),
        ({"target": 3}, ValueError, "no target 3; allowed: 0 to 2, or None"),
        ({"against": -1}, ValueError, "no against -1; allowed: 0 to 2"),
        ({"target": 1, "against": 1}, ValueError, "target and against are the same class, 1"),
        ({"steps": 0}, ValueError, "steps must be 1 to 10000, not 0"),
        ({"opacity": 1.5}, ValueError, "opacity must be 0.0 to 1.0, not 1.5"),
        ({"outliers": 100}, ValueError, "outliers must be 0.0 to 99.0, not 100"),
        ({"sing": "all"}, TypeError, "did you mean 'sign'?"),
        ({"layer": "fc"}, LookupError, "cannot show layer 'fc'"),
    ],
)
def test_what_is_wrong_is_said_before_there_is_a_widget(options, error, text, model, dataset, widgets):
    before = widgets(), hooks(model)
    with pytest.raises(error) as raised:
        AttributionView(model, dataset, **options)
    assert text in str(raised.value)
    assert (widgets(), hooks(model)) == before


def test_prepare_is_asked_for_each_changed_image(model, dataset):
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def forward(self, x, *, factor):
            return factor * self.net(x)

    names = ("saliency", "integrated_gradients", "occlusion")
    view = AttributionView(
        Scaled(), dataset, prepare=lambda item: {"x": item[0][None], "factor": 3.0}, methods=names, layer="net.conv"
    )
    for name in names:
        found = view._found[name][0]
        plain = attributions(model, dataset[0][0], method=name)
        assert torch.allclose(found, 3 * plain.maps[0])


def test_items_without_an_image_are_refused(model):
    items = [{"id": 1}, {"id": 2}]
    with pytest.raises(TypeError, match="items must hold a tensor"):
        AttributionView(model, items, prepare=lambda item: torch.full((1, 1, 4, 4), float(item["id"])))


def test_the_number_of_steps_is_asked_for_where_it_matters(model, dataset, passes):
    view = AttributionView(model, dataset, methods="saliency")
    box = view._steps.children[1]
    assert view._steps.layout.display == "none"
    view.methods = ("integrated_gradients",)
    assert view._steps.layout.display == ""
    passes()
    box.value = 7
    assert view.steps == 7 and view._passes == 0 and passes() > 0
    view.steps = 3
    assert box.value == 3


def test_the_white_of_no_change_does_not_wash_out_the_photo(model, dataset):
    view = AttributionView(model, dataset, methods="input_x_gradient", sign="all", opacity=0.8)
    grey = np.rint(np.arange(16) * 255 / 15).reshape(4, 4)
    pixels = shown(view, "input_x_gradient")[..., 0]
    assert np.abs(pixels - grey).ravel()[:15].max() <= 1  # the gradient is 0 but for the last pixel


def test_target_and_against_the_same_is_said_under_the_pictures(model, dataset):
    view = AttributionView(model, dataset, methods="saliency", target=1)
    view.against = 1
    assert "target and against are the same class" in words(view._error)
    view.against = 2
    assert view._error.value == ""


def test_a_network_without_class_scores_is_refused(dataset):
    with pytest.raises(ValueError, match="needs a network that gives class scores"):
        AttributionView(nn.Sequential(nn.Conv2d(1, 2, 1)), dataset)


def test_names_are_text(model, dataset):
    view = AttributionView(model, dataset, classes=[EVIL, EVIL, EVIL], methods="saliency")
    assert EVIL not in view._title.value


def test_closing_leaves_no_widget_and_no_hook(dataset, widgets):
    model, before = tiny(), widgets()
    view = AttributionView(model, dataset, methods=("saliency", "grad_cam"), sanity=True)
    view.methods = ("occlusion",)
    view.close()
    assert (widgets(), hooks(model)) == (before, 0)


class Packing(nn.Module):
    """The tiny network, with its scores within something else."""

    def __init__(self, pack) -> None:
        super().__init__()
        self.inner, self.pack = tiny(), pack

    def forward(self, x):
        return self.pack(self.inner(x))


def in_a_dict(scores):
    return {"out": scores}


@pytest.mark.parametrize("pack", [in_a_dict, lambda scores: (scores, scores)])
def test_a_network_that_gives_more_than_class_scores_is_refused_before_a_widget_exists(dataset, widgets, pack):
    before = widgets()
    with pytest.raises(ValueError, match=r"needs a network that gives class scores alone; .* score="):
        AttributionView(Packing(pack), dataset)
    assert widgets() == before


def test_a_function_makes_class_scores_of_what_the_network_returns(model, dataset):
    options = {"methods": ("saliency", "input_x_gradient"), "sign": "all", "opacity": 1.0, "classes": ["cat", "dog"]}
    view = AttributionView(Packing(in_a_dict), dataset, score=lambda output: output["out"][:, :2], **options)
    alone = AttributionView(model, dataset, **options)
    assert view._names == ["cat", "dog"] and 'why "cat"' in words(view._title)
    for method in view.methods:
        assert np.array_equal(shown(view, method), shown(alone, method))
    view.target = 1
    view.score = lambda output: -output["out"][:, 0]  # a single number is a score too
    assert "no target 1; allowed: 0 to 0, or None" in words(view._error)
    view.target = None
    assert (shown(view, "saliency") == shown(alone, "saliency")).all()
    assert (shown(view, "input_x_gradient") != shown(alone, "input_x_gradient")).any()


@pytest.mark.parametrize("score", [None, "logits", 3])
def test_a_score_that_is_none_is_refused_before_a_widget_exists(model, dataset, widgets, score):
    before = widgets()
    with pytest.raises((ValueError, TypeError), match="score"):
        AttributionView(model, dataset, score=score)
    assert widgets() == before


@pytest.mark.parametrize("given", [None, 3])
def test_methods_that_are_no_names_are_refused_and_change_nothing(model, dataset, given):
    view = AttributionView(model, dataset, methods="saliency")
    with pytest.raises(TypeError, match=f"methods are names, saliency, .* not {given}"):
        view.methods = given
    view.index = 1
    assert view.methods == ("saliency",) and words(view._error) == ""


def test_another_drawing_makes_no_widget(model, dataset, widgets):
    view = AttributionView(model, dataset, methods=("saliency", "grad_cam"))
    before = widgets()
    view.index, view.opacity, view.sign = 1, 0.3, "all"
    view.sanity = True
    assert widgets() == before


def test_the_static_picture_has_the_maps(model, dataset, tmp_path):
    view = AttributionView(model, dataset, methods=("saliency", "occlusion"), opacity=1.0)
    light, dark = view.picture(), view.picture(dark=True)
    assert light.shape == dark.shape and light.mean() > dark.mean()
    wanted = table("viridis")[-1]
    assert (light == wanted).all(-1).sum() > 100
    assert view.save(tmp_path / "view.png").stat().st_size > 1000
