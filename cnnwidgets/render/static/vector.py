"""A card as SVG, PDF or PNG of a given width: text stays text, pixels stay crisp."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ...late import imported
from ..color import DARK, LIGHT, Theme
from ..text import Pen
from .card import Card, drawn, measured
from .panel import Panel

FORMATS = (".svg", ".pdf", ".png")
LEAST = 6.0
"""Points of the smallest text that can be read in print."""
ROUNDED = 0.005
SHARES = [percent / 100 for percent in range(100, 49, -1)]
"""Sizes that pictures may have where they are made smaller beside text, the largest first."""
LARGEST = 200
"""Inches of a side: what a PDF can have."""
PIXELS = 2**28
"""Of a PNG, at most."""
INCH = 25.4
NO_XML = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Control characters and the others that XML cannot hold, such as a bell in the name of a class."""
PX = 0.75
"""Points of a pixel, where nobody gives a width: 96 to the inch."""


class TooNarrow(ValueError):
    """The width makes the smallest text too small to be read."""


def encode_card(
    card: Card, suffix: str, *, width_mm: float | None = None, dpi: float = 300, scale: float = 1.0, dark: bool = False
) -> bytes:
    """A card as a file.

    Parameters
    ----------
    card
        What is drawn.
    suffix
        One of `FORMATS`.
    width_mm
        Width of the file in mm; None for that of the card at 96 px to the inch, times `scale`. Where the smallest text
        would have less than 6 pt, pictures are made smaller beside it, to half at most.
    dpi
        Pixels to the inch, of a PNG.
    scale
        How many times as large, where no width is given.
    dark
        Light text on a dark ground.

    Raises
    ------
    TooNarrow
        The smallest text would have less than 6 pt all the same; says which width holds it.
    ValueError
        Another ending; a number that is not above 0, or so large that no file could hold the picture.
    """
    if suffix not in FORMATS:
        raise ValueError(f"a picture is written as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, not {suffix!r}")
    for name, value in {"width_mm": width_mm, "dpi": dpi, "scale": scale}.items():
        if value is not None and not (isinstance(value, (int, float)) and 0 < value < float("inf")):
            raise ValueError(f"{name} must be a number above 0, not {value!r}")
    theme = DARK if dark else LIGHT
    if width_mm is not None:
        card = _fitted(card, width_mm)
    figure = _laid_out(card, theme, suffix, width_mm, dpi, scale)
    target = io.BytesIO()
    kept = {"svg.fonttype": "none", "svg.hashsalt": "cnnwidgets", "pdf.fonttype": 42}
    dates: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(suffix, {})
    with imported("matplotlib").rc_context(kept):
        figure.savefig(target, format=suffix[1:], dpi=dpi, metadata=dates, facecolor=theme.ground)
    return target.getvalue()


def _fitted(card: Card, width_mm: float) -> Card:
    """The card with pictures as large as they can be where its text is to be read at this width.

    One of the same sizes whatever the width is, so that each that fits at a width fits at all larger ones.
    """
    needed: list[float] = []
    for share in SHARES:
        made = (
            card if share == 1 else replace(card, panels=[[_smaller(each, share) for each in c] for c in card.columns])
        )
        needed.append(_needs(made))
        if needed[-1] <= width_mm:
            return made
    fewer = ", or fewer panels" if len(card.columns) > 1 else ""
    raise TooNarrow(
        f"at {width_mm:g} mm the smallest text would have {LEAST * width_mm / needed[0]:.1f} pt, and 6 can be read: "
        f"give {math.ceil(min(needed))} mm or more{fewer}"
    )


def _needs(card: Card) -> float:
    """The width in mm at which the smallest text can just be read."""
    sizes = _Sizes()
    drawn(card, _VectorPen(cast(Image.Image, None), cast(ImageDraw.ImageDraw, sizes), LIGHT))
    return measured(card)[0] / min(sizes.sizes, default=math.inf) * (LEAST - ROUNDED) * INCH / 72


def _laid_out(card: Card, theme: Theme, suffix: str, width_mm: float | None, dpi: float, scale: float) -> Any:
    """The card as a figure of matplotlib; raises ValueError where that would be too large for a file."""
    width, height = measured(card)
    point = PX * scale if width_mm is None else width_mm / INCH * 72 / width
    inches = width * point / 72, height * point / 72
    said = f"scale {scale:g}" if width_mm is None else f"width_mm {width_mm:g}"
    if max(inches) > LARGEST:
        raise ValueError(f"{said} makes {max(inches) * INCH:,.0f} mm, and a side may have {LARGEST * INCH:,.0f}")
    if suffix == ".png" and not inches[0] * inches[1] * dpi**2 <= PIXELS:
        raise ValueError(
            f"{said} at {dpi:g} dpi makes {inches[0] * dpi:,.0f} x {inches[1] * dpi:,.0f} pixels, more than the "
            f"{PIXELS:,} that a picture may have"
        )
    if suffix == ".png" and min(inches) * dpi < 1:
        raise ValueError(f"{said} at {dpi:g} dpi makes a picture without a pixel")
    figure = imported("matplotlib.figure").Figure(figsize=inches)
    figure.patch.set_facecolor(theme.ground)
    sheet = _Sheet(figure, width, height, point)
    drawn(card, _VectorPen(cast(Image.Image, None), cast(ImageDraw.ImageDraw, sheet), theme))
    return figure


