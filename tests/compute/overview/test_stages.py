"""The tree of a network and the rows that are seen of it, on networks that are worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets.compute.layers import layer_table
from cnnwidgets.compute.overview import stages


class Block(nn.Module):
    """A skip round a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.relu(self.conv(self.relu(images)) + images)


class Small(nn.Module):
    """A stem, two blocks in a list that is not called, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 3)
        self.blocks = nn.ModuleList([Block(2), Block(2)])
        self.head = nn.Linear(2, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.stem(images)
        for block in self.blocks:
            maps = block(maps)
        return self.head(maps.mean((2, 3)))


IMAGE = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))


def names(found):
    return [stage.name for stage in found]


def tree(model, image=IMAGE, **options):
    return stages(layer_table(model, image), **options)


def test_modules_hold_modules_and_a_list_of_modules_is_one():
    found = tree(Small())
    assert names(found.rows(opened=[])) == ["stem", "blocks", "mean", "head"]
    assert names(found.rows(opened=["blocks"])) == ["stem", "blocks.0", "blocks.1", "mean", "head"]
    inside = names(found.rows(opened=["blocks", "blocks.0"]))
    assert inside == [
        "stem", "blocks.0.relu:1", "blocks.0.conv", "add", "blocks.0.relu:2", "blocks.1", "mean", "head",
    ]  # fmt: skip
    assert [(stage.depth, stage.label) for stage in found["blocks.0.relu:2"].around] == [(1, "0"), (0, "blocks")]


def test_a_folded_module_is_stood_for_by_the_row_whose_output_it_hands_on():
    found = tree(Small())
    assert found["blocks.0"].row == "blocks.0.relu:2"
    assert found["blocks"].row == "blocks.1.relu:2"
    assert found.holding("blocks.1.relu:2").name == "blocks.1.relu:2"
    assert found.holding("blocks.0").name == "blocks.0"


def test_what_holds_a_row_can_be_opened():
    found = tree(Small())
    assert found.opened_to("blocks.1.conv", opened=[]) == {"blocks", "blocks.1"}
    with pytest.raises(LookupError, match=r"blocks\.1\.conv"):
        found.opened_to("blocks.1.con")


def test_all_is_open_at_first_where_there_is_room():
    assert len(tree(Small()).rows()) == 11
    assert names(tree(Small(), most=6).rows()) == ["stem", "blocks.0", "blocks.1", "mean", "head"]


@pytest.mark.parametrize("wrap", [nn.DataParallel, nn.Sequential, lambda model: nn.Sequential(nn.Sequential(model))])
def test_a_wrapper_is_opened(wrap):
    assert len(tree(wrap(Small()), most=6).rows()) == 5


def test_a_thousand_layers_in_a_row_are_folded_in_runs():
    model = nn.Sequential(*[nn.Tanh() for _ in range(1000)])
    found = tree(model, torch.rand(1, 2, 2))
    assert len(found.rows()) == 40
    assert found.rows()[0].label == "0 … 24"
    assert found.rows()[-1].row == "999"
    assert names(found.rows(opened=found.opened | {"0 … 24"}))[:2] == ["0", "1"]


def test_what_has_nothing_to_see_is_left_out_unless_everything_is_asked_for():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout(), nn.Identity(), nn.Flatten(), nn.Linear(72, 3))
    found = tree(model)
    assert names(found.rows()) == ["0", "4"]
    assert names(found.rows(everything=True)) == ["0", "1", "2", "3", "4"]


def test_a_block_that_goes_on_after_its_last_module_shows_its_result_where_nothing_is_traced():
    class Doubled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, images):
            return 2 * self.conv(images)

    found = stages(layer_table(nn.Sequential(Doubled(), nn.ReLU()), IMAGE, operations=False))
    assert names(found.rows()) == ["0.conv", "0 (output)", "1"]
    assert names(tree(nn.Sequential(Doubled(), nn.ReLU())).rows()) == ["0.conv", "mul", "1"]


def test_stages_are_found_by_name_kind_and_shape():
    found = tree(Small())
    assert names(found.found("conv2d")) == ["stem", "blocks.0.conv", "blocks.1.conv"]
    assert names(found.found("blocks.1.c")) == ["blocks.1.conv"]
    assert names(found.found("2 @ 6 × 6"))[0] == "stem"
    assert found.found("nothing of this") == []


def test_a_network_of_one_layer_and_one_that_computes_without_modules_have_a_row():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, images):
            return images + 1 if images.sum() > 0 else images - 1

    assert names(tree(nn.Sequential(nn.Conv2d(1, 2, 3))).rows()) == ["0"]
    assert names(tree(Plain()).rows()) == ["(output)"]
