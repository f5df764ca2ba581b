from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

import ipywidgets as W
import numpy as np
import pytest
import torch
import torchvision
from torch import nn

import cnnwidgets as cw
from cnnwidgets import ExploreView
from cnnwidgets.explore.widget import Overview
from cnnwidgets.testing import check_view
from cnnwidgets.widgets.panels import painted
from tests.widgets.conftest import EVIL, inside, titled


class Skip(nn.Module):
    """Two convolutions with a skip around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.two(torch.relu(self.one(x))))


class UNet(nn.Module):
    """Down, up, and a concatenation across."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.up, self.last = nn.Upsample(scale_factor=2), nn.Conv2d(12, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = torch.relu(self.down(x))
        deep = torch.relu(self.deep(torch.max_pool2d(first, 2)))
        return self.last(torch.cat([first, self.up(deep)], 1))


class Patches(nn.Module):
    """A ViT in small: 16 patches and a class token as tokens of 8 features, one attention, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(1, 8, 2, stride=2)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], 1)
        return self.head(self.block(tokens)[:, 0])


def photos(count: int = 3, side: int = 8) -> list[tuple[torch.Tensor, int]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(1, side, side, generator=generator), at) for at in range(count)]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be a page that draws."""
    monkeypatch.setattr(painted, "possible", lambda: True)


@pytest.fixture
def view(model, dataset, passes, page) -> ExploreView:
    return ExploreView(model, dataset)


def overview(view: ExploreView) -> Overview:
    found: Any = view.box("overview")
    return found.script


def sheet(view: ExploreView) -> dict[str, Any]:
    found = overview(view).sheet
    assert found is not None
    return found


def row(view: ExploreView, name: str) -> dict[str, Any]:
    return next(each for each in sheet(view)["stages"] if each["name"] == name)


def thumbnail(view: ExploreView, name: str, at: int = 0) -> list[list[int]]:
    """Palette indices of one thumbnail."""
    found = row(view, name)
    height, width = found["size"]
    codes = np.frombuffer(sheet(view)["codes"], np.uint8)[found["at"] + at * height * width :]
    return codes[: height * width].reshape(height, width).tolist()


def names(view: ExploreView) -> list[str]:
    return [each.stage.name for each in view.rows]


def hand(view: ExploreView, kind: str, **said: Any) -> None:
    """What a hand does in the page."""
    overview(view)._handle_custom_msg({"kind": kind, **said}, [])


# ---------------------------------------------------------------------- what is seen


def test_every_stage_stands_in_running_order_with_its_most_active_maps_first(view):
    assert names(view) == ["conv", "pool", "fc"]  # flatten only moves numbers
    assert (row(view, "conv")["kind"], row(view, "conv")["shape"]) == ("Conv2d", "2×4×4")
    assert row(view, "conv")["channels"] == [1, 0]  # -2x has twice the magnitude of x
    # 5 7 13 15 and 0 -4 -16 -20, as strong, between -20 and 20 on 254 levels: floor((value + 20) * 253 / 40 + 0.5)
    assert (thumbnail(view, "pool"), thumbnail(view, "pool", 1)) == ([[158, 171], [209, 221]], [[127, 101], [25, 0]])
    assert row(view, "pool")["ends"] == "±20"


def test_a_vector_is_one_strip_of_all_its_units(view):
    assert (row(view, "fc")["units"], row(view, "fc")["size"]) == (3, (1, 3))
    assert row(view, "fc")["channels"] == [0]  # the strongest: 15 against 0 and 0
    assert thumbnail(view, "fc") == [[253, 0, 0]]


def test_the_scale_is_of_each_map_of_the_layer_or_of_the_network(view):
    view.scale = "map"
    assert thumbnail(view, "pool") == [[169, 186], [236, 253]]  # 5 7 13 15 between -15 and 15
    view.scale = "network"
    assert {each["ends"] for each in sheet(view)["stages"]} == {"±30"}
    assert "30" in titled(view)


def test_the_image_and_what_is_predicted_stand_left_of_the_stages_and_the_scores_right(view):
    assert titled(view).startswith("Sequential · 3 stages of 4 layers · image 0")
    left, stages, scores = view.static().panels
    assert [panel.key for panel in left] == ["image", "predicted"]
    assert (stages.key, scores.key, scores.heading) == ("overview", "prediction", "Scores · softmax")
    best, count = view.snapshot.prediction.targets[0], len(view.snapshot.prediction.shares)
    assert left[1].lines == [scores.bars[0][0]] == [view.subject.names.called(best, count)]


def test_without_class_scores_nothing_stands_at_the_right():
    view = cw.explore(UNet(), [torch.rand(1, 8, 8)])
    left, stages = view.static().panels
    assert (left[1].heading, stages.key) == ("Prediction · no class scores", "overview")
    view.close()


def test_a_stage_opens_and_closes_at_a_press_and_its_heading_stays(page):
    view = ExploreView(nn.Sequential(OrderedDict(a=Skip(1), b=Skip(1))), photos(), opened=())
    assert names(view) == ["a", "b"]
    hand(view, "toggle", name="a")
    assert (view.opened, names(view)[0], view.rows[0].opened) == (("a",), "a", True)
    assert {"a.one", "a.two"} <= set(names(view))
    hand(view, "toggle", name="a")
    assert (view.opened, names(view)) == ((), ["a", "b"])


