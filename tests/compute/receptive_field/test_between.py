"""Which places of an earlier map a unit depends on: worked out by hand, and held against maps that are changed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from cnnwidgets.compute.layers import layer_table
from cnnwidgets.compute.receptive_field import fields_between

IMAGE = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))


def between(model: nn.Module, pairs: list[tuple[str, str]], image: torch.Tensor = IMAGE, **options: Any) -> dict:
    table = layer_table(model, image, **options)
    return fields_between(model, image, [(table.find(a), table.find(b)) for a, b in pairs], **options)


def test_two_layers_on_are_the_windows_of_both():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 3, 5), nn.MaxPool2d(2))
    found = between(model, [("0", "2"), ("1", "3"), ("2", "3")])
    assert {names: field.size for names, field in found.items()} == {("0", "2"): 5, ("1", "3"): 6, ("2", "3"): 2}
    assert found["0", "2"].image == (10, 10)
    assert found["1", "3"].box(2, 1) == (4, 2, 10, 8)  # rows 4 and 5 of layer 2, each 5 high


def test_padding_is_no_place_of_the_map():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3, padding=1))
    assert between(model, [("0", "1")])["0", "1"].box(0, 11) == (0, 10, 2, 12)


class Fork(nn.Module):
    """Two branches that are joined: channel 0 sees `stem` through 1 x 1, channel 1 through 5 x 5."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.narrow, self.wide = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 5, padding=2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.stem(images)
        return torch.cat([self.narrow(maps), self.wide(maps)], 1)


def test_each_channel_of_a_concatenation_has_the_place_of_its_branch():
    found = between(Fork(), [("stem", "cat"), ("narrow", "cat"), ("wide", "cat")])
    assert [found["stem", "cat"].box(5, 5, channel=at) for at in (0, 1)] == [(5, 5, 6, 6), (3, 3, 8, 8)]
    assert found["narrow", "cat"].box(5, 5, channel=0) == (5, 5, 6, 6)
    assert found["narrow", "cat"].box(5, 5, channel=1) == (0, 0, 0, 0)  # it does not depend on this branch


class Halves(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.end = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1), nn.Conv2d(2, 1, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        whole = torch.zeros(1, 2, 12, 12)
        whole[:, :1] = self.a(images)
        whole[:, 1:] = F.max_pool2d(self.b(images), 3, 1, 1)
        return self.end(whole)


def test_what_is_written_into_a_tensor_that_was_there_before_is_followed():
    found = between(Halves(), [("a", "end"), ("b", "end")])
    assert {names[0]: field.size for names, field in found.items()} == {"a": 3, "b": 5}


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.wide = nn.Conv2d(1, 1, 1), nn.ReLU(inplace=True), nn.Conv2d(1, 1, 3, padding=1)
        self.end = nn.Conv2d(1, 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.relu(self.conv(images))
        maps += self.wide(maps)
        return self.end(maps)


def test_a_map_that_is_overwritten_later_is_followed_as_it_was():
    found = between(InPlace(), [("conv", "relu"), ("relu", "wide"), ("relu", "end"), ("wide", "end")])
    assert [field.size for field in found.values()] == [1, 3, 3, 1]


def test_global_pooling_sees_the_whole_map():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.AdaptiveAvgPool2d(1))
    assert between(model, [("0", "1")])["0", "1"].box(0, 0) == (0, 0, 12, 12)


class Counts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.first(images)
        return self.last(maps * maps.sum().item())


class Apart(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.one(images), self.two(images)


@pytest.mark.parametrize(
    ("model", "pair"),
    [
        (Counts(), ("first", "last")),
        (Apart(), ("one", "two")),
        (nn.Sequential(nn.Flatten(), nn.Linear(144, 3), nn.Linear(3, 2)), ("1", "2")),
    ],
    ids=["numbers leave torch", "no dependency", "vectors"],
)
def test_where_nothing_certain_is_known_there_is_nothing(model, pair):
    assert between(model, [pair]) == {}


def test_the_model_is_left_unchanged_and_runs_once_for_all_modules():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()).train()
    table, before = layer_table(model, IMAGE), {name: value.clone() for name, value in model.state_dict().items()}
    ran: list[int] = []
    model[0].register_forward_pre_hook(lambda *_: ran.append(1))
    fields_between(model, IMAGE, [(table.find("0"), table.find("1")), (table.find("1"), table.find("2"))])
    assert len(ran) == 1
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training and all(not part._forward_hooks for part in model.modules())


def test_outside_of_the_place_nothing_of_a_resnet_or_googlenet_changes_the_unit():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 64, 64)
    resnet = torchvision.models.resnet18().eval()
    googlenet = torchvision.models.googlenet(init_weights=False).eval()
    for model, source, target in (
        (resnet, "maxpool", "layer1.0"),
        (resnet, "layer1.1", "layer2.0"),
        (googlenet, "maxpool1", "conv3"),
        (googlenet, "conv2", "inception3a"),
    ):
        found = between(model, [(source, target)], image)[source, target]
        row, column = found.grid[0] // 2, found.grid[1] // 2
        top, left, bottom, right = found.box(row, column)
        assert 1 < (bottom - top) < found.image[0]

        def unit(edit: Any, model=model, source=source, target=target, at=(row, column)) -> torch.Tensor:
            seen: list[torch.Tensor] = []
            handles = [
                model.get_submodule(source).register_forward_hook(lambda _, given, output: edit(output.clone())),
                model.get_submodule(target).register_forward_hook(lambda _, given, output: seen.append(output.clone())),
            ]
            with torch.no_grad():
                model(image)
            for handle in handles:
                handle.remove()
            return seen[0][0, :, at[0], at[1]]

        def outside(maps: torch.Tensor, box=(top, left, bottom, right)) -> torch.Tensor:
            changed = maps + torch.rand_like(maps)
            inside = (..., slice(box[0], box[2]), slice(box[1], box[3]))
            changed[inside] = maps[inside]
            return changed

        plain = unit(lambda maps: maps)
        assert torch.allclose(unit(outside), plain, atol=1e-5)
        assert not torch.allclose(unit(lambda maps: maps + 1), plain, atol=1e-3)
