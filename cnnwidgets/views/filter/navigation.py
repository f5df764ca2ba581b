"""How one moves through a sheet of kernels: by clicks, by arrows, and by choosing a kernel that is out of sight."""

from __future__ import annotations

from typing import Any

from ...render.mosaic import Window
from .sheets import Sheet

CLOSER = 4
"""How much a click zooms in where kernels are too small to be hit."""


class Navigation:
    """Moves the traits `filter`, `channel`, `zoom` and `center` of a FilterView over its sheet.

    Attributes
    ----------
    sheet : Sheet or None
        What is on the page; None before the first drawing.
    """

    def __init__(self, view: Any) -> None:
        self._view = view
        self.sheet: Sheet | None = None
        self._before: tuple[Any, ...] | None = None

    def choose(self, filter: int, channel: int) -> None:
        """Choose a kernel; in colour a filter, and where kernels are too small to be hit, zoom in on it."""
        view = self._view
        if view.mode == "rgb":
            view.filter = filter
            return
        with view.hold_trait_notifications():
            view.filter, view.channel = filter, channel
            if self.sheet is not None and self.sheet.grid is None:
                view.center, view.zoom = (filter, channel), min(view.deepest, CLOSER * view.zoom)

    def pan(self, down: int, right: int) -> None:
        """Move the window of the mosaic by half its height, and half its width."""
        if self.sheet is not None and isinstance(self.sheet.cells, Window):
            self._view.center = self.sheet.kernel(self.sheet.cells.panned(down, right))

    def follow(self) -> None:
        """Before a drawing: zoom around the chosen kernel; go to it, when another is chosen that is out of sight."""
        view = self._view
        now = view.zoom, (view.filter, view.channel), view.center
        before = self._before or now
        if self.sheet is not None and view.mode == "collated" and view.center == before[2]:
            seen = self.sheet.box(view.filter, view.channel) is not None
            if (seen and now[0] != before[0]) or (not seen and now[1] != before[1]):
                view.center = now[1]
        self._before = *now[:2], view.center