def test_what_is_searched_for_is_shown_and_nothing_found_is_said(view):
    view.find = "linear"
    assert names(view) == ["fc"]
    view.find = "nowhere"
    assert (names(view), sheet(view)["empty"]) == ([], "no stage has 'nowhere' in its name, kind or shape")
    assert view.picture().size


def test_a_skip_is_an_edge_from_where_its_tensor_came_to_where_it_is_added(page):
    view = ExploreView(nn.Sequential(OrderedDict(first=nn.Conv2d(1, 2, 1), block=Skip(2))), photos())
    view.settle()
    found = [(names(view)[start], names(view)[end]) for start, end, _ in sheet(view)["edges"]]
    assert [start for start, _ in found] == ["first"]
    assert "add" in found[0][1]


def test_where_operations_are_not_known_there_is_no_edge(view):
    assert sheet(view)["edges"] == []


# ---------------------------------------------------------------------- passes and messages


def test_an_image_takes_one_pass_and_one_message_for_all_thumbnails(view, passes, messages):
    assert passes() == 1
    messages.clear()
    view.index = 1
    assert passes() == 1
    sent = [message.traits for message in messages if isinstance(message.widget, Overview)]
    assert [traits & {"sheet_a", "sheet_b"} for traits in sent] == [{"sheet_a"}]


@pytest.mark.parametrize("scale", ["map", "layer", "network"])
def test_what_the_page_is_told_is_plain_data_and_bytes(view, scale):
    view.scale = scale
    told = {name: value for name, value in sheet(view).items() if not isinstance(value, bytes)}
    assert json.loads(json.dumps(told))["stages"]


def test_the_page_is_told_which_sheets_are_of_one_image(view, model):
    first = sheet(view)["image"]
    view.scale = "map"
    view.colormap = "magma"
    assert sheet(view)["image"] == first
    view.index = 1
    second = sheet(view)["image"]
    with torch.no_grad():
        next(model.parameters()).mul_(2)
    view.refresh()
    assert len({first, second, sheet(view)["image"]}) == 3  # other weights see another image


def test_another_channel_of_a_layer_sends_no_thumbnail(view, passes, messages):
    passes(), messages.clear()
    view.channel = 1
    sent = [message.traits for message in messages if isinstance(message.widget, Overview)]
    assert (sent, passes()) == ([{"chosen"}], 0)


def test_all_thumbnails_of_a_large_network_together_have_room_in_one_message(page):
    layers = [nn.Conv2d(1, 12, 1), *(nn.Conv2d(12, 12, 1) for _ in range(30))]
    view = ExploreView(nn.Sequential(*layers), photos(1, 96))
    assert len(view.rows) == 31
    assert 150_000 < len(sheet(view)["codes"]) < 300_000


def test_a_resnet_is_at_first_a_message_of_less_than_300_kilobytes(page):
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    view = ExploreView(torchvision.models.resnet18(weights=None), images)
    told = {name: value for name, value in sheet(view).items() if not isinstance(value, bytes)}
    assert len(json.dumps(told)) + len(sheet(view)["codes"]) + len(sheet(view)["palettes"]) < 300_000
    assert [each.stage.name for each in view.rows if each.opened] == ["layer1", "layer2", "layer3", "layer4"]
    view.opened = tuple(stage.name for stage in view.stages if stage.foldable)
    told = {name: value for name, value in sheet(view).items() if not isinstance(value, bytes)}
    assert len(json.dumps(told)) + len(sheet(view)["codes"]) + len(sheet(view)["palettes"]) < 300_000


def test_outputs_that_the_memory_does_not_hold_are_asked_for_in_one_pass(model, dataset, passes, page):
    view = ExploreView(model, dataset, cache_bytes=1)
    assert passes() <= 2
    assert row(view, "conv")["channels"] == [1, 0]


# ---------------------------------------------------------------------- down and up


def test_a_press_on_a_thumbnail_looks_at_it_in_the_maps_below(view):
    hand(view, "choose", layer="pool", channel=1)
    assert (view.layer, view.channel, view.tab) == ("pool", 1, "maps")
    below = view.tabs.made["maps"]
    assert (below.layer, below.channel) == ("pool", 1)
    assert overview(view).chosen == ["pool", 1]


def test_a_tab_that_was_never_opened_has_no_view(view):
    assert view.tabs.made == {}
    view.tab = "filters"
    assert list(view.tabs.made) == ["filters"]


def test_moving_one_moves_all_from_one_pass(view, passes):
    hand(view, "choose", layer="conv", channel=1)
    passes()
    below = view.tabs.made["maps"]
    below.index = 2
    assert (view.index, passes()) == (2, 1)
    view.index = 4
    assert (below.index, passes()) == (4, 1)
    below.layer = "pool"
    assert (view.layer, view.channel, passes()) == ("pool", 1, 0)


