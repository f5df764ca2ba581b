"""The static picture of a view: a title, panels side by side, a footer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..color import DARK, FLAG, LIGHT, table
from ..text import Pen, fitting_size, ink, resized, text_length, wrapped
from .panel import Panel

PADDING = 18
BETWEEN = 26
"""Pixels between two panels side by side; stacked ones have a little less."""
TRUE = "true class"
"""Stands below the bar of the class that an image has."""
NARROWEST = 260
"""Width that titles and footers can count on."""
FOOTER = 12
"""Lines of a footer at most."""
DOT = 18
"""Pixels that a dot and the room behind it take."""


@dataclass(frozen=True, eq=False)
class Card:
    """What a view shows, without the controls: to be drawn as one picture, or laid out in a page.

    Attributes
    ----------
    title
        What is seen. What is before the first `` · `` is bold.
    panels
        From left to right; a sequence of panels is a column, stacked.
    footer
        Quiet, below; wrapped where it is too long.
    """

    title: str
    panels: Sequence[Panel | Sequence[Panel]] = ()
    footer: str = ""

    @property
    def columns(self) -> list[list[Panel]]:
        """The panels, or their parts, each in the column that it stands in; no column is empty."""
        columns: list[list[Panel]] = []
        for item in self.panels:
            column: list[Panel] = []
            for panel in [item] if isinstance(item, Panel) else item:
                if panel.beside:
                    columns.append(column)
                    column = []
                column += panel.on_card
            columns.append(column)
        return [column for column in columns if column]

    def draw(self, *, dark: bool = False) -> NDArray[np.uint8]:
        """The card as one picture, as `card` draws it."""
        return card(self.title, self.panels, footer=self.footer, dark=dark)


def card(
    title: str, panels: Sequence[Panel | Sequence[Panel]], *, footer: str = "", dark: bool = False
) -> NDArray[np.uint8]:
    """Draw a card.

    Parameters
    ----------
    title
        What is seen. What is before the first `` · `` is bold. Text that is too long ends in an ellipsis.
    panels
        From left to right; a sequence of panels is a column, stacked.
    footer
        Quiet, below; wrapped where it is too long.
    dark
        Light text on a dark ground.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        RGB.
    """
    made, theme = Card(title, panels, footer), DARK if dark else LIGHT
    image = Image.new("RGB", measured(made), theme.ground)
    drawn(made, Pen(image, ImageDraw.Draw(image), theme))
    ImageDraw.Draw(image).rounded_rectangle((0, 0, image.width - 1, image.height - 1), radius=5, outline=theme.line)
    return np.array(image)


def measured(card: Card) -> tuple[int, int]:
    """(width, height) that a card takes, in px."""
    image = Image.new("RGB", (1, 1))  # what falls outside the image is not drawn
    return _inner(card) + 2 * PADDING, drawn(card, Pen(image, ImageDraw.Draw(image), LIGHT))


def _inner(card: Card) -> int:
    widths = [column_width(column) for column in card.columns]
    return max(NARROWEST, sum(widths) + BETWEEN * (len(widths) - 1))


def drawn(card: Card, pen: Pen) -> int:
    """Draw everything but the frame; return the height it takes."""
    title, columns, footer, inner = card.title, card.columns, card.footer, _inner(card)
    widths = [column_width(column) for column in columns]
    pen.heading(PADDING, 30, title, inner, 15)
    bottom = 44
    if columns:
        pen.draw.line((PADDING, bottom, PADDING + inner - 1, bottom), fill=pen.theme.line)
    x, top = PADDING, bottom
    for column, width in zip(columns, widths, strict=True):
        y = top
        for panel in column:
            y = _draw_panel(pen, panel, x, y + 14, width)
        bottom = max(bottom, y)
        x += width + BETWEEN
    if footer:
        for at, line in enumerate(wrapped(footer, inner, 11, FOOTER)):
            bottom += 15 if at else 24
            pen.text(PADDING, bottom, line, inner, 11, pen.theme.muted)
    return bottom + 16


def _draw_panel(pen: Pen, panel: Panel, x: int, y: int, width: int) -> int:
    """Draw one panel with its upper left corner at (x, y); return its lower edge."""
    pen.heading(x, y + 12, panel.heading, width, 12)
    y += 22
    pixels = panel.drawn(dark=pen.theme is DARK)
    if pixels is not None and panel.sketch is not None and pen.keeps_text:
        panel.sketch(pen, x, y)
        y += panel.size_of(pixels)[1] + 4
    elif pixels is not None:
        wide, high = panel.size_of(pixels)
        pen.picture(x, y, pixels, (wide, high))
        if pixels.shape[2] == 3:  # a white picture would melt into the card
            pen.draw.rectangle((x - 1, y - 1, x + wide, y + high), outline=pen.theme.line)
        scale = wide / pixels.shape[1], high / pixels.shape[0]
        for left, top, right, bottom in panel.flags:
            box = (x + left * scale[0] + 1, y + top * scale[1] + 1, x + right * scale[0] - 2, y + bottom * scale[1] - 2)
            pen.draw.line(box, fill=FLAG, width=2)
            pen.draw.line((box[0], box[3], box[2], box[1]), fill=FLAG, width=2)
        if panel.texts:
            _draw_texts(pen, pixels, panel.texts, x, y, scale)
        _draw_marks(pen, panel.marks, x, y, scale)
        y += high + 4
        if panel.colorbar:
            y = _draw_colorbar(pen, panel.colorbar, x, y + 8, wide)
    elif panel.colorbar:
        y = _draw_colorbar(pen, panel.colorbar, x, y, width)
    y = _draw_bars(pen, panel.bars, panel.truth, x, y, width)
    return _draw_lines(pen, panel.lines, panel.dots, x, y, width)


def _draw_marks(
    pen: Pen, marks: Sequence[tuple[float, float, float, float]], x: int, y: int, scale: tuple[float, float]
) -> None:
    for left, top, right, bottom in marks:
        # Around the pixels, not over them: one pixel of ground, then two of line.
        upper_left = round(x + left * scale[0]) - 3, round(y + top * scale[1]) - 3
        lower_right = round(x + right * scale[0]) + 2, round(y + bottom * scale[1]) + 2
        pen.draw.rounded_rectangle((*upper_left, *lower_right), radius=2, outline=pen.theme.accent, width=2)


def _draw_texts(
    pen: Pen, pixels: NDArray[np.uint8], texts: Sequence[Sequence[str]], x: int, y: int, scale: tuple[float, float]
) -> None:
    """In the largest type in which every text has room in its pixel."""
    size = fitting_size((text for row in texts for text in row), scale[0])
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            at = x + (column + 0.5) * scale[0], y + (row + 0.5) * scale[1] + 0.36 * size
            pen.text(*at, text, scale[0], size, ink(pixels[row, column]), anchor="m")


def _draw_colorbar(pen: Pen, colorbar: tuple[str, str, str | None, str], x: int, y: int, width: int) -> int:
    name, low, middle, high = colorbar
    pen.picture(x, y, table(name)[None], (width, 10))
    longest = max(text_length(low, 11), text_length(high, 11))
    if middle is not None and width < 2 * longest + text_length(middle, 11) + 12:
        middle = None  # the ends count more: a number that is cut says something else
    size = next((size for size in (11, 10, 9, 8) if 2 * longest * size / 11 <= width - 6), 7)
    share = max(width / 2 - 3, width - 6 - min(text_length(low, size), text_length(high, size)))
    for text, at, anchor in ((low, x, "l"), (middle, x + width / 2, "m"), (high, x + width, "r")):
        if text is not None:
            pen.text(at, y + 24, text, share, size, pen.theme.muted, anchor=anchor)
    return y + 28


def _draw_bars(
    pen: Pen, bars: Sequence[tuple[str, float, str]], truth: tuple[int, bool] | None, x: int, y: int, width: int
) -> int:
    if not bars:
        return y
    text_width = min(max(text_length(text, 12) for _, _, text in bars), 0.6 * width)
    room = 0.15 * width  # of a label at least, and of a bar
    most = max(room, width - 20 - room - text_width)
    bold = None if truth is None else truth[0]
    lengths = (text_length(label, 12, bold=row == bold) for row, (label, _, _) in enumerate(bars))
    label_width = min(math.ceil(max(lengths)), most)
    left, right = round(x + label_width + 10), round(x + width - text_width - 10)
    zero = (left + right) // 2 if any(fraction < 0 for _, fraction, _ in bars) else left
    for row, (label, fraction, text) in enumerate(bars):
        middle = y + 12
        marked = truth is not None and row == truth[0]
        color = pen.theme.right if truth is not None and truth[1] else pen.theme.wrong
        pen.text(x, middle + 4, label, label_width, 12, color if marked else pen.theme.text, bold=marked)
        pen.text(x + width, middle + 4, text, text_width, 12, pen.theme.muted, anchor="r")
        pen.draw.rounded_rectangle((left, middle - 4, right - 1, middle + 3), radius=2, fill=pen.theme.track)
        length = round((right - zero) * min(abs(fraction), 1.0)) if fraction == fraction else 0  # NaN: no bar
        start = zero - length if fraction < 0 else zero
        if length > 0:
            box = (start, middle - 4, start + length - 1, middle + 3)
            pen.draw.rounded_rectangle(box, radius=2, fill=color if marked else pen.theme.accent)
        y += 23
        if marked:
            pen.text(x, y + 6, TRUE, width, 10, color)
            y += 11
    return y


def _draw_lines(
    pen: Pen, lines: Sequence[str | tuple[str, str]], dots: Sequence[str], x: int, y: int, width: int
) -> int:
    for at, dot in zip((y + 7 + 20 * place for place in range(len(dots))), dots, strict=True):
        pen.dot(x, at, dot)
    if dots:
        x, width = x + DOT, width - DOT
    labels = [text_length(line[0], 12) for line in lines if not isinstance(line, str)]
    indent = min(max(labels, default=0) + 12, 0.5 * width)
    for line in lines:
        y += 20
        label, said = ("", line) if isinstance(line, str) else line
        aside = 0.0 if isinstance(line, str) else indent
        pen.text(x, y - 4, label, indent - 12, 12, pen.theme.muted)
        for at, part in enumerate(wrapped(said, width - aside, 12, 1 if dots else 4)):
            y += 16 if at else 0
            pen.text(x + aside, y - 4, part, width - aside, 12, pen.theme.text)
    return y


def reduced(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixels at the (width, height) that they take on a card."""
    return np.array(resized(pixels, size))


def column_width(column: list[Panel]) -> int:
    """Width of the widest picture, or of the widest panel where there are no pictures."""
    pictures = [panel.size[0] for panel in column if panel.has_picture]
    return max(pictures or [panel.width for panel in column])
