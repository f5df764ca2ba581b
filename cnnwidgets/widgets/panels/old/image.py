"""The input image with its prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....render import encode_png
from ....render.color import fitted, to_picture
from ....render.static import Panel
from ...state import Look, Subject
from ...surface import Swapped, Text, markup, number
from ..column import BESIDE, INPUT, CardPanel
from .prediction import Told


class ImagePanel(CardPanel):
    """The input image with its index and label, and the most probable classes."""

    def __init__(self) -> None:
        self.look: Look | None = None
        self._text, self._prediction = Text(), Text()
        layout = {"flex": "0 0 auto", "align_self": "flex-start", "margin": "3px 3px 8px"}
        self._picture = Swapped(layout, "cnnw-input")
        self._image = self._picture.pictures[0]
        super().__init__(INPUT, self._text, *self._picture.pictures, self._prediction)
        self.layout.min_height = f"{BESIDE}px"

    def draw(self, index: int, look: Look, subject: Subject) -> None:
        """Show `look`, which is of image `index`."""
        self.look, items = look, subject.items
        self._heading = f"Image {index}"
        self._label = markup.labelled(look.item.text)
        self._pixels: NDArray[np.uint8] | None = None
        if look.item.image is not None:
            picture = to_picture(items.picture(look.item.image).numpy())
            self._pixels = fitted(picture.pixels, INPUT, INPUT)
            if picture.rescaled:
                self._label += f"{' · ' if self._label else ''}{number(picture.vmin)} to {number(picture.vmax)}"
        self._told = Told.of(look.prediction, look.item, subject.names)
        self._text.value = markup.heading(self._heading, self._label)
        self._picture.put(None if self._pixels is None else encode_png(self._pixels))
        self._prediction.value = self._told.html()

    def static(self) -> list[Panel]:
        """The same for the static picture, one above the other."""
        heading = f"{self._heading} · {self._label}" if self._label else self._heading
        return [Panel(heading, self._pixels, width=INPUT), *self._told.static(INPUT)]
