"""Optimised pictures: what is driven, what they look like to the network, and what is said where nothing answers."""

from __future__ import annotations

import copy
import math
import re

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.testing import deep_state, different

STILL = {"jitter": 0, "rotate": 0, "scale": 0}


class Sums(nn.Module):
    """Two channels, the sum and the difference of the first two input channels, and their means as two classes."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(channels, 2, 1, bias=False), nn.ReLU(inplace=True)
        self.conv.weight.data.zero_()
        self.conv.weight.data[0, :2, 0, 0] = 1.0
        self.conv.weight.data[1, 0, 0, 0] = 1.0
        if channels > 1:
            self.conv.weight.data[1, 1, 0, 0] = -1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.conv(x)).mean((2, 3))


def last(*args, **options) -> cw.MaximizedPicture:
    *_, found = cw.maximize(*args, **{"size": 8, "steps": 40} | options)
    return found


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_activation_is_what_the_network_gives_for_the_picture_as_it_is():
    model = Sums().eval()
    found = last(model, "conv", channel=0)
    with torch.no_grad():
        maps = model.conv(found.images)[:, 0]
    assert torch.allclose(found.maps, maps, atol=1e-6)
    assert torch.allclose(found.activation, maps.mean((1, 2)), atol=1e-6)
    assert found.statistic().item() == pytest.approx(float(maps.max()))
    assert found.statistic("norm").item() == pytest.approx(float(maps.square().sum().sqrt()))


def test_a_sum_of_two_channels_is_driven_to_white_and_their_difference_to_one_colour():
    both = last(Sums(), "conv", channel=0, steps=150, **STILL)
    assert both.activation.item() > 1.6  # of at most 2; the picture begins with 1
    assert both.pixels[0, :2].mean() > 0.8
    one = last(Sums(), "conv", channel=1, steps=150, **STILL)
    assert one.activation.item() > 0.35  # of at most 1; it begins with 0
    assert one.pixels[0, 0].mean() > one.pixels[0, 1].mean() + 0.3


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_any_number_of_input_channels_makes_pictures_of_as_many(channels):
    found = last(Sums(channels), "relu", channel=0, count=2, steps=8)
    assert found.images.shape == (2, channels, 8, 8)
    assert found.pixels.min() >= 0 and found.pixels.max() <= 1


def test_it_yields_before_the_first_step_every_so_many_and_after_the_last():
    found = list(cw.maximize(Sums(), "conv", channel=0, size=8, steps=10, every=4))
    assert [picture.step for picture in found] == [0, 4, 8, 10]
    assert found[-1].activation > found[0].activation


def test_a_place_is_one_number_of_the_map():
    found = last(Sums(), "conv", channel=0, place=(2, 5), steps=4)
    assert found.activation[0] == found.maps[0, 2, 5]
    middle = last(Sums(), "conv", channel=0, place="centre", steps=4)
    assert middle.activation[0] == middle.maps[0, 4, 4]


def test_a_unit_of_a_small_field_gives_nearly_the_most_that_is_possible():
    model = nn.Conv2d(1, 1, 7, stride=2, padding=3, bias=False)
    model.weight.data[:] = torch.tensor([1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0])  # stripes: moved by 2 px, it gives less
    stripes = nn.Sequential(model)
    found = last(stripes, "0", channel=0, place="centre", size=64, steps=128)
    assert found.activation.item() > 0.9 * 7 * 4  # the seven rows of a white picture with black stripes
    moved = last(stripes, "0", channel=0, place="centre", size=64, steps=128, jitter=4)
    assert moved.activation.item() < 0.5 * 7 * 4


def test_what_sees_all_of_a_picture_is_driven_by_one_that_is_moved_by_a_sixteenth_of_it():
    model = Sums().eval()
    same = last(model, target=0, size=32, steps=3, jitter=2, rotate=5, scale=0.05)
    assert torch.equal(last(model, target=0, size=32, steps=3).images, same.images)
    still = last(model, "conv", channel=0, size=32, steps=3, **STILL)
    assert torch.equal(last(model, "conv", channel=0, size=32, steps=3).images, still.images)  # a unit sees one pixel


def test_a_class_is_driven_by_its_score():
    model = Sums().eval()
    found = last(model, target=1, steps=8)
    with torch.no_grad():
        assert found.activation.item() == pytest.approx(float(model(found.images)[0, 1]), abs=1e-6)


def test_a_direction_weights_the_channels_at_length_one():
    model = Sums().eval()
    found = last(model, "conv", direction=[3.0, 4.0], steps=4)
    with torch.no_grad():
        maps = model.conv(found.images)[0]
    assert torch.allclose(found.maps[0], 0.6 * maps[0] + 0.8 * maps[1], atol=1e-6)


def test_the_same_generator_gives_the_same_pictures_to_the_bit_and_another_seed_others():
    one, same, other = (last(Sums(), "conv", channel=0, generator=generator(seed)) for seed in (5, 5, 6))
    assert torch.equal(one.images, same.images) and not torch.equal(one.images, other.images)


def test_it_can_be_left_and_gone_on_with_without_a_difference():
    whole = cw.Maximizer(Sums(), "conv", channel=0, size=8, steps=12)
    parts = cw.Maximizer(Sums(), "conv", channel=0, size=8, steps=12)
    assert whole.step(12) == 12
    assert [parts.step(5), parts.picture().step, parts.step(99)] == [5, 5, 7]
    assert torch.equal(whole.picture().images, parts.picture().images)


def test_pictures_have_the_size_the_range_and_the_normalisation_of_the_data_set():
    data = [(torch.full((3, 6, 9), -1.0), 0), (torch.full((3, 6, 9), 3.0), 1)]
    found = last(Sums(), "conv", channel=0, size=None, dataset=data, steps=2)
    assert found.images.shape == (1, 3, 6, 9)
    assert torch.allclose(found.images, -1 + 4 * found.pixels, atol=1e-6)
    normal = last(Sums(), "conv", channel=0, normalization=([0.5, 0.5, 0.5], [0.25, 0.5, 1.0]), steps=2)
    std = torch.tensor([0.25, 0.5, 1.0]).reshape(3, 1, 1)
    assert torch.allclose(normal.images, (normal.pixels - 0.5) / std, atol=1e-5)


def test_an_image_is_accentuated_and_near_holds_it():
    image = torch.rand(3, 8, 8, generator=generator()) * 0.6 + 0.2
    first = next(iter(cw.maximize(Sums(), "conv", channel=0, start=image)))
    assert torch.allclose(first.images[0], image, atol=1e-4)
    loose, held = (last(Sums(), "conv", channel=0, size=None, start=image, near=near) for near in (0.0, 5.0))
    apart = [(found.images[0] - image).square().mean().item() for found in (loose, held)]
    assert apart[1] < 0.2 * apart[0]
    assert loose.activation > held.activation > first.activation


def test_pictures_are_kept_apart_by_diversity():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3)).eval()

    def alike(weight):
        found = last(model, "1", direction=torch.ones(8), count=2, diversity=weight, steps=60, **STILL)
        with torch.no_grad():
            maps = model(found.images).flatten(2)
        grams = (maps @ maps.transpose(1, 2)).flatten(1)
        return torch.cosine_similarity(grams[0], grams[1], dim=0).item()

    assert alike(2.0) < alike(0.0) - 0.05


def test_a_channel_without_weights_is_said_after_sixteen_steps_and_one_whose_relu_never_opens_after_sixty_four():
    model = Sums()
    model.conv.weight.data.zero_()
    maximizer = cw.Maximizer(model, "relu", channel=0, size=8, steps=100)
    with pytest.raises(RuntimeError, match="channel 0 of relu cannot be driven: its gradient was 0 for 16 random pict"):
        maximizer.step(100)
    assert maximizer.done == 16 and maximizer.picture().activation.item() == 0
    model.conv.weight.data.fill_(-1.0)
    maximizer = cw.Maximizer(model, "relu", channel=0, size=8, steps=200)
    with pytest.raises(RuntimeError, match="its gradient was 0 for 64 pictures, led up what closed ReLUs cut off, as"):
        maximizer.step(200)
    with pytest.raises(RuntimeError, match="never opens; 3 images of the data set were tried, and none gave more; a"):
        last(model, "relu", channel=0, size=None, dataset=torch.rand(3, 3, 8, 8), steps=100)


class Far(nn.Module):
    """Its one unit fires where the picture is dark on the left and bright on the right, much more than grey."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(1, 1, 8), nn.ReLU(inplace=True)
        self.conv.weight.data[..., :4], self.conv.weight.data[..., 4:] = -1 / 32, 1 / 32
        self.conv.bias.data.fill_(-0.4)  # fires where one half is brighter than the other by 0.4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.conv(x))


