"""Two scans in the place of two networks: the same answers, and nothing runs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


def images(count: int = 12) -> list[tuple[torch.Tensor, int]]:
    generator = torch.Generator().manual_seed(5)
    return [(torch.randn(1, 4, 4, generator=generator), at % 2) for at in range(count)]


def scans(*models: nn.Module, **options) -> list[cw.Scan]:
    return [cw.scan(model, images(), progress=False, **options) for model in models]


def test_disagreements_of_two_scans_are_those_of_two_networks_of_two_classes(counted):
    one, other = network(), network(1)
    found = scans(one, other)
    calls = counted(one)
    ours = cw.disagreements(*found)
    assert calls["0"] == 0
    theirs = cw.disagreements(one, other, images(), progress=False)
    assert len(ours) and [each.index for each in ours] == [each.index for each in theirs]
    for mine, known in zip(ours, theirs, strict=True):
        assert (mine.a, mine.b, mine.names, mine.truth) == (known.a, known.b, known.names, known.truth)
        assert mine.shares == pytest.approx(known.shares, abs=1e-5)
        assert mine.score == pytest.approx(known.score, abs=1e-5)  # of two classes, the other is the second
    assert torch.equal(ours.confusion, theirs.confusion) and ours.moved.isnan().all()
    assert (ours.images, ours.right, ours.labelled, ours.matched) == (12, theirs.right, 12, theirs.matched)


def test_classes_in_another_order_are_matched_by_name():
    one, other = network(), network()
    with torch.no_grad():
        for part in (other[3].weight, other[3].bias):
            part.copy_(part.flip(0).clone())
    found = cw.disagreements(*scans(one, other), classes=(["cat", "dog"], ["dog", "cat"]))
    assert (len(found), found.matched, found.images) == (0, "by name", 12)


def test_means_of_channels_are_compared_without_a_pass():
    one, other = network(), network()
    with torch.no_grad():
        other[0].bias[1] += 0.5
    found = cw.response_changes(*scans(one, other), layers=["0", "1"])
    assert list(found) == ["0", "1"] and found.images == 12
    assert found["0"].difference.tolist() == pytest.approx([0.0, 0.5, 0.0], abs=1e-6)
    assert found["0"].correlation.isnan().all() and found["0"].largest.isnan().all()
    outputs = [cw.activations(model, torch.stack([image for image, _ in images()]), "0") for model in (one, other)]
    spread = outputs[0].movedim(1, 0).flatten(1).std(1, correction=0)  # of both: they differ by a constant
    assert torch.allclose(found["0"].spread, spread, atol=1e-6)
    assert found["0"].shifts.tolist() == pytest.approx([0.0, 0.5 / float(spread[1]), 0.0], abs=1e-6)
    assert found["0"].shift == pytest.approx(0.5 / float(spread[1]) / 3)
    passed = cw.response_changes(one, other, images(), ["0"], progress=False)  # of maps so small every position counts
    assert torch.allclose(passed["0"].shifts, found["0"].shifts, atol=1e-5)
    same = cw.response_changes(*scans(one, network()))
    assert all(change.change == 0.0 for change in same.values())  # the very same weights


def test_where_no_change_is_known_layers_are_ranked_by_how_far_their_means_shifted():
    one, other = network(), network()
    with torch.no_grad():
        other[3].bias[1] += 50
    found = cw.response_changes(*scans(one, other), layers=["0", "3"])
    assert found.ranking == ["3", "0"] and all(change.channels.isnan().all() for change in found.values())


def test_what_cannot_be_compared_is_said():
    one, other = network(), network(1)
    (scan,), (half,) = scans(one), scans(other, part=(0, 2))
    with pytest.raises(TypeError, match="a Scan and Sequential"):
        cw.disagreements(scan, other)
    with pytest.raises(TypeError, match="leave out dataset"):
        cw.disagreements(scan, half, images())
    with pytest.raises(ValueError, match="same data set"):
        cw.disagreements(scan, cw.scan(other, images(8), progress=False))
    with pytest.raises(ValueError, match="means of the same images"):
        cw.response_changes(scan, half)
    assert cw.disagreements(scan, half).images == 6
    with pytest.raises(ValueError, match="no predictions"):
        cw.disagreements(scan, *scans(other, predictions=False))
    with pytest.raises(LookupError, match="was not scanned"):
        cw.response_changes(scan, scan, layers=["7"])
