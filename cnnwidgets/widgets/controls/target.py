"""A menu of classes: the most probable first, then every other, or those that are searched for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as W
import traitlets as T

from ..surface import layout, plain
from .basic import hint
from .guard import Guard
from .search import Search

LISTED = 50
"""The menu lists up to this many classes; of more, the best, and those that are searched for."""
NONE = -1
"""What the menu calls None, which a Dropdown takes for no choice at all."""


class TargetMenu(W.HBox):
    """Menu linked to a trait that holds a class number or None, with a search where not all classes fit into it.

    Parameters
    ----------
    view, trait
        What is linked.
    tip : str
        Tooltip of the menu.

    Attributes
    ----------
    menu : Dropdown
        The menu; None is -1 there.
    search : Search
        Lists the classes whose name or number it holds; hidden where the menu lists all.
    """

    def __init__(self, view: T.HasTraits, trait: str, *, tip: str) -> None:
        self._view, self._trait, self._writing = view, trait, Guard()
        self._names: dict[int, str] = {}
        self._best: dict[int, str] = {}
        self._none: str | None = ""
        self.menu = plain(W.Dropdown, options=[("", NONE)], layout=layout(width="190px"))
        tip_of_search = "List the classes whose name or number holds this text"
        self.search = Search("class", "classes", self._take_first, width=90, tip=tip_of_search)
        self.search.layout.display = "none"
        super().__init__([self.menu, self.search], layout=W.Layout(overflow="hidden"))
        hint(self.menu, tip)
        self.menu.observe(self._chosen, "value")
        self.search.observe(lambda change: self._list(), "value")
        view.observe(self._follow, trait)
        self._list()

    def offer(self, names: Mapping[int, str], best: Mapping[int, str] | None = None, *, none: str | None) -> None:
        """Say what there is to choose from.

        Parameters
        ----------
        names : mapping
            Number of each class -> its name.
        best : mapping, optional
            Numbers of the classes that come first -> what stands behind the name, such as `93.1 %`, or nothing.
        none : str or None
            What the choice None is called; None where it cannot be chosen.
        """
        offered = dict(names), dict(best or {}), none
        if offered != (self._names, self._best, self._none):
            self._names, self._best, self._none = offered
            self.search.layout.display = "" if len(names) > LISTED else "none"
            self._list()

    @property
    def found(self) -> list[int]:
        """The classes that are searched for; without a search the best, and all others if they fit into the menu."""
        text = self.search.value.strip().lower()
        if text:
            return [number for number, name in self._names.items() if text in name.lower() or text == str(number)]
        rest = self._names if len(self._names) <= LISTED else {}
        return [number for number in {**self._best, **rest} if number in self._names]

    @property
    def listed(self) -> list[int]:
        """The classes in the menu: the chosen one is always among them."""
        found, chosen = self.found[:LISTED], getattr(self._view, self._trait)
        return found if chosen is None or chosen in found else [chosen, *found]

    def _label(self, number: int) -> str:
        return " · ".join(filter(None, [self._names.get(number, str(number)), self._best.get(number, "")]))

    def _list(self) -> None:
        options = [] if self._none is None else [(self._none, NONE)]
        options += [(self._label(number), number) for number in self.listed]
        wanted = getattr(self._view, self._trait)
        with self._writing, self.menu.hold_sync():  # new options choose the first of them for a moment
            if list(self.menu.options) != options:
                self.menu.options = options
            self.menu.value = NONE if wanted is None else wanted
        self.search.tell(len(self.found))

    def _take_first(self) -> None:
        if self.search.value.strip() and (found := self.found):
            self._view.set_trait(self._trait, found[0])

    def _chosen(self, change: Any) -> None:
        if not self._writing:
            self._view.set_trait(self._trait, None if change["new"] == NONE else change["new"])

    def _follow(self, change: Any) -> None:
        wanted = NONE if change["new"] is None else change["new"]
        if wanted in [number for _, number in self.menu.options]:
            with self._writing:
                self.menu.value = wanted
        else:
            self._list()
