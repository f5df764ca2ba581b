"""The other views below the overview, as tabs: each is made when its tab is first opened, and follows the overview."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

import ipywidgets as W

from ..compute.scan import Scan
from ..views import (
    ActivationView,
    AttributionView,
    ConvolutionView,
    ExamplesView,
    FilterView,
    InterventionView,
    MaximizeView,
    OcclusionView,
    ReceptiveFieldView,
)
from ..widgets import controls
from ..widgets.base import ImageView, ModelView
from ..widgets.controls import Guard
from ..widgets.surface import layout, markup, plain

log = logging.getLogger("cnnwidgets")

Place = TypeVar("Place", bound=Hashable)


class Tab(NamedTuple):
    """A view below the overview.

    Attributes
    ----------
    label : str
        What its tab says.
    make : type
        Class of the view.
    linked : mapping
        Trait of the overview -> trait of the view that is the same.
    """

    label: str
    make: Callable[..., ModelView]
    linked: Mapping[str, str]


KEPT = 200
"""Places that are remembered."""


class History(Generic[Place]):
    """Places in the order in which they were looked at, and where one now is among them.

    Examples
    --------
    >>> history = History[str]()
    >>> for place in ("conv1", "relu", "relu", "fc"):
    ...     history.visit(place)
    >>> history.back(), history.back(), history.back()
    ('relu', 'conv1', None)
    >>> history.forward()
    'relu'
    """

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._at = -1

    def visit(self, place: Place) -> None:
        """Look at a place; from there, nothing lies ahead. The one that is looked at already is no new one."""
        if self._at >= 0 and self._places[self._at] == place:
            return
        self._places = [*self._places[: self._at + 1], place][-KEPT:]
        self._at = len(self._places) - 1

    @property
    def behind(self) -> bool:
        """Whether there is a place to go back to."""
        return self._at > 0

    @property
    def ahead(self) -> bool:
        """Whether there is a place to go forward to."""
        return self._at < len(self._places) - 1

    def back(self) -> Place | None:
        """Go back; None where nothing lies behind."""
        return self._go(-1) if self.behind else None

    def forward(self) -> Place | None:
        """Go forward; None where nothing lies ahead."""
        return self._go(1) if self.ahead else None

    def _go(self, step: int) -> Place:
        self._at += step
        return self._places[self._at]


_LAYER = {"index": "index", "layer": "layer", "main_layers": "main_layers"}
_PLACE = _LAYER | {"channel": "channel"}
TABS = {
    "maps": Tab("Maps", ActivationView, _PLACE),
    "examples": Tab("Examples", ExamplesView, _PLACE),
    "filters": Tab("Filters", FilterView, {"index": "index", "layer": "layer", "channel": "filter"}),
    "convolution": Tab("Convolution", ConvolutionView, _PLACE),
    "field": Tab("Receptive field", ReceptiveFieldView, _PLACE),
    "occlusion": Tab("Occlusion", OcclusionView, {"index": "index", "target": "target"}),
    "intervention": Tab("Intervention", InterventionView, _PLACE),
    "attribution": Tab("Attribution", AttributionView, _LAYER | {"target": "target"}),
    "optimised": Tab("Optimised", MaximizeView, {name: name for name in ("layer", "main_layers", "channel")}),
}


class Tabs(W.VBox):
    """A row of tabs, and the view of the one that is open.

    Parameters
    ----------
    view : ModelView
        The overview: has the traits that the views are linked to, `tab` and `subject`.
    back, forward : callable
        Called by the buttons at the end of the row.

    Attributes
    ----------
    made : dict
        The views that were opened, by the names of their tabs.
    """

    def __init__(self, view: Any, back: Callable[[], object], forward: Callable[[], object]) -> None:
        self._view = view
        self.made: dict[str, ModelView] = {}
        self._scan: Scan | None = None
        self._moving = Guard()
        self._open = ""
        options = [(tab.label, name) for name, tab in TABS.items()]
        self.row = W.ToggleButtons(options=options, value=None, layout=W.Layout(width="auto"))
        self.row.add_class("cnnw-tabs")
        self.row.observe(self._pressed, "value")
        self._back = controls.button("←", back, width=34, tip="Back to what was looked at before (Alt+←)")
        self._forward = controls.button("→", forward, width=34, tip="Forward again (Alt+→)")
        self.says = plain(W.HTML, "", layout=W.Layout(display="none"))
        self._row = W.HBox([self.row, self._back, self._forward], layout=layout(flex_flow="row wrap"))
        super().__init__([self._row, self.says])
        self.add_class("cnnw-below")

    @property
    def apart(self) -> list[ModelView]:
        """The views that are not seen now: they are closed with the rest."""
        return list(self.made.values())

    def pick_by(self, scan: Scan) -> None:
        """Hand a scan on to the views that take one, also to those whose tabs are opened later."""
        self._scan = scan
        for view in self.made.values():
            self._hand_on(view)

    def can_go(self, back: bool, forward: bool) -> None:
        """Which of the buttons lead somewhere."""
        self._back.disabled, self._forward.disabled = not back, not forward

    def show(self, name: str) -> None:
        """Open a tab; with no name, close the one that is open."""
        if name == self._open and (not name or name in self.made):
            return
        self._open = name
        with self._moving:
            self.row.value = name or None
        self.push()

    def push(self) -> None:
        """Have the view that is open look at what the overview looks at; say why, where it cannot."""
        problem = ""
        try:
            if found := self.made.get(self._open):
                with self._moving, found.hold_trait_notifications():
                    for name, value in self._wanted().items():
                        setattr(found, name, value)
            elif self._open:
                self._make()
        except Exception as error:  # a view that cannot show this layer: the others can
            log.info("%s cannot be shown", self._open, exc_info=True)
            problem = markup.in_words(error)
        self._seen(problem)

    def _wanted(self) -> dict[str, Any]:
        return {theirs: getattr(self._view, ours) for ours, theirs in TABS[self._open].linked.items()}

    def _make(self) -> None:
        tab = TABS[self._open]
        found = self.made[self._open] = tab.make(self._view.subject, **self._wanted())
        found.observe(self._pull, list(tab.linked.values()))
        self._hand_on(found)

    def _hand_on(self, view: ModelView) -> None:
        if self._scan is not None and isinstance(view, ImageView):
            with suppress(ValueError):  # of weights that have changed meanwhile
                view.pick_by(self._scan)

    def _seen(self, problem: str) -> None:
        """Show the view that is open, or why it cannot be shown."""
        found = self.made.get(self._open)
        shown = [] if found is None or problem else [found]
        self.says.value = markup.note(problem) if problem else ""
        self.says.layout.display = "" if problem else "none"
        children = [self._row, self.says, *shown]
        if list(self.children) != children:  # type: ignore[has-type]
            self.children = children

    def _pressed(self, change: Any) -> None:
        if not self._moving:
            self._view.tab = change["new"] or ""

    def _pull(self, change: Any) -> None:
        """Have the overview look at what the open view looks at."""
        found = self.made.get(self._open)
        if self._moving or change["owner"] is not found:  # one that is not open is moved by nobody who sees it
            return
        linked = TABS[self._open].linked
        with self._moving:
            try:
                with self._view.hold_trait_notifications():
                    for ours, theirs in linked.items():
                        setattr(self._view, ours, getattr(found, theirs))
            except (LookupError, ValueError, TypeError):  # in the middle of a move: the next one fits
                log.debug("the overview cannot follow", exc_info=True)
