"""The menu of classes: it chooses nothing by itself, and the search finds what does not fit into it."""

from __future__ import annotations

import pytest
import traitlets as T

from cnnwidgets.widgets.controls import TargetMenu
from cnnwidgets.widgets.state import Target
from tests.widgets.conftest import words

ANIMALS = {0: "cat", 1: "dog", 2: "cow"}
MANY = {number: f"thing {number}" for number in range(60)}


class State(T.HasTraits):
    names = T.Any(ANIMALS)
    target = Target(of=lambda view: view.names, help="which class")


def of(names: dict[int, str], **traits: object) -> tuple[State, TargetMenu]:
    state = State(names=names, **traits)
    menu = TargetMenu(state, "target", tip="The class")
    menu.offer(names, {2: "90 %", 1: ""}, none="predicted")
    return state, menu


def labels(menu: TargetMenu) -> list[str]:
    return [label for label, _ in menu.menu.options]


def test_the_best_classes_come_first_and_then_all_others():
    _, menu = of(ANIMALS)
    assert labels(menu) == ["predicted", f"{ANIMALS[2]} · 90 %", "dog", "cat"]
    assert menu.search.layout.display == "none"


def test_the_menu_and_the_trait_move_each_other():
    state, menu = of(ANIMALS)
    menu.menu.label = "dog"
    assert state.target == 1
    state.target = "cat"
    assert menu.menu.label == "cat"
    state.target = None
    assert menu.menu.label == "predicted"


def test_other_options_choose_nothing_by_themselves():
    state, menu = of(ANIMALS, target=0)
    seen: list[object] = []
    state.observe(lambda change: seen.append(change["new"]), "target")
    menu.offer(ANIMALS, {0: "60 %", 1: "40 %"}, none="nothing")
    assert (menu.menu.label, state.target, seen) == ("cat · 60 %", 0, [])


def test_of_many_classes_the_best_are_listed_and_the_others_are_searched_for_by_name_or_number():
    state, menu = of(MANY)
    assert menu.listed == [2, 1] and menu.search.layout.display == ""
    menu.search.value = "thing 5"
    assert menu.listed == [5, *range(50, 60)] and state.target is None
    menu.search.value = "17"
    assert menu.listed == [17] and "1 class" in words(menu.search.children[1])
    menu.search.children[0]._handle_custom_msg({"event": "submit"}, [])
    assert (state.target, menu.menu.label) == (17, "thing 17")


def test_the_chosen_class_is_listed_whatever_is_searched_for():
    state, menu = of(MANY)
    state.target = 40
    assert menu.listed == [40, 2, 1] and menu.menu.label == "thing 40"
    menu.search.value = "thing 3"
    assert menu.listed[0] == 40 and menu.menu.label == "thing 40"


def test_a_menu_without_the_choice_none_offers_only_classes():
    state = State(target=1)
    menu = TargetMenu(state, "target", tip="The class")
    menu.offer({0: "cat", 1: "dog"}, none=None)
    assert labels(menu) == ["cat", "dog"] and menu.menu.label == "dog"


@pytest.mark.parametrize("target", [None, 1])
def test_before_anything_is_offered_the_menu_shows_what_is_chosen(target):
    menu = TargetMenu(State(target=target), "target", tip="The class")
    assert menu.menu.label == ("" if target is None else "1")
