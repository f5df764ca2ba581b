"""Whatever a network is made of, and however a look at it ends, it is afterwards as it was."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st
from torch import nn

from cnnwidgets.compute.core.forward import ForwardError
from cnnwidgets.compute.core.hooks import capture
from cnnwidgets.compute.layers.activations import activations
from cnnwidgets.compute.layers.table import layer_table
from cnnwidgets.compute.shadow import evaluating

IMAGES = torch.linspace(-1, 1, 2 * 2 * 16).reshape(2, 2, 4, 4)


class Noisy(nn.Module):
    """Adds random numbers and counts its calls in a buffer, in place or in a new tensor each time."""

    def __init__(self, in_place):
        super().__init__()
        self.in_place = in_place
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        if self.in_place:
            self.calls.add_(1)
        else:
            self.calls = self.calls + 1
        return x + torch.rand_like(x) + random.random()


class Residual(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        out = self.body(x) + 0
        out += x
        return out


class Chain(nn.Module):
    """Runs its layers in a given order, some of them several times."""

    def __init__(self, layers, order):
        super().__init__()
        self.layers, self.order = nn.ModuleList(layers), order

    def forward(self, x):
        for number in self.order:
            x = self.layers[number](x)
        return x


def simple_layers():
    flag = st.booleans()
    return st.one_of(
        st.builds(lambda bias: nn.Conv2d(2, 2, 3, padding=1, bias=bias), flag),
        st.builds(lambda affine: nn.BatchNorm2d(2, affine=affine), flag),
        st.builds(lambda in_place: nn.ReLU(inplace=in_place), flag),
        st.builds(lambda in_place: nn.Dropout(0.5, inplace=in_place), flag),
        st.builds(Noisy, flag),
        st.builds(lambda: nn.MaxPool2d(3, stride=1, padding=1)),
    )


def layers():
    block = st.lists(simple_layers(), min_size=1, max_size=3).map(lambda parts: nn.Sequential(*parts))
    return st.one_of(simple_layers(), simple_layers(), block.map(Residual))


@dataclass
class Network:
    """A network with flags, gradients and hooks as they fell, what its hooks saw, and the names of its layers."""

    model: Chain
    fired: list[str]
    names: list[str]

    def trap(self, name: str, error: BaseException) -> None:
        """Let the first hook of the user's on layer `name` raise."""

        def spring(part, args):
            raise error

        self.model.get_submodule(name).register_forward_pre_hook(spring)


@st.composite
def networks(draw):
    """A chain of one to five layers, run in the order in which they stand and then some of them again."""
    parts = draw(st.lists(layers(), min_size=1, max_size=5))
    again = draw(st.lists(st.integers(0, len(parts) - 1), max_size=2))
    model = Chain(parts, [*range(len(parts)), *again])
    fired: list[str] = []
    names = [name for name, part in model.named_modules() if name and name != "layers"]
    for part in model.modules():
        part.training = draw(st.booleans())
    for parameter in model.parameters():
        parameter.requires_grad_(draw(st.booleans()))
        parameter.grad = torch.ones_like(parameter) if draw(st.booleans()) else None
    for name in draw(st.lists(st.sampled_from(names), max_size=3)):
        part = model.get_submodule(name)
        part.register_forward_hook(lambda part, args, output, name=name: fired.append(name))
    return Network(model, fired, names)


LOOKS = {
    "all layers": lambda network, layer: activations(network.model, IMAGES),
    "one layer": lambda network, layer: activations(network.model, IMAGES, layer),
    "the layer table": lambda network, layer: layer_table(network.model, IMAGES),
    "by hand": lambda network, layer: by_hand(network.model),
    "by hand, one layer": lambda network, layer: by_hand(network.model, layer),
}


def by_hand(model, layer=None):
    with evaluating(model) as module, capture(module, layer, stop=layer is not None) as captured:
        module(IMAGES.clone())
    return captured


@settings(deadline=None, max_examples=40)
@given(network=networks(), look=st.sampled_from(sorted(LOOKS)), data=st.data())
def test_a_look_changes_nothing(network, look, data, watched):
    layer = data.draw(st.sampled_from(network.names))
    event(look)
    before = watched(network.model)
    found = LOOKS[look](network, layer)
    assert len(found) > 0
    assert watched(network.model) == before
    assert torch.equal(IMAGES, torch.linspace(-1, 1, 64).reshape(2, 2, 4, 4))


@settings(deadline=None, max_examples=40)
@given(
    network=networks(),
    look=st.sampled_from(["all layers", "the layer table", "by hand"]),
    error=st.sampled_from([ValueError("a trap"), KeyboardInterrupt("a trap")]),
    data=st.data(),
)
def test_an_error_in_any_layer_changes_nothing(network, look, error, data, watched):
    network.trap(data.draw(st.sampled_from(network.names)), error)
    event(f"{type(error).__name__}, {look}")
    before = watched(network.model)
    with pytest.raises((type(error), ForwardError), match="a trap"):
        LOOKS[look](network, None)
    assert watched(network.model) == before


@settings(deadline=None, max_examples=40)
@given(network=networks())
def test_the_users_hooks_fire_as_often_in_a_look_as_without(network):
    torch.manual_seed(0)
    with torch.no_grad():
        network.model.eval()(IMAGES.clone())
    without = list(network.fired)
    network.fired.clear()
    activations(network.model, IMAGES)
    assert network.fired == without


@settings(deadline=None, max_examples=40)
@given(network=networks())
def test_every_output_is_what_a_network_without_in_place_operations_gives(network):
    """Written out by hand: the layers one after another, each with a copy of its input."""
    model = network.model.eval()
    random.seed(0), torch.manual_seed(0)
    expected, image = [], IMAGES.clone()
    with torch.no_grad():
        for number in model.order:
            image = model.layers[number](image.clone())
            expected.append(image.clone())
    random.seed(0), torch.manual_seed(0)
    captured = by_hand(model)
    tops = [seen for seen in captured.seen if seen.module.count(".") == 1]
    assert [seen.module for seen in tops] == [f"layers.{number}" for number in model.order]
    assert all(torch.equal(seen.tensor, output) for seen, output in zip(tops, expected, strict=True))
