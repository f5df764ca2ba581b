"""LayerPicker: slider and menu of layers in the order they run: the main ones, a kind of them, or what is typed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from html import escape
from typing import Any

import ipywidgets as W
import traitlets as T

from ...compute.layers import Layer, LayerTable
from ...live import Linked
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
LATER = ("all", "operations")
"""Kinds that can be chosen before there is a layer of them: operations are known once somebody asks for them."""
LEFT_OUT = "those that repeat another, only move numbers, compute on weights or are no picture"
"""Layers that are no main ones."""


class LayerPicker(W.HBox):
    """Chooses a layer of a table; `value` is its name, linked to a trait of a view.

    It offers the main layers, or all, as the trait `main_layers` of the view says. Narrowing the list never changes the
    choice: the chosen layer stays in it.

    Parameters
    ----------
    view : HasTraits
        The view, and
    trait : str
        its trait, which `value` is linked to.
    table : LayerTable
        What can be chosen.
    main : collection of str, optional
        Names of the main layers; by default, and where the table has none of them, all.
    wanted : callable, optional
        Called when somebody narrows the list, or asks for all: all that there is should be in it, by `update`, now or
        soon.
    """

    value = T.Unicode()
    main_layers = T.Bool(True)

    def __init__(
        self,
        view: T.HasTraits,
        trait: str,
        table: LayerTable,
        *,
        main: Collection[str] = (),
        wanted: Callable[[], object] = lambda: None,
    ) -> None:
        self._wanted = wanted
        self._writing = Guard()
        self._every: list[Layer] = []
        self._main: list[Layer] = []
        self._untraced = ""  # why operations are not known
        self._names: set[str] = set()  # of those that were found when the list was made
        self._slider = plain(Options, options=[""], readout=False, layout=layout(width="150px"))
        self._menu = plain(W.Dropdown, options=[""], layout=W.Layout(width=f"{MENU[0]}px"))
        self._kind = plain(W.Dropdown, options=list(KINDS), layout=W.Layout(width="116px"))
        tip = "List only layers whose name or type holds this text"
        self._search = Search("layer", "layers", self._to_first, width=110, tip=tip)
        self._note = plain(W.HTML)
        self._box: W.Checkbox | None = None  # made when there are layers to leave out
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
        if view.has_trait("main_layers"):
            Linked((view, "main_layers"), (self, "main_layers"))
        self.update(table, main)
        for control in (self._slider, self._menu):
            control.observe(self._chosen, "value")
        for control in (self._kind, self._search):
            control.observe(self._narrowed, "value")
        self.observe(self._narrowed, "main_layers")
        Linked((view, trait), (self, "value"))

    def update(self, table: LayerTable, main: Collection[str] = ()) -> None:
        """Show another table, of which the layers in `main` are the main ones; the choice stays."""
        self._every, main = list(table.showable), frozenset(main)
        self._main = [row for row in self._every if row.name in main] or self._every
        many = len(self._every) > MANY
        longest = max((len(layer.label) for layer in self._every), default=0)
        self._menu.layout.width = f"{min(max(MENU[0], 7 * longest + 40), MENU[1])}px"
        mixed = not all(KINDS["convolutions"](layer) for layer in self._every)
        self._search.layout.display = "" if many else "none"
        self._kind.layout.display = "" if many and mixed else "none"
        self._untraced = table.note
        self._list()

    @property
    def pickers(self) -> list[W.Widget]:
        """Slider and menu."""
        return [self._slider, self._menu]

    @property
    def offered(self) -> list[Layer]:
        """The main layers, or all, in the order they run."""
        return self._main if self.main_layers else self._every

    @property
    def found(self) -> list[Layer]:
        """Those of them of the kind and the text that are searched for, in the order they run."""
        return self._within(self.offered)

    @property
    def listed(self) -> list[Layer]:
        """The layers that are listed now, in the order they run."""
        return [row for row in self._every if row.name == self.value or row.name in self._names]

    def _within(self, rows: list[Layer]) -> list[Layer]:
        """Those of some layers of the kind and the text that are searched for."""
        wanted, text = KINDS[self._kind.value], self._search.value.strip().lower()
        return [row for row in rows if wanted(row) and text in row.label.lower()]

    def _to_first(self) -> None:
        if self._search.value.strip() and (found := self.found):
            self.value = found[0].name

    def _offer_kinds(self) -> None:
        """Offer the kinds of which there are layers."""
        if self._kind.layout.display:
            return
        kinds = [kind for kind, within in KINDS.items() if kind in LATER or any(map(within, self.offered))]
        if kinds != list(self._kind.options):
            kind = self._kind.value
            with self._writing:
                self._kind.value = kinds[0]
                self._kind.options = kinds  # which chooses the first
                self._kind.value = kind if kind in kinds else kinds[0]

    def _offer_all(self) -> None:
        """Offer to list all layers, where some are left out, and say how many, and why operations are missing."""
        main, every = len(self._main), len(self._every)
        if self._box is None and main < every:
            look = W.Layout(width="112px", margin="0 0 0 8px")
            self._box = plain(W.Checkbox, description="main layers", indent=False, layout=look)
            Linked((self, "main_layers"), (self._box, "value"))
            self.children = [*self.children[:-1], self._box, self._note]  # type: ignore[has-type]
        if self._box is not None:
            self._box.layout.display = "" if main < every else "none"
        notes = []
        if main < every:
            ticked = f"{main:,} of {every:,} layers: without {LEFT_OUT}; untick to list all"
            tip = ticked if self.main_layers else f"all {every:,} layers; tick to list {main:,} of them"
            hint(self._box, tip)  # a page of ipywidgets 8 shows none of a box with a text
            notes.append((f"{main:,} of {every:,}" if self.main_layers else f"all {every:,}", tip))
        if self._untraced:
            notes.append(("modules only: cannot be traced", self._untraced))
        said = [f'<span class="cnnw-quiet" title="{escape(tip)}">{words}</span>' for words, tip in notes]
        self._note.value = " · ".join(said)

    def _list(self) -> None:
        self._offer_kinds()
        self._offer_all()
        self._names = {row.name for row in self.found}
        options = [(row.label, row.name) for row in self.listed]
        with self._writing:  # new options choose the first of them for a moment
            for control in (self._slider, self._menu):
                if list(control.options) != options:
                    if options and (control.index or 0) >= len(options):
                        control.index = 0  # else the page takes the last option, and says that it was chosen
                    control.options = options
                if any(name == self.value for _, name in options):  # not yet, while the choice is on its way here
                    control.value = self.value
        self._search.tell(len(self._names), 0 if self._names else len(self._within(self._every)))

    def _narrowed(self, change: Any) -> None:
        if not self._writing:
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
        """Show the choice in the list as it is; False where it is not listed, or one is only because it was chosen."""
        if self.value not in self._names or len(self._menu.options) != len(self._names):
            return False
        with self._writing:
            self._slider.value = self._menu.value = self.value
        return True
