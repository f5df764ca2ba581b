"""Where the files of torchvision's data sets are looked for, unpacked, and kept."""

from __future__ import annotations

import gzip

import pytest

from cnnwidgets.data import mnist


def contents(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in [folder, *folder.rglob("*")]}


def unpacked(raw):
    return sorted(path.name for path in raw.iterdir() if path.suffix != ".gz")


FOUR = [
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
]


def test_archives_in_the_data_folder_are_unpacked_in_the_cache_and_that_folder_is_left_as_it_was(
    tmp_path, monkeypatch, cache, asked, put
):
    shared = tmp_path / "shared"
    put(shared / "mnist")
    monkeypatch.setenv("CNNWIDGETS_DATA", str(shared))
    before = contents(shared)
    images, targets = mnist().images, mnist().targets
    assert images.tolist() == [[[[0, 1], [2, 3]]], [[[4, 5], [6, 7]]], [[[8, 9], [10, 11]]]]
    assert targets.tolist() == [2, 0, 9]
    assert mnist(train=False).targets.tolist() == [4]
    assert contents(shared) == before
    assert unpacked(cache / "mnist" / "MNIST" / "raw") == FOUR
    assert [path.name for path in (cache / "mnist").iterdir()] == ["MNIST"]  # nothing half-done is left behind
    assert asked == []


def test_unpacked_files_in_the_data_folder_are_read_where_they_are(tmp_path, monkeypatch, cache, asked, put):
    raw = put(tmp_path / "shared" / "mnist")
    for archive in list(raw.iterdir()):
        archive.with_suffix("").write_bytes(gzip.decompress(archive.read_bytes()))
        archive.unlink()
    monkeypatch.setenv("CNNWIDGETS_DATA", str(tmp_path / "shared"))
    before = contents(tmp_path / "shared")
    assert mnist().targets.tolist() == [2, 0, 9]
    assert contents(tmp_path / "shared") == before
    assert not cache.exists()


def test_a_cache_filled_once_needs_neither_the_data_folder_nor_the_network(tmp_path, cache, asked, put, monkeypatch):
    put(tmp_path / "shared" / "mnist")
    monkeypatch.setenv("CNNWIDGETS_DATA", str(tmp_path / "shared"))
    mnist()
    monkeypatch.delenv("CNNWIDGETS_DATA")
    assert mnist().targets.tolist() == [2, 0, 9]
    assert asked == []


def test_archives_put_into_the_cache_by_hand_are_enough(cache, asked, put):
    put(cache / "mnist")
    assert mnist().targets.tolist() == [2, 0, 9]
    assert asked == []


def test_a_given_root_is_unpacked_in_place_and_nothing_else_is_looked_at(tmp_path, monkeypatch, cache, asked, put):
    raw = put(tmp_path / "mine")
    monkeypatch.setenv("CNNWIDGETS_DATA", str(tmp_path / "no such folder"))
    assert mnist(str(tmp_path / "mine")).targets.tolist() == [2, 0, 9]
    assert unpacked(raw) == FOUR
    assert not cache.exists()


def test_a_given_root_that_is_read_only_is_unpacked_in_the_cache(tmp_path, cache, asked, put):
    root = tmp_path / "mine"
    raw = put(root)
    root.chmod(0o555)
    try:
        assert mnist(root).targets.tolist() == [2, 0, 9]
        assert unpacked(raw) == []
    finally:
        root.chmod(0o755)
    assert unpacked(cache / "mnist" / "MNIST" / "raw") == FOUR


def test_an_unpacked_file_that_broke_off_is_unpacked_again(cache, asked, put):
    raw = put(cache / "mnist")
    mnist()
    images = raw / "train-images-idx3-ubyte"
    whole = images.read_bytes()
    assert len(whole) == 4 + 3 * 4 + 3 * 2 * 2
    for length in (0, 3, 4, 8, 10, 15, 16, len(whole) - 1):
        images.write_bytes(whole[:length])
        assert mnist().images.sum().item() == sum(range(12))
        assert images.read_bytes() == whole


def test_without_files_and_network_the_error_says_what_is_missing_where_it_looked_and_what_to_do(
    tmp_path, monkeypatch, cache, asked, archives
):
    monkeypatch.setenv("CNNWIDGETS_DATA", str(tmp_path / "shared"))
    with pytest.raises(FileNotFoundError) as caught:
        mnist()
    message = str(caught.value)
    for name in archives:
        assert name in message
    assert f"Looked in: {tmp_path / 'shared' / 'mnist' / 'MNIST' / 'raw'}" in message
    assert f"Looked in: {cache / 'mnist' / 'MNIST' / 'raw'}" in message
    assert "Tried to download, which failed" in message
    assert "the network is unplugged" in message
    assert f"into {cache / 'mnist' / 'MNIST' / 'raw'}" in message
    assert "CNNWIDGETS_DATA" in message
    assert "cnnwidgets.data.digits()" in message
    assert "Damaged" not in message
    assert asked[0].endswith("train-images-idx3-ubyte.gz")
    assert list((cache / "mnist").iterdir()) == []


def test_only_the_missing_file_is_named_as_missing(cache, asked, put):
    raw = put(cache / "mnist")
    (raw / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"cannot be read: missing t10k-labels-idx1-ubyte\.gz\.\n"):
        mnist()
    assert {address.rsplit("/")[-1] for address in asked} == {"t10k-labels-idx1-ubyte.gz"}


def test_a_damaged_archive_is_named_and_neither_read_nor_overwritten(tmp_path, monkeypatch, cache, asked, put):
    raw = put(tmp_path / "shared" / "mnist")
    broken = raw / "train-images-idx3-ubyte.gz"
    broken.write_bytes(broken.read_bytes()[:-9])
    monkeypatch.setenv("CNNWIDGETS_DATA", str(tmp_path / "shared"))
    before = contents(tmp_path / "shared")
    with pytest.raises(FileNotFoundError) as caught:
        mnist()
    assert f"Damaged (wrong MD5 sum): {broken}\n" in str(caught.value)
    assert "missing train-images-idx3-ubyte.gz." in str(caught.value)
    assert contents(tmp_path / "shared") == before
    assert list((cache / "mnist").iterdir()) == []


def test_a_good_archive_in_the_cache_stands_in_for_a_damaged_one(tmp_path, monkeypatch, cache, asked, put):
    broken = put(tmp_path / "shared" / "mnist") / "train-images-idx3-ubyte.gz"
    broken.write_bytes(b"broken")
    put(cache / "mnist")
    monkeypatch.setenv("CNNWIDGETS_DATA", str(tmp_path / "shared"))
    assert mnist().images.sum().item() == sum(range(12))
    assert broken.read_bytes() == b"broken"


def test_a_folder_that_cannot_be_made_is_reported_with_the_reason(tmp_path, cache, asked, archives):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileNotFoundError, match=r"Tried to download, which failed: .*file"):
        mnist(tmp_path / "file" / "mnist")
