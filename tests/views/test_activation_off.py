"""Channels switched off in ActivationView: what follows is seen, said, and undone; the model stays as it is."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from tests.widgets.conftest import steps


@pytest.fixture
def view(model, dataset) -> cw.ActivationView:
    """`conv` of the tiny network, image 0: unit 0 of `fc` is the largest number of its map 0, 15; the others are 0."""
    return cw.ActivationView(model, dataset, layer="conv")


def test_a_channel_is_switched_off_and_all_behind_it_follows(view, model):
    view.switch(0)
    assert view.off == (("conv", 0),) and view.maps[0].abs().max() == 0
    assert view.panel("maps").heading.endswith(" · off: 0")
    assert "edited: channel 0 of conv set to 0" in str(view.static().title)
    assert view.snapshot.prediction.probabilities == pytest.approx([1 / 3] * 3)
    view.layer = "fc"
    assert view.maps.tolist() == [0.0, 0.0, 0.0] and "off" not in view.panel("maps").heading
    assert cw.activations(model, steps()[0][0][None], "fc")[0, 0] == 15  # the model itself is as it was


def test_it_is_undone_in_the_same_way_and_what_was_known_is_not_run_again(view, passes):
    view.switch(0)
    passes()
    view.switch(0)
    assert view.off == () and view.maps[0].max() == 15 and passes() == 0
    assert "edited" not in str(view.static().title) and "off" not in view.panel("maps").heading


def test_channels_of_several_layers_may_be_off(view):
    view.off = [["conv", 0], ("pool", 1), ("conv", 0)]
    assert view.off == (("conv", 0), ("pool", 1))
    assert "edited: channel 0 of conv set to 0; channel 1 of pool set to 0" in str(view.static().title)
    view.layer = "pool"
    assert view.maps.abs().max() == 0


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ((("conv", 2),), IndexError), ((("conv", True),), TypeError), ((("none", 0),), LookupError),
        (("conv",), TypeError), (3, TypeError), (None, TypeError),
    ],
)  # fmt: skip
def test_what_cannot_be_switched_off_is_refused_and_loses_nothing(view, value, error):
    view.switch(1)
    before = view.picture().tobytes()
    with pytest.raises(error):
        view.off = value
    assert view.off == (("conv", 1),) and view.picture().tobytes() == before


def test_a_channel_of_an_operation_is_switched_off_too_and_one_of_an_attribute_is_refused(dataset):
    class Added(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 2, 1), nn.Linear(2, 3)

        def forward(self, images):
            return self.fc((self.conv(images) + 1).mT.amax((2, 3)))

    view = cw.ActivationView(Added(), dataset, layer="add")
    view.switch(0)
    assert view.maps[0].abs().max() == 0 < view.maps[1].abs().max()
    view.layer = "amax"
    assert view.maps[0] == 0 and "channel 0 of add set to 0" in str(view.static().title)
    with pytest.raises(LookupError, match=r"'getattr_1', an operation in the forward\(\) of the model, "):
        view.off = (("getattr_1", 0),)
    view.off = ()
    assert view.maps[0] != 0


def test_a_norm_behind_a_channel_that_is_off_is_told(dataset):
    layers = OrderedDict(conv=nn.Conv2d(1, 2, 3), bn=nn.BatchNorm2d(2), flat=nn.Flatten(), fc=nn.Linear(8, 3))
    view = cw.ActivationView(nn.Sequential(layers), dataset, layer="conv")
    assert "bn" not in view.status()
    view.switch(1)
    assert "is another number behind 'bn'" in view.status()


def test_after_weights_have_changed_the_edited_and_the_plain_maps_are_of_the_new_ones(view, model):
    view.switch(1)
    with torch.no_grad():
        model.conv.weight.mul_(2)
    view.refresh()
    assert view.maps[0].max() == 30
    view.switch(1)
    assert view.maps[0].max() == 30 and view.maps[1].abs().max() > 0


def test_the_code_computes_the_maps_under_the_edits(view, model, dataset):
    view.off = (("conv", 0), ("pool", 1))
    code = view.code({"model": model, "dataset": dataset})
    assert 'with cw.intervene(model, {"conv": cw.Ablate(channels=[0])}):' in code  # what is behind does not matter
    given = {"cw": cw, "model": model, "dataset": dataset, "torch": torch}
    exec(code, given)
    assert torch.equal(given["maps"], view.maps)


def test_a_subject_that_is_edited_already_is_edited_further(model, dataset):
    subject = cw.Subject(model, dataset, edits={"conv": cw.Scale(2.0, channels=0)})
    view = cw.ActivationView(subject, layer="conv", off=(("conv", 1),))
    assert view.maps[0].max() == 30 and view.maps[1].abs().max() == 0
    view.off = ()
    assert view.subject is subject
