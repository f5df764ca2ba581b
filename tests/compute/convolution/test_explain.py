from __future__ import annotations

import math

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

from cnnwidgets.compute.convolution.explain import LayerPass, explain, explainable, explainable_layers, layer_pass
from cnnwidgets.compute.convolution.explanation import tolerance
from cnnwidgets.compute.convolution.rules import rule_of
from cnnwidgets.compute.filters import filters
from cnnwidgets.compute.layers.activations import run
from cnnwidgets.models import lenet5


@pytest.fixture
def by_hand() -> nn.Sequential:
    """Two input channels, 2 x 2 kernels: the first all 1, the second a diagonal of 2; bias -3."""
    conv = nn.Conv2d(2, 1, 2)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[[[1.0, 1], [1, 1]], [[2, 0], [0, 2]]]]))
        conv.bias.fill_(-3.0)
    return nn.Sequential(conv)


IMAGE = torch.stack([torch.arange(9.0).reshape(3, 3), torch.eye(3)])


def test_the_sum_over_every_input_channel_plus_bias_is_what_the_network_computed(by_hand):
    found = explain(by_hand, IMAGE, "0", 0, (1, 1))
    assert found.sums.tolist() == [4 + 5 + 7 + 8, 2 + 2]
    assert found.contributions == [(0, 24.0), (1, 4.0)]
    assert found.steps == (("sum over 2 input channels", 28.0), ("bias", -3.0), ("sum + bias", 25.0))
    assert found.value == found.result == 25 and found.difference == 0 and found.agrees
    assert found.cosine == pytest.approx(28 / math.sqrt((16 + 25 + 49 + 64 + 2) * (4 + 8)))


def test_one_pass_that_ends_behind_the_layer_is_enough(counted):
    model = lenet5()
    calls = counted(model)
    explain(model, torch.rand(1, 28, 28), "C3", 5, (3, 4))
    assert calls == {"": 1, "C1": 1, "func1": 1, "S2": 1, "C3": 1}


@pytest.mark.parametrize("layer", ["C1", "S2", "C3", "S4", "C5", "F6", "OUTPUT"])
def test_looking_changes_nothing(watched, layer):
    model, image = lenet5().train(), torch.rand(1, 28, 28)
    before = watched(model)
    explain(model, image, layer, 0, () if layer in ("F6", "OUTPUT") else (0, 0))
    assert watched(model) == before


def test_an_error_in_the_middle_changes_nothing(watched):
    model, image = lenet5().train(), torch.rand(3, 28, 28)
    before = watched(model)
    with pytest.raises(RuntimeError, match="refused its input"):
        explain(model, image, "C3", 0, (0, 0))
    assert watched(model) == before


def test_what_is_written_over_the_input_later_does_not_falsify_it():
    class Careless(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.act = nn.Conv2d(1, 1, 1), nn.ReLU(inplace=True)

        def forward(self, x):
            y = self.act(self.conv(x))
            x.add_(100)
            return y

    model = Careless()
    image = torch.full((1, 1, 1), -2.0)
    found = explain(model, image, "conv", 0, (0, 0))
    assert found.patch.item() == -2 and found.agrees and image.item() == -2
    assert found.value == pytest.approx(-2 * model.conv.weight.item() + model.conv.bias.item())


def test_a_layer_that_writes_to_its_own_input_is_refused_since_what_it_multiplies_is_not_what_it_was_given():
    class Doubling(nn.Linear):
        def forward(self, input):
            return super().forward(input.mul_(2))

    model = nn.Sequential(Doubling(1, 1, bias=False))
    image = torch.tensor([[3.0]])
    with pytest.raises(LookupError, match=r"its class Doubling gives its input, .* to no .* calls mul, linear"):
        explain(model, image, "0", 0)
    assert image.item() == 3


def test_a_hook_that_changes_the_output_shows_as_a_disagreement(by_hand):
    by_hand[0].register_forward_hook(lambda part, args, output: output + 1)
    found = explain(by_hand, IMAGE, "0", 0, (1, 1))
    assert (found.value, found.result, found.agrees) == (26, 25, False)
    assert "NOT the same: difference 1.0e+00" in repr(found)


def test_a_linear_layer_is_a_sum_over_features():
    model = nn.Sequential(nn.Linear(3, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, -2, 3], [0, 0, 0]]))
        model[0].bias.copy_(torch.tensor([0.5, 0]))
    found = explain(model, torch.tensor([[1.0, 2, 3]]), "0", 0)
    assert found.sums.tolist() == [1, -4, 9] and found.contributions[0] == (2, 9.0)
    assert found.steps == (("sum over 3 features", 6.0), ("bias", 0.5), ("sum + bias", 6.5)) and found.value == 6.5
    assert explain(model, torch.tensor([[1.0, 2, 3]]), "0", 1).cosine is None


