"""A network in the form that Captum can be right on: images in, one score an image out."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map

from .forward import Prepare, call
from .hooks import rerouted
from .layers import Layer
from .relus import Relus
from .scorer import Scorer


class Tap(nn.Module):
    """Hands on what it is given: the place where Captum listens to a layer."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """A copy of `maps`, which nothing writes to."""
        return maps.clone()


class Attributed(nn.Module):
    """Score of a class, or the difference of two, for each image.

    The model is held out of sight: Captum's hooks find only `relus` and `tap`, which belong to us, so that none can be
    left on the model. It is run as it is, in place operations, reused modules and all.

    Parameters
    ----------
    module : torch.nn.Module
        The plain module, in evaluation mode.
    scorer : Scorer
        Reads class scores from what the module returns.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the module.
    layer : Layer, optional
        Whose output goes through `tap`.

    Attributes
    ----------
    passes : int
        Images that went through the network.
    """

    def __init__(
        self, module: nn.Module, scorer: Scorer, *, prepare: Prepare | None = None, layer: Layer | None = None
    ) -> None:
        super().__init__()
        self._hidden = (module, scorer)  # in a tuple, torch does not see the module
        self._prepare, self._layer = prepare, layer
        self.relus = nn.ModuleList()
        self.tap = Tap()
        self.passes = 0

    @property
    def module(self) -> nn.Module:
        """The model."""
        return self._hidden[0]

    def forward(self, images: torch.Tensor, targets: torch.Tensor, against: torch.Tensor | None = None) -> torch.Tensor:
        """Scores (N,) of `targets` (N,), less those of `against` where given."""
        if len(self.relus):
            with Relus(self.relus):
                scores = self.scores(images)
        else:
            scores = self.scores(images)
        found = scores.gather(1, targets[:, None])[:, 0]
        return found if against is None else found - scores.gather(1, against[:, None])[:, 0]

    def scores(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of every class, (N, K)."""
        module, scorer = self._hidden
        self.passes += len(images)

        def run(_: Any) -> Any:
            copy = images.clone()  # a network may write to what it gets
            if self._prepare is None:
                return module(copy)
            given = tree_map(
                lambda value: value.to(images.device) if isinstance(value, torch.Tensor) else value,
                self._prepare(copy),
            )
            if isinstance(given, dict):
                return module(**given)
            return module(*given) if isinstance(given, tuple) else module(given)

        if self._layer is None:
            output = call(module, images, run=run)
        else:
            with rerouted(module, self._layer.module, self._layer.call, self._tapped):
                output = call(module, images, run=run)
        scores = scorer.read(output)
        if torch.is_grad_enabled() and images.requires_grad and not scores.requires_grad:
            raise ValueError(
                "the scores have no gradient with respect to the image: the network runs without gradients, or turns "
                "its values into whole numbers on the way; occlusion needs none"
            )
        return scores

    def _tapped(self, output: torch.Tensor) -> torch.Tensor:
        if self._layer is not None and self._layer.layout == "last":
            return self.tap(output.movedim(-1, 1)).movedim(1, -1).clone()
        return self.tap(output).clone()  # what comes next may write in place
