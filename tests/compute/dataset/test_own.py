"""An own image becomes what the data set would have made of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import Subset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from cnnwidgets.compute.dataset import Items, canvas
from cnnwidgets.compute.pictures import OwnImage, adopt

GREY = np.array([[0, 51], [102, 255]], np.uint8)


def owned(items: Items, given) -> torch.Tensor:
    image = items[adopt(OwnImage.of(given))].image
    assert image is not None
    return image


class Numbered:
    """Pictures of one colour, with a transform."""

    def __init__(self, transform, size=(2, 2), mode="L"):
        self.transform, self.size, self.mode = transform, size, mode

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.transform(Image.new(self.mode, self.size)), 0


TENSOR = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]


def test_without_a_transform_it_has_the_values_of_the_data_set():
    floats, whole = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2, dtype=torch.uint8)
    assert owned(Items(floats), GREY).tolist() == [[[0, pytest.approx(0.2)], [pytest.approx(0.4), 1]]]
    assert owned(Items(whole), GREY).tolist() == [GREY.tolist()]
    assert owned(Items(255 * torch.eye(2)[None, None]), GREY).tolist() == [GREY.tolist()]


def test_a_normalisation_that_was_given_is_made():
    items = Items(torch.tensor([[[[-1.0, 1.0], [0.0, 1.0]]]]), denormalize=((0.5,), (0.5,)))
    assert owned(items, GREY).flatten().tolist() == pytest.approx([-1, -0.6, -0.2, 1])


def test_where_nothing_tells_the_normalisation_that_is_said():
    item = Items(torch.tensor([[[[-1.0, 3.0], [0.0, 1.0]]]]))[adopt(OwnImage.of(GREY))]
    assert item.image.flatten().tolist() == pytest.approx([-1, -0.2, 0.6, 3])
    assert item.notes == ("black and white as the lowest and highest value of image 0",)


def test_the_transform_of_the_data_set_is_made():
    items = Items(Numbered(v2.Compose([*TENSOR, v2.Normalize([0.5], [0.5])])))
    assert owned(items, GREY).flatten().tolist() == pytest.approx([-1, -0.6, -0.2, 1])


def test_a_picture_in_colour_is_grey_for_a_network_of_grey_ones_and_the_other_way_round():
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    assert owned(Items(torch.zeros(1, 1, 2, 2)), red)[0, 0, 0] == pytest.approx(76 / 255)
    assert owned(Items(torch.zeros(1, 3, 2, 2)), GREY)[:, 0, 1].tolist() == pytest.approx([0.2] * 3)


def test_the_transform_that_resizes_gets_the_picture_as_it_is(tmp_path):
    (tmp_path / "ant").mkdir()
    Image.new("RGB", (9, 6)).save(tmp_path / "ant" / "one.png")
    transform = v2.Compose([v2.Resize(4), v2.CenterCrop(4), *TENSOR])
    items = Items(Subset(ImageFolder(tmp_path, transform), [0]))
    item = items[adopt(OwnImage.of(Image.new("L", (30, 20), 255)))]
    assert item.image.shape == (3, 4, 4)
    assert item.notes == ("made of 30 × 20 px",)


def test_a_picture_is_resized_before_a_transform_that_does_not():
    items = Items(Numbered(v2.Compose(TENSOR), size=(4, 4)))
    item = items[adopt(OwnImage.of(Image.new("L", (8, 4), 255)))]
    assert item.image.tolist() == [[[1.0] * 4] * 4]
    assert item.notes == ("resized and cut from 8 × 4 px",)


def test_what_the_transform_adds_to_each_side_is_taken_off_before():
    items = Items(Numbered(v2.Compose([v2.Pad(2), *TENSOR]), size=(4, 4)))
    image = owned(items, Image.new("L", (16, 16), 255))
    assert image.shape == (1, 8, 8)
    assert int(image.sum()) == 16
    assert canvas(items) == (4, 4, 1)


def test_a_transform_of_tensors_gets_a_tensor():
    class Held(Numbered):
        def __getitem__(self, index):
            return self.transform(torch.zeros(1, 2, 2)), 0

    items = Items(Held(lambda image: image.mul(2) if isinstance(image, torch.Tensor) else 1 / 0))
    assert owned(items, GREY).flatten().tolist() == pytest.approx([0, 0.4, 0.8, 2])


def test_a_transform_that_refuses_the_picture_is_named():
    def refuses(picture):
        if picture.size == (2, 2):
            return torch.zeros(1, 2, 2)
        raise RuntimeError("too large")

    with pytest.raises(ValueError, match=r"transform refuses the picture: function raises RuntimeError \(too large\)"):
        owned(Items(Numbered(refuses)), Image.new("L", (3, 3)))


def test_a_tensor_is_taken_as_it_is():
    items = Items(Numbered(v2.Compose([*TENSOR, v2.Normalize([0.5], [0.5])])))
    given = torch.tensor([[[0.25, -7.0], [0.0, 1.0]]])
    for form in (given, given[None], given[0]):
        assert torch.equal(owned(items, form), given)


def test_whole_numbers_in_a_tensor_are_the_numbers_that_the_network_gets():
    items = Items(torch.zeros(1, 1, 2, 2))
    for dtype in (torch.int16, torch.int32, torch.int64):
        assert owned(items, torch.tensor([[[0, 1], [7, 300]]], dtype=dtype)).tolist() == [[[0, 1], [7, 300]]]
    for bytes_ in (torch.tensor([[[0, 51], [102, 255]]], dtype=torch.uint8), np.array([[0, 51], [102, 255]])):
        assert owned(items, bytes_).flatten().tolist() == pytest.approx([0, 0.2, 0.4, 1])
    assert owned(items, torch.tensor([[[True, False], [False, True]]])).tolist() == [[[1, 0], [0, 1]]]
    assert owned(items, np.eye(2, dtype=int)).tolist() == [[[1, 0], [0, 1]]]


def test_a_tensor_of_another_size_is_resized_and_one_of_other_channels_refused():
    items = Items(torch.zeros(1, 1, 2, 2))
    item = items[adopt(OwnImage.of(torch.ones(1, 4, 4)))]
    assert (item.image.tolist(), item.notes) == ([[[1.0] * 2] * 2], ("resized from 4 × 4 px",))
    with pytest.raises(ValueError, match="the tensor is 3 x 2 x 2, and the data set's images are 1 x 2 x 2"):
        owned(items, torch.zeros(3, 2, 2))
    with pytest.raises(ValueError, match="the own image holds NaN"):
        owned(items, torch.full((1, 2, 2), torch.nan))


def test_a_data_set_without_pictures_has_no_own_ones():
    signals = Items([(torch.zeros(2, 8), 0)], model=nn.Conv1d(2, 1, 3))
    with pytest.raises(TypeError, match="has no pictures of 1, 3 or 4 channels: an item is 2 x 8"):
        owned(signals, GREY)
    assert torch.equal(owned(signals, torch.ones(2, 8)), torch.ones(2, 8))
    with pytest.raises(TypeError, match="has no pictures of 1, 3 or 4 channels: an item is 5 x 2 x 2"):
        owned(Items(torch.zeros(1, 5, 2, 2)), GREY)
    with pytest.raises(TypeError, match="no pictures"):
        canvas(signals)


def test_prepare_gets_the_item_with_the_own_image_in_it():
    scale = torch.tensor([3.0])
    items = Items([(torch.zeros(1, 2, 2), scale, "name")], prepare=lambda item: (item[0][None], item[1]))
    item = items[adopt(OwnImage.of(GREY))]
    assert item.raw[0] is item.image
    assert item.raw[1] is scale
    assert (item.raw[2], item.label) == ("name", None)


def test_prepare_that_makes_the_tensor_itself_gets_the_picture():
    items = Items([{"photo": Image.new("RGB", (2, 2)), "size": 4}], prepare=lambda item: item["size"])
    item = items[adopt(OwnImage.of(GREY))]
    assert (item.image, item.raw["size"]) == (None, 4)
    assert item.raw["photo"].getpixel((1, 0)) == (51, 51, 51)


def test_the_numbers_below_zero_are_no_others():
    items = Items(torch.zeros(1, 1, 2, 2))
    for number in (-1, -2, 1):
        with pytest.raises(IndexError, match=f"index {number} is out of range: the data set has 1 images"):
            items[number]
    with pytest.raises(IndexError, match="no longer kept"):
        items[-10_000_000]
