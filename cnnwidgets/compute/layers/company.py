"""Whether a network computes each image of a batch by itself, or makes something else of it in other company."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from ..core import Prepare, call, edits_version, leaves, plain
from ..shadow import looking

_known: weakref.WeakKeyDictionary[nn.Module, tuple[Any, bool]] = weakref.WeakKeyDictionary()


def mixes_images(model: nn.Module, image: torch.Tensor, *, prepare: Prepare | None = None) -> bool:
    """Whether what a network gives for an image depends on the other images of its batch.

    So do BatchNorm without running statistics, attention between the rows of a batch, and a sum over it. The network is
    asked twice for a batch of two, `image` and a random one, each time another: two passes, whose answer is kept until
    a module is replaced, or an intervention begins or ends. Both have the same shapes, and thus the same rounding. A
    network that refuses two images, but takes one, is said to mix them: what depends on the answer is to give it one at
    a time.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged.
    image : torch.Tensor
        (1, C, H, W), or another batch of one.
    prepare : callable, optional
        As for `layer_table`.
    """
    module = plain(model)
    parts = [(id(part), *(buffer is None for buffer in part._buffers.values())) for part in module.modules()]
    state = prepare is None, parts, edits_version(module)
    known = _known.get(module)
    if known is not None and known[0] == state:
        return known[1]
    found = _mixes(module, image.detach(), prepare)
    if found is not None:
        _known[module] = state, found
    return bool(found)


def apart(model: nn.Module, images: torch.Tensor, at_once: int | None = None) -> Sequence[torch.Tensor]:
    """Images in batches in which the network gives for each what it gives for it alone.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged.
    images : torch.Tensor
        (N, C, H, W), or another batch.
    at_once : int, optional
        Images per batch; all of them by default.

    Returns
    -------
    sequence of torch.Tensor
        One image each where the network mixes those of a batch (`mixes_images`); views of `images`.
    """
    count = max(1, len(images)) if at_once is None else at_once
    return images.split(1 if min(count, len(images)) > 1 and mixes_images(model, images[:1]) else count)


def mixes_rows(run: Callable[[torch.Tensor], Mapping[str, torch.Tensor]], row: torch.Tensor) -> bool | None:
    """Whether what `run` gives for the first row of a batch depends on the second; None where it takes no `row` at all.

    Parameters
    ----------
    run : callable
        Maps a batch (B, ...) to tensors by name, with as many rows for each item.
    row : torch.Tensor
        (1, ...): a batch of one. It runs beside two others, each time another; both runs have the same rounding.
    """
    try:
        one, other = (run(torch.cat([row, each])) for each in _others(row))
        return one.keys() != other.keys() or not all(_first_alike(one[path], other[path]) for path in one)
    except Exception:  # whatever a model raises for two images, it may not for one
        with suppress(Exception):
            run(row)
            return True
    return None


def _mixes(module: nn.Module, image: torch.Tensor, prepare: Prepare | None) -> bool | None:
    """None where the network does not take this image at all."""
    image = image / 255 if image.dtype == torch.uint8 else image
    return mixes_rows(lambda images: _outputs(module, images, prepare), image)


def _others(image: torch.Tensor) -> Iterator[torch.Tensor]:
    """Two images in the range of `image`, of which no statistics are alike."""
    if not image.is_floating_point():
        yield image.flatten().flip(0).view_as(image)
        yield torch.full_like(image, image.max().item())
        return
    low, high = image.min(), image.max()
    noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(0)).to(image)
    noise *= torch.where(high > low, high - low, 1)
    yield low + noise
    yield low + noise.square() / 4


def _outputs(module: nn.Module, images: torch.Tensor, prepare: Prepare | None) -> dict[str, torch.Tensor]:
    """The tensors that a network returns; not those of the second image, where it returns a list with one for each."""
    with looking(module) as shadow:
        found = leaves(call(shadow, images, prepare))
        return {path: value for path, value in found if isinstance(value, torch.Tensor) and path[:2] != "1."}


def _first_alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two outputs agree in the rows of the first of two images: in one half of an axis, in each second, or all.

    An image may have several rows, and be in the first axis or, for sequence-first networks, in the second.
    """
    if one.shape != other.shape:
        return False
    both = torch.stack([one, other])
    rows = [both]
    for axis, count in enumerate(one.shape[:2], 1):
        if count % 2 == 0:
            rows += [both.narrow(axis, 0, count // 2), both.unflatten(axis, (-1, 2)).select(axis + 1, 0)]
    return any(_alike(*each) for each in rows)


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    if not one.dtype.is_floating_point and not one.is_complex():
        return torch.equal(one, other)
    close = 16 * torch.finfo(one.dtype).eps * float(one.nan_to_num(0, 0, 0).abs().max())
    return torch.allclose(one, other, rtol=0, atol=close, equal_nan=True)
