"""The widget that draws the overview in the page, from one message for all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import ipywidgets as W
import traitlets as T

from ..widgets.surface import Scripted, Sides


@cache
def code() -> str:
    """The JavaScript, as one module."""
    return (Path(__file__).parent / "overview.mjs").read_text(encoding="utf-8")


@cache
def style() -> str:
    """How the overview and the tabs below it look, as an element of the page."""
    return f"<style>{(Path(__file__).parent / 'overview.css').read_text(encoding='utf-8')}</style>"


class Overview(Scripted, Sides):
    """Draws stages with their thumbnails; what a hand does there comes back as messages.

    Parameters
    ----------
    heard : mapping
        Kind of a message -> what is called with it: `toggle`, `choose`, `up`, `back`, `forward`, `hover`. A dict that
        it gives is the answer to the page.
    """

    _anywidget_id = T.Unicode("cnnwidgets.Overview").tag(sync=True)

    sides: Any = T.List(T.Unicode(), help="classes of the two places of which one is seen").tag(sync=True)
    sheet_a: Any = T.Any(help="what the first place shows").tag(sync=True)
    sheet_b: Any = T.Any(help="what the second place shows").tag(sync=True)
    chosen: Any = T.List(help="layer and channel that are looked at").tag(sync=True)

    def __init__(self, heard: Mapping[str, Callable[[dict[str, Any]], object]]) -> None:
        self._hearing = heard
        self.sheet: dict[str, Any] | None = None
        self.swapped = self  # the stage takes it for what has two places in the page
        self.name_sides()
        super().__init__(
            code(),
            _dom_classes=("cnnw-overview",),
            layout=W.Layout(width="100%"),
        )
        self.on_msg(self._heard)

    def show(self, sheet: dict[str, Any], chosen: tuple[str, int]) -> None:
        """Show this; a sheet that is shown already is not sent again."""
        if sheet is not self.sheet:
            self.sheet = sheet
            if self.held:
                self.written = True
            side = 1 - self.side if self.written else self.side
            setattr(self, ("sheet_a", "sheet_b")[side], sheet)
        self.chosen = list(chosen)

    def tidy(self) -> None:
        """Take what is out of sight from the page."""
        setattr(self, ("sheet_b", "sheet_a")[self.side], None)

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        answer = self._hearing[content["kind"]](content)
        if isinstance(answer, dict):
            self.send(answer)
