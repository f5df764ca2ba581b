"""What the kernel says to a page that moves the frames of a unit by itself, and what it hears."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cnnwidgets import ReceptiveFieldView
from cnnwidgets.views.receptive_field import moving
from cnnwidgets.widgets.surface import tree
from tests.widgets.conftest import exported_by, passes_in_node

NODE = shutil.which("node")


@pytest.fixture
def view(model, dataset, monkeypatch) -> ReceptiveFieldView:
    monkeypatch.setattr(moving, "possible", lambda: True)
    return ReceptiveFieldView(model, dataset, layer="pool", unit=(0, 0))


def script(view: ReceptiveFieldView) -> Any:
    return next(part for part in tree(view) if isinstance(part, moving.UnitScript))


def say(view: ReceptiveFieldView, **content: Any) -> list[dict[str, Any]]:
    """The page says something; what it is sent."""
    found: list[dict[str, Any]] = []
    part = script(view)
    part.send = lambda content, buffers=None: found.append(content)
    part._handle_custom_msg(content, [])
    del part.send
    return found


def asked(view: ReceptiveFieldView) -> dict[str, Any]:
    """What a page is sent that asks for what is shown."""
    say(view, kind="hello")
    view.flush()
    [header] = say(view, kind="want", key=script(view).key, holds="")
    return header


def test_the_page_is_told_once_where_the_field_of_each_row_and_column_of_units_lies(view):
    header = asked(view)  # `pool` takes the largest of 2 x 2 of 4 x 4 pixels
    assert header["rows"] == header["columns"] == [(0, 2), (2, 4)] and header["image"] == (4, 4)
    assert header["pixels"] == (4, 4)  # which the browser enlarges
    key = script(view).key
    view.unit, view.channel = (1, 0), 1
    view.flush()
    assert script(view).key == key and script(view).told == [key, 0, 1, 0]


def test_a_move_in_the_page_is_the_trait_and_what_the_kernel_draws_follows(view):
    asked(view)
    part = script(view)
    part.moved = [part.key, 3, 1, 1]
    view.flush()
    assert view.unit == (1, 1) and part.told == [part.key, 3, 1, 1]
    assert view.panel("photo").marks == [(2, 2, 4, 4)]
    part.moved = ["of something else", 4, 0, 0]
    assert view.unit == (1, 1)


def test_a_single_unit_has_nothing_to_move(view):
    asked(view)
    view.layer = "fc"
    view.flush()
    assert script(view).key == ""
    view.layer = "conv"
    view.flush()
    assert script(view).key != ""


def test_what_a_row_sees_must_be_the_same_in_all_columns():
    fields = ReceptiveFieldView(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1)), torch.zeros(1, 1, 4, 5), layer="0").field
    sheet = moving.UnitSheet.of(fields, None, (4, 5))
    assert sheet is not None
    assert sheet.rows == [(0, 2), (0, 3), (1, 4), (2, 4)] and sheet.columns[-1] == (3, 5)

    class Skewed:
        grid, image = (2, 2), (4, 4)

        def box(self, row: int, column: int, channel: int | None) -> moving.Box:
            return moving.Box(row, row * column, row + 1, column + 1)

    assert moving.UnitSheet.of(Skewed(), None, (4, 4)) is None  # type: ignore[arg-type]


def test_closing_the_view_closes_what_waits_for_a_page(view):
    part = script(view)
    view.close()
    assert part.comm is None


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_frames_what_a_unit_sees():
    passes_in_node(Path(__file__).parent / "unit.test.mjs")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_code_is_one_module(tmp_path):
    exported = exported_by(moving.code(), tmp_path / "unit.mjs")
    assert exported.split() == ["[", "'default'", "]", "[", "'initialize',", "'render'", "]"]
    assert "import {" not in moving.code()
