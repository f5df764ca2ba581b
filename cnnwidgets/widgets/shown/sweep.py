"""A view taken through its states, and what it shows in each: a part of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from ...compute.core import Bar, unknown
from ...files import parsed_bytes, readable
from ...render.document import Section
from ...render.static import Card, Moves, Page, Painted, Paints, Panel
from ..painter import Painting, painted, paints
from ..panels import PaintedPanel
from ..state import kept
from ..surface import markup, tree


class Exportable(Protocol):
    """What a view offers so that its states can be written to a page; `ModelView` does."""

    sliders: ClassVar[dict[str, str]]
    painted: ClassVar[Sequence[str]]
    exporting: bool

    @property
    def state(self) -> dict[str, Any]:
        """Where it stands, as data."""

    def traits(self, **metadata: Any) -> dict[str, Any]:
        """The traits with these tags."""

    def choices(self, name: str) -> Sequence[Any]:
        """What a trait of `sliders` may be now."""

    def quiet(self) -> AbstractContextManager[None]:
        """Traits set inside ask for no drawing."""

    def settle(self) -> None:
        """Draw the present state to the end."""

    def static(self) -> Card:
        """What the view shows."""

    def page_moves(self) -> Moves | None:
        """What a page needs to move a place by itself."""


SMALL = 250_000
"""Budget below which the code that paints would take too much of a page: such a page has pictures alone."""
MOST = {"index": 10, "layer": 1000, "frame": 1000}
"""So many values a slider offers at most, where nobody says which; any other has `OTHERS`."""
OTHERS = 64
PLAYED = "frame"
"""The slider that can go on by itself."""
REFUSED = (LookupError, TypeError, ValueError)
MESSAGE = 480
"""Width in px of what stands in the place of a state that could not be drawn."""


@dataclass(frozen=True)
class Part:
    """A view as a part of a page: what `Exported` tells of a whole one, and what stands in the page.

    Attributes
    ----------
    section : Section
        What is seen.
    kept : str
        The place of the view, as an element that shows nothing.
    """

    name: str
    section: Section
    frames: int
    painted: int = 0
    left_out: str = ""
    kept: str = ""


def part_of(view: Exportable, budget: int | str, chosen: Mapping[str, Any], progress: bool) -> Part:
    """`view` as a part of a page; see `ModelView.page_part`."""
    limit = parsed_bytes(budget)
    known = [*view.traits(source=True), *view.traits(display=True)]
    for name in chosen:
        if name not in known:
            problem, there = f"{type(view).__name__} has no {name!r}", f"there are {', '.join(sorted(known))}"
            raise TypeError(unknown(problem, name, known, there))
        if not _listed(chosen[name]):
            raise ValueError(f"{name}={chosen[name]!r} holds no value for its slider: give at least one")
    sweep = _Sweep(view, {name: _listed(values) for name, values in chosen.items()}, limit)
    place = _place(view, limit // 4)
    sweep.page.bytes += len(place)
    with _undisturbed(view), Bar(0, "pictures", progress) as sweep.bar:
        sweep.run()
    return Part(sweep.page.title, sweep.section(), len(sweep.page), sweep.painted, sweep.left_out, place)


def _place(view: Exportable, room: int) -> str:
    """Where the view stands, for `cw.open`, as an element of the page of at most `room` bytes."""
    try:
        place = kept(view.state)
    except ValueError as error:  # a trait cannot be told in data, such as a function: a page can do without
        return kept(None, str(error))
    return place if len(place) <= room else kept(None, f"it would take {readable(len(place))} of a small page")


def _listed(values: Any) -> list[Any]:
    """The values of a slider; a single one, such as the name of a layer, is one value."""
    return list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]


class _Sweep:
    """Takes a view through its states, and collects what it shows in each."""

    def __init__(self, view: Exportable, chosen: dict[str, list[Any]], budget: int) -> None:
        self.view, self.chosen, self.budget = view, chosen, budget
        labels = self.labels = {
            **view.sliders,
            **{name: name.capitalize() for name in chosen if name not in view.sliders},
        }
        paint = view.painted if budget >= SMALL else ()
        self.names = sorted(labels, key=lambda name: name in paint)  # where a card is painted, they are no branches
        self.start = {name: getattr(view, name) for name in self.names}
        self.page = Page(
            f"{type(view).__name__} · cnnwidgets",
            [(name, labels[name]) for name in self.names],
            play=PLAYED if PLAYED in labels else None,
            paints=self._paints(paint) if paint else None,
        )
        self.painted = 0
        self.left_out = ""
        self.bar = Bar(0, "pictures", False)
        self._first = sum(name not in paint for name in self.names)  # of the names that are no branches
        self._pictured: set[tuple[str, ...]] = set()  # branches that are known not to be painted
        self._ranks: dict[tuple[str, ...], tuple[int, ...]] = {}
        self._failed: dict[tuple[str, ...], Exception] = {}
        self._fewer: dict[str, str] = {}
        self._places: dict[str, int] = {}
        """Of the present values, among those that the view begins with."""
        self._taken: dict[str, set[str]] = {name: set() for name in chosen}

    def run(self) -> None:
        """The state on the screen first, and the rest so that a budget cuts off what is farthest from it."""
        at, ranks = tuple(str(value) for value in self.start.values()), (-1,) * len(self.names)
        painted = self._add_painted(at[: self._first], ranks)
        if not (self._add(at, ranks) if painted is None else painted):
            raise ValueError(f"a budget of {self.budget:,} bytes does not even hold the present picture")
        whole = not self.names or self._walk((), ())
        failed = list(self._failed.values())
        if len(failed) == len(self.page):
            raise failed[0]
        left = list(self._fewer.values())
        if failed:
            count = "1 state" if len(failed) == 1 else f"{len(failed):,} states"
            left.append(f"{count} in whose place it is said why: {markup.in_words(failed[0])}")
        if not whole:
            left.append(f"what lies beyond the budget of {self.budget / 1e6:g} MB")
        self.left_out = ", ".join(left)
        for name, taken in self._taken.items():
            for value in self.chosen[name] if whole else ():
                if str(value) not in taken:
                    setattr(self.view, name, value)  # raises, and says what is allowed

    def _paints(self, names: Sequence[str]) -> Paints:
        start = {name: getattr(self.view, name) for name in names}
        return paints(start, {name: self.chosen[name] for name in names if name in self.chosen}, self.names)

    def section(self) -> Section:
        """The page."""
        self.page.note = f"Left out of this page: {self.left_out}." if self.left_out else ""
        start = [str(value) for value in self.start.values()]
        return self.page.section(start=start, order=sorted(self._ranks, key=lambda at: self._ranks[tuple(at)]))

    def _walk(self, at: tuple[str, ...], ranks: tuple[int, ...], *, alone: bool | None = None) -> bool:
        """Add what lies behind `at`; False once the budget is spent.

        `alone`: with one value of the innermost slider. Each layer has its first channel before any has all of them,
        and one image has all before the next has any.
        """
        depth = len(at)
        if alone is None and depth == (1 if len(self.names) > 2 else 0):
            return self._walk(at, ranks, alone=True) and self._walk(at, ranks, alone=False)
        painted = self._add_painted(at, ranks) if depth == self._first else None
        if painted is not None:
            return painted
        if depth == len(self.names):
            return self._add(at, ranks)
        name = self.names[depth]
        values, present = self._values(name), self.start[name]
        if alone and depth == len(self.names) - 1:
            values = [(rank, value) for rank, value in values if value == present] or values[:1]
        for rank, value in sorted(values, key=lambda pair: bool(pair[1] != present)):  # the present one first
            if not self._set(name, value):
                continue
            self._taken.get(name, set()).add(str(value))
            if not self._walk((*at, str(value)), (*ranks, rank), alone=alone):
                return False
        return True

    def _values(self, name: str) -> list[tuple[int, Any]]:
        """What the slider may be where the view now stands, with the place of each among them."""
        if name in self.chosen:
            return list(enumerate(self.chosen[name]))
        try:
            every = list(self.view.choices(name))
        except Exception:
            if self._can_be_drawn():  # it is the fault of choices(), not of where the view now stands
                raise
            every = [getattr(self.view, name)]
        if self.start[name] in every:
            self._places.setdefault(name, every.index(self.start[name]))
        elif name in self._places:  # offered only where it is the present one, such as a layer that repeats another
            every.insert(self._places[name], self.start[name])
        most = MOST.get(name, OTHERS)
        kept = [(rank, value) for rank, value in enumerate(every) if rank < most or value == self.start[name]]
        if len(kept) < len(every):
            left = len(every) - len(kept)
            self._fewer[name] = f"{left:,} of {len(every):,} values of {self.labels[name]}"
        return kept

    def _add(self, at: tuple[str, ...], ranks: tuple[int, ...], seen: Painted | None = None) -> bool:
        if at not in self._ranks:
            moves, failed = None, None
            try:
                card = self._drawn() if seen is None else self.view.static()
                moves = self.view.page_moves() if self.budget >= SMALL else None
            except Exception as error:  # one state that cannot be drawn does not take the others with it
                card, failed = self._said(at, error), error
            if not self.page.add(at, card, painted=seen, moves=moves, most=self.budget):
                return False
            if failed is not None:
                self._failed[at] = failed
            self.bar.add()
            self.painted += seen is not None
        self._ranks[at] = ranks
        return True

    def _drawn(self) -> Card:
        self.view.settle()
        return self.view.static()

    def _can_be_drawn(self) -> bool:
        with suppress(Exception):
            self._drawn()
            return True
        return False

    def _said(self, at: tuple[str, ...], error: Exception) -> Card:
        """What stands in the place of a state that could not be drawn."""
        where = [f"{self.labels[name]} {value}" for name, value in zip(self.names, at, strict=False)]
        return Card(" · ".join(where), [Panel("Not drawn", width=MESSAGE, lines=[markup.in_words(error)])])

    def _add_painted(self, at: tuple[str, ...], ranks: tuple[int, ...]) -> bool | None:
        """Add the card of a branch as numbers, one for all that is painted of it; None where it is not painted."""
        if self.page.paints is None or at in self._pictured:
            return None
        if at in self._ranks:
            self._ranks[at] = ranks
            return True
        try:
            shown = [panel for column in self._drawn().columns for panel in column]
        except Exception:  # it is said where the state is added
            self._pictured.add(at)
            return None
        able = [panel for panel in shown if isinstance(panel, PaintedPanel)]
        paintings: dict[Panel, Painting] = {panel: panel.painting for panel in able if panel.painting}
        if not paintings:
            self._pictured.add(at)
            return None
        added = self._add(at, ranks, painted(paintings, self.view.painted))
        for name in self.names[self._first :]:  # which of the values that were asked for there are
            for value in self.chosen.get(name, ()):
                if self._set(name, value):
                    self._taken[name].add(str(value))
        return added

    def _set(self, name: str, value: Any) -> bool:
        """Whether the view takes this value where it now stands."""
        before = getattr(self.view, name)
        try:
            with self.view.quiet():
                setattr(self.view, name, value)
        except Exception as error:
            if bool(getattr(self.view, name) == value) and not bool(before == value):
                return True  # taken, but what follows it cannot be drawn, such as an image that cannot be read
            if isinstance(error, REFUSED):  # one that this branch does not have, such as a channel of another layer
                return False
            raise
        return True


@contextmanager
def _undisturbed(view: Exportable) -> Iterator[None]:
    """The page in the browser hears of nothing meanwhile, and at the end the view is as it was."""
    before = {name: getattr(view, name) for name in [*view.traits(source=True), *view.traits(display=True)]}
    with ExitStack() as held:
        for part in tree(view):
            held.enter_context(part.hold_sync())
        view.exporting = True
        try:
            yield
        finally:
            view.exporting = False
            with view.quiet():
                for _ in range(2):  # what one allows may depend on another
                    for name, value in before.items():
                        try:
                            setattr(view, name, value)
                        except REFUSED:
                            continue
            with suppress(Exception):  # the page says why that state cannot be drawn
                view.settle()
