"""Small made-up data sets in MNIST's file format, and a computer without a network."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import MNIST

TRAIN = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2)
TEST = np.full((1, 2, 2), 255, dtype=np.uint8)
MADE_UP = {
    "train-images-idx3-ubyte.gz": TRAIN,
    "train-labels-idx1-ubyte.gz": np.array([2, 0, 9], dtype=np.uint8),
    "t10k-images-idx3-ubyte.gz": TEST,
    "t10k-labels-idx1-ubyte.gz": np.array([4], dtype=np.uint8),
}


def idx(values: np.ndarray) -> bytes:
    """Bytes in the IDX format: 0, 0, 8 for uint8, the number of dimensions, each of them, then the values."""
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">i4").tobytes() + values.tobytes()


@pytest.fixture
def archives(monkeypatch) -> dict[str, bytes]:
    """The four .gz files of a made-up MNIST; torchvision takes their MD5 sums for the right ones."""
    files = {name: gzip.compress(idx(values), mtime=0) for name, values in MADE_UP.items()}
    sums = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]
    monkeypatch.setattr(MNIST, "resources", sums)
    return files


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the user's, and no CNNWIDGETS_DATA."""
    monkeypatch.delenv("CNNWIDGETS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cnnwidgets"


@pytest.fixture
def put(archives):
    """Write the made-up archives into a folder as torchvision lays them out: `put(folder)`."""

    def write(folder: Path) -> Path:
        raw = folder / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for name, content in archives.items():
            (raw / name).write_bytes(content)
        return raw

    return write
