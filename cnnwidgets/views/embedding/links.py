"""Views whose chosen image, or channel, goes with the chosen point."""

from __future__ import annotations

from typing import Any

import traitlets as T

POINTS = {"images": "index", "channels": "channel"}
"""What points can be, and the trait of other views that chooses one."""


class Links:
    """The views that are joined to one with the traits `points`, `selected` and `layer`."""

    def __init__(self, view: Any) -> None:
        self._view = view
        self._joined: list[tuple[T.HasTraits, Any, list[str]]] = []

    def add(self, other: Any) -> None:
        """Join another view; raises TypeError where it has nothing to choose."""
        if not isinstance(other, T.HasTraits) or not any(map(other.has_trait, POINTS.values())):
            raise TypeError(f"{other!r:.60} has no index and no channel to link")

        def back(change: Any) -> None:
            if change["name"] == POINTS[self._view.points]:
                self._view.selected = change["new"]

        names = [trait for trait in POINTS.values() if other.has_trait(trait)]
        other.observe(back, names)
        self._joined.append((other, back, names))

    def follow(self) -> None:
        """Have the others choose what is selected."""
        view, trait = self._view, POINTS[self._view.points]
        for other, _, _ in self._joined:
            if not other.has_trait(trait) or getattr(other, trait) == view.selected:
                continue
            if trait == "channel" and other.has_trait("layer"):
                other.set_trait("layer", view.layer)
            other.set_trait(trait, view.selected)

    def clear(self) -> None:
        """Leave the others to themselves."""
        for other, back, names in self._joined:
            other.unobserve(back, names)
        self._joined.clear()
