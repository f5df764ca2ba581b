"""What a label says: one class, several, parts of several, or a text."""

from __future__ import annotations

import enum
from collections import UserDict

import numpy as np
import pytest
import torch
from PIL import Image

from cnnwidgets.compute.dataset import read_label

NAMES = ["cat", "dog", "bird", "fish"]


class Kind(enum.IntEnum):
    DOG = 1


@pytest.mark.parametrize(
    ("label", "number", "text"),
    [
        (torch.tensor([0, 0, 1, 0]), 2, "bird"),
        (torch.tensor([0.0, 0.0, 1.0, 0.0]), 2, "bird"),
        (torch.tensor([[0, 0, 1, 0]]), 2, "bird"),
        (np.array([0, 0, 1, 0], dtype=np.uint8), 2, "bird"),
        (np.array([False, True, False, False]), 1, "dog"),
        ([0, 0, 1, 0], 2, "bird"),
        ((0.0, 1.0, 0.0, 0.0), 1, "dog"),
        (torch.tensor([1, 0, 1, 0]), None, "cat, bird"),
        (torch.tensor([True, False, True, True]), None, "cat, bird, fish"),
        (torch.zeros(4), None, "none of the classes"),
        (torch.tensor([0.25, 0.75, 0.0, 0.0]), None, "dog 0.75, cat 0.25"),
        (torch.tensor([0.25, 0.75, 0.0, 0.0]).bfloat16(), None, "dog 0.75, cat 0.25"),
        (torch.tensor([3.5, 0.25, 2.0, 1.0]), None, "3.5, 0.25, 2, 1"),
        (torch.tensor([1, 0, 1]), None, "dog, cat, dog"),  # not as long as there are names: numbers of classes
        (torch.tensor([1, 3, 2, 0]), None, "dog, fish, bird, cat"),
        (1.0, 1, "dog"),
        (7.0, None, "7.0"),
        (1.5, None, "1.5"),
        (np.float64(3), 3, "fish"),
        (torch.tensor(2, dtype=torch.uint8), 2, "bird"),
        (np.int16(2), 2, "bird"),
        (np.array(2), 2, "bird"),
        (Kind.DOG, 1, "dog"),
        (True, None, "True"),
        ("bird", 2, "bird"),
        (np.str_("bird"), 2, "bird"),
        (b"bird", 2, "bird"),
        (["bird"], 2, "bird"),
        (["bird", "cat"], None, "bird, cat"),
        (None, None, ""),
        ([], None, "[]"),
        (UserDict(label=2), 2, "bird"),
        ({"labels": torch.tensor([0, 0, 1, 0]), "boxes": None}, None, "cat, cat, dog, cat"),
        (Image.fromarray(np.array([[0, 2], [2, 2]], np.uint8)), None, "mask of 2 × 2 with bird, cat"),
    ],
)
def test_a_label_is_read_by_its_form(label, number, text):
    assert read_label(label, NAMES) == (number, text)


@pytest.mark.parametrize(
    ("label", "number", "text"),
    [
        (torch.tensor([0, 0, 1, 0]), 2, "2"),
        (torch.tensor([1, 0, 1]), None, "1, 0, 1"),
        (torch.tensor([0.0, 1.0]), None, "0, 1"),  # as likely a place
        (torch.tensor([0.0, 1.0, 0.0]), 1, "1"),
        ([0.0, 1.0, 0.0], 1, "1"),
        (torch.tensor([0.0, 1.0, 1.0]), None, "0, 1, 1"),
        (torch.tensor([0.5, 0.5, 0.0]), None, "0.5, 0.5, 0"),
        (1.0, None, "1.0"),
        (True, None, "True"),
        (3, 3, "3"),
    ],
)
def test_without_names_only_a_single_one_in_a_row_is_a_class(label, number, text):
    assert read_label(label) == (number, text)


def test_a_truth_value_is_one_of_two_classes():
    assert read_label(True, ["no", "yes"]) == read_label(np.True_, ["no", "yes"]) == (1, "yes")
    assert read_label(torch.tensor(False), ["no", "yes"]) == (0, "no")


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (torch.eye(8), "mask of 8 × 8 with cat, dog"),
        (torch.eye(8).bool(), "mask of 8 × 8 with cat, dog"),
        (np.eye(8, dtype=np.float32)[None], "mask of 8 × 8 with cat, dog"),
        (torch.eye(8) / 2, "mask of 8 × 8"),
        (torch.full((8, 8), torch.nan), "mask of 8 × 8"),
        (torch.tensor([[0.5, 1.0], [2.0, 3.0]]), "0.5, 1, 2, 3"),  # points
        (torch.arange(12.0).view(3, 4), "0, 1, 2, 3, 4"),  # boxes
    ],
)
def test_a_map_of_fractions_is_a_mask_and_no_list_of_classes(label, text):
    assert read_label(label, NAMES) == (None, text)