def test_what_closed_relus_cut_off_is_driven_until_they_open_and_that_is_said():
    one, same = (cw.Maximizer(Far(), "relu", channel=0, size=8, steps=120) for _ in range(2))
    one.step(120), same.step(120)
    found = one.picture()
    assert found.activation.item() > 0.3  # of at most 0.6
    assert torch.equal(found.images, same.picture().images)
    assert re.fullmatch(r"\d+ steps drove what closed ReLUs cut off: there was no gradient before", found.note)
    assert last(Far(), "relu", channel=0, steps=80, count=2).activation.min().item() > 0.2  # each picture by itself


class Once(torch.autograd.Function):
    """0 below 0.5, without a gradient that any ReLU would let through."""

    @staticmethod
    def forward(ctx, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return (x - 0.5).clamp(min=0)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * (ctx.saved_tensors[0] > 0.5)


def test_where_no_random_picture_has_a_gradient_it_begins_with_the_image_that_gives_most():
    class Gate(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return Once.apply(x)

    model = Far()
    model.relu = Gate()
    model.conv.bias.data.fill_(0.0)
    images = torch.full((3, 1, 8, 8), 0.5)
    images[1, :, :, :4], images[1, :, :, 4:] = 0.1, 0.9
    images[2, :, :, :4], images[2, :, :, 4:] = 0.2, 0.8
    found = last(model, "relu", channel=0, size=None, dataset=images, steps=60, **STILL)
    assert found.note.startswith("begins with image 1, which gives most of 3 of the data set: no random picture had")
    assert found.activation.item() > 0.8 - 0.5
    with pytest.raises(RuntimeError, match="3 images of the data set were tried, and none gave more"):
        last(model, "relu", channel=0, size=None, dataset=images[:1].repeat(3, 1, 1, 1), steps=60, **STILL)


@pytest.mark.parametrize("count", [1, 2])
def test_nan_in_the_weights_of_another_channel_is_not_in_the_gradient(count):
    torch.manual_seed(0)
    whole = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 4, 3)).eval()
    broken = copy.deepcopy(whole)
    whole[2].weight.data[2], whole[2].bias.data[2] = 0, 0  # as little of a gradient
    broken[2].weight.data[2], broken[2].bias.data[2] = math.nan, math.inf
    options = {"channel": 1, "count": count, "steps": 6, "diversity": 0}
    one, other = last(whole, "2", **options), last(broken, "2", **options)
    assert torch.allclose(one.images, other.images, atol=1e-5) and other.note == ""
    assert last(broken, "2", channel=1, count=count, steps=3).images.isfinite().all()
    with pytest.raises(RuntimeError, match="channel 2 of 2 is NaN or infinite after 0 steps"):
        last(broken, "2", channel=2, count=count)


