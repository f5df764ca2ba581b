"""The place in a map that a view explains: sliders for its row and its column, and a player that goes through all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W
import traitlets as T

from ...live import Linked
from . import basic as controls
from .guard import Guard
from .ranges import Player

SPEEDS = (1, 2, 5, 10, 20, 30, 60)
"""Steps of the player a second."""

Size = tuple[int, int]


class PlaceControl(W.HBox):
    """Sliders for the traits `row` and `column` of a view and, with `play`, a player for its `position` and `speed`.

    One trait of the view, a `Place`, is the truth; the others follow it, and setting one of them sets it.

    Parameters
    ----------
    view : HasTraits
        Has the traits.
    trait : str
        Name of the `Place`; None in it is the middle of the map.
    size : callable
        Gives (rows, columns) of the map as it is now.
    what : str
        Whose row and column they are, for the tooltips.
    play : bool
        Whether there is a player.
    apart : bool
        Whether its buttons stand elsewhere.

    Attributes
    ----------
    player : Group or None
        The buttons of the player, and how fast it is; the buttons alone where they stand apart.
    """

    player: controls.Group | None = None

    def __init__(
        self,
        view: T.HasTraits,
        trait: str,
        size: Callable[[], Size],
        *,
        what: str,
        play: bool = False,
        apart: bool = False,
    ) -> None:
        self._view: Any = view
        self._trait, self._size = trait, size
        self._following = Guard()
        self._known = size()
        counts = self._counts()
        if not play:
            counts.pop("position")
        self._ranges: dict[str, Any] = dict.fromkeys(counts)
        self._follow()
        for name in ("row", "column"):
            tip = f"{name.capitalize()} of {what}{' (arrow keys work)' if name == 'row' else ''}"
            self._ranges[name] = controls.slider(view, name, maximum=counts[name] - 1, width=110, tip=tip)
        parts = [controls.labelled(name.capitalize(), self._ranges[name]) for name in ("row", "column")]
        if play:
            buttons, speeds = self._player(counts["position"])
            self.player = controls.labelled("Slide", buttons, *([] if apart else [speeds]))
            parts.append(controls.labelled("Speed", speeds) if apart else self.player)
        super().__init__(parts, layout=W.Layout(flex_flow="row wrap", align_items="center", overflow="hidden"))
        self._narrow()
        view.observe(self._placed, trait)
        view.observe(self._moved, list(counts))

    @property
    def ranges(self) -> dict[str, W.Widget]:
        """The controls that are linked to `row`, `column` and, of the player, `position`."""
        return dict(self._ranges)

    @property
    def place(self) -> Size:
        """(row, column): the middle by default, and inside the map in any case."""
        rows, columns = self._size()
        row, column = getattr(self._view, self._trait) or (rows // 2, columns // 2)
        return min(row, rows - 1), min(column, columns - 1)

    def fit(self, *, scaled: bool = False) -> None:
        """Make the controls fit the map, which may be another one, and bring the place inside.

        Parameters
        ----------
        scaled : bool
            Go to the same part of the map, where it has become smaller or larger.
        """
        place, size, known = getattr(self._view, self._trait), self._size(), self._known
        if place is not None:
            if scaled and size != known:  # to the middle of what the pixel covers
                place = tuple(
                    (2 * at + 1) * count // (2 * before) for at, count, before in zip(place, size, known, strict=True)
                )
            inside = tuple(min(at, count - 1) for at, count in zip(place, size, strict=True))
            setattr(self._view, self._trait, inside)
        self._placed()

    def _player(self, places: int) -> tuple[W.Widget, W.Widget]:
        view = self._view
        play = Player(min=0, max=places - 1, value=view.position, layout=W.Layout(width="auto"))
        Linked((view, "position"), (play, "value"))
        T.dlink((view, "speed"), (play, "interval"), transform=lambda speed: round(1000 / speed))
        controls.hint(play, "Slide the window over the input, row by row")
        self._ranges["position"] = play
        speeds = [(f"{speed} a second", speed) for speed in SPEEDS]
        menu = controls.dropdown(view, "speed", speeds, width=110, tip="How fast the window slides")
        return play, menu

    def _counts(self) -> dict[str, int]:
        rows, columns = self._known
        return {"row": rows, "column": columns, "position": rows * columns}

    def _placed(self, change: Any = None) -> None:
        """Have the other traits follow the place, and the ranges the map."""
        self._known = self._size()
        counts = self._counts()
        for name, control in self._ranges.items():
            control.max = max(control.max, counts[name] - 1)  # first wider, so that no link cuts off what is on its way
        self._follow()
        self._narrow()

    def _follow(self) -> None:
        row, column = self.place
        values = {"row": row, "column": column, "position": row * self._known[1] + column}
        with self._following:
            for name in self._ranges:
                setattr(self._view, name, values[name])

    def _narrow(self) -> None:
        counts = self._counts()
        for name, control in self._ranges.items():
            control.max = counts[name] - 1
        for part in (self, self.player):
            if part is not None:
                part.layout.display = "none" if counts["position"] == 1 else ""

    def _moved(self, change: Any) -> None:
        if not self._following:
            view, columns = self._view, self._size()[1]
            moved = change["name"] == "position"
            setattr(view, self._trait, divmod(view.position, columns) if moved else (view.row, view.column))
