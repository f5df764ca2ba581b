"""The tables of ChannelsView: layers, channels, those that know a class, and the classes that some tell apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compute.evidence import Ranked, by_class, saturated
from ...compute.scan import LayerScan, Scan
from ...render.color import FLAG, PADDED, apply, choose, rgb, to_uint8
from ...render.mosaic import LINE, TableCells, heat_table
from ...render.static import Panel
from ...widgets.surface import number

ROWS = 100
"""Rows of a table at most."""
NAME, CELL, LONGEST = 7, 3, 6
"""Squares that a name takes, and a number, and the characters of a number that fit into them."""
WIDE = 300
"""Width in px from which on a heading has room for a hint."""
TALL = 340
"""Height in px that a table takes before it scrolls."""
MEASURED = {"roc_area": "area", "d_prime": "d'", "selectivity": "select."}
"""Heads of the columns of a class."""
SHARES = (0.0, 100.0)
"""Ends of the colours of what is in per cent."""
CENTRES = {"roc_area": 0.5, "d_prime": 0.0, "selectivity": 0.0}
"""What a channel measures that knows nothing of the class."""


class Column(NamedTuple):
    """A column of numbers.

    Attributes
    ----------
    head : str
        What stands above it.
    values : ndarray
        (R,) float64; NaN where there is none.
    centre : float or None
        The value in the middle of a diverging map; None: a sequential one.
    ends : (float, float) or None
        Values at the ends of the colours; None: the smallest and the largest. Two that are equal: no colours.
    """

    head: str
    values: NDArray[np.float64]
    centre: float | None = None
    ends: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Table(Panel):
    """A panel that is a table."""

    places: TableCells | None = None
    """Where its cells are."""

    def framed(self, row: int | None) -> Table:
        """The same with a frame around a row; None, or one that is not there: without."""
        there = self.places is not None and row is not None and 0 <= row < self.places.rows
        return replace(self, marks=[self.places.box(row)] if there else [])  # type: ignore[union-attr, arg-type]


def table(
    heading: str,
    key: str,
    first: str,
    names: Sequence[str],
    columns: Sequence[Column],
    *,
    wide: int = NAME,
    flags: Sequence[str] = (),
    lines: Sequence[str] = (),
    on_row: Callable[[int], object] | None = None,
    on_head: Callable[[int], object] | None = None,
) -> Table:
    """A table with a row for each of `names`, each column of numbers in colours of its own.

    Parameters
    ----------
    heading, key, lines
        As of every `Panel`.
    first : str
        Head of the names.
    names : sequence of str
        At the left.
    columns : sequence of Column
        Beside them.
    wide : int
        Squares that a name takes.
    flags : sequence of str
        For each name why it is marked, behind the name; empty for not.
    on_row, on_head : callable, optional
        Called with the number of a row, or of a column of numbers, that is clicked.
    """
    spans = [wide, *[CELL] * len(columns)]
    width = LINE * sum(spans)
    if not names:
        return Table(heading, width=width, lines=lines, key=key)
    marked = [*flags, *[""] * (len(names) - len(flags))]
    colors = np.empty((len(names), len(spans), 3), np.uint8)
    colors[:, 0] = [rgb(FLAG if flag else PADDED) for flag in marked]
    for at, column in enumerate(columns):
        colors[:, at + 1] = _colored(column)
    texts = [
        [" · ".join(filter(None, [name, flag])), *(_written(column.values[row]) for column in columns)]
        for row, (name, flag) in enumerate(zip(names, marked, strict=True))
    ]
    pixels, cells = heat_table([first, *(column.head for column in columns)], texts, colors, spans)

    def pressed(square: int) -> None:
        row, column = cells.at(square)
        if row is not None and on_row is not None:
            on_row(row)
        elif row is None and column and on_head is not None:
            on_head(column - 1)

    def told(square: int) -> str:
        row, column = cells.at(square)
        if row is None:
            return "sort by this" if column and on_head is not None else ""
        text = texts[row][0]
        return f"{text}: {columns[column - 1].head} {number(columns[column - 1].values[row], 5)}" if column else text

    return Table(
        heading,
        pixels,
        width=width,
        scrolls=TALL,
        lines=lines,
        cells=cells.squares,
        describe=told,
        on_cell=pressed,
        hint="click one" if on_row is not None and width >= WIDE else "",
        places=cells,
        key=key,
    )


def layers_table(scan: Scan, on_row: Callable[[int], object]) -> Table:
    """Every layer with the shares of its channels that are dead, and saturated."""
    layers = list(scan.values())[:ROWS]
    columns = [
        Column("count", np.array([float(layer.channels) for layer in layers]), ends=(0.0, 0.0)),
        Column("dead", np.array([_share(layer.dead.double().mean()) for layer in layers]), ends=SHARES),
        Column("satur.", np.array([_share(saturated(layer).double().mean()) for layer in layers]), ends=SHARES),
    ]
    lines = [f"the first {ROWS} of {len(scan):,}"] if len(scan) > ROWS else []
    heading = f"{len(scan):,} layers · shares in per cent"
    return table(heading, "layers", "layer", list(scan)[:ROWS], columns, lines=lines, on_row=on_row)


def columns_of(layer: LayerScan, target: int | None) -> dict[str, Column]:
    """The columns of the channels of a layer, by the name that they are sorted by; for a class, how well they know it.

    Shares are in per cent.
    """
    found = {
        "mean": Column("mean", layer.mean.numpy()),
        "maximum": Column("max.", layer.maximum.numpy()),
        "zeros": Column("zeros", 100 * layer.zeros.numpy(), ends=SHARES),
        "fires": Column("fires", 100 * layer.fires.numpy(), ends=SHARES),
    }
    if target is not None and target < len(layer.class_images):
        for measure, head in MEASURED.items():
            found[measure] = Column(head, by_class(layer, measure)[target].numpy(), CENTRES[measure])
    return found


def channels_table(
    layer: LayerScan,
    columns: dict[str, Column],
    order: Sequence[int],
    on_row: Callable[[int], object],
    on_head: Callable[[int], object],
) -> Table:
    """The channels of a layer in this order, dead and saturated ones marked."""
    shown = list(order[:ROWS])
    dead, full = layer.dead, saturated(layer)
    flags = ["dead" if dead[channel] else "satur." if full[channel] else "" for channel in shown]
    lines = [f"the first {len(shown)} of {layer.channels:,}"] if layer.channels > len(shown) else []
    return table(
        f"{layer.name} · {layer.channels:,} {'units' if layer.kind == 'vector' else 'channels'}",
        "channels",
        "unit" if layer.kind == "vector" else "channel",
        [str(channel) for channel in shown],
        [column._replace(values=column.values[shown]) for column in columns.values()],
        wide=5,
        flags=flags,
        lines=[*lines, "zeros, fires: per cent of values, of images"],
        on_row=on_row,
        on_head=on_head,
    )


def knowing_table(
    found: Sequence[Ranked], name: str, measure: str, on_row: Callable[[int], object], *, seen: bool
) -> Table:
    """The channels of all layers that know a class, the best first; `seen`: whether it has images."""
    column = Column(MEASURED[measure], np.array([each.value for each in found]), CENTRES[measure])
    names = [f"{each.layer} · {each.channel}" for each in found]
    why = "all labels are this one: no class to tell it from" if seen else "the data set has no such labels"
    lines = [] if found else [why]
    heading = f"Know {name} · of all layers" if name else "Choose a class"
    return table(heading, "knowing", "layer · channel", names, [column], wide=10, lines=lines, on_row=on_row)


def classes_table(
    layer: LayerScan,
    channels: Sequence[int],
    names: Callable[[int], str],
    measure: str,
    on_row: Callable[[int], object],
) -> tuple[Table, list[int]]:
    """The classes that some channels tell apart, those that the first one knows best first; and their numbers."""
    values = by_class(layer, measure)[:, list(channels)].numpy()
    order = np.argsort(-np.nan_to_num(values[:, 0], nan=-math.inf), kind="stable")[:ROWS]
    columns = [Column(str(channel), values[order, at], CENTRES[measure]) for at, channel in enumerate(channels)]
    heading = f"Classes · {MEASURED[measure]}"
    lines = [] if len(values) else ["the data set has no labels that are classes"]
    called = [names(int(each)) for each in order]
    found = table(heading, "classes", "class", called, columns, lines=lines, on_row=on_row)
    return found, [int(each) for each in order]


def _share(value: object) -> float:
    return 100 * float(value)  # type: ignore[arg-type]


def _written(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    short = [number(float(value)), number(float(value), 2)]
    return next((text for text in short if len(text) <= LONGEST), f"{value:.3f}".replace("-", "−"))


def _colored(column: Column) -> NDArray[np.uint8]:
    """(R, 3): what each number stands on; grey where there is none, or no difference."""
    values, pixels = column.values, np.empty((len(column.values), 3), np.uint8)
    pixels[:] = rgb(PADDED)
    finite = np.isfinite(values)
    if not finite.any():
        return pixels
    middle = column.centre or 0.0
    if column.centre is not None:
        limit = float(np.abs(values[finite] - middle).max()) or 1.0
        low, high, colormap = -limit, limit, choose("auto", True)
    else:
        low, high = column.ends or (float(values[finite].min()), float(values[finite].max()))
        colormap = choose("auto", False)
    if low < high:
        codes = to_uint8((values[finite] - middle)[None], [[low, high]])[0]
        pixels[finite] = apply(codes, colormap)
    return pixels