def test_fewer_than_sixteen_steps_without_a_gradient_are_said_in_a_note():
    model = Sums()
    assert last(model, "relu", channel=0, steps=4).note == ""
    model.conv.weight.data.fill_(-1.0)
    found = last(model, "relu", channel=0, steps=4)
    assert found.note == "channel 0 of relu may be impossible to drive: its gradient was 0 in each of the steps"


class Bursts(nn.Module):
    """NaN at the pass with one number, counted from 1, otherwise the picture."""

    def __init__(self, at: range) -> None:
        super().__init__()
        self.conv, self.at, self.passes = nn.Conv2d(1, 1, 1), at, []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():
            PASSES.append(None)
        return self.conv(x) * (math.nan if torch.is_grad_enabled() and len(PASSES) in self.at else 1.0)


PASSES: list[None] = []


def test_a_nan_begins_anew_with_half_the_steps_and_says_so():
    PASSES.clear()
    model = nn.Sequential(Bursts(range(4, 5)), nn.ReLU())
    maximizer = cw.Maximizer(model, "1", channel=0, size=8, steps=6)
    maximizer.step(6)
    assert (maximizer.done, len(PASSES)) == (6, 10)  # three steps, one that was NaN, six
    assert maximizer.picture().note == "began anew with steps of 1/2 of their size: NaN or infinity at step 4"


