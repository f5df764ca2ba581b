"""TorchScript: layers that run outside Python."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from cnnwidgets.compute.layers.activations import activations
from cnnwidgets.compute.layers.table import layer_table


class Branching(nn.Module):
    """A small network with a reused activation in place and a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.bend = nn.ReLU(inplace=True)
        self.head = nn.Linear(2, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.bend(self.conv(images))
        x = self.bend(x - 0.1) + x
        return self.head(x.mean([2, 3]))


@pytest.fixture(params=["script", "trace"])
def pair(request: pytest.FixtureRequest) -> tuple[nn.Module, torch.jit.ScriptModule]:
    model = Branching().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls TorchScript deprecated; people still have such files
        if request.param == "script":
            return model, torch.jit.script(model)
        return model, torch.jit.trace(model, torch.rand(1, 1, 4, 4))


def test_layers_with_weights_are_called_by_their_modules(pair):
    _, scripted = pair
    names = layer_table(scripted, torch.rand(1, 4, 4)).names
    assert [name for name in names if name in ("conv", "head")] == ["conv", "head"]
    assert {"relu", "relu_1", "add", "mean"} <= set(names)


def test_values_are_those_of_the_python_model_before_anything_overwrites_them(pair):
    model, scripted = pair
    image = torch.randn(1, 1, 4, 4)
    conv = activations(model, image, "conv")
    assert (conv < 0).any()  # the ReLU in place would have removed these
    torch.testing.assert_close(activations(scripted, image, "conv"), conv)
    torch.testing.assert_close(activations(scripted, image, "head"), activations(model, image, "head"))


def test_the_model_can_still_be_called(pair):
    model, scripted = pair
    image = torch.rand(2, 1, 4, 4)
    activations(scripted, image, "conv")
    torch.testing.assert_close(scripted(image), model(image))
    assert not scripted.training


@pytest.mark.filterwarnings("ignore")
def test_a_frozen_model_whose_weights_are_constants_has_the_layers_of_its_graph():
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()
    frozen = torch.jit.freeze(torch.jit.script(plain))
    image = torch.rand(1, 4, 4)
    assert [row.channels for row in layer_table(frozen, image) if row.operation][:2] == [2, 2]
    with torch.no_grad():
        assert torch.equal(activations(frozen, image, "relu"), plain[:2](image[None]))
