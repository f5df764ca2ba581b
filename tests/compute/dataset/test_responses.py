from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.dataset.items import Items
from cnnwidgets.compute.dataset.responses import item_responses
from cnnwidgets.compute.layers.company import mixes_images
from cnnwidgets.compute.layers.table import layer_table

IMAGES = torch.arange(8.0).reshape(2, 1, 2, 2)  # 0 1 2 3 and 4 5 6 7


@pytest.fixture
def model() -> nn.Sequential:
    """Two maps, x and -2x; then all eight numbers."""
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten())
    model[0].weight.data = torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1)
    return model


def row(model: nn.Module, name: str, images: torch.Tensor = IMAGES):
    return layer_table(model, images[0]).find(name)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [("mean", [[[1.5], [-3]], [[5.5], [-11]]]), ("max", [[[3], [0]], [[7], [-8]]])],
)
def test_a_map_becomes_its_mean_or_its_largest_value(model, pooling, expected):
    assert item_responses(model, Items(IMAGES), [0, 1], row(model, "0"), pooling=pooling).tolist() == expected


def test_without_pooling_all_values_stay_in_the_order_of_the_images_asked_for(model):
    found = item_responses(model, Items(IMAGES), [1, 0], row(model, "0"), pooling="none")
    assert found[0].tolist() == [[4, 5, 6, 7], [-8, -10, -12, -14]]
    assert found[1, 0].tolist() == [0, 1, 2, 3]


def test_a_vector_is_not_pooled(model):
    found = item_responses(model, Items(IMAGES), [0], row(model, "1"))
    assert found[0, :, 0].tolist() == [0, 1, 2, 3, 0, -2, -4, -6]


def test_images_of_one_shape_run_together_and_others_alone(model):
    batches = []
    model.register_forward_pre_hook(lambda module, args: batches.append(tuple(args[0].shape)))
    images = [torch.ones(1, 2, 2)] * 33 + [torch.ones(1, 3, 3)]
    place = row(model, "0")
    assert not mixes_images(model, images[0][None])
    batches.clear()
    assert item_responses(model, Items(images), range(34), place).shape == (34, 2, 1)
    assert batches == [(32, 1, 2, 2), (1, 1, 2, 2), (1, 1, 3, 3)]


def test_images_of_different_sizes_need_pooling(model):
    images = [torch.ones(1, 2, 2), torch.ones(1, 3, 3)]
    with pytest.raises(ValueError, match=r"layer '0' gives 2 x 4 .* and 2 x 9 .*: choose pooling 'mean' or 'max'"):
        item_responses(model, Items(images), [0, 1], row(model, "0"), pooling="none")


def test_prepare_gives_the_arguments_one_item_at_a_time(model):
    items = Items([{"x": IMAGES[0]}, {"x": IMAGES[1]}], prepare=lambda item: item["x"][None])
    assert item_responses(model, items, [1], row(model, "0"))[0].tolist() == [[5.5], [-11]]


def test_tokens_are_pooled_over_the_sequence():
    class Tokens(nn.Module):
        def forward(self, x):
            return x.flatten(2).transpose(1, 2)  # (N, 4, 3): four tokens of three features

    model = nn.Sequential(Tokens(), nn.Linear(3, 3, bias=False))
    model[1].weight.data = torch.eye(3)
    images = torch.arange(12.0).reshape(1, 3, 2, 2)
    found = item_responses(model, Items(images), [0], row(model, "1", images))
    assert found[0, :, 0].tolist() == [1.5, 5.5, 9.5]


def test_another_pooling_is_refused(model):
    with pytest.raises(ValueError, match="pooling is mean, max or none, not 'sum'"):
        item_responses(model, Items(IMAGES), [0], row(model, "0"), pooling="sum")


def test_a_network_that_mixes_images_gives_each_the_vector_that_it_has_alone():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3, track_running_stats=False), nn.Flatten())
    images = torch.rand(5, 1, 4, 4)
    found = item_responses(model, Items(list(images)), range(5), row(model, "1"))
    with torch.no_grad():
        wanted = torch.cat([model[:2](image[None]).mean((2, 3)) for image in images])
    torch.testing.assert_close(found[..., 0], wanted)


def test_everybody_may_ask_for_the_vectors_of_a_layer_for_a_whole_data_set(model):
    told = []

    def progress(done: int, total: int) -> bool:
        told.append((done, total))
        return True

    assert cw.responses(model, IMAGES, "0", progress=progress).tolist() == [[1.5, -3], [5.5, -11]]
    assert told == [(2, 2)]
    assert cw.responses(model, IMAGES, "0", [1], pooling="max", progress=False).tolist() == [[7, -8]]
    assert cw.responses(model, IMAGES, "0", [0], pooling="none", progress=False).shape == (1, 2, 4)
    assert cw.responses(model, IMAGES, "1", progress=False).shape == (2, 8)


def test_vectors_of_a_layer_that_is_not_there_or_of_no_image_are_refused(model):
    with pytest.raises(LookupError, match="'7'"):
        cw.responses(model, IMAGES, "7", progress=False)
    with pytest.raises(ValueError, match="indices is empty"):
        cw.responses(model, IMAGES, "0", [], progress=False)
    with pytest.raises(ValueError, match="pooling is mean, max or none, not 'sum'"):
        cw.responses(model, IMAGES, "0", pooling="sum", progress=False)
    with pytest.raises(IndexError, match="0 to 1"):
        cw.responses(model, IMAGES, "0", [2], progress=False)
