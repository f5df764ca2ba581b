"""Layers that Grad-CAM can use, and its default layer: chosen by what they do, not by their shape alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import Node

from ..core import (
    Prepare,
    find_layer,
    module_names,
    named_parts,
    plain,
    rerouted,
)
from ..inputs import as_images
from ..layers import Layer, LayerTable, layer_table, run
from ..scoring import Score, Scorer
from ..shadow import looking
from .grid import as_grid, grid_of
from .network import Attributed, leads_to

FOLLOWS = 0.3
"""Share of the positions, at least, that change more where their own half of the image does, less that of the others.
It is about 0 for positions that have nothing to do with the image's, 1 for those of a small receptive field."""
TRIES = 8
"""Layers whose positions are compared with those of the image, to find the default one."""

_HANDS_ON = ("Pool", "Dropout", "Identity", "Flatten", "Upsample", "Pad")
_WINDOWED = (nn.Conv2d, nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd)


def has_maps(row: Layer, aspect: float = 1.0) -> bool:
    """Whether a layer outputs maps of more than one pixel, or tokens that form a grid, of real numbers."""
    return grid_of(row, aspect) is not None


def cam_layer(
    module: nn.Module, images: torch.Tensor, layer: str | None, scorer: Scorer, *, prepare: Prepare | None = None
) -> tuple[Layer, list[str]]:
    """The row of `layer`, by default that of `last_maps`, and notes on it.

    Raises
    ------
    LookupError
        The layer does not exist.
    ValueError
        The layer has no maps, or no layer of the model has any that can be taken by default.
    """
    table = layer_table(module, images, operations=False, prepare=prepare)
    aspect = images.shape[3] / images.shape[2]
    known = [row.name for row in table if has_maps(row, aspect)]
    if layer is None:
        found = last_maps(module, images, table, scorer, prepare=prepare)
        if found is None:
            which = (
                "maps that lie over the image and count for the score; choose one with layer="
                if known
                else "maps of real numbers"
            )
            raise ValueError(
                f"Grad-CAM weights the maps of a layer, and no layer of {type(module).__name__} gives {which}"
            )
        return found, []
    row = table.find(layer)
    if row.name not in known:
        what = f"it {row.reason}" if row.reason is not None else f"it puts out {row.form}"
        if row.dtype is not None and row.dtype.is_complex:
            what += " complex numbers"
        raise ValueError(
            f"Grad-CAM weights maps of more than one pixel, and layer {layer!r} has none: {what}; "
            f"{', '.join(known[-20:]) or 'nor has any other'}"
        )
    if row.name in sure_maps(module, table) or follows_image(module, images, row, prepare=prepare):
        return row, []
    return row, ["its maps do not change where the image does: they may not lie over it"]


def last_maps(
    module: nn.Module, images: torch.Tensor, table: LayerTable, scorer: Scorer, *, prepare: Prepare | None = None
) -> Layer | None:
    """The last layer whose maps, or tokens, lie over the image and count for the score; None where there is none.

    As in Grad-CAM's paper the last with maps before pooling. Of a transformer, whose last block often hands on the
    class token alone, the last tokens on the grid that count, and through which all of the image passes on its way to
    the score, such as the output of the last block but one. One pass, with its gradient where there are tokens, and
    three more where no convolution or pooling of the same size tells that the positions are those of the image.

    Parameters
    ----------
    module : torch.nn.Module
        The plain module; run in evaluation mode and left unchanged.
    images : torch.Tensor
        (1, C, H, W), on the module's device and in its type.
    table : LayerTable
        Its layers, for this image.
    scorer : Scorer
        Makes scores of what it returns: the highest is looked at.
    prepare : callable, optional
        As for `attributions`.

    Raises
    ------
    ForwardError, ValueError
        As for `attributions`.
    """
    aspect = images.shape[3] / images.shape[2]
    rows = {row.name: row for row in _before_pooling(table) if has_maps(row, aspect)}
    if not rows:
        return None
    with torch.inference_mode(False), looking(module) as shadow, torch.enable_grad():
        given = images.clone().requires_grad_()
        network = Attributed(shadow, scorer, prepare=prepare)
        nodes: dict[str, Node] = {}
        with ExitStack() as stack:
            names = module_names(module)
            for name, row in rows.items():
                through = partial(_noted, nodes, name)
                stack.enter_context(rerouted(shadow, row.module, row.call, through, find_layer(names, name)[2]))
            best = network.scores(given).amax()
        tokens = [row for row in rows.values() if row.kind == "tokens" and row.name in nodes]
        gradients = _gradients(best, given, nodes) if tokens else {}
        tokens = [row for row in tokens if row.name in gradients and _counts(gradients[row.name], row, aspect)]

    def passed_by(row: Layer) -> bool:
        return leads_to(best.grad_fn, network.entry, without=nodes[row.name])

    some = not all(map(passed_by, reversed(tokens)))
    sure, tried = sure_maps(module, table), 0
    for row in reversed(rows.values()):
        node = nodes.get(row.name)
        if row.kind == "maps":
            fits = leads_to(best.grad_fn, node) and leads_to(node, network.entry)
        else:
            fits = row in tokens and not (some and passed_by(row))
        tried += fits
        if fits and (row.name in sure or (tried <= TRIES and follows_image(module, images, row, prepare=prepare))):
            return row
    return None


