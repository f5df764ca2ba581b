"""Outputs of a layer for many images as vectors: pooled over positions, or every value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from ..core import Bar, Prepare, Report, check_numbers
from ..layers import Layer, activations, apart, layer_table, one_image
from .items import Item, Items

POOLINGS = ("mean", "max", "none")
"""Pooling over the positions of a map; `none` keeps them."""
BATCH = 32
"""Images per batch."""


def responses(
    model: nn.Module,
    dataset: Any,
    layer: str,
    indices: Sequence[int] | None = None,
    *,
    pooling: str = "mean",
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> torch.Tensor:
    """The vectors of a layer for the images of a data set, for statistics of your own.

    Complex numbers become their magnitudes before they are pooled, so that a phase is lost; `activations` keeps it.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; run in evaluation mode and left unchanged.
    dataset : indexable
        Items are (image, label), or images.
    layer : str
        Name as in `layer_table`.
    indices : sequence of int, optional
        Which images, in which order; all of them by default.
    pooling : {"mean", "max", "none"}
        Of the positions of a map (rows and columns, tokens, slices); `"none"` keeps them all.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model.
    progress : bool or callable
        A bar on stderr if it takes longer than a second; `False` for none; or a function of (done, total) that returns
        whether to go on.

    Returns
    -------
    torch.Tensor
        float32 (N, C) on the CPU, a row an image; (N, C, P) with `pooling="none"`, P the number of positions.

    Raises
    ------
    LookupError
        The layer does not exist, or has no numbers.
    IndexError
        An index is out of range.
    ValueError
        Unknown pooling; no index; or the number of positions differs between images, without pooling.
    Stopped
        `progress` said so.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.responses(cw.models.lenet5(), cw.data.digits(), "F6", range(8), progress=False).shape
    torch.Size([8, 84])
    """
    check_numbers(model)
    checked_pooling(pooling)
    items = Items(dataset, prepare=prepare, model=model)
    chosen = range(len(items)) if indices is None else indices
    if not len(chosen):
        raise ValueError("indices is empty: give the numbers of images, or None for all")
    row = layer_table(model, items.batch(items[chosen[0]]), prepare=prepare).find(layer)
    if row.reason is not None:
        raise LookupError(f"layer {layer!r} has no output vector: it {row.reason}")
    found = item_responses(model, items, chosen, row, pooling=pooling, progress=progress)
    return found if pooling == "none" else found[..., 0]


def item_responses(
    model: nn.Module,
    items: Items,
    indices: Sequence[int],
    layer: Layer,
    *,
    pooling: str = "mean",
    progress: bool | Report = False,
) -> torch.Tensor:
    """Output of a layer for several images, one row of numbers per channel; magnitudes where it is complex.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged.
    items : Items
        The data set.
    indices : sequence of int
        Indices of N images.
    layer : Layer
        An entry of the model's layer table.
    pooling : str
        `mean` or `max` over the positions of each map (rows and columns, tokens, slices), or `none`.
    progress : bool or callable
        As for `Bar`.

    Returns
    -------
    torch.Tensor
        float32 (N, C, P) on the CPU: P is 1 if pooled or if the output is a vector, otherwise the number of positions.

    Raises
    ------
    ValueError
        Unknown pooling; or the number of positions differs between images, without pooling.
    """
    checked_pooling(pooling)
    found: list[torch.Tensor] = []
    with Bar(len(indices), "images", progress) as bar:
        for batch in _batches(items, indices, single=layer.batch_axis is None):
            for output in _outputs(model, items, batch, layer):
                found.append(pooled(channels_first(output, layer), pooling))
            bar.add(len(batch))
    check_alike(layer.name, found)
    return torch.stack(found)


def _outputs(model: nn.Module, items: Items, batch: list[Item], layer: Layer) -> list[torch.Tensor]:
    """The output of `layer` for each item of a batch that can be stacked, as if it were alone."""
    if items.prepare is not None or batch[0].image is None:
        return [one_image(activations(model, batch[0].raw, layer.name, prepare=items.prepare), layer)]
    images = torch.stack([item.image for item in batch if item.image is not None])
    found: list[torch.Tensor] = []
    for part in apart(model, images):
        output = activations(model, part, layer.name)
        found += [one_image(output, layer, at, of=len(part)) for at in range(len(part))]
    return found


def check_alike(layer: str, found: Iterable[torch.Tensor]) -> None:
    """Raise ValueError unless all images gave as many numbers, (C, P) each."""
    sizes = {tuple(each.shape) for each in found}
    if len(sizes) > 1:
        first, second = sorted(sizes)[:2]
        raise ValueError(
            f"layer {layer!r} gives {first[0]} x {first[1]} values for one image and "
            f"{second[0]} x {second[1]} for another: choose pooling 'mean' or 'max'"
        )


def channels_first(output: torch.Tensor, layer: Layer) -> torch.Tensor:
    """One image's output (from `one_image`) as (C, P) real numbers, of complex ones the magnitudes."""
    if output.is_complex():
        output = output.abs()
    output = output.detach().float().cpu()
    if layer.kind == "vector":
        return output.reshape(-1, 1)
    if layer.batch_axis is None and output.ndim >= 3:  # a stack: its entries are positions too
        output = output.movedim(-1 if layer.layout == "last" else 1, 0)
    elif layer.layout == "last":
        output = output.movedim(-1, 0)
    return output.flatten(1)


def pooled(channels: torch.Tensor, pooling: str) -> torch.Tensor:
    """(C, P) as (C, 1), or unchanged for `none`."""
    if pooling == "none":
        return channels
    return channels.mean(1, keepdim=True) if pooling == "mean" else channels.amax(1, keepdim=True)


def checked_pooling(pooling: str) -> str:
    """`pooling` if it is valid; raises ValueError otherwise."""
    if pooling not in POOLINGS:
        raise ValueError(f"pooling is {', '.join(POOLINGS[:-1])} or {POOLINGS[-1]}, not {pooling!r}")
    return pooling


def _batches(items: Items, indices: Sequence[int], *, single: bool) -> Iterator[list[Item]]:
    """The items in order, in batches of images of equal shape; one by one if they cannot be stacked."""
    batch: list[Item] = []
    most = 1 if single or items.prepare is not None else BATCH
    for index in indices:
        item = items[index]
        if batch and (len(batch) == most or item.image is None or batch[0].image is None or _unlike(item, batch[0])):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _unlike(one: Item, other: Item) -> bool:
    assert one.image is not None and other.image is not None
    return one.image.shape != other.image.shape or one.image.dtype != other.image.dtype
