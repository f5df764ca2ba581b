"""A question as one picture, for pages that cannot run the card, and for files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..compute.lessons import Picture
from ..render.color import ACCENT, DARK, LIGHT, rgb
from ..render.text import Pen, wrapped
from .pictures import pixels, scale
from .sheet import OFFERED, Posed, share

WIDTH = 720
GAP, LINE, LEFT = 14, 18, 10
LETTERS = "ABCDEFGHI"


def still(posed: Posed, answer: int, head: str, dark: bool) -> NDArray[np.uint8]:
    """The question below the line `head`, (H, 720, 3); with an answer, what is right, and why."""
    theme = DARK if dark else LIGHT
    image = Image.new("RGB", (WIDTH, 2000), theme.ground)
    pen = Pen(image, ImageDraw.Draw(image), theme)
    pen.text(LEFT, 16, head, WIDTH - LEFT, 12, theme.muted)
    y = 22
    for line in wrapped(posed.question.ask, WIDTH - 60, 15):
        pen.text(LEFT, y + 14, line, WIDTH - LEFT, 15, theme.text, bold=True)
        y += 21
    y = _row(pen, posed, y + 6)
    if not posed.pointed:
        y = _choices(pen, posed, answer, y)
    if answer >= 0:
        good = answer == posed.right
        words = "is right." if good else f"is not right: it is {LETTERS[posed.right]}."
        for line in wrapped(f"{LETTERS[answer]} {words} {posed.question.why}", WIDTH - 2 * LEFT, 12, most=8):
            pen.text(LEFT, y + 12, line, WIDTH - LEFT, 12, theme.text)
            y += LINE
    return np.asarray(image)[: y + 6]


def _row(pen: Pen, posed: Posed, y: int) -> int:
    """The pictures above the choices; returns where they end."""
    x, bottom = LEFT, y
    for at, picture in enumerate(posed.question.shown):
        side = posed.side(at)
        pen.text(x, y + 11, picture.text, side + GAP, 11, pen.theme.muted)
        width, height = _paste(pen, picture, side, x, y + LINE)
        for box in picture.boxes:
            _outline(pen, share(box, picture), (x, y + LINE, width, height), ACCENT, "")
        if posed.pointed and at == len(posed.question.shown) - 1:
            for letter, choice in zip(LETTERS, posed.choices, strict=False):
                if choice.box is not None:
                    _outline(pen, share(choice.box, picture), (x, y + LINE, width, height), "#ffffff", letter)
        x, bottom = (
            x + max(width, side) + GAP,
            max(bottom, y + LINE + height + 10 + _ends(pen, picture, x, y + LINE + height)),
        )
    return bottom


def _choices(pen: Pen, posed: Posed, answer: int, y: int) -> int:
    x, bottom = LEFT, y
    for at, choice in enumerate(posed.choices):
        if x + OFFERED > WIDTH:
            x, y = LEFT, bottom
        high = 0
        if choice.picture is not None:
            _, high = _paste(pen, choice.picture, OFFERED, x, y)
        told = choice.said if answer >= 0 else ""
        color = pen.theme.right if answer >= 0 and at == posed.right else pen.theme.text
        color = pen.theme.wrong if answer == at != posed.right else color
        words = "  ".join(filter(None, [LETTERS[at], choice.text, told]))
        pen.text(
            x, y + high + 14, words, OFFERED + GAP - 4, 12, color, bold=at in (answer, posed.right) and answer >= 0
        )
        x, bottom = x + OFFERED + GAP, max(bottom, y + high + 26)
    return bottom


def _paste(pen: Pen, picture: Picture, side: int, x: int, y: int) -> tuple[int, int]:
    drawn = pixels(picture, side)
    image = Image.fromarray(drawn)
    pen.image.paste(image, (x, y), image if drawn.shape[2] == 4 else None)
    pen.draw.rectangle((x - 1, y - 1, x + image.width, y + image.height), outline=pen.theme.line)
    return image.width, image.height


def _outline(pen: Pen, part: list[float], at: tuple[int, int, int, int], color: str, letter: str) -> None:
    x, y, width, height = at
    left, top, right, bottom = x + part[0] * width, y + part[1] * height, x + part[2] * width, y + part[3] * height
    pen.draw.rectangle((left - 1, top - 1, right, bottom), outline=rgb("#000000"), width=3)
    pen.draw.rectangle((left, top, right - 1, bottom - 1), outline=rgb(color), width=1)
    if letter:
        if right - left < 40:
            top -= 16  # a small box is seen beside its letter
        pen.draw.rectangle((left, top, left + 13, top + 14), fill=rgb(color))
        pen.text(left + 2, top + 12, letter, 14, 12, "#111111", bold=True)


def _ends(pen: Pen, picture: Picture, x: int, y: int) -> int:
    """What the colours of a picture stand for; returns the height it takes."""
    if (found := scale(picture)) is None:
        return 0
    pen.text(x, y + 14, " to ".join(filter(None, [found[1], found[3]])), OFFERED + 36, 11, pen.theme.muted)
    return 14