def test_a_linear_layer_over_a_sequence_wants_the_place():
    model = nn.Sequential(nn.Linear(2, 2))
    tokens = torch.rand(1, 5, 2)
    found = explain(model, tokens, "0", 1, 4, prepare=lambda item: (item,))
    assert found.patch.tolist() == pytest.approx(tokens[0, 4].tolist()) and found.agrees and found.unit == (4,)
    with pytest.raises(ValueError, match="must have 1 numbers, its position in the sequence or map"):
        explain(model, tokens, "0", 1, prepare=lambda item: (item,))


def test_batch_norm_step_by_step():
    model = nn.Sequential(nn.BatchNorm2d(2, eps=1.0))
    with torch.no_grad():
        model[0].running_mean.copy_(torch.tensor([0.0, 4]))
        model[0].running_var.copy_(torch.tensor([1.0, 8]))  # with eps 9: divide by 3
        model[0].weight.copy_(torch.tensor([1.0, 2]))
        model[0].bias.copy_(torch.tensor([0.0, -1]))
    image = torch.full((2, 1, 3), 10.0)
    found = explain(model.train(), image, "0", 1, (0, 2))
    assert [value for _, value in found.steps] == [10, 6, 2, 4, 3]
    assert found.value == found.result == 3 and found.positions == ((0,), (2,))


def test_batch_norm_without_statistics_or_weights_uses_the_image_itself():
    model = nn.Sequential(nn.BatchNorm2d(1, affine=False, track_running_stats=False))
    found = explain(model, torch.tensor([[[1.0, 3.0]]]), "0", 0, (0, 1))
    assert found.agrees and found.result == pytest.approx(1, abs=1e-5)


