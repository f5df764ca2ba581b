from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from cnnwidgets.compute.filters.conv_layers import batch_norms, convolutions


def test_the_table_has_the_convolutions_with_the_shapes_of_their_weights():
    model = nn.Sequential(
        OrderedDict(
            line=nn.Conv1d(2, 3, 5),
            relu=nn.ReLU(),
            block=nn.Sequential(nn.Conv2d(4, 8, (3, 1), groups=2), nn.Linear(2, 2)),
            deep=nn.Conv3d(1, 2, (2, 3, 4)),
            up=nn.ConvTranspose2d(6, 4, 2),
        )
    )
    table = convolutions(model)
    assert [(row.name, row.type, row.shape, row.planes) for row in table] == [
        ("line", "Conv1d", (3, 2, 1, 5), 1),
        ("block.0", "Conv2d", (8, 2, 3, 1), 1),
        ("deep", "Conv3d", (2, 1, 2, 3, 4), 2),
        ("up", "ConvTranspose2d", (4, 6, 2, 2), 1),
    ]
    assert table[0].label == "line · Conv1d · 3 @ 2x1x5"
    assert [row.name for row in table.showable] == table.names


def test_a_convolution_that_is_registered_twice_is_listed_once_under_its_first_name():
    conv = nn.Conv2d(1, 1, 1)
    assert convolutions(nn.Sequential(OrderedDict(first=conv, again=conv))).names == ["first"]


def test_a_subclass_and_a_parametrised_convolution_are_convolutions_and_their_parts_are_not():
    class Mine(nn.Conv2d):
        pass

    part = nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 1, 1))
    assert [(row.name, row.type) for row in convolutions(nn.Sequential(Mine(1, 1, 1), part))] == [
        ("0", "Mine"),
        ("1", "Conv2d"),
    ]


def test_a_block_that_only_has_the_attributes_of_a_convolution_is_none():
    class Block(nn.Module):
        in_channels = out_channels = kernel_size = groups = 1

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)

    assert convolutions(nn.Sequential(Block())).names == ["0.conv"]


# ---------------------------------------------------------------------- BatchNorm


class Residual(nn.Module):
    """conv1 -> bn1 -> conv2 -> bn2, and conv3 goes to bn3 and past it; bn4 takes from two convolutions."""

    def __init__(self):
        super().__init__()
        for k in range(1, 6):
            setattr(self, f"conv{k}", nn.Conv2d(2, 2, 1))
            setattr(self, f"bn{k}", nn.BatchNorm2d(2))

    def forward(self, x):
        x = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        y = self.conv3(x)
        return self.bn3(y) + y + self.bn4(self.conv4(x)) + self.bn4(self.conv5(x))


class Branching(Residual):
    """The same, and which way it goes depends on the data."""

    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else x


def test_the_graph_tells_which_batchnorm_gets_the_output_of_a_convolution_and_nothing_else_does():
    assert batch_norms(Residual()) == {"conv1": "bn1", "conv2": "bn2"}


def test_without_a_graph_only_neighbours_in_a_sequential_are_certain():
    model = Branching()
    model.part = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1), nn.ReLU(), nn.BatchNorm2d(2))
    assert batch_norms(model) == {"part.0": "part.1"}


def test_a_batchnorm_without_statistics_cannot_be_folded():
    model = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2, track_running_stats=False))
    assert batch_norms(model) == {}


def test_looking_for_batchnorms_runs_and_changes_nothing(counted, watched):
    model = Residual().train()
    before, calls = watched(model), counted(model)
    model_hooks = watched(model)
    batch_norms(model)
    convolutions(model)
    assert not calls
    assert watched(model) == model_hooks != before


@pytest.mark.parametrize(("name", "found", "all_of_them"), [("resnet18", 20, 20), ("densenet121", 59, 120)])
def test_published_networks(name, found, all_of_them):
    import torchvision

    model = torchvision.models.get_model(name, weights=None)
    pairs = batch_norms(model)
    assert (len(pairs), len(convolutions(model))) == (found, all_of_them)
    parts = dict(model.named_modules())
    assert all(parts[first].out_channels == parts[second].num_features for first, second in pairs.items())
    assert torch.is_grad_enabled()
