"""Draws the columns of a CompareView, and what stands between the first of them and another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...compute.layers import Layer
from ...render.color import Shaded
from ...render.static import Panel
from ...widgets.painter import Numbers, Painter, Series, drawn_size, pages, possible
from ...widgets.panels import Paint, PaintedBox, image_panel
from .columns import LETTERS, Column, Shown, difference
from .panels import (
    SCALES,
    WIDTH,
    column_grid,
    column_panels,
    curtain_panel,
    pixel_lines,
    score_panel,
    series_of,
    shaded_alike,
    shaded_difference,
)  # fmt: skip
from .rankings import Ranked, channel_chosen, channels_panel, layers_panel

PRESENTED = (*(f"channel{letter}" for letter in LETTERS), "channeldifference", "scores")
"""What a class should see on a projector: the chosen map of each column, their difference, and the scores."""


class Drawing:
    """The panels of the columns.

    Parameters
    ----------
    view : CompareView or CompareFrames
        Whose columns, as its display traits say.
    """

    def __init__(self, view: Any) -> None:
        self._view, self._paints = view, possible()
        self._links: dict[str, Sequence[Any]] = {}
        self._curtain: dict[str, Sequence[Any]] = {}
        self._movers: Mapping[str, Sequence[Any]] = {}

    def link(self, drawn: Mapping[str, Any], movers: Mapping[str, Sequence[Any]]) -> None:
        """Say which controls have what the page draws by itself, and by which a hand asks for something else."""
        links = {name: group.controls for name, group in drawn.items()}
        self._curtain = {"curtain": links.pop("curtain")}  # all that move it
        self._links, self._movers = {name: parts[:1] for name, parts in links.items()}, movers

    def render(self, draw: Callable[[], None], address: Callable[[], Mapping[str, Any]]) -> None:
        """Draw; pages are told of which address that is, once all of it is on its way."""
        if not self._paints:
            draw()
            return
        now, before = self._addressed(address()), self._painter() if self._view.ready else None
        if before is not None and before.address != now:
            before.stand(None)
        draw()
        painter = self._painter()
        if painter is not None:
            painter.stand(now)

    def panels(self) -> list[list[Panel]]:
        """A column each, and the difference with the curtain."""
        view = self._view
        columns = view.columns
        maps = [view.remember(f"maps{column.letter}", (column.output, column.row), column.maps) for column in columns]
        series = view.remember("series", maps, lambda: series_of(maps))
        key = (series, view.colormap, view.scale)
        shaded = view.remember(
            "shaded", key, lambda: shaded_alike(maps, series, view.colormap, shared=view.scale == "shared")
        )
        found = [self._column(column, each, series) for column, each in zip(columns, shaded, strict=True)]
        return [*found, self._between(maps, shaded, series)]

    def ranking(
        self,
        ranked: Ranked,
        channel: int | None,
        on_layer: Callable[[str], object],
        controls: Sequence[Any] = (),
    ) -> list[Panel]:
        """Which layers changed most, and which channels of the present one, of which `channel` is marked."""
        view, layer = self._view, self._view.layer
        first = view.remember("layers", (ranked, layer), lambda: layers_panel(ranked, layer, on_layer, controls))
        channels = view.remember("channels", (ranked, layer), lambda: channels_panel(ranked, layer, self.choose))
        if channels is None:
            return [first]
        key = (channels, channel)
        return [first, view.remember("chosen", key, lambda: channel_chosen(channels, ranked, channel))]

    def choose(self, channel: int) -> None:
        """Choose a channel."""
        self._view.channel = channel

    def images(self) -> list[Panel]:
        """The image; of columns of images each."""
        view = self._view
        shown = view.columns if view.beside else view.columns[:1]
        found = []
        for column in shown:
            key = (column.snapshot.item, bool(view.beside))
            found.append(view.remember(f"image{column.letter}", key, lambda c=column: self._image(c)))
        return found

    def _image(self, column: Column) -> Panel:
        panel = image_panel(column.snapshot)
        heading = f"{column.letter} · {panel.heading}" if self._view.beside else panel.heading
        return replace(panel, heading=heading, key=f"image{column.letter}")

    def scores(self) -> Panel:
        """The scores of all columns."""
        view = self._view
        key = tuple(column.snapshot.prediction for column in view.columns)
        return view.remember("scores", (*key, view.beside, view.index), lambda: score_panel(view.columns))

    def _painter(self) -> Painter | None:
        """Of the first grid: it is told where the view stands."""
        box = self._view.box("mapsA")
        return box.painter if isinstance(box, PaintedBox) else None

    def _addressed(self, address: Mapping[str, Any]) -> dict[str, Any]:
        view = self._view
        return {**address, "colormap": view.colormap, "scale": SCALES[view.scale], "columns": 0}

    def _column(self, column: Shown, shaded: Shaded | None, series: Series) -> list[Panel]:
        heading = f"{column.letter} · {column.name}"
        if shaded is None or column.row is None:
            return [Panel(heading, width=WIDTH, lines=[column.note], key=f"maps{column.letter}")]
        paint = self._paint(shaded, column.row, column.letter, series)
        return self._maps(shaded, column.row, heading, column.letter, paint, column.note)

    def _paint(self, shaded: Shaded, row: Layer, key: str, series: Series) -> Paint | None:
        """What a page needs to paint maps itself; the first column hears where a hand asks to go."""
        view, maps = self._view, shaded.maps
        if row.kind == "vector" or not (self._paints or view.exporting):
            return None
        size = drawn_size(*maps.shape, columns=None, room=WIDTH, ratio=pages.ratio)
        numbers = view.remember(f"numbers{key}", (maps, size), lambda: Numbers(maps, size))
        state = {"channel": min(view.channel, row.channels - 1), "colormap": view.colormap, "scale": view.scale}
        state |= {"columns": 0}
        movers = self._movers if key == "A" else {}
        return Paint(numbers, state, self._links, series=series, movers=movers, name=key)

    def _maps(
        self, shaded: Shaded, row: Layer, heading: str, key: str, paint: Paint | None, note: str = ""
    ) -> list[Panel]:
        view = self._view
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

    def _between(self, maps: Sequence[Any], shaded: Sequence[Shaded | None], series: Series) -> list[Panel]:
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
        row, own = view.layer_row, replace(series, scales=dict.fromkeys(series.scales, "layer"), centred=True)
        panels = self._maps(made, row, heading, "difference", self._paint(made, row, "difference", own), note)
        if one.numbers:
            return panels
        channel = min(view.channel, len(found) - 1)
        paints = [self._paint(each, row, column.letter, series) for each, column in ((one, first), (two, other))]
        if paints[0] is not None:
            state = {**paints[0].state, "curtain": view.curtain}
            paints[0] = replace(paints[0], state=state, links={**self._links, **self._curtain})
        pixel = (view.pixel[0], view.pixel[1]) if view.pixel else None
        curtain = curtain_panel(
            one, two, channel, view.curtain, letters, self._point_at, pixel=pixel, paints=(paints[0], paints[1])
        )
        there = [(c.letter, m) for c, m in zip(view.columns, maps, strict=True) if m is not None]
        lines = pixel_lines([*there, (heading, found)], channel, pixel)
        return [*panels, replace(curtain, lines=lines)]

    def _point(self, pixel: tuple[int, int]) -> None:
        self._view.pixel = pixel

    def _point_at(self, x: float, y: float) -> None:
        self._view.pixel = (int(y), int(x))
