from __future__ import annotations

import warnings

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from cnnwidgets.compute.layers.table import layer_table
from cnnwidgets.compute.receptive_field.effective import effective_receptive_field
from cnnwidgets.compute.receptive_field.fields import Box
from cnnwidgets.compute.receptive_field.theoretical import fields_of, receptive_field, receptive_fields
from cnnwidgets.models import lenet5


def image(height: int = 16, width: int | None = None, channels: int = 1) -> Tensor:
    return torch.rand(1, channels, height, width or height)


def conv(size: int = 3, **options) -> nn.Conv2d:
    """A convolution of one channel in which every weight counts."""
    layer = nn.Conv2d(1, 1, size, bias=False, **options)
    nn.init.constant_(layer.weight, 1.0)
    return layer


def numbers(field) -> tuple:
    return field.size, field.stride, field.start


class Net(nn.Module):
    """A network whose forward is a function."""

    def __init__(self, forward, **modules: nn.Module) -> None:
        super().__init__()
        self.function = forward
        for name, module in modules.items():
            self.add_module(name, module)
        if not modules:
            self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


# ---------------------------------------------------------------------- worked out by hand


def test_two_stacked_3x3_convolutions_see_3_and_then_5_pixels():
    model = nn.Sequential(conv(), conv())
    assert numbers(receptive_field(model, image(), "0")) == (3, 1, 0)
    assert numbers(receptive_field(model, image(), "1")) == (5, 1, 0)


def test_padding_moves_the_start_out_of_the_image():
    model = nn.Sequential(conv(padding=1), conv(padding=1))
    assert numbers(receptive_field(model, image(), "1")) == (5, 1, -2)


def test_a_stride_is_a_stride_for_all_that_follows():
    # rows 2k-1 .. 2k+1, then positions k-1 .. k+1 of these: 2k-3 .. 2k+3
    model = nn.Sequential(conv(stride=2, padding=1), conv(padding=1))
    assert numbers(receptive_field(model, image(), "0")) == (3, 2, -1)
    assert numbers(receptive_field(model, image(), "1")) == (7, 2, -3)


def test_dilation_widens_the_field():
    assert numbers(receptive_field(conv(3, dilation=4), image(), "(output)")) == (9, 1, 0)


def test_height_and_width_may_differ():
    model = nn.Conv2d(1, 1, (5, 3), stride=(2, 1), padding=(0, 1))
    assert numbers(receptive_field(model, image(), "(output)")) == ((5, 3), (2, 1), (0, -1))


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.MaxPool2d(2, ceil_mode=True)])
def test_pooling_widens_the_field_by_the_window_and_doubles_the_stride(pool):
    model = nn.Sequential(conv(), pool, conv())
    assert numbers(receptive_field(model, image(17), "1")) == (4, 2, 0)
    assert numbers(receptive_field(model, image(17), "2")) == (8, 2, 0)


def test_ceil_mode_lets_the_last_window_reach_over_the_border():
    field = receptive_field(nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), conv(1)), image(5), "0")
    assert field.grid == (3, 3)
    assert field.box(2, 0) == Box(4, 0, 5, 2)
    assert field.box(2, 0, clip=False) == Box(4, 0, 6, 2)


def test_adaptive_pooling_has_fields_of_different_sizes():
    field = receptive_field(nn.Sequential(conv(1), nn.AdaptiveAvgPool2d(3)), image(7), "1")
    assert [field.box(row, 0)[::2] for row in range(3)] == [(0, 3), (2, 5), (4, 7)]  # floor(7k/3) .. ceil(7(k+1)/3)
    field = receptive_field(nn.Sequential(conv(1), nn.AdaptiveAvgPool2d(4)), image(6), "1")
    assert [field.box(0, column)[1::2] for column in range(4)] == [(0, 2), (1, 3), (3, 5), (4, 6)]


def test_a_larger_kernel_decides_where_branches_meet():
    model = Net(lambda net, x: net.a(x) + net.b(x), a=conv(7, padding=3), b=conv(1))
    assert numbers(receptive_field(model, image(), "a")) == (7, 1, -3)
    assert numbers(receptive_field(model, image(), "(output)")) == (7, 1, -3)


