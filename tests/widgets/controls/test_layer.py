"""The list of layers: narrowed without ever changing the choice."""

from __future__ import annotations

from collections import OrderedDict

import ipywidgets as W
import pytest
import torch
import traitlets as T
from torch import nn

from cnnwidgets import ActivationView
from cnnwidgets.compute.layers.layer import LayerTable
from cnnwidgets.compute.layers.table import layer_table
from cnnwidgets.widgets.controls.layer import MANY, MENU, LayerPicker
from tests.widgets.conftest import control, inside, words


class State(T.HasTraits):
    layer = T.Unicode("0.conv")


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1)
        self.bend = nn.Tanh()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.bend(self.conv(images)) + 1


@pytest.fixture
def table() -> LayerTable:
    return layer_table(nn.Sequential(*[Block() for _ in range(6)]), torch.rand(1, 2, 2))


@pytest.fixture
def picker(table: LayerTable) -> LayerPicker:
    return LayerPicker(State(), "layer", table)


def names(picker: LayerPicker) -> list[str]:
    return [value for _, value in picker._menu.options]


def test_all_layers_are_listed_in_the_order_they_run(picker, table):
    assert names(picker) == table.names
    assert names(picker)[:4] == ["0.conv", "0.bend", "add", "0"]
    assert picker._menu.options == picker._slider.options


@pytest.mark.parametrize(
    ("kind", "count"), [("all", 24), ("convolutions", 6), ("leaves", 12), ("blocks", 6), ("operations", 6)]
)
def test_the_list_can_be_narrowed_to_a_kind(picker, kind, count):
    picker._kind.value = kind
    listed = names(picker)
    chosen_besides = 0 if kind in ("all", "convolutions", "leaves") else 1  # the choice stays in the list
    assert len(listed) == count + chosen_besides


def test_typing_narrows_the_list_by_name_or_type(picker):
    picker._search.value = " TANH "
    assert names(picker) == ["0.conv", *[f"{i}.bend" for i in range(6)]]
    picker._search.value = "4."
    assert names(picker) == ["0.conv", "4.conv", "4.bend"]


def test_narrowing_the_list_does_not_change_the_choice(table):
    state = State(layer="3.bend")
    seen: list[str] = []
    state.observe(lambda change: seen.append(change["new"]), "layer")
    picker = LayerPicker(state, "layer", table)
    picker._kind.value = "convolutions"
    picker._search.value = "nothing is called so"
    assert names(picker) == ["3.bend"]
    picker._search.value = ""
    picker._kind.value = "all"
    assert (state.layer, seen) == ("3.bend", [])
    assert picker._menu.value == picker._slider.value == "3.bend"


def test_slider_menu_and_trait_are_one(table):
    state = State()
    picker = LayerPicker(state, "layer", table)
    picker._slider.value = "2.conv"
    assert (state.layer, picker._menu.value) == ("2.conv", "2.conv")
    picker._menu.value = "add_3"
    assert (state.layer, picker._slider.value) == ("add_3", "add_3")
    state.layer = "5"
    assert picker._slider.value == picker._menu.value == "5"


def test_a_choice_from_outside_joins_a_narrowed_list(table):
    state = State()
    picker = LayerPicker(state, "layer", table)
    picker._kind.value = "convolutions"
    state.layer = "add"
    assert names(picker)[:2] == ["0.conv", "add"]
    assert picker._menu.value == "add"


def test_the_menu_is_as_wide_as_its_longest_name_within_limits():
    widths = []
    for name in ("a", "a" * 25, "a" * 90):
        net = nn.Sequential(OrderedDict({name: nn.Tanh()}))
        widths.append(LayerPicker(State(layer=name), "layer", layer_table(net, torch.rand(1, 2, 2)))._menu.layout.width)
    assert widths[0] == f"{MENU[0]}px" < widths[1] < widths[2] == f"{MENU[1]}px"


def test_few_layers_need_no_search():
    few = layer_table(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Tanh()), torch.rand(1, 2, 2))
    assert len(few) <= MANY
    picker = LayerPicker(State(layer="0"), "layer", few)
    assert picker._search.layout.display == picker._kind.layout.display == "none"


