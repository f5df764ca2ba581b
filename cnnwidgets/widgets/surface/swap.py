"""One state at a time: texts and pictures of one drawing appear together, with one message, in one frame of the page.

Each widget's value is a message of its own, and the page may paint between two of them. So what a drawing writes
arrives out of sight, beside what is seen; a style sheet then turns to the new state. It is one message, the last.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets as W
import traitlets as T

from ...live import cell_thread
from .picture import Picture

REST = 0.4
"""So many seconds after the last drawing of a drag, what is out of sight is taken from the page."""

_numbers = itertools.count()
_process = secrets.token_hex(3)  # two notebooks may be open in one page


class Sides:
    """What has two places in the page, of which one is seen."""

    held = False
    """Whether what is written now is to stay out of sight until the next turn."""
    written = False
    """Whether something waits out of sight."""
    side = 0
    paints = False
    """Whether the page itself paints what is written, which may come after the turn."""

    sides: Sequence[str]
    """The classes of the two places."""

    def name_sides(self) -> None:
        """Give the two places names that no other in the page has."""
        name = f"cnnw-{_process}-{next(_numbers)}"
        self.sides = [f"{name}-a", f"{name}-b"]
        self.seen = self.sides[0]
        """The class of the place that is seen."""

    def turn(self) -> None:
        """Count what was written out of sight as seen."""
        self.side, self.written = 1 - self.side, False
        self.seen = self.sides[self.side]

    def tidy(self) -> None:
        """Take what is out of sight from the page."""


class Text(W.HTML, Sides):
    """HTML that can be replaced together with others; `value` is the newest."""

    value = T.Unicode(help="the HTML").tag(sync=True, to_json=lambda value, text: text.wire(value))

    def __init__(self, value: str = "", **options: object) -> None:
        self.name_sides()
        self._old = value
        super().__init__(value, **options)

    def wire(self, value: str) -> str:
        """What the page gets: while held, what is seen beside what will be."""
        if not self.written:
            return value
        copies = [value, value]
        copies[self.side] = self._old
        return "".join(
            f'<div class="cnnw-side {name}">{copy}</div>' for name, copy in zip(self.sides, copies, strict=True)
        )

    def _notify_trait(self, name: str, old: object, new: str) -> None:
        if name == "value":
            self.written = self.held  # before the message is made
            if not self.held:
                self._old = new
        super()._notify_trait(name, old, new)

    def turn(self) -> None:
        """Count what was written out of sight as seen."""
        super().turn()
        self._double, self._old = True, self.value

    def tidy(self) -> None:
        """Take what is out of sight from the page."""
        if getattr(self, "_double", False):
            self._double = False
            self.send_state("value")


class Swapped(Sides):
    """A picture that can be replaced together with others: two widgets, of which one is seen.

    Parameters
    ----------
    look : dict of str
        Layout of both.
    classes : str
        Classes of both.
    """

    def __init__(self, look: dict[str, str], *classes: str) -> None:
        self.name_sides()
        self.pictures = [Picture(layout=W.Layout(**look)) for _ in self.sides]
        for picture, side in zip(self.pictures, self.sides, strict=True):
            for name in ("cnnw-side", side, *classes):
                picture.add_class(name)
            picture.swapped = self

    @property
    def target(self) -> Picture:
        """The widget that is to be written."""
        if self.held:
            self.written = True
        return self.newest

    @property
    def newest(self) -> Picture:
        """The widget with the newest picture."""
        return self.pictures[1 - self.side if self.written else self.side]

    @property
    def value(self) -> bytes:
        """The newest PNG."""
        return bytes(self.newest.value)

    @property
    def layout(self) -> W.Layout:
        """The layout of the newest picture."""
        return self.newest.layout

    def put(self, png: bytes | None) -> None:
        """Show this PNG, or none."""
        picture = self.target
        picture.layout.display = "none" if png is None else ""
        if png is not None:
            picture.value = png

    def tidy(self) -> None:
        """Take what is out of sight from the page."""
        self.pictures[1 - self.side].value = b""


class Stage(W.HTML):
    """The style sheet that says which state is seen."""

    apart: Sequence[W.Widget] = ()
    """What goes with it, and is in no page."""

    def __init__(self, root: W.Widget, **look: Any) -> None:
        self._root, self._depth = root, 0
        self._lock = threading.RLock()  # drawings come from two threads, and so do the timers they set
        self._number = 0  # of the newest drawing
        super().__init__("", **look)

    def _parts(self) -> list[Sides]:
        found: dict[int, Sides] = {}
        todo: list[W.Widget] = [self._root]
        while todo:
            widget = todo.pop()
            part = widget if isinstance(widget, Text) else getattr(widget, "swapped", None)
            if part is not None:
                found[id(part)] = part
            todo += getattr(widget, "children", ())
        return list(found.values())

    @contextmanager
    def held(self, *, at_once: bool = False) -> Iterator[None]:
        """What is written inside appears at the end, together; at once in a cell, which nothing can wait for.

        `at_once` says that the page gets all of it in one turn: then no text need wait out of sight, unless something
        is painted, which may come later.
        """
        with self._lock:
            yield from self._held(at_once)

    def _held(self, at_once: bool) -> Iterator[None]:
        loop = cell_thread.turning_loop()
        if self._depth:
            yield
            return
        if loop is None:
            try:
                yield
            finally:
                self.turn()
            return
        self._depth += 1
        parts = self._parts()
        if at_once and not any(part.paints for part in parts):
            parts = [part for part in parts if not isinstance(part, Text)]
        for part in parts:
            part.held = True
        try:
            yield
        finally:
            self._depth -= 1
            for part in parts:
                part.held = False
            self.turn()
            self._number += 1
            loop.call_later(REST, self._tidy, self._number)

    def turn(self) -> None:
        """Show the newest of everything, in one message."""
        parts = self._parts()
        before = [part.seen for part in parts]
        waited = [part for part in parts if part.written and part.paints]
        for part in parts:
            if part.written:
                part.turn()
        if any(part.paints for part in parts):
            rules = self._painted(parts, before, [f".{part.seen}-wait" for part in waited])
        else:
            rules = ",".join(f".{part.seen}.{part.seen}" for part in parts) + "{display:block}"
        self.value = f"<style>{rules}</style>" if parts else ""

    def _painted(self, parts: list[Sides], before: list[str], waits: list[str]) -> str:
        """The rules where the page paints: as long as it waits for one of these, the whole card stays as it was."""
        now = [part.seen for part in parts]
        states = {".cnnw" + "".join(f":not({wait})" for wait in waits): now}
        if waits:
            states[f".cnnw:is({','.join(waits)})"] = before
        rules = ""
        for where, sides in states.items():
            rules += f"{where} :is({','.join(f'.{side}.{side}' for side in sides)}){{display:block}}"
            for part, side in zip(parts, sides, strict=True):
                if part.paints:
                    pictured = f".cnnw-painter.{side}-full ~ *"  # with :has, a move styled the whole card anew
                    rules += f"{where} {pictured}{{display:none!important}}"
        return rules

    def _tidy(self, number: int) -> None:
        with self._lock:
            if number == self._number and self._root.comm is not None:
                for part in self._parts():
                    part.tidy()
