from __future__ import annotations

import logging
import random
from typing import Any

import ipywidgets as W
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cnnwidgets import ActivationView
from cnnwidgets.compute.core.forward import ForwardError
from cnnwidgets.compute.layers import activations
from cnnwidgets.compute.overview import choosing
from cnnwidgets.widgets.state.subject import Subject
from tests.widgets.conftest import EVIL, control, hooks, inside, steps, tiny


@pytest.fixture
def view(model, dataset) -> ActivationView:
    return ActivationView(model, dataset, layer="pool")


# ---------------------------------------------------------------------- what a view can be made of


class Silent(nn.Module):
    """A network without layers."""

    def forward(self, images):
        return images


class Refusing(nn.Module):
    """Runs a layer, and then gives up."""

    def __init__(self):
        super().__init__()
        self.part = nn.Conv2d(1, 2, 1)

    def forward(self, images):
        self.part(images)
        raise ZeroDivisionError(f"no more {EVIL}")


IMAGE = torch.zeros(1, 4, 4)
NAN = torch.tensor([[[0.0, float("nan")], [float("inf"), 0.0]]])
PIL_IMAGE = Image.new("RGB", (4, 4))
BAD: dict[str, tuple[Any, Any, dict[str, Any], type[Exception], str]] = {
    "not a module": (lambda x: x, steps(), {}, TypeError, "must be a torch.nn.Module, not function"),
    "a class": (nn.Linear, steps(), {}, TypeError, r"is the class Linear, not a model; call it: Linear\(...\)"),
    "no layers": (Silent(), steps(), {}, ValueError, "Silent has no layers"),
    "no forward": (nn.ModuleList([tiny()]), steps(), {}, ValueError, r"ModuleList has no forward\(\)"),
    "no data": (tiny(), [], {}, ValueError, "the data set is empty"),
    "no length": (tiny(), iter(steps()), {}, TypeError, "by index and have a length; list_iterator does not"),
    "no image": (tiny(), ["seven"], {}, TypeError, r"item 0 of the data set must be \(image, label\), not str"),
    "PIL image": (tiny(), [(PIL_IMAGE, 0)], {}, TypeError, r"image 0 is a PIL image.*ToTensor\(\)"),
    "no channel axis": (tiny(), [(torch.zeros(4, 4), 0)], {}, ValueError, r"shape 4 x 4, wanted \(C, H, W\); add the"),
    "empty image": (tiny(), [(torch.zeros(1, 0, 4), 0)], {}, ValueError, "image 0 is empty"),
    "NaN": (tiny(), [(NAN, 0)], {}, ValueError, "image 0 holds NaN or infinite values: 2 of 4 numbers"),
    "channels": (
        tiny(),
        [(torch.zeros(3, 4, 4), 0)],
        {},
        ForwardError,
        r"layer 'conv' \(Conv2d\) refused its input: got 1 x 3 x 4 x 4, wants 1 channel in the second axis",
    ),
    "size": (
        tiny(),
        [(torch.zeros(1, 8, 8), 0)],
        {},
        ForwardError,
        r"layer 'fc' \(Linear\) refused its input: got 1 x 32, wants 8 features in the last axis",
    ),
    "forward": (
        Refusing(),
        [(IMAGE, 0)],
        {},
        ForwardError,
        "has an error in its own code, .*ZeroDivisionError: no more",
    ),
    "layer": (tiny(), steps(), {"layer": "Conv"}, LookupError, "no layer 'Conv'; did you mean 'conv'"),
    "no layer": (tiny(), steps(), {"layer": 3}, LookupError, "a layer is named by a string, not int"),
    "index": (tiny(), steps(), {"index": 6}, IndexError, "index 6 is out of range: the data set has 6 images, 0 to 5"),
    "negative": (tiny(), steps(), {"index": -1}, IndexError, "index -1 is out of range"),
    "channel": (tiny(), steps(), {"channel": 2}, IndexError, "channel 2 is out of range: layer 'conv' has 2, 0 to 1"),
    "keyword": (tiny(), steps(), {"chanel": 1}, TypeError, "no keyword 'chanel'; did you mean 'channel'"),
    "memory": (tiny(), steps(), {"cache_bytes": -1}, ValueError, "0 or more, not -1"),
}


@pytest.mark.parametrize(("model", "dataset", "keywords", "error", "text"), BAD.values(), ids=BAD)
def test_bad_input_is_named_and_leaves_no_widget_and_no_hook(model, dataset, keywords, error, text, widgets):
    before = widgets()
    with pytest.raises(error, match=text):
        ActivationView(model, dataset, **keywords)
    assert widgets() == before
    if isinstance(model, nn.Module):
        assert hooks(model) == 0


@pytest.mark.parametrize(
    "dataset",
    [
        steps(),
        [image for image, _ in steps()],
        torch.stack([image for image, _ in steps()]),
        [(image.numpy(), label) for image, label in steps()],
        [{"image": image, "label": label} for image, label in steps()],
        torch.utils.data.Subset(steps(9), range(6)),
    ],
    ids=["pairs", "images", "tensor", "arrays", "dicts", "subset"],
)
def test_any_indexable_of_images_is_a_data_set(model, dataset):
    view = ActivationView(model, dataset, layer="pool", index=5)
    assert view.maps[0].tolist() == [[10, 12], [18, 20]]


