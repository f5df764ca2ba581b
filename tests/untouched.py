"""Random small networks, and random looks at them: what nobody looked at must train to the same weights, to the bit."""

from __future__ import annotations

import functools
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import cnnwidgets as cw

CLASSES, CHANNELS, SIDE = 4, 6, 12
VIEWS: tuple[Any, ...] = (
    cw.ActivationView, cw.AttributionView, cw.ConvolutionView, cw.FilterView, cw.OcclusionView, cw.ReceptiveFieldView,
    cw.ModelSummary,
)  # fmt: skip
LOOKS = (
    "activations", "table", "attribution", "occlusion", "explain", "field", "gradient", "filters", "signatures",
    "open", "open", "move", "move", "move",
)  # fmt: skip
"""Methods of `Looks`; the hand moves a slider more often than it opens a view."""


class Plain(nn.Module):
    """A convolution, its normalisation, and a ReLU in its own memory."""

    def __init__(self, norm: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), norm(), nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.conv(x)))


class Skip(nn.Module):
    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inside(x)


class Twice(nn.Module):
    """One module that runs twice, and stands under two names."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.first = self.again = inside

    def forward(self, x: Tensor) -> Tensor:
        return self.again(self.first(x))


class Several(nn.Module):
    """Hands on a tuple, with None in it, and a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = _Pair()

    def forward(self, x: Tensor) -> Tensor:
        found, nothing = self.inner(x)
        assert nothing is None
        return found["out"] + found["aside"]


class _Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(CHANNELS, CHANNELS, 1)

    def forward(self, x: Tensor) -> tuple[dict[str, Tensor], None]:
        return {"out": self.conv(x), "aside": x.tanh()}, None


class ByMode(nn.Module):
    """Other branches in training: noise, and a layer that rests otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.extra, self.drop = nn.Conv2d(CHANNELS, CHANNELS, 1), nn.Dropout2d(0.3)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(x + 0.1 * torch.randn_like(x) * self.extra(x)) if self.training else x


class Prepared(nn.Module):
    """`eval()` prepares the weights that evaluation uses; training forgets them."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.ready = nn.Parameter(torch.rand(CHANNELS, 1, 1)), {}

    def train(self, mode: bool = True) -> Prepared:
        super().train(mode)
        self.ready = {} if mode else {"scale": self.scale.detach().exp()}
        return self

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.scale.exp() if self.training else self.ready["scale"])


class Merges(nn.Conv2d):
    """Adds an update to its weights in evaluation mode, in place, as low-rank adapters do."""

    def __init__(self) -> None:
        super().__init__(CHANNELS, CHANNELS, 1)
        self.update, self.merged = nn.Parameter(torch.rand(CHANNELS, CHANNELS, 1, 1)), False

    def train(self, mode: bool = True) -> Merges:
        if self.merged is mode:
            self.weight.data += -self.update.data if mode else self.update.data
            self.merged = not mode
        return super().train(mode)


class Remembers(nn.Module):
    """Writes into what it holds: a counter, lists, a queue, a buffer, a membrane that goes on from image to image."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.log, self.last = 0, {"means": [0.0]}, deque(maxlen=3)
        self.membrane: Tensor | None = None
        self.register_buffer("seen", torch.zeros(CHANNELS))
        self.grid = functools.lru_cache(maxsize=4)(_grid)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.log["means"].append(float(x.detach().mean()))
        self.last.append(x.detach().mean())
        self.seen += x.detach().mean((0, 2, 3))
        before = self.membrane if self.membrane is not None and self.membrane.shape == x.shape else torch.zeros_like(x)
        self.membrane = (0.5 * before + x).detach()
        return x + 0.01 * self.membrane + 0.1 * self.grid(x.shape[-1]) + 0.01 * torch.stack([*self.last]).mean()


def _grid(side: int) -> Tensor:
    return torch.linspace(-1, 1, side)


class Hooked(nn.Module):
    """Installs a hook of its own at its first pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.installed, self.passed = nn.Conv2d(CHANNELS, CHANNELS, 1), False, 0

    def forward(self, x: Tensor) -> Tensor:
        if not self.installed:
            self.conv.register_forward_hook(self.scale)
            self.installed = True
        return self.conv(x)

    def scale(self, owner: nn.Module, given: Any, output: Tensor) -> Tensor:
        self.passed += 1
        return output * 1.5


