"""The cell that a view gives of itself: run, it makes the same numbers and the same picture."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import ipywidgets as W
import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from tests.widgets.conftest import inside

MODEL, DATASET = cw.models.lenet5(pretrained=True), cw.data.digits()
SCAN = cw.scan(MODEL, DATASET, ["C3", "F6"], progress=lambda done, total: False)  # of the first images
NAMES = {"model": MODEL, "dataset": DATASET, "scan": SCAN}
MAKE: dict[str, Callable[[], Any]] = {
    "activation": lambda: cw.ActivationView(MODEL, DATASET, layer="C3", channel=5, index=3, scale=(-1.0, 1.0)),
    "all layers": lambda: cw.ActivationView(MODEL, DATASET, layer="func1", main_layers=False),
    "attribution": lambda: cw.AttributionView(MODEL, DATASET, index=2, methods=("saliency", "grad_cam"), target=4),
    "convolution": lambda: cw.ConvolutionView(MODEL, DATASET, layer="C3", channel=2, pixel=(3, 4)),
    "explore": lambda: cw.explore(MODEL, DATASET, index=2, scale="network"),
    "embedding": lambda: cw.EmbeddingView(MODEL, DATASET, "F6", count=30, method="pca"),
    "examples": lambda: cw.ExamplesView(MODEL, DATASET, SCAN, layer="C3", channel=2, first=3),
    "channels": lambda: cw.ChannelsView(SCAN, layer="F6", target=3),
    "filter": lambda: cw.FilterView(MODEL, DATASET, layer="C3", filter=3),
    "filter alone": lambda: cw.FilterView(MODEL),
    "intervention": lambda: cw.InterventionView(MODEL, DATASET, layer="C3", off=(3, 7), gains=((2, 0.5),), index=1),
    "occlusion": lambda: cw.OcclusionView(MODEL, DATASET, window=5, target=3, top=4, left=6),
    "playground": lambda: cw.KernelPlayground(bias=2.0, kernel=[[1.0, -1.0]], padding=1),
    "receptive field": lambda: cw.ReceptiveFieldView(MODEL, DATASET, layer="C3", unit=(4, 5)),
    "signature": lambda: cw.SignatureView(MODEL, DATASET, "F6", targets=(1, 7), count=3),
    "summary": lambda: cw.ModelSummary(MODEL, DATASET),
    "summary of one image": lambda: cw.ModelSummary(MODEL, DATASET[0][0]),
}


def run(code: str, **names: Any) -> dict[str, Any]:
    """The variables after a cell."""
    variables = dict(names)
    exec(code, variables)
    return variables


@pytest.mark.parametrize("kind", MAKE)
def test_the_cell_of_a_view_makes_the_same_picture(kind):
    view = MAKE[kind]()
    view.settle()
    again = run(view.code(NAMES), **NAMES, images=DATASET[0][0])["view"]
    again.settle()
    assert again.state == view.state
    assert np.array_equal(again.picture(), view.picture())


def test_the_numbers_behind_the_picture_come_from_public_functions():
    maps = cw.ActivationView(MODEL, DATASET, layer="C3", index=3)
    assert torch.equal(run(maps.code(NAMES), **NAMES)["maps"], maps.maps)
    sums = cw.ConvolutionView(MODEL, DATASET, layer="C3", channel=2, pixel=(3, 4))
    assert run(sums.code(NAMES), **NAMES)["explanation"].value == sums.explanation.value
    rows = cw.ModelSummary(MODEL, DATASET)
    assert run(rows.code(NAMES), **NAMES)["table"].names == rows.table.names
    off = cw.InterventionView(MODEL, DATASET, layer="C3", off=(3, 7), index=3)
    assert torch.equal(run(off.code(NAMES), **NAMES)["output"], off.edited.output(3, "OUTPUT"))
    field = cw.ReceptiveFieldView(MODEL, DATASET, layer="C3")
    assert run(field.code(NAMES), **NAMES)["field"].size == field.field.size


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        ("F6", {}),
        ("C3", {"pooling": "mean"}),
        ("C3", {"pooling": "max"}),
        ("S2", {"pooling": "none", "points": "channels"}),
    ],
)
def test_the_points_of_an_embedding_come_from_public_functions(layer, options):
    view = cw.EmbeddingView(MODEL, DATASET, layer, count=12, method="pca", **options)
    view.settle()
    points = run(view.code(NAMES), **NAMES)["points"]
    assert points.shape == view.embedding.points.shape
    np.testing.assert_allclose(points, view.embedding.points, atol=1e-3 * np.abs(view.embedding.points).max())


def test_the_points_of_several_networks_are_on_one_plane():
    models = [cw.models.lenet5(), MODEL]
    view = cw.EmbeddingView(models, DATASET, "F6", count=8, method="pca")
    view.settle()
    names = {"models": models, "dataset": DATASET}
    points = run(view.code(names), **names)["points"]
    np.testing.assert_allclose(points, view.embedding.points, atol=1e-3 * np.abs(view.embedding.points).max())


def test_where_no_public_function_gives_the_points_the_view_alone_is_told():
    states = [MODEL.state_dict(), MODEL.state_dict()]
    view = cw.EmbeddingView(MODEL, DATASET, "F6", count=8, method="pca", states=states)
    code = view.code(NAMES | {"states": states})
    assert "embed(" not in code and code.splitlines()[-1] == "view"


@pytest.fixture
def film(tmp_path) -> cw.Recording:
    """A network that learns for two steps."""
    torch.manual_seed(0)
    model = cw.models.lenet5()
    images, labels = torch.stack([DATASET[at][0] for at in range(6)]), torch.tensor([DATASET[at][1] for at in range(6)])
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    recorder = cw.Recorder(model, ["C1", "C3", "F6"], images, tmp_path / "film", every=1, labels=labels.tolist())
    with recorder:
        for step in cw.fit(model, [(images, labels)] * 2, nn.CrossEntropyLoss(), optimizer, n_epochs=1):
            recorder.step(step.epoch, step.batch, of=2, loss=step.loss)
    return recorder.recording


@pytest.mark.parametrize("given", ["recording", "folder"])
@pytest.mark.parametrize(
    "traits",
    [
        {"layer": "C3", "probe": 2},
        {"layer": "C3", "difference": "first", "frame": 1},
        {"layer": "C1", "difference": "previous", "frame": 0},
        {"what": "filters", "layer": "C1"},
    ],
    ids=str,
)
def test_the_numbers_of_a_film_are_read_from_the_recording(film, given, traits):
    source = film if given == "recording" else str(film.path)
    view = cw.FilmView(source, **traits)
    variables = run(view.code({"recording": film}), recording=film)
    numbers = variables[traits.get("what", "maps")].numpy()
    assert np.array_equal(numbers.reshape(view.maps.shape) if "what" not in traits else numbers[:, 0], view.maps)
    assert np.array_equal(variables["view"].picture(), view.picture())


def test_an_embedding_of_a_film_is_made_of_its_numbers(film):
    view = cw.EmbeddingView(film, layer="C3", method="pca")
    view.settle()
    points = run(view.code({"recording": film}), recording=film)["points"]
    np.testing.assert_allclose(points, view.embedding.points, atol=1e-3 * np.abs(view.embedding.points).max())


@pytest.mark.parametrize("own", [False, True], ids=["the trainer's images", "other images"])
def test_a_training_tells_its_history_and_its_maps(own):
    torch.manual_seed(0)
    model, batches = cw.models.lenet5(), torch.utils.data.Subset(DATASET, range(8))
    trainer = cw.Trainer(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1))
    trainer.set_loaders(torch.utils.data.DataLoader(batches, 4))
    names = {"trainer": trainer} | ({"dataset": DATASET} if own else {})
    view = cw.TrainingView(trainer, DATASET, layer="C3") if own else cw.TrainingView(trainer, layer="C3")
    trainer.train(1)
    variables = run(view.code(names), **names)
    assert variables["history"] is trainer.history and len(variables["history"].steps) == 2
    index = view.index
    assert torch.equal(variables["maps"], cw.activations(model, (DATASET if own else batches)[index][0], "C3")[0])
    again = variables["view"]
    assert again.state == view.state
    for each in (again, view):
        each.close()


def test_the_cell_reads_as_one_would_write_it():
    assert cw.ActivationView(MODEL, DATASET, layer="C3", index=3).code(NAMES) == (
        "import cnnwidgets as cw\n"
        'maps = cw.activations(model, dataset[3][0], "C3")[0]\n'
        'view = cw.ActivationView(model, dataset, index=3, layer="C3")\n'
        "view"
    )


def test_what_the_notebook_calls_otherwise_is_called_so():
    code = cw.ActivationView(MODEL, DATASET).code({"net": MODEL, "digits": DATASET, "_": MODEL})
    assert "cw.ActivationView(net, digits, " in code and "#" not in code


def test_what_has_no_name_is_told_in_a_comment():
    view = cw.ActivationView(MODEL, DATASET, classes=list("abcdefghij"), prepare=lambda item: item[0][None])
    lines = view.code({}).splitlines()
    assert lines[1] == "# model, prepare, dataset: what the view was given"
    assert 'classes=["a", "b", ' in "".join(lines)


def test_a_network_without_a_name_is_called_model():
    for view in (cw.ActivationView(MODEL, DATASET), cw.EmbeddingView(MODEL, DATASET, "F6", count=8, method="pca")):
        assert "# model, dataset: what the view was given" in view.code({})


def test_a_view_of_a_subject_is_made_of_its_model_and_data_set():
    subject = cw.Subject(MODEL, DATASET, classes=list("abcdefghij"))
    view = cw.ActivationView(subject, layer="C3")
    again = run(view.code(NAMES), **NAMES)["view"]
    assert np.array_equal(again.picture(), view.picture())
    assert again.subject.names.of(10) == list("abcdefghij")


@pytest.mark.parametrize(
    ("element", "expression"),
    [
        (lambda image: image, "dataset[0]"),
        (lambda image: (image, 3), "dataset[0][0]"),
        (lambda image: {"label": 3, "image": image}, 'dataset[0]["image"]'),
        (lambda image: (image.numpy(), 3), "dataset[0][0]"),
    ],
)
def test_the_image_is_found_in_items_of_every_form(element, expression):
    data = [element(torch.rand(1, 28, 28))]
    view = cw.ActivationView(MODEL, data)
    assert f"cw.activations(model, {expression}, " in view.code({"model": MODEL, "dataset": data})
    variables = run(view.code({"model": MODEL, "dataset": data}), model=MODEL, dataset=data)
    assert torch.allclose(variables["maps"], view.maps)


def image_alone(item: Any) -> torch.Tensor:
    return item[0][None]


TAKEN: dict[str, Any] = {
    "classes": list("abcdefghij"),
    "denormalize": ([0.1], [0.5]),
    "prepare": image_alone,
    "cache_bytes": 2**20,
}
"""What views of a model and a data set take beside these."""
OF_IMAGES = (cw.ActivationView, cw.AttributionView, cw.ConvolutionView, cw.FilterView, cw.InterventionView,
             cw.OcclusionView,
             cw.ReceptiveFieldView, cw.SignatureView, cw.explore)  # fmt: skip


@pytest.mark.parametrize("option", TAKEN)
@pytest.mark.parametrize("make", OF_IMAGES, ids=lambda make: make.__name__)
def test_what_a_view_was_made_with_is_in_the_cell(make, option):
    if option == "cache_bytes" and option not in inspect.signature(make).parameters:
        pytest.skip("it is no keyword of this view")
    layer = {"layer": "F6", "targets": (1, 7), "count": 2} if make is cw.SignatureView else {}
    view = make(MODEL, DATASET, **{option: TAKEN[option]}, **layer)
    code = view.code(NAMES | {"prepare": image_alone})
    again = run(code, **NAMES, prepare=image_alone)["view"]
    assert f"{option}=" in code
    assert again.state == view.state
    assert np.array_equal(again.picture(), view.picture())


def test_with_what_makes_the_arguments_of_items_only_functions_of_items_are_called():
    for make in (cw.OcclusionView, cw.AttributionView):
        code = make(MODEL, DATASET, prepare=image_alone).code(NAMES | {"prepare": image_alone})
        assert "cw.occlusion(" not in code and "cw.attributions(" not in code


def test_an_own_image_is_shown_by_the_cell_too():
    view, image = cw.ActivationView(MODEL, DATASET), np.random.default_rng(0).integers(0, 255, (28, 28), np.uint8)
    view.show(image)
    code = view.code(NAMES)
    assert "# image: what view.show was given" in code and "what the view was given" not in code
    variables = run(code, **NAMES, image=image)
    assert torch.equal(variables["maps"], view.maps)
    assert torch.equal(variables["view"].maps, view.maps)


def test_a_class_of_ones_own_is_called_by_its_name():
    class Mine(cw.ModelView):
        def panels(self) -> list[cw.Panel]:
            return [cw.Panel("Mine")]

    assert Mine().code({}) == "view = Mine()\nview"


def test_the_button_shows_the_cell_and_it_follows_the_view():
    view = cw.ActivationView(MODEL, DATASET, layer="C1")
    button = next(part for part in inside(view) if getattr(part, "description", "") == "as code")
    texts = [part for part in inside(view) if isinstance(part, W.HTML)]
    button.value = True
    cell = next(part for part in inside(view) if "cw.ActivationView(" in str(getattr(part, "value", "")))
    assert "&#34;C1&#34;" in cell.value
    view.layer = "C3"
    assert "&#34;C3&#34;" in cell.value and "&#34;C1&#34;" not in cell.value
    button.value = False
    view.layer = "C5"
    assert cell.layout.display == "none" and "&#34;C3&#34;" in cell.value  # nobody sees it: nothing is sent
    assert [part for part in inside(view) if isinstance(part, W.HTML) and part not in texts] == [cell]


def test_names_in_a_cell_are_text():
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.add_module('"<b>\\', nn.Conv2d(1, 1, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self._modules['"<b>\\'](x)

    model, data = Odd(), [torch.rand(1, 8, 8)]
    view = cw.ActivationView(model, data)
    variables = run(view.code({"model": model, "dataset": data}), model=model, dataset=data)
    assert torch.equal(variables["maps"], view.maps)
    button = next(part for part in inside(view) if getattr(part, "description", "") == "as code")
    button.value = True
    assert not any("<b>\\" in str(getattr(part, "value", "")) for part in inside(view) if "cw." in str(part))
