"""Panels that the page draws itself, where it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import ipywidgets as W

from ...render import encode_png
from ...render.static import Panel
from ..painter import Numbers, Painter, Painting, Series, possible
from ..surface import Scripted, Swapped, layout
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
    name: str = ""

    def panel(self, role: str, **options: Any) -> Painting:
        """The painting of one panel."""
        movers = self.movers if role == "grid" else {}  # one painter hears them for the whole card
        whole: dict[str, Any] = {"words": self.words, "series": self.series, "movers": movers, "name": self.name}
        whole |= options
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


class ScriptedBox(PanelBox):
    """A panel that JavaScript of its own shows, as wide as the page lets it be; a picture where no page can.

    A class derived from it says what runs there and what that is told.

    Attributes
    ----------
    script : Scripted or None
        Shows the panel; None where there is no page that could.
    """

    def __init__(self, panel: Panel) -> None:
        self.script = self.make_script(panel) if possible() else None
        super().__init__(panel)
        self.layout.width, self.layout.min_width, self.layout.flex = "auto", "0", "1 1 420px"
        self.layout.padding = "0"
        self.heading.layout = layout(display="none")
        if self.script is not None:
            self._insert(self.script)

    def make_script(self, panel: Panel) -> Scripted:
        """The widget that shows the panel."""
        raise NotImplementedError

    def tell(self, panel: Panel) -> None:
        """Have it show another description."""
        raise NotImplementedError

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """Have the page show the panel, or show it as a picture."""
        if self.script is not None:
            self.tell(panel)
            return
        if self.picture is None:
            self.picture = Swapped({"flex": "0 1 auto", "align_self": "flex-start", "max_width": "100%"}, "cnnw-photo")
            self._insert(*self.picture.pictures)
        drawn = panel.drawn()
        assert drawn is not None
        self.picture.put(encode_png(drawn))