def test_every_number_that_a_resnet_computes_is_explained():
    model = torchvision.models.resnet18(num_classes=10)
    image = torch.rand(3, 64, 64)
    layers = {name: part for name, part in model.named_modules() if explainable(part)}
    assert len(layers) == 20 + 20 + 2 + 1 + 9  # convolutions, BatchNorms, poolings, Linear, ReLUs
    captured = run(model, image, list(layers), inputs=True)
    for name, part in layers.items():
        given, output = captured.input(name), captured[name]
        rule = rule_of(part, given, output) if isinstance(part, nn.ReLU) else None
        passed = LayerPass(name, part, given, output, rule=rule)
        for channel in range(0, passed.output.shape[1], 31):
            found = passed.explain(channel, [extent // 2 for extent in passed.output.shape[2:]])
            assert found.agrees and found.difference <= 0.2 * found.tolerance, found


def test_each_call_of_a_reused_layer_is_its_own():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.step = nn.Linear(1, 1, bias=False)
            nn.init.constant_(self.step.weight, 2.0)

        def forward(self, x):
            return self.step(self.step(x))

    found = [explain(Twice(), torch.ones(1, 1), layer, 0).steps[0][1] for layer in ("step", "step:1", "step:2")]
    assert found == [2, 2, 4]


def test_a_network_that_is_one_convolution_is_explained_by_its_output():
    conv = nn.Conv2d(1, 1, 1)
    assert explain(conv, torch.ones(1, 2, 2), "(output)", 0, (1, 1)).agrees


def test_half_precision_agrees_within_its_own_rounding():
    model = nn.Sequential(nn.Conv2d(3, 2, 3)).bfloat16()
    found = explain(model, torch.rand(3, 5, 5), "0", 1, (2, 2))
    assert found.agrees and found.difference > 0


def test_the_tolerance_grows_with_the_terms_and_not_with_the_result():
    eps = torch.finfo(torch.float32).eps
    assert tolerance(torch.float32, 10.0) == pytest.approx(660 * eps)
    assert tolerance(torch.bfloat16, 1.0) > 2**-7 > 100 * tolerance(torch.float32, 1.0)
    assert tolerance(torch.float64, 1.0) < 1e-13


def test_a_layer_without_known_arithmetic_is_refused_by_type_and_those_that_can_be_are_listed():
    with pytest.raises(LookupError) as caught:
        explain(nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Flatten()), torch.rand(1, 2, 2), "2", 0, (0, 0))
    assert str(caught.value) == (
        "cannot explain layer '2', a Flatten; it explains convolutions, pooling, Linear, BatchNorm, activations and "
        "softmax: 0, 1"
    )


def test_the_places_that_a_max_pooling_gives_beside_its_values_are_not_explained():
    model = nn.Sequential(nn.MaxPool2d(2, return_indices=True))
    assert explain(model, torch.rand(1, 2, 2), "0.0", 0, (0, 0)).winner is not None
    with pytest.raises(LookupError, match=r"cannot explain layer '0\.1': it gives torch\.int64"):
        explain(model, torch.rand(1, 2, 2), "0.1", 0, (0, 0))


@pytest.mark.parametrize(
    ("layer", "channel", "unit", "error", "message"),
    [
        ("C33", 0, (0, 0), LookupError, "did you mean 'C3'"),
        ("C3", 16, (0, 0), IndexError, "channel 16 is out of range: layer 'C3' has 16, 0 to 15"),
        ("C3", 0, (0, 10), IndexError, r"unit \(0, 10\) is out of range: a map of layer 'C3' is 10 x 10"),
        ("C3", 0, (0,), ValueError, r"unit \(0,\) of layer 'C3' must have 2 numbers, \(row, column\)"),
        ("S2", 6, (0, 0), IndexError, "channel 6 is out of range: layer 'S2' has 6"),
        ("F6", 84, (), IndexError, "channel 84 is out of range"),
        ("F6", 0, (0, 0, 0), ValueError, "must have 0 numbers"),
    ],
)
def test_what_there_is_not_is_refused_by_name(layer, channel, unit, error, message):
    with pytest.raises(error, match=message):
        explain(lenet5(), torch.rand(1, 28, 28), layer, channel, unit)


def test_in_a_batch_the_unit_begins_with_the_number_of_the_image():
    images = torch.rand(3, 1, 28, 28)
    found = explain(lenet5(), images, "C1", 0, (2, 5, 5))
    assert found.patch[0, 2, 2] == images[2, 0, 5, 5] and found.unit == (5, 5)
    with pytest.raises(ValueError, match="after its number in the batch of 3"):
        explain(lenet5(), images, "C1", 0, (5, 5))


def test_how_far_windows_reach_into_the_padding():
    passed = layer_pass(nn.Sequential(nn.Conv2d(1, 1, 3, stride=2, padding=1)), torch.rand(1, 6, 5), "0")
    assert passed.padding == ((1, 0), (1, 1))  # rows -1 to 5 of 6, columns -1 to 5 of 5
    assert layer_pass(nn.Sequential(nn.MaxPool2d(2)), torch.rand(1, 4, 4), "0").padding == ()


def test_what_is_explained_prints_as_lines_of_arithmetic(by_hand):
    assert repr(explain(by_hand, IMAGE, "0", 0, (1, 1))).splitlines() == [
        "0 (Conv2d), channel 0 at (1, 1)",
        "  sum over 2 input channels                               28",
        "  bias                                                    -3",
        "  sum + bias                                              25",
        "  the network computed                                    25",
        "  the same: difference 0.0e+00, tolerance 2.4e-04",
    ]


# ---------------------------------------------------------------------- layers of other people's classes


class Standardised(nn.Conv2d):
    """The weights of each filter, less their mean."""

    def forward(self, x):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return functional.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Same(nn.Conv2d):
    """Pads by itself, more behind than before, as TensorFlow does."""

    def forward(self, x):
        return functional.conv2d(functional.pad(x, (0, 1, 0, 1)), self.weight, self.bias, self.stride)


class Activated(nn.BatchNorm2d):
    """With an activation in it, written in place."""

    def forward(self, x):
        return functional.relu_(super().forward(x)) * 2


class PoolSame(nn.MaxPool2d):
    def forward(self, x):
        return functional.max_pool2d(functional.pad(x, (1, 0, 1, 0), value=-torch.inf), 2, 2)


class Gated(nn.Conv2d):
    """Its output goes on to an activation of its own."""

    def forward(self, x):
        y = super().forward(x)
        return y * torch.sigmoid(y)


class Reflecting(nn.Conv2d):
    """Overrides what torch's own `forward` calls."""

    def _conv_forward(self, input, weight, bias):
        return super()._conv_forward(input, weight * 3, bias)


class Twofold(nn.Conv2d):
    """Two convolutions of the same input, as adapters have."""

    def __init__(self, *args):
        super().__init__(*args)
        self.other = nn.Conv2d(*args)

    def forward(self, x):
        return super().forward(x) + self.other(x)


def test_standardised_weights_are_the_ones_that_are_multiplied():
    model = nn.Sequential(Standardised(1, 1, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 2], [3, 6]])[None, None])  # less 3: -2 -1, 0 3
    found = explain(model, torch.tensor([[[1.0, 1], [1, 2]]]), "0", 0, (0, 0))
    assert found.kernel.tolist() == [[[-2, -1], [0, 3]]]
    assert (found.result, found.value, found.agrees, found.type) == (3, 3, True, "Standardised")