def test_branches_that_are_set_off_against_each_other_give_the_box_around_both():
    # rows k-2 .. k and k .. k+2
    model = Net(lambda net, x: net.a(F.pad(x, (2, 0, 2, 0))) + net.b(F.pad(x, (0, 2, 0, 2))), a=conv(), b=conv())
    assert numbers(receptive_field(model, image(), "a")) == (3, 1, -2)
    assert numbers(receptive_field(model, image(), "b")) == (3, 1, 0)
    assert numbers(receptive_field(model, image(), "add")) == (5, 1, -2)


def test_channels_of_joined_branches_keep_fields_of_their_own():
    model = Net(lambda net, x: torch.cat([net.a(x), net.b(x)], 1), a=conv(1), b=conv(5, padding=2))
    field = receptive_field(model, image(), "cat")
    assert field.size == 5
    assert field.box(8, 8, channel=0) == Box(8, 8, 9, 9)
    assert field.box(8, 8, channel=1) == Box(6, 6, 11, 11)


def test_groups_keep_channels_apart_and_other_convolutions_bring_them_together():
    modules = {"a": conv(1), "b": conv(5, padding=2), "c": nn.Conv2d(2, 4, 1, groups=2), "d": nn.Conv2d(4, 4, 1)}
    model = Net(lambda net, x: net.d(net.c(torch.cat([net.a(x), net.b(x)], 1))), **modules)
    field = receptive_field(model, image(), "c")
    assert [field.box(8, 8, channel=channel).top for channel in range(4)] == [8, 8, 6, 6]
    assert receptive_field(model, image(), "d").box(8, 8, channel=0).top == 6


def test_a_skip_connection_leaves_the_field_to_the_longer_way():
    model = Net(lambda net, x: x + F.relu(net.b(F.relu(net.a(x)))), a=conv(padding=1), b=conv(padding=1))
    assert numbers(receptive_field(model, image(), "add")) == (5, 1, -2)
    assert numbers(receptive_field(model, image(), "relu")) == (3, 1, -1)


def test_each_call_of_a_module_has_a_field_of_its_own():
    model = Net(lambda net, x: net.c(net.c(net.c(x))), c=conv(padding=1))
    assert [receptive_field(model, image(), f"c:{call}").size for call in (1, 2, 3)] == [3, 5, 7]


def test_a_transposed_convolution_sees_what_its_sources_see():
    # output o is made from the inputs i with 2i <= o <= 2i + 2: even ones from two, odd ones from one
    model = nn.Sequential(conv(1), nn.ConvTranspose2d(1, 1, 3, stride=2))
    field = receptive_field(model, image(8), "1")
    assert [field.box(row, 0)[::2] for row in range(5)] == [(0, 1), (0, 1), (0, 2), (1, 2), (1, 3)]
    assert (field.size, field.stride) == (2, 0.5)
    assert field.note == "fields differ: 1 to 2 px"


def test_nearest_upsampling_repeats_fields_and_halves_the_stride():
    model = nn.Sequential(conv(2, stride=2), nn.Upsample(scale_factor=2), conv(3, padding=1))
    field = receptive_field(model, image(8), "1")
    assert [field.box(row, 0)[::2] for row in range(4)] == [(0, 2), (0, 2), (2, 4), (2, 4)]
    assert (field.size, field.stride) == (2, 1)
    # rows 1 .. 3 and 2 .. 4 of that; before the first lies another pair that begins at -2
    assert [receptive_field(model, image(8), "2").box(row, 0, clip=False)[::2] for row in (0, 2, 3)] == [
        (-2, 2),
        (0, 4),
        (2, 6),
    ]


def test_bilinear_upsampling_sees_the_two_pixels_that_it_mixes():
    model = nn.Sequential(conv(1), nn.Upsample(scale_factor=2, mode="bilinear"))
    field = receptive_field(model, image(4), "1")
    assert [field.box(row, 0)[::2] for row in range(8)] == [
        (0, 1),
        (0, 2),
        (0, 2),
        (1, 3),
        (1, 3),
        (2, 4),
        (2, 4),
        (3, 4),
    ]


