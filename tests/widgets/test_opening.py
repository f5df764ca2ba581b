"""A place that a view told is opened again: the same traits, the same picture."""

from __future__ import annotations

import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
import traitlets as T
from torch import nn

import cnnwidgets as cw


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"], layers["relu"] = nn.Conv2d(1, 4, 3), nn.ReLU()
    layers["more"], layers["pool"] = nn.Conv2d(4, 3, 3), nn.AdaptiveMaxPool2d(2)
    layers["flat"], layers["fc"] = nn.Flatten(), nn.Linear(12, 3)
    return nn.Sequential(layers)


MODEL = network()
IMAGES = [(torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(at)), at % 3) for at in range(6)]
PLACES = {
    "ActivationView": {"layer": "more", "index": 2, "channel": 1, "colormap": "magma", "scale": (-1.0, 2.5)},
    "ExploreView": {"layer": "flat", "main_layers": False},
    "AttributionView": {"methods": ["saliency"], "index": 1, "target": 2},
    "ConvolutionView": {"layer": "more", "index": 1, "channel": 2, "pixel": (1, 3)},
    "EmbeddingView": {"layer": "fc", "method": "pca", "count": 5},
    "ExamplesView": {"layer": "more", "channel": 1, "first": 2, "example": 3},
    "FilterView": {"layer": "more", "channel": 1},
    "InterventionView": {"layer": "conv", "off": (0,), "gains": ((1, -2.0),), "channel": 1, "replace": "mean"},
    "ModelSummary": {"blocks": True},
    "OcclusionView": {"index": 3, "window": (2, 4), "stride": 2, "baseline": 0.25},
    "ReceptiveFieldView": {"layer": "more", "unit": (0, 2)},
    "SignatureView": {"layer": "fc", "count": 2},
}


def opened(view: cw.ModelView, *looked_at: object) -> cw.ModelView:
    """The view that the state tells, on its way through a file."""
    return cw.open(json.loads(json.dumps(view.state)), *looked_at)


@pytest.mark.parametrize(("name", "traits"), PLACES.items(), ids=PLACES)
def test_a_view_is_opened_where_another_stood(name, traits):
    view = getattr(cw, name)(MODEL, IMAGES[0][0] if name == "ModelSummary" else IMAGES, **traits)
    view.settle()
    other = opened(view, MODEL, IMAGES[0][0] if name == "ModelSummary" else IMAGES)
    other.settle()
    assert type(other) is type(view) and repr(other) == repr(view)
    assert np.array_equal(other.picture(), view.picture())
    view.close()
    other.close()


def test_a_playground_keeps_its_kernel_and_image():
    view = cw.KernelPlayground(kernel=[[1.0, 2.0], [3.0, 4.0]], padding=1)
    other = opened(view)
    assert np.array_equal(other.kernel, view.kernel) and np.array_equal(other.picture(), view.picture())


def test_a_place_is_that_of_now_and_not_of_the_beginning():
    view = cw.ActivationView(MODEL, IMAGES)
    view.layer, view.channel = "more", 2
    assert view.state["traits"]["layer"] == "more" and opened(view, MODEL, IMAGES).channel == 2


def test_the_state_is_small_text():
    assert len(json.dumps(cw.ActivationView(MODEL, IMAGES).state)) < 300


def test_text_is_read_too_and_keywords_replace_what_the_state_says():
    state = json.dumps(cw.ActivationView(MODEL, IMAGES, layer="more", channel=2).state)
    view = cw.open(state, MODEL, IMAGES, channel=0, classes=["a", "b", "c"])
    assert (view.layer, view.channel) == ("more", 0)


def test_a_view_of_ones_own_is_found_by_its_name():
    class Parameters(cw.ModelView):
        shown = T.Unicode("C1").tag(source=True)

        def panels(self):
            return [cw.Panel(self.shown, lines=["156"])]

    assert opened(Parameters(shown="C3")).shown == "C3"


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        (3, TypeError, "must be what view.state gave"),
        ("{", ValueError, "no state of a view"),
        ({}, ValueError, "no entries"),
        ({"view": "ActivationView", "traits": {}}, ValueError, "no state of a view: it has 'view', 'traits'"),
        ({"cnnwidgets": 2, "view": "ActivationView", "traits": {}}, ValueError, "format 2, .* reads up to 1"),
        ({"cnnwidgets": 1, "view": "ActivationViev", "traits": {}}, LookupError, "ActivationView"),
        ({"cnnwidgets": 1, "view": "ActivationView", "traits": {"chanel": 1}}, TypeError, "'channel'"),
        ({"cnnwidgets": 1, "view": "ActivationView", "traits": {"layer": "conv9"}}, LookupError, "conv9"),
    ],
)
def test_what_is_no_place_is_refused_in_words(state, error, words):
    with pytest.raises(error, match=words):
        cw.open(state, MODEL, IMAGES)


def test_a_function_cannot_be_told_and_the_trait_is_named():
    view = cw.OcclusionView(MODEL, IMAGES, window=4, stride=4, score=lambda output: output[:, 0])
    with pytest.raises(ValueError, match="score is <function"):
        _ = view.state
