"""The real MNIST: the right pictures with the right labels."""

from __future__ import annotations

import gzip

import pytest
import torch

from cnnwidgets.data import mnist


@pytest.fixture(scope="module")
def training(data_root, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return mnist()


def test_the_training_set_has_sixty_thousand_images_of_ten_classes(training):
    assert tuple(training.images.shape) == (60_000, 1, 28, 28)
    assert training.classes == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    assert int(training.targets.bincount()[5]) == 5421  # fives are the rarest class


def test_image_seven_is_the_eighth_picture_of_the_file_and_a_three(training, data_root):
    file = data_root / "mnist" / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    if not file.is_file():
        pytest.skip("the data folder has MNIST unpacked only")
    with gzip.open(file) as stream:
        stream.seek(16 + 7 * 28 * 28)
        pixels = torch.tensor(list(stream.read(28 * 28))).view(1, 28, 28)
    image, label = training[7]
    assert label == 3
    assert torch.equal(image, pixels / 255)


def test_the_first_five_fives_are_where_the_walkthrough_has_them(training):
    assert (training.targets == 5).nonzero().flatten()[:5].tolist() == [0, 11, 35, 47, 65]
