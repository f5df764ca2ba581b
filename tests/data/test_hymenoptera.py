"""Ants and bees: found, or downloaded and checked."""

from __future__ import annotations

import io
import sys
import zipfile

import pytest
import torch
from PIL import Image

from cnnwidgets.data import hymenoptera

ROOM = sys.modules["cnnwidgets.data.hymenoptera"]


def jpeg(shade):
    file = io.BytesIO()
    Image.new("RGB", (300, 260), (shade, shade, shade)).save(file, "JPEG")
    return file.getvalue()


FILES = {
    "train/ants/b.jpg": jpeg(0),
    "train/ants/imageNotFound.gif": b"GIF89a",
    "train/bees/a.jpeg": jpeg(255),
    "val/ants/c.jpg": jpeg(0),
    "val/bees/d.jpg": jpeg(255),
}


@pytest.fixture
def small(monkeypatch):
    """Two photos for training and two for validation are all there are."""
    monkeypatch.setattr(ROOM, "COUNTS", {"train": 2, "val": 2})


@pytest.fixture
def put(small):
    def write(folder, files=FILES):
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder

    return write


@pytest.fixture
def online(monkeypatch, small):
    """A computer on which the address gives these files; counts how often it was asked."""
    asked = []

    def serve(files):
        def download(url, to, hash_prefix=None, progress=True):
            asked.append(url)
            with zipfile.ZipFile(to, "w") as packed:
                for name, content in files.items():
                    packed.writestr(f"hymenoptera_data/{name}", content)

        monkeypatch.setattr(torch.hub, "download_url_to_file", download)
        return asked

    return serve


def test_photos_are_read_from_the_data_folder(put, tmp_path, cache, monkeypatch, asked):
    put(tmp_path / "shared" / "hymenoptera_data")
    monkeypatch.setenv("CNNWIDGETS_DATA", str(tmp_path / "shared"))
    photos = hymenoptera()
    assert [(path.name, label) for path, label in zip(photos.paths, photos.labels, strict=True)] == [
        ("b.jpg", 0), ("a.jpeg", 1)
    ]  # fmt: skip
    assert photos.classes == ["ants", "bees"]
    image, label = photos[1]
    assert (image.shape, label) == ((3, 224, 224), 1)
    white = [(1 - mean) / std for mean, std in zip(ROOM.MEAN, ROOM.STD, strict=True)]
    assert image[:, 0, 0].tolist() == pytest.approx(white, abs=1e-3)
    assert [path.parent.name for path in hymenoptera(train=False).paths] == ["ants", "bees"]
    assert (asked, cache.exists()) == ([], False)


def test_augmenting_is_random_and_otherwise_a_photo_is_always_the_same(put, tmp_path):
    gradient = io.BytesIO()
    Image.linear_gradient("L").resize((300, 260)).convert("RGB").save(gradient, "JPEG")
    folder = put(tmp_path, {**FILES, "train/ants/b.jpg": gradient.getvalue()})
    plain, cut = hymenoptera(folder), hymenoptera(folder, augment=True)
    assert torch.equal(plain[0][0], plain[0][0])
    assert not torch.equal(cut[0][0], cut[0][0])
    assert cut[0][0].shape == (3, 224, 224)


def test_a_download_is_checked_unpacked_and_kept(tmp_path, cache, put, online, monkeypatch):
    monkeypatch.setattr(ROOM, "SHA256", ROOM._digest(put(tmp_path / "original")))
    asked = online(FILES)
    assert len(hymenoptera()) == 2
    assert len(hymenoptera(train=False)) == 2
    assert asked == ["https://download.pytorch.org/tutorial/hymenoptera_data.zip"]
    assert sorted(path.name for path in cache.iterdir()) == ["hymenoptera_data"]  # nothing half-done is left


def test_a_damaged_download_is_not_kept(tmp_path, cache, put, online, monkeypatch):
    monkeypatch.setattr(ROOM, "SHA256", ROOM._digest(put(tmp_path / "original")))
    online({**FILES, "val/bees/d.jpg": FILES["val/bees/d.jpg"][:-1]})
    with pytest.raises(FileNotFoundError, match="what arrived is damaged"):
        hymenoptera()
    assert list(cache.iterdir()) == []


def test_a_download_never_replaces_photos_in_a_folder_of_ones_own(tmp_path, cache, put, online, monkeypatch):
    monkeypatch.setattr(ROOM, "SHA256", ROOM._digest(put(tmp_path / "original")))
    asked = online(FILES)
    mine = put(tmp_path / "mine", {"train/ants/mine.jpg": jpeg(9)})
    with pytest.raises(FileNotFoundError, match="holds other files, which it would replace"):
        hymenoptera(mine)
    assert (mine / "train" / "ants" / "mine.jpg").read_bytes() == jpeg(9)
    assert asked == []


def test_without_a_network_the_message_says_what_to_do(cache, asked, tmp_path):
    with pytest.raises(FileNotFoundError, match="network is unplugged") as raised:
        hymenoptera(tmp_path / "mine")
    assert f"Looked in: {tmp_path / 'mine'}" in str(raised.value)
    assert "CNNWIDGETS_DATA" in str(raised.value)
    assert asked == ["https://download.pytorch.org/tutorial/hymenoptera_data.zip"]


def test_a_transform_of_ones_own_replaces_both(put, tmp_path):
    folder = put(tmp_path)
    assert hymenoptera(folder, transform=lambda image: image.size)[0] == ((300, 260), 0)
    with pytest.raises(ValueError, match="exclude each other"):
        hymenoptera(folder, augment=True, transform=lambda image: image)


def test_the_real_photos_are_the_known_ones(data_root):
    assert (len(hymenoptera()), len(hymenoptera(train=False))) == (244, 153)
    assert ROOM._digest(data_root / "hymenoptera_data") == ROOM.SHA256
