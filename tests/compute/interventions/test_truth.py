"""On real networks, too, an edit is to the bit what a hook by hand does, and nothing is left of it."""

from __future__ import annotations

import random
import warnings

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.testing import deep_state, different
from tests.compute.zoo_tools import from_torchvision, given_to

TORCHVISION = [
    *(
        "alexnet",
        "vgg11_bn",
        "resnet18",
        "resnext50_32x4d",
        "squeezenet1_1",
        "densenet121",
        "googlenet",
        "inception_v3",
    ),
    *("mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x0_5", "mnasnet0_5", "efficientnet_b0", "regnet_y_400mf"),
    *("convnext_tiny", "vit_b_16", "swin_t", "swin_v2_t", "maxvit_t"),
]
TIMM = [
    *("resnet10t", "convnext_atto", "vit_tiny_patch16_224", "deit_tiny_patch16_224", "swin_tiny_patch4_window7_224"),
    *(
        "mixer_s32_224",
        "efficientnet_lite0",
        "mobilevitv2_050",
        "poolformer_s12",
        "coat_lite_tiny",
        "edgenext_xx_small",
    ),
]


def from_timm(name):
    timm = pytest.importorskip("timm")
    model = timm.create_model(name, pretrained=False)
    return model, torch.rand(model.default_cfg["input_size"]), None


def by_hand(model, arguments, row, change):
    calls = 0

    def hook(part, args, output):
        nonlocal calls
        calls += 1
        if calls != row.call:
            return None
        copy = output.clone()
        change(copy.movedim(-1 if row.layout == "last" and row.kind != "vector" else 1, 1))
        return copy

    handle = model.get_submodule(row.module).register_forward_hook(hook)
    try:
        return given_to(model, arguments)
    finally:
        handle.remove()


def zero(values):
    values[:, [0, 1]] = 0


def half(values):
    values[:, 0] *= 0.5


def shifted(values):
    values += 0.125


EDITS = [(cw.Ablate(channels=[0, 1]), zero), (cw.Scale(0.5, channels=0), half), (cw.Add(0.125), shifted)]


def check(make):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, image, _ = make()
    model.eval()
    arguments, before = image[None], deep_state(model)
    table = cw.layer_table(model, image, operations=False)
    rows = [row for row in table.showable if row.leaf and not row.repeats and row.batch_axis == 0 and row.channels > 1]
    rows = [row for row in rows if row.axes_known and row.name.partition(":")[0] == row.module]
    assert rows
    with torch.no_grad():
        for row in random.Random(0).sample(rows, min(5, len(rows))):
            for edit, change in EDITS:
                expected = by_hand(model, arguments, row, change)
                with cw.intervene(model, {row.name: edit}) as intervention:
                    found = given_to(model, arguments)
                assert intervention.count == 1
                assert torch.equal(found, expected) or not expected.isfinite().all(), (row.name, edit.words)
    assert not different(before, deep_state(model))


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHVISION)
def test_an_edit_of_a_network_of_torchvision_is_that_of_a_hook_by_hand(name):
    check(lambda: from_torchvision(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMM)
def test_an_edit_of_a_network_of_timm_is_that_of_a_hook_by_hand(name):
    check(lambda: from_timm(name))


def test_an_edit_of_a_small_network_is_that_of_a_hook_by_hand():
    check(
        lambda: (
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 4)),
            torch.rand(3, 8, 8),
            None,
        )
    )