def _smaller(panel: Panel, share: float) -> Panel:
    """Charts keep their size: their texts have no room in a smaller one."""
    if panel.chart is not None:
        return panel
    width = panel.size[0] if panel.has_picture else panel.width  # a picture may take less than it has
    return replace(panel, width=int(width * share), beside=False, parts=())


class _VectorPen(Pen):
    """Writes and draws on a `_Sheet`, in place of an image."""

    @property
    def keeps_text(self) -> bool:
        """Whether text is kept as text."""
        return True

    def picture(self, x: float, y: float, pixels: NDArray[np.uint8], size: tuple[int, int]) -> None:
        """Put a picture at its place; every pixel of it is kept."""
        cast(_Sheet, self.draw).picture(x, y, pixels, size)

    def dot(self, x: float, y: float, color: str) -> None:
        """A round dot of 10 px with its upper left corner there."""
        cast(_Sheet, self.draw).ellipse((x, y, x + 10, y + 10), fill=color)


class _Sizes:
    """Takes what a `_Sheet` takes, and keeps the sizes of all text, in px."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def text(self, at: Any, text: str, *, font: ImageFont.FreeTypeFont, **style: Any) -> None:
        """Text on its baseline."""
        if text:
            self.sizes.append(int(font.size))

    def line(self, *args: Any, **style: Any) -> None:
        """What is no text."""

    rectangle = rounded_rectangle = ellipse = picture = line


class _Sheet:
    """Takes what an `ImageDraw` takes, in px from the upper left corner, and makes artists of matplotlib of it."""

    def __init__(self, figure: Any, width: int, height: int, point: float) -> None:
        self._figure, self._width, self._height, self._point = figure, width, height, point
        self._axes = figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, width), ylim=(height, 0))
        self._axes.axis("off")
        self._patches, self._order = imported("matplotlib.patches"), 0

    def text(
        self, at: tuple[float, float], text: str, *, fill: str, font: ImageFont.FreeTypeFont, anchor: str = "ls"
    ) -> None:
        """Text on its baseline; `anchor` begins with l, m or r."""
        if not text:
            return
        text = NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
        self._axes.text(
            *at,
            text,
            color=fill,
            fontsize=font.size * self._point,
            fontfamily=["DejaVu Sans", "sans-serif"],
            fontweight="bold" if "Bold" in (font.getname()[1] or "") else "normal",
            ha={"l": "left", "m": "center", "r": "right"}[anchor[0]],
            va="baseline",
            parse_math=False,
            zorder=self._next(),
        )

    def line(self, points: Any, *, fill: str, width: float = 1, joint: str | None = None) -> None:
        """Lines from point to point."""
        xy = np.asarray(points, dtype=float).reshape(-1, 2)
        style = {"color": fill, "linewidth": width * self._point, "solid_capstyle": "butt", "zorder": self._next()}
        self._axes.add_line(imported("matplotlib.lines").Line2D(*xy.T, **style))

    def rectangle(self, box: Sequence[float], *, fill: str | None = None, outline: str | None = None) -> None:
        """A rectangle."""
        self.rounded_rectangle(box, fill=fill, outline=outline)

    def rounded_rectangle(
        self,
        box: Sequence[float],
        radius: float = 0,
        *,
        fill: str | None = None,
        outline: str | None = None,
        width: float = 1,
    ) -> None:
        """A rectangle with round corners; the ends count as pixels that are within."""
        left, top, right, bottom = box[0], box[1], box[2] + 1, box[3] + 1
        inset = width / 2 if outline else 0.0
        wide, high = right - left - 2 * inset, bottom - top - 2 * inset
        shape = self._patches.FancyBboxPatch(
            (left + inset, top + inset),
            wide,
            high,
            boxstyle=self._patches.BoxStyle("Round", pad=0, rounding_size=min(radius, wide / 2, high / 2)),
            **self._look(fill, outline, width),
        )
        self._axes.add_patch(shape)

    def ellipse(self, box: Sequence[float], *, fill: str) -> None:
        """A filled ellipse within a box."""
        left, top, right, bottom = box
        middle = (left + right) / 2, (top + bottom) / 2
        self._axes.add_patch(self._patches.Ellipse(middle, right - left, bottom - top, **self._look(fill, None, 0)))

    def picture(self, x: float, y: float, pixels: NDArray[np.uint8], size: tuple[int, int]) -> None:
        """A picture, whose pixels are squares without any blur."""
        place = (x, x + size[0], y + size[1], y)
        order = self._next()
        self._axes.imshow(pixels, extent=place, interpolation="none", aspect="auto", zorder=order)
        self._axes.set(xlim=(0, self._width), ylim=(self._height, 0))

    def _look(self, fill: str | None, outline: str | None, width: float) -> dict[str, Any]:
        line = width * self._point if outline else 0
        return {
            "facecolor": fill or "none", "edgecolor": outline or "none", "linewidth": line, "zorder": self._next()
        }  # fmt: skip

    def _next(self) -> int:
        self._order += 1
        return self._order
