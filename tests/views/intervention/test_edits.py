"""What is done to a layer: as edits, in words and as code; and what is there instead of a channel."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.views.intervention.edits import Switches, by_channel, checked_gains, checked_off, replacement
from cnnwidgets.widgets.state import Subject
from tests.widgets.conftest import steps, tiny


def test_a_channel_that_is_off_is_not_multiplied_too():
    switches = Switches("C3", (1, 4), ((1, 2.0), (3, 0.5)), "zero")
    assert switches.live == ((3, 0.5),) and switches.removing
    assert switches.words("set to 0") == "channels 1, 4 set to 0, channel 3 × 0.5"
    off, gain = switches.edits(None)["C3"]
    assert (off.channels, off.words, gain.channels, gain.factor) == ((1, 4), "set to 0", (3,), 0.5)


def test_the_code_of_the_edits_is_what_intervene_takes():
    switches = Switches("C3", (1, 4), ((3, 0.5),), "zero")
    assert switches.code("") == '{"C3": [cw.Ablate(channels=[1, 4]), cw.Scale(0.5, channels=3)]}'
    given = eval(switches.code(""), {"cw": cw})
    model = cw.models.lenet5()
    with cw.intervene(model, given) as intervention:
        model(torch.zeros(1, 1, 28, 28))
    assert intervention.words == "channels 1, 4 of C3 set to 0; channel 3 of C3 multiplied by 0.5"


def test_nothing_done_is_no_edit():
    switches = Switches("C3", (), (), "mean")
    assert switches.edits(torch.zeros(16)) == {} and not switches.removing
    assert switches.words("") == "nothing switched off"


@pytest.mark.parametrize(("gains", "removing"), [(((0, 0.0),), True), (((0, 0.1),), False)])
def test_a_gain_of_0_removes_a_channel(gains, removing):
    assert Switches("C3", (), gains, "mean").removing is removing


def test_the_mean_is_over_images_and_places_and_another_image_gives_its_own_values():
    subject = Subject(tiny(), steps(4))
    row = subject.at(0).find("conv")
    assert replacement(subject, row, "zero", 1) is None
    assert replacement(subject, row, "mean", 1).tolist() == [9.0, -18.0]  # 7.5 + 1.5, and -2 times that
    assert torch.equal(replacement(subject, row, "image", 3), subject.output(3, "conv"))


def test_features_of_tokens_are_channels():
    layers = OrderedDict(embed=nn.Conv2d(1, 3, 2, 2), flat=nn.Flatten(2), turn=Turn(), norm=nn.LayerNorm(3))
    subject = Subject(nn.Sequential(layers), steps(2))
    row = subject.at(0).find("norm")
    output = subject.output(0, "norm")
    assert (row.kind, tuple(output.shape), tuple(by_channel(output, row).shape)) == ("tokens", (4, 3), (3, 4))
    mean = torch.stack([subject.output(at, "norm") for at in (0, 1)]).mean((0, 1))
    assert torch.allclose(replacement(subject, row, "mean", 0), mean, atol=1e-6)


class Turn(nn.Module):
    """(N, D, T) to (N, T, D)."""

    def forward(self, x):
        return x.transpose(1, 2)


def test_channels_are_sorted_and_named_once_and_factors_of_1_are_none():
    assert checked_off([3, 1, torch.tensor(3)], 4, "C3") == (1, 3)
    assert checked_gains([[2, 1.0], (0, 2), (3, -1.5)], 4, "C3") == ((0, 2.0), (3, -1.5))


@pytest.mark.parametrize("given", [4, "12", None, [1.5], [True], ["1"]])
def test_what_is_no_set_of_channels_is_refused(given):
    with pytest.raises(TypeError):
        checked_off(given, 4, "C3")


def test_a_channel_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(IndexError, match=r"channel 4 is out of range: layer 'C3' has 4, 0 to 3"):
        checked_off([4], 4, "C3")
    with pytest.raises(IndexError, match="channel -1"):
        checked_gains([(-1, 2.0)], 4, "C3")
