"""Every form of input in the table of the docs, through every function and view that takes images."""

from __future__ import annotations

import re
from collections import UserDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import tv_tensors

import cnnwidgets as cw

PAGE = Path(__file__).parents[1] / "docs" / "pages" / "howto" / "my_model.md"
BYTES = (torch.arange(3 * 6 * 5).reshape(3, 6, 5) * 2 % 256).to(torch.uint8)
IMAGE = BYTES / 255
WHOLE = torch.arange(3 * 6 * 5).reshape(3, 6, 5) % 7
SIGNAL = torch.rand(3, 16, generator=torch.Generator().manual_seed(0))
VOLUME = torch.rand(3, 4, 6, 5, generator=torch.Generator().manual_seed(0))
CONVOLUTIONS = {1: (nn.Conv1d, nn.AdaptiveAvgPool1d), 2: (nn.Conv2d, nn.AdaptiveAvgPool2d)}
CONVOLUTIONS[3] = (nn.Conv3d, nn.AdaptiveAvgPool3d)


def network(axes=2, dtype=torch.float32):
    """Three channels to four maps of the same size, then three class scores."""
    torch.manual_seed(0)
    convolution, pooling = CONVOLUTIONS[axes]
    layers = convolution(3, 4, 3, padding=1), nn.ReLU(), pooling(1), nn.Flatten(), nn.Linear(4, 3)
    return nn.Sequential(*layers).eval().to(dtype)


@dataclass
class Form:
    """One image in some form, what it means as a tensor, and the network that it is for."""

    given: Any
    means: Any
    axes: int = 2
    dtype: torch.dtype = torch.float32
    refused: str = ""
    """What every entry says, where it is not taken."""
    alone: bool = True
    """Whether it may be an item of a data set."""


TAKEN = {
    "a tensor (C, H, W)": Form(IMAGE, IMAGE),
    "a tensor (N, C, H, W)": Form(IMAGE[None], IMAGE),
    "a signal (C, L), for a `Conv1d`": Form(SIGNAL, SIGNAL, 1),
    "a volume or clip (C, D, H, W), for a `Conv3d`": Form(VOLUME, VOLUME, 3),
    "bytes": Form(BYTES, IMAGE),
    "whole numbers of 16, 32 or 64 bits": Form(WHOLE.to(torch.int16), WHOLE.float()),
    "unsigned numbers of 16 bits": Form(WHOLE.to(torch.uint16), WHOLE.float()),
    "truth values": Form(WHOLE > 3, (WHOLE > 3).float()),
    "float16, bfloat16, float64": Form(IMAGE.bfloat16(), IMAGE.bfloat16().float()),
    "a model in bfloat16": Form(IMAGE, IMAGE.bfloat16(), dtype=torch.bfloat16),
    "an array of NumPy": Form(IMAGE.numpy(), IMAGE),
    "an array in another byte order": Form(IMAGE.numpy().astype(">f4"), IMAGE),
    "an array (H, W, C)": Form(BYTES.permute(1, 2, 0).numpy(), IMAGE),
    "a subclass of tensor": Form(tv_tensors.Image(IMAGE), IMAGE),
    "a list of images of one size": Form([IMAGE], IMAGE, alone=False),
    "nested lists of numbers": Form(IMAGE.tolist(), IMAGE, alone=False),
}
REFUSED = {
    "a PIL image": Form(Image.new("RGB", (5, 6)), None, refused=r"PIL image.*ToTensor\(\)"),
    "complex numbers": Form(torch.complex(IMAGE, IMAGE), None, refused=r"complex .*\.abs\(\)"),
    "a path": Form("image.png", None, refused="not 'image.png'|not str"),
    "a single number": Form(3.0, None, refused="not 3.0|not a single number|not float|has shape"),
    "None": Form(None, None, refused="not None|needs an image"),
    "an array of words": Form(np.array([["a", "b"]]), None, refused="array of <U1"),
    "a tensor on the meta device": Form(IMAGE.to("meta"), None, refused="on the meta device, which holds no numbers"),
    "a masked array": Form(np.ma.masked_less(IMAGE.numpy(), 0.1), None, refused=r"masked array.*filled\(0\)"),
}


def functions():
    """Name -> (what it gives for a model and images, the axes that it is for)."""
    quiet = {"progress": False}
    return {
        "activations": (lambda m, x: cw.activations(m, x, "0"), (1, 2, 3)),
        "layer_table": (lambda m, x: cw.layer_table(m, x)["0"].shape, (1, 2, 3)),
        "explain": (lambda m, x: cw.explain(m, x, "0", 1, (2,) * (m[0].weight.ndim - 2)).value, (1, 2, 3)),
        "receptive_field": (lambda m, x: cw.receptive_field(m, x, "0").size, (1, 2, 3)),
        "receptive_fields": (lambda m, x: [field.size for field in cw.receptive_fields(m, x)], (1, 2, 3)),
        "effective_receptive_field": (lambda m, x: cw.effective_receptive_field(m, x, "0"), (1, 2, 3)),
        "occlusion": (lambda m, x: cw.occlusion(m, x, window=2, stride=2, **quiet).scores, (2,)),
        "attributions": (lambda m, x: cw.attributions(m, x, **quiet).values, (2,)),
        "predict": (lambda m, x: cw.Trainer(m, nn.CrossEntropyLoss(), optimizer(m)).predict(x), (1, 2, 3)),
        "ModelSummary": (lambda m, x: cw.ModelSummary(m, x).table["0"].shape, (1, 2, 3)),
    }


def optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def views():
    """Name -> (the view of a model and a data set, the axes that it is for)."""
    return {
        "ActivationView": (cw.ActivationView, (1, 2, 3)),
        "ConvolutionView": (cw.ConvolutionView, (1, 2, 3)),
        "FilterView": (cw.FilterView, (1, 2, 3)),
        "ReceptiveFieldView": (cw.ReceptiveFieldView, (1, 2, 3)),
        "OcclusionView": (cw.OcclusionView, (2,)),
        "InterventionView": (cw.InterventionView, (1, 2, 3)),
        "AttributionView": (cw.AttributionView, (2,)),
        "SignatureView": (lambda m, d: cw.SignatureView(m, d, "0", targets=[0, 1], count=1), (1, 2, 3)),
        "EmbeddingView": (lambda m, d: cw.EmbeddingView(m, d, "0"), (1, 2, 3)),
        "ModelSummary": (cw.ModelSummary, (1, 2, 3)),
        "signatures": (lambda m, d: cw.signatures(m, d, "0", [0, 1], count=1, progress=False), (1, 2, 3)),
        "diagnose": (lambda m, d: cw.diagnose(m, d, progress=False), (1, 2, 3)),
        "Recorder": (lambda m, d: cw.Recorder(m, "0", d).recording, (1, 2, 3)),
    }


def numbers(found):
    """What a function gave, as numbers that can be compared."""
    if isinstance(found, (list, tuple)):
        found = [size if isinstance(size, tuple) else (size, size) for size in found]
    return torch.as_tensor(found, dtype=torch.float64)


def first_maps(found):
    """What the first layer put out for the first image, where a view or function tells it."""
    if hasattr(found, "subject"):
        return found.subject.output(0, "0")
    if hasattr(found, "maps"):
        return found.maps(0, "0")[0]
    return None


def test_the_table_of_the_docs_has_a_row_for_each_form():
    page = PAGE.read_text(encoding="utf-8").partition("## More than one input")[0]
    rows = re.findall(r"^\| ([^|]+?) \|", page, re.MULTILINE)
    assert rows == ["given", "---", *TAKEN, "given", "---", *REFUSED]


@pytest.mark.parametrize("form", TAKEN)
@pytest.mark.parametrize("name", functions())
def test_a_form_that_is_taken_gives_what_its_tensor_gives_in_every_function(name, form):
    run, axes = functions()[name]
    row = TAKEN[form]
    model = network(row.axes, row.dtype)
    if row.axes not in axes:
        with pytest.raises(ValueError, match=r"images must be \(N, C, H, W\)"):
            run(model, row.given)
        return
    assert torch.equal(numbers(run(model, row.given)), numbers(run(model, row.means[None])))


@pytest.mark.parametrize("form", [form for form in TAKEN if TAKEN[form].alone])
@pytest.mark.parametrize("name", views())
def test_a_form_that_is_taken_is_shown_by_every_view(name, form):
    make, axes = views()[name]
    row = TAKEN[form]
    model = network(row.axes, row.dtype)
    data = [(row.given, 0), (row.given, 1)]
    if row.axes not in axes:
        with pytest.raises((TypeError, ValueError), match=r"\(C, H, W\)"):
            make(model, data)
        return
    found = make(model, data)
    maps = first_maps(found)
    with torch.no_grad():
        assert maps is None or torch.allclose(maps.float(), model[0](row.means[None])[0].float(), atol=1e-6)
    if isinstance(found, cw.ActivationView | cw.FilterView):
        assert found.picture().ndim == 3


@pytest.mark.parametrize("form", REFUSED)
@pytest.mark.parametrize("name", functions())
def test_a_form_that_is_refused_is_refused_by_every_function_in_the_same_words(name, form):
    row = REFUSED[form]
    with pytest.raises((TypeError, ValueError, RuntimeError), match=row.refused):
        functions()[name][0](network(), row.given)


@pytest.mark.parametrize("form", REFUSED)
@pytest.mark.parametrize("name", views())
def test_an_item_of_a_form_that_is_refused_is_refused_by_every_view(name, form):
    row = REFUSED[form]
    with pytest.raises((TypeError, ValueError, RuntimeError), match=row.refused):
        views()[name][0](network(), [(row.given, 0), (row.given, 1)])


