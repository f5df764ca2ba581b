"""Which unit of a layer is meant: its place in the map, and its channel, with the controls that move them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as W
import traitlets as T

from ...compute.layers import Layer
from ...widgets import controls
from ...widgets.base import SubjectView
from ...widgets.state import Pixel, Whole


class UnitState(SubjectView):
    """A view of one unit. `unit` is the truth; `row` and `column` follow it, and moving them moves it.

    A subclass says in `grid` how many units a layer has; it puts `channel_control()` and `unit_control()` among its
    controls, and calls `fit_unit()` when the map may have become another one.
    """

    unit = Pixel(None, help="(row, column) of the unit in the layer's map, from 0; None: the middle").tag(source=True)
    channel = Whole(0, help="which map of the layer is shown, from 0").tag(source=True)
    row = Whole(0, help="row of the unit, from 0").tag(internal=True)
    column = Whole(0, help="column of the unit, from 0").tag(internal=True)

    _following = False

    def grid(self, layer: str) -> tuple[int, int]:
        """(rows, columns) of the units of `layer`; (1, 1) for a vector."""
        raise NotImplementedError

    @property
    def place(self) -> tuple[int, int]:
        """(row, column) of the unit: the middle one by default, and inside the map in any case."""
        rows, columns = self.grid(self.layer)
        row, column = self.unit or (rows // 2, columns // 2)
        return min(row, rows - 1), min(column, columns - 1)

    def check_traits(self, traits: dict[str, Any]) -> None:
        """Raise for a unit or channel that the layer does not have."""
        self._checked_channel(traits.get("channel", 0), self._row)
        unit = type(self).unit.validate(self, traits.get("unit"))
        if unit is not None:
            self._checked_unit(unit, self._row.name)

    def channel_control(self) -> W.Widget:
        """Slider and box for the channel."""
        last = self._row.channels - 1
        self._channel_slider = controls.slider(self, "channel", maximum=last, width=110, tip="Map that is shown")
        self._channel_box = controls.entry(self, "channel", maximum=last, width=60, tip="Type a channel number")
        word = controls.channel_word(self._row)
        self._channels = controls.labelled(word, self._channel_slider, self._channel_box)
        return self._channels

    def unit_control(self) -> W.Widget:
        """Sliders for the row and the column of the unit."""
        rows, columns = (count - 1 for count in self.grid(self.layer))
        with self._follow():
            self.row, self.column = self.place
        self._unit_sliders = (
            controls.slider(self, "row", maximum=rows, width=110, tip="Row of the unit (arrow keys work)"),
            controls.slider(self, "column", maximum=columns, width=110, tip="Column of the unit"),
        )
        parts = [*map(controls.labelled, ("Row", "Column"), self._unit_sliders)]
        self._unit_control = W.HBox(parts, layout=W.Layout(flex_flow="row wrap", overflow="hidden"))
        self._unit_control.layout.display = "none" if rows == columns == 0 else ""
        return self._unit_control

    def fit_unit(self) -> None:
        """Make the sliders fit the map, and the unit too."""
        counts = self.grid(self.layer)
        if self.unit is not None:
            self.unit = self.place
        with self._follow():
            for slider, count in zip(self._unit_sliders, counts, strict=True):
                slider.max = max(slider.max, count - 1)  # first wider, so that no link cuts off what is on its way
            self.row, self.column = self.place
            for slider, count in zip(self._unit_sliders, counts, strict=True):
                slider.max = count - 1
        self._unit_control.layout.display = "none" if counts == (1, 1) else ""

    def _checked_channel(self, channel: int, row: Layer) -> int:
        if not 0 <= channel < row.channels:
            last = row.channels - 1
            raise IndexError(f"channel {channel} is out of range: layer {row.name!r} has {row.channels}, 0 to {last}")
        return int(channel)

    def _checked_unit(self, unit: tuple[int, int], layer: str) -> tuple[int, int]:
        rows, columns = self.grid(layer)
        if not (0 <= unit[0] < rows and 0 <= unit[1] < columns):
            raise IndexError(f"unit {unit} is out of range: layer {layer!r} has {rows} rows and {columns} columns")
        return unit

    @T.validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return self._checked_channel(proposal["value"], self._look.table.find(self.layer))

    @T.validate("unit")
    def _validate_unit(self, proposal: Any) -> tuple[int, int] | None:
        unit = proposal["value"]
        return None if unit is None else self._checked_unit(unit, self.layer)

    @T.validate("row", "column")
    def _validate_place(self, proposal: Any) -> int:
        number = int(proposal["value"])
        if self._ready and not self._following:
            row = proposal["trait"].name == "row"
            self._checked_unit((number, self.column) if row else (self.row, number), self.layer)
        return number

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self._ready:  # at once, not with the drawing: a unit of the new layer may be set right after
            alone = not self._is_quiet  # what is set together with the layer stays as it was set
            with self.quiet():
                row = self._look.table.find(self.layer)
                self._channel_slider.max = self._channel_box.max = row.channels - 1
                self._channels.text = controls.channel_word(row)
                if self.unit is not None and alone:  # to the same part of the map
                    old, new = self.grid(change["old"]), self.grid(self.layer)
                    parts = zip(self.unit, old, new, strict=True)
                    self.unit = tuple((2 * at + 1) * count // (2 * before) for at, before, count in parts)
                self.fit_unit()

    @T.observe("unit")
    def _placed(self, change: Any) -> None:
        if self._ready:
            with self._follow():
                self.row, self.column = self.place

    @T.observe("row", "column")
    def _moved(self, change: Any) -> None:
        if self._ready and not self._following:
            self.unit = (self.row, self.column)

    @contextmanager
    def _follow(self) -> Iterator[None]:
        """While this is on, `row` and `column` follow `unit` and do not set it."""
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before
