"""The numbers of a scan, worked out by hand or by a plain loop."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import cnnwidgets as cw
from cnnwidgets.compute.scan import measuring


def network() -> nn.Sequential:
    """Two maps x and -2x of a 1 x 2 image, then a ReLU, then the sum of all."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4, 1, bias=False)
    )
    model[0].weight.data = torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1)
    model[3].weight.data = torch.ones(1, 4)
    return model


IMAGES = [  # (1, 1, 2) each
    (torch.tensor([[[1.0, -1.0]]]), 0),
    (torch.tensor([[[3.0, 2.0]]]), 0),
    (torch.tensor([[[0.0, 3.0]]]), 1),
    (torch.tensor([[[-4.0, 0.0]]]), 1),
]


def quiet(model, dataset, *args, **options):
    return cw.scan(model, dataset, *args, **{"progress": False, **options})


def test_the_numbers_of_a_channel_are_those_worked_out_by_hand():
    layer = quiet(network(), IMAGES, k=3)["0"]
    # channel 0 holds 1 -1 3 2 0 3 -4 0
    assert layer.count.tolist() == [8, 8] and layer.images.tolist() == [4, 4]
    assert layer.mean.tolist() == [0.5, -1.0]
    assert layer.std.tolist() == pytest.approx([(40 / 8 - 0.25) ** 0.5, 2 * (40 / 8 - 0.25) ** 0.5])
    assert (layer.minimum.tolist(), layer.maximum.tolist()) == ([-4, -6], [3, 8])
    assert layer.zeros.tolist() == [2 / 8, 2 / 8]
    assert layer.fires.tolist() == [3 / 4, 2 / 4]
    assert layer.dead.tolist() == [False, False]


def test_the_strongest_places_say_where_and_equal_ones_go_to_the_lower_index():
    found = quiet(network(), IMAGES, k=3)
    assert found["0"].strongest(0) == [(3, 1, 0, 0), (3, 2, 0, 1), (1, 0, 0, 0)]
    assert found["0"].strongest(1) == [(8, 3, 0, 0), (2, 0, 0, 1), (0, 2, 0, 0)]
    assert found["3"].strongest(0) == [(8, 3, 0, 0), (5, 1, 0, 0), (3, 0, 0, 0)]


def test_an_in_place_relu_behind_a_layer_does_not_change_what_is_said_of_it():
    found = quiet(network(), IMAGES)
    assert (found["0"].minimum[0], found["1"].minimum[0]) == (-4, 0)
    assert found["1"].zeros.tolist() == [4 / 8, 6 / 8]


def test_nor_does_one_behind_a_layer_of_units():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False), nn.ReLU(inplace=True))
    model[1].weight.data = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    found = quiet(model, IMAGES)  # the left pixels: 1, 3, 0, -4
    assert (found["1"].minimum.tolist(), found["2"].minimum.tolist()) == ([-4, -3], [0, 0])
    assert (found["1"].mean.tolist(), found["2"].mean.tolist()) == ([0, 0], [1, 1])


def test_several_places_of_one_image_are_kept_if_they_are_asked_for():
    places = quiet(network(), IMAGES, ["0"], k=3, per_image=2)["0"].strongest(0)
    assert places == [(3, 1, 0, 0), (3, 2, 0, 1), (2, 1, 0, 1)]


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("mean", [(2.5, 1), (1.5, 2), (0, 0)]), ("norm", [(4, 3), (13**0.5, 1), (3, 2)])],
)
def test_images_are_ranked_by_the_statistic_that_is_chosen(statistic, expected):
    places = quiet(network(), IMAGES, ["0"], k=3, statistic=statistic)["0"].strongest(0)
    assert [place.value for place in places] == pytest.approx([value for value, _ in expected])
    assert [place.image for place in places] == [image for _, image in expected]


def test_classes_have_their_means_and_how_well_a_channel_tells_them_apart():
    layer = quiet(network(), IMAGES, ["0"])["0"]
    # largest values of channel 0: 1 and 3 for class 0, 3 and 0 for class 1
    assert layer.class_images.tolist() == [[2, 2], [2, 2]]
    assert layer.class_mean[:, 0].tolist() == [2, 1.5]
    assert layer.class_std[:, 0].tolist() == [1, 1.5]
    assert layer.selectivity[:, 0].tolist() == pytest.approx([0.5 / 3.5, -0.5 / 3.5])
    apart = 0.5 / ((1 + 2.25) / 2) ** 0.5
    assert layer.d_prime[:, 0].tolist() == pytest.approx([apart, -apart])
    area = 0.5 * (1 + float(torch.erf(torch.tensor(apart / 2))))  # the normal distribution at apart / sqrt(2)
    assert layer.roc_area[:, 0].tolist() == pytest.approx([area, 1 - area])


