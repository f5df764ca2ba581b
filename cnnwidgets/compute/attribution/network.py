"""Wraps a network for Captum: images in, one score per image out."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map

from ..core import Prepare, call, describe, rerouted
from ..layers import Layer
from ..scoring import Scorer
from .relus import Relus


class Tap(nn.Module):
    """Identity module; Captum hooks here."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return a copy of `maps` that no in-place operation writes to."""
        return maps.clone()


class Attributed(nn.Module):
    """Score of a class, or the difference of two, for each image.

    The model is not a registered submodule: Captum's hooks find only `relus` and `tap`, which are our own modules, so
    that no hook can be left on the model. The model runs unmodified, with in-place operations and reused modules.

    Parameters
    ----------
    module : torch.nn.Module
        The plain module, in evaluation mode.
    scorer : Scorer
        Reads class scores from what the module returns.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the module.
    layer : Layer, optional
        The layer whose output passes through `tap`.
    alone : bool
        Run one image at a time: the network mixes those of a batch.

    Attributes
    ----------
    passes : int
        Number of images passed through the network.
    """

    def __init__(
        self,
        module: nn.Module,
        scorer: Scorer,
        *,
        prepare: Prepare | None = None,
        layer: Layer | None = None,
        alone: bool = False,
    ) -> None:
        super().__init__()
        self._hidden = (module, scorer)  # in a tuple, torch does not register the module
        self._prepare, self._layer, self.alone = prepare, layer, alone
        self.relus = nn.ModuleList()
        self.tap = Tap()
        self.passes = 0

    @property
    def module(self) -> nn.Module:
        """The model."""
        return self._hidden[0]

    def forward(self, images: torch.Tensor, targets: torch.Tensor, against: torch.Tensor | None = None) -> torch.Tensor:
        """Scores (N,) of `targets` (N,), minus those of `against` where given."""
        if len(self.relus):
            with Relus(self.relus):
                scores = self.scores(images)
        else:
            scores = self.scores(images)
        found = scores.gather(1, targets[:, None])[:, 0]
        return found if against is None else found - scores.gather(1, against[:, None])[:, 0]

    def scores(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of every class, (N, K)."""
        if self.alone and len(images) > 1:
            return torch.cat([self.scores(image) for image in images.split(1)])
        module, scorer = self._hidden
        self.passes += len(images)

        def run(_: Any) -> Any:
            copy = images.clone()  # a network may write to its input
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
        if len(scores) != len(images):
            raise ValueError(
                f"for {len(images)} images the model gives {describe(scores)}, which is not one result each"
            )
        if torch.is_grad_enabled() and images.requires_grad and not scores.requires_grad:
            raise ValueError(
                "the scores have no gradient with respect to the image: the network runs without gradients, or rounds "
                "its values to integers; occlusion needs no gradient"
            )
        return scores

    def _tapped(self, output: torch.Tensor) -> torch.Tensor:
        if self._layer is not None and self._layer.layout == "last":
            return self.tap(output.movedim(-1, 1)).movedim(1, -1).clone()
        return self.tap(output).clone()  # the next layer may write in place
