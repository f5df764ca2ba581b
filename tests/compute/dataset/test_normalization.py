"""A normalisation is what subtracts a mean and divides by a deviation, whatever it is called."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision import transforms as v1
from torchvision.transforms import v2

from cnnwidgets.compute.dataset import Items
from cnnwidgets.compute.dataset.normalization import normalization_of

MEAN, STD = (0.5, 0.25, 0.125), (0.25, 0.5, 1.0)


class Step:
    """Something with a mean and a deviation."""

    mean, std = MEAN, STD

    def __init__(self):
        self.calls = 0

    def centre(self, image, shape=(-1, 1, 1)):
        return (image - torch.tensor(self.mean).reshape(shape)) / torch.tensor(self.std).reshape(shape)


class Own(Step):
    def __call__(self, image):
        self.calls += 1
        return self.centre(image)


class Noise(Step):
    def __call__(self, image):
        return image + torch.randn(image.shape) * self.std[0] + self.mean[0]


class Inverse(Step):
    def __call__(self, image):
        return image * torch.tensor(self.std)[:, None, None] + torch.tensor(self.mean)[:, None, None]


class Keyword(Step):
    """As albumentations: `image=` with the channels last, bytes scaled, a mapping returned."""

    max_pixel_value = 255.0

    def __call__(self, *, image):
        return {"image": self.centre(torch.as_tensor(image) / self.max_pixel_value, (1, 1, -1)).numpy()}


class MinMax(Keyword):
    def __call__(self, *, image):
        return {"image": (image - image.min()) / (image.max() - image.min())}


class Unscaled(Keyword):
    max_pixel_value = 1.0


class Flags(Own):
    """As kornia's augmentations, which keep them in a mapping, and return a batch."""

    mean = std = None

    def __init__(self):
        self.flags = {"mean": torch.tensor(MEAN), "std": torch.tensor(STD)}

    def __call__(self, image):
        return ((image - self.flags["mean"][:, None, None]) / self.flags["std"][:, None, None])[None]


@pytest.mark.parametrize("step", [v1.Normalize(MEAN, STD), v2.Normalize(MEAN, STD), Own(), Keyword(), Unscaled()])
def test_what_normalises_is_found(step):
    assert [tuple(part) for part in normalization_of(step)] == [MEAN, STD]


def test_numbers_for_all_channels_and_those_in_a_mapping_are_found():
    assert normalization_of(v1.Normalize(0.5, 0.25)) == (0.5, 0.25)
    assert [tuple(part.tolist()) for part in normalization_of(Flags())] == [MEAN, STD]


@pytest.mark.parametrize("step", [MinMax(), Noise(), Inverse(), Step(), torch.ones(3), v1.ToTensor()])
def test_what_has_a_mean_and_a_deviation_but_does_something_else_is_none(step):
    assert normalization_of(step) is None


def test_a_step_is_tried_on_a_copy_and_random_numbers_stay():
    step, state = Own(), torch.get_rng_state()
    assert normalization_of(step) is not None and normalization_of(Noise()) is None
    assert step.calls == 0 and torch.equal(torch.get_rng_state(), state)


class Data(list):
    transform = None


def picture_of(step, array):
    data = Data([(torch.from_numpy(step(image=array)["image"]).permute(2, 0, 1).float(), 0)])
    data.transform = step
    items = Items(data)
    return items.picture(items[0].image)


@pytest.mark.parametrize("step", [Keyword(), Unscaled()])
def test_the_picture_is_the_image_whether_bytes_were_scaled_or_not(step):
    array = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    expected = torch.from_numpy(array).permute(2, 0, 1) / 255
    assert torch.allclose(picture_of(step, array), expected, atol=1e-4)


def test_an_image_scaled_by_its_own_range_is_shown_as_it_is():
    array = np.array([[[0, 51, 255]]], dtype=np.uint8)
    assert picture_of(MinMax(), array.astype(np.float32)).flatten().tolist() == pytest.approx([0, 0.2, 1])
