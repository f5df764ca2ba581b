"""No page is ever told of a slider with a single place, whatever a view is made of and wherever it is moved."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import ipywidgets as W
import pytest
import torch
import traitlets as T
from torch import nn

import cnnwidgets as cw
from cnnwidgets.widgets import controls
from cnnwidgets.widgets.controls.ranges import SINGLE, IntBox, IntRange, LogRange, Options, Player
from tests.widgets.conftest import inside, with_kernel


class Page:
    """What a page knows of each widget: the state it opened with, and every update since."""

    def __init__(self) -> None:
        self.states: dict[str, dict[str, Any]] = {}
        self.told: list[W.Widget] = []

    def get(self, widget: W.Widget, state: dict[str, Any]) -> None:
        """Take a message in, as a slider of the page does: at once."""
        self.told.append(widget)
        known = self.states.setdefault(str(id(widget)), {})
        known |= state
        if widget._model_name.endswith("SliderModel"):
            if "_options_labels" in known:
                assert len(known["_options_labels"]) > 1, f"{widget} has one place: {state}"
            else:
                assert known["min"] < known["max"], f"{widget} has one place: {state}"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    page, opened, updated = Page(), W.Widget.open, W.Widget.send_state

    def open(self: W.Widget) -> None:
        page.get(self, self.get_state())
        opened(self)

    def send_state(self: W.Widget, key: Any = None) -> None:
        if str(id(self)) in page.states:
            page.get(self, self.get_state(key=key))
        updated(self, key)

    with_kernel(monkeypatch)
    monkeypatch.setattr(W.Widget, "open", open)
    monkeypatch.setattr(W.Widget, "send_state", send_state)
    return page


def network(channels: int = 3) -> nn.Sequential:
    """Layers of one map and of several, of one pixel and of more; with `channels` of the first, one image channel."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["one"] = nn.Conv2d(1, 1, 1)
    layers["many"] = nn.Conv2d(1, channels, 1)
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flat"] = nn.Flatten()
    layers["fc"] = nn.Linear(channels, 2)
    return nn.Sequential(layers)


def images(count: int) -> list[tuple[torch.Tensor, int]]:
    return [(torch.rand(1, 4, 4), k % 2) for k in range(count)]


def training(model: nn.Module, data: Any, path: Any) -> cw.TrainingView:
    trainer = cw.Trainer(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.01), progress=False)
    trainer.set_loaders(torch.utils.data.DataLoader(data), torch.utils.data.DataLoader(data))
    return cw.TrainingView(trainer)


def film(model: nn.Module, data: Any, path: Any) -> cw.FilmView:
    with cw.Recorder(model, ["one", "many", "flat"], data, path / "film", every=1, gradients=True) as recorder:
        for step in range(len(data) - 1):
            model(data[0][0][None]).sum().backward()
            recorder.step(0, step, of=2, loss=1.0)
    return cw.FilmView(cw.Recording.open(path / "film"))


VIEWS: dict[str, Callable[..., cw.ModelView]] = {
    "ActivationView": lambda model, data, path: cw.ActivationView(model, data),
    "FilterView": lambda model, data, path: cw.FilterView(model, data),
    "FilterView alone": lambda model, data, path: cw.FilterView(model),
    "ConvolutionView": lambda model, data, path: cw.ConvolutionView(model, data),
    "KernelPlayground": lambda model, data, path: cw.KernelPlayground(),
    "ReceptiveFieldView": lambda model, data, path: cw.ReceptiveFieldView(model, data),
    "OcclusionView": lambda model, data, path: cw.OcclusionView(model, data),
    "InterventionView": lambda model, data, path: cw.InterventionView(model, data),
    "AttributionView": lambda model, data, path: cw.AttributionView(model, data),
    "ExamplesView": lambda model, data, path: cw.ExamplesView(model, data),
    "ChannelsView": lambda model, data, path: cw.ChannelsView(cw.scan(model, data, progress=False)),
    "TrainingView": training,
    "FilmView": film,
    "SignatureView": lambda model, data, path: cw.SignatureView(model, data, count=1),
    "EmbeddingView": lambda model, data, path: cw.EmbeddingView(model, data, method="pca"),
    "ModelSummary": lambda model, data, path: cw.ModelSummary(model, data[0][0][None]),
}


