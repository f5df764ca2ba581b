"""Scans of parts, put together in any order and grouping."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.scan.tally import FIELDS

COUNTED = tuple(name for name in FIELDS if name not in ("total", "squares", "class_total", "class_squares"))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


IMAGES = [
    (torch.randint(-3, 4, (1, 4, 4), generator=torch.Generator().manual_seed(at)).float(), at % 4) for at in range(41)
]


def part_of(at: int, of: int, **options) -> cw.Scan:
    return cw.scan(network(), IMAGES, part=(at, of), k=4, batch_size=4, progress=False, **options)


def same(one: cw.Scan, other: cw.Scan) -> None:
    assert list(one) == list(other) and one.parts == other.parts and one.skipped == other.skipped
    for name in one:
        for field in COUNTED:
            assert torch.equal(one[name][field], other[name][field]), (name, field)
        for numbers in ("mean", "std", "class_mean", "class_std"):
            torch.testing.assert_close(getattr(one[name], numbers), getattr(other[name], numbers), equal_nan=True)


def test_parts_merged_in_any_order_and_grouping_are_the_same():
    parts = [part_of(at, 3) for at in range(3)]
    first = cw.Scan.merge(*parts)
    assert first.complete and first.done == 41
    for a, b, c in itertools.permutations(parts):
        same(cw.Scan.merge(cw.Scan.merge(a, b), c), first)
        same(cw.Scan.merge(a, cw.Scan.merge(b, c)), first)


def test_the_parts_together_are_the_whole():
    whole, parts = part_of(0, 1), cw.Scan.merge(*(part_of(at, 5) for at in range(5)))
    for name in whole:
        for field in ("images", "count", "zeros", "firing", "image", "class_images"):
            assert torch.equal(whole[name][field], parts[name][field]), (name, field)
        torch.testing.assert_close(whole[name].values, parts[name].values)
        torch.testing.assert_close(whole[name].mean, parts[name].mean)
        torch.testing.assert_close(whole[name].std, parts[name].std)


def test_merging_changes_neither_part():
    one, other = part_of(0, 2), part_of(1, 2)
    before = {name: value.clone() for name, value in one["0"].tally.numbers.items()}
    cw.Scan.merge(one, other)
    assert all(torch.equal(before[name], one["0"][name]) for name in FIELDS)


@pytest.mark.parametrize(("one", "other"), [((0, 2), (0, 2)), ((0, 2), (2, 4)), ((0, 1), (1, 3))])
def test_parts_with_images_in_common_are_refused(one, other):
    with pytest.raises(ValueError, match="have images in common"):
        cw.Scan.merge(part_of(*one), part_of(*other))


def test_parts_of_different_scans_are_refused_with_what_differs():
    trained = network()
    trained[0].weight.data += 1
    for other, words in (
        (part_of(1, 2, statistic="mean"), "with other options"),
        (cw.scan(trained, IMAGES, part=(1, 2), k=4, progress=False), "of other weights"),
        (cw.scan(network(), IMAGES[:40], part=(1, 2), k=4, progress=False), "of another data set"),
        (part_of(1, 2, layers=["0"]), "of other layers"),
    ):
        with pytest.raises(ValueError, match=words):
            cw.Scan.merge(part_of(0, 2), other)


def test_nothing_to_merge_is_refused():
    with pytest.raises(ValueError, match="no scan is given"):
        cw.Scan.merge()


def test_a_scan_of_a_resnet18_is_small():
    """Of 4,800 channels, with 16 places and 10 classes."""
    layers = [torch.nn.Conv2d(1, 1200, 1), torch.nn.ReLU(), torch.nn.Sigmoid(), torch.nn.Tanh()]
    images = [(torch.rand(1, 2, 2), at % 10) for at in range(20)]
    found = cw.scan(nn.Sequential(*layers), images, k=16, progress=False)
    tensors, _ = found.record()
    assert sum(layer.channels for layer in found.values()) == 4800
    assert sum(tensor.nbytes for tensor in tensors.values()) < 5_000_000
