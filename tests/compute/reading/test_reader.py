"""Images one by one: small ones are looked at together, and say the same as when each is looked at alone."""

from __future__ import annotations

import pytest
import torch

from cnnwidgets.compute.dataset import Items
from cnnwidgets.compute.reading import Reader, reader


class Counted(list):
    """Counts how often each item is read."""

    def __init__(self, *args):
        super().__init__(*args)
        self.read = []

    def __getitem__(self, index):
        self.read.append(index)
        return super().__getitem__(index)


def images(count=6, kind=torch.float32):
    return [(torch.full((1, 2, 2), at, dtype=kind), at % 3) for at in range(count)]


def reading(data, **options):
    made = Reader(Items(data), 0, **{"skips": True, **options})
    made.read([0], {})  # the form of the images is known from now on
    return made


@pytest.fixture
def sums(monkeypatch):
    """How many sums are asked for."""
    asked = []
    real = reader.is_finite
    monkeypatch.setattr(reader, "is_finite", lambda values: asked.append(len(values)) or real(values))
    return asked


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8])
def test_images_of_one_form_are_read_once_and_summed_up_together(kind, sums):
    data = Counted((image * 10_000 if kind == torch.float16 else image, label) for image, label in images(kind=kind))
    made = reading(data)
    data.read.clear(), sums.clear()
    assert [(index, item.label) for index, item in made.read(range(6), {})] == [(at, at % 3) for at in range(6)]
    assert (data.read, sums) == (list(range(6)), [6])


@pytest.mark.parametrize(("together", "asked"), [(10, [2, 2, 2]), (4, [1] * 6), (3, [1] * 6)])
def test_images_that_are_large_are_summed_up_one_by_one(together, asked, sums, monkeypatch):
    monkeypatch.setattr(reader, "TOGETHER", together)
    made = reading(images())
    sums.clear()
    assert len(made.read(range(6), {})) == 6 and sums == asked


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_an_image_with_numbers_that_are_not_finite_is_named_among_others(bad):
    data = images()
    data[2][0][0, 1, 1] = bad
    data[4] = (None, 0)
    skipped: dict[int, str] = {}
    assert [index for index, _ in reading(data).read(range(6), skipped)] == [0, 1, 3, 5]
    assert list(skipped) == [2, 4] and "image 2 holds NaN or infinite values: 1 of 4 numbers" in skipped[2]
    with pytest.raises(ValueError, match="image 2 holds NaN or infinite values"):
        reading(data, skips=False).read(range(6), {})


def test_numbers_whose_sum_overflows_are_finite():
    data = [(torch.full((1, 1, 2), 3e38), 0) for _ in range(3)]
    assert len(reading(data).read(range(3), {})) == 3


def test_items_for_prepare_may_hold_what_they_like():
    data = [{"image": torch.full((1, 2, 2), torch.nan)} for _ in range(3)]
    made = Reader(Items(data, prepare=lambda item: item["image"]), 0, skips=False)
    assert len(made.read(range(3), {})) == 3
