"""A place that is moved in the page, by mouse and sliders, and where its script stands in a card."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import ipywidgets as W
import traitlets as T

from ..surface import Scripted, layout

STEERED = tuple(f"../../widgets/steered/{name}" for name in ("over", "steered"))
"""The modules that a script of such a place begins with, for `joined`, from a room of `views`."""

Place = tuple[int, int]
Message = tuple[dict[str, Any], list[bytes]]
_numbers = itertools.count()
_process = secrets.token_hex(3)  # two notebooks may be open in one page


def new_name() -> str:
    """A name that nothing else has in any page."""
    return f"{_process}-{next(_numbers)}"


class Sheet(Protocol):
    """What a page needs to show by itself what changes with the place."""

    @property
    def key(self) -> str:
        """Names it in the page."""

    def message(self, holds: str) -> Message:
        """Header and buffers; without what the page says it `holds`."""

    def grown(self, before: Any) -> Message | None:
        """What a page has to be sent that has `before`, of the same key; None for nothing."""


class Steered(Scripted):
    """Moves a place in the page, once the page has said that it can, and tells the view where it stands.

    A page without that code never answers; there the kernel draws, as it does for what has no sheet.

    Parameters
    ----------
    code : str
        The module; its default is what `steeredBy` makes.
    controls : mapping
        The controls that steer it in the page, by name.
    on_hello : callable
        Called when a page says for the first time that it can.
    on_wait : callable
        Called when a page says that it has been told of it, but not where it belongs.
    on_move : callable
        Called with (row, column) where a hand has moved the place to.

    Attributes
    ----------
    live : bool
        Whether a page can.
    """

    controls = T.Dict(help="ids of the widgets that steer it").tag(sync=True)
    key = T.Unicode(help="names what is shown; empty where the kernel draws it").tag(sync=True)
    moved: Any = T.List(help="key, number of the move, row, column: where the page moved it to").tag(sync=True)
    told: Any = T.List(["", 0, 0, 0], help="the same, as the kernel has it").tag(sync=True)

    def __init__(
        self,
        code: str,
        controls: Mapping[str, W.Widget],
        *,
        on_hello: Callable[[], object],
        on_wait: Callable[[], object],
        on_move: Callable[[Place], object],
    ) -> None:
        self.live = False
        self._sheet: Sheet | None = None
        self._sent = ""
        self._heard = 0
        self._on_hello, self._on_wait, self._on_move = on_hello, on_wait, on_move
        ids = {name: control.model_id for name, control in controls.items()}
        super().__init__(code, controls=ids, layout=layout(display="none"))
        self.on_msg(self._hear)

    def moves(self, sheet: Sheet | None) -> bool:
        """Whether a page has what is needed of what is shown, and shows by itself what changes with the place."""
        return sheet is not None and self._sent == sheet.key == self.key

    def show(self, sheet: Sheet | None, place: Place) -> None:
        """Say, after it has been drawn, what is shown."""
        before, self._sheet = self._sheet, sheet
        if sheet is not None and sheet is not before and self.moves(sheet) and (grown := sheet.grown(before)):
            self.send(*grown)
        key = sheet.key if sheet is not None else ""
        if key != self.key:
            self._sent = ""
            with self.hold_sync():
                self.key = key
                self.tell(place)

    def tell(self, place: Place) -> None:
        """Tell the page where it stands."""
        if self.live and self.comm is not None:
            self.told = [self.key, self._heard, *place]

    @T.observe("moved")
    def _move(self, change: Any) -> None:
        key, number, row, column = change["new"]
        self._heard = int(number)
        if key == self.key:
            self._on_move((int(row), int(column)))

    def _hear(self, _: Any, content: Any, buffers: Any) -> None:
        if content["kind"] == "hello" and not self.live:
            self.live = True
            self._on_hello()
        elif content["kind"] == "waits":
            self._on_wait()
        elif content["kind"] == "want" and self._sheet is not None and content["key"] == self._sheet.key:
            self._sent = self._sheet.key
            self.send(*self._sheet.message(str(content["holds"])))


class Slot(W.VBox):
    """Where such a script stands in a card: empty, until a page says that it can run it.

    Parameters
    ----------
    view : ModelView
        Whose place it moves; drawn again when a page can.
    traits : sequence of str
        Traits of the view that the place is made of.
    place : callable
        Gives the place.
    make : callable
        Makes the `Steered`, given `on_hello` and `on_wait`.

    Attributes
    ----------
    script : Steered
        What stands in it.
    """

    def __init__(
        self, view: Any, traits: Sequence[str], place: Callable[[], Place], make: Callable[..., Steered]
    ) -> None:
        self._view, self._place = view, place
        # a page may lose the message of `_begin`, and waits for it
        self.script = make(on_hello=self._begin, on_wait=lambda: self.send_state("children"))
        self.apart: list[W.Widget] = [self.script]
        super().__init__([], layout=layout(display="none"))
        view.observe(self._moved, list(traits))

    @property
    def live(self) -> bool:
        """Whether a page can move the place by itself."""
        return self.script.live

    def show(self, sheet: Sheet | None, *keys: str) -> None:
        """Say, after it has been drawn, what is shown, in the boxes of these `keys`."""
        if self.live:
            for key in keys:
                self._view.box(key).add_class(f"cnnw-of-{key}")  # by which the page finds them
            self.script.show(sheet, self._place())

    def _begin(self) -> None:
        self.children, self.apart = [self.script], []
        self._view.redraw()

    def _moved(self, change: Any) -> None:
        if self._view.ready:
            self.script.tell(self._place())
