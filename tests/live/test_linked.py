"""Two traits that are the same, also while one is being carried over to the other."""

from __future__ import annotations

import threading

import pytest
import traitlets as T

from cnnwidgets.live import Linked


class One(T.HasTraits):
    """What has a number."""

    value = T.Int()
    words = T.Unicode()


@pytest.fixture
def ends():
    return One(value=3), One()


def test_at_first_the_other_takes_the_value_of_the_first_and_then_each_follows(ends):
    view, control = ends
    Linked((view, "value"), (control, "value"))
    assert control.value == 3
    control.value = 5
    assert view.value == 5
    view.value = 7
    assert control.value == 7


def test_a_value_is_told_in_other_words_each_way():
    view, control = One(value=2), One()
    Linked((view, "value"), (control, "words"), transform=(str, int))
    assert control.words == "2"
    control.words = "9"
    assert view.value == 9


def test_a_hand_that_moves_on_while_its_value_is_carried_over_is_followed_to_where_it_stands(ends):
    view, control = ends
    Linked((view, "value"), (control, "value"))
    drawn: list[int] = []

    def draw(change: object) -> None:
        drawn.append(view.value)
        if len(drawn) < 4:
            control.value += 1  # an event that is handled while the view draws

    view.observe(draw, "value")
    control.value = 10
    assert (view.value, control.value, drawn) == (13, 13, [10, 11, 12, 13])


@pytest.mark.parametrize("moves", ["control", "view"])
def test_what_another_thread_sets_meanwhile_is_carried_over_afterwards(ends, moves):
    view, control = ends
    Linked((view, "value"), (control, "value"))
    begun, go_on = threading.Event(), threading.Event()

    def draw(change: object) -> None:
        if view.value == 10:
            begun.set()
            assert go_on.wait(10)

    view.observe(draw, "value")
    hand = threading.Thread(target=setattr, args=(control, "value", 10))
    hand.start()
    assert begun.wait(10)
    (control if moves == "control" else view).value = 20
    go_on.set()
    hand.join(10)
    assert (view.value, control.value) == (20, 20)


def test_what_refuses_a_value_says_so_and_both_go_on_to_follow(ends):
    view, control = ends
    Linked((view, "value"), (control, "words"), transform=(str, int))
    with pytest.raises(ValueError, match="invalid literal"):
        control.words = "many"
    control.words = "4"
    assert view.value == 4


def test_what_a_control_makes_of_a_value_is_not_carried_back(ends):
    view, control = ends

    class Cut(One):
        @T.validate("value")
        def _cut(self, proposal: dict[str, int]) -> int:
            return min(proposal["value"], 5)

    control = Cut()
    Linked((view, "value"), (control, "value"))
    view.value = 8
    assert (view.value, control.value) == (8, 5)
