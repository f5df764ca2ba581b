"""Tables of numbers that a reader types: parsed with care, kept as tuples, never evaluated."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from ...compute.core import unknown
from ...live import Linked
from ...widgets.controls import Guard, hint, named
from ...widgets.surface import markup, plain

Rows = tuple[tuple[float, ...], ...]

MOST = 32
"""Rows and columns that a table may have."""
LARGEST = float(np.finfo(np.float32).max)
"""Magnitude that a number may have: what a network holds; no sum of their products leaves float64."""
OWN = "own numbers"
TIP = "A row a line, numbers separated by spaces; 1/9 is a number"
"""Of a box to type into."""


def parse_rows(text: str) -> Rows:
    """Rows of numbers, one a line (or behind `;`), apart by spaces or commas; `1/9` is a number, brackets are skipped.

    Raises
    ------
    ValueError
        Says which row and which word is wrong.
    """
    lines = [re.sub(r"[\[\](),\s]+", " ", line).split() for line in re.split(r"[\n;]", text)]
    return checked_rows([[_number(word, row) for word in line] for row, line in enumerate(filter(None, lines), 1)])


def _number(word: str, row: int) -> float:
    above, slash, below = word.replace("−", "-").partition("/")
    try:
        return float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"row {row}: {word!r} is no number") from None


def checked_rows(values: Any) -> Rows:
    """`values` as rows of floats; ValueError unless they are a full table of float32 numbers, at most 32 x 32."""
    try:
        rows = tuple(tuple(float(value) for value in row) for row in values)
    except (TypeError, ValueError):
        raise ValueError(f"expected rows of numbers, not {values!r:.60}") from None
    if not rows or not rows[0]:
        raise ValueError("there are no numbers")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise ValueError(f"row {number} has {len(row)} numbers, row 1 has {len(rows[0])}")
        if not all(map(math.isfinite, row)):
            raise ValueError(f"row {number} has a number that is not finite")
        for value in row:
            if abs(value) > LARGEST:
                raise ValueError(f"row {number}: {value:.6g} is beyond the largest float32, {LARGEST:.2g}")
    if max(len(rows), len(rows[0])) > MOST:
        raise ValueError(f"at most {MOST} rows and columns, not {len(rows)} x {len(rows[0])}")
    return rows


def written(rows: Rows) -> str:
    """Rows as text that `parse_rows` reads."""
    words = [[f"{value + 0.0:.6g}" for value in row] for row in rows]
    width = max(len(word) for row in words for word in row)
    return "\n".join(" ".join(word.rjust(width) for word in row) for row in words)


class Numbers(T.TraitType):
    """A table of numbers: rows, an array, or the name of one of `presets`."""

    def __init__(self, presets: Mapping[str, Any], default: str, **options: Any) -> None:
        self.presets = {name: checked_rows(rows) for name, rows in presets.items()}
        super().__init__(self.presets[default], **options)

    def validate(self, obj: Any, value: Any) -> Rows:
        """Raise ValueError for an unknown name, or for what is no table of numbers."""
        if isinstance(value, str):
            if value not in self.presets:
                there = f"there are {', '.join(self.presets)}"
                raise ValueError(unknown(f"no {self.name} {value!r}", value, self.presets, there))
            return self.presets[value]
        if hasattr(value, "detach"):
            value = value.detach().cpu()
        try:
            return checked_rows(np.asarray(value).tolist() if hasattr(value, "__array__") else value)
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from None


class NumbersControl(W.VBox):
    """A menu of presets above a box to type numbers into; `value` is linked to a trait of a view.

    What cannot be read is said below the box; the value stays what it was.
    """

    value = T.Any()

    def __init__(self, view: T.HasTraits, trait: str, title: str, *, rows: int) -> None:
        numbers: Any = view.traits()[trait]
        self._presets: dict[str, Rows] = numbers.presets
        self._writing = Guard()
        self._menu = W.Dropdown(options=[OWN, *self._presets], layout=W.Layout(width="176px"))
        self._box = W.Textarea(rows=rows, continuous_update=True, layout=W.Layout(width="176px"))
        self._wrong = plain(W.HTML)
        self._box.add_class("cnnw-numbers")
        hint(named(self._menu, f"{title}: choose one"), f"{title}: choose one")
        hint(named(self._box, title), TIP)
        heading = plain(W.HTML, markup.heading(title))
        super().__init__([heading, self._menu, self._box, self._wrong], layout=W.Layout(overflow="hidden"))
        self._menu.observe(self._chosen, "value")
        self._box.observe(self._typed, "value")
        Linked((view, trait), (self, "value"))

    @T.observe("value")
    def _show(self, change: Any) -> None:
        self._wrong.value = ""
        typing = bool(self._writing)
        with self._writing:
            self._menu.value = next((name for name, rows in self._presets.items() if rows == self.value), OWN)
            if not typing:  # what is being typed is left as it is
                self._box.value = written(self.value)

    def _chosen(self, change: Any) -> None:
        if not self._writing and change["new"] != OWN:
            self.value = self._presets[change["new"]]

    def _typed(self, change: Any) -> None:
        if self._writing:
            return
        try:
            rows = parse_rows(change["new"])
        except ValueError as error:
            self._wrong.value = markup.error(str(error))
            return
        with self._writing:
            self._wrong.value = ""
            self.value = rows
