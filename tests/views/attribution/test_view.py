"""AttributionView: methods, targets, signs, the sanity check; each map is computed once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from ipywidgets import HTML, BoundedIntText, Checkbox, Dropdown, ToggleButton
from torch import nn

from cnnwidgets import AttributionView, attributions
from cnnwidgets.render.color.colormap import table
from cnnwidgets.render.color.heat import Heat
from cnnwidgets.widgets.controls import Group, TargetMenu
from cnnwidgets.widgets.state import Subject
from cnnwidgets.widgets.surface import markup, number
from tests.widgets.conftest import EVIL, bars, control, hooks, inside, said, tiny, titled

# `fc` of the tiny network: unit 0 is the last pixel of `steps`, unit 1 minus twice its first; unit 0 is predicted


def page(view: AttributionView) -> str:
    """The HTML of all texts that the page shows."""
    return "".join(part.value for part in inside(view) if isinstance(part, HTML))


def shown(view, key):
    """The map on the screen, one pixel for each of the image: (4, 4, 3)."""
    pixels = view.panel(key).drawn()
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


def test_scores_that_are_not_finite_are_called_that(dataset):
    class Undefined(nn.Linear):
        def forward(self, x):
            return super().forward(x) * float("nan")

    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Flatten(), Undefined(64, 3)).eval()
    with pytest.raises(ValueError, match="scores of image 2 are not finite"):
        AttributionView(model, dataset, index=2)
    assert not hooks(model)


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
    assert passes() == 0 and 'title="cached' in page(view)
    view.methods = ("saliency", "input_x_gradient")
    assert passes() == 2 and 'title="2 passes' in page(view)
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
    assert [column[0].key for column in view.static().columns] == ["image", "saliency", "occlusion"]
    target, against = (part.menu for part in inside(view) if isinstance(part, TargetMenu))
    assert target.options[0] == ("predicted · cat", -1)
    target.value = 2
    assert view.target == 2 and 'why "fox"' in titled(view)
    target.value = -1
    assert view.target is None
    view.against = 1
    assert against.label.startswith("dog") and 'why "cat", not "dog"' in titled(view)
    view.index = 2
    assert (view.target, view.against) == (None, 1)  # new menus choose nothing by themselves


def test_a_block_that_repeats_the_layer_before_it_is_where_grad_cam_begins_and_is_listed():
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    images = [(torch.rand(1, 8, 8), at) for at in range(3)]
    view = AttributionView(model, images, methods="grad_cam")
    menu = control(view, "Layer", Dropdown)
    assert (view.layer, view.error) == ("1", "")
    assert [name for _, name in menu.options] == ["0", "1.0", "1.1", "1"]
    before = view.panel("grad_cam").drawn()
    view.layer = "1.1"
    assert [name for _, name in menu.options] == ["0", "1.0", "1.1"]
    assert np.array_equal(view.panel("grad_cam").drawn(), before)  # the same output


@pytest.mark.parametrize("name", ["target", "against"])
@pytest.mark.parametrize("given", [1, "1", "dog", torch.tensor(1)])
def test_a_class_is_given_by_number_or_the_number_as_text_or_name(model, dataset, name, given):
    options = {"methods": "saliency", "classes": ["cat", "dog", "fox"]}
    assert getattr(AttributionView(model, dataset, **{name: given}, **options), name) == 1
    view = AttributionView(model, dataset, **options)
    setattr(view, name, given)
    assert getattr(view, name) == 1 and "dog" in titled(view)
    with pytest.raises(ValueError, match=r"no class 'dgo'; did you mean 'dog'\? there are cat, dog, fox"):
        setattr(view, name, "dgo")
    assert getattr(view, name) == 1


def test_the_sanity_check_shows_random_weights_with_the_rank_correlation(dataset):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(64, 3))
    view = AttributionView(model, dataset, methods="saliency")
    (alone,) = view.static().columns[1]
    buttons = [part for part in inside(view) if isinstance(part, ToggleButton)]
    next(button for button in buttons if button.description == "Sanity check").value = True
    above, below = view.static().columns[1]
    assert view.sanity and above.pixels is not None and below.pixels is not None
    assert (above.pixels == alone.pixels).all() and (below.pixels != alone.pixels).any()
    assert below.heading == "Random weights" and "rank correlation with the map above" in said(below)
    view.sanity = False
    (again,) = view.static().columns[1]
    assert again.heading == "Saliency" and "rank correlation" not in said(again)


def test_a_method_that_cannot_be_right_says_why_in_its_place(model, dataset):
    view = AttributionView(model, dataset, methods=("saliency", "guided_backprop"), sanity=True)
    panel = view.panel("guided_backprop")
    assert panel.heading == "Guided backpropagation" and panel.drawn() is None
    assert "this network runs none" in said(panel)
    assert view.error == ""
    assert view.picture().shape[2] == 3


def test_a_model_that_cannot_be_copied_still_has_its_maps(model, dataset):
    model.lock = threading.Lock()
    view = AttributionView(model, dataset, methods="saliency", sanity=True)
    assert view.panel("saliency").drawn() is not None
    assert view.panel("saliency random").drawn() is None
    assert "cannot be copied" in said(view.panel("saliency random"))


def test_without_maps_grad_cam_says_so_and_the_others_work(dataset):
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    view = AttributionView(model, dataset, methods=("saliency", "grad_cam"))
    assert "Grad-CAM weights maps" in said(view.panel("grad_cam"))
    assert view.panel("saliency").drawn() is not None


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
        Scaled(),
        dataset,
        prepare=lambda item: {"x": item[0][None], "factor": 3.0},
        methods=names,
        layer="net.conv",
        opacity=1.0,
    )
    for name in names:
        plain = attributions(model, dataset[0][0], method=name)
        heat = Heat.of(3 * plain.maps[0].numpy(), sign="absolute")
        assert np.abs(shown(view, name).astype(int) - heat.pixels).max() <= 1
        assert view.panel(name).colorbar[3] == number(heat.ends()[2])


def test_items_without_an_image_are_refused(model):
    items = [{"id": 1}, {"id": 2}]
    with pytest.raises(TypeError, match="items must hold a tensor"):
        AttributionView(model, items, prepare=lambda item: torch.full((1, 1, 4, 4), float(item["id"])))


def test_the_number_of_steps_is_asked_for_where_it_matters(model, dataset, passes):
    view = AttributionView(model, dataset, methods="saliency")
    box = control(view, "Steps", BoundedIntText)
    (group,) = (part for part in inside(view) if isinstance(part, Group) and box in part.children)
    assert group.layout.display == "none"
    view.methods = ("integrated_gradients",)
    assert group.layout.display == ""
    passes()
    box.value = 7
    assert view.steps == 7 and view.cached and passes() > 0
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
    assert "target and against are the same class" in view.error
    view.against = 2
    assert view.error == ""


def test_a_network_without_class_scores_is_refused(dataset):
    with pytest.raises(ValueError, match="needs a network that gives class scores"):
        AttributionView(nn.Sequential(nn.Conv2d(1, 2, 1)), dataset)


def test_names_are_text(model, dataset):
    view = AttributionView(model, dataset, classes=[EVIL, EVIL, EVIL], methods="saliency")
    assert EVIL not in markup.title(*view.title())


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
    assert list(view.classes.values()) == ["cat", "dog"] and 'why "cat"' in titled(view)
    assert list(bars(view.panel("prediction"))) == ["cat", "dog"]
    for method in view.methods:
        assert np.array_equal(shown(view, method), shown(alone, method))
    view.target = 1
    view.score = lambda output: -output["out"][:, 0]  # a single number is a score too
    assert "no target 1; allowed: 0 to 0, or None" in view.error
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
    assert view.methods == ("saliency",) and view.error == ""


def test_another_drawing_makes_no_widget(model, dataset, widgets):
    view = AttributionView(model, dataset, methods=("saliency", "grad_cam"))
    before = widgets()
    view.index, view.opacity, view.sign = 1, 0.3, "all"
    assert widgets() == before
    view.sanity = True  # two panels more, which stay
    more = widgets()
    view.sanity, view.methods = False, ("saliency",)
    view.sanity, view.methods = True, ("saliency", "grad_cam")
    view.index = 2
    assert widgets() == more
    view.sanity = False
    kept = widgets()
    view.sanity = True
    view.sanity = False
    assert widgets() == kept


def test_what_only_the_display_changes_draws_no_other_image_and_what_stays_is_the_same_pixels(model, dataset):
    view = AttributionView(model, dataset, methods=("saliency", "grad_cam"))
    image, map_ = view.panel("image"), view.panel("saliency")
    view.sanity = True
    assert view.panel("image") is image and (view.panel("saliency").pixels == map_.pixels).all()
    view.opacity = 0.3
    assert view.panel("image") is image and (view.panel("saliency").pixels != map_.pixels).any()


def test_a_view_of_a_subject_shares_its_passes(model, dataset, passes):
    subject = Subject(model, dataset)
    subject.at(1)
    passes()
    view = AttributionView(subject, methods="saliency", index=1, layer="conv")
    alone = AttributionView(model, dataset, methods="saliency", index=1, layer="conv")
    assert view.subject is subject and passes() == 4  # two for each map, none for the image
    assert (view.panel("saliency").pixels == alone.panel("saliency").pixels).all()


def test_the_static_picture_has_the_maps(model, dataset, tmp_path):
    view = AttributionView(model, dataset, methods=("saliency", "occlusion"), opacity=1.0)
    light, dark = view.picture(), view.picture(dark=True)
    assert light.shape == dark.shape and light.mean() > dark.mean()
    wanted = table("viridis")[-1]
    assert (light == wanted).all(-1).sum() > 100
    assert view.save(tmp_path / "view.png").stat().st_size > 1000


# --------------------------------------------------------------------------------------- the layer of Grad-CAM


class Siamese(nn.Module):
    """One body for two images, whose maps are the images themselves; their means are added."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.ReLU())
        nn.init.dirac_(self.body[0].weight)

    def forward(self, one, other):
        score = self.body(one).mean((1, 2, 3)) + self.body(other).mean((1, 2, 3))
        return torch.stack([score, -score], 1)


