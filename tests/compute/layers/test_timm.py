"""Architectures of timm, one or two a family: every layer that runs is listed, drawn and true, and nothing changes."""

from __future__ import annotations

import re

import pytest
import torch

from tests.compute.zoo_tools import maps_with, walk

timm = pytest.importorskip("timm")

# name -> side of the image that it gets, in pixels: 64 where any will do, else what it is made for
MODELS = {
    "cait_xxs24_224": 224,
    "convit_tiny": 224,
    "convmixer_768_32": 64,
    "convnext_atto": 64,
    "convnextv2_atto": 64,
    "crossvit_tiny_240": 240,
    "cspresnet50": 64,
    "deit_tiny_distilled_patch16_224": 224,
    "densenet121": 64,
    "edgenext_xx_small": 128,
    "efficientformer_l1": 224,
    "efficientnet_lite0": 64,
    "efficientvit_b0": 64,
    "eva02_tiny_patch14_224": 224,
    "fastvit_t8": 64,
    "ghostnet_050": 64,
    "gmlp_ti16_224": 224,
    "hgnetv2_b0": 64,
    "hrnet_w18_small": 64,
    "levit_128s": 224,
    "mambaout_femto": 64,
    "mixer_s32_224": 224,
    "mobilenetv3_small_050": 64,
    "mobilenetv4_conv_small": 64,
    "mobilevit_xxs": 128,
    "mvitv2_tiny": 224,
    "nf_resnet26": 64,
    "pit_ti_224": 224,
    "poolformer_s12": 64,
    "pvt_v2_b0": 64,
    "regnetx_002": 64,
    "repvit_m0_9": 64,
    "resmlp_12_224": 224,
    "resnest14d": 64,
    "resnet10t": 64,
    "rexnet_100": 64,
    "shvit_s1": 64,
    "skresnet18": 64,
    "starnet_s1": 64,
    "swin_tiny_patch4_window7_224": 224,
    "tiny_vit_5m_224": 224,
    "visformer_tiny": 224,
    "vit_tiny_patch16_224": 224,
    "xcit_nano_12_p16_224": 224,
}
REFUSED = {  # a patch embedding gives height and width beside its tokens, and so do the layers of MViT
    "mvitv2_tiny": "gives int, not a tensor",
    "xcit_nano_12_p16_224": "gives int, not a tensor",
}
CHANNELS_LAST = {  # the maps after each stage; in all others the channels come first
    "swin": r"layers\.\d",
    "mambaout": r"stages\.\d",
}
STAGE = re.compile(r"(layers?|stages)[._]?\d")


@pytest.mark.parametrize(
    "name", [name if at % 4 == 0 else pytest.param(name, marks=pytest.mark.slow) for at, name in enumerate(MODELS)]
)
def test_each_layer_is_listed_drawn_and_true_and_nothing_changes(name):
    side = MODELS[name]
    table = walk(lambda: (timm.create_model(name, pretrained=False, num_classes=10), torch.rand(3, side, side), None))
    assert {row.reason for row in table if row.ran} == {None, REFUSED.get(name)}
    assert any(row.operation for row in table) or "torch.fx cannot trace the model" in table.note
    assert table.showable[-1].shape == (10,)
    stages = {row for row in maps_with(table, "first") + maps_with(table, "last") if STAGE.fullmatch(row)}
    pattern = next((pattern for family, pattern in CHANNELS_LAST.items() if name.startswith(family)), "none")
    assert stages & set(maps_with(table, "last")) == {row for row in stages if re.fullmatch(pattern, row)}
