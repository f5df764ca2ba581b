"""A panel: one picture with its heading and its numbers, described once for the page, the PNG and the exported page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..mosaic import Cells
from ..text import Pen

TALLEST = 4
"""A picture is at most this many times as high as its panel is wide."""

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture with its heading above and its numbers below.

    A view describes its panels in this form, and nowhere else: the page of the notebook, the PNG and the exported page
    are made from it. The attributes from `key` on are for the page alone, which also answers the mouse.

    Attributes
    ----------
    heading
        What is before the first `` · `` is bold, the rest is quiet.
    pixels
        uint8 (H, W, 3) RGB, or (H, W, 4) RGBA to let the ground show through, or (H, W) indices into `palette`; or
        None.
    palette
        uint8 (256, 4) RGBA: the colours of `pixels` that are indices.
    chart
        Draws the RGB picture, given whether the ground is dark, where a page that is live shows a chart of its own.
    sketch
        Draws the chart with a pen, its upper left corner at (x, y), for a file that keeps text and lines as such.
    width
        Pixels that the picture takes on the card. Where a whole number of times its own width comes within a
        quarter of this, the picture is that much narrower, and every pixel a sharp square.
    lines
        Lines of text, wrapped where they are too long; a pair is a quiet label and its value, values are aligned.
    bars
        (label, fraction 0 to 1, text) each, as for class probabilities. Where a fraction is negative, down to -1, all
        begin in the middle.
    truth
        (row of `bars`, whether the first row is that one): the true class, which is marked by a word and a colour.
    colorbar
        (name of the colour map, text at vmin, text in the middle or None, text at vmax).
    marks
        Boxes (left, top, right, bottom) in pixels of `pixels`, to be outlined in the accent colour.
    flags
        Boxes to be crossed out.
    texts
        What to write into each pixel, row by row; for small maps.
    dots
        Colours `#rrggbb`, one for each of `lines`: a dot before it, as in a legend.
    key
        Tells the panels of a view apart; needed only where one of them is not always there.
    hint
        What the mouse does, such as `click one`: quiet, behind the heading.
    cells
        The equal cells of the picture that answer the mouse.
    describe
        Text that the mouse shows over a cell, given its number.
    on_cell
        Called with the number of a cell that is clicked.
    on_place
        Called with (x, y) in pixels of the picture where it is clicked, or where a mark is dragged to.
    on_hover
        Called with the number of a cell that the mouse comes over.
    drag
        Whether the first mark can be dragged.
    scrolls
        Height in px beyond which the picture scrolls in the page; None: it fits into a square of `width`.
    sizes
        (width, height) of pictures that may follow in its place: the page keeps room for the highest.
    room
        Height in px that the page keeps for the whole panel, so that nothing below it moves.
    controls
        Widgets that stand under the heading.
    chosen
        The row of `bars` that stands out.
    parts
        Panels that stand in its place in the PNG and in the exported page, one above the other; on the page of the
        notebook, a box of its own shows them together.
    resting
        The page itself shows what changes in this panel for now: it is sent nothing.
    beside
        On a card it begins a column, also where the page of the notebook has it below another panel.
    """

    heading: str
    pixels: Pixels | None = None
    width: int = 240
    lines: Sequence[str | tuple[str, str]] = ()
    bars: Sequence[tuple[str, float, str]] = ()
    truth: tuple[int, bool] | None = None
    colorbar: tuple[str, str, str | None, str] | None = None
    marks: Sequence[Box] = ()
    flags: Sequence[Box] = ()
    texts: Sequence[Sequence[str]] = ()
    dots: Sequence[str] = ()
    palette: Pixels | None = None
    chart: Callable[[bool], Pixels] | None = None
    key: str = ""
    hint: str = ""
    cells: Cells | None = None
    describe: Callable[[int], str] | None = None
    on_cell: Callable[[int], object] | None = None
    on_place: Callable[[float, float], object] | None = None
    on_hover: Callable[[int], object] | None = None
    drag: bool = False
    scrolls: int | None = None
    sizes: Sequence[tuple[int, int]] = ()
    room: int = 0
    controls: Sequence[object] = ()
    chosen: int | None = None
    resting: bool = False
    parts: Sequence[Panel] = ()
    beside: bool = False
    sketch: Callable[[Pen, float, float], object] | None = None

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width must be 1 or more; got {self.width}")
        if self.dots and len(self.dots) != len(self.lines):
            raise ValueError(f"each line needs a dot: {len(self.lines)} lines, {len(self.dots)} dots")
        pixels = self.pixels
        if pixels is None:
            return
        if self.palette is not None:
            if pixels.dtype != np.uint8 or pixels.ndim != 2 or not pixels.size or self.palette.shape != (256, 4):
                raise ValueError(
                    f"pixels with a palette must be uint8 (H, W), and the palette (256, 4); got {pixels.dtype} "
                    f"{pixels.shape}, {self.palette.shape}"
                )
        elif pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or not pixels.size:
            raise ValueError(f"pixels must be uint8 (H, W, 3) or (H, W, 4); got {pixels.dtype} {pixels.shape}")

    @property
    def on_card(self) -> Sequence[Panel]:
        """What a card shows of it: its parts, or itself; nothing where there are only controls."""
        return self.parts or ([] if self.controls and not self.heading else [self])

    @property
    def has_picture(self) -> bool:
        """Whether there is a picture."""
        return self.pixels is not None or self.chart is not None

    def drawn(self, *, dark: bool = False) -> Pixels | None:
        """The picture in colours, (H, W, 3) or (H, W, 4); None without one."""
        if self.chart is not None:
            return self.chart(dark)
        if self.pixels is not None and self.palette is not None:
            return np.take(self.palette, self.pixels, axis=0)
        return self.pixels

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the enlarged picture; height 0 without one."""
        pixels = self.drawn() if self.pixels is None else self.pixels
        return (self.width, 0) if pixels is None else self.size_of(pixels)

    def size_of(self, pixels: Pixels) -> tuple[int, int]:
        """(width, height) that a picture takes on the card."""
        height, width = pixels.shape[:2]
        room = min(self.width, max(1, TALLEST * self.width * width // height))
        whole = room // width * width
        wide = whole if whole * 4 >= room * 3 else room
        return wide, max(1, round(height * wide / width))
