"""The layer table: a sequence by number and name, that draws itself and escapes what it shows."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from cnnwidgets.compute.layers.layer import Layer, LayerTable


def layer(name: str = "C3", shape: tuple[int, ...] = (16, 10, 10), **changes: Any) -> Layer:
    known: dict[str, Any] = {
        "name": name,
        "module": name.split(":")[0],
        "type": "Conv2d",
        "call": 1,
        "kind": "maps",
        "shape": shape,
        "layout": "first",
        "dtype": torch.float32,
        "batch_axis": 0,
        "planes": 1,
        "parameters": 2416,
        "macs": 240_000,
        "ran": True,
        "leaf": True,
        "repeats": False,
        "reason": None,
    }
    return Layer(**{**known, **changes})


NEVER = layer("aux", (), call=0, kind="other", ran=False, macs=None, reason="never ran in this pass")
NOTHING = layer("gate", (), kind="other", dtype=None, reason="gives None")
TABLE = LayerTable([layer("C1", (6, 28, 28)), layer("relu:1"), layer("relu:2", repeats=True), NOTHING, NEVER])


@pytest.mark.parametrize(
    ("row", "channels", "size", "form"),
    [
        (layer(), 16, (10, 10), "16 @ 10x10"),
        (layer(shape=(10, 12, 96), layout="last"), 96, (10, 12), "96 @ 10x12"),
        (layer(shape=(120, 1, 1), kind="vector"), 120, (1, 1), "120 @ 1x1"),
        (layer(shape=(84,), kind="vector"), 84, (), "84"),
        (layer(shape=(84,), kind="vector", layout="last"), 84, (), "84"),
        (layer(shape=(), kind="vector"), 1, (), "1"),
        (layer(shape=(197, 768), kind="tokens", layout="last"), 768, (197,), "197 tokens x 768"),
        (layer(shape=(8, 100), kind="tokens"), 8, (100,), "8 @ 100"),
        (layer(shape=(64, 8, 16, 12), kind="volume"), 64, (8, 16, 12), "64 @ 8x16x12"),
        (NOTHING, 1, (), "-"),
    ],
)
def test_a_layer_says_how_many_channels_of_which_size_it_has(row, channels, size, form):
    assert (row.channels, row.size, row.form) == (channels, size, form)


def test_the_label_is_what_menus_show():
    assert layer().label == "C3 · Conv2d · 16 @ 10x10"


def test_layers_are_found_by_number_name_and_slice():
    assert TABLE[0] is TABLE["C1"] is TABLE[:1][0]
    assert TABLE[-1] is NEVER
    assert TABLE["relu:2"].repeats
    assert len(TABLE) == 5
    assert TABLE.names == ["C1", "relu:1", "relu:2", "gate", "aux"]
    assert [row.name for row in TABLE[1:3]] == ["relu:1", "relu:2"]


def test_only_layers_that_ran_and_can_be_drawn_are_showable():
    assert TABLE.showable.names == ["C1", "relu:1", "relu:2"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("relu", "layer 'relu' has several entries; choose one of relu:1, relu:2"),
        ("relu:3", "no layer 'relu:3'; did you mean 'relu:2'? layers: C1, relu:1, relu:2, gate, aux"),
        ("zebra", "no layer 'zebra'; layers: C1, relu:1, relu:2, gate, aux"),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_what_is(name, message):
    with pytest.raises(LookupError) as caught:
        TABLE[name]
    assert str(caught.value) == message


def test_a_number_out_of_range_is_an_index_error():
    with pytest.raises(IndexError):
        TABLE[5]


def test_a_frame_has_a_row_a_layer():
    frame = TABLE.to_frame()
    assert list(frame.index) == TABLE.names
    assert list(frame.columns) == ["type", "call", "kind", "shape", "parameters", "macs", "ran", "note"]
    assert frame.loc["C1"].to_dict() == {
        "type": "Conv2d",
        "call": 1,
        "kind": "maps",
        "shape": (6, 28, 28),
        "parameters": 2416,
        "macs": 240_000,
        "ran": True,
        "note": "",
    }
    assert list(frame["note"]) == ["", "", "same as the entry before", "gives None", "never ran in this pass"]


def test_as_text_it_is_a_table_with_aligned_columns():
    lines = repr(LayerTable([layer("C1", (6, 28, 28)), NEVER])).splitlines()
    assert lines == [
        "name  type    call  kind   shape        parameters  macs    ran    note",
        "C1    Conv2d  1     maps   (6, 28, 28)  2416        240000  True",
        "aux   Conv2d  0     other  ()           2416        None    False  never ran in this pass",
    ]


def compact(page: str) -> str:
    return re.sub(r">\s+<", "><", page)


def test_as_html_it_is_a_table_with_readable_numbers():
    text = LayerTable([layer("C1", (6, 28, 28))])._repr_html_()
    cells = ["C1", "Conv2d", "1", "maps", "6 x 28 x 28", "2,416", "240,000", "yes", ""]
    assert "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" in compact(text)


def test_a_long_note_is_not_cut_off_in_html():
    assert "why " * 100 in LayerTable([layer("C1", reason="why " * 100 + "end")])._repr_html_()


def test_names_and_types_from_the_model_stay_text_in_html():
    evil = "<img src=x onerror=alert(1)>"
    text = LayerTable([layer(evil, type=evil, reason=evil)])._repr_html_()
    assert evil not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") == 3


def test_an_empty_table_draws_itself_too():
    empty = TABLE[:0]
    assert (len(empty), empty.names) == (0, [])
    assert "<tbody></tbody></table>" in compact(empty._repr_html_())
    assert len(re.findall("<th>", empty._repr_html_())) == 9
    assert repr(empty).split() == ["name", "type", "call", "kind", "shape", "parameters", "macs", "ran", "note"]
