"""Which values of a layer's output an edit is about: channels, places, single units."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..core import describe, shortened, whole
from ..layers import Layer

Index = tuple[Any, ...]


@dataclass(frozen=True)
class Arrangement:
    """Which axes of a layer's output are what.

    Attributes
    ----------
    batch, channel : int or None
        Axis of the images, and of the channels; None where there is none.
    places : tuple of int
        The other axes: rows and columns of a map, the tokens of a sequence.
    known : bool
        Whether that is known, or the first axes are taken for want of better.
    """

    batch: int | None
    channel: int | None
    places: tuple[int, ...] = ()
    known: bool = True


def by_type(part: nn.Module, output: torch.Tensor, path: str = "") -> Arrangement | None:
    """The arrangement where the module or the number of axes tells it; None where a pass has to.

    `path` is which of the tensors that the module returns `output` is.
    """
    axes = output.ndim
    if axes == 2:
        return Arrangement(0, 1)
    if isinstance(part, nn.RNNBase) and axes == 3:  # the sequence, and the states: (layers, N, features)
        batch = 0 if part.batch_first and path == "0" else 1
        return Arrangement(batch, 2, (1 - batch,))
    kernel = getattr(part, "kernel_size", None)
    if isinstance(getattr(part, "out_channels", None), int) and isinstance(kernel, tuple):
        batched = axes == len(kernel) + 2
        channel = 1 if batched else 0
        return Arrangement(0 if batched else None, channel, tuple(range(channel + 1, axes)))
    if isinstance(part, nn.modules.batchnorm._BatchNorm) and axes > 2:
        return Arrangement(0, 1, tuple(range(2, axes)))
    return None


def by_row(row: Layer | None, axes: int) -> Arrangement:
    """The arrangement of an output of so many axes, as the row of the layer in the layer table tells it."""
    if row is None or axes - len(row.shape) not in (0, 1):
        return Arrangement(0, 1 if axes > 1 else None, tuple(range(2, axes)), known=False)
    stacked = row.batch_axis is None and len(row.shape) < axes
    batch = 0 if stacked else row.batch_axis
    others = [axis for axis in range(axes) if axis != batch]
    if not others:
        return Arrangement(batch, None)
    channel = others[0] if row.layout == "first" or row.kind == "vector" else others[-1]
    return Arrangement(batch, channel, tuple(axis for axis in others if axis != channel), known=row.axes_known)


def on_numbers(value: torch.Tensor, change: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """What `change` makes of a tensor; of a quantised one, of the numbers that it stands for, rounded to its scale."""
    if not value.is_quantized:
        return change(value)
    made = change(value.dequantize())
    last = value.ndim == 4 and value.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format  # of both: torch copies no other way
    return value.clone(memory_format=layout).copy_(made.contiguous(memory_format=layout))


def by_channel(output: torch.Tensor, found: Arrangement) -> torch.Tensor:
    """A view of a layer's output with the images in the first axis and the channels in the second."""
    assert found.batch is not None
    if found.channel is None:
        return output.unsqueeze(1)
    return output.movedim((found.batch, found.channel), (0, 1))


def not_by_channel(values: torch.Tensor, found: Arrangement) -> torch.Tensor:
    """A view of what `by_channel` gives with the axes as the layer has them."""
    assert found.batch is not None
    return values.squeeze(1) if found.channel is None else values.movedim((0, 1), (found.batch, found.channel))


