"""Edges between stages: worked out by hand, and held against passes in which one output is changed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets.compute.layers import layer_table
from cnnwidgets.compute.overview import edges, follow, stages
from tests.compute.overview.test_stages import IMAGE, Small
from tests.compute.overview.truth import stirred, wrong_edges
from tests.compute.zoo_tools import from_torchvision


def shown(model, image=IMAGE, opened=None, prepare=None):
    found = stages(layer_table(model, image, prepare=prepare))
    rows = found.rows(opened)
    return [(edge.source.name, edge.target.name) for edge in edges(rows, follow(model, image, prepare=prepare))]


def test_a_skip_leads_from_where_it_came_to_where_it_is_added():
    found = shown(Small(), opened=["blocks", "blocks.1"])
    assert found == [
        ("stem", "blocks.0"), ("blocks.0", "blocks.1.relu:1"), ("blocks.1.relu:1", "blocks.1.conv"),
        ("blocks.0", "add_1"), ("blocks.1.conv", "add_1"), ("add_1", "blocks.1.relu:2"), ("blocks.1.relu:2", "mean"),
        ("mean", "head"),
    ]  # fmt: skip


def test_what_is_folded_has_the_edges_of_what_is_in_it():
    assert shown(Small(), opened=[]) == [("stem", "blocks"), ("blocks", "mean"), ("mean", "head")]


def test_what_is_written_in_place_belongs_to_the_last_that_wrote():
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.relu, self.end = nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Conv2d(2, 2, 1)

        def forward(self, images):
            maps = self.conv(images)
            self.relu(maps)
            return self.end(maps)

    assert shown(InPlace()) == [("conv", "relu"), ("relu", "end")]


def test_halves_that_are_written_into_one_tensor_feed_what_reads_them():
    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3)
            self.first, self.both = nn.Conv2d(2, 1, 1), nn.Conv2d(4, 1, 1)

        def forward(self, images):
            whole = torch.zeros(1, 4, 6, 6)
            whole[:, :2] = self.a(images)
            whole[:, 2:] = self.b(images)
            return self.first(whole[:, :2]), self.both(whole)

    assert shown(Halves()) == [("a", "first"), ("a", "both"), ("b", "both")]


def test_a_layer_that_hands_on_its_input_does_not_take_over_other_uses_of_it():
    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.hands_on = nn.Conv2d(1, 2, 3), nn.Identity()
            self.left, self.right = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)

        def forward(self, images):
            maps = self.conv(images)
            return self.left(self.hands_on(maps)), self.right(maps)

    found = stages(layer_table(Beside(), IMAGE))
    rows = found.rows(everything=True)
    pairs = {(edge.source.name, edge.target.name) for edge in edges(rows, follow(Beside(), IMAGE))}
    assert {("conv", "hands_on"), ("hands_on", "left"), ("conv", "right")} <= pairs
    assert ("hands_on", "right") not in pairs


def test_the_size_of_a_tensor_feeds_nothing():
    class Sized(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 1)

        def forward(self, images):
            return self.b(torch.zeros_like(self.a(images)) + 1)

    assert [pair for pair in shown(Sized()) if pair[0] == "a"] == []


def test_a_branch_that_depends_on_data_is_followed_as_it_went():
    class Either(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.left, self.right = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 1), nn.ReLU()

        def forward(self, images):
            maps = self.stem(images)
            return self.left(maps) if images.sum() > 0 else self.right(maps)

    assert shown(Either(), IMAGE) == [("stem", "left")]
    assert shown(Either(), -IMAGE) == [("stem", "right")]


def test_a_pass_that_cannot_be_followed_has_no_edges():
    scripted = torch.jit.script(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()))
    flow = follow(scripted, IMAGE)
    assert "TorchScript" in flow.reason
    assert edges(stages(layer_table(scripted, IMAGE)).rows(), flow) == []


class UNet(nn.Module):
    """Down, up, and a skip that is joined."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([self.step(1, 4), self.step(4, 8)])
        self.middle = self.step(8, 8)
        self.up = nn.ModuleList([nn.ConvTranspose2d(8, 8, 2, 2), nn.ConvTranspose2d(4, 4, 2, 2)])
        self.after = nn.ModuleList([self.step(16, 4), self.step(8, 2)])

    @staticmethod
    def step(before: int, after: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(inplace=True))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        kept, maps = [], images
        for step in self.down:
            maps = step(maps)
            kept.append(maps)
            maps = nn.functional.max_pool2d(maps, 2)
        maps = self.middle(maps)
        for up, step in zip(self.up, self.after, strict=True):
            maps = step(torch.cat([kept.pop(), up(maps)], 1))
        return maps


class Recurrent(nn.Module):
    """Rows of an image, read one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(8, 5, 2, batch_first=True), nn.Linear(5, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs, (hidden, _) = self.lstm(images[:, 0])
        return self.head(outputs[:, -1] + hidden[-1])


OWN = {"small": Small, "unet": UNet, "recurrent": Recurrent}
LARGE = ["googlenet", "shufflenet_v2_x0_5", "mobilenet_v3_small", "vit_b_16", "densenet121"]


@pytest.mark.parametrize("name", [*OWN, "resnet18", *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_what_a_stage_feeds_moves_when_it_is_changed_and_all_else_stays(name):
    torch.manual_seed(0)
    model, image, prepare = (OWN[name](), IMAGE, None) if name in OWN else from_torchvision(name)
    stirred(model)
    found, flow = stages(layer_table(model, image, prepare=prepare)), follow(model, image, prepare=prepare)
    assert flow.reason == ""
    for opened, most in ((None, 4), ([stage.name for stage in found], 3)):
        rows = found.rows(opened)
        wrong, looked = wrong_edges(model, image, rows, edges(rows, flow), prepare, most)
        assert looked
        assert wrong == []
        assert opened is not None or len(rows) <= 40


def test_following_a_pass_changes_nothing():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.ReLU(inplace=True)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    follow(model, IMAGE)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(part.training and not part._forward_hooks and not part._forward_pre_hooks for part in model.modules())
