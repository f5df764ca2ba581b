"""A panel on the page: shows a description, sends only what has changed, and passes on what the mouse does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import ClassVar

import ipywidgets as W
import numpy as np
from markupsafe import escape

from ...render import encode_png
from ...render.static import Panel
from ...render.text import ink
from ..surface import PixelFigure, Swapped, Text, close_tree, layout, markup, plain
from .column import GRID, CardPanel

STACKED = 10
"""In a narrow panel, labels of more characters than this stand above their bars."""
NARROW = 240
"""Width in px below which a panel is narrow."""


class PanelBox(CardPanel):
    """Shows a `Panel` on the page.

    A kind of panel that needs a widget of its own derives from `Panel`, and names in `box` what derives from this
    class and overrides `show_picture` or `show`.

    Parameters
    ----------
    panel : Panel
        What is shown first.

    Attributes
    ----------
    panel : Panel
        What is shown.
    figure : PixelFigure or None
        The picture that answers the mouse; None for one that does not, and for a panel without a picture.
    picture : Swapped or None
        The picture that does not.
    heading, below : Text
        What stands above and below it.
    """

    held: Callable[[], AbstractContextManager[None]] = nullcontext
    """What is written inside of it appears together; what shows the box sets it."""
    headed: ClassVar[bool] = True
    """Whether the heading has a widget of its own."""

    def __init__(self, panel: Panel) -> None:
        self.panel: Panel = panel
        self._sent = panel
        self.figure: PixelFigure | None = None
        self.picture: Swapped | None = None
        # without a heading it would still have its margins
        self.heading = plain(Text) if panel.heading and self.headed else plain(Text, layout=layout(display="none"))
        self.below = plain(Text)
        self._fresh = True
        super().__init__(panel.width, self.heading, *panel.controls, self.below)
        if panel.width >= GRID:
            self.add_class("cnnw-many")
        self.show(panel)

    def show(self, panel: Panel) -> None:
        """Show another description; what it shares with the one before is not sent again."""
        before, self.panel = self._sent, panel
        if (panel is before or panel.resting) and not self._fresh:
            return
        self._sent = panel
        self.heading.value = self.heading_of(panel)
        if self._fresh or panel.room != before.room:
            self.layout.min_height = f"{panel.room}px" if panel.room else None
        self.show_picture(panel, before)
        self.below.value = self.text(panel)
        self._fresh = False

    def heading_of(self, panel: Panel) -> str:
        """HTML of the heading; empty for none."""
        name, *parts = panel.heading.split(" · ")
        return markup.heading(name, *parts, panel.hint) if panel.heading else ""

    def show_picture(self, panel: Panel, before: Panel) -> None:
        """Show the picture of `panel`, where `before` is there."""
        if panel.pixels is None:
            if self.figure is not None:
                self.figure.blank()
            if self.picture is not None:
                self.picture.put(None)
        elif self.figure is not None or _answers(panel):
            self._show_figure(panel, before)
        else:
            self._show_plain(panel, before)

    def text(self, panel: Panel) -> str:
        """HTML of what stands below the picture."""
        width = self.figure.shown_width if self.figure is not None and panel.pixels is not None else panel.width
        parts: list[str] = []
        if panel.colorbar:
            parts.append(markup.colorbar(*panel.colorbar, width))
        if panel.bars:
            rows, texts = [bar[:2] for bar in panel.bars], [bar[2] for bar in panel.bars]
            stack = STACKED if panel.width < NARROW else np.inf
            parts.append(markup.bars(rows, texts, 1.0, stack=stack, chosen=panel.chosen, truth=panel.truth))
        parts.append(lines_html(panel.lines, panel.dots))
        html = "".join(parts)
        if self.figure is not None and panel.pixels is None:  # in place of the picture, which keeps its room
            html = f'<div class="cnnw-instead" style="--cnnw-room:{self.figure.room}px">{html}</div>'
        return html

    def _show_figure(self, panel: Panel, before: Panel) -> None:
        figure, new = self.figure, self.figure is None
        if figure is None:
            figure = self.figure = self._make_figure(panel)
        if panel.sizes and (new or panel.sizes != before.sizes):
            figure.reserve(panel.sizes)
        pixels = panel.pixels
        assert pixels is not None
        same = not new and pixels is before.pixels and panel.palette is before.palette
        if not same:
            figure.show(pixels, panel.palette)
        figure.cells(panel.cells, self._described)
        if panel.texts or before.texts:
            drawn = panel.drawn()
            assert drawn is not None
            figure.write(panel.texts, [[ink(color) for color in row] for row in drawn] if panel.texts else [])
        if new or panel.flags != before.flags:
            figure.flag(panel.flags)
        if not same or panel.marks != before.marks:
            figure.frame(*(panel.marks or (None,)))

    def _make_figure(self, panel: Panel) -> PixelFigure:
        figure = PixelFigure(panel.width, panel.scrolls or panel.width, fit=panel.scrolls is None)
        figure.on_cell(lambda cell: self.panel.on_cell and self.panel.on_cell(cell))
        if panel.on_hover is not None:
            figure.on_hover(lambda cell: self.panel.on_hover and self.panel.on_hover(cell))
        figure.on_click(lambda x, y: self.panel.on_place and self.panel.on_place(x, y))
        if panel.drag:
            figure.on_drag(lambda x, y: self.panel.on_place and self.panel.on_place(x, y))
        self._insert(figure)
        return figure

    def _show_plain(self, panel: Panel, before: Panel) -> None:
        if self.picture is None:
            look = {"flex": "0 0 auto", "align_self": "flex-start", "margin": "3px 3px 8px"}
            photo = ["cnnw-photo"] if panel.palette is None else []  # its colours mean what they are
            self.picture, before = Swapped(look, "cnnw-input", *photo), Panel("")
            self._insert(*self.picture.pictures)
        if panel.pixels is before.pixels and panel.palette is before.palette:
            return
        pixels = panel.pixels
        assert pixels is not None
        self.picture.put(encode_png(pixels, panel.palette))
        width, height = panel.size
        self.picture.layout.width, self.picture.layout.height = f"{width}px", f"{height}px"

    def _insert(self, *parts: W.Widget) -> None:
        """Put a picture between what stands above and below it."""
        above: list[W.Widget] = list(self.children)[:-1]  # type: ignore[has-type]
        self.children = [*above, *parts, self.below]

    def _described(self, cell: int) -> str:
        return "" if self.panel.describe is None else escape(self.panel.describe(cell))


def _answers(panel: Panel) -> bool:
    """Whether a picture answers the mouse, or has something drawn over it."""
    answers = panel.on_cell or panel.on_place or panel.on_hover
    return bool(panel.cells or answers or panel.marks or panel.flags or panel.texts)


def lines_html(lines: Sequence[str | tuple[str, str]], dots: Sequence[str] = ()) -> str:
    """Lines of a panel as HTML: pairs of label and value aligned, dots before them as in a legend."""
    if dots:
        texts = [line if isinstance(line, str) else f"{line[0]} {line[1]}" for line in lines]
        return markup.dotted(zip(texts, dots, strict=True))
    parts = []
    for single, group in groupby(lines, lambda line: isinstance(line, str)):
        rows = list(group)
        parts.append("".join(map(markup.note, rows)) if single else markup.facts(rows))  # type: ignore[arg-type]
    return "".join(parts)


class Columns(W.HBox):
    """The panels of a view side by side; a sequence of panels is a column. They wrap where the cell is narrow.

    Parameters
    ----------
    height : int
        Room in px that they take at least, so that nothing below them moves.
    staying : collection of str
        Keys of those that stay longest where there is no room for all.
    """

    held: Callable[[], AbstractContextManager[None]] = nullcontext
    """As of each box."""

    def __init__(self, height: int = 0, staying: Collection[str] = ()) -> None:
        self.boxes: dict[str, PanelBox] = {}
        self._staying = staying
        self._places: list[list[str]] = []
        self._stacks: dict[tuple[str, ...], W.VBox] = {}
        look = W.Layout(flex_flow="row wrap", align_items="flex-start", min_height=f"{height}px")
        super().__init__([], layout=look)

    def ready(self, panels: Sequence[Panel]) -> None:
        """Make the boxes of panels that may be shown later; the page hears of them, and shows none."""
        for panel in panels:
            if panel.key not in self.boxes:
                self.boxes[panel.key] = box = getattr(panel, "box", PanelBox)(panel)
                box.held = self.held

    @property
    def apart(self) -> list[W.Widget]:
        """The boxes that stand in the page later, or did before: they go with the others."""
        shown = self.shown
        return [box for key, box in self.boxes.items() if key not in shown]

    @property
    def shown(self) -> dict[str, PanelBox]:
        """The boxes that are on the page, by key."""
        return {key: self.boxes[key] for place in self._places for key in place}

    def show(self, panels: Sequence[Panel | Sequence[Panel]]) -> None:
        """Show descriptions. Each goes to the box that showed the one of the same `key`, or place, before."""
        places: list[list[str]] = []
        for across, item in enumerate(panels):
            column = [item] if isinstance(item, Panel) else list(item)
            places.append([])
            for down, panel in enumerate(column):
                key = panel.key or f"{across}.{down}"
                if key in places[-1] or any(key in place for place in places[:-1]):
                    raise ValueError(f"two panels have the key {key!r}")
                places[-1].append(key)
                box = self.boxes.get(key)
                if box is None:
                    self.boxes[key] = box = getattr(panel, "box", PanelBox)(panel)
                    box.held = self.held
                    if key in self._staying:
                        box.add_class("cnnw-stays")
                else:
                    box.show(panel)
        if places != self._places:
            self._places = places
            self.children = [self._stacked(place) for place in places if place]

    def _stacked(self, place: list[str]) -> W.Widget:
        if len(place) == 1:
            return self.boxes[place[0]]
        names = tuple(place)
        if names not in self._stacks:  # and kept: the page may be about to show one that is closed meanwhile, and fails
            look = {"layout": W.Layout(flex="0 0 auto"), "_dom_classes": ("cnnw-stack",)}
            self._stacks[names] = W.VBox([self.boxes[key] for key in place], **look)
        return self._stacks[names]

    def close(self) -> None:
        """Close every box, also those that are not shown now."""
        for box in (*self.boxes.values(), *self._stacks.values()):
            if box.comm is not None:
                close_tree(box)
        super().close()
