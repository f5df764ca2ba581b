"""Fashion-MNIST, read by the same code as MNIST."""

from __future__ import annotations

import pytest

from cnnwidgets.data import fashion_mnist


def test_the_test_set_begins_with_a_boot_a_pullover_and_two_pairs_of_trousers(data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    dataset = fashion_mnist(train=False)
    assert tuple(dataset.images.shape) == (10_000, 1, 28, 28)
    names = [dataset.classes[dataset[index][1]] for index in range(4)]
    assert names == ["Ankle boot", "Pullover", "Trouser", "Trouser"]
    assert dataset.targets.bincount().tolist() == [1000] * 10


def test_it_has_a_folder_of_its_own_in_the_cache(cache, asked):
    with pytest.raises(FileNotFoundError) as caught:
        fashion_mnist()
    assert f"Looked in: {cache / 'fashion-mnist' / 'FashionMNIST' / 'raw'}" in str(caught.value)
    assert "fashion-mnist/FashionMNIST/raw" in str(caught.value)
