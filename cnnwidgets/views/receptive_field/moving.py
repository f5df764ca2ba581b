"""The frames of a unit move in the page, which is told once where the field of each row and column of units lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import traitlets as T

from ...compute.receptive_field import Box, ReceptiveField
from ...render.color import ACCENT
from ...widgets import steered
from ...widgets.controls import PlaceControl
from ...widgets.painter import possible
from ...widgets.panels import DETAIL, PHOTO
from ...widgets.steered import STEERED, Message, Steered, new_name
from ...widgets.surface import joined

HERE = Path(__file__).parent
Ends = Sequence[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class UnitSheet:
    """What the page needs to frame the field of any unit.

    Attributes
    ----------
    rows, columns : sequence of (int, int)
        The edges of the field of each row of units, in pixels of the image: upper and lower; of each column: left and
        right.
    image, pixels : (int, int)
        (height, width) of the image, and of its picture.
    key : str
        Names it in the page.
    """

    rows: Ends
    columns: Ends
    image: tuple[int, int]
    pixels: tuple[int, int]
    key: str = field(default_factory=new_name)

    @classmethod
    def of(cls, fields: ReceptiveField, channel: int | None, pixels: tuple[int, int]) -> UnitSheet | None:
        """Of one layer; None for a single unit, and where a row of units has no edges of its own."""
        height, width = fields.grid
        if fields.grid == (1, 1):
            return None
        first, last = ([fields.box(row, at, channel=channel) for row in range(height)] for at in (0, width - 1))
        top, bottom = ([fields.box(at, column, channel=channel) for column in range(width)] for at in (0, height - 1))
        rows, columns = _rows(first), _columns(top)
        alike = rows == _rows(last) and columns == _columns(bottom)
        return cls(rows, columns, fields.image, pixels) if alike else None

    def message(self, holds: str = "") -> Message:
        """Header and buffers."""
        header = {"kind": "numbers", "key": self.key, "rows": self.rows, "columns": self.columns, "image": self.image}
        return header | {"pixels": self.pixels, "rooms": [PHOTO, DETAIL], "accent": ACCENT}, []

    def grown(self, before: Any) -> None:
        """Nothing: all of it is there at once."""


def _rows(boxes: Sequence[Box]) -> list[tuple[int, int]]:
    return [(box.top, box.bottom) for box in boxes]


def _columns(boxes: Sequence[Box]) -> list[tuple[int, int]]:
    return [(box.left, box.right) for box in boxes]


@cache
def code() -> str:
    """The JavaScript, as one module."""
    return joined(HERE, "../../widgets/painter/numbers", *STEERED, "unit")


class UnitScript(Steered):
    """Moves the frames in the page."""

    _anywidget_id = T.Unicode("cnnwidgets.Unit").tag(sync=True)


class UnitSlot(steered.Slot):
    """Where the script stands in a card.

    Parameters
    ----------
    view : ReceptiveFieldView
        Whose `unit` it moves.
    place : PlaceControl
        What steers it too.
    """

    def __init__(self, view: Any, place: PlaceControl) -> None:
        make = partial(UnitScript, code(), place.ranges, on_move=partial(view.set_trait, "unit"))
        super().__init__(view, ["unit"], lambda: place.place, make)

    @classmethod
    def beside(cls, view: Any, place: PlaceControl) -> UnitSlot | None:
        """The slot of a view; None where there is no page that could run a script."""
        return cls(view, place) if possible() else None
