"""What the axes of an input are is decided by the first convolution; what can be read in two ways is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from cnnwidgets.compute.inputs import as_batch, as_images

FLAT = nn.Sequential(nn.Linear(4, 2))


def first(axes, channels=3):
    return nn.Sequential({1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[axes](channels, 2, 1))


@pytest.mark.parametrize(
    ("model", "given", "taken"),
    [
        (first(2), (3, 4, 5), (1, 3, 4, 5)),
        (first(2), (3, 4, 5, 6), (3, 4, 5, 6)),
        (first(2), (1, 4, 5), (1, 1, 4, 5)),  # a network may repeat the grey channel itself
        (first(2), (2, 7, 3, 4, 5), (2, 7, 3, 4, 5)),  # clips, which the network takes apart
        (first(3), (3, 4, 5, 6), (1, 3, 4, 5, 6)),
        (first(3), (2, 3, 4, 5, 6), (2, 3, 4, 5, 6)),
        (first(3), (7, 3, 4, 5), (7, 3, 4, 5)),  # images, to which the network adds an axis
        (first(3), (3, 4, 5), (1, 3, 4, 5)),
        (first(1), (3, 16), (1, 3, 16)),
        (first(1), (5, 3, 16), (5, 3, 16)),
        (first(1, 1), (5, 16), (5, 16)),  # sound, to which the network adds the axis of channels
        (first(1, 1), (1, 28, 28), (1, 1, 28, 28)),  # an image that the network reads pixel by pixel
        (FLAT, (4,), (4,)),
        (FLAT, (2, 4), (2, 4)),
        (FLAT, (1, 2, 2), (1, 1, 2, 2)),
        (FLAT, (5, 1, 2, 2), (5, 1, 2, 2)),
        (nn.Sequential(nn.Linear(2, 4), nn.ConvTranspose2d(4, 1, 2)), (7, 2), (7, 2)),
    ],
)
def test_the_first_convolution_decides_what_the_axes_are(model, given, taken):
    batch = as_batch(model, torch.zeros(given))
    assert batch.shape == taken
    assert as_batch(model, batch).shape == taken or taken == (1, 3, 4, 5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((5, 4, 8, 8), r"either one volume of 5 channels, or 5 volumes without .* images\[None\] .* images\[:, None\]"),
        ((4, 8, 8), r"4 x 8 x 8 lacks the axis of channels: .*'0', takes \(N, 3, D, H, W\); give images\[None\]"),
    ],
)
def test_a_form_with_two_readings_is_refused_and_both_are_named(given, words):
    with pytest.raises(ValueError, match=words):
        as_batch(first(3), torch.zeros(given))


def test_channels_that_an_array_has_last_come_first_and_those_of_a_tensor_stay():
    array = np.arange(2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)
    batch = as_batch(first(2), array)
    assert batch.shape == (2, 3, 4, 5)
    assert batch[1, 2, 3, 4] == array[1, 3, 4, 2]
    assert as_batch(first(2), array[0]).shape == (1, 3, 4, 5)
    assert as_batch(first(2), [array[0], array[1]]).tolist() == batch.tolist()
    assert as_batch(first(2), torch.from_numpy(array)).shape == (2, 4, 5, 3)  # its network turns them
    assert as_batch(first(2), np.zeros((3, 5, 3), np.float32)).shape == (1, 3, 5, 3)  # first already
    assert as_batch(FLAT, array[0]).shape == (1, 4, 5, 3)


def test_whole_numbers_become_floats_of_the_same_value_but_for_an_embedding():
    numbers = torch.tensor([[[0, 300]]])
    for kind in (torch.int16, torch.int32, torch.int64, torch.uint16):
        batch = as_batch(first(2, 1), numbers.to(kind))
        assert (batch.dtype, batch.tolist()) == (torch.float32, [[[[0, 300]]]])
    assert as_batch(first(2, 1).double(), numbers > 3).dtype == torch.float64
    words = nn.Sequential(nn.Embedding(400, 3), nn.Conv1d(3, 2, 1))
    assert as_batch(words, torch.tensor([[7, 300]])).tolist() == [[7, 300]]
    assert as_batch(words, torch.tensor([[7, 300]])).dtype == torch.int64


def test_whole_numbers_that_half_precision_cannot_hold_are_refused():
    image = torch.full((1, 2, 2), 65535, dtype=torch.int32)
    with pytest.raises(ValueError, match="whole numbers up to 65535, and the model computes in float16"):
        as_batch(first(2, 1).half(), image)
    assert as_batch(first(2, 1).bfloat16(), image).isfinite().all()


def test_sparse_and_quantised_tensors_are_taken_by_their_numbers():
    image = torch.tensor([[[0.0, 1.5], [0.0, 0.5]]])
    assert as_batch(first(2, 1), image.to_sparse()).tolist() == [image.tolist()]
    quantised = torch.quantize_per_tensor(image, 0.5, 0, torch.qint8)
    assert as_batch(first(2, 1), quantised).tolist() == [image.tolist()]


@pytest.mark.parametrize("given", [{"x": torch.zeros(1)}, object(), [torch.zeros(1, 2, 2), torch.zeros(1, 3, 3)]])
def test_what_only_the_network_can_read_is_handed_over(given):
    assert as_batch(first(2), given) is given or as_batch(first(2), given)[0] is given[0]


BATCH = torch.zeros(2, 3, 4, 4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((1, 3, 8, 8), r"the numbers \(1, 3, 8, 8\); torch.rand\(1, 3, 8, 8\)"),
        (torch.Size((1, 3, 8, 8)), r"the numbers .*torch.rand\(1, 3, 8, 8\)"),
        ((BATCH, torch.zeros(2)), r"a batch \(images, labels\); its images are the first part of this tuple"),
        ([BATCH, [0, 1]], r"a batch \(images, labels\)"),
        ([(BATCH[0], 0), (BATCH[1], 1)], r"pairs \(image, label\)"),
        (DataLoader(TensorDataset(BATCH)), r"a DataLoader; next\(iter\(loader\)\)\[0\]"),
        (TensorDataset(BATCH), r"the data set TensorDataset; dataset\[0\]\[0\]"),
        ([], "an empty list"),
        ({1, 2}, "a set"),
        ((image for image in BATCH), "a generator"),
        ([[1.0, 2.0], [1.0]], "lists of different lengths"),
        (torch.tensor(3.0), "a single number"),
        (np.float32(3), "a single number"),
    ],
)
def test_what_no_network_takes_is_refused_with_what_to_give(given, words):
    with pytest.raises(TypeError, match=r"images must be a tensor .*not " + words):
        as_batch(first(2), given)


def test_images_of_which_pixels_are_changed_are_four_axes_of_real_numbers_in_the_type_of_the_model():
    images = as_images(first(2).double(), torch.full((3, 2, 2), 51, dtype=torch.uint8))
    assert (images.shape, images.dtype, images[0, 0, 0, 0].item()) == ((1, 3, 2, 2), torch.float64, pytest.approx(0.2))
    for given, error, words in (
        (torch.zeros(3, 16), ValueError, "hold pixels, not 1 x 3 x 16"),
        (torch.zeros(3, 0, 2), ValueError, "hold pixels, not 1 x 3 x 0 x 2"),
        (torch.zeros(3, 2, 2, dtype=torch.complex64), TypeError, "complex"),
        (object(), TypeError, "not object"),
    ):
        with pytest.raises(error, match=words):
            as_images(first(1) if given is not None and getattr(given, "ndim", 0) == 2 else first(2), given)


def test_an_argument_is_never_written_to_and_no_copy_is_made_of_a_batch():
    batch = torch.zeros(2, 3, 4, 4)
    assert as_batch(first(2), batch) is batch
    array = np.zeros((3, 4, 4), np.float32)
    as_batch(first(2), array).add_(1)
    assert not array.any()