def test_padding_of_a_layers_own_is_padding():
    model = nn.Sequential(Same(1, 1, 2, bias=False))
    nn.init.ones_(model[0].weight)
    passed = layer_pass(model, torch.tensor([[[1.0, 2], [3, 4]]]), "0")
    found = passed.explain(0, (1, 1))
    assert found.patch.tolist() == [[[4, 0], [0, 0]]] and found.value == found.result == 4
    assert found.positions == ((1, 2), (1, 2)) and passed.padding == ((0, 1), (0, 1))


def test_the_pixel_that_won_is_one_of_the_layers_input_and_not_of_what_it_padded():
    found = explain(nn.Sequential(nn.Conv2d(1, 1, 1), PoolSame(2)), torch.rand(1, 4, 4), "1", 0, (0, 0))
    assert found.agrees and found.winner == (0, 0) and found.positions == ((-1, 0), (-1, 0))


@pytest.mark.parametrize(("x", "wanted"), [(5.0, 6.0), (-5.0, 0.0)])
def test_an_activation_within_a_batch_norm_is_a_step_of_its_own(x, wanted):
    model = nn.Sequential(Activated(1, eps=0.25))
    model[0].running_var.fill_(0.75)
    model[0].running_mean.fill_(2.0)  # (5 - 2) x 2 = 6, and (-5 - 2) is cut off
    found = explain(model, torch.full((1, 1, 1), x), "0", 0, (0, 0))
    assert found.value == found.result == wanted and found.agrees
    assert found.steps[-2][1] == x - 2 and found.steps[-1] == ("then relu, mul", wanted)


def test_what_a_convolution_makes_of_its_own_sum_is_worked_out_in_double_precision():
    model = nn.Sequential(Gated(1, 1, 1, bias=False))
    nn.init.constant_(model[0].weight, 2.0)
    found = explain(model, torch.ones(1, 1, 1), "0", 0, (0, 0))
    assert found.result == pytest.approx(2 / (1 + math.exp(-2)), abs=1e-14) and found.agrees
    assert 0 < found.tolerance < 1e-4


def test_a_class_that_replaces_only_a_part_of_forward_is_not_taken_for_its_base():
    model = nn.Sequential(Reflecting(1, 1, 1, bias=False, padding=1, padding_mode="reflect"))
    nn.init.ones_(model[0].weight)
    found = explain(model, torch.tensor([[[1.0, 2], [3, 4]]]), "0", 0, (0, 0))
    assert found.kernel.item() == 3 and found.patch.item() == 4 and found.value == found.result == 12


def test_two_convolutions_in_one_layer_are_refused_in_words_and_not_offered():
    model = nn.Sequential(Twofold(1, 1, 1), nn.Conv2d(1, 1, 1))
    with pytest.raises(LookupError, match="'0': its class Twofold gives its input to more than one convolution"):
        explain(model, torch.ones(1, 1, 1), "0", 0, (0, 0))
    assert explainable_layers(model) == ["0.other", "1"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["weight_norm", "spectral_norm", "prune", "forward replaced"])
