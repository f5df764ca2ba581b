"""What shows itself in a notebook, live and as a still picture, and writes itself to files for print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...files import write_whole
from ...render import encode_png
from ...render.static import FORMATS, Card, Panel, encode_card
from . import lifetime, still
from .export import Exports


class Shown(Exports):
    """What stands in the output of a cell, and can be saved; the view itself is a widget, and says what is seen."""

    model_id: Any
    """Of the widget."""

    def static(self) -> Card:
        """What it shows, without the controls."""
        raise NotImplementedError

    def panel(self, key: str) -> Panel:
        """The panel that is on the page under `key`; raises LookupError where there is none."""
        raise NotImplementedError

    def flush(self) -> None:
        """Draw at once what waits to be drawn."""
        raise NotImplementedError

    def picture(self, *, dark: bool = False) -> NDArray[np.uint8]:
        """The view as one static picture, (H, W, 3)."""
        return self.static().draw(dark=dark)

    def save(
        self,
        path: str | Path,
        *,
        width_mm: float | None = None,
        dpi: float | None = None,
        panels: Sequence[str] | None = None,
        scale: float = 1.0,
        dark: bool = False,
    ) -> Path:
        """Write the view as it is now to a PNG, SVG or PDF file; needs no browser.

        Parameters
        ----------
        path : str or Path
            Where to; ends in `.png`, `.svg` or `.pdf`. In SVG and PDF text is text, and each pixel of a map a square.
        width_mm : float, optional
            Width of the file in mm, such as 85 for a column of a paper; by default as on the screen. Where text would
            be smaller than 6 pt, pictures are made smaller beside it.
        dpi : float, optional
            Pixels to the inch of a PNG; by default as on the screen, and 300 where a width is given.
        panels : sequence of str, optional
            Only these panels, side by side, by the keys that `panel` takes: `["maps"]`.
        scale : float
            How many times as large as on the screen, where no width is given.
        dark : bool
            Light text on a dark ground.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ValueError
            Another ending, or a number that is not above 0 or far too large; or at this width text would be smaller
            than 6 pt: says which width holds it.
        LookupError
            No such panel; says which there are.
        OSError
            The file cannot be written; what was there is left as it was.
        """
        path = Path(path).expanduser()
        kind = path.suffix.lower()
        if kind not in FORMATS:
            raise ValueError(
                f"a picture is written as .png, .svg or .pdf, not {path.suffix or 'a name without an ending'!r}: {path}"
            )
        self.flush()
        if kind == ".png" and width_mm is None and dpi is None and panels is None and scale == 1:
            write_whole(path, encode_png(self.picture(dark=dark), level=6))
        else:
            card = self.static() if panels is None else _some_of(self.static(), panels, self.panel)
            write_whole(path, _written(card, kind, width_mm=width_mm, dpi=dpi, scale=scale, dark=dark))
        return path

    def about_to_show(self) -> None:
        """What is done before the view is put into a notebook, so that its picture is whole."""
        self.flush()

    def _ipython_display_(self, **kwargs: Any) -> None:
        if not self.closed and still.apart():
            still.publish(self._still())
        raise NotImplementedError  # IPython goes on to _repr_mimebundle_, with ipywidgets 7 too

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **kwargs: Any) -> Any:
        if self.closed:
            return {"text/plain": repr(self)}
        lifetime.shown(self)
        return still.bundle(self.model_id, repr(self), None if still.apart() else self._still())

    def _still(self) -> str:
        self.about_to_show()
        return still.encoded(self.picture())


def _some_of(card: Card, keys: Sequence[str], panel: Callable[[str], Panel]) -> Card:
    """The card with some of its panels alone, side by side; `panel(key)` finds each, or raises."""
    if isinstance(keys, str) or not keys:
        raise ValueError(f'panels are the keys of some, such as ["maps"], not {keys!r}')
    return replace(card, panels=[panel(key) for key in keys])


def _written(card: Card, kind: str, *, width_mm: float | None, dpi: float | None, scale: float, dark: bool) -> bytes:
    """A card as a file of this kind; a PNG has 96 px to the inch, and 300 where a width is given."""
    if dpi is None:
        dpi = 96.0 if width_mm is None else 300.0
    return encode_card(card, kind, width_mm=width_mm, dpi=dpi, scale=scale, dark=dark)
