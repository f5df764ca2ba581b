"""`prepare(item)` for images that take the place of the item's own."""

from __future__ import annotations

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


def test_an_item_without_an_image_is_refused():
    with pytest.raises(TypeError, match="holds no image tensor"):
        prepared("a name", lambda item: torch.zeros(1, 1, 2, 2))
