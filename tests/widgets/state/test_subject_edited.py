"""A subject with edits: every view of it sees the edited network, and no number of it is taken for one of the other."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.testing.state import deep_state, different
from cnnwidgets.widgets.state.subject import Subject
from tests.widgets.conftest import steps, tiny

OFF = {"conv": cw.Ablate(channels=0)}
"""The first map of `conv`, whose largest number unit 0 of `fc` hands on, is off: that unit is 0 instead of 15."""


def test_an_edited_subject_gives_the_numbers_of_the_edited_network_and_the_other_one_its_own():
    subject = Subject(tiny(), steps())
    edited = subject.under(OFF)
    assert edited.output(0, "fc").tolist() == [0.0, 0.0, 0.0]
    assert edited.output(0, "conv")[0].abs().max() == 0 and edited.output(0, "conv")[1, 3, 3] == -30
    assert subject.output(0, "fc").tolist() == [15.0, 0.0, 0.0]
    assert edited.output(0, "fc").tolist() == [0.0, 0.0, 0.0]
    assert (subject.edited, edited.edited) == ("", "channel 0 of conv set to 0")


def test_whoever_runs_the_model_itself_sees_no_edit_and_the_model_stays_as_it_is():
    model, data = tiny(), steps()
    before = deep_state(model)
    edited = Subject(model, data, edits=OFF)
    assert edited.at(0).output("fc")[0] == 0
    assert model(data[0][0][None])[0].tolist() == [15.0, 0.0, 0.0]
    assert not different(before, deep_state(model))


def test_two_subjects_with_the_same_edits_share_no_pass_with_the_model_as_it_is():
    model, data = tiny(), steps()
    plain, one = Subject(model, data), Subject(model, data, edits=OFF)
    plain.look(0)
    one.look(0)
    assert (plain.passes, one.passes) == (1, 1)
    assert Subject(model, data).output(0, "fc")[0] == 15


def test_edits_of_edits_come_after_them():
    edited = Subject(tiny(), steps(), edits={"conv": cw.Scale(2.0, channels=0)})
    both = edited.under({"conv": cw.Clamp(high=20.0, channels=0), "pool": cw.Scale(3.0, channels=0)})
    assert edited.output(0, "fc")[0] == 30  # 2 * 15
    assert both.output(0, "fc")[0] == 60  # 3 * min(2 * 15, 20)
    assert edited.output(0, "fc")[0] == 30


def test_other_edits_take_the_place_of_those_that_there_are():
    edited = Subject(tiny(), steps(), edits=OFF)
    view = cw.ActivationView(edited, layer="pool")
    assert view.maps[0].abs().max() == 0
    edited.edit({"conv": cw.Scale(-1.0, channels=0)})
    assert edited.output(0, "fc")[0] == -10  # of -10, -11, -14 and -15 the largest
    assert view.outdated()


def test_a_training_of_the_model_is_followed():
    model = tiny()
    edited = Subject(model, steps(), edits={"conv": cw.Scale(2.0, channels=0)})
    assert edited.output(0, "fc")[0] == 30
    with torch.no_grad():
        model.fc.weight.mul_(10)
    assert edited.output(0, "fc")[0] == 300
    model.conv.weight.data[0] = 3.0
    assert edited.output(0, "fc")[0] == 900


def test_a_layer_in_the_place_of_another_and_a_hook_of_the_user_are_seen():
    model = tiny()
    edited = Subject(model, steps(), edits={"conv": cw.Scale(2.0, channels=0)})
    assert edited.output(0, "pool")[0].flatten().tolist() == [10.0, 14.0, 26.0, 30.0]
    model.pool = nn.AvgPool2d(2)
    assert edited.output(0, "pool")[0].flatten().tolist() == [5.0, 9.0, 21.0, 25.0]
    model.fc.register_forward_hook(lambda module, args, output: output + 1)
    assert edited.output(0, "fc")[0] == 26


def test_edits_that_are_wrong_leave_those_that_there_are():
    edited = Subject(tiny(), steps(), edits=OFF)
    with pytest.raises(ValueError, match="channel"):
        edited.edit({"conv": cw.Ablate(channels=7)})
    with pytest.raises(LookupError, match="conv9"):
        edited.edit({"conv9": cw.Ablate()})
    assert edited.output(0, "fc")[0] == 0 and edited.edited == "channel 0 of conv set to 0"


def test_a_subject_without_edits_is_not_changed_under_the_views_of_it():
    with pytest.raises(ValueError, match=r"subject\.under\(edits\)"):
        Subject(tiny(), steps()).edit(OFF)


VIEWS = {
    "activation": cw.ActivationView,
    "attribution": lambda subject: cw.AttributionView(subject, methods=["saliency"]),
    "convolution": cw.ConvolutionView,
    "explore": cw.explore,
    "filter": cw.FilterView,
    "occlusion": lambda subject: cw.OcclusionView(subject, window=2),
    "receptive field": cw.ReceptiveFieldView,
    "signature": lambda subject: cw.SignatureView(subject, layer="fc", count=1),
}


@pytest.mark.parametrize("make", VIEWS.values(), ids=VIEWS)
def test_every_view_says_in_its_title_what_is_edited_and_its_code_names_the_subject(make):
    subject = Subject(tiny(), steps(), edits=OFF)
    view = make(subject)
    assert "edited: channel 0 of conv set to 0" in str(view.static().title)
    assert "(subject" in view.code({}) and "# subject: what the view was given" in view.code({})
    plain = make(Subject(tiny(), steps()))
    assert "edited" not in str(plain.static().title)
    view.close()
    plain.close()


def test_occlusion_sees_the_edited_network():
    view = cw.OcclusionView(Subject(tiny(), steps(), edits={"conv": cw.Scale(2.0, channels=0)}), window=1, target=0)
    view.top = view.left = 0
    assert view.scores.tolist() == [30.0, 0.0, 0.0]
