"""When the operations of a network come into the menu of layers of a view: not before its first picture."""

from __future__ import annotations

import logging
from typing import Protocol

from ...live import Newest, Portions, weakly
from .subject import Snapshot

log = logging.getLogger("cnnwidgets")


REST = 300.0
"""So many milliseconds after a drawing began, nobody seems to be moving the view."""


class Listing(Protocol):
    """A view with a menu of layers."""

    snapshot: Snapshot

    @property
    def closed(self) -> bool:
        """Whether it is on no page any more."""

    @property
    def milliseconds(self) -> float:
        """Since the last drawing began."""

    def list_layers(self) -> None:
        """Have the menu list what is known."""


class Operations:
    """Finds the operations of the network that a view looks at, between two cells, and has them listed.

    A trace, and then the pass that checks it, are a portion each: neither runs beside a cell or a drawing, nor soon
    after one.

    Parameters
    ----------
    view : Listing
        Whose menu it is.
    """

    def __init__(self, view: Listing) -> None:
        self._view = view
        self._portions = Portions(self._portion)
        self._asked = Newest(weakly(self._found))

    def start(self) -> None:
        """Find them in a moment, where there is an event loop (in a script, a test, they are found when asked for)."""
        if self._portions.start():
            self._portions.hold()

    def stop(self) -> None:
        """Find nothing any more."""
        self._portions.stop()
        self._asked.cancel()

    def wanted(self) -> None:
        """Somebody searches the menu: find them at once, or when the present cell has ended."""
        if not self._view.snapshot.traced:
            self._asked.request()

    def find(self) -> None:
        """Find them now, and have them listed; raises what goes wrong."""
        _ = self._view.snapshot.table
        self._view.list_layers()

    def _found(self) -> bool:
        """Find them, unless the view is gone; what goes wrong is told to whom asks for an operation by name."""
        if not self._view.closed:
            try:
                self.find()
            except Exception:
                log.exception("the operations of the network could not be found")
        return False

    def _portion(self) -> bool:
        if self._view.milliseconds < REST:
            self._portions.hold()
            return True
        return True if self._view.snapshot.trace() else self._found()
