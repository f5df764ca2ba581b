"""A pass behind an edited layer: what ran before it is not computed again, and every number is the same."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
import torchvision
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute import recall
from cnnwidgets.widgets.state import Subject
from tests.widgets.conftest import steps


class Block(nn.Module):
    """With an addition, activations in place, and the axes of the maps turned for a norm, as ConvNeXt has it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.bn, self.relu = (
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(True),
        )
        self.norm, self.last = nn.LayerNorm(channels), nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.relu(self.bn(self.conv(x)))
        found = self.norm(found.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        found = self.last(found)
        found += x
        return self.relu(found)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Conv2d(1, 4, 1), one=Block(4), two=Block(4))
    layers |= OrderedDict(pool=nn.AdaptiveAvgPool2d(2), flat=nn.Flatten(), fc=nn.Linear(16, 3))
    return nn.Sequential(layers).eval()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of plain modules that have run, one entry each."""
    kinds: list[str] = []
    for kind in (nn.Conv2d, nn.BatchNorm2d, nn.LayerNorm, nn.MaxPool2d, nn.Linear):
        forward = kind.forward

        def counted(self: nn.Module, x: torch.Tensor, forward=forward) -> torch.Tensor:
            kinds.append(type(self).__name__)
            return forward(self, x)

        monkeypatch.setattr(kind, "forward", counted)
    return kinds


def looked(model: nn.Module, data, layer: str, edit: cw.Edit) -> tuple[Subject, Subject]:
    """The edited network looked at from what is known of it without the edit, and from nothing."""
    subject = Subject(model, data)
    before, spared, whole = subject.at(0), subject.under({layer: edit}), subject.under({layer: edit})
    spared.at(0, before=before, layer=layer)
    whole.at(0)
    return spared, whole


def same(one: Subject, other: Subject) -> bool:
    """Whether every layer has the same numbers, and both say the same of them."""
    first, second = one.at(0), other.at(0)
    shown = [row.name for row in second.modules if row.reason is None]
    return (
        all(torch.equal(first.output(name), second.output(name)) for name in shown)
        and [(row.name, row.shape, row.repeats) for row in first.modules]
        == [(row.name, row.shape, row.repeats) for row in second.modules]
        and first.prediction.shares == second.prediction.shares
    )


@pytest.mark.parametrize("layer", ["stem", "one.conv", "one.relu:2", "one", "two.norm", "two.last", "pool", "fc"])
def test_every_number_is_that_of_a_whole_pass(layer):
    spared, whole = looked(network(), steps(), layer, cw.Scale(-1.5, channels=1))
    assert spared.passes == whole.passes == 1
    assert same(spared, whole)


def test_numbers_of_a_network_of_torchvision_are_the_same_where_maps_have_another_order_in_memory():
    torch.manual_seed(0)
    model = torchvision.models.resnet18().eval().to(memory_format=torch.channels_last)
    assert same(*looked(model, torch.rand(1, 3, 64, 64), "layer2", cw.Ablate(channels=[1, 5])))


def test_what_ran_before_the_layer_is_not_computed_again(computed):
    subject = Subject(network(), steps())
    before, edited = subject.at(0), subject.under({"one.last": cw.Ablate(channels=0)})
    computed.clear()
    edited.at(0, before=before, layer="one.last")
    assert computed == ["Conv2d", "BatchNorm2d", "LayerNorm", "Conv2d", "Linear"]  # of `two` and `fc`
    computed.clear()
    edited.edit({"fc": cw.Scale(2.0, channels=0)})
    edited.at(0, before=before, layer="fc")
    assert computed == []


def test_a_pooling_before_the_layer_is_not_computed_again_and_what_follows_may_write_to_what_it_gave(computed):
    torch.manual_seed(0)
    model = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(True), nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(8, 3)).eval()
    data = [(torch.randn(1, 4, 4), 0)]
    subject = Subject(model, data)
    before, edited = subject.at(0), subject.under({"2": cw.Ablate(channels=0)})
    computed.clear()
    edited.at(0, before=before, layer="2")
    assert computed == ["Linear"]
    assert same(edited, subject.under({"2": cw.Ablate(channels=0)}))
    assert torch.equal(subject.at(0).output("0"), nn.functional.max_pool2d(data[0][0], 2))


def test_an_edit_that_was_there_before_is_not_made_twice():
    subject = Subject(network(), steps(), edits={"stem": cw.Scale(3.0, channels=0)})
    edited, whole = subject.under({"two": cw.Ablate(channels=1)}), subject.under({"two": cw.Ablate(channels=1)})
    edited.at(0, before=subject.at(0), layer="two")
    assert same(edited, whole)


def test_after_a_training_step_all_of_it_runs(computed):
    model = network()
    subject = Subject(model, steps())
    before, edited = subject.at(0), subject.under({"fc": cw.Ablate(channels=0)})
    with torch.no_grad():
        model.stem.weight.mul_(2)
    computed.clear()
    edited.at(0, before=before, layer="fc")
    assert len(computed) >= 10  # and what tells the axes of its maps
    assert same(edited, subject.under({"fc": cw.Ablate(channels=0)}))


def test_what_does_more_than_give_a_tensor_runs_again():
    conv = nn.Conv2d(1, 1, 1)
    assert recall.recallable(conv)
    conv.register_forward_hook(lambda *_: None)
    assert not recall.recallable(conv)
    assert recall.recallable(nn.MaxPool2d(2)) and not recall.recallable(nn.MaxPool2d(2, return_indices=True))
    assert not recall.recallable(nn.ReLU(inplace=True)) and not recall.recallable(type("Own", (nn.Linear,), {})(1, 1))
    assert not recall.recallable(nn.utils.parametrizations.weight_norm(nn.Linear(1, 1)))
