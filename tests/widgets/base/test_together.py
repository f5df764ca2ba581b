"""Several traits set as one: all of them or none, and refused in our words."""

from __future__ import annotations

import random

import pytest
import torch
import traitlets as T
from torch import nn

from cnnwidgets import ActivationView, ConvolutionView, FilterView, ReceptiveFieldView


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 7, 3), nn.BatchNorm2d(7), nn.MaxPool2d(2), nn.Conv2d(7, 4, 3), nn.Flatten(), nn.Linear(48, 5)]
    return nn.Sequential(*parts).eval()


DATA = [(torch.rand(3, 12, 14, generator=torch.Generator().manual_seed(k)), k % 5) for k in range(6)]


def state(view: T.HasTraits) -> dict[str, object]:
    return {name: getattr(view, name) for role in ("source", "display") for name in view.traits(**{role: True})}


@pytest.mark.parametrize("kind", [ActivationView, ConvolutionView, FilterView, ReceptiveFieldView])
def test_what_is_set_together_is_set_or_refused_as_one_whatever_the_order(model, kind):
    view, dice = kind(model, DATA), random.Random(3)
    made = 0
    for _ in range(60):
        goal = {name: dice.choice(list(view.choices(name))) for name in ("layer", "index")}
        goal["channel"] = dice.choice([number for number in range(7) if number != view.channel])
        before, order = state(view), list(goal)
        dice.shuffle(order)
        try:
            with view.hold_trait_notifications():
                for name in order:
                    setattr(view, name, goal[name])
        except IndexError as error:
            assert "channel" in str(error) and state(view) == before
        else:
            made += 1
            assert {name: getattr(view, name) for name in goal} == goal
            assert view.error == ""
    assert made > 20


def test_a_refused_pair_tells_no_control_of_the_state_that_never_was(model):
    view = FilterView(model, DATA)
    view.folded = True
    seen: list[object] = []
    view.observe(lambda change: seen.append(change["new"]), ["layer", "folded"])
    before = state(view)
    with pytest.raises(IndexError, match="filter 9 is out of range"), view.hold_trait_notifications():
        view.layer, view.filter = "3", 9
    assert state(view) == before and "3" not in seen
    view.folded = False
    before = state(view)
    with pytest.raises(ValueError, match="layer '3' cannot be folded"), view.hold_trait_notifications():
        view.layer, view.folded = "3", True
    assert state(view) == before


def test_a_channel_set_before_a_smaller_layer_stays_and_one_beyond_moves_to_its_last(model):
    view = ActivationView(model, DATA, layer="0", channel=6)
    with view.hold_trait_notifications():
        view.channel, view.layer = 1, "3"
    assert (view.layer, view.channel) == ("3", 1)
    view.layer = "0"
    view.channel = 6
    view.layer = "3"
    assert view.channel == 3


def test_an_input_channel_set_together_with_the_layer_ends_the_strongest_too(model):
    view = ConvolutionView(model, DATA, layer="0")
    with view.hold_trait_notifications():
        view.layer, view.input_channel = "3", 5
    assert (view.layer, view.input_channel, view.strongest) == ("3", 5, False)


def test_a_pixel_is_one_of_the_map(model):
    view = ActivationView(model, DATA, layer="3")  # 3 x 4
    view.pixel = (2, 3)
    with pytest.raises(
        IndexError, match=r"pixel \(3, 0\) is out of range: a map of layer '3' has 3 rows and 4 columns"
    ):
        view.pixel = (3, 0)
    assert view.pixel == (2, 3)
    view.layer = "0"  # 10 x 12
    assert view.pixel is None
    with view.hold_trait_notifications():
        view.pixel, view.layer = (0, 0), "3"
    assert (view.layer, view.pixel) == ("3", (0, 0))
    with pytest.raises(IndexError), view.hold_trait_notifications():
        view.pixel, view.layer = (2, 3), "5"
    assert (view.layer, view.pixel) == ("3", (0, 0))


@pytest.mark.parametrize(
    ("trait", "value", "words"),
    [
        ("layer", 3, "layer must be text, not 3; layer: name of the layer, as in the layer table"),
        ("strongest", "no", "strongest must be True or False, not 'no'"),
        ("channel", "a", "channel must be a whole number, not 'a'"),
        ("channel", None, "channel must be a whole number, not None"),
        ("scale", "layers", "no scale 'layers'; did you mean 'layer'? allowed: 'layer', 'layer-full', 'map'"),
        ("speed", 3, "no speed 3; allowed: 1, 2, 5"),
        ("colormap", 1.5, "colormap must be text, not 1.5"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_in_our_words(model, trait, value, words):
    view = ConvolutionView(model, DATA)
    before = state(view)
    with pytest.raises(T.TraitError) as caught:
        setattr(view, trait, value)
    assert words in str(caught.value) and "instance expected" not in str(caught.value)
    with pytest.raises(T.TraitError), view.hold_trait_notifications():
        view.layer = "3"
        setattr(view, trait, value)
    assert state(view) == before


def test_the_ends_of_a_number_are_told(model):
    with pytest.raises(T.TraitError, match=r"opacity must be a number, at least 0, at most 1, not 1\.5"):
        ReceptiveFieldView(model, DATA).opacity = 1.5
