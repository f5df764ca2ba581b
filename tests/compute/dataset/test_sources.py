"""What is no data set is told what to give instead; what is made of several agrees on names and normalisation."""

from __future__ import annotations

from collections import UserDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, StackDataset, Subset, TensorDataset
from torchvision import transforms as v1

from cnnwidgets.compute.dataset import Items

IMAGE = torch.full((3, 4, 4), 0.5)
CONV = nn.Sequential(nn.Conv2d(3, 2, 3))
Swapped = namedtuple("Swapped", "label image")


@dataclass
class Sample:
    label: int
    image: torch.Tensor


class Stream(IterableDataset):
    def __len__(self):
        return 4

    def __iter__(self):
        return iter([(IMAGE, 0)] * 4)


class NoLength(Dataset):
    def __getitem__(self, index):
        return IMAGE, 0


class Failing(Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise self.error


class Named(list):
    def __init__(self, items, classes=None, transform=None):
        super().__init__(items)
        self.classes, self.transform = classes, transform


@pytest.mark.parametrize(
    ("dataset", "error", "words"),
    [
        (Stream(), TypeError, r"Stream gives items one after the other: list\(itertools.islice\(dataset, 100\)\)"),
        (NoLength(), TypeError, "have a length; NoLength"),
        ({"train": [1], "test": [2]}, TypeError, r"has the entries 'train', 'test': .* dataset\['train'\]"),
        (UserDict(image=IMAGE[None]), TypeError, r"this UserDict has the entries 'image': .*dataset\['image'\]"),
        ({}, TypeError, "has the entries none"),
        (DataLoader([(IMAGE, 0)]), TypeError, "DataLoader does not: give loader.dataset"),
        ([torch.zeros(4, 3, 8, 8), torch.arange(4)], ValueError, r"a batch .* of 4 images: .*TensorDataset"),
        ((np.zeros((4, 3, 8, 8)), [0, 1, 2, 3]), ValueError, "a batch"),
        ([torch.zeros(4, 3, 8, 8), torch.zeros(4, 10)], ValueError, "a batch"),
        ((1, 3, 8, 8), TypeError, r"\(1, 3, 8, 8\) is a size: give images of it, torch.rand\(1, 3, 8, 8\)"),
        (TensorDataset(torch.zeros(0, 3, 8, 8)), ValueError, "is empty"),
    ],
)
def test_what_is_no_data_set_is_told_what_to_give(dataset, error, words):
    with pytest.raises(error, match=words):
        Items(dataset, model=CONV)


@pytest.mark.parametrize("error", [KeyError("x"), OSError("no such file"), IndexError(), TypeError("unhashable")])
def test_an_item_that_the_data_set_cannot_give_is_told_with_its_number_and_the_cause(error):
    with pytest.raises(RuntimeError, match=f"cannot give item 1: Failing raises {type(error).__name__}") as caught:
        Items(Failing(error))[1]
    assert caught.value.__cause__ is error


def test_a_data_set_without_reading_by_index_is_told_so():
    with pytest.raises(TypeError, match="gives no items by index"):
        Items(Failing(NotImplementedError()))[0]


@pytest.mark.parametrize(
    "item",
    [
        UserDict(image=IMAGE, label=2),
        Sample(2, IMAGE),
        Swapped(2, IMAGE),
        {"pixel_values": IMAGE[None], "labels": torch.tensor([2])},
        (IMAGE, 2, "path", {"more": 1}),
        {"image": IMAGE.numpy().transpose(1, 2, 0), "label": np.int64(2)},
    ],
)
def test_image_and_label_are_found_by_name_in_whatever_holds_them(item):
    found = Items([item], model=CONV)[0]
    assert torch.equal(found.image, IMAGE) and found.label == 2


def test_a_data_set_of_a_mapping_of_numbers_or_of_stacked_tensors_is_read():
    assert Items({0: (IMAGE, 1)})[0].label == 1
    stacked = StackDataset(image=IMAGE[None], label=torch.tensor([2]))
    assert Items(stacked)[0].label == 2


def test_names_are_those_of_a_mapping_in_the_order_of_its_numbers_also_the_one_of_an_image_folder():
    assert Items(Named([(IMAGE, 0)], {"dog": 1, "cat": 0}))[0].text == "cat"
    assert Items(Named([(IMAGE, 0)], {1: "dog", 0: "cat"}))[0].text == "cat"
    numbered = Named([(IMAGE, 0)])
    numbered.class_to_idx = {"dog": 1, "cat": 0}
    assert Items(Subset(numbered, [0]))[0].text == "cat"


@pytest.mark.parametrize("classes", [10, "ten", lambda: ["cat"]])
def test_what_a_data_set_calls_its_classes_but_are_no_names_is_left_out(classes):
    assert Items(Named([(IMAGE, 1)], classes))[0].text == "1"


def test_data_sets_in_one_that_disagree_have_no_common_names_and_no_common_normalisation():
    one = Named([(IMAGE, 0)], ["cat"], v1.Normalize(0.5, 0.25))
    other = Named([(IMAGE, 0)], ["dog"], v1.Normalize(0.25, 0.5))
    both = Items(ConcatDataset([one, other]))
    assert (both[0].text, both.normalization) == ("0", None)
    same = Items(Subset(ConcatDataset([one, one]), [0, 1]))
    assert (same[0].text, same.normalization) == ("cat", (0.5, 0.25))


@pytest.mark.parametrize(
    ("axes", "shape", "kept"),
    [
        (1, (3, 16), (3, 16)),
        (1, (1, 3, 16), (3, 16)),
        (1, (1, 28, 28), (1, 28, 28)),
        (2, (3, 4, 4), (3, 4, 4)),
        (2, (1, 3, 4, 4), (3, 4, 4)),
        (2, (5, 3, 4, 4), (5, 3, 4, 4)),
        (3, (3, 2, 4, 4), (3, 2, 4, 4)),
        (3, (1, 3, 2, 4, 4), (3, 2, 4, 4)),
        (3, (3, 4, 4), (3, 4, 4)),
    ],
)
def test_an_item_has_the_axes_of_the_first_convolution_and_none_of_a_batch(axes, shape, kept):
    model = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[axes](3, 2, 1)
    items = Items([torch.zeros(shape)], model=model)
    assert items[0].image.shape == kept
    assert items.batch(items[0]).shape == (1, *kept)


@pytest.mark.parametrize(
    ("axes", "shape", "words"),
    [
        (1, (16,), r"wanted \(C, L\); add the channel axis"),
        (2, (4, 4), r"wanted \(C, H, W\); add the channel axis"),
        (3, (2, 4, 4), r"wanted \(C, D, H, W\); add the channel axis"),
        (2, (2, 5, 3, 4, 4), r"2 x 5 x 3 x 4 x 4, wanted \(C, H, W\)$"),
    ],
)
def test_an_item_of_other_axes_is_refused(axes, shape, words):
    model = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[axes](3, 2, 1)
    with pytest.raises(ValueError, match=words):
        Items([torch.zeros(shape)], model=model)[0]


def test_the_picture_is_real_numbers_that_numpy_knows():
    for image in (IMAGE.bfloat16(), IMAGE.half(), torch.complex(IMAGE, torch.zeros(3, 4, 4))):
        assert Items([image]).picture(image).numpy().dtype == np.float32
        assert Items([image]).picture(image)[0, 0, 0] == 0.5
    signal = torch.rand(3, 16)
    assert torch.equal(Items([signal], model=nn.Conv1d(3, 2, 1)).picture(signal), signal[None])


def test_the_picture_of_a_clip_is_its_middle_frame_wherever_the_frames_are():
    frames = torch.rand(5, 3, 4, 4)
    assert torch.equal(Items([frames], model=CONV).picture(frames), frames[2])
    volume = frames.movedim(0, 1)
    assert torch.equal(Items([volume], model=nn.Conv3d(3, 2, 1)).picture(volume), frames[2])