def test_a_tab_that_is_not_open_hears_nothing_and_is_in_step_when_it_is_opened_again(view):
    hand(view, "choose", layer="conv", channel=1)
    maps = view.tabs.made["maps"]
    view.tab = "filters"
    view.index = 3
    assert maps.index == 0
    view.tab = "maps"
    assert maps.index == 3


def test_the_menus_of_all_tabs_list_the_main_layers_or_all(view):
    hand(view, "choose", layer="conv", channel=1)
    maps = view.tabs.made["maps"]
    assert "flatten" not in maps.choices("layer")
    maps.main_layers = False
    view.tab = "convolution"
    convolution = view.tabs.made["convolution"]
    assert (view.main_layers, convolution.main_layers) == (False, False)
    view.main_layers = True
    assert convolution.main_layers and not maps.main_layers  # which is not open
    view.tab = "maps"
    assert maps.main_layers and "flatten" not in maps.choices("layer")


def test_a_view_that_cannot_show_the_layer_says_so_in_its_tab(view):
    hand(view, "choose", layer="conv", channel=1)
    view.tab = "filters"
    assert view.tabs.children[-1] is view.tabs.made["filters"]
    view.layer = "pool"
    assert "pool" in view.tabs.says.value
    assert view.tabs.made["filters"] not in view.tabs.children
    assert view.error == ""
    view.layer = "conv"
    assert view.tabs.children[-1] is view.tabs.made["filters"]


def test_escape_closes_the_tab_and_back_and_forward_lead_through_what_was_looked_at(view):
    hand(view, "choose", layer="conv", channel=1)
    hand(view, "choose", layer="pool", channel=0)
    hand(view, "up")
    assert view.tab == ""
    hand(view, "back")
    assert (view.layer, view.channel, view.tab) == ("pool", 0, "maps")
    hand(view, "back")
    assert (view.layer, view.channel) == ("conv", 1)
    hand(view, "forward")
    assert (view.layer, view.channel) == ("pool", 0)


def test_hovering_a_map_tells_what_its_strongest_place_sees_of_the_image(view, monkeypatch):
    answers: list[Any] = []
    monkeypatch.setattr(Overview, "send", lambda _, content, buffers=None: answers.append(content))
    hand(view, "hover", layer="pool", channel=0, key="k")  # 15 is the last of four: rows and columns 2 and 3 of four
    assert answers == [{"kind": "frame", "key": "k", "box": [0.5, 0.5, 1.0, 1.0], "fed": [], "waits": False}]
    hand(view, "hover", layer="fc", channel=0, key="k")
    assert answers[-1]["box"] is None


# ---------------------------------------------------------------------- any network, and bad input


@pytest.mark.parametrize("make", [UNet, Patches, lambda: nn.Conv2d(1, 3, 3)], ids=["U-Net", "ViT", "one layer"])
def test_any_network_can_be_explored(make, page):
    view = ExploreView(make(), photos())
    view.settle()
    assert view.error == ""
    assert all(each["channels"] for each in sheet(view)["stages"] if each["layer"])
    assert view.picture().ndim == 3


def test_a_network_of_a_thousand_layers_has_few_rows_at_first(page):
    view = ExploreView(nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(1000))), photos(1))
    assert 0 < sum(not each.opened for each in view.rows) <= 40
    view.find = "999"
    assert names(view) == ["999"]


def test_an_image_that_the_network_refuses_leaves_the_overview_and_says_why(model, page):
    view = ExploreView(model, [(torch.ones(1, 4, 4), 0), (torch.ones(1, 9, 9), 0)])
    before = sheet(view)
    view.index = 1
    assert "fc" in view.error
    assert sheet(view) is before
    view.index = 0
    assert view.error == ""


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)

    def forward(self, image: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        return self.conv(image) + shift


def test_a_network_with_two_inputs_is_explored_by_prepare(page):
    view = ExploreView(Two(), photos(), prepare=lambda item: (item[0][None], torch.ones(1)))
    view.settle()
    assert "conv" in names(view)
    assert view.error == ""


def test_names_are_text(page):
    view = ExploreView(nn.Sequential(nn.Conv2d(1, 2, 1)), photos(), classes=[EVIL] * 2)
    texts = [part.value for part in inside(view) if isinstance(part, W.HTML)]
    assert texts
    assert not any(EVIL in text for text in texts)


def test_an_unknown_stage_is_refused_with_the_nearest(view):
    with pytest.raises(LookupError, match="conv"):
        view.opened = ("conf",)
    assert view.opened is None


def test_the_state_is_data_and_opens_again(view, model, dataset):
    hand(view, "choose", layer="pool", channel=1)
    again = cw.open(json.loads(json.dumps(view.state)), model, dataset)
    assert repr(again) == repr(view)
    assert list(again.tabs.made) == ["maps"]


def test_the_view_keeps_the_contract(model, dataset):
    check_view(lambda: ExploreView(model, dataset))


def test_closing_closes_the_views_below(view):
    hand(view, "choose", layer="pool", channel=1)
    view.tab = "filters"
    made = list(view.tabs.made.values())
    view.close()
    assert all(each.closed for each in made)