def test_slicing_pixel_shuffling_and_flipping_move_fields_along():
    def forward(net, x):
        x = net.a(x)[:, :, ::2, ::2]
        return net.c(net.b(x).flip(3))

    model = Net(forward, a=conv(1), b=conv(1), c=conv(1))
    assert numbers(receptive_field(model, image(8), "b")) == (1, 2, 0)
    field = receptive_field(model, image(8), "c")
    assert [field.box(0, column)[1::2] for column in range(4)] == [(6, 7), (4, 5), (2, 3), (0, 1)]
    shuffled = nn.Sequential(nn.Conv2d(1, 4, 2, stride=2), nn.PixelShuffle(2))
    assert numbers(receptive_field(shuffled, image(8), "1")) == (2, 1, 0)


def test_values_written_into_a_part_of_a_tensor_bring_their_fields_with_them():
    def forward(net, x):
        x, canvas = net.a(x), torch.zeros(1, 1, 10, 8)
        canvas[:, :, 2:] = x
        canvas[:, :, 9:].mul_(2).add_(x[:, :, :1])
        return net.b(canvas)

    field = receptive_field(Net(forward, a=conv(1), b=conv(1)), image(8), "b")
    assert field.box(0, 0) == Box(0, 0, 0, 0)  # nothing
    assert field.box(4, 3) == Box(2, 3, 3, 4)
    assert field.box(9, 3) == Box(0, 3, 8, 4)  # rows 7 and 0


def test_a_circular_convolution_sees_across_the_border():
    field = receptive_field(nn.Sequential(conv(3, padding=1, padding_mode="circular")), image(8), "0")
    assert field.box(4, 4) == Box(3, 3, 6, 6)
    assert field.box(0, 4) == Box(0, 3, 8, 6)  # rows 7, 0 and 1


def test_reflected_padding_sees_what_it_mirrors():
    field = receptive_field(nn.Sequential(conv(5, padding=2, padding_mode="reflect")), image(8), "0")
    assert field.box(0, 0) == Box(0, 0, 3, 3)
    assert field.box(7, 4) == Box(5, 2, 8, 7)


# ---------------------------------------------------------------------- what one asks a field


def test_the_box_is_cut_at_the_border_and_what_is_cut_off_is_told():
    field = receptive_field(nn.Sequential(conv(7, stride=2, padding=3)), image(16, 24), "0")
    assert field.grid == (8, 12)
    assert field.box(0, 0, clip=False) == Box(-3, -3, 4, 4)
    assert field.box(0, 0) == Box(0, 0, 4, 4)
    assert field.cut_off(0, 0) == Box(3, 3, 0, 0)
    assert field.cut_off(7, 11) == Box(0, 0, 2, 2)  # rows 11 .. 17 of 16, columns 19 .. 25 of 24
    assert field.cut_off(3, 4) == Box(0, 0, 0, 0)


def test_the_centre_is_the_middle_pixel():
    assert receptive_field(nn.Sequential(conv(7, padding=3)), image(), "0").centre(2, 5) == (2, 5)
    assert receptive_field(nn.Sequential(conv(2, stride=2)), image(), "0").centre(1, 0) == (2.5, 0.5)


def test_the_unit_at_a_pixel_is_the_one_whose_centre_is_nearest():
    field = receptive_field(nn.Sequential(conv(3, stride=4)), image(16, 24), "0")  # centres 1, 5, 9, 13 ...
    assert [field.unit_at(row, 0)[0] for row in (0, 2, 4, 6, 15)] == [0, 0, 1, 1, 3]
    assert field.unit_at(9.4, 20) == (2, 5)


def test_fields_do_not_depend_on_the_size_of_the_image():
    model = nn.Sequential(conv(7, stride=2, padding=3), nn.MaxPool2d(3, 2, padding=1), conv(padding=1))
    expected = [(7, 2, -3), (11, 4, -5), (19, 4, -9)]
    for size in (4, 5, 16, 40):
        assert [numbers(field) for field in receptive_fields(model, image(size))][:3] == expected