def test_weights_that_a_call_writes_anew_are_those_of_this_call(how):
    part = nn.Conv2d(1, 2, 2, bias=False)
    if how == "forward replaced":
        part.forward = lambda x: functional.conv2d(x, part.weight * 5)
        source = "weight"
    elif how == "prune":
        prune.l1_unstructured(part, "weight", amount=0.5)
        source = "weight_orig"
    else:
        part = getattr(nn.utils, how)(part)
        source = "weight_g" if how == "weight_norm" else "weight_orig"
    model = nn.Sequential(part).eval()
    model(torch.rand(1, 1, 2, 2))
    with torch.no_grad():
        getattr(part, source)[0].mul_(3.0)  # a step of an optimizer
    image = torch.rand(1, 2, 2)
    found = explain(model, image, "0", 0, (0, 0))
    with torch.no_grad():
        wanted = model(image[None])[0, 0, 0, 0].item()
    assert found.value == pytest.approx(wanted) and found.agrees


def test_a_look_at_layers_of_other_classes_leaves_the_model_as_it_was():
    model = nn.Sequential(Standardised(1, 1, 1), Activated(1), PoolSame(2)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert explainable_layers(model) == ["0", "1", "2"]
    explain(model, torch.rand(1, 4, 4), "1", 0, (0, 0))
    assert all(part.training and not part._forward_hooks for part in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# ---------------------------------------------------------------------- what a layer uses when it is called


class Merging(nn.Module):
    """A low-rank update of the weights, which `eval()` merges into them."""

    def __init__(self):
        super().__init__()
        self.conv, self.merged = nn.Conv2d(1, 1, 1, bias=False), False
        self.update = nn.Parameter(torch.full((1, 1, 1, 1), 3.0))
        nn.init.constant_(self.conv.weight, 2.0)

    def train(self, mode=True):
        super().train(mode)
        if self.merged == mode:
            self.conv.weight.data += -self.update if mode else self.update
            self.merged = not mode
        return self

    def forward(self, x):
        return self.conv(x) if self.merged else functional.conv2d(x, self.conv.weight + self.update)


def test_weights_that_eval_merges_are_those_of_the_sum_and_of_the_filters():
    model = Merging()
    found = explain(model, torch.ones(1, 1, 1), "conv", 0, (0, 0))
    assert (found.kernel.item(), found.value, found.result, found.agrees) == (5, 5, 5, True)
    assert filters(model, "conv").weights.item() == 5 and model.conv.weight.item() == 2


class Around(nn.Module):
    """Changes a layer before it calls it, and back again afterwards."""

    def __init__(self, layer, **settings):
        super().__init__()
        self.layer, self.settings = layer, settings

    def forward(self, x):
        before = {name: getattr(self.layer, name) for name in self.settings}
        vars(self.layer).update({n: v for n, v in self.settings.items() if n not in self.layer._buffers})
        self.layer._buffers.update({n: v for n, v in self.settings.items() if n in self.layer._buffers})
        y = self.layer(x)
        for name, value in before.items():
            setattr(self.layer, name, value)
        return y


def _ones(layer):
    for weight in layer.parameters():
        nn.init.ones_(weight)
    return layer


SET_BY_FORWARD = {
    # places of the first, third ... pixel: 1 + 3 + 9 + 11 and so on
    "stride": (_ones(nn.Conv2d(1, 1, 2, bias=False)), {"stride": (2, 2)}, (1, 1), 10 + 11 + 14 + 15),
    "padding": (_ones(nn.Conv2d(1, 1, 2, bias=False)), {"padding": (1, 1)}, (0, 0), 0),
    "dilation": (_ones(nn.Conv2d(1, 1, 2, bias=False)), {"dilation": (3, 3)}, (0, 0), 0 + 3 + 12 + 15),
    "window of a pooling": (nn.AvgPool2d(1), {"kernel_size": 4, "stride": 4}, (0, 0), 7.5),
    "stride of a pooling": (nn.MaxPool2d(2, 1), {"stride": 2}, (1, 1), 15),
    "running mean": (nn.BatchNorm2d(1, eps=3.0), {"running_mean": torch.full((1,), 5.0)}, (1, 1), 0),
    "running variance": (nn.BatchNorm2d(1, eps=5.0), {"running_var": torch.full((1,), 4.0)}, (1, 0), 4 / 3),
    "eps": (nn.BatchNorm2d(1), {"eps": 3.0}, (1, 2), 3),
}


@pytest.mark.parametrize(("layer", "settings", "unit", "wanted"), SET_BY_FORWARD.values(), ids=SET_BY_FORWARD)
def test_settings_that_forward_puts_there_are_those_of_the_arithmetic(layer, settings, unit, wanted):
    model = Around(layer, **settings)
    found = explain(model, torch.arange(16.0).reshape(1, 4, 4), "layer", 0, unit)
    assert found.value == pytest.approx(wanted) and found.result == pytest.approx(wanted) and found.agrees


def test_a_batch_norm_that_stays_in_training_mode_takes_the_statistics_of_the_batch():
    class Kept(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(1, eps=1e-9)

        def train(self, mode=True):
            super().train(mode)
            self.norm.train()
            return self

        def forward(self, x):
            return self.norm(x)

    model = Kept()
    found = explain(model, torch.tensor([[[1.0, 5.0]]]), "norm", 0, (0, 1))  # mean 3, deviation 2
    assert found.value == pytest.approx(1) and found.result == pytest.approx(1) and found.agrees
    assert model.norm.num_batches_tracked == 0 and model.norm.running_mean.item() == 0


def test_statistics_that_eval_fills_in_are_the_ones_that_are_subtracted():
    class Averaged(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(1, eps=3.0)

        def eval(self):
            self.norm.running_mean.fill_(2.0)
            return super().eval()

        def forward(self, x):
            return self.norm(x)

    found = explain(Averaged(), torch.tensor([[[5.0]]]), "norm", 0, (0, 0))
    assert found.value == found.result == 1.5 and found.steps[1] == ("x − mean, 2", 3)


class Generated(nn.Module):
    """Its kernel is the mean of the image, and double that in a second call."""

    def __init__(self):
        super().__init__()
        self.conv, self.generator = nn.Conv2d(1, 1, 1, bias=False), nn.Parameter(torch.ones(1, 1, 1, 1))
        del self.conv.weight
        self.conv.weight = torch.zeros(1, 1, 1, 1)

    def forward(self, x):
        self.conv.weight = self.generator * x.mean()
        y = self.conv(x)
        self.conv.weight = self.conv.weight * 2
        return self.conv(y)


def test_each_call_has_the_weights_that_were_made_for_it():
    model, image = Generated(), torch.tensor([[[1.0, 5.0]]])
    kernels = [explain(model, image, f"conv:{number}", 0, (0, 1)).kernel.item() for number in (1, 2)]
    assert kernels == [3, 6]
    assert explain(model, image, "conv:2", 0, (0, 1)).value == 5 * 3 * 6


def test_weights_that_a_network_makes_for_each_image_are_no_filters():
    with pytest.raises(TypeError, match=r"'conv' is a Conv2d, which does not .* with weights of its own"):
        filters(Generated(), "conv")


def test_a_layer_that_empties_its_input_afterwards_has_multiplied_what_was_there():
    class Emptying(nn.Conv2d):
        def forward(self, x):
            y = super().forward(x)
            x.zero_()
            return y

    model = nn.Sequential(nn.Identity(), _ones(Emptying(1, 1, 1, bias=False)))
    found = explain(model, torch.full((1, 1, 1), 4.0), "1", 0, (0, 0))
    assert found.patch.item() == 4 and found.agrees


def test_a_layer_that_is_given_more_than_its_input_is_explained_by_all_of_it():
    class Modulated(nn.Conv2d):
        def forward(self, x, style):
            return functional.conv2d(x, self.weight * style)

    class Styled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = _ones(Modulated(1, 1, 1, bias=False))

        def forward(self, x):
            return self.conv(x, x.mean())

    found = explain(Styled(), torch.full((1, 1, 1), 4.0), "conv", 0, (0, 0))
    assert found.kernel.item() == 4 and found.value == found.result == 16


def test_statistics_that_a_layer_writes_in_place_and_back_are_those_of_the_call():
    class Shifting(nn.BatchNorm2d):
        def forward(self, x):
            self.running_mean.add_(2)
            y = super().forward(x)
            self.running_mean.sub_(2)
            return y

    found = explain(nn.Sequential(Shifting(1, eps=3.0)), torch.full((1, 1, 1), 5.0), "0", 0, (0, 0))
    assert found.value == found.result == 1.5
