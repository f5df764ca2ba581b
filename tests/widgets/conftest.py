"""Tiny networks whose maps can be worked out by hand, and counters of widgets, messages, passes and hooks."""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets as W
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cnnwidgets import ActivationView, ModelView, activations
from cnnwidgets.live import newest
from cnnwidgets.render.color.colormap import palette
from cnnwidgets.render.color.shaded import Shaded
from cnnwidgets.render.mosaic.grid import Grid, mosaic
from cnnwidgets.render.static import Panel

EVIL = "<img src=x onerror=alert(1)>"
"""A name that would run a script if it were taken for HTML."""


class Clock:
    """Stands in for the module `time`: it only goes on when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time as `Newest` sees it: whatever comes right after a drawing waited behind it, on any machine."""
    clock = Clock()
    monkeypatch.setattr(newest, "time", clock)
    return clock


class Message(NamedTuple):
    """One message from the kernel to the page."""

    widget: W.Widget
    content: dict[str, Any]

    @property
    def traits(self) -> set[str]:
        """The traits whose new values it carries, pictures among them."""
        return set(self.content.get("state", {})) | {path[0] for path in self.content.get("buffer_paths", [])}


class NoPage:
    """A kernel to which no page is connected: what is sent goes nowhere."""

    iopub_socket = shell = None

    def __init__(self) -> None:
        self.comm_manager = self.session = self

    def register_comm(self, comm: Any) -> str:
        return str(comm.comm_id)

    def unregister_comm(self, comm: Any) -> None:
        pass

    def send(self, *message: Any, **options: Any) -> None:
        pass

    def get_parent(self, channel: str) -> dict[str, Any]:
        return {}


def with_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ipywidgets 7 send its messages, which it does only where it sees a kernel."""
    if W.__version__.startswith("7."):
        monkeypatch.setattr(pytest.importorskip("ipykernel.comm").Comm, "kernel", NoPage())


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """The messages that a page would get, in order; `messages.clear()` starts anew."""
    sent: list[Message] = []
    monkeypatch.setattr(W.Widget, "_send", lambda self, msg, buffers=None: sent.append(Message(self, msg)))
    with_kernel(monkeypatch)
    return sent


def tiny() -> nn.Sequential:
    """1 x 4 x 4 images -> `conv` 2 @ 4x4 (x and -2x), `pool` 2 @ 2x2 (the largest of four), `flatten` 8, `fc` 3."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(1, 2, 1, bias=False)
    layers["pool"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(8, 3, bias=False)
    model = nn.Sequential(layers)
    with torch.no_grad():
        model.conv.weight.copy_(torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1))
        model.fc.weight.zero_()
        model.fc.weight[0, 3] = 1.0  # unit 0: the last number of pooled map 0
        model.fc.weight[1, 4] = 1.0  # unit 1: the first of pooled map 1
    return model


def steps(count: int = 6) -> list[tuple[torch.Tensor, int]]:
    """Image k of 1 x 4 x 4 counts up from k: k, k + 1 ... k + 15; its label is k % 3."""
    return [(torch.arange(16.0).reshape(1, 4, 4) + k, k % 3) for k in range(count)]


@pytest.fixture
def model() -> nn.Sequential:
    return tiny()


@pytest.fixture
def dataset() -> list[tuple[torch.Tensor, int]]:
    return steps()


@pytest.fixture
def passes(model: nn.Module) -> Callable[[], int]:
    """How often `model` has begun to run since the last call; a hook of the user's own counts."""
    count = [0]

    def counted(module: nn.Module, args: Any) -> None:
        count[0] += 1

    model.register_forward_pre_hook(counted)

    def since() -> int:
        seen, count[0] = count[0], 0
        return seen

    return since


def hooks(model: nn.Module) -> int:
    """Hooks of any kind on a model and everything inside it."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(part, kind)) for part in model.modules() for kind in kinds)


def decoded(png: bytes) -> np.ndarray:
    """Pixels of a PNG as a page shows them: (H, W, 4) RGBA."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


