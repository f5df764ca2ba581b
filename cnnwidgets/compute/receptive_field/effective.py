"""The effective receptive field: how strongly each pixel influences a unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..core import Prepare, call, capture, check_numbers, rebuilt
from ..layers import GraphRunner, Layer, apart, batched, drawable, layer_table, one_image, trace
from ..shadow import looking


def effective_receptive_field(
    model: nn.Module,
    images: Any,
    layer: str,
    *,
    unit: tuple[int, int] | None = None,
    channel: int | None = None,
    prepare: Prepare | None = None,
) -> torch.Tensor:
    """How strongly each pixel influences a unit: the absolute gradient of the unit with respect to the pixels.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; run in evaluation mode and left unchanged, including its gradients.
    images : torch.Tensor
        (C, H, W), or (N, C, H, W) for the mean over several images. Any object if `prepare` is given: the image is
        then the first tensor of three axes or more among the model's arguments.
    layer : str
        Name as in `layer_table`.
    unit : (row, column), optional
        Position in the layer's map or token grid, (0, 0) in a vector; the centre by default.
    channel : int, optional
        Channel, or index in a vector; the sum over all of them by default.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the model: a tuple, a dict of keywords, or one value.

    Returns
    -------
    torch.Tensor
        (H, W), non-negative, on the CPU: the absolute gradient summed over the channels of the image, in units of the
        layer per unit of the model input. All 0 if the unit is an inactive ReLU.

    Raises
    ------
    LookupError, IndexError
        No such layer, unit or channel.
    ValueError
        The layer has no gradient with respect to the image.
    ForwardError
        The model raised an error; the message names the layer and its input.

    Notes
    -----
    Luo, Li, Urtasun and Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
    NeurIPS 2016: within the theoretical field (`receptive_field`) the centre has far more influence than the border.
    """
    check_numbers(model)
    images = batched(model, images, prepare)
    parts = apart(model, images) if prepare is None and isinstance(images, torch.Tensor) else [images]
    table = layer_table(model, parts[0], operations=False, prepare=prepare)
    if layer not in table.names:
        table = layer_table(model, parts[0], prepare=prepare)
    row = table.find(layer)
    found = [unit_gradient(model, part, row, unit=unit, channel=channel, prepare=prepare) for part in parts]
    return torch.stack(found).mean(0)


def unit_gradient(
    model: nn.Module,
    images: Any,
    row: Layer,
    *,
    unit: tuple[int, int] | None = None,
    channel: int | None = None,
    prepare: Prepare | None = None,
) -> torch.Tensor:
    """`effective_receptive_field` of a layer given by its entry in the layer table."""
    if row.reason is not None:
        raise LookupError(f"layer {row.name!r} has no units: it {row.reason}")
    traced = trace(model) if row.operation else None
    with looking(model) as module, torch.enable_grad():
        pixels: list[torch.Tensor] = []
        images = batched(model, images, prepare)
        if traced is None:
            with capture(module, [row.name], stop=True, attached=True) as captured:
                call(module, images, prepare, run=_watched(module, pixels))
            output = captured[row.name]
        elif traced.script is not None:
            _, *outputs = call(module, images, prepare, run=_watched(traced.script, pixels))
            output = outputs[[operation.name for operation in traced.operations].index(row.name)]
        else:
            assert traced.graph is not None
            runner = GraphRunner(module, traced, {row.name}, attached=True)
            call(module, images, prepare, run=_watched(runner.forward, pixels))
            output = runner.outputs[row.name]
        if not output.requires_grad:
            raise ValueError(f"layer {row.name!r} has no gradient with respect to the image: the graph is detached")
        value = _unit(output, row, pixels[0], unit, channel)
        (gradient,) = torch.autograd.grad(value, pixels, allow_unused=True)
    return torch.zeros(pixels[0].shape[-2:]) if gradient is None else _over_channels(gradient)


def _watched(run: Callable[..., Any], pixels: list[torch.Tensor]) -> Callable[..., Any]:
    """`run` with the first image requiring gradients, as the one of `pixels`; the model gets a copy to overwrite."""

    def forward(*args: Any, **kwargs: Any) -> Any:
        def watch(value: Any) -> Any:
            if pixels or not isinstance(value, torch.Tensor) or value.ndim < 3 or not value.is_floating_point():
                return value
            pixels.append(value.detach().requires_grad_())
            return pixels[-1].clone()

        args, kwargs = rebuilt((args, kwargs), watch)
        if not pixels:
            raise TypeError("the model has no floating point image among its arguments, (C, H, W) or (N, C, H, W)")
        return run(*args, **kwargs)

    return forward


def _unit(
    output: torch.Tensor, row: Layer, image: torch.Tensor, unit: tuple[int, int] | None, channel: int | None
) -> torch.Tensor:
    """The scalar to differentiate: a unit, summed over images, and over channels unless one is chosen."""
    total = output.new_zeros(())
    batch = 1 if row.batch_axis is None else output.shape[row.batch_axis]
    aspect = image.shape[-1] / image.shape[-2]
    for number in range(batch):
        maps = drawable(one_image(output, row, number), row, aspect=aspect)
        middle = maps.shape[1] // 2, maps.shape[2] // 2
        place = middle if unit is None else unit
        for what, at, count in zip(
            ("row", "column", "channel"), (*place, channel or 0), (*maps.shape[1:], len(maps)), strict=True
        ):
            if not 0 <= at < count:
                raise IndexError(f"{what} {at} is out of range: layer {row.name!r} has {count}, 0 to {count - 1}")
        channels = maps[:, place[0], place[1]]
        total = total + (channels.sum() if channel is None else channels[channel])
    return total


def _over_channels(gradient: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) or (C, H, W): absolute values summed over channels, the mean over images."""
    gradient = gradient.detach().abs().to("cpu", torch.float32)
    gradient = gradient if gradient.ndim > 3 else gradient[None]
    return gradient.flatten(1, -3).sum(1).mean(0)
