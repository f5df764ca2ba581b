"""Text on a static picture: on one line, cut where it is too long."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ...late import imported
from ..color import Theme

ELLIPSIS = "…"


class Pen(NamedTuple):
    """What writes on a card: the image, what draws on it, and the colours."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    theme: Theme

    def text(
        self,
        x: float,
        y: float,
        text: str,
        width: float,
        size: int,
        color: str,
        bold: bool = False,
        anchor: str = "l",
    ) -> float:
        """Write on the baseline y, at most `width` wide; return the width taken."""
        font = load_font(size, bold)
        text = _cut(text, width, font)
        self.draw.text((x, y), text, fill=color, font=font, anchor=anchor + "s")
        return font.getlength(text)

    @property
    def keeps_text(self) -> bool:
        """Whether text is kept as text, and not as pixels."""
        return False

    def picture(self, x: float, y: float, pixels: NDArray[np.uint8], size: tuple[int, int]) -> None:
        """Put a picture with its upper left corner there, at this (width, height)."""
        picture = resized(pixels, size)
        self.image.paste(picture, (round(x), round(y)), picture if picture.mode == "RGBA" else None)

    def dot(self, x: float, y: float, color: str) -> None:
        """A round dot of 10 px with its upper left corner there, smooth at its edge."""
        large = Image.new("L", (40, 40))
        ImageDraw.Draw(large).ellipse((0, 0, 39, 39), fill=255)
        self.image.paste(color, (round(x), round(y)), large.resize((10, 10), Image.Resampling.BOX))

    def heading(self, x: float, y: float, text: str, width: float, size: int) -> None:
        """Write the part before the first dot bold, the rest quiet."""
        name, dot, rest = text.partition(" · ")
        taken = self.text(x, y, name, width, size, self.theme.text, bold=True)
        if dot and taken < width:
            space = round(0.32 * size)
            self.text(x + taken + space, y, "· " + rest, width - taken - space, size, self.theme.muted)


def resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    """Scale pixels: crisp when enlarged, averaged when reduced."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    whole = tuple(old * max(1, -(-new // old)) for old, new in zip(image.size, size, strict=True))
    # Nearest to the next whole multiple, then averaged down: every pixel comes out equally wide.
    image = image.resize((whole[0], whole[1]), Image.Resampling.NEAREST)
    return image if image.size == size else image.resize(size, Image.Resampling.BOX)


def text_length(text: str, size: int, *, bold: bool = False) -> float:
    """Width of a text in pixels, when written on one line."""
    return load_font(size, bold).getlength(_one_line(text))


def fitting_size(texts: Iterable[str], width: float) -> int:
    """The largest type, 13 px to 7, in which every text leaves at least a sixth of `width` free: else cells touch."""
    longest = max(texts, key=len, default="")
    return next((size for size in range(13, 7, -1) if text_length(longest, size) <= width * 5 / 6), 7)


def wrapped(text: str, width: float, size: int, most: int = 4, *, bold: bool = False) -> list[str]:
    """The text in at most so many lines of that width, broken between words; the last takes all that is left."""
    lines: list[str] = []
    for word in _one_line(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (len(lines) == most or text_length(longer, size, bold=bold) <= width):
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, width: float, font: ImageFont.FreeTypeFont) -> str:
    """Text on one line that is at most `width` wide, shortened with an ellipsis."""
    text = _one_line(text)
    if font.getlength(text) <= width:
        return text
    fits, over = 0, len(text)  # so many characters fit with an ellipsis, and so many do not
    while over - fits > 1:
        middle = (fits + over) // 2
        if font.getlength(text[:middle] + ELLIPSIS) <= width:
            fits = middle
        else:
            over = middle
    shortened = text[:fits].rstrip() + ELLIPSIS
    return shortened if font.getlength(shortened) <= width else ""


@cache
def load_font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """The font of all pictures, in px."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(imported("matplotlib").get_data_path()) / "fonts" / "ttf" / name), size)
