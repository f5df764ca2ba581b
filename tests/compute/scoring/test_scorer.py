"""What is said about an output that is no class scores can be done as it stands there."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

import cnnwidgets as cw

IMAGE = torch.rand(1, 1, 8, 8)


class Packed(nn.Module):
    """A convolution whose maps are packed into something."""

    def __init__(self, pack) -> None:
        super().__init__()
        self.conv, self.pack = nn.Conv2d(1, 2, 1), pack

    def forward(self, x: torch.Tensor):
        return self.pack(self.conv(x))


@pytest.mark.parametrize(
    ("pack", "example"),
    [
        (lambda maps: maps, "output.mean((2, 3))"),
        (lambda maps: {"name": "x", "masks": maps}, "output['masks'].mean((2, 3))"),
        (lambda maps: {"loss": maps.mean(), "classes": maps.mean((2, 3))}, "output['classes']"),
        (lambda maps: {"all": [maps.mean(), maps.flatten(2)]}, "output['all'][1].mean(2)"),
    ],
)
def test_the_example_takes_what_is_there_and_works_as_it_stands(pack, example):
    with pytest.raises(ValueError, match=r"not class scores.*; choose them with score=") as caught:
        cw.occlusion(Packed(pack), IMAGE, window=4)
    (found,) = re.findall(r"such as score=lambda output: (.*)", str(caught.value))
    assert found == example
    score = eval(f"lambda output: {found}")
    assert cw.occlusion(Packed(pack), IMAGE, window=4, stride=4, score=score).change.shape[-2:] == (2, 2)
    with pytest.raises(ValueError, match=r"not class scores.*; choose them"):
        cw.AttributionView(Packed(pack), IMAGE)


def test_score_is_advised_where_it_can_be_given_alone():
    model = Packed(lambda maps: {"masks": maps})
    with pytest.raises(ValueError, match="a dict with masks, not class scores; give a layer and a channel of it in p"):
        next(iter(cw.maximize(model, target=1, size=8)))
    data = [(IMAGE[0], 0)] * 2
    with pytest.raises(ValueError, match="a dict with masks, not class scores; accuracy is measured by these"):
        cw.accuracy_effects(model, data, {"conv": cw.Ablate(channels=[1])}, classes=["a", "b"])
    with pytest.raises(
        ValueError, match=r"the second network, Packed, gives no class scores .*; a module around a net"
    ):
        cw.disagreements(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), model, data, progress=False)
    with pytest.raises(ValueError, match="the function given as score= makes a dict with masks"):
        cw.occlusion(model, IMAGE, window=4, score=lambda output: output)
