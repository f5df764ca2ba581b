"""The JavaScript that slides the window, in Node, against what Python writes for the same windows."""

from __future__ import annotations

import base64
import json
import math
import shutil
import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets.compute.convolution import nearest, slide
from cnnwidgets.render.color import css_gradient
from cnnwidgets.render.text import numerals
from cnnwidgets.views.convolution import ConvolutionView, KernelPlayground
from cnnwidgets.views.convolution.numbers import parse_rows, written
from cnnwidgets.views.convolution.sliding import code
from tests.views.convolution.pages import numbers_of, sliding
from tests.widgets.conftest import exported_by, passes_in_node

HERE = Path(__file__).parent
NODE = shutil.which("node")


def convolution(*args: Any, image: tuple[int, ...] = (3, 7, 8), kind: type = nn.Conv2d, **options: Any) -> Callable:
    """What makes a view of one convolution behind the images."""

    def make() -> ConvolutionView:
        torch.manual_seed(1)
        layers = [nn.Conv2d(3, args[0], 1), nn.ReLU(), kind(*args, **options)]
        return ConvolutionView(nn.Sequential(*layers).eval(), torch.randn(1, *image), layer="2", channel=1)

    return make


def pooling(layer: nn.Module, **traits: Any) -> Callable:
    def make() -> ConvolutionView:
        torch.manual_seed(2)
        return ConvolutionView(nn.Sequential(layer).eval(), torch.randn(1, 3, 7, 8), layer="0", channel=2, **traits)

    return make


class Broken(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 1, math.inf, torch.log(x))  # negative numbers have none


def broken() -> ConvolutionView:
    torch.manual_seed(3)
    model = nn.Sequential(Broken(), nn.Conv2d(3, 2, 2))
    return ConvolutionView(model, 0.4 + 0.5 * torch.randn(1, 3, 5, 5), layer="1")


CASES: dict[str, Callable[[], Any]] = {
    "plain": convolution(3, 2, 3),
    "strided": convolution(3, 2, 3, stride=2, padding=1),
    "dilated": convolution(3, 2, 3, dilation=2, padding=2),
    "uneven": convolution(3, 2, (2, 5), stride=(1, 2), padding=(0, 3), bias=False),
    "grouped": convolution(4, 6, 3, groups=2, padding="same"),
    "of many channels": convolution(12, 2, 3, padding=1),
    "mirrored": convolution(3, 2, 3, padding=2, padding_mode="reflect"),
    "circular": convolution(3, 2, 3, padding=1, padding_mode="circular"),
    "transposed": convolution(3, 2, 3, stride=2, kind=nn.ConvTranspose2d),
    "large": convolution(3, 2, 8, padding=4),
    "of one channel": convolution(1, 2, 3),
    "half": lambda: ConvolutionView(nn.Sequential(nn.Conv2d(3, 2, 3)).bfloat16(), torch.randn(1, 3, 5, 5).bfloat16()),
    "not finite": broken,
    "maximum": pooling(nn.MaxPool2d(3, stride=2, padding=1)),
    "maximum, dilated": pooling(nn.MaxPool2d(2, dilation=2, stride=1), scale="layer"),
    "mean": pooling(nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True)),
    "mean without padding": pooling(nn.AvgPool2d(3, padding=1, count_include_pad=False), colormap="magma"),
    "mean by a number": pooling(nn.AvgPool2d(2, divisor_override=3)),
    "mean of parts": pooling(nn.AdaptiveAvgPool2d((3, 3))),
    "chosen": lambda: ConvolutionView(
        nn.Sequential(nn.Conv2d(3, 2, 3)), torch.randn(1, 3, 6, 6), layer="0", input_channel=1, scale="layer-full"
    ),
    "playground": lambda: KernelPlayground(image="8 × 8 ramp", kernel="box blur", padding=1, bias=0.125),
    "playground, typed": lambda: KernelPlayground(image=[[0.1, 1 / 3, 7]] * 4, kernel=[[-1, 0.3]], dilation=2),
}