def test_a_list_of_convolutions_alone_needs_no_menu_of_kinds(table):
    many = LayerTable([row for row in table if row.type == "Conv2d"] * 3)
    picker = LayerPicker(State(), "layer", many)
    assert len(many) > MANY
    assert picker._kind.layout.display == "none" and picker._search.layout.display == ""


def test_that_operations_are_missing_is_said_with_the_reason():
    class Chooses(Block):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.conv(images) if images.sum() > 0 else self.bend(images)

    view = ActivationView(Chooses(), torch.ones(2, 1, 4, 4))
    assert "modules only" not in view._picker._note.value  # nobody has asked yet
    view.settle()
    assert "modules only" in view._picker._note.value
    assert "control flow" in view._picker._note.value
    view.close()


def test_an_image_that_takes_another_way_brings_its_own_layers():
    class Chooses(Block):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.bend(self.conv(images)) if images.sum() > 0 else self.conv(images)

    images = torch.ones(2, 1, 4, 4)
    images[1] = -1
    view = ActivationView(Chooses(), images, layer="conv")
    assert names(view._picker) == ["conv", "bend"]
    view.index = 1
    assert names(view._picker) == ["conv"]
    view.close()


# ---------------------------------------------------------------------- the main layers, or all


class Mixes(nn.Module):
    """1 x 2 x 2 -> `conv`, `drop`, `same`, `block` (a Sequential of `block.0`), `view`, `fc`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.drop, self.same = nn.Conv2d(1, 1, 1), nn.Dropout(), nn.Identity()
        self.block, self.fc = nn.Sequential(nn.ReLU()), nn.Linear(4, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.block(self.same(self.drop(self.conv(images)))).view(-1, 4))


ALL = ["conv", "drop", "same", "block.0", "view", "block", "fc"]
MAIN = ["conv", "block.0", "fc"]


class Chosen(State):
    layer = T.Unicode("conv")
    main_layers = T.Bool(True)


@pytest.fixture
def chosen() -> Chosen:
    return Chosen()


@pytest.fixture
def mixed(chosen: Chosen) -> LayerPicker:
    return LayerPicker(chosen, "layer", layer_table(Mixes(), torch.rand(1, 2, 2)), main=MAIN)


def box(picker: LayerPicker) -> W.Checkbox:
    return control(picker, "main layers", W.Checkbox)


def tip(widget: W.Widget) -> str:
    return widget.description_tooltip if W.__version__.startswith("7.") else widget.tooltip


def test_slider_and_menu_run_over_the_main_layers_and_one_click_brings_back_the_others(chosen, mixed):
    assert names(mixed) == MAIN == [value for _, value in mixed._slider.options]
    assert tip(box(mixed)).startswith("3 of 7 layers: without those that repeat another")
    box(mixed).value = False
    assert names(mixed) == ALL == [value for _, value in mixed._slider.options]
    assert tip(box(mixed)) == "all 7 layers; tick to list 3 of them"
    assert (chosen.main_layers, chosen.layer) == (False, "conv")
    chosen.main_layers = True
    assert names(mixed) == MAIN and box(mixed).value is True


def test_a_layer_that_is_left_out_is_listed_in_its_place_while_it_is_the_chosen_one(chosen, mixed):
    chosen.layer = "same"
    assert names(mixed) == ["conv", "same", "block.0", "fc"]
    assert mixed._menu.value == mixed._slider.value == "same"
    chosen.layer = "view"
    assert names(mixed) == ["conv", "block.0", "view", "fc"]
    mixed._slider.value = "fc"
    assert names(mixed) == MAIN and chosen.layer == "fc"


def test_the_choice_is_kept_when_all_are_listed_and_when_they_are_left_out_again(chosen, mixed):
    chosen.main_layers = False
    chosen.layer = "drop"
    chosen.main_layers = True
    assert (chosen.layer, names(mixed)) == ("drop", ["conv", "drop", "block.0", "fc"])
    chosen.main_layers = False
    assert (chosen.layer, names(mixed)) == ("drop", ALL)


def test_only_kinds_are_offered_of_which_there_are_layers(chosen):
    blocks = [nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU()) for _ in range(6)]
    table = layer_table(nn.Sequential(*blocks), torch.rand(1, 2, 2))  # 18 layers, of which the blocks repeat ReLUs
    chosen.layer = "0.0"
    picker = LayerPicker(chosen, "layer", table, main=[f"{block}.{part}" for block in range(6) for part in range(2)])
    assert list(picker._kind.options) == ["all", "convolutions", "leaves", "operations"]
    chosen.main_layers = False
    assert list(picker._kind.options) == ["all", "convolutions", "leaves", "blocks", "operations"]
    picker._kind.value = "blocks"
    assert names(picker) == ["0.0", *"012345"]
    chosen.main_layers = True
    assert picker._kind.value == "all" and len(names(picker)) == 12


def test_the_search_runs_over_the_main_layers_and_says_what_is_left_out(chosen, mixed):
    mixed._search.value = "block"
    assert names(mixed) == ["conv", "block.0"]
    mixed._search.value = "dropout"
    assert names(mixed) == ["conv"]
    assert words(mixed._search.children[1]).strip() == "no layer matches 'dropout'; 1 left out does"
    chosen.main_layers = False
    assert names(mixed) == ["conv", "drop"]
    assert words(mixed._search.children[1]).strip() == "1 layer · Enter: the first"


def test_where_nothing_is_left_out_there_is_no_box(chosen, table):
    picker = LayerPicker(chosen, "layer", table)
    assert [part for part in inside(picker) if isinstance(part, W.Checkbox)] == []
    mixed = layer_table(Mixes(), torch.rand(1, 2, 2))
    picker.update(mixed, MAIN)
    assert box(picker).layout.display == ""
    picker.update(mixed, ALL)
    assert box(picker).layout.display == "none" and names(picker) == ALL


def test_to_ask_for_all_layers_is_to_ask_for_operations_too(chosen):
    asked: list[bool] = []
    table = layer_table(Mixes(), torch.rand(1, 2, 2))
    LayerPicker(chosen, "layer", table, main=MAIN, wanted=lambda: asked.append(chosen.main_layers))
    assert asked == []
    chosen.main_layers = False
    assert asked == [False]


def enter(picker: LayerPicker) -> None:
    """What the page tells the kernel when Enter is pressed in the search box."""
    box = picker._search.children[0]
    box._handle_custom_msg({"event": "submit"}, [])


def test_the_search_says_how_much_it_found(picker):
    assert words(picker._search.children[1]) == ""
    picker._search.value = "tanh"
    assert words(picker._search.children[1]).strip() == "6 layers · Enter: the first"
    picker._search.value = "3.bend"
    assert words(picker._search.children[1]).strip() == "1 layer · Enter: the first"
    picker._search.value = "z<z>z"
    assert words(picker._search.children[1]).strip() == "no layer matches 'z<z>z'"
    picker._search.value = ""
    assert words(picker._search.children[1]) == ""


def test_enter_goes_to_the_first_that_was_found(picker):
    picker._search.value = "tanh"
    enter(picker)
    assert picker.value == "0.bend"
    picker._search.value = "nothing is called so"
    enter(picker)
    assert picker.value == "0.bend"


def test_text_that_comes_after_its_enter_counts(picker):
    picker._search.value = "4."
    enter(picker)
    picker._search.value = "4.b"  # the page held it back while the kernel was busy
    assert picker.value == "4.bend"


def test_enter_without_a_search_goes_nowhere(picker):
    enter(picker)
    assert picker.value == "0.conv"


def test_a_page_is_never_told_of_fewer_layers_than_its_slider_has_gone(table, messages):
    """It would take the last of them, and say that a hand chose it."""
    picker = LayerPicker(State(layer=table.names[-1]), "layer", table)
    messages.clear()
    picker.update(LayerTable(table[:2]))
    for kind in ("SelectionSlider", "Dropdown"):
        sent = [
            message.content.get("state", {}) for message in messages if isinstance(message.widget, getattr(W, kind))
        ]
        shorter = next(at for at, state in enumerate(sent) if len(state.get("_options_labels", ())) == 2)
        assert any(state.get("index") == 0 for state in sent[:shorter])
