"""What panels have in common: their widths, and the column that each stands in."""

from __future__ import annotations

import ipywidgets as W

INPUT, GRID, DETAIL, TALL = 190, 480, 288, 520
"""Widths of the three pictures, and the height that the grid takes before it scrolls, in px."""
BESIDE = 400
"""Height that the image and its prediction keep, in px: long class names stand above their bars."""
FACTS = 160
"""Room for the heading, the scale and the numbers of the large map, in px."""
EDGE = 4
"""Px above and below a picture together."""
HOVERED = 1024
"""Pixels of the large map up to which hovering tells the value; clicking always does."""


class CardPanel(W.VBox):
    """A column of a card: `width` px of widgets, one above the other."""

    def __init__(self, width: int, *parts: W.Widget) -> None:
        layout = W.Layout(width=f"{width + 24}px", flex="0 0 auto", padding="0 20px 0 0", overflow="hidden")
        super().__init__(list(parts), layout=layout)

    def stretch(self) -> None:
        """Take the room that the panels beside it leave, and no less than the style sheet says."""
        self.layout.width, self.layout.min_width, self.layout.flex = "auto", "0", None
        self.add_class("cnnw-elastic")
