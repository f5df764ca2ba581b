"""Which part of an image a place sees, by hand."""

from __future__ import annotations

import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.evidence import patch_of
from cnnwidgets.compute.scan import Place


def looked(model: nn.Module, layer: str, size: tuple[int, int] = (8, 10)):
    image = torch.rand(1, *size)
    return cw.receptive_field(model, image, layer), cw.layer_table(model, image)[layer]


def test_a_place_of_a_convolution_sees_its_window():
    field, row = looked(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2)), "1")
    patch = patch_of(field, Place(1.0, 0, 1, 3), 0, row)
    assert patch.box == (1, 5, 5, 9) and not patch.clipped  # pixels 2, 3 and 6, 7, and one more on each side


def test_it_is_clipped_at_the_edges_and_says_by_how_much():
    field, row = looked(nn.Sequential(nn.Conv2d(1, 2, 5, padding=2)), "0")
    patch = patch_of(field, Place(1.0, 0, 0, 9), 1, row)
    assert (patch.box, patch.beyond) == ((0, 7, 3, 10), (2, 0, 0, 2)) and patch.clipped


def test_through_a_skip_it_is_the_larger_of_both_ways():
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(1, 1, 3, padding=1), nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(x + self.conv(x))

    field, row = looked(Skip(), "last")
    assert patch_of(field, Place(1.0, 0, 4, 4), 0, row).box == (3, 3, 6, 6)


def test_a_unit_behind_a_linear_layer_sees_all_and_is_not_clipped():
    field, row = looked(nn.Sequential(nn.Flatten(), nn.Linear(80, 3)), "1")
    patch = patch_of(field, Place(1.0, 0, 0, 0), 2, row)
    assert patch.box == (0, 0, 8, 10) and not patch.clipped


def test_a_token_stands_for_its_place_in_the_grid_and_a_class_token_for_the_whole_image():
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.last = nn.Conv2d(1, 5, 2, stride=2), nn.Identity()
            self.token = nn.Parameter(torch.zeros(1, 1, 5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tokens = self.embed(x).flatten(2).transpose(1, 2)
            return self.last(torch.cat([self.token.expand(len(x), -1, -1), tokens], 1))

    field, row = looked(Tokens(), "last", (8, 8))
    assert row.kind == "tokens"
    assert patch_of(field, Place(1.0, 0, 0, 1 + 4 + 2), 0, row).box == (2, 4, 4, 6)  # row 1, column 2 of 4 x 4
    assert patch_of(field, Place(1.0, 0, 0, 0), 0, row).box == (0, 0, 8, 8)
