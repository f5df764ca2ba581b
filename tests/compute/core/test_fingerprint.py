"""What can change the outputs of a model changes its fingerprint; a look does not."""

from __future__ import annotations

import copy
import sys

import pytest
import torch
from torch import nn

from cnnwidgets.compute.core.fingerprint import digest, fingerprint, hooks_version, weights_version
from cnnwidgets.compute.layers.activations import activations


@pytest.fixture
def model():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(16, 2))


def test_a_model_left_alone_and_looked_at_keeps_its_fingerprint(model):
    before = fingerprint(model)
    activations(model, torch.rand(1, 1, 4, 4), "0")
    assert fingerprint(model) == before
    model.eval()  # a look is always one at the evaluated model
    assert fingerprint(model) == before


CHANGES = {
    "a number behind torch's back": lambda model: model[0].weight.data.__setitem__((3, 0, 1, 1), 0.5),
    "filters that change places": lambda model: model[0].weight.data.copy_(model[0].weight.data.flip(0)),
    "an optimizer's step": lambda model: torch.nn.init.ones_(model[4].bias),
    "a buffer": lambda model: model[1].running_mean.fill_(0.5),
    "a setting": lambda model: setattr(model[2], "negative_slope", 0.2),
    "a hook": lambda model: model[2].register_forward_hook(lambda *given: given[2] * 0),
    "a hook before": lambda model: model[2].register_forward_pre_hook(lambda *_: None),
    "another forward": lambda model: setattr(model[2], "forward", torch.relu),
    "another layer": lambda model: model.__setitem__(2, nn.ReLU()),
    "another type": lambda model: model.double(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen(model, change):
    before = fingerprint(model)
    change(model)
    assert fingerprint(model) != before


def test_large_filters_that_change_places_are_seen():
    model = nn.Conv2d(64, 64, 3)
    before = fingerprint(model)
    model.weight.data[[0, 5]] = model.weight.data[[5, 0]]
    assert fingerprint(model) != before
    model.weight.data[[0, 5]] = model.weight.data[[5, 0]]
    assert fingerprint(model) == before


def test_a_model_too_large_to_read_equals_none(model, monkeypatch):
    monkeypatch.setattr(sys.modules[fingerprint.__module__], "LARGEST", 100)
    assert fingerprint(model) != fingerprint(model)


def test_what_cannot_be_read_equals_none():
    model = nn.Linear(2, 2, device="meta")
    assert fingerprint(model) != fingerprint(model)


def test_hooks_come_and_go(model):
    before = hooks_version(model)
    hook = model[1].register_forward_hook(lambda *_: None)
    assert hooks_version(model) != before
    hook.remove()
    assert hooks_version(model) == before


def test_images_are_told_apart_by_their_numbers_shape_and_type():
    image = torch.rand(3, 4, 5)
    assert digest(image) == digest(copy.deepcopy(image)) == digest(image.permute(2, 1, 0).contiguous().permute(2, 1, 0))
    others = [image + 1, image.reshape(3, 5, 4), image.double(), image.half(), image.flip(0)]
    assert len({digest(image), *map(digest, others)}) == 6


def _zero_one_filter(model):
    model[0].weight.data[3] = 0


def _new_statistics(model):
    model.train()(torch.rand(2, 3, 8, 8) * 5)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: [weight.data.clamp_(-0.05, 0.05) for weight in model.parameters()],
        lambda model: model[0].weight.data.normal_(0, 0.02),
        lambda model: model[0].weight.data.copy_(model[0].weight.data.flip(0)),
        _zero_one_filter,
        _new_statistics,
        lambda model: model[1].running_mean.data.fill_(3),
        lambda model: model.half(),
    ],
    ids=["clamped", "drawn anew", "turned over", "one filter", "new statistics", "a statistic", "half precision"],
)
def test_the_weights_version_sees_what_torch_does_not_count(change):
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.Conv2d(64, 64, 3))
    before = weights_version(model)
    assert weights_version(model.eval()) == before
    change(model)
    assert weights_version(model) != before


def test_a_large_layer_is_read_in_part_and_no_filter_of_it_is_passed_over():
    model = nn.Sequential(nn.Conv2d(256, 256, 3), nn.Conv2d(256, 256, 3))  # 590,080 numbers each, 2**15 are read
    seen = {weights_version(model)}
    for number in range(256):
        model[0].weight.data[number] += 1
        seen.add(weights_version(model))
    assert len(seen) == 257


@pytest.mark.parametrize(
    "buffer",
    [torch.eye(2).to_sparse(), torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8), torch.ones(1).expand(9)],
    ids=["sparse", "quantised", "expanded"],
)
def test_the_weights_version_takes_any_tensor(buffer):
    model = nn.Linear(2, 2)
    model.register_buffer("other", buffer)
    model.register_buffer("nowhere", torch.ones(2, device="meta"))
    before = weights_version(model)
    assert weights_version(model) == before
    model.weight.data += 1
    assert weights_version(model) != before