def test_what_is_nan_however_small_the_steps_is_said():
    PASSES.clear()
    with pytest.raises(RuntimeError, match=r"is NaN or infinite after 0 steps, also with steps of 1/16"):
        last(nn.Sequential(Bursts(range(1, 99)), nn.ReLU()), "1", channel=0)


def test_weights_that_change_meanwhile_end_the_run_and_other_passes_do_not():
    model, seen = Sums(), []
    with pytest.raises(RuntimeError, match="the network was trained meanwhile"):
        for picture in cw.maximize(model, "conv", channel=0, size=8, steps=40, every=10):
            seen.append(picture.step)
            model(torch.rand(2, 3, 8, 8))
            if picture.step == 20:
                model.conv.weight.data.mul_(10)
    assert seen == [0, 10, 20]


def test_the_model_is_as_it_was_also_after_an_error_and_a_loop_that_was_left():
    model, dead = cw.models.lenet5().train(), cw.models.lenet5()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = deep_state(model)
    for _ in cw.maximize(model, "C3", channel=3, size=28, steps=20, every=2, count=2):
        assert not different(before, deep_state(model))
        break
    with pytest.raises(RuntimeError):
        dead.get_submodule("C3").weight.data.zero_()
        last(dead, "C3", channel=0, size=28)
    last(model, target=3, size=28, steps=2)
    assert not different(before, deep_state(model))


def test_a_step_is_one_pass_that_ends_at_the_layer_and_a_picture_one_more():
    model = Sums()
    calls = []
    model.relu.register_forward_hook(lambda *_: calls.append(None))
    maximizer = cw.Maximizer(model, "relu", channel=0, size=8, steps=5)
    calls.clear()
    maximizer.step(5)
    assert len(calls) == 5
    maximizer.picture()
    assert len(calls) == 6


def test_tokens_and_vectors_are_driven_too():
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch, self.block, self.head = nn.Conv2d(3, 5, 4, 4), nn.Linear(5, 6), nn.Linear(6, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.block(self.patch(x).flatten(2).transpose(1, 2)).mean(1))

    model = Tokens().eval()
    found = last(model, "block", channel=4, place=3, steps=2)
    assert found.maps.shape == (1, 4) and found.activation[0] == found.maps[0, 3]
    unit = last(model, "head", channel=1, steps=2)
    with torch.no_grad():
        assert unit.activation.item() == pytest.approx(float(model(unit.images)[0, 1]), abs=1e-6)