def test_units_and_channels_that_do_not_exist_are_refused():
    field = receptive_field(nn.Sequential(conv()), image(8), "0")
    with pytest.raises(IndexError, match="row 6 is out of range: layer '0' has 6, 0 to 5"):
        field.box(6, 0)
    with pytest.raises(IndexError, match="column -1 is out of range"):
        field.box(0, -1)
    with pytest.raises(IndexError, match="channel 1 is out of range: layer '0' has 1"):
        field.centre(0, 0, channel=1)


def test_layers_that_do_not_exist_or_never_ran_are_refused():
    model = Net(lambda net, x: net.used(x), used=conv(), unused=conv())
    with pytest.raises(LookupError, match="no layer 'usd'; did you mean 'used'"):
        receptive_field(model, image(), "usd")
    with pytest.raises(LookupError, match="was not seen to run"):
        receptive_field(model, image(), "unused")


# ---------------------------------------------------------------------- everything, and nothing


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.AdaptiveAvgPool2d(1), "mean over all positions"),
        (nn.AdaptiveMaxPool2d(1), "pooling over all positions"),
        (nn.Sequential(nn.Flatten(), nn.Linear(36, 2)), "a linear layer over all positions"),
        (nn.GroupNorm(1, 1), "normalisation over all positions"),
        (Net(lambda net, x: x.softmax(2).softmax(3)), "softmax over all positions"),
        (Net(lambda net, x: torch.linalg.matrix_exp(x)), "linalg_matrix_exp, which may mix all positions"),
    ],
)
def test_layers_that_see_the_whole_image_say_so(layer, reason):
    field = receptive_field(nn.Sequential(conv(), layer), image(8), "1")
    assert (field.everything, field.reason) == (True, reason)
    assert numbers(field) == (8, 0, 0)
    assert field.box(0, 0) == field.box(0, 0, clip=False) == Box(0, 0, 8, 8)


def test_attention_makes_every_token_see_everything():
    class Transformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(1, 8, 4, stride=4)
            self.norm = nn.LayerNorm(8)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.linear = nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.patches(x).flatten(2).transpose(1, 2))
            return self.linear(x + self.attention(x, x, x, need_weights=False)[0])

    fields = receptive_fields(Transformer(), image(16, 24))
    assert (fields["norm"].grid, numbers(fields["norm"]), fields["norm"].everything) == ((4, 6), (4, 4, 0), False)
    assert fields["norm"].box(1, 5) == Box(4, 20, 8, 24)
    assert (fields["linear"].everything, fields["linear"].reason) == (True, "attention over all positions")
    assert numbers(fields["linear"]) == ((16, 24), 0, 0)


def test_pooling_over_all_positions_is_the_reason_where_channels_saw_different_boxes_too():
    model = Net(
        lambda net, x: net.fc(torch.cat([net.a(x), net.b(x)], 1).mean((2, 3))),
        a=conv(1),
        b=conv(5, padding=2),
        fc=nn.Linear(2, 1),
    )
    fields = receptive_fields(model, image(8))
    assert {fields[name].reason for name in ("mean", "fc")} == {"mean over all positions"}


def test_attention_written_out_gives_its_reason():
    def forward(net, x):
        tokens = net.a(x).flatten(2).transpose(1, 2)
        return net.b((tokens @ tokens.transpose(1, 2)).softmax(-1) @ tokens)

    fields = receptive_fields(Net(forward, a=nn.Conv2d(1, 3, 4, stride=4), b=nn.Linear(3, 3)), image(8))
    assert fields["b"].reason in ("softmax over all positions", "attention over all positions")
    assert numbers(fields["b"]) == (8, 0, 0)


def test_the_numbers_of_a_flattened_map_keep_their_boxes():
    field = receptive_fields(nn.Sequential(nn.MaxPool2d(2), nn.Flatten()), image(4))["1"]
    assert (field.size, field.stride, field.everything) == (2, 0, False)
    assert field.box(0, 0, channel=2) == Box(2, 0, 4, 2)
    assert field.box(0, 0) == Box(0, 0, 4, 4)