def test_the_layer_of_the_image_that_is_explained_is_chosen_and_not_that_of_the_other_one():
    one, other = torch.zeros(1, 8, 8), torch.zeros(1, 8, 8)
    one[0, 1, 2], other[0, 6, 5] = 1.0, 1.0
    options = {"prepare": lambda item: (item[0][0][None], item[0][1][None]), "methods": "grad_cam", "target": 0}
    view = AttributionView(Siamese(), [((one, other), 0)], **options)
    assert view.layer == "body:1"
    view.layer = "body.1:2"
    assert "body.1:2&#x27; does not depend on the image that is explained" in page(view)


def test_the_layer_is_chosen_for_the_score_that_the_view_is_given():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.main, self.aux = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 3, 3), nn.Conv2d(2, 3, 3)

        def forward(self, x):
            x = self.body(x)
            return {"out": self.main(x).mean((2, 3)), "aux": self.aux(x).mean((2, 3))}

    images = [(torch.rand(1, 9, 9), 0)]
    for name, layer in (("out", "main"), ("aux", "aux")):
        view = AttributionView(Heads(), images, score=lambda output, name=name: output[name], methods="grad_cam")
        assert view.layer == layer


def test_a_network_with_one_output_is_explained_as_the_output():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    nn.init.constant_(model[1].weight, 2.0)
    view = AttributionView(model, [(torch.full((1, 2, 2), value), 3.7) for value in (1.0, 2.0)], methods="saliency")
    assert view.classes == {0: "the output"} and 'why "the output"' in titled(view)
    assert view.target is None
    view.index = 1
    assert view.panel("saliency").drawn() is not None
    with pytest.raises(ValueError, match="no target 1; allowed: 0 to 0"):
        view.target = 1
