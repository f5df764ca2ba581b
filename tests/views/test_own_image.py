"""Every view of images shows an own one, and forgets it when the index moves."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as T
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets import views
from cnnwidgets.testing.state import deep_state, different
from cnnwidgets.widgets.surface import tree
from tests.widgets.conftest import Refusing

TRAINED = cw.models.lenet5(pretrained=True)
DIGITS = cw.data.digits()
SEVEN = (DIGITS[7][0][0] * 255).round().to(torch.uint8).numpy()
MORE: dict[str, dict[str, Any]] = {
    "CompareView": {"edits": [{"C3": cw.Ablate(channels=[0])}]},
    "SignatureView": {"layer": "F6", "targets": [1, 3], "count": 3},
    "ExamplesView": {"scanning": False},
    "TrainingView": {"trainer": cw.Trainer(TRAINED, nn.CrossEntropyLoss(), torch.optim.SGD(TRAINED.parameters(), 0.1))},
}


def made(name: str) -> cw.ModelView:
    options = dict(MORE.get(name, {}))
    return getattr(cw, name)(options.pop("trainer", TRAINED), DIGITS, **options)


SHOWING = [name for name in views.__all__ if hasattr(getattr(cw, name), "show")]


@pytest.fixture(params=SHOWING)
def view(request):
    view = made(request.param)
    yield view
    view.close()


def test_every_view_with_an_index_of_images_shows_own_ones():
    assert [name for name in views.__all__ if "index" in getattr(cw, name).class_trait_names()] == SHOWING
    assert "ActivationView" in SHOWING


def test_an_own_image_is_shown_and_the_next_index_goes_back(view):
    before = deep_state(TRAINED)
    first, title = view.picture(), view.static().title
    view.show(SEVEN)
    shown, own = view.picture(), view.static()
    assert view.error == ""
    names = f"{own.title} {[panel.heading for column in own.columns for panel in column]}".lower()
    assert "own image" in names
    assert not np.array_equal(shown, first)
    view.index = 0
    assert view.static().title == title
    assert np.array_equal(view.picture(), first)
    assert not different(before, deep_state(TRAINED))


def test_a_second_own_image_is_never_shown_with_what_the_first_one_made(view):
    view.show(SEVEN)
    seven = view.picture()
    view.show(255 - SEVEN)
    assert not np.array_equal(view.picture(), seven)
    view.show(SEVEN)
    assert np.array_equal(view.picture(), seven)


def test_what_is_no_image_leaves_the_view_as_it_was(view):
    before = view.picture(), repr(view)
    for wrong in (b"broken", 5, torch.zeros(2, 28, 28)):
        with pytest.raises((TypeError, ValueError)):
            view.show(wrong)
    assert np.array_equal(view.picture(), before[0])
    assert repr(view) == before[1]


def test_the_maps_are_those_of_the_own_image():
    view = cw.ActivationView(TRAINED, DIGITS, layer="C3")
    view.show(SEVEN)
    wanted = cw.activations(TRAINED, torch.from_numpy(SEVEN)[None, None] / 255, "C3")[0]
    assert torch.allclose(view.maps, wanted, atol=1e-5)
    assert view.snapshot.prediction.targets[0] == 7


def test_what_was_done_to_the_picture_stands_in_the_title():
    view = cw.ActivationView(TRAINED, DIGITS)
    view.show(Image.new("RGB", (60, 30)))
    assert view.static().title.endswith("own image · resized and cut from 60 × 30 px")


def test_an_own_image_has_no_label_unless_it_was_made_of_one_that_has():
    view = cw.ActivationView(TRAINED, DIGITS)
    view.show(SEVEN)
    assert "label" not in view.static().title
    assert view.subject.names.truth(view.item, 10) is None


def test_linked_views_show_it_too_each_as_its_own_data_set_would():
    inverse = [(1 - image, label) for image, label in (DIGITS[at] for at in range(3))]
    one, other = cw.ActivationView(TRAINED, DIGITS), cw.OcclusionView(TRAINED, DIGITS)
    third = cw.ActivationView(cw.models.lenet5(), inverse)
    T.link((one, "index"), (other, "index"))
    T.link((one, "index"), (third, "index"))
    one.show(SEVEN)
    assert "own image" in other.static().title
    assert "own image" in third.static().title
    assert torch.allclose(third.item.image * 255, torch.from_numpy(SEVEN).float()[None])
    one.index = 2
    assert (other.index, third.index) == (2, 2)


def test_an_image_that_a_view_shows_is_kept_however_many_came_after_it():
    view, other = cw.ActivationView(TRAINED, DIGITS), cw.ActivationView(TRAINED, DIGITS)
    view.show(SEVEN)
    for shade in range(40):
        other.show(np.full((28, 28), shade, np.uint8))
    view.layer = "C3"
    view.refresh()
    assert view.error == ""
    assert view.snapshot.prediction.targets[0] == 7


def test_the_slider_stays_where_it_was_and_steps_on_from_there():
    view = cw.ActivationView(TRAINED, DIGITS, index=5)
    view.show(SEVEN)
    sliders = tree(view)
    (slider,) = [part for part in sliders if getattr(part, "max", None) == 1796 and "Slider" in part._model_name]
    assert (slider.value, view.index < 0) == (5, True)
    (after,) = [part for part in sliders if getattr(part, "description", "") == ">"]
    after.click()
    assert (slider.value, view.index) == (6, 6)
    view.show(SEVEN)
    slider.value = 9
    assert view.index == 9


def test_a_network_that_fails_for_this_image_keeps_the_old_picture():
    view = cw.ActivationView(Refusing(), torch.zeros(2, 1, 8, 8))
    before = view.picture()
    view.show(np.full((8, 8), 255, np.uint8))
    assert "too bright for me" in view.error
    assert np.array_equal(view.picture(), before)
    view.index = 1
    assert view.error == ""


def test_a_network_of_two_inputs_gets_them_by_prepare():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, x, scale):
            return self.conv(x * scale).mean((2, 3))

    items = [(torch.zeros(1, 8, 8), torch.tensor([2.0]))]
    view = cw.ActivationView(Scaled(), items, prepare=lambda item: (item[0][None], item[1]))
    view.show(np.full((8, 8), 255, np.uint8))
    conv = view.subject.module.conv
    assert view.error == ""
    assert torch.allclose(view.maps, conv(torch.full((1, 1, 8, 8), 2.0))[0], atol=1e-5)


def test_a_filter_view_without_a_data_set_shows_none():
    with pytest.raises(TypeError, match="FilterView has no data set"):
        cw.FilterView(TRAINED).show(SEVEN)


@pytest.mark.parametrize("given", [SEVEN, DIGITS[7][0] * 0.5])
def test_the_state_holds_the_own_image(given):
    view = cw.ActivationView(TRAINED, DIGITS, layer="C3")
    view.show(given)
    other = cw.open(json.loads(json.dumps(view.state)), TRAINED, DIGITS)
    assert torch.equal(other.maps, view.maps)
    assert other.index != view.index


def test_a_large_own_image_is_too_much_for_a_state():
    view = cw.ActivationView(nn.Conv2d(3, 1, 3), torch.rand(1, 3, 8, 8))
    view.show(np.random.default_rng(0).integers(0, 255, (800, 800, 3), np.uint8))
    with pytest.raises(ValueError, match=r"the own image has 1\.9 MB, which is too much for a state"):
        _ = view.state


def test_an_exported_page_holds_the_own_image(tmp_path):
    view = cw.ActivationView(TRAINED, DIGITS)
    view.show(SEVEN)
    before = view.picture()
    page = view.to_html(tmp_path / "page.html", index=[0, 1], layer=["C1"], progress=False)
    assert "own image" in page.path.read_text(encoding="utf-8")
    assert np.array_equal(view.picture(), before)
