from __future__ import annotations

import pytest
import torch
from torch.utils.data import Subset

from cnnwidgets.compute.dataset.items import Items
from cnnwidgets.compute.signatures.members import class_numbers, first_classes, members


class Counted:
    """Labels 2 0 2 1 2 with the names a, b, c; counts the images that are loaded."""

    classes = ("a", "b", "c")

    def __init__(self) -> None:
        self.loaded = 0

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        self.loaded += 1
        return torch.zeros(1, 2, 2), [2, 0, 2, 1, 2][index]


class WithTargets(Counted):
    targets = (2, 0, 2, 1, 2)


def test_the_first_images_of_each_class_come_in_the_order_of_the_classes():
    assert members(Items(Counted()), [0, 2], 2) == [[1], [0, 2]]


def test_no_more_images_are_loaded_than_needed_and_none_where_the_data_set_knows_its_targets():
    dataset, knowing = Counted(), WithTargets()
    assert members(Items(dataset), [2], 2) == members(Items(knowing), [2], 2) == [[0, 2]]
    assert (dataset.loaded, knowing.loaded) == (3, 0)


def test_a_subset_has_the_targets_of_its_own_images():
    assert members(Items(Subset(WithTargets(), [4, 3, 1])), [0, 2], 1) == [[2], [0]]


def test_targets_that_are_changed_on_the_way_are_not_believed():
    dataset = WithTargets()
    dataset.target_transform = lambda label: 9
    assert members(Items(dataset), [2], 1) == [[0]] and dataset.loaded == 1


def test_a_class_without_images_is_named_with_those_that_have_some():
    with pytest.raises(LookupError, match="no image is of class '7'; classes of the data set: a, b, c"):
        members(Items(Counted()), [7], 1)
    with pytest.raises(LookupError, match="none: it has no labels"):
        members(Items(torch.zeros(2, 1, 2, 2)), [0], 1)


def test_classes_are_given_by_number_or_name_and_counted_once():
    assert class_numbers(Items(Counted()), ["c", 0, "0", torch.tensor(2)]) == (2, 0)
    assert first_classes(Items(Counted()), 2) == [0, 2]


@pytest.mark.parametrize(
    ("targets", "error", "text"),
    [
        (["d"], LookupError, "no class 'd'; classes: a, b, c"),
        ([1.5], LookupError, "no class 1.5"),
        ("abc", TypeError, r"targets must be a list of classes, as \[1, 3, 5\], not 'abc'"),
        (3, TypeError, "not 3"),
        ([], ValueError, "targets is empty"),
    ],
)
def test_what_is_no_class_is_refused(targets, error, text):
    with pytest.raises(error, match=text):
        class_numbers(Items(Counted()), targets)
