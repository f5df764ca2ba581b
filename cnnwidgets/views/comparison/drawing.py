"""Draws the columns of a CompareView, and what stands between the first of them and another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...compute.layers import Layer
from ...render.color import Shaded
from ...render.static import Panel
from ...widgets.painter import pages, possible
from ...widgets.panels import image_panel
from ...widgets.surface import markup
from .columns import Shown, difference
from .panels import (
    WIDTH,
    column_grid,
    column_panels,
    curtain_panel,
    paint_of,
    pixel_lines,
    score_panel,
    shaded_alike,
    shaded_difference,
)  # fmt: skip


class Drawing:
    """The panels of the columns.

    Parameters
    ----------
    view : CompareView or CompareFrames
        Whose columns, as its display traits say.
    """

    def __init__(self, view: Any) -> None:
        self._view, self._paints = view, possible()

    def panels(self, controls: Any) -> list[list[Panel]]:
        """A column each, and the difference with the curtain."""
        view = self._view
        self._slider, self._curtain = controls.slider, controls.curtain_control
        columns = view.columns
        maps = [view.remember(f"maps{column.letter}", (column.output, column.row), column.maps) for column in columns]
        key = (*maps, view.colormap, view.scale)
        shaded = view.remember("shaded", key, lambda: shaded_alike(maps, view.colormap, shared=view.scale == "shared"))
        found = [self._column(column, each) for column, each in zip(columns, shaded, strict=True)]
        return [*found, self._between(maps, shaded)]

    def choose(self, channel: int) -> None:
        """Choose a channel."""
        self._view.channel = channel

    def images(self) -> list[Panel]:
        """The image; of columns of images each."""
        view = self._view
        shown = view.columns if view.beside else view.columns[:1]
        found = []
        for column in shown:
            panel = view.remember(
                f"image{column.letter}", (column.snapshot.item,), lambda c=column: image_panel(c.snapshot)
            )
            heading = f"{column.letter} · {panel.heading}" if view.beside else panel.heading
            found.append(replace(panel, heading=heading, key=f"image{column.letter}"))
        return found

    def scores(self) -> Panel:
        """The scores of all columns."""
        view = self._view
        key = tuple(column.snapshot.prediction for column in view.columns)
        return view.remember("scores", (*key, view.beside, view.index), lambda: score_panel(view.columns))

    def _column(self, column: Shown, shaded: Shaded | None) -> list[Panel]:
        heading = f"{column.letter} · {column.name}"
        if shaded is None or column.row is None:
            return [Panel(heading, width=WIDTH, lines=[column.note], key=f"maps{column.letter}")]
        return self._maps(shaded, column.row, heading, column.letter, column.note)

    def _maps(self, shaded: Shaded, row: Layer, heading: str, key: str, note: str = "") -> list[Panel]:
        view = self._view
        words = markup.scale_words(shaded, "layer-full" if shaded.centred else "layer")
        paint = None
        if self._paints and not view.exporting and row.kind != "vector":
            made = (shaded, row, pages.ratio)
            paint = view.remember(f"paint{key}", made, lambda: paint_of(shaded, row, self._slider, words))
            paint = replace(paint, state=paint.state | {"channel": min(view.channel, row.channels - 1)})
        grid = view.remember(
            f"grid{key}",
            (shaded, row, heading, note),
            lambda: column_grid(shaded, row, heading, self.choose, key=key, note=note),
        )
        pixel = (view.pixel[0], view.pixel[1]) if view.pixel else None
        return column_panels(
            grid,
            shaded,
            row,
            view.channel,
            key=key,
            names=view.unit_names,
            pixel=pixel,
            on_pixel=self._point,
            paint=paint,
        )

    def _between(self, maps: Sequence[Any], shaded: Sequence[Shaded | None]) -> list[Panel]:
        """The difference of the first and another column, and the curtain between them."""
        view = self._view
        first, other = view.columns[0], view.columns[view.second]
        letters = first.letter + other.letter
        pair = maps[0], maps[view.second]
        found = view.remember("difference", pair, lambda: difference(*pair))
        heading = f"{letters[0]} − {letters[1]}"
        if found is None:
            forms = [f"{column.letter} is {column.row.form}" for column in (first, other) if column.row is not None]
            line = f"no difference: {' and '.join(forms)}" if len(forms) > 1 else f"no difference: {other.note}"
            return [Panel(heading, width=WIDTH, lines=[line], key="difference")]
        one, two = shaded[0], shaded[view.second]
        assert one is not None and two is not None
        made = view.remember("apart", (found, view.colormap), lambda: shaded_difference(found, view.colormap))
        note = "" if np.any(found) else "no difference: every value is the same"
        panels = self._maps(made, view.layer_row, heading, "difference", note)
        if one.numbers:
            return panels
        channel = min(view.channel, len(found) - 1)
        curtain = curtain_panel(one, two, channel, view.curtain, letters, [self._curtain], self._point_at)
        there = [(c.letter, m) for c, m in zip(view.columns, maps, strict=True) if m is not None]
        pixel = (view.pixel[0], view.pixel[1]) if view.pixel else None
        lines = pixel_lines([*there, (heading, found)], channel, pixel)
        return [*panels, replace(curtain, lines=lines)]

    def _point(self, pixel: tuple[int, int]) -> None:
        self._view.pixel = pixel

    def _point_at(self, x: float, y: float) -> None:
        self._view.pixel = (int(y), int(x))
