"""A question as one picture, for pages that cannot run the card, and for files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..compute.lessons import Choice, Picture
from ..render.color import ACCENT, DARK, LIGHT
from ..render.text import Pen, text_length, wrapped
from .pictures import pixels, scale
from .sheet import OFFERED, Posed, share

WIDTH = 720
GAP, LINE, LEFT = 14, 18, 10
ROOM = WIDTH - 2 * LEFT
LETTERS = "ABCDEFGHI"
ALL = 1000
"""Lines of a text at most: none is lost."""


def still(posed: Posed, answer: int, head: str, dark: bool) -> NDArray[np.uint8]:
    """The question below the line `head`, (H, 720, 3); with an answer, what is right, and why."""
    theme = DARK if dark else LIGHT
    image = Image.new("RGB", (1, 1))  # what falls outside the image is not drawn
    high = sketch(posed, answer, head, Pen(image, ImageDraw.Draw(image), theme), 0, 0)
    image = Image.new("RGB", (WIDTH, round(high)), theme.ground)
    sketch(posed, answer, head, Pen(image, ImageDraw.Draw(image), theme), 0, 0)
    return np.asarray(image)


def sketch(posed: Posed, answer: int, head: str, pen: Pen, x: float, y: float) -> float:
    """Draw what `still` shows with a pen, its upper left corner at (x, y); returns where it ends."""
    x += LEFT
    pen.text(x, y + 16, head, ROOM, 12, pen.theme.muted)
    y += 22
    for line in wrapped(posed.question.ask, ROOM, 15, ALL, bold=True):
        pen.text(x, y + 14, line, ROOM, 15, pen.theme.text, bold=True)
        y += 21
    y = _shown(pen, posed, x, y + 6)
    if not posed.pointed:
        y = _choices(pen, posed, answer, x, y)
    if answer >= 0:
        good = answer == posed.right
        words = "is right." if good else f"is not right: it is {LETTERS[posed.right]}."
        y = _lines(pen, x, y, f"{LETTERS[answer]} {words} {posed.question.why}", ROOM, 12, pen.theme.text)
    return y + 6


def _lines(
    pen: Pen, x: float, y: float, text: str, width: float, size: int, color: str, *, bold: bool = False
) -> float:
    """Write as many lines as it takes; returns where they end."""
    for line in wrapped(text, width, size, ALL, bold=bold) if text.strip() else []:
        pen.text(x, y + 12, line, width, size, color, bold=bold)
        y += LINE
    return y


def _rows(widths: Sequence[float]) -> Iterator[list[tuple[int, float]]]:
    """Numbers of the parts that stand side by side, each with its distance from the left."""
    row: list[tuple[int, float]] = []
    end = 0.0
    for at, width in enumerate(widths):
        if row and end + width > ROOM:
            yield row
            row, end = [], 0.0
        row.append((at, end))
        end += width + GAP
    yield row


def _shown(pen: Pen, posed: Posed, x: float, y: float) -> float:
    """The pictures above the choices; returns where they end."""
    shown = posed.question.shown
    if not shown:
        return y
    for row in _rows([posed.side(at) for at in range(len(shown))]):
        tops = [_lines(pen, x + off, y, shown[at].text, posed.side(at), 11, pen.theme.muted) for at, off in row]
        top = bottom = max([*tops, y + 4])
        for at, off in row:
            picture, side = shown[at], posed.side(at)
            width, height = _paste(pen, picture, side, x + off, top)
            place = (x + off, top, width, height)
            for box in picture.boxes:
                _outline(pen, share(box, picture), place, ACCENT, "")
            if posed.pointed and at == len(shown) - 1:
                for letter, choice in zip(LETTERS, posed.choices, strict=False):
                    if choice.box is not None:
                        _outline(pen, share(choice.box, picture), place, "#ffffff", letter)
            bottom = max(bottom, _lines(pen, x + off, top + height + 2, _ends(picture), side, 11, pen.theme.muted))
        y = bottom + 10
    return y


def _choices(pen: Pen, posed: Posed, answer: int, x: float, y: float) -> float:
    """What is offered: in columns, or one below the other where there is a text with no room in one."""
    told = [_told(posed.choices[at], at, answer) for at in range(len(posed.choices))]
    seen = any(choice.picture is not None for choice in posed.choices)
    wide = ROOM if not seen and max(text_length(text, 12, bold=True) for text in told) > OFFERED else OFFERED
    for row in _rows([wide] * len(told)):
        bottom = y
        for at, off in row:
            picture, high = posed.choices[at].picture, 0
            if picture is not None:
                _, high = _paste(pen, picture, OFFERED, x + off, y)
            color = pen.theme.right if answer >= 0 and at == posed.right else pen.theme.text
            color = pen.theme.wrong if answer == at != posed.right else color
            marked = at in (answer, posed.right) and answer >= 0
            bottom = max(bottom, _lines(pen, x + off, y + high + 2, told[at], wide, 12, color, bold=marked))
        y = bottom + (8 if wide == OFFERED else 0)
    return y + (0 if wide == OFFERED else 8)


def _told(choice: Choice, at: int, answer: int) -> str:
    """What stands under a choice, or is the choice."""
    return "  ".join(filter(None, [LETTERS[at], choice.text, choice.said if answer >= 0 else ""]))


def _paste(pen: Pen, picture: Picture, side: int, x: float, y: float) -> tuple[int, int]:
    drawn = pixels(picture, side)
    height, width = drawn.shape[:2]
    pen.picture(x, y, drawn, (width, height))
    pen.draw.rectangle((x - 1, y - 1, x + width, y + height), outline=pen.theme.line)
    return width, height


def _outline(pen: Pen, part: list[float], at: tuple[float, float, int, int], color: str, letter: str) -> None:
    x, y, width, height = at
    left, top, right, bottom = x + part[0] * width, y + part[1] * height, x + part[2] * width, y + part[3] * height
    pen.draw.rounded_rectangle((left - 1, top - 1, right, bottom), 0, outline="#000000", width=3)
    pen.draw.rounded_rectangle((left, top, right - 1, bottom - 1), 0, outline=color, width=1)
    if letter:
        if right - left < 40:
            top -= 16  # a small box is seen beside its letter
        pen.draw.rectangle((left, top, left + 13, top + 14), fill=color)
        pen.text(left + 2, top + 12, letter, 14, 12, "#111111", bold=True)


def _ends(picture: Picture) -> str:
    """What the colours of a picture stand for, or the axes of a curve; empty for an image."""
    if (found := scale(picture)) is None:
        return ""
    return (", " if picture.kind == "curve" else " to ").join(filter(None, [found[1], found[3]]))
