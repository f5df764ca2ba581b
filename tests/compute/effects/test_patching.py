"""Causal tracing: how much of the score a layer restores with the values of the clean image."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.testing import deep_state, different


class Two(nn.Module):
    """Two ways side by side, 1 for the first pixel and 3 for the second, and one score beside a 0."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.sum = nn.Linear(2, 1, bias=False), nn.Linear(2, 1, bias=False), nn.Identity()
        self.left.weight.data, self.right.weight.data = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 3.0]])

    def forward(self, x):
        both = self.sum(torch.cat([self.left(x), self.right(x)], 1))
        score = both.sum(1, keepdim=True)
        return torch.cat([score, score * 0], 1)


CLEAN, CORRUPTED = torch.tensor([[1.0, 1.0], [2.0, 1.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0]])


def test_each_way_restores_its_share():
    found = cw.patching(Two(), CLEAN, CORRUPTED, ["left", "right", "sum"], progress=False)
    assert found.clean.tolist() == [4, 5] and found.corrupted.tolist() == [0, 3] and found.targets.tolist() == [0, 0]
    assert found.scores["left"].tolist() == [1, 5] and found.scores["right"].tolist() == [3, 3]
    assert found.restored["left"].tolist() == [0.25, 1] and found.restored["right"].tolist() == [0.75, 0]
    assert found.restored["sum"].tolist() == [1, 1]
    assert found.mean["left"].item() == 3 / 6
    assert found.to_frame()["restored"].tolist() == [0.5, 0.5, 1]


def test_channels_are_patched_one_by_one():
    found = cw.patching(Two(), CLEAN, CORRUPTED, "sum", 0, by="channel", progress=False)
    assert found.scores["sum"].tolist() == [[1, 3], [5, 3]]
    assert found.to_frame().loc["sum"].tolist() == [0.5, 0.5]


def test_pairs_that_do_not_differ_restore_nothing():
    found = cw.patching(Two(), CLEAN, CLEAN, "sum", progress=False)
    assert found.restored["sum"].isnan().all() and found.mean["sum"].isnan()


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 3, 3), nn.Flatten(), nn.Linear(3 * 16, 3)
    )


@pytest.mark.parametrize("by", ["channel", "place"])
def test_maps_are_patched_as_an_intervention_patches_them(network, by):
    clean, corrupted = torch.rand(2, 2, 3, 8, 8).unbind(0)
    before = deep_state(network)
    found = cw.patching(network, clean, corrupted, ["0"], 1, by=by, progress=False)
    values = cw.activations(network, clean, "0")
    for item in range(4):
        chosen = {"channels": item} if by == "channel" else {"region": (1, item, 2, item + 1)}
        with cw.intervene(network, {"0": cw.Replace(values, **chosen)}), torch.no_grad():
            expected = network(corrupted)[:, 1]
        mine = found.scores["0"][:, item] if by == "channel" else found.scores["0"][:, 1, item]
        assert torch.allclose(mine, expected, atol=1e-6)
    assert found.scores["0"].shape == ((2, 4) if by == "channel" else (2, 6, 6))
    assert found.words["0"] == "what is behind 0 runs: 4 of 5 steps"
    assert different(before, deep_state(network)) == []


class Tokens(nn.Module):
    """A small vision transformer: patches, a class token, one block, its head."""

    def __init__(self):
        super().__init__()
        self.patch, self.token = nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.randn(1, 1, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = self.block(torch.cat([self.token.expand(len(x), -1, -1), x], 1))
        return self.head(self.norm(x)[:, 0])


def test_tokens_are_places_and_only_the_class_token_counts_at_the_end():
    torch.manual_seed(0)
    clean, corrupted = torch.rand(2, 1, 3, 12, 8).unbind(0)
    found = cw.patching(Tokens().eval(), clean, corrupted, ["block", "norm"], 2, by="place", progress=False)
    for layer in ("block", "norm"):
        restored = found.restored[layer][0]
        assert restored.shape == (7,)
        assert torch.allclose(restored, torch.tensor([1.0, 0, 0, 0, 0, 0, 0]), atol=1e-4)


def test_it_is_stopped_with_the_layers_that_are_done():
    found = cw.patching(Two(), CLEAN, CORRUPTED, ["left", "right"], progress=lambda done, total: done < 1)
    assert list(found.scores) == ["left"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": []}, "no layers"),
        ({"layers": "sum", "by": "pixel"}, "by is 'layer', 'channel' or 'place'"),
        ({"layers": "sum", "by": "place"}, "has no places, only 2 units"),
        ({"layers": "sum", "target": 5}, "no target 5"),
    ],
)
def test_what_makes_no_sense_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        cw.patching(Two(), CLEAN, CORRUPTED, **options, progress=False)


def test_pairs_are_of_one_shape(network):
    with pytest.raises(ValueError, match="must have one shape"):
        cw.patching(network, torch.rand(2, 3, 8, 8), torch.rand(1, 3, 8, 8), "0", progress=False)


def test_layers_are_patched_one_after_the_other_and_a_name_given_twice_counts_once():
    patcher = cw.LayerPatcher(Two(), CLEAN, CORRUPTED, ["left", "right", "left"])
    assert (patcher.done, patcher.total) == (0, 2)
    assert list(patcher.step().scores) == ["left"] and patcher.done == 1
    assert [list(partial.scores) for partial in patcher] == [["left", "right"]]
    assert patcher.step().restored["right"].tolist() == [0.75, 0] and "2 of 2 layers" in repr(patcher)