def test_the_histogram_counts_images_between_edges_a_quarter_beyond_the_range_of_the_first():
    layer = quiet(network(), IMAGES, ["0"], bins=6)["0"]
    # largest values 1 3 3 0: edges from -0.75 to 3.75 in steps of 0.75
    assert layer.edges[0].tolist() == pytest.approx([-0.75, 0, 0.75, 1.5, 2.25, 3, 3.75])
    assert layer.histogram[0].tolist() == [0, 1, 1, 0, 0, 2]


def test_what_lies_beyond_the_first_images_counts_in_the_outermost_bins():
    images = [torch.full((1, 1, 1), float(value)) for value in [*range(32), 900, -900]]
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    model[0].weight.data = torch.ones(1, 1, 1, 1)
    layer = quiet(model, images, ["0"], bins=4, seed=None)["0"]
    assert layer.edges[0].tolist() == pytest.approx([-7.75, 3.875, 15.5, 27.125, 38.75])
    assert layer.histogram[0].tolist() == [5, 12, 12, 5]


def photos(count: int, seed: int = 0) -> list[tuple[torch.Tensor, int]]:
    made = torch.Generator().manual_seed(seed)
    sizes = [(12, 12), (12, 16), (9, 12)]
    return [(torch.randn(3, *sizes[at % 3], generator=made), at % 5) for at in range(count)]