def plain(values: Any) -> Any:
    """Numbers as JSON can hold them."""
    if isinstance(values, (list, tuple)):
        return [plain(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(values, "NaN")
    return values


def seen(view: Any) -> dict[str, Any]:
    """What the kernel writes for the window where it stands, and the numbers behind it."""
    e, given = view.explanation, "image" if isinstance(view, KernelPlayground) else "input"
    boxes = {name: view.box(name) for name in (given, "output", "tables", "sum")}
    numbers = {
        "patch": e.patch.flatten().tolist(),
        "kernel": None if e.kernel is None else e.kernel.flatten().tolist(),
        "product": None if e.product is None else e.product.flatten().tolist(),
        "sums": e.sums.tolist(),
        "total": e.steps[0][1],
        "result": e.result,
        "value": e.value,
        "tolerance": e.tolerance,
        "difference": e.difference,
        "cosine": e.cosine,
    }
    marks = view.panel(given).marks
    return {
        "at": view.pixel,
        "numbers": {name: plain(each) for name, each in numbers.items()},
        "agrees": e.agrees,
        "sum": boxes["sum"].below.value,
        "tables": boxes["tables"].below.value,
        "title": boxes["output"].heading.value,
        "heading": boxes[given].heading.value,
        "below": boxes[given].below.value,
        "width": boxes[given].figure.shown_width,
        "marks": [list(box) for box in marks],
    }


def vector(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    torch.manual_seed(0)
    alone = CASES[name]()
    torch.manual_seed(0)
    with sliding(monkeypatch):
        paged = CASES[name]()
    header, buffers = numbers_of(paged)
    found = []
    for place in product(*map(range, alone.extent())):
        alone.pixel = place
        found.append(seen(alone))
    middles = [
        [axis, place, nearest(taps, place)]
        for axis, taps in enumerate(getattr(alone, "windows", []))
        for place in range(-3, 12)
    ]
    alone.close()
    paged.close()
    return {
        "name": name,
        "header": header,
        "buffers": [base64.b64encode(each).decode() for each in buffers],
        "windows": found,
        "nearest": middles,
    }


def tables_of_numbers() -> list[list[Any]]:
    rng = np.random.default_rng(0)
    tables = [[0.125, 0.375, -0.125], [2.5, -3.5], [0, 0], [-0.001, 1], [12345, 2], [1e-7, -3e-8], [0.9995, 0.0005]]
    tables += [
        [1e4, 0.5],
        [999.9, 1.05],
        [-0.25, 0.5],
        [0.045, 0.055],
        [math.nan, math.inf, -math.inf, 2.25],
        [1e300, 1],
    ]
    tables += [(rng.standard_normal(9) * 10.0**power).tolist() for power in range(-9, 10) for _ in range(8)]
    return [
        [plain(values), tight, numerals(np.array([values]), tight=tight)]
        for values in tables
        for tight in (False, True)
    ]


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_writes_for_every_window_what_python_writes(tmp_path, monkeypatch):
    path = tmp_path / "vectors.json"
    cases = [vector(name, monkeypatch) for name in CASES]
    path.write_text(json.dumps({"cases": cases, "numerals": tables_of_numbers()}))
    passes_in_node(HERE / "window.test.mjs", VECTORS=str(path))


def played(monkeypatch: pytest.MonkeyPatch, **traits: Any) -> dict[str, Any]:
    """What Python sends and writes of a playground, and what PyTorch makes of it in float32."""
    with sliding(monkeypatch):
        view = KernelPlayground(**traits)
    header, buffers = numbers_of(view)
    names = ("image", "kernel", "stride", "padding", "dilation", "bias", "colormap")
    settings = {name: getattr(view, name) for name in names}
    image, kernel = (torch.tensor(rows)[None, None] for rows in (view.image, view.kernel))
    steps = (view.stride, view.padding, view.dilation)
    panel, (gradient, *texts) = view.panel("output"), view.panel("output").colorbar
    found = {
        "settings": settings,
        "header": header,
        "buffers": [base64.b64encode(each).decode() for each in buffers],
        "torch": nn.functional.conv2d(image, kernel, torch.tensor([view.bias]), *steps)[0, 0].tolist(),
        "title": view.title(),
        "output": [[text for text in texts if text], css_gradient(gradient), panel.hint],
    }
    view.close()
    return found


def random_rows(rng: np.random.Generator, *size: int) -> list[list[float]]:
    return rng.normal(size=size).tolist()


PLAYED: list[dict[str, Any]] = [
    {},
    {"image": "8 × 8 ramp", "kernel": "Gaussian blur", "padding": 1, "bias": -0.5},
    {"image": "8 × 8 cross", "kernel": "emboss", "stride": 3, "padding": 2, "dilation": 2, "colormap": "magma"},
    {"image": [[0.0]], "kernel": [[3.0]], "colormap": "coolwarm"},
    {"image": [[1e38, -1e38]], "kernel": [[1.0]], "bias": 1e-3},
    *(
        {
            "image": size,
            "kernel": taps,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "bias": 0.1 * stride,
        }
        for size, taps, stride, padding, dilation in (
            ((5, 7), (2, 3), 1, 0, 1),
            ((6, 5), (3, 2), 2, 1, 2),
            ((9, 9), (3, 3), 3, 2, 1),
            ((4, 11), (1, 5), 8, 8, 4),
            ((32, 32), (5, 5), 1, 3, 3),
            ((32, 32), (1, 1), 1, 8, 1),
        )
    ),
]
TYPED = [
    *(
        "1 2\n3 4",
        "1,2;3,4",
        "[[1, -2.5];[3e-1, 4]]",
        "1/9 −1/2\n\n 0 0 \n",
        ".5 +2. 1E3",
        "",
        "  \n",
        "1 2\n3",
        "1 two",
    ),
    *(
        "1/0",
        "1/2/3",
        "/2",
        "1 inf",
        "nan",
        "1/inf",
        "1e999",
        "1e99",
        "-1e99 0",
        "3.4e38",
        "0x10",
        "it's",
        "1 " * 33,
        "1e-400",
    ),
]


def read(text: str) -> list[Any]:
    try:
        return [text, parse_rows(text), ""]
    except ValueError as error:
        return [text, None, str(error)]


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_computes_what_pytorch_computes_and_reads_what_python_reads(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    chosen = [
        {name: random_rows(rng, *value) if isinstance(value, tuple) else value for name, value in traits.items()}
        for traits in PLAYED
    ]
    view = KernelPlayground()
    view.exporting = True
    view.panels()
    moves: Any = view.page_moves()
    own, before = moves.given["own"], {**moves.given["header"], "note": "", "out": [], "around": []}
    misfits = []
    for traits in ({"dilation": 4}, {"image": [[1, 2]], "kernel": [[1]], "dilation": 8}, {"image": [[1]] * 3}):
        settings = {**own["settings"], **traits}
        try:
            slide(*(settings[name] for name in ("image", "kernel")), dilation=settings["dilation"])
        except ValueError as error:
            misfits.append([settings, str(error)])
        else:
            misfits.append([settings, ""])
    tables = [((1.0, -0.5), (10.0, -0.0)), ((1 / 9, 123456789.0), (1e-7, 2.5))]
    data = {
        "cases": [played(monkeypatch, **traits) for traits in chosen],
        "texts": [read(text) for text in TYPED],
        "written": [[rows, written(rows)] for rows in tables],
        "misfits": misfits,
        "given": {**own, "header": before, "colors": base64.b64encode(moves.buffers[0]).decode()},
    }
    assert [bool(message) for _, message in misfits] == [True, False, True]
    path = tmp_path / "played.json"
    path.write_text(json.dumps(data))
    passes_in_node(HERE / "playing.test.mjs", VECTORS=str(path))
    (script := tmp_path / "page.js").write_text(f"const moved = {moves.code};", encoding="utf-8")
    assert subprocess.run([str(NODE), "--check", script], check=False).returncode == 0  # no name stands twice
    view.close()


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_paints_a_map_that_is_looked_at_closer():
    passes_in_node(HERE / "closer.test.mjs")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_code_is_one_module_that_imports_nothing(tmp_path):
    exported = exported_by(code(), tmp_path / "slide.mjs")
    assert exported.split() == ["[", "'default'", "]", "[", "'initialize',", "'render'", "]"]
    assert "import {" not in code()
