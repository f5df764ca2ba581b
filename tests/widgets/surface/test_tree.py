from __future__ import annotations

from collections import UserDict
from types import MappingProxyType

import bqplot
import ipywidgets as W
import pytest

from cnnwidgets.widgets.surface.script import Scripted
from cnnwidgets.widgets.surface.tree import close_tree, widgets_in


def test_everything_that_a_widget_holds_is_closed(widgets):
    before = widgets()
    box = W.VBox([W.HBox([W.IntSlider(), W.Button()]), W.HTML()])
    assert widgets() > before + 5  # layouts and styles are widgets too
    close_tree(box)
    assert widgets() == before


def test_the_marks_scales_and_images_of_a_figure_are_closed(widgets):
    before = widgets()
    scales = {"x": bqplot.LinearScale(), "y": bqplot.LinearScale()}
    marks = [bqplot.Image(image=W.Image(), scales=scales), bqplot.Scatter(x=[1], y=[1], scales=scales)]
    close_tree(W.Box([bqplot.Figure(marks=marks)]))
    assert widgets() == before


def test_a_widget_held_twice_is_closed_once(monkeypatch):
    closed = []
    label = W.HTML()
    monkeypatch.setattr(label, "close", lambda: closed.append(label))
    close_tree(W.HBox([label, W.VBox([label])]))
    assert closed == [label]


def test_widgets_that_hold_one_another_end(widgets):
    before = widgets()
    outer, inner = W.VBox(), W.VBox()
    outer.children, inner.children = [inner], [outer]
    close_tree(outer)
    assert widgets() == before


def test_what_is_only_linked_stays(widgets):
    kept = W.IntSlider()
    before = widgets()
    slider = W.IntSlider()
    kept.observe(lambda change: setattr(slider, "value", change["new"]), "value")
    close_tree(slider)
    assert widgets() == before


@pytest.mark.parametrize("times", [2, 3])
def test_closing_again_does_nothing(widgets, times):
    before = widgets()
    box = W.VBox([W.HTML()])
    for _ in range(times):
        close_tree(box)
    assert widgets() == before


def test_widgets_in_containers_of_every_kind_are_found():
    labels = [W.HTML() for _ in range(4)]
    held = UserDict(a=labels[0], b=[MappingProxyType({"c": labels[1]})], d={"e": labels[2]}.values(), f=(labels[3], 1))
    assert widgets_in(held) == labels


def test_what_runs_javascript_is_taken_out_of_the_page_before_it_is_closed():
    painter, text = Scripted("export default {}"), W.HTML()
    box, order = W.HBox([painter, text]), []
    box.observe(lambda change: order.append((*change["new"], painter.comm is not None)), "children")
    close_tree(W.VBox([box]))
    assert order == [(text, True)]  # it was open when it was taken out
    assert [part.comm for part in (painter, text, box)] == [None, None, None]


def test_all_is_taken_out_of_the_page_before_anything_is_closed():
    slider = W.IntSlider()
    card, open_then = W.VBox([W.HBox([slider])]), []
    card.observe(lambda change: open_then.append((change["new"], slider.comm is not None)), "children")
    close_tree(card)
    assert open_then == [((), True)]  # no hand on the slider moves one that is closed
    assert slider.comm is None


def test_what_plays_is_stopped_before_it_is_closed_though_the_kernel_has_not_heard_that_it_plays(monkeypatch):
    player, told = W.Play(), []
    name = "playing" if player.has_trait("playing") else "_playing"
    send = player.send_state
    monkeypatch.setattr(
        player, "send_state", lambda key=None: (told.append((key, getattr(player, name), player.comm)), send(key))
    )
    close_tree(W.HBox([player]))
    (key, plays, comm), *_ = [each for each in told if each[0] == name]
    assert (key, plays) == (name, False)
    assert comm is not None and player.comm is None