class Masked(nn.Module):
    """Takes its arguments by keyword, and a mask without an axis of images."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 3)

    def forward(self, pixel_values=None, mask=None):
        return self.head((self.conv(pixel_values) * mask).mean((2, 3)))


MASK = torch.cat([torch.zeros(3, 5), torch.ones(3, 5)])


@pytest.mark.parametrize(
    "view",
    [
        cw.ActivationView,
        cw.ConvolutionView,
        cw.ReceptiveFieldView,
        cw.OcclusionView,
        cw.InterventionView,
        cw.AttributionView,
        cw.ModelSummary,
    ],
)
def test_every_view_takes_what_a_processor_returns_and_a_mask_without_an_axis_of_images(view):
    model = Masked()
    shown = view(model, [(IMAGE, 0)], prepare=lambda item: UserDict(pixel_values=item[0][None], mask=MASK))
    with torch.no_grad():
        assert torch.allclose(shown.subject.output(0, "conv"), model.conv(IMAGE[None])[0], atol=1e-6)


@pytest.mark.parametrize("name", [name for name in functions() if name not in ("predict", "ModelSummary")])
def test_every_function_takes_a_mapping_that_is_no_dict_as_keywords(name):
    def given(kind):
        return {"prepare": lambda images: kind(pixel_values=images.reshape(-1, 3, 6, 5), mask=MASK)}

    run, found = getattr(cw, name), []
    further = {"explain": ("conv", 1, (2, 2)), "occlusion": (), "attributions": (), "receptive_fields": ()}
    for kind in (dict, UserDict):
        torch.manual_seed(0)
        quiet = {"progress": False} if name in ("occlusion", "attributions") else {}
        more = further.get(name, () if name == "layer_table" else ("conv",))
        found.append(repr(run(Masked(), IMAGE, *more, **given(kind), **quiet)))
    assert found[0] == found[1]


def test_complex_images_reach_a_network_that_computes_with_them():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 4, 3, dtype=torch.complex64), nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.conv(x).abs().mean((2, 3)))

    model, image = Net(), torch.complex(IMAGE, 1 - IMAGE)
    with torch.no_grad():
        assert torch.equal(cw.activations(model, image.to(torch.complex128), "conv"), model.conv(image[None]))
    assert cw.ActivationView(model, [(image, 0)]).picture().ndim == 3
    assert not [finding for finding in cw.diagnose(model, [(image, 0)]) if finding.topic == "normalisation"]


def test_a_half_precision_body_with_a_head_in_single_precision_is_shown():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 3)
            self.body = nn.Conv2d(3, 4, 3).bfloat16()

        def forward(self, x):
            return self.head(self.body(x).float().mean((2, 3)))

    model = Net()
    with torch.no_grad():
        assert torch.equal(cw.activations(model, IMAGE, "body"), model.body(IMAGE[None].bfloat16()))
    assert torch.isfinite(cw.attributions(model, IMAGE, progress=False).values).all()


NO_NUMBERS = "the weights of the model are on the meta device, which holds no numbers"


def emptied():
    return network().to("meta")


@pytest.mark.parametrize("name", [name for name in functions() if name not in ("layer_table", "ModelSummary")])
def test_a_model_without_numbers_is_refused_in_words_by_every_function(name):
    with pytest.raises(ValueError, match=NO_NUMBERS):
        functions()[name][0](emptied(), IMAGE)


@pytest.mark.parametrize("name", [name for name in views() if name != "ModelSummary"])
def test_a_model_without_numbers_is_refused_in_words_by_every_view(name):
    with pytest.raises(ValueError, match=NO_NUMBERS):
        views()[name][0](emptied(), [(IMAGE, 0), (IMAGE, 1)])


@pytest.mark.parametrize(
    "run",
    [
        lambda m: cw.activations(m, IMAGE),
        lambda m: cw.activations(m, IMAGE, "1"),
        lambda m: cw.filters(m, "0"),
        lambda m: cw.randomized(m),
        lambda m: cw.Recorder(m, "0", IMAGE[None]),
        lambda m: cw.FilterView(m),
        lambda m: cw.ActivationView(cw.Subject(m, [(IMAGE, 0)])),
        lambda m: cw.EmbeddingView([network(), m], [(IMAGE, 0), (IMAGE, 1)], "0"),
        lambda m: cw.Trainer(m, nn.CrossEntropyLoss(), optimizer(m), device="cpu"),
        lambda m: next(cw.fit(m, [(IMAGE[None], torch.tensor([0]))], nn.CrossEntropyLoss(), optimizer(m), n_epochs=1)),
    ],
)
def test_a_model_without_numbers_is_refused_in_the_same_words_however_it_is_given(run):
    with pytest.raises(ValueError, match=NO_NUMBERS):
        run(emptied())


@pytest.mark.parametrize("name", ["layer_table", "ModelSummary"])
def test_the_shapes_of_a_model_without_numbers_are_told(name):
    assert functions()[name][0](emptied(), IMAGE) == (4, 6, 5)