def test_squeeze_and_excitation_makes_what_follows_see_everything():
    model = Net(lambda net, x: net.b(net.a(x) * net.a(x).mean((2, 3), keepdim=True)), a=conv(), b=conv())
    fields = receptive_fields(model, image())
    assert [fields[name].everything for name in ("a:1", "mean", "mul", "b")] == [False, True, True, True]
    assert fields["b"].reason == "mean over all positions"


def test_softmax_over_channels_leaves_fields_as_they_are():
    assert numbers(receptive_field(nn.Sequential(conv(), nn.Softmax2d()), image(), "1")) == (3, 1, 0)


def test_a_field_larger_than_the_image_is_told_with_its_size():
    field = receptive_fields(lenet5(), image(28))["C5"]
    assert numbers(field) == (32, 4, -2)
    assert (field.everything, field.reason) == (True, "its field of 32 px covers the image")


def test_what_does_not_come_from_the_image_sees_nothing():
    model = Net(lambda net, x: net.a(x) + net.b(torch.ones(1, 1, 8, 8)), a=conv(1), b=conv(1))
    field = receptive_field(model, image(8), "b")
    assert (field.note, field.everything, field.box(2, 2)) == ("does not depend on the image", False, Box(0, 0, 0, 0))


# ---------------------------------------------------------------------- published sizes


def test_alexnet_has_the_published_field():
    from torchvision.models import alexnet

    fields = receptive_fields(nn.Sequential(alexnet(weights=None).features), image(64, channels=3))
    assert numbers(fields["0.10"])[:2] == (163, 16)
    sizes = [fields[f"0.{k}"].size for k in (0, 2, 3, 5, 6, 8, 10, 12)]
    assert sizes == [11, 19, 51, 67, 99, 131, 163, 195]


def test_vgg16_has_the_published_field():
    from torchvision.models.vgg import cfgs, make_layers

    model = make_layers(cfgs["D"])
    assert numbers(receptive_field(model, image(32, channels=3), "28")) == (196, 16, -90)


def test_resnet50_has_the_published_fields_whichever_convolution_strides():
    from torchvision.models import resnet50

    model = resnet50(weights=None)
    assert numbers(receptive_field(model, image(32, channels=3), "layer4")) == (427, 32, -213)
    for block in (model.layer2[0], model.layer3[0], model.layer4[0]):
        block.conv1.stride, block.conv2.stride = (2, 2), (1, 1)
    assert numbers(receptive_field(model, image(32, channels=3), "layer4"))[:2] == (483, 32)


def test_inception_has_the_published_field():
    from torchvision.models import inception_v3

    field = receptive_field(inception_v3(weights=None, init_weights=False), image(75, channels=3), "Mixed_7c")
    assert (field.size, field.stride) == (1311, 32)


def test_mobilenet_has_the_published_field():
    from torchvision.models import mobilenet_v2

    assert numbers(receptive_field(mobilenet_v2(weights=None), image(32, channels=3), "features.18"))[:2] == (491, 32)


def test_a_layer_in_densenets_last_block_sees_64_pixels_more_than_the_one_before():
    from torchvision.models import densenet121

    model, picture = densenet121(weights=None).features, image(32, channels=3)
    table = layer_table(model, picture, operations=False)
    fields = fields_of(model, picture, [table.find(f"denseblock4.denselayer{k}") for k in range(1, 17)])
    assert [field.size for field in fields] == [fields[0].size + 64 * k for k in range(16)]


# ---------------------------------------------------------------------- any model


def test_a_model_that_cannot_be_traced_has_fields_too():
    def forward(net, x):
        return net.b(x) if x.mean() > 0 else net.a(x)

    model = Net(forward, a=conv(), b=conv(5))
    fields = receptive_fields(model, image())
    assert [field.layer for field in fields] == ["b", "(output)"] or [field.layer for field in fields] == ["b"]
    assert fields["b"].size == 5


