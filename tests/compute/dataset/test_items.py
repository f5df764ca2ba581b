"""Any indexable of images as items: image, label, text, and the picture with its normalisation undone."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Subset, TensorDataset
from torchvision import transforms as v1
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from cnnwidgets.compute.dataset.items import Items

IMAGE = torch.tensor([[[0.25, 0.5]]])  # (1, 1, 2)
CLASSES = ["cat", "dog", "eel"]
ADD_TO_TENSOR = (
    "image 0 is a PIL image, and the model needs a tensor: "
    "torchvision.transforms.ToTensor() makes one, best in the data set's transform"
)
SEVERAL = (
    "image 0 must be a tensor (C, H, W), not a list of Tensor, Tensor; "
    "prepare=lambda item: ... gives a network of several inputs its arguments"
)
MEAN, STD = (0.5, 0.25, 0.0), (0.25, 0.5, 1.0)


class Numbered:
    """A data set of one image with a transform, and with classes."""

    classes = ("cat", "dog")

    def __init__(self, transform=None, image=IMAGE):
        self.transform, self.image = transform, image

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return (self.transform(self.image) if self.transform else self.image), 1


def read(item, **options):
    """The first item of a data set that holds `item` alone."""
    return Items([item], **options)[0]


@pytest.fixture
def folder(tmp_path):
    """One picture of the one colour (51, 102, 255) in each of the classes ant and bee."""
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (2, 2), (51, 102, 255)).save(tmp_path / name / "one.png")
    return tmp_path


@pytest.mark.parametrize(
    "dataset",
    [
        TensorDataset(IMAGE[None], torch.tensor([2])),
        [(IMAGE, 2)],
        ((IMAGE, 2),),
        [[IMAGE, np.int64(2)]],
        [{"image": IMAGE, "label": 2}],
        [{"pixel_values": IMAGE, "labels": torch.tensor(2)}],
        [{"img": IMAGE, "fine_label": np.array(2)}],
        [(IMAGE, {"label": torch.tensor([2])})],
        [(IMAGE, "eel")],
        [(IMAGE, 2, "more")],
    ],
)
def test_image_and_label_are_read_from_every_common_form(dataset):
    items = Items(dataset, classes=CLASSES)
    item = items[0]
    assert len(items) == 1
    assert item.image.tolist() == IMAGE.tolist()
    assert (item.label, item.text) == (2, "eel")


@pytest.mark.parametrize("dataset", [IMAGE[None], [IMAGE], [(IMAGE,)], [[IMAGE]], [{"image": IMAGE}], [(IMAGE, None)]])
def test_an_image_without_a_label_has_an_empty_text(dataset):
    item = Items(dataset, classes=CLASSES)[0]
    assert item.image.tolist() == IMAGE.tolist()
    assert (item.label, item.text) == (None, "")


@pytest.mark.parametrize(
    ("label", "number", "text"),
    [
        (1, 1, "dog"),
        (7, 7, "7"),
        (-1, -1, "-1"),
        ("dog", 1, "dog"),
        ("fox", None, "fox"),
        (torch.tensor(1), 1, "dog"),
        (torch.tensor([1.0]), 1, "dog"),
        (torch.tensor([1, 0]), None, "dog, cat"),
        (torch.tensor([0.5, 1.75]), None, "0.5, 1.75"),
        (np.array([0, 1]), None, "cat, dog"),
        (np.float32(0.5), None, "0.5"),
        (True, None, "True"),
        (np.True_, None, "True"),
        (2.5, None, "2.5"),
        ({"labels": torch.tensor([1, 0]), "boxes": None}, None, "dog, cat"),
        ({"boxes": None}, None, ""),
    ],
)
def test_a_label_becomes_a_number_and_a_text(label, number, text):
    item = read((IMAGE, label), classes=CLASSES)
    assert (item.label, item.text) == (number, text)


def test_the_item_is_kept_as_the_data_set_gave_it():
    raw = (IMAGE, 1)
    assert read(raw).raw is raw
    assert read(raw).image is IMAGE


def test_the_data_sets_own_classes_are_found_through_its_wrappers():
    numbered = Numbered()
    for dataset in (numbered, Subset(numbered, [0]), Subset(Subset(numbered, [0]), [0]), ConcatDataset([numbered])):
        assert Items(dataset)[0].text == "dog"


def test_labels_are_named_by_the_data_set_whatever_is_given_for_the_network():
    assert Items(Numbered(), classes=["one", "two"])[0].text == Items(Numbered())[0].text != "two"
    assert Items(Numbered(), classes=[])[0].text == "1"


def test_class_names_are_text_whatever_they_hold():
    evil = "<img src=x onerror=alert(1)>"
    items = Items([(IMAGE, 0)], classes=[("tench", "Tinca tinca"), 5, evil])
    assert items.classes == ["tench, Tinca tinca", "5", evil]
    assert [items.class_name(target) for target in (0, 2, 3, -1)] == ["tench, Tinca tinca", evil, "class 3", "class -1"]


@pytest.mark.parametrize(
    "transform",
    [
        v1.Compose([v1.ToTensor(), v1.Normalize(MEAN, STD)]),
        v1.Compose([v1.RandomApply([v1.ColorJitter()], 0), v1.Compose([v1.ToTensor(), v1.Normalize(MEAN, STD)])]),
        v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]),
        torch.nn.Sequential(v2.PILToTensor(), v2.ConvertImageDtype(), v1.Normalize(MEAN, STD)),
    ],
    ids=["version 1", "nested", "version 2", "Sequential"],
)
def test_the_normalisation_in_an_image_folders_transform_is_found_and_undone(transform, folder):
    dataset = ImageFolder(folder, transform)
    for wrapped in (dataset, Subset(dataset, [1, 0])):
        items = Items(wrapped)
        item = items[0]
        assert [list(part) for part in items.normalization] == [list(MEAN), list(STD)]
        # (0.2 - 0.5) / 0.25, (0.4 - 0.25) / 0.5, (1 - 0) / 1
        assert item.image[:, 0, 0].tolist() == pytest.approx([-1.2, 0.3, 1.0])
        assert items.picture(item.image)[:, 1, 1].tolist() == pytest.approx([0.2, 0.4, 1.0])
    assert item.text == "bee"


def test_the_last_normalisation_is_the_one_that_is_undone():
    items = Items(Numbered(v1.Compose([v1.Normalize(0.0, 2.0), v1.Normalize(0.25, 0.5)])))
    assert items[0].image.tolist() == [[[-0.25, 0.0]]]
    assert items.picture(items[0].image).tolist() == [[[0.125, 0.25]]]


def test_a_wrapper_with_a_transform_of_its_own_goes_before_what_it_wraps():
    class Wrapper(Numbered):
        def __init__(self, dataset, transform):
            super().__init__(transform)
            self.dataset = dataset

    items = Items(Wrapper(Numbered(v1.Normalize(0.0, 1.0)), v1.Normalize(0.5, 0.25)))
    assert items.picture(torch.tensor([[[1.0]]])).item() == 0.75


def test_mean_and_standard_deviation_can_be_given():
    items = Items(Numbered(v1.Normalize(0.0, 2.0)), denormalize=([0.5], [0.25]))
    assert items.picture(torch.tensor([[[1.0, -2.0]]])).tolist() == [[[0.75, 0.0]]]


@pytest.mark.parametrize("given", [3, (0.5,), (0.5, 0.5, 0.5), ("a", 1.0), (None, 1.0), ([], [])])
def test_what_undoes_no_normalisation_is_refused_before_it_is_used(given):
    with pytest.raises(TypeError, match="denormalize must be a function of the image, or \\(mean, std\\), not"):
        Items([(IMAGE, 0)], denormalize=given)


def test_a_function_can_undo_the_normalisation():
    items = Items([(IMAGE, 0)], denormalize=lambda image: image * 10)
    assert items.picture(IMAGE).tolist() == [[[2.5, 5.0]]]


def test_bytes_and_images_without_normalisation_are_shown_as_they_are():
    assert Items([IMAGE]).picture(IMAGE).tolist() == IMAGE.tolist()
    image = torch.tensor([[[7]]], dtype=torch.uint8)
    assert Items([image], denormalize=(0.5, 0.5)).picture(image).item() == 7


def test_the_picture_of_a_clip_is_its_middle_frame_without_normalisation():
    clip = torch.arange(3.0).reshape(1, 3, 1, 1)
    items = Items([clip], denormalize=([1.0], [2.0]))
    assert items[0].image is clip
    assert items.picture(clip).tolist() == [[[1 * 2 + 1]]]


def test_the_picture_is_no_part_of_the_graph_and_leaves_the_image_alone():
    image = torch.ones(1, 1, 1, requires_grad=True)
    items = Items([image], denormalize=([1.0], [2.0]))
    assert not items.picture(image).requires_grad
    assert items.picture(image).item() == 3
    assert image.item() == 1


def test_a_numpy_image_becomes_a_tensor_of_its_own():
    array = np.array([[[1.0, 2.0]]])
    image = read((array[:, :, ::-1], 0)).image
    assert image.tolist() == [[[2, 1]]]
    image.zero_()
    assert array.tolist() == [[[1, 2]]]


@pytest.mark.parametrize(
    ("item", "error", "message"),
    [
        ((Image.new("L", (2, 2)), 0), TypeError, ADD_TO_TENSOR),
        (Image.new("L", (2, 2)), TypeError, ADD_TO_TENSOR),
        (("cat.png", 0), TypeError, "image 0 must be a tensor (C, H, W), not str"),
        ((None, 0), TypeError, "image 0 must be a tensor (C, H, W), not NoneType"),
        (([IMAGE, IMAGE], 0), TypeError, SEVERAL),
        ("cat.png", TypeError, "item 0 of the data set must be (image, label), not str"),
        (5, TypeError, "item 0 of the data set must be (image, label), not int"),
        ((), TypeError, "item 0 of the data set must be (image, label), not a tuple of nothing"),
        ({"text": 1, 2: 3}, TypeError, "item 0 is a dict without an image; keys: text, 2"),
        (
            (torch.ones(4, 5), 0),
            ValueError,
            "image 0 has shape 4 x 5, wanted (C, H, W); add the channel axis: image[None]",
        ),
        ((torch.ones(4), 0), ValueError, "image 0 has shape 4, wanted (C, H, W)"),
        ((torch.ones(1, 0, 2), 0), ValueError, "image 0 is empty: its shape is 1 x 0 x 2"),
        (
            (torch.tensor([[[1.0, float("nan"), float("inf"), -float("inf")]]]), 0),
            ValueError,
            "image 0 holds NaN or infinite values: 3 of 4 numbers",
        ),
    ],
)
def test_an_item_that_cannot_be_shown_is_refused_in_plain_words(item, error, message):
    with pytest.raises(error) as caught:
        read(item)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        ([], ValueError, "the data set is empty: there is no image to show"),
        (torch.ones(0, 1, 2, 2), ValueError, "the data set is empty: there is no image to show"),
        (iter([1]), TypeError, "dataset must give (image, label) by index and have a length; list_iterator does not"),
        (7, TypeError, "dataset must give (image, label) by index and have a length; int does not"),
        ({(IMAGE, 0)}, TypeError, "dataset must give (image, label) by index and have a length; set does not"),
        (torch.ones(3, 4, 5), ValueError, "a tensor of images has shape (N, C, H, W), not 3 x 4 x 5"),
    ],
)
def test_what_is_no_data_set_is_refused_in_plain_words(dataset, error, message):
    with pytest.raises(error) as caught:
        Items(dataset)
    assert str(caught.value) == message


@pytest.mark.parametrize("index", [3, -1, 1000])
def test_an_index_out_of_range_names_the_range(index):
    with pytest.raises(IndexError) as caught:
        Items([IMAGE] * 3)[index]
    assert str(caught.value) == f"index {index} is out of range: the data set has 3 images, 0 to 2"


def test_class_names_that_are_none_are_refused():
    with pytest.raises(TypeError, match="classes must be the names of the classes in their order, not 3"):
        Items([IMAGE], classes=3)


def test_an_index_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="index must be a whole number, 0 to 2, not None"):
        Items([IMAGE] * 3)[None]


def test_items_can_be_gone_through_like_any_sequence():
    assert [item.text for item in Items([(IMAGE, 0), (IMAGE, 1)])] == ["0", "1"]


def test_a_random_transform_leaves_the_random_state_alone():
    def jitter(image):
        return image * random.random() * np.random.rand() * torch.rand(1)

    items = Items(Numbered(jitter))
    before = (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist())
    first, second = items[0].image, items[0].image
    assert (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()) == before
    assert torch.equal(first, second)
    assert not torch.equal(jitter(IMAGE), jitter(IMAGE))


@pytest.mark.parametrize(
    ("item", "image", "text"),
    [
        ((IMAGE, "eel"), IMAGE, "eel"),
        ({"pixels": IMAGE, "words": "?"}, IMAGE, ""),
        ({"deep": [None, (torch.ones(2), IMAGE)]}, IMAGE, ""),
        ("cat.png", None, ""),
        (torch.ones(2, 2), None, ""),
        ([3, 1], None, "dog"),
    ],
)
def test_with_prepare_an_item_may_be_anything(item, image, text):
    found = read(item, classes=CLASSES, prepare=lambda raw: raw)
    assert found.image is image
    assert found.text == text
    assert found.raw is item


def test_the_label_in_a_dict_is_found_with_prepare_too():
    item = Items([{"pixels": torch.zeros(1, 2, 2), "label": 1}], classes=["cat", "dog"], prepare=lambda raw: raw)[0]
    assert (item.label, item.text) == (1, "dog")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({1: "cat", 0: "dog", 2: "cow"}, ["dog", "cat", "cow"]),
        ({"b": 1, "a": 0, "c": 2}, ["a", "b", "c"]),
        ({2: "cow"}, ["0", "1", "cow"]),
        ([("n1", "tench"), "goldfish"], ["n1, tench", "goldfish"]),
        ({}, []),
    ],
)
def test_names_of_classes_come_in_the_order_of_their_numbers(given, names):
    assert Items([(torch.zeros(1, 2, 2), 0)], classes=given).given == names


@pytest.mark.parametrize("given", ["abc", {"a", "b"}, {"a": "b"}, {-1: "a"}])
def test_names_without_an_order_are_refused(given):
    with pytest.raises(
        TypeError, match=r"classes (must be the names of the classes in their order|maps numbers from 0)"
    ):
        Items([(torch.zeros(1, 2, 2), 0)], classes=given)


def test_the_names_of_a_data_set_may_be_a_mapping_too():
    class Labelled(list):
        classes = {"b": 1, "a": 0}  # noqa: RUF012

    assert Items(Labelled([(torch.zeros(1, 2, 2), 1)]))[0].text == "b"


def test_an_image_of_a_form_that_was_good_before_is_still_looked_at():
    good = torch.zeros(1, 2, 2)
    items = Items(
        [(good, 1), (good + 1, 1), (good * torch.nan, 1), (good[0], 1), (good.numpy(), True)], classes=["a", "b", "c"]
    )
    assert [(items[at].image is not None, items[at].label, items[at].text) for at in (0, 1, 0)] == [(True, 1, "b")] * 3
    assert torch.equal(items[1].image, torch.ones(1, 2, 2))
    with pytest.raises(ValueError, match="image 2 holds NaN"):
        items[2]
    with pytest.raises(ValueError, match="image 3 has shape"):
        items[3]
    assert (items[4].image.dtype, items[4].label) == (torch.float32, None)
