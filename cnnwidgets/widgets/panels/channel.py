"""The chosen map of a layer, large, with its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compute.layers import Layer
from ...render.color import Shaded, palette
from ...render.mosaic import Grid
from ..surface import markup, number
from .column import DETAIL, EDGE, FACTS, HOVERED
from .painted import Paint, PaintedPanel

FEW = 16
"""A vector of so many units is shown as labelled bars; of a longer one, the units with the largest magnitude."""

Place = tuple[int, int]


def channel_panel(
    shaded: Shaded,
    layer: Layer,
    channel: int,
    *,
    pixel: Place | None = None,
    names: Sequence[str] = (),
    extra: Sequence[tuple[str, float]] = (),
    on_pixel: Callable[[Place], object] | None = None,
    width: int = DETAIL,
    name: str = "Channel",
    key: str = "channel",
    paint: Paint | None = None,
) -> PaintedPanel:
    """Map `channel` of a layer, large, with its numbers; for a vector, its units as labelled bars.

    Parameters
    ----------
    shaded : Shaded
        The maps with their colours.
    layer : Layer
        Whose they are.
    channel : int
        Which of them.
    pixel : (row, column), optional
        Whose value is told.
    names : sequence of str
        Of the units of a vector, where they have some.
    extra : sequence of (str, float)
        Names and values that belong to the channel but not to its map: the class token's.
    on_pixel : callable, optional
        Called with (row, column) that is clicked.
    width : int
        Of the picture, in px.
    name : str
        What a map is called.
    key : str
        As of every `Panel`.
    paint : Paint, optional
        What the page needs to paint the map.
    """
    room = width + FACTS
    if layer.kind == "vector":
        return _units(shaded, channel, names, width=width, room=room, key=key)
    map_ = shaded.maps[channel]
    height, across = map_.shape
    few = Grid(height * across, 1, 1, columns=across, gap=0) if height * across <= HOVERED else None
    at = None if pixel is None or pixel[0] >= height or pixel[1] >= across else pixel
    finite = map_[np.isfinite(map_)]
    facts = [("range", "no finite value")]
    if finite.size:
        facts = [("range", f"{number(finite.min())} … {number(finite.max())}")]
        facts.append(("mean", number(float(finite.mean(dtype=np.float64)))))
    if finite.size < map_.size:
        facts.append(("not finite", f"{map_.size - finite.size:,} of {map_.size:,} pixels"))
    facts += [(label, number(value, 5)) for label, value in extra]
    if at is not None:
        facts.append((f"at row {at[0]}, column {at[1]}", number(float(map_[at]), 5)))
    ends = markup.scale_texts(*shaded.ends(channel), shaded.beyond(channel))
    painting = (
        None
        if paint is None
        else paint.panel("map", width=width, tall=width, reserve=width + EDGE, what=name, pixel=pixel)
    )
    return PaintedPanel(
        f"{name} {channel} · {height} × {across}",
        shaded.tile(channel),
        palette=palette(shaded.colormap),
        width=width,
        colorbar=(shaded.colormap, *ends),
        lines=facts,
        marks=[(at[1], at[0], at[1] + 1, at[0] + 1)] if at is not None and few is not None else [],
        cells=few,
        describe=partial(_described, map_),
        on_place=partial(_pressed, on_pixel, (height, across)),
        room=room,
        key=key,
        painting=painting,
    )


def _units(shaded: Shaded, channel: int, names: Sequence[str], **options: Any) -> PaintedPanel:
    """The units of a vector as bars: all of a few, or those farthest from 0."""
    values = shaded.maps.ravel()
    units = list(range(len(values)))
    if len(values) > FEW:
        units = np.argsort(-np.abs(np.nan_to_num(values)), kind="stable")[:FEW].tolist()
    full = max((abs(float(values[unit])) for unit in units if np.isfinite(values[unit])), default=1.0) or 1.0
    shares = [float(values[unit]) / full if np.isfinite(values[unit]) else math.nan for unit in units]  # NaN: no bar
    labels = [names[unit] if names else str(unit) for unit in units]
    texts = [number(float(values[unit])) for unit in units]
    return PaintedPanel(
        "Units" if len(values) <= FEW else f"Units · the {FEW} of {len(values):,} farthest from 0",
        bars=list(zip(labels, shares, texts, strict=True)),
        chosen=units.index(channel) if channel in units else None,
        lines=[(f"unit {channel}", number(float(values[channel]), 5))],
        **options,
    )


def _described(map_: NDArray[np.floating], cell: int) -> str:
    row, column = divmod(cell, map_.shape[1])
    return f"row {row}, column {column}: {number(float(map_[row, column]), 5)}"


def _pressed(on_pixel: Callable[[Place], object] | None, size: Place, x: float, y: float) -> None:
    if on_pixel is not None and 0 <= y < size[0] and 0 <= x < size[1]:
        on_pixel((int(y), int(x)))