def test_torchscript_has_fields_too():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = torch.jit.script(nn.Sequential(conv(), nn.ReLU(), conv()))
    fields = receptive_fields(model, image())
    assert [fields[name].size for name in ("0", "relu", "2")] == [3, 3, 5]


def test_prepared_arguments_hold_the_image():
    model = Net(lambda net, x: net.a(x["pixels"]), a=conv())
    field = receptive_field(model, [1, 2], "a", prepare=lambda item: ({"pixels": torch.ones(1, 1, 6, 9)},))
    assert (field.image, field.grid, field.size) == ((6, 9), (4, 7), 3)
    with pytest.raises(TypeError, match="needs an image tensor"):
        receptive_field(nn.Sequential(nn.Linear(4, 4)), [1], "0", prepare=lambda item: torch.ones(2, 4))


def test_the_model_is_as_it_was(watched, hooks_on):
    model = nn.Sequential(
        conv(), nn.BatchNorm2d(1), nn.ReLU(inplace=True), nn.Dropout(), nn.Flatten(), nn.Linear(36, 2)
    )
    model.train()
    picture, wrong = image(8), image(9)
    before, pixels = watched(model), picture.clone()
    receptive_fields(model, picture)
    effective_receptive_field(model, picture, "2")
    with pytest.raises(Exception, match="refused"):
        receptive_fields(model, wrong)
    assert watched(model) == before
    assert hooks_on(model) == {}
    assert torch.equal(picture, pixels) and not picture.requires_grad


def test_the_table_lists_all_layers_in_the_order_they_run():
    fields = receptive_fields(nn.Sequential(conv(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(9, 1)), image(8))
    assert [(f.layer, f.size, f.stride) for f in fields] == [("0", 3, 1), ("1", 4, 2), ("2", 4, 0), ("3", 8, 0)]
    assert "<td>a linear layer over all positions</td>" in fields._repr_html_()
    assert repr(fields).splitlines()[2].split() == ["1", "3", "x", "3", "4", "2", "0"]
    assert len(fields.to_records()) == 4
    with pytest.raises(LookupError, match="no layer '7'"):
        fields["7"]


# ---------------------------------------------------------------------- the effective field


def test_the_effective_field_is_the_absolute_gradient():
    layer = conv()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 1, 0], [2, -3, 0], [0, 0, 4]]))
    found = effective_receptive_field(nn.Sequential(layer), image(5), "0", unit=(1, 2))
    expected = torch.zeros(5, 5)
    expected[1:4, 2:5] = torch.tensor([[0.0, 1, 0], [2, 3, 0], [0, 0, 4]])
    assert torch.equal(found, expected)


def test_channels_are_added_before_the_absolute_value_and_those_of_the_image_after():
    layer = nn.Conv2d(2, 2, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2], [3, -7]])[:, :, None, None])
    model = nn.Sequential(layer)
    pixel = {
        channel: float(effective_receptive_field(model, image(1, channels=2), "0", channel=channel))
        for channel in (None, 0, 1)
    }
    assert pixel == {None: 4 + 5, 0: 1 + 2, 1: 3 + 7}


def test_the_middle_unit_is_the_default():
    found = effective_receptive_field(nn.Sequential(conv(1)), image(5, 4), "0")
    assert found.nonzero().tolist() == [[2, 2]]


def test_an_in_place_relu_behind_a_layer_does_not_change_its_field():
    layer = conv(1)
    with torch.no_grad():
        layer.weight.fill_(-2)
    model = nn.Sequential(layer, nn.ReLU(inplace=True))
    assert effective_receptive_field(model, image(3), "0").sum() == 2
    assert effective_receptive_field(model, image(3), "1").sum() == 0


def test_a_model_that_writes_to_its_input_has_a_field_too():
    assert effective_receptive_field(Net(lambda net, x: net.a(x.mul_(3)), a=conv(1)), image(3), "a").sum() == 3


