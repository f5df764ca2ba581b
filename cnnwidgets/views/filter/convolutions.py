"""The convolutions of a model, and what can be chosen for each of them."""

from __future__ import annotations

from typing import Any

from torch import nn

from ...compute.core import OUTPUT, listing
from ...compute.filters import batch_norms, convolutions, find_convolution
from ...render.mosaic import nearly_square
from .sheets import MODES


class Convolutions:
    """The convolutions of a model by name, and what the traits of a FilterView may be for each of them.

    Parameters
    ----------
    module : torch.nn.Module
        Looked at, never changed, never run.

    Attributes
    ----------
    table : LayerTable
        As `convolutions` gives it: the shapes are those of the weights.
    norms : dict of str to str
        Convolution -> the BatchNorm that can be folded into it.

    Raises
    ------
    ValueError
        The model has no convolution.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.table = convolutions(module)
        if not len(self.table):
            raise ValueError(f"FilterView needs a convolution, and {type(module).__name__} has none")
        self.norms = batch_norms(module)

    @property
    def names(self) -> list[str]:
        """Of all convolutions, in registration order."""
        return [row.name for row in self.table]

    def find(self, layer: str) -> str:
        """The full name of a convolution; raises LookupError or TypeError where there is none."""
        return find_convolution(self.module, layer)[0] or OUTPUT

    def module_of(self, layer: str) -> str:
        """The dotted name of its module: `""` of a model that is itself a convolution."""
        return self.table.find(layer).module

    def shape(self, layer: str) -> tuple[int, ...]:
        """(filters, channels, kH, kW) of a layer; (filters, channels, kD, kH, kW) for three dimensions."""
        return self.table.find(layer).shape

    def counts(self, layer: str) -> dict[str, int]:
        """Trait -> how many there are of what it is the number of."""
        row = self.table.find(layer)
        return {"filter": row.shape[0], "channel": row.shape[1], "plane": row.planes}

    def modes(self, layer: str) -> list[str]:
        """The modes that fit a layer: colour needs filters that read three input channels."""
        part: Any = find_convolution(self.module, layer)[1]
        return list(MODES) if self.shape(layer)[1] == 3 and part.groups == 1 else [*MODES[1:]]

    def check_mode(self, layer: str, mode: str) -> None:
        """Raise ValueError for a mode that does not fit a layer."""
        if mode not in self.modes(layer):
            part: Any = find_convolution(self.module, layer)[1]
            raise ValueError(
                f"mode 'rgb' needs filters that read 3 input channels, and those of layer {layer!r} read "
                f"{self.shape(layer)[1]} of {part.in_channels}; allowed: 'single', 'collated'"
            )

    def check_folded(self, layer: str) -> None:
        """Raise ValueError for a layer into which no BatchNorm can be folded."""
        if layer not in self.norms:
            known = f"it can be with {listing(list(self.norms))}" if self.norms else "nor can any other layer"
            raise ValueError(f"layer {layer!r} cannot be folded: no BatchNorm gets its output alone; {known}")

    def kernels_across(self, layer: str, columns: int) -> tuple[int, int]:
        """Kernels in a column, and in a row, of the mosaic of a whole layer."""
        filters, channels, *kernel = self.shape(layer)
        across = columns or nearly_square(filters, channels, *kernel[-2:])
        return -(-filters * channels // across), across
