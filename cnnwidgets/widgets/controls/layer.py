"""LayerPicker: slider and menu of layers in the order they run, narrowed by kind and by what is typed."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as W
import traitlets as T

from ...compute.layers import Layer, LayerTable
from ..surface import layout, plain
from .basic import hint, named
from .guard import Guard
from .ranges import Options
from .search import Search

MENU = (280, 344)
"""Least and largest width of the menu, in px; between them it has room for its longest name."""
MANY = 16
"""With more layers than this, the menu of kinds and the search box appear."""

KINDS = {
    "all": lambda layer: True,
    "convolutions": lambda layer: layer.type.startswith("Conv"),
    "leaves": lambda layer: layer.leaf and not layer.operation,
    "blocks": lambda layer: not layer.leaf,
    "operations": lambda layer: layer.operation,
}


class LayerPicker(W.HBox):
    """Chooses a layer of a table; `value` is its name, linked to a trait of a view.

    Narrowing the list never changes the choice: the chosen layer stays in it.

    Parameters
    ----------
    view : HasTraits
        The view, and
    trait : str
        its trait, which `value` is linked to.
    table : LayerTable
        What can be chosen.
    wanted : callable, optional
        Called when somebody narrows the list: all that there is should be in it, by `update`, now or soon.
    """

    value = T.Unicode()

    def __init__(
        self, view: T.HasTraits, trait: str, table: LayerTable, *, wanted: Callable[[], object] = lambda: None
    ) -> None:
        self._wanted = wanted
        self._writing = Guard()
        self._table = table
        self._slider = plain(Options, options=[""], readout=False, layout=layout(width="150px"))
        self._menu = plain(W.Dropdown, options=[""], layout=W.Layout(width=f"{MENU[0]}px"))
        self._kind = plain(W.Dropdown, options=list(KINDS), layout=W.Layout(width="116px"))
        tip = "List only layers whose name or type holds this text"
        self._search = Search("layer", "layers", self._to_first, width=110, tip=tip)
        self._note = plain(W.HTML)
        super().__init__(
            [self._slider, self._menu, self._kind, self._search, self._note],
            layout=layout(flex_flow="row wrap", align_items="center", overflow="hidden"),
        )
        hint(self._slider, "Layer, in the order they run (arrow keys work)")
        hint(self._menu, "Choose a layer by name")
        hint(self._kind, "List only layers of this kind")
        named(self._kind, "Kind of layers")
        with self._writing:
            self.value = getattr(view, trait)
        self.update(table)
        for control in (self._slider, self._menu):
            control.observe(self._chosen, "value")
        for control in (self._kind, self._search):
            control.observe(self._narrowed, "value")
        T.link((view, trait), (self, "value"))

    def update(self, table: LayerTable) -> None:
        """Show another table; the choice stays."""
        self._table = table
        many = len(table.showable) > MANY
        longest = max((len(layer.label) for layer in table.showable), default=0)
        self._menu.layout.width = f"{min(max(MENU[0], 7 * longest + 40), MENU[1])}px"
        mixed = not all(KINDS["convolutions"](layer) for layer in table.showable)
        self._search.layout.display = "" if many else "none"
        self._kind.layout.display = "" if many and mixed else "none"
        self._note.value = (
            f'<span class="cnnw-quiet" title="{escape(table.note)}">modules only: cannot be traced</span>'
            if table.note
            else ""
        )
        self._list()

    @property
    def found(self) -> list[Layer]:
        """The layers of the kind and the text that are searched for, in the order they run."""
        wanted, text = KINDS[self._kind.value], self._search.value.strip().lower()
        return [row for row in self._table.showable if wanted(row) and text in row.label.lower()]

    @property
    def listed(self) -> list[Layer]:
        """The layers that are listed now, in the order they run."""
        found = {row.name for row in self.found}
        return [row for row in self._table.showable if row.name == self.value or row.name in found]

    def _to_first(self) -> None:
        if self._search.value.strip() and (found := self.found):
            self.value = found[0].name

    def _list(self) -> None:
        options = [(row.label, row.name) for row in self.listed]
        with self._writing:  # new options choose the first of them for a moment
            for control in (self._slider, self._menu):
                if list(control.options) != options:
                    if options and (control.index or 0) >= len(options):
                        control.index = 0  # else the page takes the last option, and says that it was chosen
                    control.options = options
                if any(name == self.value for _, name in options):  # not yet, while the choice is on its way here
                    control.value = self.value
        self._search.tell(len(self.found))

    def _narrowed(self, change: Any) -> None:
        self._wanted()
        self._list()

    def _chosen(self, change: Any) -> None:
        if not self._writing and change["new"]:
            self.value = change["new"]

    @T.observe("value")
    def _show(self, change: Any) -> None:
        if not self._writing and not self._chose():
            self._list()

    def _chose(self) -> bool:
        """Show the choice in the list as it is; False where it is not listed, or only because it was the choice."""
        names = [name for _, name in self._menu.options]
        if self.value not in names or len(names) != len(self._table.showable):
            return False
        with self._writing:
            self._slider.value = self._menu.value = self.value
        return True
