"""Random looks at networks: what nobody looked at must train to the same weights, to the bit."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

import cnnwidgets as cw
from tests.random_networks import CLASSES, SIDE

VIEWS: tuple[Any, ...] = (
    cw.ActivationView, cw.AttributionView, cw.ConvolutionView, cw.FilterView, cw.OcclusionView, cw.ReceptiveFieldView,
    cw.InterventionView, cw.ModelSummary,
)  # fmt: skip
LOOKS = (
    "activations", "table", "attribution", "occlusion", "explain", "field", "gradient", "filters", "signatures",
    "intervention", "effects", "open", "open", "move", "move", "move",
)  # fmt: skip
"""Methods of `Looks`; the hand moves a slider more often than it opens a view."""


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

    def intervention(self) -> None:
        with cw.intervene(self.model, {self._layer(): [cw.Scale(0.5), cw.Ablate(channels=0)]}):
            cw.activations(self.model, self.images, self._layer())

    def effects(self) -> None:
        cw.channel_effects(self.model, self.images[:1], self._layer(), progress=False)

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
            every = view.layers.names if name == "layer" and hasattr(view, "layers") else view.choices(name)
            setattr(view, name, self.chance.choice(list(every)))
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
