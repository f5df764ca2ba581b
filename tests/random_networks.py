"""Random small networks of pieces that write, remember, share, patch and prepare, each as networks in use do."""

from __future__ import annotations

import functools
import random
import types
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

CLASSES, CHANNELS, SIDE = 4, 6, 12


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


class Rewrites(nn.Module):
    """Writes to its weights in place in each pass, in one of the ways that there are."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.scale = way, nn.Parameter(torch.rand(CHANNELS, 1, 1) + 0.5)

    @torch.no_grad()
    def write(self) -> None:
        if self.way == "clamp":
            self.scale.clamp_(0.6, 1.4)
        elif self.way == "product":
            self.scale.mul_(0.99)
        elif self.way == "data":
            self.scale.data.sub_(0.001)
        elif self.way == "other data":
            self.scale.data = self.scale.data * 0.99
        elif self.way == "view":
            self.scale.view(-1)[1:3] += 0.01
        elif self.way == "detached":
            self.scale.detach()[0].fill_(0.7)
        elif self.way == "array":
            self.scale.detach().numpy()[2:] *= 0.99
        elif self.way == "all at once":
            torch._foreach_mul_([self.scale], 0.99)
        else:
            torch.mul(self.scale, 0.99, out=self.scale)

    def forward(self, x: Tensor) -> Tensor:
        self.write()
        return x * self.scale.clone()  # what a second pass writes to is not what the gradient needs


WAYS = ("clamp", "product", "data", "other data", "view", "detached", "array", "all at once", "out")


class Shared(nn.Module):
    """Keeps in its class what all of its kind share: a cache, a counter, a list, a weight that nobody trains."""

    grids: ClassVar[dict[int, Tensor]] = {}
    ran: ClassVar[int] = 0
    sides: ClassVar[list[int]] = []
    centre: ClassVar[Tensor] = torch.zeros(1)

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(CHANNELS, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        side, kind = x.shape[-1], type(self)
        kind.ran += 1
        kind.sides.append(side)
        kind.centre.copy_(x.detach().mean())
        if side not in kind.grids:
            kind.grids[side] = torch.linspace(-1, 1, side)
        return x + self.scale * kind.grids[side]


def held_by_closures(net: nn.Module, chance: random.Random) -> None:
    """Let functions outside of a network hold it, or parts of it, as patches and hooks do."""
    run, inner = net.forward, net.get_submodule("head")
    way = chance.choice(["nothing", "nothing", "lambda", "partial", "method", "hook", "part"])
    if way == "lambda":
        net.forward = lambda x: run(x) + 0 * net.stem.weight.sum()  # type: ignore[method-assign, union-attr]
    elif way == "partial":
        net.forward = functools.partial(_twice_as_large, net, run)  # type: ignore[method-assign]
    elif way == "method":
        net.forward = types.MethodType(lambda self, x: type(self).forward(self, x) * 2, net)  # type: ignore[method-assign]
    elif way == "hook":
        net.register_forward_hook(lambda owner, args, output: output + net.head.bias)  # type: ignore[union-attr]
    elif way == "part":
        plain = inner.forward
        inner.forward = lambda x: plain(x) * net.stem.bias.mean().exp()  # type: ignore[method-assign, union-attr]


def _twice_as_large(net: nn.Module, run: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    return run(x) * (2 if isinstance(net.head, nn.Linear) else 1)


class Net(nn.Module):
    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, CHANNELS, 3, stride=chance.choice([1, 2]), padding=1)
        self.stages = nn.ModuleList([piece(chance) for _ in range(chance.randint(1, 4))])
        self.head = nn.Linear(CHANNELS, CLASSES)
        held_by_closures(self, chance)

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
        Shared,
        lambda: Rewrites(chance.choice(WAYS)),
        lambda: Rewrites(chance.choice(WAYS)),
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