def deep() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@pytest.mark.parametrize(("batch_size", "seed"), [(1, 0), (7, 3), (64, None)])
@pytest.mark.parametrize("statistic", ["maximum", "mean", "norm"])
def test_a_scan_agrees_with_a_plain_loop_for_any_batch_size_and_order(batch_size, seed, statistic):
    model, images = deep(), photos(50)
    found = quiet(model, images, ["0", "2", "5"], k=6, batch_size=batch_size, seed=seed, statistic=statistic)
    model.eval()
    for name, depth in {"0": 1, "2": 3, "5": 6}.items():
        with torch.no_grad():
            outputs = [model[:depth](image[None])[0].double() for image, _ in images]
        maps = [output.reshape(len(output), -1) for output in outputs]
        ranks = {
            "maximum": lambda one: one.amax(1),
            "mean": lambda one: one.mean(1),
            "norm": lambda one: one.square().sum(1).sqrt(),
        }[statistic]
        ranked = torch.stack([ranks(one) for one in maps])
        every, layer = torch.cat(maps, 1), found[name]
        torch.testing.assert_close(layer.mean, every.mean(1), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(layer.std, every.std(1, correction=0), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(layer.zeros, (every == 0).double().mean(1), rtol=0, atol=1e-9)
        torch.testing.assert_close(layer.maximum, every.amax(1), rtol=1e-5, atol=1e-6)
        values, indices = ranked.sort(dim=0, descending=True, stable=True)
        torch.testing.assert_close(layer.values.double(), values[:6].T, rtol=1e-5, atol=1e-6)
        assert torch.equal(layer.indices, indices[:6].T)
        for number in range(5):
            torch.testing.assert_close(layer.class_mean[number], ranked[number::5].mean(0), rtol=1e-5, atol=1e-6)
        for channel in range(layer.channels):
            _, image, row, column = layer.strongest(channel)[0]
            with torch.no_grad():
                whole = model[:depth](images[image][0][None])[0][channel]
            if whole.ndim:
                assert whole[row, column] == pytest.approx(float(whole.max()), abs=1e-5)


def test_a_spread_that_is_tiny_beside_the_mean_is_not_lost_in_the_rounding():
    images = [1000 + torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(at)) for at in range(4)]
    model = nn.Sequential(nn.Identity(), nn.Conv2d(1, 1, 1))
    layer = quiet(model, images, ["0"])["0"]
    every = torch.stack(images).double()
    assert float(layer.std) == pytest.approx(float(every.std(correction=0)), rel=1e-6)
    assert float(layer.mean) == pytest.approx(float(every.mean()), rel=1e-7)


@pytest.mark.parametrize("statistic", ["maximum", "mean", "norm"])
def test_large_numbers_whose_squares_overflow_still_count(statistic):
    images = torch.tensor([1.0, 3.0]).mul(1e30).reshape(1, 1, 1, 2)
    model = nn.Sequential(nn.Identity(), nn.Conv2d(1, 1, 1))
    layer = quiet(model, images, ["0"], statistic=statistic)["0"]
    assert (layer.nonfinite.tolist(), layer.images.tolist()) == ([0], [1])
    assert (float(layer.mean), float(layer.std)) == (pytest.approx(2e30), pytest.approx(1e30))
    expected = {"maximum": 3e30, "mean": 2e30, "norm": 10**0.5 * 1e30}[statistic]
    assert float(layer.values[0, 0]) == pytest.approx(expected)


def test_a_token_is_a_column_and_its_features_are_the_channels():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.mix = nn.Conv2d(1, 3, 2, stride=2), nn.LayerNorm(3)

        def forward(self, images):
            return self.mix(self.embed(images).flatten(2).transpose(1, 2)).mean(1)

    torch.manual_seed(0)
    model, images = Tokens(), torch.randn(6, 1, 4, 6)
    layer = quiet(model, images, ["mix"], k=1)["mix"]
    tokens = cw.activations(model, images, "mix")  # (6, 6 tokens, 3 features)
    assert layer.kind == "tokens" and layer.channels == 3
    for channel in range(3):
        ((value, image, row, column),) = layer.strongest(channel)
        assert value == pytest.approx(float(tokens[..., channel].max()))
        assert (row, float(tokens[image, column, channel])) == (0, pytest.approx(value))


def test_an_operation_without_a_module_is_scanned_if_it_is_named():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Conv2d(1, 1, 1, bias=False)

        def forward(self, images):
            return (self.one(images) + images).flatten(1)

    model = Sum()
    model.one.weight.data = torch.full((1, 1, 1, 1), 2.0)
    found = quiet(model, IMAGES, ["add", "one"])
    assert list(found) == ["one", "add"]
    assert found["add"].mean.tolist() == [1.5]


def test_a_layer_that_runs_for_some_images_counts_only_those():
    class Sometimes(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Conv2d(1, 1, 1), nn.Identity()

        def forward(self, images):
            found = self.first(images)
            return self.second(found) if images.max() > 2 else found

    found = quiet(Sometimes(), IMAGES, ["first", "second"], batch_size=1)
    assert (found["first"].images.tolist(), found["second"].images.tolist()) == ([4], [2])


def test_a_network_that_mixes_images_is_given_one_at_a_time():
    class Centred(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.same = nn.Conv2d(1, 1, 1, bias=False), nn.Identity()

        def forward(self, images):
            return self.same(self.conv(images) - images.mean(0))

    model = Centred()
    model.conv.weight.data = torch.ones(1, 1, 1, 1)
    assert quiet(model, IMAGES, ["same"])["same"].maximum.tolist() == [0]


def test_labels_that_are_no_single_class_are_left_out_of_the_classes_only():
    labels = [0, torch.tensor([0.5, 0.5]), {"boxes": torch.zeros(1, 4), "labels": torch.tensor([1])}, 10**9]
    layer = quiet(network(), [(image, label) for (image, _), label in zip(IMAGES, labels, strict=True)], ["0"])["0"]
    assert layer.images.tolist() == [4, 4]
    assert layer.class_images.tolist() == [[1, 1]]


def test_more_places_than_images_leave_the_others_empty():
    layer = quiet(network(), torch.stack([image for image, _ in IMAGES]), ["0"], k=9)["0"]
    assert len(layer.strongest(0)) == 4
    assert layer.indices[0].tolist()[4:] == [-1] * 5
    assert layer.class_images.shape == (0, 2)


def test_a_random_transform_gives_an_image_the_same_numbers_in_any_order_and_leaves_the_random_state():
    class Noisy(list):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            return image + torch.rand(1) + random.random() + np.random.rand(), label

    model = network()
    torch.manual_seed(5)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    one = quiet(model, Noisy(IMAGES), ["0"], batch_size=1)["0"]
    after = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    assert torch.equal(before[0], after[0]) and before[1:] == after[1:]
    torch.rand(3)
    other = quiet(network(), Noisy(IMAGES), ["0"], batch_size=4)["0"]
    torch.testing.assert_close(one.mean, other.mean)
    assert not torch.allclose(one.mean, quiet(network(), IMAGES, ["0"])["0"].mean)


def test_a_scan_leaves_the_model_as_it_was():
    from cnnwidgets.testing import deep_state, different

    model = deep().train()
    before = deep_state(model)
    quiet(model, photos(9))
    assert different(before, deep_state(model)) == []


def test_the_frame_has_a_row_for_each_channel():
    found = quiet(network(), IMAGES, ["0", "3"], k=1)
    frame = found.to_frame()
    assert frame[["layer", "channel"]].values.tolist() == [["0", 0], ["0", 1], ["3", 0]]
    assert frame["value"].tolist() == [3, 8, 8]
    assert frame["image"].tolist() == [1, 3, 3]
    assert frame["class"].tolist() == [0, 1, 1]
    assert frame["roc_area"][0] == pytest.approx(float(found["0"].roc_area[0, 0]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k": 0}, "k must be a whole number, 1 or more, not 0"),
        ({"statistic": "median"}, "statistic is maximum, mean or norm, not 'median'"),
        ({"on_error": "ignore"}, "on_error is raise or skip, not 'ignore'"),
        ({"per_image": 2, "statistic": "mean"}, "per_image=2 needs statistic='maximum'"),
        ({"part": (3, 3)}, "of 3 parts there are those from 0 to 2"),
        ({"layers": []}, "layers is empty"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(options, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        quiet(network(), IMAGES, **options)


def test_a_layer_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(LookupError, match="'conv_9'"):
        quiet(network(), IMAGES, ["conv_9"])
    with pytest.raises(LookupError, match="layer '7' was not scanned"):
        quiet(network(), IMAGES, ["0"])["7"]


def test_an_iterable_data_set_is_refused_in_words():
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(IMAGES)

    with pytest.raises(TypeError, match="one after the other"):
        quiet(network(), Stream())


def test_a_plain_hook_agrees_for_the_digits():
    model, data = cw.models.lenet5(pretrained=True), cw.data.digits()
    data = torch.utils.data.Subset(data, range(100))
    layer = quiet(model, data, "C3", k=5)["C3"]
    maps = functional.relu(cw.activations(model, torch.stack([image for image, _ in data]), "C3")).flatten(2)
    best = maps.amax(2).topk(5, dim=0)
    assert torch.equal(best.indices.T[maps.amax((0, 2)) > 0], layer.indices[maps.amax((0, 2)) > 0])


@pytest.mark.parametrize("at_once", [measuring.CACHED, 1])
def test_zeros_are_counted_in_batches_of_any_size_and_not_in_images_that_are_left_out(at_once, monkeypatch):
    monkeypatch.setattr(measuring, "CACHED", at_once)

    class Odd(nn.Module):
        def forward(self, images):
            return torch.cat([images, 0 / images], 1)  # NaN where a pixel is 0

    images = torch.ones(600, 1, 1, 3)
    images[:, :, :, 0] = 0
    images[::2, :, :, 1] = 0
    layer = quiet(nn.Sequential(Odd()), images, ["0"], batch_size=600)["0"]
    assert layer["zeros"].tolist() == [600 + 300, 0] and layer.nonfinite.tolist() == [0, 600]
    images[5:7] = 2
    layer = quiet(nn.Sequential(Odd()), images, ["0"], batch_size=600)["0"]
    assert layer["zeros"].tolist() == [598 + 299, 2 * 3] and layer.nonfinite.tolist() == [0, 598]


@pytest.mark.parametrize("places", [63, 64])
def test_extremes_are_those_of_narrow_and_of_wide_maps(places):
    images = torch.randn(9, 2, 1, places, generator=torch.Generator().manual_seed(0))
    layer = quiet(nn.Sequential(nn.Identity(), nn.Conv2d(2, 1, 1)), images, ["0"], k=3)["0"]
    assert layer.minimum.tolist() == images.amin((0, 2, 3)).tolist()
    assert torch.equal(layer.values, images.amax((2, 3)).topk(3, 0).values.T)


def test_a_layer_that_runs_for_some_batches_of_a_scan_of_several_layers_keeps_its_own_numbers():
    class Sometimes(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Identity(), nn.Identity()

        def forward(self, images):
            found = self.first(images)
            return self.second(found) if images.max() > 2 else found

    found = quiet(Sometimes(), IMAGES, ["first", "second"], batch_size=1, k=4)["second"]
    assert (found.count.tolist(), found.zeros.tolist(), found.nonfinite.tolist()) == ([4], [1 / 4], [0])
    assert (found.mean.tolist(), found.minimum.tolist(), found.maximum.tolist()) == ([2.0], [0.0], [3.0])
    assert [(place.value, place.image) for place in found.strongest(0)] == [(3, 1), (3, 2)]
    assert found.class_images.tolist() == [[1], [1]] and int(found.histogram.sum()) == 2
