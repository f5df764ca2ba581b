"""Images in memory with their labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from cnnwidgets.data import LabelledImages


@pytest.fixture
def three():
    images = torch.tensor([0, 51, 102, 255, 0, 0], dtype=torch.uint8).view(3, 1, 1, 2)
    return LabelledImages(images, torch.tensor([1, 0, 1]), ["cat", "dog"])


def test_bytes_become_float32_in_0_to_1(three):
    image, label = three[0]
    assert image.dtype == torch.float32
    assert image.tolist() == [[[0.0, pytest.approx(0.2)]]]
    assert three[1][0][0, 0, 1].item() == 1.0
    assert (label, type(label)) == (1, int)


def test_floats_stay_as_they_are_and_become_float32():
    dataset = LabelledImages(torch.full((1, 3, 2, 2), 0.25, dtype=torch.float64), torch.tensor([0]), ["a"])
    image, _ = dataset[0]
    assert (image.dtype, image.unique().tolist()) == (torch.float32, [0.25])


def test_what_is_done_to_an_item_does_not_reach_the_data_set():
    dataset = LabelledImages(torch.full((1, 1, 1, 1), 0.5), torch.tensor([0]), ["a"])
    dataset[0][0].fill_(0)
    assert dataset[0][0].item() == 0.5


@pytest.mark.parametrize("index", [2, -1, np.int64(2), torch.tensor(-1)])
def test_an_index_counts_from_either_end_as_in_a_list(three, index):
    assert three[index][0].tolist() == [[[0.0, 0.0]]]
    assert three[-3][0].tolist() == three[0][0].tolist()


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_beyond_the_end_names_what_was_given_and_what_is_allowed(three, index):
    with pytest.raises(IndexError, match=f"no image {index}; allowed: -3 to 2"):
        three[index]


def test_an_empty_data_set_says_that_it_is_empty():
    empty = LabelledImages(torch.zeros(0, 1, 2, 2), torch.zeros(0, dtype=torch.int64), [])
    assert len(empty) == 0
    with pytest.raises(IndexError, match="no image 0; allowed: none, as the data set is empty"):
        empty[0]


@pytest.mark.parametrize("index", ["0", 1.0, slice(2), None])
def test_an_index_that_is_no_integer_is_refused(three, index):
    with pytest.raises(TypeError, match="index must be an integer"):
        three[index]


def test_looping_ends_and_a_loader_makes_batches(three):
    assert [label for _, label in three] == [1, 0, 1]
    images, labels = next(iter(DataLoader(three, batch_size=3)))
    assert tuple(images.shape) == (3, 1, 1, 2)
    assert labels.tolist() == [1, 0, 1]


def test_it_introduces_itself(three):
    assert repr(three) == "LabelledImages(3 images of 1 x 1 x 2, 2 classes)"


GOOD = {"images": torch.zeros(2, 1, 3, 3), "targets": torch.tensor([0, 1]), "classes": ["a", "b"]}


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"images": [[0]]}, TypeError, "images must be a tensor, not list"),
        ({"images": torch.zeros(2, 3, 3)}, ValueError, r"shape \(N, C, H, W\), not \(2, 3, 3\)"),
        (
            {"images": torch.zeros(2, 1, 3, 3, dtype=torch.int32)},
            TypeError,
            "uint8 or floating point, not torch.int32",
        ),
        ({"images": torch.full((2, 1, 3, 3), 2.5)}, ValueError, r"lie in \[0, 1\]; given: 2.5 to 2.5"),
        ({"images": torch.full((2, 1, 3, 3), -0.5)}, ValueError, "given: -0.5 to -0.5"),
        ({"images": torch.full((2, 1, 3, 3), torch.nan)}, ValueError, "given: nan to nan"),
        ({"targets": [0, 1]}, TypeError, "targets must be a tensor, not list"),
        ({"targets": torch.tensor([0.0, 1.0])}, TypeError, "targets must be int64, not torch.float32"),
        ({"targets": torch.tensor([[0, 1]])}, ValueError, r"shape \(N,\), not \(1, 2\)"),
        ({"targets": torch.tensor([0, 1, 1])}, ValueError, "2 images need 2 targets, not 3"),
        (
            {"targets": torch.tensor([0, 2])},
            ValueError,
            "lie in 0 to 1, as there are 2 classes; given: 0 to 2",
        ),
        ({"targets": torch.tensor([-1, 0])}, ValueError, "given: -1 to 0"),
        ({"classes": "ab"}, TypeError, "classes must be a list of names, not 'ab'"),
        ({"classes": {"b": 1, "a": 0}}, TypeError, "a list of names in their order, not a mapping"),
        ({"classes": [0, 1]}, TypeError, r"classes must be a list of names, not \[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_refused_in_plain_words(wrong, error, words):
    with pytest.raises(error, match=words):
        LabelledImages(**{**GOOD, **wrong})