@dataclass(frozen=True)
class Selection:
    """What is chosen of a layer's output; all of it where nothing is.

    Attributes
    ----------
    channels, tokens : tuple of int or None
        Numbers of channels (units of a vector, features of tokens), and of tokens.
    region : tuple of int or None
        (top, left, bottom, right) in rows and columns of the map, the last two exclusive.
    units : tuple of tuple of int or None
        (channel, row, column) of single units; (channel, token) in a sequence.
    """

    channels: tuple[int, ...] | None = None
    tokens: tuple[int, ...] | None = None
    region: tuple[int, ...] | None = None
    units: tuple[tuple[int, ...], ...] | None = None

    @classmethod
    def of(cls, channels: Any, tokens: Any, region: Any, units: Any) -> Selection:
        """What a user chose; raises TypeError or ValueError for what are no numbers of channels, tokens or places."""
        if units is not None and any(value is not None for value in (channels, tokens, region)):
            raise ValueError("units are single values: give them alone, or channels, tokens and a region")
        if region is not None:
            region = _numbers(region, "region")
            if len(region) != 4 or region[0] >= region[2] or region[1] >= region[3]:
                raise ValueError(f"region is (top, left, bottom, right), the last two exclusive, not {region}")
        if units is not None:
            listed = list(units)
            listed = [listed] if listed and whole(listed[0]) is not None else listed
            units = tuple(_numbers(unit, "units") for unit in listed)
            if len({len(unit) for unit in units}) != 1:
                raise ValueError(f"units are tuples (channel, row, column) of one length, not {units}")
        return cls(
            None if channels is None else _numbers(channels, "channels"),
            None if tokens is None else _numbers(tokens, "tokens"),
            region,
            units,
        )

    @property
    def everything(self) -> bool:
        """Whether nothing is chosen, and so the whole output meant."""
        return self == Selection()

    @property
    def words(self) -> str:
        """`channels 3, 7`; empty for the whole output."""
        parts = []
        if self.channels is not None:
            parts.append(f"channel{'s' * (len(self.channels) > 1)} {shortened(self.channels, 10)}")
        if self.tokens is not None:
            parts.append(f"token{'s' * (len(self.tokens) > 1)} {shortened(self.tokens, 10)}")
        if self.region is not None:
            top, left, bottom, right = self.region
            parts.append(f"rows {top} to {bottom - 1} and columns {left} to {right - 1}")
        if self.units is not None:
            parts.append(f"unit{'s' * (len(self.units) > 1)} {shortened([str(unit) for unit in self.units])}")
        return " at ".join(parts)

    def check(self, channels: int, layer: str) -> None:
        """Raises ValueError for a channel that a layer of so many does not have."""
        wanted = [unit[0] for unit in self.units] if self.units is not None else self.channels or ()
        _check(wanted, channels, "channel", layer)

    def index(self, output: torch.Tensor, found: Arrangement, layer: str) -> Index | None:
        """What picks the chosen values out of `output`; None for all of it.

        Raises
        ------
        ValueError
            The output has no such channel, token or place; the message says what it has.
        """
        if self.everything:
            return None
        shape = output.shape
        index: list[Any] = [slice(None)] * output.ndim
        if self.channels is not None or self.units is not None:
            if found.channel is None:
                raise ValueError(f"layer {layer!r} gives {describe(output)}, which has no channels to choose from")
            self.check(shape[found.channel], layer)
        if self.units is not None:
            axes = (found.channel, *found.places)
            if len(self.units[0]) != len(axes):
                raise ValueError(
                    f"a unit of layer {layer!r}, which gives {describe(output)}, is named by {len(axes)} numbers: its "
                    f"channel{' and its place' * (len(axes) > 1)}; {self.units[0]} are {len(self.units[0])}"
                )
            for axis, numbers in zip(axes, zip(*self.units, strict=True), strict=True):
                assert axis is not None
                _check(numbers, shape[axis], "channel" if axis == found.channel else "place", layer)
                index[axis] = list(numbers)
            return tuple(index)
        if self.region is not None:
            if len(found.places) < 2:
                raise ValueError(f"layer {layer!r} gives {describe(output)}, which has no rows and columns")
            (top, left, bottom, right), (rows, columns) = self.region, found.places[-2:]
            if bottom > shape[rows] or right > shape[columns]:
                raise ValueError(
                    f"the region {self.region} is outside the map of layer {layer!r}: {shape[rows]} x {shape[columns]}"
                )
            index[rows], index[columns] = slice(top, bottom), slice(left, right)
        lists = []
        if self.channels is not None:
            lists.append((found.channel, self.channels))
        if self.tokens is not None:
            if len(found.places) != 1:
                raise ValueError(f"layer {layer!r} gives {describe(output)}, which is no sequence of tokens")
            _check(self.tokens, shape[found.places[0]], "token", layer)
            lists.append((found.places[0], self.tokens))
        for number, (axis, chosen) in enumerate(lists):  # several lists: each with each
            assert axis is not None
            index[axis] = torch.tensor(chosen, device=output.device).reshape(-1, *[1] * (len(lists) - 1 - number))
        return tuple(index)


def aligned(
    value: torch.Tensor,
    output: torch.Tensor,
    found: Arrangement,
    index: Index | None,
    channels: tuple[int, ...] | None,
    layer: str,
) -> torch.Tensor:
    """Given values at the chosen ones of `output`; raises ValueError where they fit in no way."""
    value, shape = value.detach().to(output.device), output.shape
    count = 1 if found.channel is None else shape[found.channel]
    one = tuple(extent for axis, extent in enumerate(shape) if axis != found.batch)
    if channels is not None and value.shape == (len(channels),) != (count,):
        spread = value.new_zeros(count)
        spread[list(channels)] = value
        value = spread
    if value.ndim == 0:
        full = value
    elif value.shape == (count,) and found.channel is not None:
        full = value.reshape([-1 if axis == found.channel else 1 for axis in range(output.ndim)])
    elif value.shape == one and found.batch is not None:
        full = value.unsqueeze(found.batch)
    elif value.ndim == output.ndim and all(
        mine == other or (axis == found.batch and mine == 1)
        for axis, (mine, other) in enumerate(zip(value.shape, shape, strict=True))
    ):
        full = value
    else:
        raise ValueError(
            f"values of the shape {tuple(value.shape)} do not fit layer {layer!r}, which gives {describe(output)}: "
            f"allowed are {one} for one image, {tuple(shape)} for this batch, and ({count},) for the channels; the "
            "values of another image fit only if that has the same size"
        )
    full = full.expand(shape)
    return full if index is None else full[index]


def _numbers(value: Any, what: str) -> tuple[int, ...]:
    if isinstance(value, torch.Tensor):
        value = value.tolist()
    found = [whole(one) for one in (value if isinstance(value, Iterable) and not isinstance(value, str) else [value])]
    if not found or any(number is None or number < 0 for number in found):
        raise ValueError(f"{what} must be whole numbers from 0 on, at least one, not {value!r}")
    return tuple(number for number in found if number is not None)


def _check(numbers: Iterable[int], count: int, what: str, layer: str) -> None:
    if wrong := [number for number in numbers if number >= count]:
        raise ValueError(f"no {what} {wrong[0]} in layer {layer!r}: it has {count}, 0 to {count - 1}")
