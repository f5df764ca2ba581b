"""Which rows of a layer table are worth choosing."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from cnnwidgets.compute.layers import LayerTable, layer_table
from cnnwidgets.compute.overview import choosing, is_picture, ordinary, pictures, worth_choosing
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


class Attends(nn.Module):
    """1 x 4 x 4 -> `conv` 4 maps -> 16 tokens -> two heads of q, k, v -> `head`; and `ask`: nine queries of the tokens.

    Moves numbers by `flatten`, `transpose`, `unflatten` (twice for each of q, k and v) and `squeeze`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.qkv = nn.Conv2d(1, 4, 1), nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.scale, self.drop, self.head = nn.ReLU(), nn.Dropout(), nn.Linear(4, 3)
        self.queries, self.ask = nn.Parameter(torch.rand(1, 9, 4)), nn.Linear(4, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.drop(self.conv(images)).flatten(2).transpose(1, 2)
        q, k, v = (layer(tokens).unflatten(-1, (2, 2)).transpose(1, 2) for layer in self.qkv)
        mixed = nn.functional.scaled_dot_product_attention(self.scale(q), k, v)
        tokens = mixed.transpose(1, 2).flatten(2)
        asked = nn.functional.scaled_dot_product_attention(self.queries.expand(1, 9, 4), tokens, tokens)
        return self.head(self.ask(asked).mean(1))


def test_q_k_and_v_of_an_attention_and_object_queries_are_no_picture():
    table = layer_table(Attends().eval(), IMAGE[..., :4, :4])
    assert (table["scale"].form, table["ask"].form) == ("2 @ 16x2", "9 tokens x 4")
    assert table["qkv.0"].form == "16 tokens x 4"  # a grid of 4 x 4, as the maps of `conv` are
    kept = ordinary(table)
    assert kept.names == ["conv", "qkv.0", "qkv.1", "qkv.2", "mean", "head"]


class Spelled(nn.Module):
    """1 x 4 x 4 -> `conv` 4 maps -> 16 tokens -> two heads with attention `weights` 2 x 16 x 16 -> `mix`, `head`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.weights = nn.Conv2d(1, 4, 1), nn.Softmax(-1)
        self.mix, self.head = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.conv(images).flatten(2).transpose(1, 2)
        heads = tokens.unflatten(-1, (2, 2)).transpose(1, 2)
        weights = self.weights(heads @ heads.transpose(-2, -1))
        return self.head(self.mix((weights @ heads).transpose(1, 2).flatten(2)).mean(1))


def test_how_much_tokens_attend_to_each_other_is_no_picture():
    table = layer_table(Spelled().eval(), IMAGE[..., :4, :4])
    assert table["weights"].shape == (2, 16, 16)
    assert ordinary(table).names == ["conv", "mix", "mean", "head"]
    row = replace(table["conv"], type="Softmax", shape=(2, 16, 16))
    assert [is_picture(row, {(4, 4)}, {tokens}) for tokens in (16, 17)] == [False, True]
    assert is_picture(row, {(16, 16)}, {16})  # as large as the maps of a convolution


def test_tokens_are_a_grid_where_a_map_or_every_second_place_of_one_is():
    tokens = {16: True, 17: True, 4: True, 9: False, 15: False, 1: True}  # of maps of 4 x 4; 17 with a class token
    row = layer_table(Attends().eval(), IMAGE[..., :4, :4])["qkv.0"]
    found = {count: is_picture(replace(row, shape=(count, 4)), {(4, 4)}) for count in tokens}
    assert found == tokens
    assert is_picture(replace(row, shape=(9, 4)))  # no map is known to be compared with


def test_which_are_worth_it_is_worked_out_once_for_a_table(monkeypatch):
    asked: list[str] = []
    table = layer_table(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout()), IMAGE)
    monkeypatch.setattr(choosing, "is_picture", lambda row, *known: asked.append(row.name) or True)
    assert worth_choosing(table) == {"0"} == worth_choosing(table)
    assert ordinary(table).names == ["0"] and pictures(table) == {"0", "1"}
    assert asked == ["0", "1"]


def test_of_rows_that_can_be_chosen_those_are_kept_that_are_worth_it_in_the_whole_table():
    table = layer_table(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout(), nn.Flatten(), nn.Linear(72, 3)), IMAGE)
    assert ordinary(table, LayerTable(table[1:])).names == ["3"]
    assert ordinary(table, LayerTable(table[1:3])).names == ["1", "2"]  # none of them is