def test_the_effective_field_of_several_images_is_the_mean():
    model = nn.Sequential(conv(1), nn.ReLU())
    images = torch.tensor([1.0, -1, 1, 1]).reshape(4, 1, 1, 1)
    assert float(effective_receptive_field(model, images, "1")) == 0.75


def test_the_effective_field_of_images_that_the_network_mixes_is_the_mean_of_those_that_are_alone():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2, track_running_stats=False), nn.Tanh())
    images = torch.rand(3, 1, 4, 4) * torch.tensor([1, 4, 16])[:, None, None, None]
    wanted = []
    for image in images:
        pixels = image[None].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(pixels)[0, 1, 0, 2], pixels)
        wanted.append(gradient[0, 0].abs())
    found = effective_receptive_field(model, images, "2", unit=(0, 2), channel=1)
    torch.testing.assert_close(found, torch.stack(wanted).mean(0))


def test_operations_vectors_and_tokens_have_effective_fields():
    model = Net(lambda net, x: F.relu(net.a(x) + 1).flatten(2).transpose(1, 2), a=conv(2, stride=2))
    assert effective_receptive_field(model, image(8), "relu", unit=(1, 1)).nonzero().tolist() == [
        [2, 2],
        [2, 3],
        [3, 2],
        [3, 3],
    ]
    tokens = effective_receptive_field(model, image(8), "transpose", unit=(3, 0))
    assert tokens.nonzero().tolist() == [[6, 0], [6, 1], [7, 0], [7, 1]]
    linear = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False))
    with torch.no_grad():
        linear[1].weight.copy_(torch.arange(12.0).reshape(3, 4))
    assert effective_receptive_field(linear, image(2), "1", channel=2).tolist() == [[8, 9], [10, 11]]


def test_gradients_the_user_had_are_left_alone():
    model = nn.Sequential(conv())
    model[0].weight.grad = torch.full_like(model[0].weight, 7)
    model[0].weight.requires_grad_(False)
    with torch.no_grad():
        assert effective_receptive_field(model, image(3), "0").sum() == 9
    assert model[0].weight.grad.unique().tolist() == [7]
    assert not model[0].weight.requires_grad


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"unit": (3, 0)}, "row 3 is out of range: layer '0' has 3, 0 to 2"),
        ({"unit": (0, 5)}, "column 5"),
        ({"channel": 1}, "channel 1"),
    ],
)
def test_units_that_do_not_exist_have_no_effective_field(options, words):
    with pytest.raises(IndexError, match=words):
        effective_receptive_field(nn.Sequential(conv()), image(5), "0", **options)


def test_a_layer_cut_off_from_the_image_has_no_effective_field():
    model = Net(lambda net, x: net.b(net.a(x).detach()), a=conv(), b=conv())
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(ValueError, match="layer 'b' has no gradient with respect to the image"):
        effective_receptive_field(model, image(), "b")


# ---------------------------------------------------------------------- any small network


