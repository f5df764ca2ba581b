"""The contents of a frame: maps of the probes, filters, and data of the last training pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import nn

from ...compute.core import ForwardError, check_numbers
from ...compute.filters import convolutions, filters
from ...compute.gradients import Seen
from ...compute.layers import Layer, activations, apart, layer_table


class FrameContents:
    """Computes the contents of a frame, with fixed settings.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode, never changed.
    layers : iterable of str
        Names as in `layer_table`.
    images : torch.Tensor
        The probes (N, C, H, W).
    weights : bool
        Include the filters of those `layers` that are convolutions.

    Attributes
    ----------
    rows : list of Layer
        The layer table's rows of `layers`.
    axes : dict of str to (int or None)
        The batch axis of each.

    Raises
    ------
    LookupError, ForwardError, ValueError
        Unknown layer; the images do not fit the model; no layers.
    """

    def __init__(self, model: nn.Module, layers: Iterable[str], images: torch.Tensor, *, weights: bool) -> None:
        self.model, self.images = model, images
        self.layers = list(dict.fromkeys(layers))
        if not self.layers:
            raise ValueError("there are no layers to record")
        check_numbers(model)
        first = apart(model, images)[0]
        table = layer_table(model, first, operations=False)
        if not set(self.layers) <= set(table.names):
            table = layer_table(model, first)
        self.rows = [_of_several(table.find(layer), len(images) // len(first)) for layer in self.layers]
        for row in self.rows:
            if row.reason is not None:
                raise LookupError(f"layer {row.name!r} cannot be recorded: {row.reason}")
        self.axes = {row.name: row.batch_axis for row in self.rows}
        known = convolutions(model).names if weights else []
        self.filtered: list[Layer] = [row for row in self.rows if row.module in known and not row.operation]

    def take(self, seen: Seen | None = None) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
        """The tensors of a frame by name, and what is missing of them, with the reason.

        They are `maps/LAYER`, `filters/LAYER`; of the image that was `seen` in training `input`, `batch/LAYER`,
        `gradients/LAYER`.
        """
        found = self._maps("maps", self.images)
        found |= {f"filters/{row.name}": filters(self.model, row.module).weights for row in self.filtered}
        missing: dict[str, str] = {}
        if seen is not None:
            missing |= seen.missing
            found |= {f"gradients/{layer}": gradient for layer, gradient in seen.gradients.items()}
            if seen.image is not None:
                found["input"] = seen.image
                try:
                    found |= self._maps("batch", seen.image)
                except ForwardError as error:  # of a network of several inputs, this is only one
                    missing |= dict.fromkeys((f"batch/{layer}" for layer in self.layers), str(error))
        return {name: _plain(value) for name, value in found.items()}, missing

    def _maps(self, what: str, images: torch.Tensor) -> dict[str, torch.Tensor]:
        found = [activations(self.model, part, self.layers) for part in apart(self.model, images)]
        return {f"{what}/{row.name}": _joined([part[row.name] for part in found], row) for row in self.rows}


def _of_several(row: Layer, count: int) -> Layer:
    """The row of an output for one of so many batches, for all of them: see `_joined`."""
    if count == 1 or row.batch_axis is not None:
        return row
    return replace(row, planes=row.planes * count) if row.planes > 1 else replace(row, batch_axis=0)


def _joined(parts: list[torch.Tensor], row: Layer) -> torch.Tensor:
    """The output of a layer for all batches; stacks, which have no axis of images, make one stack."""
    if row.batch_axis is not None and parts[0].ndim == len(row.shape):
        return torch.stack(parts, row.batch_axis)
    return parts[0] if len(parts) == 1 else torch.cat(parts, row.batch_axis or 0)


def _plain(value: torch.Tensor) -> torch.Tensor:
    """Real numbers of at most single precision on the CPU, in separate memory."""
    value = value.detach()
    value = value.abs() if value.is_complex() else value
    return value.to("cpu", torch.float32 if value.dtype == torch.float64 else value.dtype, copy=True).contiguous()
