"""Which axis is the channels, as far as the type of a layer and the sizes of those before it tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import nn

from .roles import Layout, Roles, layout_by_roles

_CHANNELS_FIRST = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    nn.GroupNorm,
    nn.modules.pooling._MaxPoolNd,
    nn.modules.pooling._AvgPoolNd,
    nn.modules.pooling._AdaptiveAvgPoolNd,
    nn.modules.pooling._AdaptiveMaxPoolNd,
    nn.Upsample,
    nn.PixelShuffle,
)
_QUANTISED = "torch.ao.nn.quantized.modules.conv"  # whose convolutions are of no class of those
_OF_ROWS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm)  # which take (N, C) too, where N may count tokens
_CHANNELS_LAST = (nn.MultiheadAttention, nn.Embedding)
# Others work along any axis: a linear layer mixes the tokens of (N, C, T) as well as the features of (N, T, C)
_LAST_AXIS = (nn.Linear, nn.LayerNorm, getattr(nn, "RMSNorm", nn.LayerNorm))
_ELEMENTWISE = (
    "torch.nn.modules.activation",
    "torch.nn.modules.dropout",
    "torch.ao.nn.quantized.modules.activation",
    "torch.ao.nn.quantized.modules.dropout",
)


class Evidence:
    """The numbers of channels and the sizes of maps that are known so far, and what follows from them for the next.

    Parameters
    ----------
    known : iterable of (shape, layout)
        Outputs whose layout is known, without their batch axis.
    measure : callable, optional
        Gives the roles of each axis of each output by its name, from a pass; called once, and only where the sizes
        leave it open.
    """

    def __init__(
        self,
        known: Iterable[tuple[tuple[int, ...], Layout]] = (),
        measure: Callable[[], Mapping[str, Sequence[Roles]]] | None = None,
    ) -> None:
        self._measure = measure
        self._roles: Mapping[str, Sequence[Roles]] | None = None
        self._channels: set[int] = set()
        self._sizes: set[tuple[int, ...]] = set()
        self._last: tuple[tuple[int, ...], Layout, bool] | None = None
        self._of_shape: dict[tuple[int, ...], Layout] = {}
        for shape, layout in known:
            self.add(shape, layout)

    def add(self, shape: tuple[int, ...], layout: Layout, *, known: bool = True) -> None:
        """Take note of the layout of an output, without its batch axis."""
        self._last, self._of_shape[shape] = (shape, layout, known), layout
        if shape and known:
            size = shape[1:] if layout == "first" else shape[:-1]
            self._channels.add(shape[0] if layout == "first" else shape[-1])
            self._sizes |= {each for each in (size, (math.prod(size),)) if math.prod(each) > 1}

    def find(
        self, name: str, owner: nn.Module | None, shape: tuple[int, ...], batch_axis: int | None
    ) -> tuple[Layout, bool]:
        """The layout of the next output, and whether it is known rather than a guess.

        Parameters
        ----------
        name : str
            Of the layer or operation.
        owner : torch.nn.Module or None
            The layer; None for an operation.
        shape : tuple of int
            Without the batch axis.
        batch_axis : int or None
            The axis that `shape` leaves out.
        """
        layout: Layout | None
        known = True
        quantised = any(kind.__module__ == _QUANTISED for kind in type(owner).__mro__)
        if quantised or isinstance(owner, _CHANNELS_FIRST) or len(shape) < 2:
            layout = "last" if isinstance(owner, _OF_ROWS) and batch_axis is None and len(shape) == 2 else "first"
        elif type(owner) in _CHANNELS_LAST:
            layout = "last"
        elif self._last is not None and _keeps(owner, self._last[0], shape):
            _, layout, known = self._last
        else:
            layout = self._by_size(shape) or self._by_pass(name, shape, batch_axis)
        if layout is None:
            layout, known = self._guess(owner, shape), False
        self.add(shape, layout, known=known)
        return layout, known

    def _by_size(self, shape: tuple[int, ...]) -> Layout | None:
        """The layout if only one is possible; None where both are, or nothing is known.

        Most is told by positions of a known size with as many channels as are known before, behind, or on both sides of
        them, as heads and their features are; then by the size of maps, and by the number of channels, which agrees by
        chance more often.
        """
        first, last = shape[1:] in self._sizes, shape[:-1] in self._sizes
        for length in range(len(shape) - 1, 0, -1):
            if length == 1 and len(shape) > 2 and first != last:
                return (
                    "first" if first else "last"
                )  # all positions in a single number agree by chance more often than height and width
            found: set[Layout] = set()
            for start in range(len(shape) - length + 1):
                others = math.prod(shape[:start]) * math.prod(shape[start + length :])
                chance = length == 1 < len(shape) - 1 and shape[start] in self._channels  # it may be both
                if shape[start : start + length] in self._sizes and others in self._channels and not chance:
                    found.add("first" if start else "last")
            if found:
                return found.pop() if len(found) == 1 else None
        square = len(shape) == 3 and len(set(shape)) == 2
        first = first or (shape[0] in self._channels and self._fits(shape[1:])) or (square and shape[1] == shape[2])
        last = last or (shape[-1] in self._channels and self._fits(shape[:-1])) or (square and shape[0] == shape[1])
        return None if first == last else "first" if first else "last"

    def _fits(self, size: tuple[int, ...]) -> bool:
        """Whether maps of this height and width may come from those known: 2 x 768 do not come from 24 x 16."""
        if len(size) != 2 or not (known := [each for each in self._sizes if len(each) == 2]):
            return True
        aspect = size[0] / size[1]
        return any(0.5 <= aspect / (height / width) <= 2 for height, width in known)

    def _by_pass(self, name: str, shape: tuple[int, ...], batch_axis: int | None) -> Layout | None:
        """The layout as a pass finds it that follows the axes; not of volumes, which are drawn in slices."""
        if len(shape) > 3:
            return None
        if self._roles is None:
            self._roles = {} if self._measure is None else self._measure()
        roles = self._roles.get(name, ())
        return layout_by_roles([each for axis, each in enumerate(roles) if axis != batch_axis])

    def _guess(self, owner: nn.Module | None, shape: tuple[int, ...]) -> Layout:
        """That of the last output of this shape, or in the order of the axes.

        What a linear layer makes, and `nn.LayerNorm` normalises, is the last axis.
        """
        if shape in self._of_shape:
            return self._of_shape[shape]
        return "last" if type(owner) in _LAST_AXIS else "first"


def _keeps(owner: nn.Module | None, before: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a layer leaves the axes as they are in the output before it, if that is its input.

    A linear layer does, whichever the last axis is.
    """
    if type(owner) is nn.Linear:
        return len(shape) > 1 and before[:-1] == shape[:-1]
    return type(owner).__module__ in _ELEMENTWISE and before == shape
