"""The layers behind an edited one: which change, by how much, and how they are drawn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import numpy as np
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.render.color import GAP
from cnnwidgets.views.intervention import later
from cnnwidgets.views.intervention.later import (
    LONGEST,
    Later,
    LaterPanels,
    later_layers,
    later_panel,
    later_panels,
)
from cnnwidgets.widgets.state import Subject
from tests.widgets.conftest import steps, tiny


def found(edits, layer: str) -> list[Later]:
    subject = Subject(tiny(), steps())
    return later_layers(subject.at(0), subject.under(edits).at(0), layer)


def test_before_after_and_the_difference_of_the_most_changed_map():
    fc, pool = found({"conv": cw.Ablate(channels=0)}, "conv")
    assert (fc.row.name, fc.share, fc.channel, fc.maps.tolist()) == (
        "fc", 1.0, 0, [[[15.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]], [[-15.0, 0.0, 0.0]]],
    )  # fmt: skip
    assert (pool.row.name, pool.channel) == ("pool", 0)
    assert pool.maps[0].tolist() == [[5.0, 7.0], [13.0, 15.0]] and not pool.maps[1].any()
    assert np.array_equal(pool.maps[2], -pool.maps[0])
    assert abs(pool.share - (468 / 1140) ** 0.5) < 1e-6


def test_only_what_is_behind_the_layer_and_changes_is_told():
    assert [each.row.name for each in found({"pool": cw.Scale(2.0, channels=0)}, "pool")] == ["fc"]
    assert found({"conv": cw.Scale(1.0)}, "conv") == []
    assert later_panels([], "auto")[0][0].heading == "Later layers · no change"


def test_what_was_0_before_comes_first():
    silent = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 1, 1), relu=nn.ReLU(), flat=nn.Flatten(), fc=nn.Linear(16, 2)))
    with torch.no_grad():
        silent.conv.weight.fill_(-1.0), silent.conv.bias.zero_()
    subject = Subject(silent, steps())
    first = later_layers(subject.at(1), subject.under({"conv": cw.Scale(-1.0)}).at(1), "conv")[0]
    assert first.row.name == "relu" and first.share == float("inf")
    assert later_panel(first, "auto", key="later0").lines == ["changed from 0; most in map 0, which is shown"]


def test_three_pictures_have_one_scale_with_0_in_its_middle():
    pool = found({"conv": cw.Ablate(channels=0)}, "conv")[1]
    panel = later_panel(pool, "auto", key="later1")
    assert panel.heading == "pool · before, after, difference"
    assert panel.colorbar[1:] == ("−15", "0", "15")
    assert len(np.unique(panel.pixels)) > 5


def test_a_long_vector_has_several_rows_and_what_is_left_of_the_last_is_ground():
    row = found({"conv": cw.Ablate(channels=0)}, "conv")[0].row
    maps = np.ones((3, 1, LONGEST + 8), np.float32)
    panel = later_panel(Later(row, 0.5, 3, maps), "auto", key="later0")
    assert panel.lines == ["changed by 50.0 %; most in unit 3"]
    assert panel.pixels[0, -1] != GAP
    last = panel.pixels[: panel.pixels.shape[0] // 3]
    assert (last[:, 0] != GAP).all() and (last[-1, LONGEST // 2 :] == GAP).all()


def test_where_a_page_waits_the_scores_are_drawn_first_and_the_later_layers_with_the_next_drawing():
    async def main() -> None:
        view = cw.InterventionView(tiny(), steps(), layer="conv", ranking=False)
        await asyncio.sleep(0.02)
        view.off = (0,)
        assert view.panel("scores").bars[1][2] == "33.3 % (−66.7)"
        assert view.panel("later0").heading == "Later layers · no change"
        passes = view.edited.passes
        for _ in range(100):
            await asyncio.sleep(0.01)
            if view.panel("later0").heading.startswith("fc"):
                break
        assert view.panel("later0").lines == ["changed by 100.0 %; most in unit 0"]
        assert view.edited.passes == passes == 1
        view.off = (0, 1)
        view.flush()  # what is read then is of the present state
        assert view.panel("later0").lines == ["changed by 100.0 %; most in map 0, which is shown"]  # pool before fc
        view.close()

    asyncio.run(main())


def told(messages) -> list[tuple[str, set[str]]]:
    """Kind of widget and traits of each message since the last call."""
    found = [(type(message.widget).__name__, message.traits) for message in messages]
    messages.clear()
    return found


def test_a_tick_is_told_in_four_messages_and_each_later_layer_in_one(messages):
    text, turn = ("Text", {"value"}), ("Stage", {"value"})

    async def main() -> None:
        view = cw.InterventionView(tiny(), steps(), layer="conv", ranking=False, channel=1)
        view.gains = ((0, 0.2),)
        view.flush()
        await asyncio.sleep(0.6)
        messages.clear()
        view.off = (0,)
        assert told(messages) == [("Lines", {"x", "y", "visible"}), text, text, turn]  # crosses, scores, title
        view.flush()
        assert told(messages) == [text, text, text, turn]  # fc, pool, title
        view.close()

    asyncio.run(main())


def test_a_newer_tick_has_the_later_layers_wait_for_its_own_scores(monkeypatch):
    class Loop:
        calls: list[tuple] = []  # noqa: RUF012

        def call_later(self, seconds, call, *args):
            self.calls.append((call, args))

    class View:
        closed, drawn = False, 0

        def redraw(self):
            self.drawn += 1

    def ring(number: int) -> int:
        call, args = loop.calls[number]
        call(*args)
        return view.drawn

    loop, view = Loop(), View()
    monkeypatch.setattr(later.cell_thread, "turning_loop", lambda: loop)
    panels = LaterPanels(view)
    assert panels.panels("a", lambda: "A") == "A" and not panels.due
    assert panels.panels("b", lambda: "B") == panels.panels("b", lambda: "B") == "A"  # the second is no tick
    assert panels.panels("c", lambda: "C") == "A" and len(loop.calls) == 2
    assert (ring(0), ring(1)) == (0, 1)
    assert panels.panels("c", lambda: "C") == "C" and not panels.due
    assert panels.panels("d", lambda: "D") == "C" and panels.due
    assert panels.panels("c", lambda: "C") == "C" and not panels.due  # back to what is drawn
    assert ring(2) == 1
