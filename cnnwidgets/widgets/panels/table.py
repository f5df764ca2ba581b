"""Small maps with their numbers in the cells, as HTML and for the static picture."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...render import encode_png
from ...render.color import ACCENT, PADDED, Shaded, apply, rgb
from ...render.static import Panel
from ...render.text import READABLE, ink, numerals
from ..surface import markup, number

TABLE, CELL = 190, 44
"""Width in px that one table of cells may take, and that one cell may take."""
STYLE = f"""<style>
.cnnw-sum {{ display: flex; flex-wrap: wrap; gap: 4px 0; align-items: flex-start; }}
.cnnw-sum > .cnnw-sign {{ width: 26px; text-align: center; font-size: 20px; color: var(--cnnw-muted); }}
.cnnw-cells {{ display: grid; margin: 3px 0 5px; font-variant-numeric: tabular-nums; }}
.cnnw-cells span {{ display: flex; align-items: center; justify-content: center; white-space: nowrap; }}
.cnnw-cells span.cnnw-won {{ outline: 3px solid {ACCENT}; outline-offset: -3px; font-weight: 700; }}
.cnnw-cells img {{ image-rendering: pixelated; display: block; }}
.cnnw-equation {{ min-height: 33px; }} .cnnw-cosine {{ min-height: 50px; margin: 6px 0; }}
</style>"""


@dataclass(frozen=True, eq=False)
class Table:
    """A small map with its numbers in the cells; a larger one as a picture."""

    name: str
    factor: str
    colors: NDArray[np.uint8]
    texts: list[list[str]]
    colorbar: tuple[str, str, str | None, str]
    place: tuple[str, ...] = ()
    won: tuple[int, int] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        values: NDArray[Any],
        shaded: Shaded,
        *,
        place: tuple[str, ...] = (),
        padded: NDArray[np.bool_] | None = None,
        won: tuple[int, int] | None = None,
    ) -> Table:
        """Cells of `values` (H, W) in the colours of `shaded`, whose only map they are; grey where `padded`."""
        colors = apply(shaded.tile(0), shaded.colormap)
        if padded is not None:
            colors[padded] = rgb(PADDED)
        texts, factor = numerals(values, tight=max(values.shape) > 5) if max(values.shape) <= READABLE else ([], "")
        low, middle, high = shaded.ends(0)
        bar = (shaded.colormap, number(low), None if middle is None else "0", number(high))
        return cls(name, factor, colors, texts, bar, place, won)

    @property
    def side(self) -> int:
        """Side of a cell, in px."""
        return max(1, min(CELL, TABLE // max(self.colors.shape[:2])))

    @property
    def width(self) -> int:
        """Width of the cells, in px."""
        return self.side * self.colors.shape[1]

    def html(self) -> str:
        """For the page."""
        cells = "".join(self._cell(row, column) for row, column in np.ndindex(*self.colors.shape[:2]))
        if not self.texts:
            data = base64.b64encode(encode_png(self.colors)).decode()
            height = self.side * self.colors.shape[0]
            cells = f'<img src="data:image/png;base64,{data}" width="{self.width}" height="{height}">'
        columns = f"grid-template-columns:repeat({self.colors.shape[1]},{self.side}px);grid-auto-rows:{self.side}px"
        if not self.texts:
            columns = ""
        size = 12 if self.side >= 38 else 11 if self.side >= 32 else 10
        width = max(96, self.width)
        place = f'<div class="cnnw-quiet">{", ".join(self.place)}</div>'
        return (
            f"<div>{markup.heading(self.name, self.factor)}"
            f'<div class="cnnw-cells" style="font-size:{size}px;{columns}">{cells}</div>'
            f"{markup.colorbar(*self.colorbar, width)}{place}</div>"
        )

    def _cell(self, row: int, column: int) -> str:
        if not self.texts:
            return ""
        color = self.colors[row, column]
        won = ' class="cnnw-won"' if (row, column) == self.won else ""
        style = f"background:#{color.tobytes().hex()};color:{ink(color)}"
        return f'<span{won} style="{style}">{escape(self.texts[row][column])}</span>'

    def static(self) -> Panel:
        """For the static picture."""
        row, column = self.won or (0, 0)
        return Panel(
            f"{self.name} · {self.factor}" if self.factor else self.name,
            self.colors,
            width=max(150, self.width),
            lines=self.place,
            colorbar=self.colorbar,
            texts=self.texts,
            marks=[(column, row, column + 1, row + 1)] if self.won else [],
        )


def tables_html(tables: Sequence[Table]) -> str:
    """Tables with `×` and `=` between them."""
    parts = []
    for table, sign in zip(tables, ["×", "=", ""] if len(tables) > 1 else [""], strict=True):
        top = 22 + table.side * table.colors.shape[0] // 2 - 14
        parts.append(table.html())
        if sign:
            parts.append(f'<div class="cnnw-sign" style="margin-top:{top}px">{sign}</div>')
    return f'<div class="cnnw-sum">{"".join(parts)}</div>'