def test_a_view_begins_with_the_first_layer_that_has_maps(model, dataset):
    assert ActivationView(model, dataset).layer == "conv"
    flat = nn.Sequential(nn.Flatten(), nn.Linear(16, 4))
    assert ActivationView(flat, dataset).layer == "1"  # the first only moves numbers
    assert ActivationView(nn.Sequential(nn.Flatten(), nn.Identity()), dataset).layer == "0"


# ---------------------------------------------------------------------- the main layers, or all


class Mixes(nn.Module):
    """1 x 4 x 4 -> `conv`, `drop`, `block` (a Sequential of `block.0`), `add`, `flatten`, `fc`."""

    def __init__(self):
        super().__init__()
        self.conv, self.drop = nn.Conv2d(1, 2, 1), nn.Dropout()
        self.block, self.fc = nn.Sequential(nn.ReLU()), nn.Linear(32, 3)

    def forward(self, images):
        maps = self.drop(self.conv(images))
        return self.fc((self.block(maps) + maps).flatten(1))


def listed(view: ActivationView) -> list[str]:
    return [name for _, name in view._picker._menu.options]


def test_the_main_layers_are_offered_and_all_can_be_named(dataset, passes):
    view = ActivationView(Mixes(), dataset)
    view.settle()
    every = ["conv", "drop", "block.0", "add", "flatten", "block", "fc"]
    main = ["conv", "block.0", "add", "fc"]
    assert view.layers.names == every
    assert listed(view) == view.offered.names == view.choices("layer") == main
    for name in every:
        view.layer = name
        assert (view.layer, view.error) == (name, "")
        assert listed(view) == view.offered.names == [each for each in every if each in main or each == name]
    view.main_layers = False
    assert listed(view) == view.offered.names == view.choices("layer") == every


def test_to_list_all_layers_or_the_main_ones_runs_nothing(model, dataset, passes):
    view = ActivationView(model, dataset)
    view.settle()
    passes()
    for value in (False, True):
        view.main_layers = value
    assert (passes(), view.layer, view.error) == (0, "conv", "")


def test_the_layers_of_another_image_are_looked_through_once_for_its_table(model, dataset, monkeypatch):
    asked: list[int] = []
    find = choosing._choose
    monkeypatch.setattr(choosing, "_choose", lambda rows: asked.append(len(rows)) or find(rows))
    view = ActivationView(model, dataset)
    assert asked == [4]
    view.layer, view.channel, view.main_layers = "fc", 1, False
    assert set(asked) == {4} and len(asked) <= 2  # again once the operations are known
    asked.clear()
    view.index = 1
    view.layer = "conv"
    assert len(asked) == 1


def test_a_box_that_comes_with_the_operations_lives_no_longer_than_the_view(widgets):
    class Views(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 2, 1), nn.Linear(32, 3)

        def forward(self, images):
            return self.fc(self.conv(images).view(-1, 32))

    before = widgets()
    view = ActivationView(Views(), steps())
    assert listed(view) == ["conv", "fc"]
    assert not [part for part in inside(view) if isinstance(part, W.Checkbox)]
    view.settle()
    assert control(view, "main layers", W.Checkbox).layout.display == "" and listed(view) == ["conv", "fc"]
    view.close()
    assert widgets() == before


# ---------------------------------------------------------------------- images that cannot be shown


def stale(view: W.Widget) -> bool:
    """Whether the page marks what it shows as no longer true."""
    return any("cnnw-stale" in part._dom_classes for part in inside(view) if isinstance(part, W.VBox))


class Patchy:
    """Six images of which the fourth cannot be read."""

    def __init__(self) -> None:
        self.images = steps()

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        if index == 3:
            raise OSError(f"cannot read {EVIL}")
        return self.images[index]


def shown(view: ActivationView) -> tuple[bytes, bytes]:
    return view.panel("maps").drawn().tobytes(), view.panel("image").drawn().tobytes()


def test_a_broken_image_says_so_and_the_last_good_one_stays_marked_as_stale(model, caplog, capsys):
    view = ActivationView(model, Patchy(), layer="pool", index=2)
    before = shown(view)
    with caplog.at_level(logging.ERROR):
        view.index = 3
    assert f"cannot read {EVIL}" in view.error
    assert "<img" not in "".join(part.value for part in inside(view) if isinstance(part, W.HTML))
    assert stale(view)
    assert shown(view) == before
    assert "Traceback" in caplog.text
    assert capsys.readouterr() == ("", "")
    view.index = 4
    assert view.error == ""
    assert not stale(view)
    assert view.maps[0].tolist() == [[9, 11], [17, 19]]


def test_while_an_image_cannot_be_shown_everything_written_is_of_the_one_that_is(model):
    view = ActivationView(model, Patchy(), layer="pool", index=2)
    view.index = 3
    view.channel = 1
    assert view.static().title.endswith("image 2 · label: 2")


