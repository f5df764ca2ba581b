"""Which rows of a layer table are worth choosing."""

from __future__ import annotations

import torch
from torch import nn

from cnnwidgets.compute.layers import layer_table
from cnnwidgets.compute.overview import ordinary
from tests.compute.overview.test_stages import IMAGE, Small
from tests.compute.zoo_tools import from_torchvision


def test_what_repeats_or_only_moves_numbers_is_left_out():
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout()), nn.Identity(), nn.Flatten(), nn.Linear(72, 3)
    )
    assert ordinary(layer_table(model, IMAGE)).names == ["0.0", "3"]
    assert "add" in ordinary(layer_table(Small(), IMAGE)).names


def test_what_computes_on_weights_is_left_out():
    class Standardised(nn.Conv2d):
        def forward(self, images):
            return nn.functional.conv2d(images, self.weight - self.weight.mean())

    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.embedding = Standardised(1, 2, 3), nn.Linear(4, 2)
            self.places = nn.Parameter(torch.rand(1, 4))

        def forward(self, images):
            return self.conv(images) + self.embedding(self.places)[..., None, None]

    table = layer_table(Fixed(), IMAGE)
    assert "embedding" in table.names
    assert ordinary(table).names == ["conv", "add"]


def test_all_is_offered_where_nothing_is_worth_choosing():
    table = layer_table(nn.Sequential(nn.Identity(), nn.Flatten(), nn.Dropout()), IMAGE)
    assert ordinary(table).names == table.showable.names != []


def test_windows_of_tokens_are_no_picture():
    model, image, _ = from_torchvision("swin_t")
    table = layer_table(model, image)
    kept = ordinary(table)
    assert 0 < len(kept) < 0.75 * len(table)
    assert all(row.batch_axis is not None or row.kind != "tokens" for row in kept)
