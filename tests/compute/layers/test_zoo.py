"""Models of torchvision, each family: every layer that runs is listed, drawn and true, and nothing changes.

`python benchmarks/zoo.py` walks all of them.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator

import pytest
import torchvision

from tests.compute.zoo_tools import from_torchvision, maps_with, walk

CLASSIFIERS = torchvision.models.list_models(module=torchvision.models)
# Small ones that people meet every day; the others, one or two of each family, are slow, if only together
EVERY_DAY = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "mobilenet_v2", "resnet18",
    "squeezenet1_1", "swin_t", "vit_b_32",
)  # fmt: skip
SAMPLE = (
    *EVERY_DAY, "efficientnet_v2_s", "inception_v3", "maxvit_t", "mnasnet0_5", "mobilenet_v3_small", "regnet_x_400mf",
    "regnet_y_400mf", "resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "swin_v2_t", "vgg11_bn", "vgg16", "vit_b_16",
)  # fmt: skip
# MViT cannot be built for less than 16 frames of 224 x 224, of which all outputs are 5 GB: see benchmarks/zoo.py
OTHERS = sorted(set(torchvision.models.list_models()) - {*CLASSIFIERS, "mvit_v1_b", "mvit_v2_s"})
PREPARED = [(name, {}) for name in OTHERS]
QUANTISED = [(name, {"quantize": True}) for name in OTHERS if name.startswith("quantized_")]

# family -> which of its maps have the channels last; none in the others
CHANNELS_LAST = {
    "convnext": r"features\.\d\.\d+\.block\.[1-5]",  # from one Permute to the next
    "swin": r"features.*(?<!^features\.0\.0)|norm",  # all but the first convolution and what follows the last norm
}


@pytest.fixture(autouse=True)
def free_memory() -> Iterator[None]:
    yield
    gc.collect()


def sized(names: Iterable[str]) -> list[object]:
    return [name if name in EVERY_DAY else pytest.param(name, marks=pytest.mark.slow) for name in names]


def test_torchvision_has_80_classifiers_and_121_models_in_all_and_the_sample_has_each_family():
    assert len(CLASSIFIERS) >= 80
    assert len(torchvision.models.list_models()) >= 121
    assert set(SAMPLE) <= set(CLASSIFIERS)
    families = {torchvision.models.get_model_builder(name).__module__ for name in CLASSIFIERS}
    assert families == {torchvision.models.get_model_builder(name).__module__ for name in SAMPLE}


@pytest.mark.parametrize("name", sized(SAMPLE))
def test_each_layer_of_a_classifier_is_listed_drawn_and_true_and_nothing_changes(name):
    table = walk(lambda: from_torchvision(name))
    assert table.note == ""  # all can be traced, so that their operations are listed too
    assert any(row.operation for row in table)
    if not name.startswith(("vit", "maxvit")):  # here modules cut maps to windows, with the channels on either side
        modules = {row.name for row in table if not row.operation}
        pattern = next((pattern for family, pattern in CHANNELS_LAST.items() if name.startswith(family)), "no module")
        last = set(maps_with(table, "last")) & modules
        assert last == {row for row in modules & {*last, *maps_with(table, "first")} if re.fullmatch(pattern, row)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"), [pytest.param(*case, id="-".join([case[0], *case[1]])) for case in PREPARED + QUANTISED]
)
@pytest.mark.filterwarnings("ignore")  # torch's own, about quantisation
def test_each_layer_of_the_others_too(name, options):
    table = walk(lambda: from_torchvision(name, **options))
    assert len(table.showable) >= 80
    assert maps_with(table, "last") == []
