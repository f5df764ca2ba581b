"""ChannelsView: tables of a scan, by hand."""

from __future__ import annotations

import pytest
import torch
import traitlets
from torch import nn

import cnnwidgets as cw
from cnnwidgets.render.color import FLAG, rgb
from cnnwidgets.render.mosaic import LINE
from tests.widgets.conftest import EVIL, said, titled


class Channels(nn.Module):
    """Of an image whose pixels are all v: `a` is v, minus v, 0 and 7; `b` is minus v and v, as units."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Identity(), nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.a(torch.cat([x, -x, 0 * x, 0 * x + 7], 1))
        return self.b(a[:, [1, 0], 0, 0])


IMAGES = [(torch.full((1, 2, 2), float(at)), at // 20) for at in range(40)]


@pytest.fixture(scope="module")
def scan() -> cw.Scan:
    return cw.scan(Channels(), IMAGES, ["a", "b"], classes=["small", "large"], progress=False)


@pytest.fixture
def view(scan) -> cw.ChannelsView:
    return cw.ChannelsView(scan, target="large")


def press(view: cw.ChannelsView, key: str, row: int | None, column: int = 0) -> None:
    """Click a cell of a table; row None is that of the heads."""
    panel = view.panel(key)
    across = sum(panel.places.spans)
    square = (0 if row is None else row + 1) * across + sum(panel.places.spans[:column])
    panel.on_cell(square)


def told(view: cw.ChannelsView, key: str, row: int, column: int = 0) -> str:
    panel = view.panel(key)
    return panel.describe((row + 1) * sum(panel.places.spans) + sum(panel.places.spans[:column]))


def test_every_channel_has_a_row_with_its_numbers(view):
    assert [told(view, "channels", row) for row in range(4)] == ["0", "1", "2 · dead", "3 · satur."]
    assert told(view, "channels", 0, 1) == "0: mean 19.5" and told(view, "channels", 0, 2) == "0: max. 39"
    assert told(view, "channels", 0, 3) == "0: zeros 2.5"  # one image of 40
    assert told(view, "channels", 0, 4) == "0: fires 97.5"
    assert told(view, "channels", 3, 4) == "3 · satur.: fires 100"


def test_dead_and_saturated_channels_are_marked_and_each_layer_tells_their_share(view):
    pixels = view.panel("channels").pixels
    marked = [pixels[(row + 1) * LINE, 0].tolist() == list(rgb(FLAG)) for row in range(4)]
    assert marked == [False, False, True, True]
    assert [told(view, "layers", 0, column) for column in (1, 2, 3)] == ["a: count 4", "a: dead 25", "a: satur. 25"]
    assert told(view, "layers", 1, 2) == "b: dead 0"
    assert "1 of 4 channels dead" in titled(view)


def test_a_press_on_a_head_sorts_by_it_and_another_the_other_way(view):
    press(view, "channels", None, 1)
    assert (view.order, view.descending, view.sorted) == ("mean", True, [0, 3, 2, 1])
    press(view, "channels", None, 1)
    assert (view.descending, view.sorted) == (False, [1, 2, 3, 0])
    assert told(view, "channels", 0) == "1"
    view.order = "number"
    assert view.sorted == [0, 1, 2, 3]


def test_the_channels_of_all_layers_that_know_a_class_are_ranked(view):
    assert view.panel("knowing").heading == "Know large · of all layers"
    assert [told(view, "knowing", row) for row in range(2)] == ["a · 0", "b · 1"]
    view.target = "small"
    assert [told(view, "knowing", row) for row in range(2)] == ["a · 1", "b · 0"]
    view.target = None
    assert view.panel("knowing").heading == "Choose a class" and view.panel("knowing").pixels is None


def test_a_press_on_a_row_goes_to_its_layer_and_channel(view):
    press(view, "knowing", 1)
    assert (view.layer, view.channel) == ("b", 1)
    assert view.panel("knowing").marks == [view.panel("knowing").places.box(1)]
    assert view.panel("channels").heading == "b · 2 units"
    press(view, "layers", 0)
    assert (view.layer, view.channel) == ("a", 1)
    press(view, "channels", 3)
    assert view.channel == 3 and view.panel("channels").marks == [view.panel("channels").places.box(3)]


def test_the_classes_that_channels_tell_apart_stand_side_by_side(view, scan):
    area = float(scan["a"].roc_area[1, 0])
    assert [told(view, "classes", row) for row in range(2)] == ["large", "small"]
    assert told(view, "classes", 0, 1) == f"large: 0 {area:.5g}"
    view.keep()
    view.channel = 1
    assert view.chosen == (0,)
    assert [told(view, "classes", row) for row in range(2)] == ["small", "large"]
    assert told(view, "classes", 1, 2) == f"large: 0 {area:.5g}"
    press(view, "classes", 0)
    assert view.target == 0
    view.clear()
    assert len(view.panel("classes").places.spans) == 2
    view.chosen = (2, 3)
    view.layer = "b"
    assert view.chosen == ()


def test_without_labels_it_says_so():
    scan = cw.scan(Channels(), [image for image, _ in IMAGES], progress=False)
    view = cw.ChannelsView(scan)
    assert view.target is None and view.classes == {}
    assert "no labels" in said(view.panel("classes"))
    assert [told(view, "channels", 0, column).split(":")[0] for column in (1, 4)] == ["0", "0"]


def test_it_follows_a_scan_as_it_grows():
    scanner = cw.Scanner(Channels(), IMAGES, ["a"], batch_size=20)
    scanner.step(0)
    view = cw.ChannelsView(scanner.result)
    assert "20 of 40 images" in titled(view)
    scanner.step(0)
    view.scan = scanner.result
    assert "40 of 40 images" in titled(view)
    with pytest.raises(ValueError, match="only a scan of the same layers"):
        view.scan = cw.scan(Channels(), IMAGES, ["b"], progress=False)


def test_a_row_takes_linked_views_to_its_channel(view, scan):
    model = Channels()
    examples = cw.ExamplesView(model, IMAGES, cw.scan(model, IMAGES, ["a", "b"], progress=False))
    links = [traitlets.link((view, name), (examples, name)) for name in ("layer", "channel")]
    view.channel = 3
    assert examples.channel == 3
    press(view, "knowing", 1)
    assert (examples.layer, examples.channel) == ("b", 1) == (view.layer, view.channel)
    press(view, "knowing", 0)
    assert (examples.layer, examples.channel) == ("a", 0) == (view.layer, view.channel)
    for link in links:
        link.unlink()


def test_what_is_not_in_the_scan_is_refused_and_nothing_is_lost(view):
    before = repr(view)
    for trait, value, error in [
        ("layer", "c", LookupError),
        ("channel", 4, IndexError),
        ("chosen", (9,), IndexError),
        ("chosen", "3", TypeError),
        ("target", "huge", ValueError),
    ]:
        with pytest.raises(error):
            setattr(view, trait, value)
    assert repr(view) == before
    with pytest.raises(TypeError, match="not a dict"):
        cw.ChannelsView({"a": 1})


def test_names_are_text():
    scan = cw.scan(Channels(), IMAGES, ["a"], classes=[EVIL, "b"], progress=False)
    view = cw.ChannelsView(scan, target=0)
    assert EVIL not in view.box("knowing").heading.value


def test_it_starts_with_a_class_that_has_images():
    lone = cw.ChannelsView(cw.scan(Channels(), [(image, 1) for image, _ in IMAGES], ["a"], progress=False))
    assert lone.target == 1 and lone.panel("knowing").heading.startswith("Know 1 ")
    assert "all labels are this one: no class to tell it from" in said(lone.panel("knowing"))
    lone.target = 0
    assert "the data set has no such labels" in said(lone.panel("knowing"))
    later = cw.ChannelsView(cw.scan(Channels(), [(image, 2 + label) for image, label in IMAGES], ["a"], progress=False))
    assert later.target == 2 and "no class" not in said(later.panel("knowing"))
