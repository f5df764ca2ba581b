"""The smallest set of channels whose removal takes a class away."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
import torch
from torch import fx, nn

import cnnwidgets as cw
from cnnwidgets.testing import deep_state, different


class Votes(nn.Module):
    """Four units hand on the pixels; class 0 is 3 a + 2 b + c, class 1 is 4 d."""

    def __init__(self):
        super().__init__()
        self.units, self.out = nn.Linear(4, 4, bias=False), nn.Linear(4, 2, bias=False)
        self.units.weight.data = torch.eye(4)
        self.out.weight.data = torch.tensor([[3.0, 2.0, 1.0, 0.0], [0.0, 0.0, 0.0, 4.0]])

    def forward(self, x):
        return self.out(self.units(x))


ONES = torch.ones(1, 4)  # scores 6 and 4: without a 3 and 4, so that one unit is enough


def test_one_unit_is_enough_where_a_hand_finds_so():
    found = cw.units_for_class(Votes(), ONES, "units", 0, progress=False)
    assert (found.channels, found.needed, found.gone) == ((0,), (0,), True)
    assert found.kept.tolist() == [1, 0] and found.scores.tolist() == [6, 3]


def test_channels_go_in_the_order_of_what_they_cost_until_the_class_is_gone():
    images = torch.tensor(
        [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.5]]
    )  # leads 2 and 4; without a -1 and 1; without a, b -3, -1
    found = cw.units_for_class(Votes(), images, "units", 0, progress=False)
    assert found.channels == (0, 1)
    assert found.kept.tolist() == [1, 0.5, 0] and found.scores.tolist() == [6, 3, 1]
    half = cw.units_for_class(Votes(), images, "units", 0, share=0.5, progress=False)
    assert half.channels == (0,) and half.gone


def test_what_is_not_needed_is_given_back():
    class Together(nn.Module):
        """Class 0 leads by a + 4 max(b, c) - 5, so that a goes first, though b and c suffice."""

        def __init__(self):
            super().__init__()
            self.units = nn.Linear(3, 3, bias=False)
            self.units.weight.data = torch.eye(3)

        def forward(self, x):
            a, b, c = self.units(x).unbind(1)
            score = a + 4 * torch.maximum(b, c)
            return torch.stack([score, torch.full_like(score, 1.5)], 1)

    found = cw.units_for_class(Together(), torch.ones(1, 3), "units", 0, progress=False)
    assert found.channels == (0, 1, 2) and found.kept.tolist() == [1, 1, 1, 0]
    assert found.needed == (1, 2)


def test_a_class_that_stays_is_said_to():
    model = Votes()
    model.out.bias = nn.Parameter(torch.tensor([100.0, 0.0]))
    found = cw.units_for_class(model, ONES, "units", 0, most=2, progress=False)
    assert not found.gone and len(found.channels) == len(found.needed) == 2
    assert "still 100% of the images" in repr(found)


def test_candidates_are_those_that_alone_cost_most():
    images = torch.tensor([[1.0, 1.0, 1.0, 0.1]])  # lead 5.6, which takes all three
    found = cw.units_for_class(Votes(), images, "units", 0, candidates=1, progress=False)
    assert found.channels == (0, 1, 2)


def test_it_is_stopped_with_what_is_done():
    images = torch.tensor([[1.0, 1.0, 1.0, 0.1]])
    found = cw.units_for_class(Votes(), images, "units", 0, progress=lambda done, total: done < 2)
    assert found.channels == (0, 1) and not found.gone


def test_the_network_is_as_it_was():
    model = Votes()
    before = deep_state(model)
    cw.units_for_class(model, ONES, "units", 0, value="mean", progress=False)
    assert different(before, deep_state(model)) == []


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"target": 2}, ValueError, "no target 2"),
        ({"target": None}, TypeError, "target is a class number"),
        ({"target": 0, "share": 1}, ValueError, "share is a fraction"),
        ({"target": 0, "most": 0}, ValueError, "most is a number of channels"),
        ({"target": 0, "candidates": 1.5}, ValueError, "candidates is a number"),
    ],
)
def test_what_makes_no_sense_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        cw.units_for_class(Votes(), ONES, "units", **options, progress=False)


class Square(nn.Module):
    """Eight channels of 8 x 8: sizes do not tell which axis is the channels."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.out = nn.Conv2d(1, 8, 3, padding=1), nn.Linear(8, 4)

    def forward(self, x):
        return self.out((torch.relu(self.conv(x)) + x).mean((2, 3)))


@pytest.mark.parametrize("layer", ["conv", "relu", "add"])
def test_it_costs_one_pass_behind_the_layer_for_each_channel_that_goes_and_one_trace(layer, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # takes longer to import than all of this
    trace, seen = fx.Tracer.trace, Counter[str]()
    monkeypatch.setattr(fx.Tracer, "trace", lambda self, *given: (seen.update(["trace"]), trace(self, *given))[1])
    model, images = Square().eval(), torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    model.conv.register_forward_pre_hook(lambda *_: seen.update(["whole"]))
    model.out.register_forward_pre_hook(lambda *_: seen.update(["behind"]))
    target = int(model(images).sum(0).argmax())
    for traces, most in ((1, 9), (0, 4)):  # the axes of the layer, and what stands in the code, are known then
        seen.clear()
        found = cw.units_for_class(model, images, layer, target, batch_size=32, progress=False)
        assert found.gone and "what is behind" in found.words
        assert seen["trace"] == traces and 0 < seen["whole"] <= most
        goes, given_back = len(found.channels), len(found.channels)
        assert seen["behind"] <= seen["whole"] + goes + given_back
