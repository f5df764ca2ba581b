"""A window that slides over a map: where it stands, and the controls and the player that move it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as W
import traitlets as T

from ..state import Pixel
from . import basic as controls
from .ranges import Player

SPEEDS = (1, 2, 5, 10, 20, 30)


class Sliding(T.HasTraits):
    """Mixed into a view. `pixel` is the truth; `row`, `column` and `position` follow it, and moving them moves it.

    The view says in `extent` how large the map is, calls `player_control()` in its building and `fit_pixel()` when the
    map has become another one.
    """

    pixel = Pixel(None, help="(row, column) of the output that is explained; None: the middle").tag(display=True)
    row = T.Int(0, help="row of `pixel`, from 0").tag(internal=True)
    column = T.Int(0, help="column of `pixel`, from 0").tag(internal=True)
    position = T.Int(0, help="number of `pixel` in reading order, from 0; what the player counts").tag(internal=True)
    speed = T.Enum(SPEEDS, 5, help="steps of the player a second").tag(internal=True)

    _following = False

    def extent(self) -> tuple[int, int]:
        """(rows, columns) of the map."""
        raise NotImplementedError

    def player_control(self) -> W.HBox:
        """Play button, sliders for row and column, and the speed."""
        rows, columns = self.extent()
        self._row_slider = controls.slider(
            self, "row", maximum=rows - 1, width=110, tip="Row of the output that is explained (arrow keys work)"
        )
        self._column_slider = controls.slider(
            self, "column", maximum=columns - 1, width=110, tip="Column of the output that is explained"
        )
        self._play = Player(min=0, max=rows * columns - 1, value=self.position, layout=W.Layout(width="auto"))
        T.link((self, "position"), (self._play, "value"))
        T.dlink((self, "speed"), (self._play, "interval"), transform=lambda speed: round(1000 / speed))
        controls.hint(self._play, "Slide the window over the input, row by row")
        speeds = [(f"{speed} a second", speed) for speed in SPEEDS]
        speed = controls.dropdown(self, "speed", speeds, width=110, tip="How fast the window slides")
        self._player = W.HBox(
            [
                controls.labelled("Row", self._row_slider),
                controls.labelled("Column", self._column_slider),
                controls.labelled("Slide", self._play, speed),
            ],
            layout=W.Layout(flex_flow="row wrap", align_items="center", overflow="hidden"),
        )
        self._player.layout.display = "none" if rows * columns == 1 else ""
        return self._player

    def fit_pixel(self, *, scaled: bool) -> None:
        """Make the controls fit the map, and move the pixel to the same part of it, or at least inside."""
        rows, columns = self.extent()
        old_rows, old_columns = self._row_slider.max + 1, self._column_slider.max + 1
        row, column = self.pixel or (rows // 2, columns // 2)
        if scaled and (rows, columns) != (old_rows, old_columns):
            row = (2 * row + 1) * rows // (2 * old_rows)
            column = (2 * column + 1) * columns // (2 * old_columns)
        parts = ((self._row_slider, rows), (self._column_slider, columns), (self._play, rows * columns))
        for control, count in parts:  # first wider, so that no link cuts off what is on its way
            control.max = max(control.max, count - 1)
        self.pixel = (min(row, rows - 1), min(column, columns - 1))
        self._placed()
        for control, count in parts:
            control.max = count - 1
        self._player.layout.display = "none" if rows * columns == 1 else ""

    @T.validate("pixel")
    def _validate_pixel(self, proposal: Any) -> tuple[int, int]:
        rows, columns = self.extent()
        if proposal["value"] is None:
            return rows // 2, columns // 2
        row, column = proposal["value"]
        if row >= rows or column >= columns:
            raise IndexError(f"pixel {(row, column)} is out of range: the map has {rows} rows and {columns} columns")
        return row, column

    @T.observe("pixel")
    def _placed(self, change: Any = None) -> None:
        if self.pixel is not None:
            with self._follow():
                self.row, self.column = self.pixel
                self.position = self.row * self.extent()[1] + self.column

    @T.observe("row", "column", "position")
    def _moved(self, change: Any) -> None:
        if not self._following:
            place = divmod(self.position, self.extent()[1]) if change["name"] == "position" else (self.row, self.column)
            self.pixel = place

    @contextmanager
    def _follow(self) -> Iterator[None]:
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before