class Net(nn.Module):
    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, CHANNELS, 3, stride=chance.choice([1, 2]), padding=1)
        self.stages = nn.ModuleList([piece(chance) for _ in range(chance.randint(1, 4))])
        self.head = nn.Linear(CHANNELS, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def piece(chance: random.Random, depth: int = 0) -> nn.Module:
    """One stage of a network; its size is that of its input."""
    norms = [
        lambda: nn.BatchNorm2d(CHANNELS),
        lambda: nn.BatchNorm2d(CHANNELS, momentum=None),
        lambda: nn.GroupNorm(2, CHANNELS),
        lambda: nn.BatchNorm2d(CHANNELS, track_running_stats=False),
        nn.Identity,
    ]
    kinds: list[Callable[[], nn.Module]] = [
        lambda: Plain(chance.choice(norms)),
        Several,
        ByMode,
        Prepared,
        Remembers,
        Hooked,
        Merges,
        lambda: parametrizations.weight_norm(nn.Conv2d(CHANNELS, CHANNELS, 1)),
        lambda: parametrizations.spectral_norm(nn.Conv2d(CHANNELS, CHANNELS, 1)),
        lambda: prune.l1_unstructured(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), "weight", 0.3),
        lambda: nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 1), nn.Dropout(0.2), nn.ELU(inplace=True)),
        nn.Sequential,
    ]
    if depth < 2:
        kinds += [lambda: Skip(piece(chance, depth + 1)), lambda: Twice(piece(chance, depth + 1))]
    return chance.choice(kinds)()


def network(seed: int) -> nn.Module:
    """A network with random pieces; twice the same for the same seed."""
    torch.manual_seed(seed)
    return Net(random.Random(seed))


class Looks:
    """Random looks at a model, by the functions and the views."""

    def __init__(self, model: nn.Module, seed: int) -> None:
        self.model, self.chance = model, random.Random(seed)
        made = torch.Generator().manual_seed(seed)
        self.images = torch.rand(3, 3, SIDE, SIDE, generator=made)
        self.views: list[Any] = []
        self.names = [name for name, _ in model.named_modules() if name]

    def look(self) -> str:
        """One look; what it was. What cannot be shown is refused in words, which is as good a look as any."""
        kind = self.chance.choice(LOOKS)
        with suppress(LookupError, ValueError, RuntimeError, TypeError):  # a RuntimeError is a ForwardError
            getattr(self, kind)()
        return kind

    def close(self) -> None:
        for view in self.views:
            view.close()

    def _layer(self) -> str:
        return self.chance.choice(self.names)

    def activations(self) -> None:
        cw.activations(self.model, self.images, self.chance.choice([None, self._layer()]))

    def table(self) -> None:
        cw.layer_table(self.model, self.images[0])

    def attribution(self) -> None:
        methods = ["saliency", "input_x_gradient", "gradcam", "guided_backprop", "integrated_gradients"]
        cw.attributions(self.model, self.images[:1], method=self.chance.choice(methods), steps=3, progress=False)

    def occlusion(self) -> None:
        cw.occlusion(self.model, self.images[:1], window=6, stride=6, progress=False)

    def explain(self) -> None:
        cw.explain(self.model, self.images[0], self._layer(), 0, (1, 1))

    def field(self) -> None:
        cw.receptive_field(self.model, self.images[0], self._layer())

    def gradient(self) -> None:
        cw.effective_receptive_field(self.model, self.images[:1], self._layer())

    def filters(self) -> None:
        cw.filters(self.model, self._layer(), folded=self.chance.random() < 0.5)

    def signatures(self) -> None:
        data = [(image, number % 2) for number, image in enumerate(self.images)]
        cw.signatures(self.model, data, self._layer(), [0, 1], count=1, progress=False)

    def open(self) -> None:
        self.views.append(self.chance.choice(VIEWS)(self.model, self.images))
        while len(self.views) > 3:
            self.views.pop(0).close()

    def move(self) -> None:
        if not self.views:
            return self.open()
        view = self.chance.choice(self.views)
        name = self.chance.choice([name for name in view.trait_names() if view.trait_metadata(name, "source")] or [""])
        with suppress(LookupError):
            setattr(view, name, self.chance.choice(list(view.choices(name))))
        return None


class Training:
    """A few steps of training, the same ones for a model and its twin."""

    def __init__(self, model: nn.Module, seed: int) -> None:
        self.model, self.optimizer = model, torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        self.made = torch.Generator().manual_seed(seed)
        self.steps = 0

    def step(self) -> None:
        images = torch.rand(4, 3, SIDE, SIDE, generator=self.made)
        labels = torch.randint(CLASSES, (4,), generator=self.made)
        torch.manual_seed(self.steps)  # of dropout and noise
        self.steps += 1
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(images), labels).backward()
        self.optimizer.step()

    def validate(self) -> Tensor:
        self.model.eval()
        with torch.no_grad():
            found = self.model(torch.full((1, 3, SIDE, SIDE), 0.5))
        self.model.train()
        return found
