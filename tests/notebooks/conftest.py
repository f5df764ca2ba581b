"""Real data sets and weights for the notebooks; where there are none, small ones made up in the same places."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from cnnwidgets.data import digits

PHOTOS = {"train/ants": 123, "train/bees": 121, "val/ants": 70, "val/bees": 83}
"""As many as the real ones: `hymenoptera` counts them."""


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`$CNNWIDGETS_DATA`; if it is not set, it names a made-up folder of the same layout while the tests run."""
    if root := os.environ.get("CNNWIDGETS_DATA"):
        yield Path(root)
        return
    folder = tmp_path_factory.mktemp("data")
    torch.manual_seed(0)
    put_weights(folder / "weights")
    put_digits(folder / "mnist" / "MNIST" / "raw")
    put_digits(folder / "fashion-mnist" / "FashionMNIST" / "raw")
    put_photos(folder / "hymenoptera_data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNWIDGETS_DATA", str(folder))
        yield folder


def put_weights(folder: Path) -> None:
    """Random weights, as the file name says."""
    folder.mkdir(parents=True)
    torch.save(torchvision.models.resnet18().state_dict(), folder / "resnet18-random.pth")


def put_digits(folder: Path) -> None:
    """scikit-learn's 1,797 digits in MNIST's format; the first 300 of them are the test images as well."""
    folder.mkdir(parents=True)
    known = digits()
    images = (known.images[:, 0] * (1 if known.images.dtype == torch.uint8 else 255)).round().numpy().astype(np.uint8)
    targets = known.targets.numpy().astype(np.uint8)
    for part, count in (("train", len(images)), ("t10k", 300)):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images[:count]))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(targets[:count]))


def idx(values: np.ndarray) -> bytes:
    """Bytes in the IDX format: 0, 0, 8 for uint8, the number of dimensions, each of them, then the values."""
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">i4").tobytes() + values.tobytes()


def put_photos(folder: Path) -> None:
    """Noise, dark for ants and bright for bees, so that there is something to learn."""
    random = np.random.default_rng(0)
    for part, count in PHOTOS.items():
        (folder / part).mkdir(parents=True)
        lowest = 0 if part.endswith("ants") else 128
        for number in range(count):
            pixels = random.integers(lowest, lowest + 128, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / part / f"{number:03}.png")
