"""One message for all that a drawing writes: each one more costs the server and the page some milliseconds."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets as W
import traitlets as T

from ..surface import Scripted, joined, layout

Send = Callable[..., None]


class Part(NamedTuple):
    """A message of a widget that waits for the others."""

    widget: str
    data: Any
    buffers: list[Any]
    send: Send
    """Sends it by itself."""


@cache
def code() -> str:
    """The JavaScript, as one module."""
    return joined(Path(__file__).parent, "parcel")


class Parcel(Scripted):
    """Takes what widgets send while a drawing is made, and sends it in one message, which the page hands on to them.

    It is made in a notebook, beside the card, and nothing of it is seen. As long as no page has said that its code runs
    there, each widget sends by itself.

    Attributes
    ----------
    live : bool
        Whether a page hands on what it gets.
    """

    _anywidget_id = T.Unicode("cnnwidgets.Parcel").tag(sync=True)

    def __init__(self) -> None:
        self.live = False
        self._lock = threading.RLock()  # widgets are drawn in two threads, and closed when they are collected
        self._thread: int | None = None  # the one whose messages are taken
        self._parts: list[Part] = []
        self._widgets: weakref.WeakValueDictionary[str, W.Widget] = weakref.WeakValueDictionary()
        self._told: dict[str, set[str]] = {}  # widget -> the traits that parcels have told pages of
        super().__init__(code(), layout=layout(display="none"))
        self.on_msg(self._heard)

    def follow(self, widgets: Iterable[W.Widget]) -> None:
        """Take what these send too, each of which may be followed already."""
        mine = weakref.ref(self)  # comms hold what is written to them, and the kernel holds comms
        for widget in widgets:
            comm: Any = widget.comm
            if comm is None or widget is self or "close" in vars(comm):
                continue
            self._widgets[comm.comm_id] = widget
            comm.send = partial(_send, mine, comm.comm_id, comm.send)
            comm.close = partial(_close, mine, comm.close)

    @contextmanager
    def filled(self) -> Iterator[None]:
        """What is sent inside, in this thread, goes in one message at the end."""
        with self._lock:
            mine = self.live and self._thread is None
            if mine:
                self._thread = threading.get_ident()
        try:
            yield
        finally:
            if mine:
                with self._lock:
                    self._thread = None
                    self._deliver()

    def _takes(self, part: Part) -> bool:
        """Take a message; False where it is to go by itself, which it does after all that were taken before."""
        with self._lock:
            taken = self._thread == threading.get_ident()
            if taken:
                self._parts.append(part)
            else:
                self._deliver()
        return taken

    def _deliver(self) -> None:
        parts, self._parts = self._parts, []
        if len(parts) == 1 or self.comm is None:
            for part in parts:
                part.send(part.data, None, part.buffers)
        elif parts:
            for part in parts:
                self._told.setdefault(part.widget, set()).update(part.data.get("state", ()))
            told = [[part.widget, part.data, len(part.buffers)] for part in parts]
            self.send({"kind": "parcel", "parts": told}, [each for part in parts for each in part.buffers])

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        """A page hands on what it gets; one that was loaded anew may have missed the last ones."""
        for key, traits in self._told.items() if self.live else ():
            widget = self._widgets.get(key)
            if widget is not None and widget.comm is not None and traits:
                widget.send_state(traits)
        self._told.clear()
        self.live = True


def _send(of: Callable[[], Parcel | None], widget: str, send: Send, *given: Any, **named: Any) -> None:
    """`send` of a comm, for which a parcel may take the message."""
    parcel, part = of(), _part(widget, send, *given, **named)
    if parcel is None or not parcel._takes(part):
        send(*given, **named)


def _part(widget: str, send: Send, data: Any = None, metadata: Any = None, buffers: Any = None) -> Part:
    return Part(widget, data, list(buffers or ()), send)


def _close(of: Callable[[], Parcel | None], close: Callable[..., None], *given: Any, **named: Any) -> None:
    """`close` of a comm, after all that was taken before."""
    parcel = of()
    if parcel is not None:
        with parcel._lock:
            parcel._deliver()
    close(*given, **named)