class Part(nn.Module):
    """A random piece of a network, from a description."""

    def __init__(self, kind: str, size: int, stride: int, padding: int, dilation: int, parts: list) -> None:
        super().__init__()
        self.kind = kind
        options = {"stride": stride, "padding": padding, "dilation": dilation}
        self.layers = nn.ModuleList(Part(*part) for part in parts)
        if kind == "conv":
            self.layer = nn.Conv2d(2, 2, size, **options)
        elif kind == "grouped":
            self.layer = nn.Conv2d(2, 2, size, groups=2, **options)
        elif kind == "transposed":
            self.layer = nn.ConvTranspose2d(2, 2, size, stride=stride, padding=min(padding, (size - 1) * dilation // 2))
        elif kind == "max":
            self.layer = nn.MaxPool2d(size, stride, min(padding, size // 2), ceil_mode=bool(dilation % 2))
        elif kind == "mean":
            self.layer = nn.AvgPool2d(size, stride, min(padding, size // 2), ceil_mode=bool(dilation % 2))
        elif kind == "adaptive":
            self.layer = nn.AdaptiveAvgPool2d(size + padding)
        elif kind == "up":
            self.layer = nn.Upsample(scale_factor=1 + stride, mode=["nearest", "bilinear", "bicubic"][size % 3])

    def forward(self, x: Tensor) -> Tensor:
        if self.kind in ("sum", "join"):
            ends = [part(x) for part in self.layers]
            height, width = (min(end.shape[axis] for end in ends) for axis in (2, 3))
            ends = [end[..., :height, :width] for end in ends]
            return sum(ends[1:], ends[0]) if self.kind == "sum" else torch.stack(ends, 2).flatten(1, 2)[:, ::2][:, :2]
        return torch.sin(self.layer(x))  # bends, and every pixel goes on counting


def parts(depth: int) -> st.SearchStrategy:
    kinds = ["conv", "conv", "conv", "grouped", "transposed", "max", "mean", "adaptive", "up"]
    numbers = (st.integers(1, 4), st.integers(1, 2), st.integers(0, 2), st.integers(1, 2))
    plain = st.tuples(st.sampled_from(kinds), *numbers, st.just([]))
    if not depth:
        return plain
    branches = st.lists(parts(depth - 1), min_size=2, max_size=3)
    return st.one_of(plain, st.tuples(st.sampled_from(["sum", "join"]), *numbers, branches))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(parts(2), min_size=1, max_size=4), st.integers(9, 17), st.integers(9, 17), st.randoms())
def test_the_box_holds_every_pixel_with_a_gradient(network, height, width, chance):
    torch.manual_seed(0)
    model = nn.Sequential(*(Part(*part) for part in network)).double()
    picture = torch.rand(1, 2, height, width, dtype=torch.float64, requires_grad=True)
    try:
        with torch.no_grad():
            model(picture)
    except RuntimeError:
        return  # shrunk to nothing
    last = str(len(network) - 1)
    field = receptive_field(model, picture.detach(), last)
    output = model(picture)
    assert field.grid == output.shape[-2:]
    for _ in range(6):
        row, column, channel = (chance.randrange(count) for count in (*field.grid, 2))
        (gradient,) = torch.autograd.grad(output[0, channel, row, column], picture, retain_graph=True)
        seen = gradient[0].abs().sum(0) > 0
        for box in (field.box(row, column), field.box(row, column, channel=channel)):
            inside = seen[box.top : box.bottom, box.left : box.right]
            assert inside.sum() == seen.sum()


class Pair(nn.Module):
    """One convolution for two images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 1)

    def forward(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return self.last(self.conv(one) - self.conv(other))


def test_a_layer_that_sees_the_second_image_only_has_no_field_on_the_first():
    pair = (torch.rand(1, 1, 6, 6), torch.rand(1, 1, 6, 6))
    fields = {
        layer: receptive_field(Pair(), pair, layer, prepare=lambda given: given)
        for layer in ("conv:1", "conv:2", "last")
    }
    assert {layer: tuple(field.box(1, 1)) for layer, field in fields.items()} == {
        "conv:1": (1, 1, 4, 4),
        "conv:2": (0, 0, 0, 0),
        "last": (1, 1, 4, 4),
    }
    assert [field.note for field in fields.values()] == ["", "does not depend on image 1 of 2", ""]
    strength = effective_receptive_field(Pair(), pair, "conv:2", prepare=lambda given: given)
    assert strength.shape == (6, 6) and not strength.any()


@pytest.mark.parametrize(
    ("take", "how"),
    [
        (lambda x: x.max().item(), ".item()"),
        (lambda x: float(x.max()), "float()"),
        (lambda x: max(x.flatten().tolist()), ".tolist()"),
        (lambda x: torch.from_numpy(x.numpy()).max(), ".numpy()"),
    ],
)
def test_numbers_that_forward_takes_out_of_torch_are_noted_in_what_comes_behind(take, how):
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before, self.behind = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.before(x)
            return self.behind(x / take(x))

    image = torch.rand(1, 8, 8)
    assert receptive_field(Scaled(), image, "before").note == ""
    behind = receptive_field(Scaled(), image, "behind")
    assert behind.size == 5
    assert behind.note == f"{how} takes numbers out of torch before it, whose pixels are not counted"
