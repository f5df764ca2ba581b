"""What the mouse does over the maps: hovering slides the window, a click holds it."""

from __future__ import annotations

from typing import Any

from ...compute.convolution import nearest

Place = tuple[int, int]


class Pointer:
    """Moves the `pixel` of a view.

    Whoever has found a place wants to read its numbers, and on the way to them the mouse comes over other pixels: so a
    click holds the window, until the same pixel is clicked again.

    Parameters
    ----------
    view : ConvolutionView
        Has the trait, and `windows`.
    """

    def __init__(self, view: Any) -> None:
        self._view = view
        self._held: Place | None = None

    def over_output(self, pixel: Place) -> None:
        """The mouse came over a pixel of the output."""
        if self._held is None:
            self._view.pixel = pixel

    def over_input(self, place: Place) -> None:
        """The mouse came over a pixel of the input, or of its padding: the window goes where it is the middle."""
        windows = self._view.windows
        if self._held is None and windows:
            rows, columns = windows if len(windows) == 2 else (None, windows[0])
            self._view.pixel = (nearest(rows, place[0]) if rows else 0, nearest(columns, place[1]))

    def pressed(self, pixel: Place) -> None:
        """A pixel of the output was clicked."""
        self._held = None if self._held == pixel else pixel

    def let_go(self) -> None:
        """Another layer is shown, of which no place is held."""
        self._held = None
