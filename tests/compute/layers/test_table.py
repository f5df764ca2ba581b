"""layer_table(): what a model has, in the order it runs, with shapes, parameters and multiply-accumulates."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from cnnwidgets.compute.core.captured import UNSEEN
from cnnwidgets.compute.core.forward import ForwardError
from cnnwidgets.compute.layers.activations import activations
from cnnwidgets.compute.layers.maps import drawable, one_image
from cnnwidgets.compute.layers.table import describe_module, layer_table
from cnnwidgets.models import lenet5

# name, form, parameters, multiply-accumulates: outputs x inputs that each one sums over
LENET = [
    ("C1", "6 @ 28x28", 6 * (25 + 1), 6 * 28 * 28 * 25),
    ("func1", "6 @ 28x28", 0, None),
    ("S2", "6 @ 14x14", 0, None),
    ("C3", "16 @ 10x10", 16 * (150 + 1), 16 * 10 * 10 * 150),
    ("func2", "16 @ 10x10", 0, None),
    ("S4", "16 @ 5x5", 0, None),
    ("C5", "120 @ 1x1", 120 * (400 + 1), 120 * 400),
    ("flatten", "120", 0, None),
    ("F6", "84", 84 * (120 + 1), 84 * 120),
    ("func3", "84", 0, None),
    ("OUTPUT", "10", 10 * (84 + 1), 10 * 84),
]


class Part(nn.Module):
    """Gives what `build` makes of its input."""

    def __init__(self, build):
        super().__init__()
        self.build = build

    def forward(self, x):
        return self.build(x)


def pixels_as_tokens(images):
    """(N, C, H, W) as (N, H x W, C), as vision transformers do with patches."""
    return images.flatten(2).transpose(1, 2)


def drawn(model, images, layer, **options):
    """The maps of `layer` for the first image, by the row of the table."""
    row = layer_table(model, images).find(layer)
    return drawable(one_image(activations(model, images, layer), row), row, **options)


@pytest.mark.parametrize("images", [torch.zeros(1, 28, 28), torch.zeros(1, 1, 28, 28), torch.zeros(5, 1, 28, 28)])
def test_the_eleven_layers_of_lenet_have_the_numbers_worked_out_by_hand(images):
    table = layer_table(lenet5(), images)
    assert [(row.name, row.form, row.parameters, row.macs) for row in table] == LENET
    assert {(row.ran, row.leaf, row.call, row.batch_axis, row.planes) for row in table} == {(True, True, 1, 0, 1)}


def test_the_table_of_the_modules_costs_one_pass(counted):
    model = lenet5()
    calls = counted(model)
    layer_table(model, torch.zeros(1, 28, 28), operations=False)
    assert calls == dict.fromkeys(["", *(name for name, *_ in LENET)], 1)


def test_strides_groups_and_dilation_change_the_count_as_they_change_the_sum():
    model = nn.Sequential(
        nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2, bias=False),  # 8 @ 4x4, each of 2 x 3 x 3
        nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8),  # 8 @ 4x4, each of 1 x 3 x 3
    )
    table = layer_table(model, torch.zeros(4, 8, 8))
    assert [(row.form, row.parameters, row.macs) for row in table] == [
        ("8 @ 4x4", 8 * 18, 8 * 16 * 18),
        ("8 @ 4x4", 8 * (9 + 1), 8 * 16 * 9),
    ]


def test_a_linear_layer_counts_every_token_and_every_window():
    model = nn.Sequential()
    model.patches = Part(pixels_as_tokens)
    model.tokens = nn.Linear(2, 3)  # 24 tokens
    model.windows = Part(lambda x: x.reshape(6, 4, 3))
    model.each = nn.Linear(3, 5)  # 6 windows of 4 tokens
    model.mean = Part(lambda x: x.mean((0, 1))[None])
    table = layer_table(model, torch.zeros(2, 4, 6))
    assert (table["tokens"].form, table["tokens"].macs) == ("24 tokens x 3", 24 * 3 * 2)
    assert (table["each"].form, table["each"].planes, table["each"].macs) == ("4 tokens x 5", 6, 6 * 4 * 5 * 3)


def test_modules_that_never_ran_come_last():
    model = lenet5()
    model.aux = nn.Sequential(nn.Linear(10, 3))
    model.forward = lambda images: nn.Sequential.forward(model[:-1], images)
    table = layer_table(model, torch.zeros(1, 28, 28))
    assert [row.name for row in table if row.ran] == [name for name, *_ in LENET]
    assert table.names[-2:] == ["aux", "aux.0"]
    assert [(row.call, row.form, row.parameters, row.reason) for row in table[-2:]] == [
        (0, "-", 33, UNSEEN),
        (0, "-", 33, UNSEEN),
    ]
    assert "aux" not in table.showable.names


def test_lists_of_modules_have_no_forward_and_are_no_layers():
    class Lists(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts, self.named = nn.ModuleList([nn.ReLU()]), nn.ModuleDict({"a": nn.Tanh(), "spare": nn.Tanh()})

        def forward(self, x):
            return self.named["a"](self.parts[0](x))

    table = layer_table(Lists(), torch.zeros(1, 2, 2), operations=False)
    assert [(row.name, row.ran) for row in table] == [("parts.0", True), ("named.a", True), ("named.spare", False)]


def test_a_layer_norm_over_whole_maps_moves_no_axis():
    model = nn.Sequential(nn.Conv2d(1, 3, 1), nn.LayerNorm([3, 4, 5]), nn.ReLU())
    table = layer_table(model, torch.rand(1, 4, 5))
    assert [(row.layout, row.channels, row.size) for row in table] == [("first", 3, (4, 5))] * 3
    assert layer_table(nn.Sequential(nn.LayerNorm([1, 6, 6])), torch.rand(1, 6, 6))["0"].form == "1 @ 6x6"


class Mixer(nn.Module):
    """As many channels as positions: 9 of each, of which no size tells which is which."""

    def __init__(self, over: str):
        super().__init__()
        self.patches, self.mix, self.act, self.over = nn.Conv2d(1, 9, 2, 2), nn.Linear(9, 9), nn.GELU(), over

    def forward(self, x):
        x = self.patches(x).flatten(2)
        return self.act(self.mix(x if self.over == "tokens" else x.transpose(1, 2)))


@pytest.mark.parametrize(("over", "layout"), [("tokens", "first"), ("channels", "last")])
def test_a_linear_layer_over_tokens_leaves_the_channels_where_they_are(over, layout):
    table = layer_table(Mixer(over), torch.rand(1, 6, 6))
    assert [(row.name, row.layout) for row in table] == [
        ("patches", "first"),
        ("flatten", "first"),
        *([("transpose", "last")] if over == "channels" else []),
        ("mix", layout),
        ("act", layout),
        *([] if table[-1].name == "act" else [("(output)", layout)]),
    ]
    assert all(row.axes_known for row in table)


def test_a_layer_norm_over_the_width_of_spectrograms_leaves_the_channels_first():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.LayerNorm(9), nn.ReLU(), nn.Conv2d(2, 3, 3))
    table = layer_table(model, torch.rand(1, 12, 11))
    assert [row.form for row in table] == ["2 @ 10x9", "2 @ 10x9", "2 @ 10x9", "3 @ 8x7"]


def test_the_axes_are_followed_once_for_all_images_of_one_size_and_never_where_sizes_tell(counted):
    model, plain_one = Mixer("tokens"), nn.Sequential(nn.Conv2d(1, 2, 3), nn.LayerNorm(9), nn.ReLU())
    calls = counted(model)
    layer_table(model, torch.rand(1, 6, 6), operations=False)
    assert calls["mix"] == 2
    layer_table(model, torch.rand(1, 6, 6), operations=False)
    assert calls["mix"] == 3
    calls = counted(plain_one)
    layer_table(plain_one, torch.rand(1, 12, 11), operations=False)
    assert calls["1"] == 1


def test_where_nothing_tells_the_axes_they_are_taken_in_their_order_and_the_table_says_so():
    model = nn.Sequential(Part(lambda x: torch.from_numpy(x.numpy()[0, 0][None, :2, :5].copy())), nn.Identity())
    row = layer_table(model, torch.rand(1, 6, 6), operations=False)["0"]
    assert (row.layout, row.axes_known) == ("first", False)
    assert row.note == "which axis is the channels is not known: the first one is taken"


def test_each_call_and_each_part_is_a_row():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu, self.split = nn.ReLU(), Part(lambda x: (x[:, :1] + 0, None))

        def forward(self, x):
            return self.relu(self.split(self.relu(x))[0])

    table = layer_table(Both(), torch.zeros(2, 3, 3), operations=False)
    assert [(row.name, row.module, row.call, row.form) for row in table] == [
        ("relu:1", "relu", 1, "2 @ 3x3"),
        ("split.0", "split", 1, "1 @ 3x3"),
        ("split.1", "split", 1, "-"),
        ("relu:2", "relu", 2, "1 @ 3x3"),
    ]
    assert (table["split.1"].kind, table["split.1"].reason) == ("other", "gives None")


def test_a_container_that_hands_on_its_last_childs_output_says_so():
    model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 1), nn.Dropout()), nn.Flatten())
    table = layer_table(model, torch.zeros(1, 2, 2))
    assert [(row.name, row.repeats, row.leaf) for row in table] == [
        ("0.0", False, True),
        ("0.1", True, True),
        ("0", True, False),
        ("1", False, True),
    ]
    assert list(table.to_frame()["note"]) == ["", "same as the entry before", "same as the entry before", ""]


def test_resnet_lists_both_calls_of_each_relu():
    model = torchvision.models.resnet18(weights=None)
    table = layer_table(model, torch.zeros(3, 32, 32), operations=False)
    assert len([row for row in table if row.leaf]) == 52 + 8
    assert (table["conv1"].form, table["conv1"].macs) == ("64 @ 16x16", 64 * 16 * 16 * 3 * 49)
    assert table["layer1.0.relu:2"].call == 2
    with pytest.raises(LookupError, match=r"several entries; choose one of layer1\.0\.relu:1, layer1\.0\.relu:2$"):
        table["layer1.0.relu"]


def test_channels_last_are_recognised_behind_a_layer_norm_as_in_swin():
    model = nn.Sequential(Part(lambda x: x.permute(0, 2, 3, 1)), nn.LayerNorm(3), nn.GELU(), nn.Flatten(1))
    images = torch.arange(3 * 2 * 4.0).reshape(1, 3, 2, 4) ** 2
    table = layer_table(model, images)
    assert [(table[name].layout, table[name].form) for name in "12"] == [("last", "3 @ 2x4")] * 2
    by_hand = nn.functional.layer_norm(images.permute(0, 2, 3, 1), (3,))[0, :, :, 2]
    assert torch.equal(drawn(model, images, "1")[2], by_hand)


def test_tokens_of_a_vision_transformer_are_drawn_as_a_grid_without_the_class_token():
    model = nn.Sequential(Part(pixels_as_tokens), nn.Linear(1, 2))
    nn.init.ones_(model[1].weight), nn.init.zeros_(model[1].bias)
    images = torch.arange(197.0).reshape(1, 1, 1, 197)
    row = layer_table(model, images)["1"]
    assert (row.kind, row.form, row.channels, row.size) == ("tokens", "197 tokens x 2", 2, (197,))
    maps = drawn(model, images, "1")
    assert maps.shape == (2, 14, 14)
    assert (maps[0, 0, 0], maps[0, 0, 13], maps[1, 13, 13]) == (1, 14, 196)


def test_a_volume_is_paged_through_plane_by_plane():
    model = nn.Sequential(nn.MaxPool3d((1, 1, 2)), nn.Flatten())
    images = torch.arange(3 * 2 * 2.0).reshape(1, 1, 3, 2, 2)
    row = layer_table(model, images)["0"]
    assert (row.kind, row.form, row.planes) == ("volume", "1 @ 3x2x1", 3)
    slices = [drawn(model, images, "0", plane=plane) for plane in range(3)]
    assert [maps.tolist() for maps in slices] == [[[[1], [3]]], [[[5], [7]]], [[[9], [11]]]]


def test_a_stack_of_windows_is_paged_through_window_by_window():
    model = nn.Sequential(Part(lambda x: x.reshape(3, 1, 2, 2)), nn.Flatten())
    images = torch.arange(12.0).reshape(1, 1, 3, 4)
    row = layer_table(model, images, operations=False)["0"]
    assert (row.batch_axis, row.kind, row.form, row.planes) == (None, "maps", "1 @ 2x2", 3)
    assert drawn(model, images, "0", plane=2).tolist() == [[[8, 9], [10, 11]]]


def test_a_sequence_with_the_batch_second_is_told_from_its_sizes():
    model = nn.Sequential(Part(lambda x: pixels_as_tokens(x).transpose(0, 1)), nn.Linear(1, 1))
    images = torch.arange(2 * 3.0).reshape(2, 1, 1, 3)
    row = layer_table(model, images, operations=False)["0"]
    assert (row.batch_axis, row.shape) == (1, (3, 1))
    assert one_image(activations(model, images, "0"), row, 1).flatten().tolist() == [3, 4, 5]


class Places(nn.Module):
    """Adds an embedding of the places, which no image changes, and standardises its weights in the open."""

    def __init__(self):
        super().__init__()
        self.places, self.mix = nn.Parameter(torch.rand(1, 4, 6)), nn.Linear(6, 6)
        self.conv = nn.Conv2d(1, 1, 1)

    def forward(self, x):
        scaled = self.conv.weight / 2
        tokens = functional.conv2d(x, scaled).flatten(2).transpose(1, 2).expand(-1, -1, 6)
        return tokens + self.mix(self.places)


def test_what_does_not_depend_on_the_image_is_known_by_the_graph():
    table = layer_table(Places(), torch.rand(1, 2, 2))
    assert {row.name: row.depends for row in table if row.ran} == {
        **dict.fromkeys(["truediv", "mix"], False),
        **dict.fromkeys(["conv2d", "flatten", "transpose", "expand", "add", "(output)"], True),
    }
    assert all(row.depends for row in layer_table(lenet5(), torch.zeros(1, 28, 28)))


def test_the_axis_of_the_batch_is_the_one_that_grows_with_it():
    class States(nn.Module):
        def __init__(self):
            super().__init__()
            self.places, self.lstm = Part(lambda x: torch.ones(1, 5, 2)), nn.LSTM(3, 4, batch_first=True)

        def forward(self, x):
            self.places(x)
            return self.lstm(x[:, 0])[0]

    model, images = States(), torch.rand(3, 1, 2, 3)
    table = layer_table(model, images[:1], operations=False)
    hidden, places = table["lstm.1.0"], table["places"]
    assert (hidden.batch_axis, hidden.shape) == (0, (1, 4))  # a single image does not tell it from the layers
    found = activations(model, images, ["lstm.1.0", "places"])
    with torch.no_grad():
        _, (states, _) = model.lstm(images[:, 0])
    for number in range(3):
        assert torch.equal(one_image(found["lstm.1.0"], hidden, number, of=3), states[:, number])
        assert one_image(found["places"], places, number, of=3).tolist() == [[1, 1]] * 5
    with pytest.raises(LookupError, match="layer 'places' gives 2 x 5 x 2 numbers for 3 images: none for each"):
        one_image(torch.ones(2, 5, 2), places, 1, of=3)


def test_an_unknown_layer_is_answered_with_the_nearest():
    with pytest.raises(LookupError, match="no layer 'c3'; did you mean 'C3'"):
        layer_table(lenet5(), torch.zeros(1, 28, 28))["c3"]


def test_a_model_that_refuses_the_image_says_which_layer_did():
    with pytest.raises(ForwardError, match=r"layer 'C1' \(Conv2d\) refused its input: got 1 x 3 x 28 x 28"):
        layer_table(lenet5(), torch.zeros(3, 28, 28))


def test_a_class_name_from_the_model_stays_text():
    evil = "<img src=x onerror=alert(1)>"
    model = nn.Sequential(type(evil, (nn.ReLU,), {})(), nn.Linear(1, 1))
    table = layer_table(model, torch.zeros(1, 1))
    assert table["0"].type == evil
    assert evil not in table._repr_html_()
    assert "&lt;img src=x onerror=alert(1)&gt;" in table._repr_html_()


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (nn.Conv2d(6, 16, 5), "Conv2d(6, 16, 5×5)"),
        (nn.Conv1d(1, 2, 3), "Conv1d(1, 2, 3)"),
        (nn.ConvTranspose2d(4, 2, (2, 3)), "ConvTranspose2d(4, 2, 2×3)"),
        (nn.Linear(120, 84), "Linear(120, 84)"),
        (nn.ReLU(), "ReLU"),
    ],
)
def test_a_module_is_described_in_a_few_characters(part, words):
    assert describe_module(part) == words
