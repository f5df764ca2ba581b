"""Labels are named by the data set, outputs by those who know the network, and both meet by name or by number."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.data import ConcatDataset, Subset

from cnnwidgets.compute.dataset.items import Item, Items
from cnnwidgets.compute.dataset.naming import OutputNames, imagenet_names

IMAGE = torch.zeros(3, 4, 4)
NAMES = [f"thing {number}" for number in range(5)]


class Pets(list):
    """A data set with names of its own."""

    def __init__(self, classes: list[str], labels: list[int]) -> None:
        super().__init__((IMAGE, label) for label in labels)
        self.classes = classes


def names(dataset, classes=None, module=None) -> OutputNames:
    return OutputNames(module or nn.Identity(), Items(dataset, classes=classes))


def item(label: int | None, text: str) -> Item:
    return Item(IMAGE, label, text, None)


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    return torchvision.models.resnet18()


def test_a_bee_is_not_called_goldfish(resnet):
    imagenet = imagenet_names(resnet, 1000)
    found = names(Pets(["ants", "bees"], [0, 1]), imagenet, resnet)
    assert found.items[1].text == "bees"
    assert found.called(1, 1000) == "goldfish"
    assert found.truth(found.items[1], 1000) == imagenet.index("bee") == 309


@pytest.mark.parametrize("wrap", [lambda data: Subset(data, [1]), lambda data: ConcatDataset([data])])
def test_the_names_of_a_wrapped_data_set_are_its_own_too(wrap):
    items = Items(wrap(Pets(["ants", "bees"], [1, 1])), classes=NAMES)
    assert (items[0].text, items.classes, items.given) == ("bees", ["ants", "bees"], NAMES)


def test_given_names_are_those_of_labels_too_where_the_data_set_has_none():
    found = names([(IMAGE, 3)], NAMES)
    assert found.items[0].text == found.called(3, 5) == "thing 3"
    assert found.truth(found.items[0], 5) == 3


def test_the_data_sets_names_are_those_of_as_many_outputs():
    found = names(Pets(["ants", "bees"], [1]))
    assert found.all(2) == ["ants", "bees"]
    assert found.all(3) == ["class 0", "class 1", "class 2"]


def test_imagenets_names_come_by_themselves_for_the_networks_of_the_zoos(resnet):
    found = names([(IMAGE, 1)], module=resnet)
    assert found.called(309, 1000) == "bee"
    assert found.items[0].text == "1"  # what the data set says, and no more
    timm = pytest.importorskip("timm")
    assert names([IMAGE], module=timm.create_model("resnet10t")).called(1, 1000) == "goldfish"


def test_no_other_network_gets_imagenets_names(resnet):
    assert imagenet_names(nn.Sequential(resnet), 1000) == []
    assert imagenet_names(torchvision.models.resnet18(num_classes=10), 10) == []
    assert names(Pets(NAMES, [0]), ["x"] * 1000, resnet).called(1, 1000) == "x"


@pytest.mark.parametrize(
    ("text", "outputs", "expected"),
    [
        ("bees", ["ant", "bee"], 1),
        ("Fire_Truck", ["car", "fire truck"], 1),
        ("tench", ["goldfish, Carassius auratus", "tench, Tinca tinca"], 1),
        ("cat", ["Cat", "cat"], 1),  # to the letter first
        ("crane", ["crane", "crane", "bee"], None),  # a bird and a machine: nobody knows which
        ("wasp", ["ant", "bee", "fly"], None),
    ],
)
def test_where_both_have_names_they_meet_by_name(text, outputs, expected):
    found = names(Pets([text, "nothing like it"], [0]), outputs)
    if expected is None and len(outputs) == 2:
        pytest.skip("as many labels as outputs meet by number")
    assert found.truth(item(0, text), len(outputs)) == expected


def test_names_that_do_not_meet_meet_by_number_where_there_are_as_many():
    found = names(Pets(["null", "one"], [0]), ["0", "1"])
    assert [found.truth(item(label, text), 2) for label, text in ((0, "null"), (1, "one"))] == [0, 1]


def test_labels_without_names_are_numbers_of_outputs():
    found = names([(IMAGE, 3)])
    assert found.truth(item(3, "3"), 5) == 3
    assert found.truth(item(7, "7"), 5) is None
    assert found.truth(item(None, ""), 5) is None


def test_nothing_is_said_of_labels_that_are_fewer_than_unnamed_outputs():
    assert names(Pets(["ants", "bees"], [1])).truth(item(1, "bees"), 1000) is None


def test_a_label_that_is_a_word_meets_the_output_of_that_name():
    found = names([(IMAGE, "bee")], ["ant", "bee"])
    assert found.truth(found.items[0], 2) == 1


def test_a_class_without_a_name_but_its_number_is_called_class():
    assert names([IMAGE]).all(2) == ["class 0", "class 1"]
    assert names([IMAGE], ["0", "1", "cat"]).all(3) == ["class 0", "class 1", "cat"]
    items = Items([IMAGE], classes=["0", "cat"])
    assert [items.class_name(label) for label in range(3)] == ["class 0", "cat", "class 2"]


def test_the_label_of_a_mask_says_what_is_in_it():
    mask = torch.tensor([[0, 0, 0], [0, 2, 2]])
    assert Items([(IMAGE, mask)])[0].text == "mask of 2 × 3 with 0, 2"
    assert Items([(IMAGE, mask)], classes=["ground", "cat", "dog"])[0].text == "mask of 2 × 3 with ground, dog"
    many = torch.arange(6).reshape(1, 2, 3)
    assert Items([(IMAGE, many)])[0].text == "mask of 2 × 3 with 0, 1, 2, 3 and 2 more"
    assert Items([(IMAGE, torch.tensor([1, 0, 1]))])[0].text == "1, 0, 1"  # several classes at once
