"""What passes between a view and the pages that show it, counted: the answer to "why does it lag"."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import ipywidgets as W

from ...files import readable
from ...live import Newest
from ..surface import tree

ACKNOWLEDGED = "painted"
"""The kind of message by which a page asks for nothing: it says what it has painted."""
RECALLED = "recalled"
"""The kind by which a page says whether it shows what it has shown before, long before the kernel answers."""
PARCEL = "parcel"
"""The kind by which a page is told at once what is meant for many widgets."""
ADDRESS = {"address"}
"""What is no picture, though a painter says it."""


class Amount(NamedTuple):
    """Messages, and their bytes: content and buffers, without the some 600 bytes of header around each."""

    messages: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        return f"{self.messages:,} {'message' if self.messages == 1 else 'messages'}, {readable(self.bytes)}"


NONE = Amount()


class Traffic:
    """Counts what passes between a view and its pages, from the moment when the view was made.

    Where `round_trips` grows with every move, the distance to the kernel is felt; where `to_page.bytes` grows by
    megabytes, the width of the connection is; where neither does, the page or the kernel itself is slow. Outside a
    notebook there is no page, and nothing is counted.

    Attributes
    ----------
    to_page, from_page : Amount
        `messages` and `bytes`, of every widget of the view.
    round_trips : int
        How often the page asked for something, and what its panels show came with the answer. Questions that one
        drawing answers count once. What the page paints without the kernel is none, although the kernel is told; nor
        is a layer or an image that it shows at once because it has shown it before.
    cached : int
        How often a layer or an image was shown whose maps the page had already: they were not sent.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> view = cw.ActivationView(cw.models.lenet5(), cw.data.digits())
    >>> view.traffic.reset()
    >>> view.layer = "C3"
    >>> view.traffic  # in a script, where there is no page
    Traffic(to the page: 0 messages, 0 bytes; from the page: 0 messages, 0 bytes; 0 round trips; 0 cached)
    """

    def __init__(self, newest: Newest) -> None:
        self._newest = weakref.ref(newest)  # comms hold this, and the kernel holds comms: the view must not stay
        self._lock = threading.Lock()  # widgets are drawn in two threads
        self._key = ""
        self._shows: set[str] = set()  # widgets that show something
        self._asked = self._begun = False
        self._again = False  # whether the page shows already what it asks for
        self.to_page = self.from_page = NONE
        self.round_trips = self.cached = 0

    def __repr__(self) -> str:
        trips = f"{self.round_trips:,} round {'trip' if self.round_trips == 1 else 'trips'}"
        return f"Traffic(to the page: {self.to_page}; from the page: {self.from_page}; {trips}; {self.cached:,} cached)"

    def reset(self) -> None:
        """Count from 0 again."""
        self.to_page = self.from_page = NONE
        self.round_trips = self.cached = 0

    def follow(self, widgets: Iterable[W.Widget], panels: W.Widget) -> None:
        """Count the messages of `widgets` too, each of which may be followed already.

        Parameters
        ----------
        widgets
            All of the view; those made since the last call have told the page of themselves, which counts.
        panels
            Holds those that show something, beside controls and titles.
        """
        self._shows = {widget.comm.comm_id for widget in tree(panels) if widget.comm is not None}
        for widget in widgets:
            comm: Any = widget.comm
            if comm is None or "handle_msg" in vars(comm):
                continue
            comm.send = self._sending(comm.send, comm.comm_id)
            comm.handle_msg = self._hearing(comm.handle_msg)
            if hasattr(widget, "on_numbers"):  # a painter
                widget.on_numbers = self._numbers
            if self._begun:
                self._sent(widget.get_state(), None, seen=comm.comm_id in self._shows)
        self._begun = True

    def _sending(self, send: Callable[..., None], widget: str) -> Callable[..., None]:
        """`send` of a comm, counted."""

        def counted(data: Any = None, metadata: Any = None, buffers: Any = None) -> None:
            self._sent(data, buffers, seen=self._seen(widget, data))
            send(data, metadata, buffers)

        return counted

    def _hearing(self, handle: Callable[[Any], None]) -> Callable[[Any], None]:
        """`handle_msg` of a comm, counted."""

        def counted(message: Any) -> None:
            data = message["content"]["data"]
            content = data.get("content")
            said = content if isinstance(content, dict) else {}  # a message of any widget
            with self._lock:
                self.from_page = _more(self.from_page, data, message.get("buffers"))
                if said.get("kind") == RECALLED:
                    self._again = bool(said.get("shown"))
                elif said.get("kind") != ACKNOWLEDGED:
                    self._asked = self._asked or not self._again
            handle(message)
            newest = self._newest()
            if newest is None or not newest.waiting:  # nothing is still to be drawn for it
                self._asked = False

        return counted

    def _seen(self, widget: str, data: Any) -> bool:
        """Whether what a widget is told is seen, or, of a parcel, something in it."""
        content = data.get("content")
        if isinstance(content, dict) and content.get("kind") == PARCEL:
            return any(self._seen(key, part) for key, part, _ in content["parts"])
        written = data.get("method") != "echo_update" and set(data.get("state", ())) != ADDRESS
        return widget in self._shows and written

    def _sent(self, data: Any, buffers: Any, *, seen: bool) -> None:
        with self._lock:
            self.to_page = _more(self.to_page, data, buffers)
            if seen and self._asked:
                self.round_trips += 1
                self._asked = False

    def _numbers(self, key: str, held: bool) -> None:
        """A painter shows the numbers of this name, which its pages held already or were sent."""
        with self._lock:
            self.cached += held and key != self._key
            self._key = key


def _more(amount: Amount, data: Any, buffers: Any) -> Amount:
    """One message more: its content as the kernel writes it, and its buffers."""
    binary = list(buffers or ())

    def plain(value: Any) -> Any:
        if isinstance(value, bytes | bytearray | memoryview):
            binary.append(value)
            return None
        return str(value)

    size = len(json.dumps(data, default=plain, ensure_ascii=False).encode("utf-8", "surrogateescape"))
    return Amount(amount.messages + 1, amount.bytes + size + sum(memoryview(each).nbytes for each in binary))
