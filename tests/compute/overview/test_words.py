"""What is said of a layer, a block and an operation, and what is not said."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets.compute.layers import layer_table
from cnnwidgets.compute.overview import describe, edges, follow, stages
from tests.compute.overview.test_stages import IMAGE, Small

MAPS = torch.rand(6, 8, 8)


def said(model, image=IMAGE, opened=None, everything=False):
    found = stages(layer_table(model, image))
    rows = found.rows(opened, everything=everything)
    between = edges(rows, follow(model, image))
    return {row.name: describe(row, model, [edge for edge in between if edge.target is row]) for row in rows}


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (nn.Conv2d(6, 16, 5), "16 filters of 5 × 5 over 6 maps"),
        (nn.Conv2d(6, 1, 3, stride=2), "1 filter of 3 × 3 over 6 maps, in steps of 2"),
        (nn.Conv2d(6, 6, 3, groups=6), "6 filters of 3 × 3 over one map each"),
        (nn.Conv2d(6, 4, (1, 3), groups=2, dilation=2), "4 filters of 1 × 3 over 3 of 6 maps each, dilated by 2"),
        (nn.ConvTranspose2d(6, 3, 2, stride=2), "3 filters of 2 × 2 over 6 maps, transposed, in steps of 2"),
        (nn.MaxPool2d(2), "keeps the largest of each 2 × 2"),
        (nn.MaxPool2d(3, 2), "keeps the largest of each 3 × 3, in steps of 2"),
        (nn.AvgPool2d(2), "averages each 2 × 2"),
        (nn.AdaptiveAvgPool2d(1), "averages each map to one number"),
        (nn.AdaptiveAvgPool2d((2, 4)), "averages 2 × 4 parts of each map"),
        (nn.BatchNorm2d(6), "scales and shifts each map by its own two numbers (batch norm)"),
        (nn.GroupNorm(2, 6), "brings 2 groups of maps to mean 0 and variance 1, then scales (group norm)"),
        (nn.ReLU(), "sets negative numbers to 0"),
        (nn.Dropout(), "does nothing in evaluation"),
        (nn.Upsample(scale_factor=2), "enlarges each map 2 times (nearest)"),
        (nn.Flatten(), "puts all numbers in one row"),
    ],
)
def test_a_layer_of_torch_is_described(layer, words):
    model = nn.Sequential(nn.Conv2d(6, 6, 1), layer)
    assert said(model, MAPS, everything=True)["1"] == words


def test_a_linear_layer_says_what_it_sums():
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 1000))
    assert said(model, MAPS)["2"] == "1,000 weighted sums of 6 numbers"


def test_a_class_is_not_believed_by_its_base():
    class Doubled(nn.ReLU):
        def forward(self, maps):
            return 2 * maps

    class Squared(nn.Conv2d):
        def forward(self, maps):
            return super().forward(maps) * maps[:, :3, 2:, 2:]

    class Quiet(nn.Conv2d):
        def forward(self, maps):
            return super().forward(maps)

    class Waking(nn.Dropout):
        def forward(self, maps):
            return nn.functional.dropout(maps, 0.5, training=True)

    model = nn.Sequential(Quiet(6, 3, 3), Doubled(), Squared(3, 3, 3), Waking())
    assert list(said(model, MAPS, everything=True).values()) == [
        "3 filters of 3 × 3 over 6 maps",
        "gives 3 maps of 6 × 6",
        "3 filters of 3 × 3 over 3 maps, then mul",
        "gives 3 maps of 4 × 4",
    ]


def test_operations_name_what_they_add_and_join():
    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(6, 4, 1), nn.Conv2d(6, 2, 1)

        def forward(self, maps):
            return torch.relu(torch.cat([self.a(maps), self.b(maps)], 1))

    words = said(Joined(), MAPS)
    assert words["cat"] == "joins 2 branches: 4 + 2 maps"
    assert words["relu"] == "sets negative numbers to 0"
    assert said(Small(), opened=["blocks", "blocks.1"])["add_1"] == "adds the skip from blocks.0"


def test_a_folded_module_says_what_is_in_it():
    block = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 1, 1))
    model = nn.Sequential(nn.Sequential(block, nn.Sequential(*block)), nn.Sequential(nn.Flatten(), nn.Linear(64, 2)))
    assert list(said(model, opened=[]).values()) == ["2 blocks of 2 convolutions, 1 map", "1 linear layer, 2 numbers"]


def test_what_a_module_does_on_its_own_is_not_guessed():
    class Strange(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, maps):
            return maps.cumsum(2) * self.scale

    assert said(nn.Sequential(Strange(), nn.ReLU()), MAPS)["0"] == "gives 6 maps of 8 × 8"