def default_layer(
    model: nn.Module, image: torch.Tensor, table: LayerTable, *, score: Score = "logit", prepare: Prepare | None = None
) -> str | None:
    """Name of the layer that Grad-CAM takes by default for an image (C, H, W), from its layers; see `last_maps`."""
    module = plain(model)
    images = as_images(module, image)
    scorer = Scorer(module, layer=None, score=score, prepare=prepare)
    found = last_maps(module, images, table, scorer, prepare=prepare)
    return None if found is None else found.name


def sure_maps(module: nn.Module, table: LayerTable) -> set[str]:
    """Layers with maps of the size of the last convolution or pooling with a window before them, which keep places."""
    parts, size, found = named_parts(module), None, set()
    for row in table:
        part = parts.get(row.module)
        if row.kind == "maps" and isinstance(part, _WINDOWED) and max(_pair(part.kernel_size)) > 1:
            size = row.size
        if row.kind == "maps" and row.size == size:
            found.add(row.name)
    return found


def follows_image(module: nn.Module, images: torch.Tensor, row: Layer, *, prepare: Prepare | None = None) -> bool:
    """Whether the positions of a layer lie over the image: they change most where the image does.

    Not those of an attention matrix, of latents, or of tokens in another order; nor any of another form than the image.
    The left and the right half of the image are filled with noise, one after the other: three passes with that of the
    image itself. Which of the two changes a position more is all that is compared, since few positions may change much.
    """
    height, width = images.shape[2:]
    grid = grid_of(row, width / height)
    if grid is None or not 2 / 3 < grid.columns / grid.rows / (width / height) < 3 / 2:
        return False
    axis, count = (1, grid.columns) if grid.columns > 1 and width > 1 else (0, grid.rows)
    length = images.shape[2 + axis]
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(0)).to(images)
    noise = images.amin() + noise * (images.amax() - images.amin()).where(images.amax() > images.amin(), 1)
    before = run(module, images, [row.name], prepare=prepare)[row.name]
    changes = []
    for start, stop in ((0, length // 2), (length - length // 2, length)):
        changed = images.clone()
        changed.narrow(2 + axis, start, stop - start).copy_(noise.narrow(2 + axis, start, stop - start))
        after = run(module, changed, [row.name], prepare=prepare)[row.name]
        changes.append(as_grid((after - before).abs().double().square(), row, grid).sum((0, 1)))
    more = (changes[0] - changes[1]).sign()  # 1 where the first half of the image changes more
    halves = more.narrow(axis, 0, count // 2), -more.narrow(axis, count - count // 2, count // 2)
    return all(bool(half.any()) for half in halves) and sum(float(half.mean()) for half in halves) > 2 * FOLLOWS


def _before_pooling(table: LayerTable) -> Iterator[Layer]:
    pooled = False
    for row in table:
        if not row.repeats:
            pooled = any(word in row.type for word in _HANDS_ON)
        if not pooled:
            yield row


def _noted(nodes: dict[str, Node], name: str, output: torch.Tensor) -> torch.Tensor:
    """A copy that the network goes on with: what it does elsewhere with the same tensor is no use of this layer."""
    output = output.clone()
    if output.grad_fn is not None:
        nodes[name] = output.grad_fn
    return output


def _gradients(score: torch.Tensor, images: torch.Tensor, nodes: Mapping[str, Node]) -> dict[str, torch.Tensor]:
    """The gradient of the score for what each node gave, if it lies on a way from the images to the score."""
    found: dict[str, torch.Tensor] = {}

    def keep(name: str, gradients: Sequence[torch.Tensor | None]) -> None:
        if gradients[0] is not None:
            found[name] = gradients[0].detach()

    handles = [node.register_prehook(partial(keep, name)) for name, node in nodes.items()]
    try:
        torch.autograd.grad(score, images, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _counts(gradient: torch.Tensor, row: Layer, aspect: float) -> bool:
    """Whether the score hangs on the grid, not on the class token alone; where it hangs on nothing at all, both do."""
    grid = grid_of(row, aspect)
    return grid is not None and (bool(as_grid(gradient, row, grid).any()) or not bool(gradient.any()))


def _pair(size: Any) -> tuple[int, ...]:
    return size if isinstance(size, tuple) else (size,)
