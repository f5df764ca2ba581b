"""Layers without weights: which of them is what is told from their numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnwidgets.compute.convolution.explain import explain, layer_pass
from cnnwidgets.compute.convolution.known import explainable, explainable_layers
from cnnwidgets.compute.convolution.rules import Addition, Concatenation, joined

NUMBERS = torch.tensor([[[-2.0, 1.0], [0.5, 4.0]], [[3.0, -1.0], [7.0, 0.0]]])


def behind(module: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Identity(), module)


class Joining(nn.Module):
    """Joins a batch norm that does nothing with its own input."""

    def __init__(self, join) -> None:
        super().__init__()
        self.norm, self.join = nn.Conv2d(2, 2, 1, groups=2, bias=False), join
        nn.init.constant_(self.norm.weight, 2.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.join(self.norm(x), x)


def found(module: nn.Module, channel: int, unit: tuple[int, ...], layer: str = "1"):
    return explain(behind(module), NUMBERS, layer, channel, unit)


def test_relu_is_the_larger_of_the_number_and_0():
    assert found(nn.ReLU(inplace=True), 0, (0, 0)).steps == (("input x", -2.0), ("the larger of x and 0", 0.0))
    assert found(nn.ReLU(), 1, (1, 0)).result == 7.0


def test_hard_swish_is_told_in_two_steps():
    e = found(nn.Hardswish(), 0, (0, 1))  # 1 * (1 + 3) / 6
    assert [value for _, value in e.steps] == [1.0, 4.0, 4 / 6] and e.agrees and e.kind == "pointwise"


def test_softmax_over_channels_is_a_share_of_exponentials():
    e = found(nn.Softmax(1), 1, (0, 0))  # -2 and 3: e^0 / (e^-5 + e^0)
    assert [value for _, value in e.steps] == pytest.approx([3, 1, 1 + math.exp(-5), 1 / (1 + math.exp(-5))])
    assert e.patch.tolist() == [-2, 3] and e.agrees and e.kind == "softmax"


def test_softmax_along_another_axis_is_told_too():
    e = found(nn.Softmax(-1), 0, (1, 1))  # 0.5 and 4
    assert e.patch.tolist() == [0.5, 4] and e.result == pytest.approx(1 / (1 + math.exp(-3.5))) and e.agrees


def test_leaky_relu_has_the_slope_that_its_numbers_show():
    assert found(nn.LeakyReLU(0.25), 0, (0, 0)).result == pytest.approx(-0.5, abs=1e-6)


@pytest.mark.parametrize(
    "module",
    [
        *(nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(), nn.ELU(0.7), nn.SELU(), nn.CELU(), nn.GELU(), nn.GELU("tanh")),
        *(nn.SiLU(), nn.Mish(), nn.Hardsigmoid(), nn.Hardtanh(-2, 2), nn.Softplus(), nn.Softsign(), nn.Tanh()),
        *(nn.Sigmoid(), nn.LogSigmoid(), nn.Softmax2d()),
    ],
)
def test_every_number_of_an_activation_is_what_the_network_computed(module):
    passed = layer_pass(behind(module), NUMBERS, "1")
    for channel in range(2):
        for unit in ((0, 0), (0, 1), (1, 0), (1, 1)):
            assert passed.explain(channel, unit).agrees


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_number_types_are_told_as_finely(dtype):
    passed = layer_pass(behind(nn.SiLU()).to(dtype), NUMBERS.to(dtype), "1")
    e = passed.explain(0, (1, 1))
    assert e.agrees and e.steps[1][0].startswith("sigmoid of x")


def test_a_class_of_ones_own_is_told_by_its_numbers():
    class Swish(nn.Module):
        def forward(self, x):
            return x / (1 + torch.exp(-x))

    class Sigmoid(nn.Module):
        """Is called as one, and is none."""

        def forward(self, x):
            return x.sin()

    assert explainable(Swish()) and not explainable(Sigmoid())
    assert found(Swish(), 0, (1, 1)).steps[-1] == ("times x", pytest.approx(4 / (1 + math.exp(-4))))
    with pytest.raises(LookupError, match="cannot explain layer '1', a Sigmoid; it explains convolutions"):
        found(Sigmoid(), 0, (0, 0))


@pytest.mark.parametrize(
    "module",
    [nn.Dropout(), nn.Identity(), nn.Flatten(), nn.LayerNorm([2, 2, 2]), nn.Embedding(3, 2), nn.PixelShuffle(1)],
)
def test_what_is_no_function_of_one_number_is_not_explained(module):
    assert not explainable(module)


def test_numbers_that_a_hook_changed_are_refused():
    module = nn.ReLU()
    module.register_forward_hook(lambda part, args, output: output + 1)
    with pytest.raises(LookupError, match="its class ReLU is no activation"):
        found(module, 0, (0, 0))


def test_a_skip_is_added_place_by_place():
    e = explain(Joining(lambda a, b: a + b), NUMBERS, "add", 0, (1, 1))
    assert e.steps == (("input 1", 8.0), ("input 2", 4.0), ("their sum", 12.0)) and e.agrees and e.kind == "addition"


def test_a_sum_in_place_keeps_the_terms_that_it_overwrites():
    e = explain(Joining(lambda a, b: a.add_(b)), NUMBERS, "add_", 0, (0, 0))
    assert e.steps[0] == ("input 1", -4.0) and e.agrees


def test_of_a_concatenation_the_source_is_told():
    e = explain(Joining(lambda a, b: torch.cat([a, b], 1)), NUMBERS, "cat", 3, (1, 0))
    assert e.steps[0] == ("channel 1 of input 2 of 2", 7.0) and e.agrees and e.kind == "concatenation"


def test_an_operation_that_is_an_activation_or_a_pooling_is_explained():
    assert explain(Joining(lambda a, b: F.relu(a)), NUMBERS, "relu", 0, (0, 0)).steps[0] == ("input x", -4.0)
    pooled = explain(Joining(lambda a, b: F.adaptive_avg_pool2d(a, 1)), NUMBERS, "adaptive_avg_pool2d", 0, (0, 0))
    assert pooled.result == pytest.approx(2 * 3.5 / 4) and pooled.agrees and pooled.kind == "mean"


def test_an_operation_that_is_none_of_these_is_refused_in_words():
    with pytest.raises(LookupError, match="cannot explain operation 'mul': mul is no activation"):
        explain(Joining(lambda a, b: a * b), NUMBERS, "mul", 0, (0, 0))
    with pytest.raises(LookupError, match="no layer 'ad'"):
        explain(Joining(lambda a, b: a + b), NUMBERS, "ad", 0, (0, 0))


def test_a_sum_is_told_from_a_concatenation_by_the_numbers():
    one, other = torch.rand(1, 2, 3, 3), torch.rand(1, 2, 3, 3)
    assert isinstance(joined([one, other], one + other), Addition)
    assert joined([one, other], torch.cat([one, other], 2)).axis == 2
    assert isinstance(joined([one, other], torch.cat([one, other], 1)), Concatenation)
    assert joined([one, other], one - other) is None


def test_channels_may_be_the_last_axis():
    model = nn.Sequential(nn.Flatten(2), nn.Linear(4, 3), nn.GELU())
    passed = layer_pass(model, torch.rand(2, 2, 2), "2", last=True)
    assert passed.explain(2, (1,)).value == float(passed.output[0, 1, 2])


@pytest.mark.slow
def test_real_networks_are_told():
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    image = torch.rand(3, 64, 64)
    mobile, residual = models.mobilenet_v3_small(), models.resnet18()
    assert explain(mobile, image, "features.0.2", 3, (5, 5)).steps[-1][0] == "times x, divided by 6"
    assert "layer1.0.relu" in explainable_layers(residual)
    for model, layer in ((residual, "add_3"), (models.densenet121(), "cat_4"), (models.squeezenet1_0(), "cat")):
        e = explain(model, image, layer, 20, (1, 2))
        assert e.agrees and math.isfinite(e.result)
