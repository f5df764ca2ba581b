"""Receptive fields as numbers: one layer with the box of each unit, and a table of all layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import torch

from ..core import unknown_layer
from ..tabular import to_html, to_text
from .boxes import NOTHING

Pixels: TypeAlias = int | float | tuple[int | float, int | float]
"""A number of pixels if height and width are equal, otherwise (height, width)."""
COLUMNS = ("name", "units", "size", "stride", "start", "note")
"""Of the table of all layers, as `to_records` names them."""


class Box(NamedTuple):
    """Edges of a box of pixels; bottom and right are exclusive."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, eq=False)
class ReceptiveField:
    """The receptive field of the units of a layer. A unit is a position (row, column) of the layer's map or token grid.

    Attributes
    ----------
    layer : str
        Name of the layer.
    image : tuple of int
        (height, width) of the image.
    grid : tuple of int
        (rows, columns) of units; (1, 1) for a vector.
    channels : int
        Number of channels of a unit.
    size : int or tuple of int
        Height and width of a unit's field, one number if they are equal; the largest if units differ (see `note`). Not
        clipped at the border: padding counts as image, so that it can exceed the image.
    stride : int, float or tuple
        Distance in pixels between the fields of adjacent units; below 1 if a layer is larger than the image, 0 for a
        vector, which has no positions.
    start : int or tuple of int
        First row and column of the field of unit (0, 0); negative if it starts in the padding.
    everything : bool
        Whether every unit sees the whole image.
    reason : str
        The reason, if `everything` is true. After an operation over all positions (global pooling, attention, a
        linear layer) the field is the image itself: `size` is the image's, `stride` and `start` are 0.
    note : str
        Further remarks, or empty.
    """

    layer: str
    image: tuple[int, int]
    grid: tuple[int, int]
    channels: int
    size: Pixels
    stride: Pixels
    start: Pixels
    everything: bool
    reason: str
    note: str
    _edges: tuple[torch.Tensor, ...] = field(repr=False)

    def box(self, row: int, column: int, *, channel: int | None = None, clip: bool = True) -> Box:
        """The receptive field of a unit in pixels.

        Parameters
        ----------
        row, column : int
            The unit.
        channel : int, optional
            The field of this channel only, which can be smaller where branches meet (Inception) and in vectors.
        clip : bool
            Clip at the border of the image. Otherwise padding counts as image.

        Returns
        -------
        Box
            Empty (all 0) if the unit depends on no pixel.

        Raises
        ------
        IndexError
            The unit or channel does not exist.
        """
        for what, number, count in (
            ("row", row, self.grid[0]),
            ("column", column, self.grid[1]),
            ("channel", channel or 0, self.channels),
        ):
            if not 0 <= number < count:
                raise IndexError(f"{what} {number} is out of range: layer {self.layer!r} has {count}, 0 to {count - 1}")
        ends = [_at(edge, row, column, channel) for edge in self._edges]
        if NOTHING in ends:
            return Box(0, 0, 0, 0)
        top, left, bottom, right = (int(sign * end) for sign, end in zip((-1, -1, 1, 1), ends, strict=True))
        if not clip:
            return Box(top, left, bottom, right)
        height, width = self.image
        inside = (
            min(max(end, 0), most) for end, most in zip((top, left, bottom, right), 2 * (height, width), strict=True)
        )
        return Box(*inside)

    def cut_off(self, row: int, column: int, *, channel: int | None = None) -> Box:
        """Pixels of a unit's field beyond each border of the image, in the padding."""
        top, left, bottom, right = self.box(row, column, channel=channel, clip=False)
        height, width = self.image
        return Box(max(0, -top), max(0, -left), max(0, bottom - height), max(0, right - width))

    def centre(self, row: int, column: int, *, channel: int | None = None) -> tuple[float, float]:
        """(row, column) of the centre of a unit's field, not clipped; half-integers if the size is even."""
        top, left, bottom, right = self.box(row, column, channel=channel, clip=False)
        return (top + bottom - 1) / 2, (left + right - 1) / 2

    def unit_at(self, row: float, column: float) -> tuple[int, int]:
        """(row, column) of the unit whose field centre is nearest to a position in the image."""
        top, left, bottom, right = (edge.amax(0) for edge in self._edges)
        away = ((bottom - top - 1) / 2 - row) ** 2 + ((right - left - 1) / 2 - column) ** 2
        nearest = int(torch.nan_to_num(away.expand(self.grid), nan=torch.inf).argmin())
        return divmod(nearest, self.grid[1])


class ReceptiveFields(Sequence[ReceptiveField]):
    """The receptive fields of all layers of a model, in execution order, also by name. Displayed as a table."""

    def __init__(self, fields: Sequence[ReceptiveField]) -> None:
        self._fields = {each.layer: each for each in fields}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self._fields:
                raise unknown_layer(key, list(self._fields))
            return self._fields[key]
        return list(self._fields.values())[key]

    def __len__(self) -> int:
        return len(self._fields)

    def __iter__(self) -> Iterator[ReceptiveField]:
        return iter(self._fields.values())

    def __contains__(self, key: object) -> bool:
        return key in self._fields

    def to_records(self) -> list[dict[str, Any]]:
        """One dict per layer, ready for `pandas.DataFrame`."""
        keys = ("size", "stride", "start")
        return [
            {"name": f.layer, "units": f.grid, **{key: getattr(f, key) for key in keys}, "note": f.reason or f.note}
            for f in self
        ]

    def __repr__(self) -> str:
        return to_text(COLUMNS, self._texts())

    def _repr_html_(self) -> str:
        return to_html(COLUMNS, self._texts())

    def _texts(self) -> list[list[str]]:
        return [[text(value) for value in record.values()] for record in self.to_records()]


def _at(edge: torch.Tensor, row: int, column: int, channel: int | None) -> float:
    """An edge of the box of a unit; axes of size 1 are broadcast."""
    channels, rows, columns = edge.shape
    unit = edge[:, row if rows > 1 else 0, column if columns > 1 else 0]
    return float(unit.max() if channel is None or channels == 1 else unit[channel])


def pair(height: float, width: float) -> Pixels:
    """(height, width), or one number if they are equal; whole numbers as int."""
    first, second = (int(side) if float(side).is_integer() else float(side) for side in (height, width))
    return first if first == second else (first, second)


def text(value: Any) -> str:
    """`163`, `13 x 13`, `0.5`: text for a number of pixels or a pair."""
    if isinstance(value, tuple):
        return " x ".join(map(text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