def moves(view: cw.ModelView) -> Iterator[tuple[str, Any]]:
    """Every layer there and back, the ends of all sliders, what else changes ranges."""
    if view.has_trait("main_layers"):
        yield "main_layers", False
    layers = list(view.choices("layer")) if "layer" in view.sliders else []
    for layer in [*layers, *layers[::-1]]:
        yield "layer", layer
        for slider in [part for part in inside(view) if isinstance(part, W.IntSlider | W.SelectionSlider)]:
            if isinstance(slider, W.IntSlider):
                slider.value = slider.max
    for trait, values in {"mode": ["single", "collated"], "what": ["gradients", "filters", "outputs"]}.items():
        if view.has_trait(trait):
            allowed = getattr(view.traits()[trait], "values", None) or values
            yield from ((trait, value) for value in values if value in allowed)
    if view.has_trait("main_layers"):
        yield "main_layers", True


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("name", VIEWS)
def test_no_message_of_a_view_tells_the_page_of_a_slider_with_one_place(name, count, page, tmp_path):
    view = VIEWS[name](network(), images(count), tmp_path)
    for trait, value in moves(view):
        with suppress(T.TraitError, ValueError):
            setattr(view, trait, value)
    view.settle()
    assert page.told


@pytest.mark.parametrize("name", [name for name in VIEWS if name not in ("EmbeddingView", "SignatureView", "FilmView")])
def test_nor_where_there_is_one_image_one_layer_and_one_map(name, page, tmp_path):
    only = nn.Sequential(OrderedDict(only=nn.Conv2d(1, 1, 1), flat=nn.Flatten(), fc=nn.Linear(16, 2)))
    VIEWS[name](only, images(1), tmp_path).settle()
    assert page.told


@pytest.mark.parametrize(
    "make",
    [
        lambda: IntRange(min=3, max=3, value=3),
        lambda: LogRange(base=2, min=0, max=0, value=1),
        lambda: Player(min=0, max=0),
        lambda: IntBox(min=1, max=1, value=1),
    ],
)
def test_a_range_of_one_place_is_hidden_and_comes_back(make, page):
    control = make()
    low = control.min
    states = page.states[str(id(control))]
    assert SINGLE in control._dom_classes and states["max"] > states["min"] == low
    assert control.max == low  # in the kernel nothing beyond is accepted
    control.max = low + 2
    assert SINGLE not in control._dom_classes and states["max"] == low + 2
    control.min = low + 2
    assert SINGLE in control._dom_classes and states["min"] == low + 2 < states["max"]
    with control.hold_sync():
        control.max, control.min = low + 5, low + 5
    assert states["min"] == low + 5 < states["max"]


def test_a_slider_over_options_is_hidden_while_there_is_one(page):
    slider = Options(options=[("one", 1)])
    states = page.states[str(id(slider))]
    assert SINGLE in slider._dom_classes and states["_options_labels"] == ("one", "one")
    slider.options = [("one", 1), ("two", 2)]
    assert SINGLE not in slider._dom_classes and states["_options_labels"] == ("one", "two")
    slider.options = [("two", 2)]
    assert slider.value == 2 and states["_options_labels"] == ("two", "two")


def test_the_channel_slider_of_a_layer_with_one_map_goes_and_comes_back():
    view = cw.ActivationView(network(), images(2), layer="one")
    group = next(part for part in inside(view) if getattr(part, "text", "") == "Channel")
    assert SINGLE in group._dom_classes
    view.layer = "many"
    assert SINGLE not in group._dom_classes and view._channel_slider.max == 2


def test_what_has_a_use_without_a_choice_stays():
    view = cw.ConvolutionView(network(), images(2), layer="one")
    group = next(part for part in inside(view) if getattr(part, "text", "") == "Channel")
    label, slider, box, button = group.children
    assert [SINGLE in part._dom_classes for part in (group, label, slider, box, button)] == [False, *[True] * 3, False]


@pytest.mark.parametrize("count", [1, 2])
def test_a_data_set_of_one_image_has_no_controls_for_it(count):
    view = T.HasTraits()
    view.add_traits(index=T.Int(0))
    assert (SINGLE in controls.index_control(view, count)._dom_classes) == (count == 1)
