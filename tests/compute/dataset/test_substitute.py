"""`prepare(item)` for images that take the place of the item's own."""

from __future__ import annotations

from collections import UserDict, namedtuple
from dataclasses import dataclass

import pytest
import torch

from cnnwidgets.compute.dataset.items import Items
from cnnwidgets.compute.dataset.substitute import of_images

OWN = torch.zeros(1, 2, 2)
IMAGES = torch.arange(8.0).reshape(2, 1, 2, 2)


def prepared(raw, prepare, images=IMAGES):
    return of_images(prepare, Items([raw], prepare=prepare)[0])(images)


def test_each_image_takes_the_place_of_the_items_own_wherever_that_is():
    assert torch.equal(prepared((OWN, 3), lambda item: item[0][None]), IMAGES)
    assert torch.equal(prepared(OWN, lambda item: item[None]), IMAGES)
    assert torch.equal(prepared({"id": 1, "parts": [OWN]}, lambda item: item["parts"][0][None]), IMAGES)


def test_all_else_stays_and_what_is_no_tensor_is_given_once():
    found = prepared((OWN, 3), lambda item: {"x": item[0][None], "label": torch.tensor([item[1]]), "scale": 2.0})
    assert torch.equal(found["x"], IMAGES) and found["label"].tolist() == [3, 3] and found["scale"] == 2.0
    images, mask = prepared((OWN, 3), lambda item: (item[0][None], item[0][None] > 3))
    assert torch.equal(mask, images > 3)


def test_gradients_go_through():
    images = IMAGES.clone().requires_grad_()
    (2 * prepared((OWN, 3), lambda item: item[0][None], images)).sum().backward()
    assert (images.grad == 2).all()


def test_without_a_batch_axis_of_one_the_images_cannot_be_told_apart():
    with pytest.raises(ValueError, match=r"returns a tensor of 3 x 2 x 2: .* batch axis of one"):
        prepared((torch.zeros(3, 2, 2), 0), lambda item: item[0], torch.zeros(2, 3, 2, 2))
    with pytest.raises(ValueError, match="returns a tensor of a single number"):
        prepared((OWN, 3), lambda item: torch.tensor(3.0))


def test_what_does_not_depend_on_the_image_needs_no_batch_axis_and_is_given_once():
    mask = torch.ones(2, 2)
    images, found, scale = prepared((OWN, 3), lambda item: (item[0][None], mask, torch.tensor(2.0)))
    assert torch.equal(images, IMAGES) and found is mask and scale.item() == 2
    for same in (IMAGES, IMAGES[:1], torch.zeros(2, 1, 2, 2)):
        made = prepared((OWN, 3), lambda item: {"x": item[0][None], "mask": torch.ones(2, 2)}, same)
        assert torch.equal(made["x"], same) and made["mask"].shape == (2, 2)


@pytest.mark.parametrize("images", [IMAGES, torch.zeros(2, 1, 2, 2)])
def test_what_depends_on_the_image_needs_a_batch_axis_also_where_all_images_are_alike(images):
    with pytest.raises(ValueError, match="returns a tensor of 2 x 2 x 2"):
        prepared(
            (torch.zeros(3, 2, 2), 0),
            lambda item: (item[0][None], item[0][:1].flatten(1).reshape(1, 2, 2).repeat(2, 1, 1)),
            images,
        )
    with pytest.raises(ValueError, match="returns a tensor of 2 x 2"):
        prepared((OWN, 0), lambda item: (item[0][None], item[0][0] - item[0].mean()), images)


Sample = namedtuple("Sample", "image label")


@dataclass
class Record:
    image: torch.Tensor
    label: int = 3


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (Sample(OWN, 3), lambda item: item.image),
        (Record(OWN), lambda item: item.image),
        (UserDict(image=OWN), lambda item: item["image"]),
        ({"deep": Sample(UserDict(x=[OWN]), 0)}, lambda item: item["deep"].image["x"][0]),
    ],
)
def test_the_image_is_replaced_in_every_kind_of_item(raw, read):
    assert torch.equal(prepared(raw, lambda item: read(item)[None]), IMAGES)
    assert read(raw) is OWN


def test_the_arguments_may_be_a_mapping_of_any_kind():
    found = prepared((OWN, 3), lambda item: UserDict(pixel_values=item[0][None]))
    assert torch.equal(found["pixel_values"], IMAGES)


def test_an_item_without_an_image_is_refused():
    with pytest.raises(TypeError, match="holds no image tensor"):
        prepared("a name", lambda item: torch.zeros(1, 1, 2, 2))
