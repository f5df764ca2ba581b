"""A place that is moved in the page and in the kernel, as either of them hears of it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as W
import pytest
import traitlets as T

from cnnwidgets.widgets.steered import Message, Place, Slot, Steered, new_name
from cnnwidgets.widgets.surface import tree
from tests.widgets.conftest import passes_in_node


class Sheet:
    """What a page needs: a letter, which grows."""

    def __init__(self, key: str, letter: bytes) -> None:
        self.key, self.letter = key, letter

    def message(self, holds: str = "") -> Message:
        return {"kind": "numbers", "key": self.key}, [self.letter]

    def grown(self, before: Any) -> Message | None:
        return None if self.letter == before.letter else ({"kind": "grown", "key": self.key}, [self.letter])


class View(T.HasTraits):
    """As much of a view as a slot knows."""

    row, column, ready = T.Int(1), T.Int(1), True

    def __init__(self) -> None:
        super().__init__()
        self.drawn, self.boxes = 0, {name: W.VBox() for name in ("photo", "map")}

    def redraw(self) -> None:
        self.drawn += 1

    def box(self, key: str) -> W.VBox:
        return self.boxes[key]

    def move(self, place: Place) -> None:
        self.row, self.column = place


@pytest.fixture
def view() -> View:
    return View()


@pytest.fixture
def slot(view: View) -> Slot:
    make = partial(Steered, "", {"row": W.IntSlider()}, on_move=view.move)
    return Slot(view, ["row", "column"], lambda: (view.row, view.column), make)


@pytest.fixture
def sent(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """What the page is sent besides traits."""
    found: list[tuple[Any, Any]] = []
    monkeypatch.setattr(slot.script, "send", lambda content, buffers=None: found.append((content, buffers)))
    return found


def hear(slot: Slot, **content: Any) -> None:
    slot.script._handle_custom_msg(content, [])


def test_a_slot_is_empty_until_a_page_says_that_it_can_and_closes_with_what_waits(view, slot):
    assert slot.children == () and slot.script in tree(slot) and not slot.live
    hear(slot, kind="hello")
    hear(slot, kind="hello")  # another page
    assert slot.children == (slot.script,) and slot.live and view.drawn == 1


def test_what_is_shown_goes_when_it_is_asked_for_and_what_has_grown_of_it_by_itself(view, slot, sent):
    hear(slot, kind="hello")
    key = new_name()
    slot.show(Sheet(key, b"a"), "photo", "map")
    assert "cnnw-of-map" in view.boxes["map"]._dom_classes and slot.script.told == [key, 0, 1, 1] and sent == []
    assert not slot.script.moves(Sheet(key, b"a"))
    slot.show(Sheet(key, b"b"))
    hear(slot, kind="want", key="of something else", holds="")
    assert sent == []  # nobody has asked
    hear(slot, kind="want", key=key, holds="")
    slot.show(Sheet(key, b"b"))
    slot.show(Sheet(key, b"c"))
    assert [(content["kind"], *buffers) for content, buffers in sent] == [("numbers", b"b"), ("grown", b"c")]
    assert slot.script.moves(Sheet(key, b"d"))
    slot.show(None)
    assert slot.script.key == "" and not slot.script.moves(None)


def test_page_and_cell_move_it_in_turns_and_each_answer_says_which_moves_were_heard_of(view, slot):
    hear(slot, kind="hello")
    slot.show(Sheet("key", b"a"))
    slot.script.moved = ["key", 4, 2, 3]
    assert (view.row, view.column) == (2, 3) and slot.script.told == ["key", 4, 2, 3]
    view.row = 7  # a cell, while the hand moves
    assert slot.script.told == ["key", 4, 7, 3]
    slot.script.moved = ["key", 5, 2, 5]
    slot.script.moved = ["before", 6, 0, 0]
    assert (view.row, view.column) == (2, 5)


def test_names_differ():
    assert new_name() != new_name()


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_the_page_moves_it_at_once_and_takes_no_old_answer():
    passes_in_node(Path(__file__).parent / "steered.test.mjs")
