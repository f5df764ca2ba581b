"""The arithmetic of one number, to be read: window × kernel = product, cell by cell, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.convolution import Explanation
from ...render.color import DIVERGING, Shaded, apply
from ...render.mosaic import strip
from ...render.static import Panel
from ...widgets.panels import Table
from ...widgets.surface import markup, number

MEANING = ("1: same direction, the filter responds most;", "0: orthogonal; −1: opposite direction")
"""What the cosine tells, on two lines."""
FEW = 8
"""Input channels whose sums are told one by one."""


def tables_of(e: Explanation, channel: int, shaded: Shaded, bounds: tuple[float, float]) -> list[Table]:
    """Patch, kernel and product of input channel `channel`; the patch alone for pooling; bar codes for a vector.

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
        return [_bar_code(*part) for part in (("Input", e.patch), ("Weights", e.kernel), ("Product", e.product))]
    if e.kind == "normalization" or e.patch.ndim > 3 or not e.patch.numel():
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
    place = (*([f"rows {_span(rows)}"] if len(e.positions) > 1 else []), f"columns {_span(columns)}")
    tables = [Table.of("Window", patch, like, place=place, padded=outside, won=won)]
    if e.kernel is not None and e.product is not None:
        parts = (("Kernel", e.kernel[k], bounds[0]), ("Product", e.product[k], bounds[1]))
        for name, values, bound in parts:
            cells = values.reshape(patch.shape).numpy()
            bound = bound or 1.0
            centred = Shaded(cells[None], DIVERGING, np.array([[-bound, bound]]), True)
            tables.append(Table.of(name, cells, centred))
    return tables


def window_of(e: Explanation) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows and columns of the window; a sequence is a map of one row, a vector one of a single pixel."""
    rows, columns = [(0,), (0,), *e.positions][-2:]
    return rows, columns


def winner_of(e: Explanation) -> tuple[int, int]:
    """Row and column of the pixel that won; in a sequence, row 0."""
    row, column = [0, 0, *(e.winner or ())][-2:]
    return row, column


def _bar_code(name: str, values: torch.Tensor) -> Table:
    shaded = Shaded.of(values.numpy().reshape(-1, 1, 1))
    low, middle, high = shaded.ends()
    bar = (shaded.colormap, number(low), None if middle is None else "0", number(high))
    return Table(name, "", apply(strip(shaded.tiles().ravel()), shaded.colormap, alpha=True), [], bar)


def _outside(places: Sequence[int], size: int) -> NDArray[np.bool_]:
    numbers = np.asarray(places)
    return (numbers < 0) | (numbers >= size)


def _span(places: Sequence[int]) -> str:
    """`3–7`, or `1, 3, 5` for a dilated window."""
    numbers = [str(place).replace("-", "−") for place in places]
    if len(places) == 1 or places[-1] - places[0] + 1 > len(places):
        return ", ".join(numbers) if len(numbers) <= 5 else f"{', '.join(numbers[:2])} … {numbers[-1]}"
    return f"{numbers[0]} to {numbers[-1]}"


def equation(e: Explanation) -> str:
    """`0.31 − 0.12 + 0.55 + bias 0.1 = 0.84`: the sum over every input channel, the strongest ones written out."""
    if e.kernel is None:
        return ""
    terms = [float(term) for term in e.sums] if len(e.sums) <= FEW else [term for _, term in e.contributions[:4]]
    if len(e.sums) == 1 and e.product is not None and e.product.numel() <= FEW + 1:
        terms = e.product.flatten().tolist()
    text = " ".join(_signed(term, first=not k) for k, term in enumerate(terms))
    if len(e.sums) > FEW:
        text += f" … ({len(e.sums):,} terms)"
    return f"{text} {_signed(e.bias)} (bias) = {number(e.result, 4)}"


def _signed(value: float, *, first: bool = False) -> str:
    if first:
        return number(value)
    return f"{'−' if value < 0 else '+'} {number(abs(value))}"


def told(e: Explanation) -> list[tuple[str, str]]:
    """The steps, and what the network computed."""
    rows = [(words.replace(" -", " −"), number(value, 5)) for words, value in e.steps]
    return [*rows, ("the network computed", number(e.value, 5))] if e.layer else rows


def verdict(e: Explanation) -> str:
    """Whether the network computed the same."""
    if not e.layer:
        return ""
    off, most = (number(value, 1).replace("e−0", "e−") for value in (e.difference, e.tolerance))
    if e.agrees:
        return f"the same: difference {off}, tolerance {most}"
    return f"NOT the same: difference {off}. The layer does more than its type says, or a hook changes its output"


def cosine_words(e: Explanation) -> str:
    """The cosine, and in a sentence what it means."""
    if e.kind not in ("convolution", "linear"):
        return ""
    if e.cosine is None:
        return "cosine of window and filter: undefined, one of them is all 0"
    return f"cosine of window and filter <b>{number(e.cosine, 2)}</b>: {' '.join(MEANING)}"


def contributions(e: Explanation, chosen: int | None = None, most: int = FEW) -> tuple[str, list[tuple[str, float]]]:
    """A heading, and the input channels or features that add most, as rows for bars; `chosen` is marked."""
    if e.kind not in ("convolution", "linear") or len(e.inputs) < 2:
        return "", []
    what = "feature" if e.kind == "linear" else "channel"
    rows = [(f"{'▸ ' if at == chosen else ''}{what} {at}", value) for at, value in e.contributions[:most]]
    rest = len(e.inputs) - len(rows)
    if rest > 0:
        rows.append((f"the other {rest:,}", float(e.sums.sum()) - sum(value for _, value in rows)))
    return f"Contribution of each input {what}", rows


def words_html(e: Explanation, chosen: int | None = None) -> str:
    """Equation, steps, verdict, cosine and contributions, for the page."""
    parts = [markup.heading("Sum" if e.kernel is not None else "Result")]
    if text := equation(e):
        parts.append(f'<div class="cnnw-quiet cnnw-equation">{text}</div>')
    parts.append(markup.facts(told(e)))
    said = verdict(e)
    parts.append(f'<div class="cnnw-quiet">{said}</div>' if e.agrees else markup.error(said))
    if words := cosine_words(e):
        parts.append(f'<div class="cnnw-quiet cnnw-cosine">{words}</div>')
    heading, rows = contributions(e, chosen)
    if rows:
        parts += [markup.heading(heading), markup.bars(rows, [number(value) for _, value in rows])]
    return "".join(parts)


def static_words(e: Explanation, chosen: int | None = None, width: int = 360) -> list[Panel]:
    """The same for the static picture, one panel above the other."""
    lines: list[str | tuple[str, str]] = [*told(e), *filter(None, [verdict(e)])]
    panels = [Panel("Sum" if e.kernel is not None else "Result", width=width, lines=lines)]
    if e.cosine is not None:
        panels.append(Panel(f"Cosine · {number(e.cosine, 2)}", width=width, lines=MEANING))
    heading, rows = contributions(e, chosen)
    if rows:
        full = max((abs(value) for _, value in rows if math.isfinite(value)), default=1.0) or 1.0
        bars = [(label, value / full, number(value)) for label, value in rows]
        panels.append(Panel(heading, width=width, bars=bars))
    return panels
