"""What a hover will ask for, worked out while nobody moves anything."""

from __future__ import annotations

from typing import Protocol

from ..live import Portions
from ..widgets.state import REST


class Prepared(Protocol):
    """A view that has something to work out ahead."""

    @property
    def closed(self) -> bool:
        """Whether it is on no page any more."""

    @property
    def milliseconds(self) -> float:
        """Since the last drawing began."""

    def lacks(self) -> bool:
        """Whether there is anything to be worked out for what is seen now."""

    def work_ahead(self) -> bool:
        """Work out the next part; whether there is more."""


class Ahead:
    """Has a view work ahead between two cells, a part each; not soon after a drawing, and always for the newest state.

    Parameters
    ----------
    view : Prepared
        Which one.
    """

    def __init__(self, view: Prepared) -> None:
        self._view = view
        self._portions = Portions(self._portion)

    def start(self, *, soon: bool = False) -> bool:
        """Begin when nobody has moved anything for a moment, or `soon`; False without event loop (a script, a test)."""
        started = self._portions.start()
        if started and not soon:
            self._portions.hold()
        return started

    def stop(self) -> None:
        """Work out nothing more."""
        self._portions.stop()

    def _portion(self) -> bool:
        if self._view.closed:
            return False
        if self._view.milliseconds < REST:
            self._portions.hold()
            return True
        return self._view.lacks() and self._view.work_ahead()