def test_an_image_that_the_model_refuses_is_reported_the_same_way(model):
    images = [image for image, _ in steps()]
    images[1] = torch.zeros(3, 4, 4)
    view = ActivationView(model, images, layer="pool")
    view.index = 1
    assert "layer 'conv' (Conv2d) refused its input: got 1 x 3 x 4 x 4, wants 1 channel" in view.error
    view.index = 2
    assert view.error == ""


def test_an_exception_in_the_middle_of_a_pass_leaves_the_model_as_it_was(model):
    model.train()
    images = [image for image, _ in steps()]
    images[1] = torch.zeros(1, 8, 8)
    view = ActivationView(model, images)
    view.index = 1
    assert "'fc'" in view.error
    assert hooks(model) == 0
    assert all(part.training for part in model.modules())


def test_a_layer_that_does_not_run_for_an_image_is_reported_and_comes_back():
    class Sometimes(nn.Module):
        def __init__(self):
            super().__init__()
            self.always, self.dark = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1)

        def forward(self, images):
            maps = self.always(images)
            return self.dark(maps) if images.sum() < 1 else maps

    view = ActivationView(Sometimes(), torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)]), layer="dark")
    view.index = 1
    assert "'dark'" in view.error and "was not seen to run" in view.error
    view.layer = "always"
    assert view.error == ""
    view.index = 0
    view.layer = "dark"
    assert view.error == ""


# ---------------------------------------------------------------------- moving from image to image


def buttons(view: ActivationView) -> dict[str, Any]:
    return {part.description: part for part in inside(view) if type(part).__name__ == "Button"}


def test_buttons_step_through_the_images_and_round_the_end(view):
    buttons(view)["<"].click()
    assert view.index == 5
    buttons(view)[">"].click()
    buttons(view)[">"].click()
    assert view.index == 1


def test_random_shows_some_image_and_leaves_the_global_random_state_alone(view):
    before, state = torch.get_rng_state(), random.getstate()
    seen = set()
    for _ in range(60):
        buttons(view)["random"].click()
        seen.add(view.index)
    assert seen == set(range(6))
    assert torch.equal(torch.get_rng_state(), before)
    assert random.getstate() == state


def test_views_that_share_a_subject_share_its_passes(model, dataset, passes):
    subject = Subject(model, dataset)
    one, two = ActivationView(subject), ActivationView(subject, layer="pool")
    assert passes() == 1
    one.index = 3
    two.index = 3
    assert passes() == 1
    assert np.array_equal(shown(one)[1], shown(two)[1])


def test_the_users_own_hooks_stay(model, dataset):
    seen = []
    model.pool.register_forward_hook(lambda *_: seen.append("pool"))
    view = ActivationView(model, dataset)
    view.index = 1
    view.close()
    assert seen == ["pool", "pool"]
    assert hooks(model) == 1


# ---------------------------------------------------------------------- weights that change where torch does not count


def _clamp(model):
    for weight in model.parameters():
        weight.data.clamp_(-0.01, 0.01)


def _learn_statistics(model):
    model.train()(torch.rand(4, 3, 8, 8) * 5)
    model.eval()


@pytest.mark.parametrize("change", [_clamp, _learn_statistics])
@pytest.mark.parametrize("move", [{"index": 1}, {"channel": 2}, {"colormap": "viridis"}])
def test_no_move_shows_the_maps_of_weights_that_are_gone(change, move):
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()).eval()
    images = torch.rand(2, 3, 8, 8)
    view = ActivationView(net, images, layer="1")
    view.index = 1
    view.index = 0
    change(net)
    for name, value in move.items():
        setattr(view, name, value)
    with torch.no_grad():
        truth = net[:2](images[view.index, None])[0]
    assert torch.allclose(view.maps, truth, atol=1e-6)


def test_a_display_move_runs_nothing_while_the_weights_stay(view):
    passes = view.subject.passes
    view.channel, view.colormap = 1, "viridis"
    assert view.subject.passes == passes


class OfAPair(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)

    def forward(self, images):
        return self.conv(images), None


class TakesOne(nn.Module):
    """Its layers hand on the tensor of a `(tensor, None)`, and it returns a loss too."""

    def __init__(self):
        super().__init__()
        self.pair, self.dropout, self.last = OfAPair(), nn.Dropout(0.1), nn.ReLU()

    def forward(self, images):
        maps = self.last(self.dropout(self.pair(images)[0]))
        return {"loss": maps.square().mean(), "small": maps.to(torch.float8_e4m3fn), "maps": maps}


def test_every_layer_in_the_menu_can_be_shown_whatever_the_network_returns():
    view = ActivationView(TakesOne().eval(), torch.rand(2, 1, 4, 4), main_layers=False)
    assert {"dropout", "(output).loss", "(output).small"} <= set(view.choices("layer"))
    for name in view.choices("layer"):
        view.layer = name
        assert view.error == ""
        expected = activations(view.subject.module, view.item.image, name)
        assert torch.equal(view.maps, expected[0] if expected.ndim else expected)  # a loss has no axes
