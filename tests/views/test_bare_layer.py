"""A model that is one bare layer: the model is the layer, and has no name of its own among its modules."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw

NAME = "(output)"
"""What the layer table calls it."""


@pytest.fixture
def model() -> nn.Conv2d:
    return nn.Conv2d(3, 4, 3, padding=1)


@pytest.fixture
def images() -> list[tuple[torch.Tensor, int]]:
    return [(torch.rand(3, 8, 8), at % 2) for at in range(4)]


def scores(output: torch.Tensor) -> torch.Tensor:
    return output.mean((2, 3))


def functions() -> dict[str, object]:
    """What each function finds for a layer of a model and its images, by how the layer is called."""
    nothing = {"progress": False}
    return {
        "activations": lambda model, data, name: cw.activations(model, data[0][0], name),
        "capture": captured,
        "explain": lambda model, data, name: cw.explain(model, data[0][0], name, 1, (2, 3)).value,
        "filters": lambda model, data, name: cw.filters(model, name).weights,
        "receptive_field": lambda model, data, name: cw.receptive_field(model, data[0][0], name).box(2, 3),
        "responses": lambda model, data, name: cw.responses(model, data, name, **nothing),
        "scan": lambda model, data, name: cw.scan(model, data, [name], **nothing)["(output)"].values,
        "signatures": lambda model, data, name: cw.signatures(model, data, name, [0, 1]).vectors,
        "intervene": intervened,
        "channel_effects": lambda model, data, name: (
            cw.channel_effects(model, data[0][0], name, score=scores, **nothing).scores
        ),
        "maximize": lambda model, data, name: list(cw.maximize(model, name, channel=1, size=8, steps=2))[-1].pixels,
    }


def captured(model: nn.Module, data: list, name: str) -> torch.Tensor:
    with cw.capture(model, name) as found:
        model(data[0][0][None])
    return found[name]


def intervened(model: nn.Module, data: list, name: str) -> torch.Tensor:
    with cw.intervene(model, {name: cw.Ablate(channels=[1])}), torch.no_grad():
        return model(data[0][0][None])


@pytest.mark.parametrize("function", list(functions()))
def test_a_function_takes_the_name_of_the_table_and_the_one_among_its_modules(function, model, images):
    found = []
    for name in (NAME, ""):
        torch.manual_seed(0)
        found.append(functions()[function](model, images, name))
    one, other = found
    assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))


def test_another_name_is_answered_with_the_one_that_there_is(model, images):
    for call in (cw.activations, cw.explain, cw.receptive_field):
        with pytest.raises(LookupError, match=r"no layer 'conv'.*\(output\)"):
            call(model, images[0][0], "conv", *([0] if call is cw.explain else []))
    with pytest.raises(LookupError, match=r"no layer 'conv'; convolutions: \(output\)"):
        cw.filters(model, "conv")


VIEWS = {
    cw.ActivationView: ("channel", 1),
    cw.ExamplesView: ("channel", 1),
    cw.FilterView: ("filter", 1),
    cw.ConvolutionView: ("input_channel", 1),
    cw.ReceptiveFieldView: ("unit", (2, 3)),
    cw.MaximizeView: ("channel", 1),
    cw.SignatureView: ("index", 1),
    cw.EmbeddingView: ("pooling", "max"),
    cw.ModelSummary: ("blocks", True),
    cw.ExploreView: ("channel", 1),
    cw.OcclusionView: ("index", 1),
    cw.AttributionView: ("index", 1),
}
OPTIONS = {
    cw.MaximizeView: {"steps": 16},
    cw.EmbeddingView: {"method": "pca"},
    cw.OcclusionView: {"score": scores, "window": 4, "stride": 4},
    cw.AttributionView: {"score": scores, "methods": ("saliency",)},
}


@pytest.mark.parametrize("kind", VIEWS, ids=lambda kind: kind.__name__)
def test_a_view_is_made_moved_saved_exported_and_written_as_code(kind, model, images, tmp_path):
    view = kind(model, images, **OPTIONS.get(kind, {}))
    if view.has_trait("layer") and kind is not cw.EmbeddingView:
        assert view.layer == NAME
    name, value = VIEWS[kind]
    setattr(view, name, value)
    view.flush()
    assert view.error == "" and getattr(view, name) == value
    assert view.save(tmp_path / "picture.png").stat().st_size > 1000
    given = {"channel": [0, 1]} if view.has_trait("channel") else {}
    page = view.to_html(tmp_path / "page.html", progress=False, **given)
    assert page.frames and "Left out" not in page.path.read_text()
    names = {"model": model, "images": images, "scores": scores}
    exec(view.code(names), names)
    assert repr(names["view"]) == repr(view)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (cw.OcclusionView, r"the model gives 1 x 4 x 8 x 8, not class scores .* choose them with score="),
        (cw.AttributionView, r"needs a network that gives class scores alone; .* choose them with score="),
    ],
)
def test_a_view_that_needs_more_says_what(kind, words, model, images, widgets):
    before = widgets()
    with pytest.raises(ValueError, match=words):
        kind(model, images)
    assert widgets() == before


def test_channels_of_a_bare_layer_are_switched_off_by_its_operation(model, images):
    view = cw.InterventionView(model, images, off=(1,), ranking=False)
    assert view.layer == "conv2d" and view.error == ""
    assert torch.equal(view.edited.output(0, NAME), intervened(model, images, "conv2d")[0])
    assert view.edited.output(0, NAME)[1].abs().max() == 0


@pytest.mark.parametrize("make", [torch.jit.script, lambda model: torch.jit.trace(model, torch.rand(1, 1, 8, 8))])
def test_a_view_of_torchscript_opens_with_what_it_can_show_or_says_that_there_is_nothing(make):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)).eval()
    images = torch.rand(2, 1, 8, 8)
    view = cw.MaximizeView(make(model), images, channel=2, steps=3)
    view.settle()
    picture = view.growing.picture
    assert picture.activation.item() == pytest.approx(model(picture.images)[0, 2].item(), abs=1e-5)
    view.close()
    for kind in (cw.ReceptiveFieldView, cw.ConvolutionView):
        with pytest.raises(
            ValueError, match=r"can show no layer of .*: it is TorchScript, whose layers cannot be foll"
        ):
            kind(make(model), images)
