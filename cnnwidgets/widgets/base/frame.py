"""What stands in the page for a view: title, controls, panels, and the line that says what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import ipywidgets as W

from ...render.static import Card, Panel
from .. import controls
from ..painter import possible
from ..panels import Columns
from ..surface import Stage, Text, helped, layout, markup, plain
from .parcel import Parcel


class Frame:
    """The widgets of a card, from top to bottom.

    Parameters
    ----------
    height : int
        Room in px that the panels take at least, so that nothing below them moves.
    code : callable
        Gives the cell that makes what is seen, for who asks for it.
    staying : collection of str
        Keys of the panels that stay longest on a projector.

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
    presents : ToggleButton
        Whether it is set for a projector.
    parcel : Parcel or None
        Takes what is written to the parts; None where there is no page.
    """

    def __init__(self, height: int, code: Callable[[], str], staying: Collection[str] = ()) -> None:
        self.title, self.columns = plain(Text), Columns(height, staying)
        self.columns.add_class("cnnw-columns")
        self.problem, self.card = "", None  # type: str, Card | None
        self.error_line = plain(W.HTML, "", layout=W.Layout(display="none"))
        self._body = plain(W.VBox)
        self._stage = plain(Stage, self._body, layout=layout(display="none"))
        self.parcel = Parcel() if possible() else None
        self._stage.apart = [] if self.parcel is None else [self.parcel]
        self.columns.held = self.held
        style = plain(W.HTML, helped(markup.STYLE), layout=layout(display="none"))
        self.parts = [style, self._stage, self._body, self.error_line]
        self._inserted: dict[str, W.Widget] = {}
        self._code, self._cell = code, None  # type: Callable[[], str], W.HTML | None
        self._asks = plain(W.ToggleButton, description="as code", layout=layout(width="auto"))
        self._asks.add_class("cnnw-as-code")
        controls.hint(self._asks, "The cell that makes what is seen here")
        self._asks.observe(self._asked, "value")
        self.presents = plain(W.ToggleButton, description="present", layout=layout(width="auto"))
        self.presents.add_class("cnnw-present")
        controls.hint(self.presents, "Over the whole window in large type, for a projector; Esc leaves it")

    def furnish(self, bar: Sequence[W.Widget]) -> None:
        """Put the controls in rows that wrap between the title and the panels."""
        row = W.HBox([*bar, self._asks, self.presents], layout=layout(flex_flow="row wrap", align_items="center"))
        row.add_class("cnnw-bar")
        self._body.children = [self.title, row, plain(W.HTML, '<div class="cnnw-rule"></div>'), self.columns]

    def insert(self, part: W.Widget | None, place: str) -> None:
        """Put `part` between the controls and the panels, instead of what was put there under the same `place`."""
        children, before = list(self._body.children), self._inserted.pop(place, None)
        if before is not None:
            children.remove(before)
        if part is not None:
            self._inserted[place] = part
            children.insert(2, part)  # behind title and controls
        self._body.children = children

    def show(self, panels: Sequence[Panel | Sequence[Panel]], title: Sequence[str], status: str, source: str) -> None:
        """Show panels below a title line; `source`, how they came about, is its tooltip."""
        self.columns.show(panels)
        self.title.value = markup.title(*title, status=status, source=source)
        self.card = Card(" · ".join(filter(None, title)), panels, status)
        self._write()

    def together(self) -> AbstractContextManager[None]:
        """What is written inside goes in one message at the end, where the page hands it on."""
        return nullcontext() if self.parcel is None else self.parcel.filled()

    def held(self) -> AbstractContextManager[None]:
        """What is written inside appears at the end, together."""
        return self._stage.held() if self.parcel is None else self._in_one(self.parcel)

    @contextmanager
    def _in_one(self, parcel: Parcel) -> Iterator[None]:
        with parcel.filled(), self._stage.held(at_once=parcel.live):
            yield

    def turn(self) -> None:
        """Show the newest of everything."""
        self._stage.turn()

    def say(self, text: str) -> None:
        """One line under the panels, which are marked as stale while it stands there."""
        self.problem = text
        self.error_line.value = markup.error(text)
        self.error_line.layout.display = "" if text else "none"
        (self._body.add_class if text else self._body.remove_class)("cnnw-stale")

    def _asked(self, change: Any) -> None:
        """Show the cell below the panels, or take it away; it is made when it is first asked for."""
        if self._cell is None:
            self._cell = plain(W.HTML, layout=W.Layout(display="none"))
            self._body.children = [*self._body.children, self._cell]
        self._cell.layout.display = "" if self._asks.value else "none"
        self._write()

    def _write(self) -> None:
        """Have the cell follow what is seen, where it is open."""
        if self._cell is not None and self._asks.value:
            self._cell.value = markup.code(self._code())
