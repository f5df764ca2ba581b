"""Whether a network mixes the images of a batch: by what it does, whatever its layers are called."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnwidgets.compute.layers.company import apart, mixes_images

IMAGE = torch.arange(48.0).reshape(1, 3, 4, 4) / 48


class Gives(nn.Module):
    """A linear layer of the pixels, and what `make` makes of its output."""

    def __init__(self, make, *layers):
        super().__init__()
        torch.manual_seed(0)
        self.before, self.fc, self.make = nn.Sequential(*layers), nn.Linear(48, 4), make

    def forward(self, x):
        return self.make(self.fc(self.before(x).flatten(1)))


def batch_attention(x):
    return (x @ x.T).softmax(1) @ x


MIXING = {
    "batch statistics": lambda: Gives(lambda x: x, nn.BatchNorm2d(3, track_running_stats=False)),
    "batch statistics of vectors": lambda: Gives(nn.BatchNorm1d(4, affine=False, track_running_stats=False)),
    "F.batch_norm": lambda: Gives(lambda x: F.batch_norm(x, None, None, training=True)),
    "attention between rows": lambda: Gives(batch_attention),
    "softmax over the batch": lambda: Gives(lambda x: x.softmax(0)),
    "divided by the largest of all": lambda: Gives(lambda x: x / x.abs().max()),
    "the mean taken off": lambda: Gives(lambda x: x - x.mean(0)),
    "a sum over the batch": lambda: Gives(lambda x: x.sum(0)),
    "a sum over the batch, as one row": lambda: Gives(lambda x: x.sum(0, keepdim=True)),
    "a sum over the batch for each row": lambda: Gives(lambda x: x.sum(0, keepdim=True).expand(len(x), -1)),
    "rows shifted by one": lambda: Gives(lambda x: x + 0.01 * x.roll(1, 0)),
    "in a dict": lambda: Gives(lambda x: {"plain": x, "mixed": x - x.mean(0)}),
    "in the second of a tuple": lambda: Gives(lambda x: (x, x - x.mean(0))),
    "a small effect": lambda: Gives(lambda x: x + 1e-3 * x.mean(0)),
    "only ever one image": lambda: Gives(lambda x: x.reshape(4)),
}

APART = {
    "plain": lambda: Gives(lambda x: x),
    "running statistics": lambda: Gives(lambda x: x, nn.BatchNorm2d(3)).train(),
    "InstanceNorm": lambda: Gives(lambda x: x, nn.InstanceNorm2d(3)),
    "GroupNorm": lambda: Gives(lambda x: x, nn.GroupNorm(3, 3)),
    "noise in training mode": lambda: Gives(nn.Dropout(0.5)).train(),
    "noise in evaluation mode": lambda: Gives(lambda x: x + torch.rand_like(x)),
    "a dict": lambda: Gives(lambda x: {"out": x, "aux": (2 * x, None, "words", 3)}),
    "a list with an entry for each image": lambda: Gives(lambda x: [{"boxes": row} for row in x]),
    "entries of different length": lambda: Gives(lambda x: [{"boxes": row[row > row.mean()]} for row in x]),
    "sequence first": lambda: Gives(lambda x: x.T[..., None]),
    "two rows for each image": lambda: Gives(lambda x: torch.stack([x, -x], 1).flatten(0, 1)),
    "the images and then all of them mirrored": lambda: Gives(lambda x: torch.cat([x, -x])),
    "nothing of the image": lambda: Gives(lambda x: torch.ones(1, 3)),
    "NaN": lambda: Gives(lambda x: x * float("nan")),
    "the class alone": lambda: Gives(lambda x: x.argmax(1)),
    "half precision": lambda: Gives(lambda x: x).bfloat16(),
    "complex": lambda: Gives(lambda x: torch.complex(x, x)),
}


@pytest.mark.parametrize("name", MIXING)
def test_what_mixes_images_is_found(name):
    assert mixes_images(MIXING[name](), IMAGE)


@pytest.mark.parametrize("name", APART)
def test_what_keeps_images_apart_is_found(name):
    assert not mixes_images(APART[name](), IMAGE)


@pytest.mark.parametrize(
    "image", [torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), -7.0), torch.zeros_like(IMAGE).byte()]
)
def test_an_image_of_one_colour_tells_as_much(image):
    assert mixes_images(MIXING["batch statistics"](), image)
    assert not mixes_images(APART["plain"](), image)


def test_it_is_found_out_once_and_again_where_the_network_is_another(counted):
    model = Gives(lambda x: x, nn.BatchNorm2d(3))
    calls = counted(model)
    assert [mixes_images(model, IMAGE) for _ in range(3)] == [False] * 3
    assert calls[""] == 2
    model.before[0] = nn.BatchNorm2d(3, track_running_stats=False)
    assert mixes_images(model, IMAGE)
    model = Gives(lambda x: x, nn.BatchNorm2d(3))
    assert not mixes_images(model, IMAGE)
    model.before[0].running_mean = model.before[0].running_var = None
    assert mixes_images(model, IMAGE)


def test_the_arguments_may_be_prepared():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(48, 2)

        def forward(self, x, *, mean):
            return self.fc(x.flatten(1)) - mean

    model = Two()
    assert not mixes_images(model, IMAGE, prepare=lambda x: {"x": x, "mean": x.mean((1, 2, 3))[:, None]})


def test_nothing_is_changed(watched):
    model = Gives(nn.Dropout(0.5), nn.BatchNorm2d(3)).train()
    image, before = IMAGE.clone(), watched(model)
    mixes_images(model, image)
    assert watched(model) == before and torch.equal(image, IMAGE)


def test_images_are_batched_as_the_network_keeps_them_apart():
    images = IMAGE * torch.arange(1.0, 6)[:, None, None, None]
    for make, at_once, sizes in (
        (APART["plain"], None, [5]),
        (APART["plain"], 2, [2, 2, 1]),
        (MIXING["batch statistics"], None, [1] * 5),
        (MIXING["batch statistics"], 2, [1] * 5),
    ):
        parts = apart(make(), images, at_once)
        assert [len(part) for part in parts] == sizes and torch.equal(torch.cat([*parts]), images)


def test_a_single_image_and_none_at_all_are_batches_without_a_pass():
    model, passes = MIXING["batch statistics"](), []
    model.register_forward_hook(lambda *_: passes.append(1))
    assert [len(part) for part in apart(model, IMAGE)] == [1] and passes == []
    assert [len(part) for part in apart(model, IMAGE[:0])] == [0] and passes == []


def test_an_image_that_does_not_fit_tells_nothing_of_the_network():
    model = APART["plain"]()
    assert not mixes_images(model, IMAGE[:, :1]) and not mixes_images(model, IMAGE)
    model = MIXING["only ever one image"]()
    assert not mixes_images(model, IMAGE[:, :1]) and mixes_images(model, IMAGE)