def test_a_network_that_mixes_the_images_of_a_batch_gets_one_at_a_time():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)).eval()
    found = last(model, "1", channel=0, count=2, steps=2)
    with torch.no_grad():
        assert torch.allclose(found.maps[1], model(found.images[1:])[0, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"layer": "conv"}, ValueError, "give one of channel, direction and target, not none of them"),
        ({"layer": "conv", "channel": 0, "target": 1}, ValueError, "not channel, target"),
        ({"layer": "conv", "target": 1}, ValueError, "leave layer out"),
        ({"channel": 1}, ValueError, "channel needs a layer"),
        ({"layer": "conf", "channel": 1}, LookupError, "did you mean 'conv'"),
        ({"layer": "conv", "channel": 2}, IndexError, "has the channels 0 to 1, not 2"),
        ({"layer": "conv", "channel": "a"}, TypeError, "channel is a whole number, not 'a'"),
        ({"layer": "conv", "channel": 0, "place": (9, 0)}, IndexError, r"place \(9, 0\) is not in a map of 8 x 8"),
        ({"layer": "conv", "channel": 0, "place": "middle"}, ValueError, "place is None, 'centre'"),
        ({"layer": "conv", "direction": [1.0]}, ValueError, "direction has 1 numbers, and layer 'conv' 2 channels"),
        ({"layer": "conv", "direction": [0.0, 0.0]}, ValueError, "not all of them 0"),
        ({"layer": "conv", "channel": 0, "size": 0}, ValueError, "size is a number of pixels"),
        ({"layer": "conv", "channel": 0, "steps": 0}, ValueError, "steps must be a whole number, 1 or more, not 0"),
        ({"layer": "conv", "channel": 0, "every": 0}, ValueError, "every must be a whole number"),
        ({"layer": "conv", "channel": 0, "scale": 1.0}, ValueError, "scale must be 0 to less than 1"),
        ({"layer": "conv", "channel": 0, "jitter": -1}, ValueError, "jitter must be a number, 0 or more"),
        ({"layer": "conv", "channel": 0, "normalization": ([0.5] * 2, [1.0] * 2)}, ValueError, "is of 2 channels"),
        ({"layer": "conv", "channel": 0, "normalization": ([0.5], [0.2, 0.3])}, ValueError, "normalization is of 2"),
        ({"layer": "conv", "channel": 0, "normalization": (0.5, [0.0] * 3)}, ValueError, "normalization .* std not 0"),
        ({"layer": "conv", "channel": 0, "normalization": 0.5}, TypeError, r"normalization must be \(mean, std\)"),
        ({"layer": "conv", "channel": 0, "start": torch.full((3, 8, 8), math.nan)}, ValueError, "start must be"),
        ({"layer": "conv", "channel": 0, "start": torch.rand(3, 5, 5)}, ValueError, "leave size out"),
    ],
)
def test_what_cannot_be_meant_is_said_before_the_first_step(options, error, words):
    with pytest.raises(error, match=words):
        cw.maximize(Sums(), **{"size": 8} | options)


def test_a_normalization_that_does_not_fit_is_named_beside_images_too():
    with pytest.raises(ValueError, match="normalization is of 2 channels, and the input has 3"):
        cw.maximize(Sums(), "conv", channel=0, dataset=torch.rand(2, 3, 8, 8), normalization=([0.5], [0.2, 0.3]))


def test_a_class_that_is_none_and_a_size_that_the_network_refuses_are_said():
    with pytest.raises(ValueError, match="no target 7; allowed: 0 to 1"):
        last(Sums(), target=7)
    with pytest.raises(cw.compute.core.ForwardError, match="C5"):
        last(cw.models.lenet5(), target=3, size=20)


def test_signals_are_refused_and_a_network_without_a_convolution_asks_for_images():
    with pytest.raises(ValueError, match=r"takes \(N, 3, L\)"):
        cw.maximize(nn.Sequential(nn.Conv1d(3, 2, 3)), "0", channel=0)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with pytest.raises(ValueError, match="no convolution that tells how many channels"):
        cw.maximize(flat, "1", channel=0)
    assert last(flat, "1", channel=0, size=None, dataset=torch.rand(2, 3, 2, 2), steps=1).images.shape == (1, 3, 2, 2)


def test_without_a_size_the_first_that_the_network_takes_is_chosen():
    assert last(cw.models.lenet5(), "C3", channel=0, size=None, steps=1).images.shape == (1, 1, 28, 28)
    assert last(Sums(6), "conv", channel=0, size=None, steps=1).images.shape == (1, 6, 64, 64)
