"""Window × kernel = product, cell by cell, as tables to be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.convolution import Explanation
from ...render.color import DIVERGING, Shaded, apply
from ...render.mosaic import strip
from ...render.static import Panel
from ...widgets.panels import strip_panel, table_panel


def tables_of(e: Explanation, channel: int, shaded: Shaded, bounds: tuple[float, float]) -> list[Panel]:
    """Patch, kernel and product of input channel `channel`; the patch alone for pooling; heat strips for a vector.

    Parameters
    ----------
    e : Explanation
        What is shown.
    channel : int
        One of `e.inputs`.
    shaded : Shaded
        The layer's input: the patch has its colours.
    bounds : tuple of float
        Largest magnitudes of the kernel's colours and of the product's.
    """
    if e.kind == "linear" and e.kernel is not None and e.product is not None:
        return [_strip(*part) for part in (("Input", e.patch), ("Weights", e.kernel), ("Product", e.product))]
    if e.kind not in ("convolution", "maximum", "mean") or e.patch.ndim > 3 or not e.patch.numel():
        return []
    k = channel - e.inputs.start
    patch = e.patch[k].reshape(-1, e.patch.shape[-1]).numpy()
    rows, columns = window_of(e)
    height, width = shaded.maps.shape[1:]
    outside = np.logical_or.outer(_outside(rows, height), _outside(columns, width))
    one = slice(channel, channel + 1)
    like = Shaded(patch[None], shaded.colormap, shaded.ranges[one], shaded.centred)
    won = None
    if e.winner is not None:
        row, column = winner_of(e)
        won = (rows.index(row), columns.index(column))
    place = (*([f"rows {span(rows)}"] if len(e.positions) > 1 else []), f"columns {span(columns)}")
    tables = [table_panel("Window", patch, like, place=place, padded=outside, won=won)]
    if e.kernel is not None and e.product is not None:
        parts = (("Kernel", e.kernel[k], bounds[0]), ("Product", e.product[k], bounds[1]))
        for name, values, bound in parts:
            cells = values.reshape(patch.shape).numpy()
            bound = bound or 1.0
            centred = Shaded(cells[None], DIVERGING, np.array([[-bound, bound]]), True)
            tables.append(table_panel(name, cells, centred))
    return tables


def window_of(e: Explanation) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows and columns of the window; a sequence is a map of one row, a vector one of a single pixel."""
    rows, columns = [(0,), (0,), *e.positions][-2:]
    return rows, columns


def winner_of(e: Explanation) -> tuple[int, int]:
    """Row and column of the pixel that won; in a sequence, row 0."""
    row, column = [0, 0, *(e.winner or ())][-2:]
    return row, column


def _strip(name: str, values: torch.Tensor) -> Panel:
    shaded = Shaded.of(values.numpy().reshape(-1, 1, 1))
    return strip_panel(name, apply(strip(shaded.tiles().ravel()), shaded.colormap, alpha=True), shaded)


def _outside(places: Sequence[int], size: int) -> NDArray[np.bool_]:
    numbers = np.asarray(places)
    return (numbers < 0) | (numbers >= size)


def span(places: Sequence[int]) -> str:
    """`3–7`, or `1, 3, 5` for a dilated window."""
    numbers = [str(place).replace("-", "−") for place in places]
    if len(places) == 1 or places[-1] - places[0] + 1 > len(places):
        return ", ".join(numbers) if len(numbers) <= 5 else f"{', '.join(numbers[:2])} … {numbers[-1]}"
    return f"{numbers[0]} to {numbers[-1]}"
