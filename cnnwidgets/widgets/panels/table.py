"""Small maps with their numbers in the cells, side by side: window × kernel = product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...render import encode_png, png_address
from ...render.color import ACCENT, PADDED, Shaded, apply, rgb
from ...render.static import Panel
from ...render.text import READABLE, ink, numerals
from ..surface import layout, markup, number, plain
from .box import PanelBox

TABLE, CELL = 190, 44
"""Width in px that one table of cells may take, and that one cell may take."""
SIGN, ABREAST = 24, 480
"""Width in px of a sign between two tables, and of a formula from which on three of them share a row."""
EDGES = 8
"""Px that the margins of a formula take."""
CHARACTER = 8.2
"""Px of a cell that a character takes, with some room between two numbers, in type that can be read."""
NARROWEST = 150
"""Width in px of a table in the static picture: its heading and its scale need so much."""
STYLE = f"""<style>
.cnnw-sum {{ display: flex; flex-wrap: wrap; gap: 4px 0; align-items: flex-start; }}
.cnnw-sum > .cnnw-sign {{ width: {SIGN}px; text-align: center; font-size: 20px; color: var(--cnnw-muted); }}
.cnnw-table {{ --room: calc((100cqi - {SIGN + EDGES}px) / 2); --side: min(var(--cell), var(--room) / var(--across));
  width: calc(var(--side) * var(--across)); min-width: min(96px, var(--room)); }}
@container (min-width: {ABREAST}px) {{ /* three tables side by side, else two */
  .cnnw-table {{ --room: calc((100cqi - {2 * SIGN + EDGES}px) / 3); }} }}
.cnnw-table > :last-child {{ min-height: 33px; }} /* the place takes one line or two */
.cnnw-cells {{ display: grid; margin: 3px 0 5px; font-variant-numeric: tabular-nums;
  grid-template-columns: repeat(var(--across), var(--side)); grid-auto-rows: var(--side);
  font-size: clamp(8px, var(--side) * var(--type), 12px); }}
.cnnw-cells span {{ display: flex; align-items: center; justify-content: center; white-space: nowrap; }}
.cnnw-cells span.cnnw-won {{ outline: 3px solid {ACCENT}; outline-offset: -3px; font-weight: 700; }}
.cnnw-cells img {{ image-rendering: pixelated; display: block; width: 100%; height: auto; }}
</style>"""


class TablesBox(PanelBox):
    """Shows tables side by side, with `×` and `=` between them."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.children = [plain(W.HTML, STYLE, layout=layout(display="none")), *self.children]
        self.stretch()

    def text(self, panel: Panel) -> str:
        """HTML of the tables."""
        return tables_html(panel.parts)


@dataclass(frozen=True, eq=False)
class TablesPanel(Panel):
    """Tables, in `parts`."""

    box: ClassVar[type[PanelBox]] = TablesBox


def tables_panel(tables: Sequence[Panel], key: str = "tables") -> TablesPanel:
    """What `table_panel` made, side by side: one table, or three with `×` and `=` between them."""
    return TablesPanel("", parts=tables, key=key)


def table_panel(
    name: str,
    values: NDArray[Any],
    shaded: Shaded,
    *,
    place: tuple[str, ...] = (),
    padded: NDArray[np.bool_] | None = None,
    won: tuple[int, int] | None = None,
) -> Panel:
    """A small map with its numbers in the cells; a larger one as a picture.

    Parameters
    ----------
    name : str
        Of the map.
    values : ndarray
        (H, W).
    shaded : Shaded
        Its colours; it is the only map of it.
    place : tuple of str
        Where the values come from.
    padded : ndarray of bool, optional
        Cells that are padding, which is grey.
    won : (row, column), optional
        The cell that is marked.
    """
    colors = apply(shaded.tile(0), shaded.colormap)
    if padded is not None:
        colors[padded] = rgb(PADDED)
    texts, factor = _numbers(values, _side(colors)) if max(values.shape) <= READABLE else ([], "")
    row, column = won or (0, 0)
    return Panel(
        f"{name} · {factor}" if factor else name,
        colors,
        width=max(NARROWEST, _side(colors) * colors.shape[1]),
        lines=place,
        colorbar=_scale(shaded, 0),
        texts=texts,
        marks=[(column, row, column + 1, row + 1)] if won else [],
    )


def strip_panel(name: str, pixels: NDArray[np.uint8], shaded: Shaded) -> Panel:
    """A vector as a heat strip of `pixels`, in a row with tables."""
    return Panel(name, pixels, width=max(NARROWEST, _side(pixels) * pixels.shape[1]), colorbar=_scale(shaded))


def _numbers(values: NDArray[Any], side: int) -> tuple[list[list[str]], str]:
    """As `numerals`, without the zero before the point where it would make numbers touch."""
    found = numerals(values)
    longest = max(len(text) for row in found.texts for text in row)
    return found if longest * CHARACTER <= side else numerals(values, tight=True)


def _scale(shaded: Shaded, channel: int | None = None) -> tuple[str, str, str | None, str]:
    low, middle, high = shaded.ends(channel)
    return shaded.colormap, number(low), None if middle is None else "0", number(high)


def _side(pixels: NDArray[np.uint8]) -> int:
    """Side of a cell, in px."""
    return max(1, min(CELL, TABLE // max(pixels.shape[:2])))


def tables_html(tables: Sequence[Panel]) -> str:
    """Tables with `×` and `=` between them."""
    parts = []
    for table, sign in zip(tables, ["×", "=", ""] if len(tables) > 1 else [""], strict=True):
        assert table.pixels is not None
        top = 22 + _side(table.pixels) * table.pixels.shape[0] // 2 - 14
        parts.append(_table_html(table, table.pixels))
        if sign:
            parts.append(f'<div class="cnnw-sign" style="margin-top:{top}px">{sign}</div>')
    return f'<div class="cnnw-sum">{"".join(parts)}</div>'


def _table_html(table: Panel, pixels: NDArray[np.uint8]) -> str:
    (rows, across), side = pixels.shape[:2], _side(pixels)
    if table.texts:
        won = [(row, column) for column, row, _, _ in table.marks]
        cells = "".join(_cell(pixels[at], table.texts[at[0]][at[1]], won=at in won) for at in np.ndindex(rows, across))
        longest = max(len(text) for row in table.texts for text in row)
        grid = f"--type:{5 / 6 / (0.62 * longest):.3f}"
    else:
        address, grid = png_address(encode_png(pixels)), "display:block"
        cells = f'<img src="{address}" width="{side * across}" height="{side * rows}">'
    assert table.colorbar is not None
    place = ", ".join(map(str, table.lines))
    return (
        f'<div class="cnnw-table" style="--cell:{side}px;--across:{across}">'
        f"{markup.heading(*table.heading.split(' · '))}"
        f'<div class="cnnw-cells" style="{grid}">{cells}</div>'
        f"{markup.colorbar(*table.colorbar, max(96, side * across))}{markup.note(place)}</div>"
    )


def _cell(color: NDArray[np.uint8], text: str, *, won: bool) -> str:
    mark = ' class="cnnw-won"' if won else ""
    return f'<span{mark} style="background:#{color.tobytes().hex()};color:{ink(color)}">{escape(text)}</span>'
