"""Wraps a network for Captum: images in, one score per image out."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import Node

from ..core import Prepare, call, describe, find_layer, hand_over, module_names, rebuilt, rerouted
from ..layers import Layer
from ..scoring import Scorer
from .grid import Grid, as_grid, from_grid
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
        The layer whose output passes through `tap`, as maps.
    grid : Grid, optional
        Its positions.
    alone : bool
        Run one image at a time: the network mixes those of a batch.

    Attributes
    ----------
    passes : int
        Number of images passed through the network.
    entry : torch.autograd.graph.Node or None
        Where the images of the last pass enter the network, if they have a gradient.
    """

    def __init__(
        self,
        module: nn.Module,
        scorer: Scorer,
        *,
        prepare: Prepare | None = None,
        layer: Layer | None = None,
        grid: Grid | None = None,
        alone: bool = False,
    ) -> None:
        super().__init__()
        self._hidden = (module, scorer)  # in a tuple, torch does not register the module
        self._prepare, self._layer, self._grid, self.alone = prepare, layer, grid, alone
        self.relus = nn.ModuleList()
        self.tap = Tap()
        self.passes = 0
        self.entry: Node | None = None
        self._problem = ""

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
            self.entry = copy.grad_fn
            if self._prepare is None:
                return module(copy)
            given = rebuilt(
                self._prepare(copy), lambda value: value.to(images.device) if isinstance(value, torch.Tensor) else value
            )
            return hand_over(module, given)

        if self._layer is None:
            output = call(module, images, run=run)
        else:
            layer, self._problem = self._layer, f"layer {self._layer.name!r} runs in a pass without gradients alone"
            path = find_layer(module_names(module), layer.name)[2]
            with rerouted(module, layer.module, layer.call, partial(self._tapped, len(images)), path):
                output = call(module, images, run=run)
            if self._problem:  # an error raised in the pass would be laid at the network's door
                raise ValueError(self._problem)
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

    def _tapped(self, images: int, output: torch.Tensor) -> torch.Tensor:
        assert self._layer is not None and self._grid is not None
        layer, grid, self._problem = self._layer, self._grid, ""
        maps = as_grid(output, layer, grid)
        if self.entry is not None and not leads_to(output.grad_fn, self.entry):
            self._problem = f"layer {layer.name!r} does not depend on the image that is explained"
        elif len(maps) != images or tuple(maps.shape[2:]) != (grid.rows, grid.columns):
            self._problem = (
                f"layer {layer.name!r} gives {describe(output)} for {images} images, not maps of "
                f"{grid.rows} × {grid.columns} for each"
            )
        else:
            output = from_grid(self.tap(maps), output, layer, grid).clone()  # the next layer may write in place
        return output


def leads_to(start: Node | None, end: Node | None, *, without: Node | None = None) -> bool:
    """Whether a way through the graph of gradients leads from `start` to `end`, and not through `without`."""
    todo, seen = [start], {None, without}
    while todo:
        node = todo.pop()
        if node in seen or node is None:
            continue
        if node is end:
            return True
        seen.add(node)
        todo += [before for before, _ in node.next_functions]
    return False
