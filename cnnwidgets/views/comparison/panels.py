"""The panels of the columns of a comparison: maps on one scale, the difference, the curtain, the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compute.comparison import matched_classes
from ...compute.dataset import OutputNames
from ...compute.layers import Layer
from ...render.color import DIVERGING, Shaded, choose, is_diverging, palette, value_ranges
from ...render.mosaic import Grid
from ...render.static import Panel
from ...widgets.painter import Painting, Series
from ...widgets.panels import HOVERED, Paint, PaintedPanel, channel_panel, grid_panel, painted_grid, with_truth
from ...widgets.surface import markup, number
from .columns import Column

WIDTH = 288
"""Of a column, in px."""
BEST = 3
"""Classes of each column whose scores are shown, the best ones."""
Choose = Callable[[int], object]
SCALES = {"shared": "shared", "column": "each its own"}
"""Value ranges of the colours, as the trait and as the menu has them."""


def series_of(maps: Sequence[NDArray[Any] | None]) -> Series:
    """What the maps of all columns have in common: whether any has negative values, and the range of all."""
    there = [each for each in maps if each is not None]
    shared: Any = "layer"
    if there:
        every = np.concatenate([each.ravel() for each in there]).astype(np.float32)
        whole = "layer-full" if all(each.shape[1:] == (1, 1) for each in there) else "layer"
        shared = [value_ranges(every[None], whole, symmetric=centred)[0].tolist() for centred in (False, True)]
    scales = {SCALES["shared"]: shared, "column": "layer", SCALES["column"]: "layer"}
    return Series("columns", any(bool((each < 0).any()) for each in there), scales)


def shaded_alike(
    maps: Sequence[NDArray[Any] | None], series: Series, colormap: str, *, shared: bool
) -> list[Shaded | None]:
    """The maps of all columns in the same colours; with `shared` on one scale, else each column on its own."""
    name = choose(colormap, series.signed)
    ends = series.scales["shared"]
    scale: Any = tuple(ends[is_diverging(name)]) if shared and not isinstance(ends, str) else "layer"
    return [None if each is None else Shaded.of(each, colormap=name, scale=scale) for each in maps]


def shaded_difference(found: NDArray[Any], colormap: str) -> Shaded:
    """A difference on one scale centred on 0."""
    diverging = colormap if colormap != "auto" and is_diverging(colormap) else DIVERGING
    return Shaded.of(found, colormap=diverging, scale="layer")


def column_grid(
    shaded: Shaded, row: Layer, heading: str, on_choose: Choose, *, key: str, note: str = ""
) -> PaintedPanel:
    """All maps of a column in a grid."""
    grid = grid_panel(shaded, row, name=heading, on_choose=on_choose, width=WIDTH, key=f"maps{key}")
    return replace(grid, lines=[note] if note else [])


def column_panels(
    grid: PaintedPanel,
    shaded: Shaded,
    row: Layer,
    channel: int,
    *,
    key: str,
    names: Sequence[str],
    pixel: tuple[int, int] | None,
    on_pixel: Callable[[tuple[int, int]], object],
    paint: Paint | None,
) -> list[Panel]:
    """The grid of a column with the chosen map marked, and that map large."""
    at = min(channel, row.channels - 1)
    assert grid.cells is not None
    grid = replace(grid, marks=[grid.cells.box(at)])
    if paint is not None:
        grid = painted_grid(replace(grid, heading=" · ".join([grid.heading, *map(str, grid.lines)])), paint)
    name = f"{grid.heading.partition(' · ')[0]} · channel"
    large = channel_panel(
        shaded, row, at, pixel=pixel, names=names, on_pixel=on_pixel, name=name, key=f"channel{key}", paint=paint
    )
    return [grid, large]


def curtain_panel(
    a: Shaded,
    b: Shaded,
    channel: int,
    share: int,
    letters: str,
    on_place: Any,
    *,
    pixel: tuple[int, int] | None,
    paints: tuple[Paint | None, Paint | None],
) -> PaintedPanel:
    """One map of A left of the curtain, and of B right of it; hovering reads both."""
    one, other = a.maps[channel], b.maps[channel]
    height, width = one.shape
    edge = round(width * share / 100)
    pixels = np.concatenate([a.tile(channel)[:, :edge], b.tile(channel)[:, edge:]], axis=1)
    few = Grid(height * width, 1, 1, columns=width, gap=0) if height * width <= HOVERED else None
    heading = f"Curtain · {letters[0]} left, {letters[1]} right"
    painting: Painting | None = None
    if paints[0] is not None and paints[1] is not None:
        painting = paints[0].panel(
            "curtain",
            width=WIDTH,
            tall=WIDTH,
            reserve=WIDTH,
            heading=heading.split(" · "),
            pixel=pixel,
            name="",
            other=paints[1].numbers,
            letters=letters,
        )
    return PaintedPanel(
        heading,
        pixels,
        palette=palette(a.colormap),
        width=WIDTH,
        cells=few,
        describe=partial(_both, one, other, letters),
        on_place=on_place,
        marks=[(edge, 0, edge, height)] if 0 < edge < width else [],
        key="curtain",
        painting=painting,
    )


def pixel_lines(maps: Sequence[tuple[str, NDArray[Any]]], channel: int, pixel: tuple[int, int] | None) -> list[Any]:
    """What each column has at the chosen pixel."""
    if pixel is None:
        return []
    lines: list[Any] = [f"at row {pixel[0]}, column {pixel[1]} of channel {channel}"]
    for letter, each in maps:
        if channel < len(each) and pixel[0] < each.shape[1] and pixel[1] < each.shape[2]:
            lines.append((letter, number(float(each[channel][pixel]), 5)))
    return lines


def _both(one: NDArray[Any], other: NDArray[Any], letters: str, cell: int) -> str:
    row, column = divmod(cell, one.shape[1])
    a, b = float(one[row, column]), float(other[row, column])
    first, second = letters[0], letters[1]
    values = f"{first} {number(a, 5)}, {second} {number(b, 5)}, {first} − {second} {number(a - b, 5)}"
    return f"row {row}, column {column}: {values}"


def score_panel(columns: Sequence[Column]) -> Panel:
    """A bar a column for each of the best classes of any; classes of other networks are matched by name, or number."""
    first = columns[0]
    predictions = [column.snapshot.prediction for column in columns]
    if predictions[0] is None or not any(predictions[1:]):
        return Panel("Scores · no class scores", width=WIDTH, key="scores")
    count, names = len(predictions[0].shares), _names(first)
    places: list[Any] = []
    said: list[str] = []
    for column, prediction in zip(columns, predictions, strict=True):
        if prediction is None:
            places.append(None)
            said.append(f"{column.letter} gives no class scores")
            continue
        other = _names(column)
        named = _known(first) and _known(column)
        try:
            found, how = matched_classes(_given(first), _given(column), named=named)
        except ValueError:
            places.append(None)
            said.append(f"the {len(other)} classes of {column.letter} match none of the {count} of {first.letter}")
            continue
        places.append(found.tolist())
        if other != names:
            said.append(f"classes of {column.letter} matched {how}")
    shown = list(dict.fromkeys(
        target
        for place, prediction in zip(places, predictions, strict=True)
        if place is not None and prediction is not None
        for target in [place.index(best) for best in prediction.targets[:BEST] if best in place]
    ))  # fmt: skip
    truth = first.snapshot.subject.names.truth(first.snapshot.item, count)
    shown, _ = with_truth(shown, truth)
    bars = []
    for target in shown:
        for at, (column, place, prediction) in enumerate(zip(columns, places, predictions, strict=True)):
            name = f"{names[target]} · {column.letter}" if at == 0 else column.letter
            if place is None or prediction is None or place[target] < 0:
                bars.append((name, 0.0, "–"))
                continue
            share = prediction.shares[place[target]]
            bars.append((name, share, markup.percent(share)))
    label = [] if truth is None else [f"label: {names[truth]}"]
    return Panel(
        "Scores · " + _verdict(predictions, places, truth), width=WIDTH, bars=bars, lines=[*label, *said], key="scores"
    )


def _verdict(predictions: Sequence[Any], places: Sequence[Any], truth: int | None) -> str:
    best = [
        place.index(prediction.targets[0]) if place is not None and prediction.targets[0] in place else None
        for prediction, place in zip(predictions, places, strict=True)
    ]
    if None in best:
        return "side by side"
    return "all agree" if len(set(best)) == 1 else "they disagree"


def _names(column: Column) -> list[str]:
    prediction, names = column.snapshot.prediction, column.snapshot.subject.names
    return names.all(0 if prediction is None else len(prediction.shares))


def _given(column: Column) -> list[str]:
    """What the classes are called by whoever named them: `_names` says `class 3` of one that is called 3."""
    prediction, names = column.snapshot.prediction, column.snapshot.subject.names
    count = 0 if prediction is None else len(prediction.shares)
    known = names.of(count) if isinstance(names, OutputNames) else names.all(count)
    return [known[at] if at < len(known) else f"class {at}" for at in range(count)]


def _known(column: Column) -> bool:
    prediction, names = column.snapshot.prediction, column.snapshot.subject.names
    return isinstance(names, OutputNames) and prediction is not None and bool(names.of(len(prediction.shares)))