class Refusing(nn.Module):
    """A network that fails for a bright image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.mean() > 0.5:
            raise RuntimeError("too bright for me")
        return self.conv(x).mean((2, 3))


def passes_in_node(file: Path, **environment: str) -> None:
    """Run the tests of a module of JavaScript; what fails is in the error."""
    done = subprocess.run(["node", "--test", str(file)], env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def exported_by(code: str, path: Path) -> str:
    """The names that a module of JavaScript exports, and those that its default has, as Node prints them."""
    path.write_text(code)
    program = f"const code = await import('{path}'); console.log(Object.keys(code), Object.keys(code.default))"
    done = subprocess.run(["node", "--input-type=module", "-e", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def inside(widget: W.Widget) -> list[W.Widget]:
    """Every widget that `widget` holds, itself first."""
    found: dict[int, W.Widget] = {}

    def visit(value: Any) -> None:
        if isinstance(value, W.Widget):
            if id(value) not in found:
                found[id(value)] = value
                for name in value.keys:
                    visit(getattr(value, name, None))
        elif isinstance(value, dict):
            visit(list(value.values()))
        elif isinstance(value, (list, tuple)):
            for part in value:
                visit(part)

    visit(widget)
    return list(found.values())


def click(mark: W.Widget, **data: float) -> None:
    """What the page tells the kernel when a mark is clicked: `click_x, click_y` on an image, `index` on a scatter."""
    mark._handle_custom_msgs(mark, {"event": "element_click", "data": data})


def hover(mark: W.Widget, index: int) -> None:
    """What the page tells the kernel when the mouse is over a point of a scatter."""
    mark._handle_custom_msgs(mark, {"event": "hover", "data": {"index": index}})


def words(*widgets: W.Widget) -> str:
    """What a person reads in HTML widgets, blocks apart from one another."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", " ".join(part.value for part in widgets))))


def said(panel: Panel) -> str:
    """What a person reads in a panel, from top to bottom, each part with a space behind it."""
    lines = [line if isinstance(line, str) else f"{line[0]} {line[1]}" for line in panel.lines]
    bars = [f"{label} {text}" for label, _, text in panel.bars]
    ends = [text for text in (panel.colorbar or ())[1:] if text]
    return "".join(f"{part} " for part in [panel.heading, panel.hint, *ends, *bars, *lines] if part)


def bars(panel: Panel) -> dict[str, str]:
    """Label -> text of the bars of a panel."""
    return {label: text for label, _, text in panel.bars}


def titled(view: ModelView) -> str:
    """What the title line and the status of a view say."""
    return f"{view.static().title} · {view.static().footer}"


def control(view: W.Widget, name: str, kind: type = W.Widget) -> Any:
    """The first control of this kind that a screen reader calls `name`."""
    found = [part for part in inside(view) if isinstance(part, kind) and getattr(part, "description", "") == name]
    assert found, f"no {kind.__name__} is called {name!r}"
    return found[0]


def levels(view: ActivationView) -> np.ndarray:
    """Palette indices of the grid that is on the screen."""
    pixels = view.panel("maps").pixels
    assert pixels is not None
    return pixels


def expected(model: nn.Module, image: torch.Tensor, layer: str, **options: Any) -> np.ndarray:
    """The grid as RGBA, made from `activations` and `cnnwidgets.render` alone."""
    shaded = Shaded.of(activations(model, image, layer)[0].numpy(), **options)
    grid = Grid.fit(*shaded.maps.shape, room=480)
    return palette(shaded.colormap)[mosaic(shaded.tiles(), grid)]


# 5 7 13 15 and 0 -4 -16 -20, between -20 and 20 on 254 levels: floor((value + 20) * 253 / 40 + 0.5)
POOLED = [[158, 171, 127, 101], [209, 221, 25, 0]]
"""Palette indices of `pool` for image 0 of `tiny` and `steps`, both maps side by side."""
