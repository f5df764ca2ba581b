"""A panel that the page paints itself, where it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import ipywidgets as W

from ...render.static import Panel
from ..painter import Numbers, Painter, Painting, Series, possible
from .box import PanelBox


class PaintedBox(PanelBox):
    """Shows the pictures of a panel until a page says that it can paint; from then on, no picture is sent.

    Attributes
    ----------
    painter : Painter or None
        Paints in the page; None where there is no page that could.
    """

    def __init__(self, panel: Panel) -> None:
        self.painter: Painter | None = None
        self.apart: list[W.Widget] = []
        self._pictured = panel
        super().__init__(panel)

    def show(self, panel: Panel) -> None:
        """Show another description; what it shares with the one before is not sent again."""
        painting = panel.painting if isinstance(panel, PaintedPanel) else None
        if painting is not None and self.painter is None and possible():
            self._make(painting)
        if self.painter is not None and self.painter.live:
            self.painter.show(painting)
            if painting is not None:
                self.panel = panel
                return
        self.panel = self._pictured
        super().show(panel)
        self._pictured = panel

    def _make(self, painting: Painting) -> None:
        self.painter = Painter(
            painting.links,
            painting.movers,
            on_hello=self._begin,
            on_wait=lambda: self.send_state(("children", "_dom_classes")),  # a page lost the message of `_begin`
            on_cell=lambda cell: self.panel.on_cell and self.panel.on_cell(cell),
            on_place=lambda x, y: self.panel.on_place and self.panel.on_place(x, y),
            on_switch=self._switch,
        )
        self.apart = [self.painter]

    def _switch(self, cell: int) -> None:
        if isinstance(self.panel, PaintedPanel) and self.panel.on_switch is not None:
            self.panel.on_switch(cell)

    def _begin(self) -> None:
        """A page can paint."""
        assert self.painter is not None
        with self.held():
            self.painter.show(self.panel.painting if isinstance(self.panel, PaintedPanel) else None)
            self.add_class("cnnw-paints")
            self.children = [self.painter, *self.children]
            self.apart = []


@dataclass(frozen=True, eq=False)
class Paint:
    """What a view gives so that the page can paint the panels of a layer: as of a `Painting`."""

    numbers: Numbers
    state: Mapping[str, Any]
    links: Mapping[str, Sequence[W.Widget]]
    words: str = ""
    series: Series | None = None
    movers: Mapping[str, Sequence[W.Widget]] = field(default_factory=dict)

    def panel(self, role: str, **options: Any) -> Painting:
        """The painting of one panel."""
        movers = self.movers if role == "grid" else {}  # one painter hears them for the whole card
        whole: dict[str, Any] = {"words": self.words, "series": self.series, "movers": movers, **options}
        return Painting(self.numbers, role, self.state, self.links, **whole)


@dataclass(frozen=True, eq=False)
class PaintedPanel(Panel):
    """A panel with what a page needs to paint it.

    Attributes
    ----------
    painting
        None where the page cannot paint it: then it has a picture alone.
    on_switch
        Called with the number of a map that is pressed with Alt, or chosen when the key x is.
    """

    box: ClassVar[type[PanelBox]] = PaintedBox
    painting: Painting | None = None
    on_switch: Callable[[int], object] | None = None
