"""What stands in the page for a view: title, controls, panels, and the line that says what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import ipywidgets as W

from ...render.static import Card, Panel
from ..panels import Columns
from ..surface import Stage, Text, helped, layout, markup, plain


class Frame:
    """The widgets of a card, from top to bottom.

    Parameters
    ----------
    height : int
        Room in px that the panels take at least, so that nothing below them moves.

    Attributes
    ----------
    parts : list of Widget
        What the view has as its children.
    columns : Columns
        The panels.
    problem : str
        What the error line says; empty for nothing.
    card : Card or None
        What is on the page, without the controls.
    """

    def __init__(self, height: int) -> None:
        self.title, self.columns = plain(Text), Columns(height)
        self.problem, self.card = "", None  # type: str, Card | None
        self.error_line = plain(W.HTML, "", layout=W.Layout(display="none"))
        self._body = plain(W.VBox)
        self._stage = plain(Stage, self._body, layout=layout(display="none"))
        self.columns.held = self._stage.held
        style = plain(W.HTML, helped(markup.STYLE), layout=layout(display="none"))
        self.parts = [style, self._stage, self._body, self.error_line]

    def furnish(self, controls: Sequence[W.Widget]) -> None:
        """Put the controls in rows that wrap between the title and the panels."""
        bar = W.HBox(list(controls), layout=layout(flex_flow="row wrap", align_items="center"))
        self._body.children = [self.title, bar, plain(W.HTML, '<div class="cnnw-rule"></div>'), self.columns]

    def insert(self, part: W.Widget | None) -> None:
        """Put `part` between the controls and the panels, in the place of what was put there before."""
        title, bar, *_, rule, columns = self._body.children
        self._body.children = [title, bar, *([] if part is None else [part]), rule, columns]

    def show(self, panels: Sequence[Panel | Sequence[Panel]], title: Sequence[str], status: str, source: str) -> None:
        """Show panels below a title line; `source`, how they came about, is its tooltip."""
        self.columns.show(panels)
        self.title.value = markup.title(*title, status=status, source=source)
        self.card = Card(" · ".join(filter(None, title)), panels, status)

    def held(self) -> AbstractContextManager[None]:
        """What is written inside appears at the end, together."""
        return self._stage.held()

    def turn(self) -> None:
        """Show the newest of everything."""
        self._stage.turn()

    def say(self, text: str) -> None:
        """One line under the panels, which are marked as stale while it stands there."""
        self.problem = text
        self.error_line.value = markup.error(text)
        self.error_line.layout.display = "" if text else "none"
        (self._body.add_class if text else self._body.remove_class)("cnnw-stale")
