"""Widgets answer while a cell trains: the one file that knows a notebook's kernel from inside.

A kernel hands the events of widgets to the thread that runs the cells, which reads them when the cell has ended.
JupyterLab asks for another thread, but ipykernel (since 7.4) keeps to that of the cells for each widget that a cell was
the last to write to. So what runs long in a cell asks for the events itself, in between.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

log = logging.getLogger("cnnwidgets")
EVENTS = ("comm_open", "comm_msg", "comm_close")
"""Types of the messages that widgets send."""
PARTS = ("session", "iopub_socket", "shell_handlers", "get_parent", "set_parent", "_parent_ident")
"""What a kernel must have, to have its events handled here."""

_answering = False


def answer() -> None:
    """Handle the events of widgets that wait for the cell which this thread runs.

    All else that waits, as further cells, keeps its turn. Nothing happens in other threads, outside of a notebook, in a
    kernel of another make, or within an event.
    """
    global _answering
    kernel, stream = _kernel_and_stream()
    if stream is None or _answering:
        return
    import zmq

    if not stream.socket.EVENTS & zmq.POLLIN:
        return
    queue = stream._recv_callback  # how the kernel takes a message

    def take(message: list[Any]) -> Any:
        idents, event = _event(kernel.session, message)
        return queue(message) if event is None else _handle(kernel, stream, idents, event)

    _answering = True
    try:
        stream.on_recv(take, copy=False)
        stream.flush(zmq.POLLIN)
    finally:
        stream.on_recv(queue, copy=False)
        _answering = False


def answering() -> bool:
    """Whether this thread is in the middle of `answer`; its event loop does not turn then."""
    return _answering and threading.current_thread() is threading.main_thread()


def _kernel_and_stream() -> tuple[Any, Any]:
    """The kernel whose cell this thread runs, and where its messages arrive; None where that is unknown."""
    ipython = sys.modules.get("IPython")
    if ipython is None or threading.current_thread() is not threading.main_thread():
        return None, None
    kernel: Any = getattr(ipython.get_ipython(), "kernel", None)
    reader = getattr(kernel, "shell_channel_thread", None)  # since ipykernel 7
    try:
        stream = (
            kernel.shell_stream if reader is None else reader.manager.get_shell_channel_to_subshell_pair(None).to_stream
        )
        known = stream.socket is not None and callable(stream._recv_callback)
    except AttributeError:
        return None, None
    return (kernel, stream) if known and all(hasattr(kernel, part) for part in PARTS) else (None, None)


def _event(session: Any, message: list[Any]) -> tuple[Any, Any]:
    """Who sent the message, and what it says; None where it is no event, or cannot be read."""
    try:
        idents, frames = session.feed_identities(message, copy=False)
        if session.unpack(frames[1].bytes)["msg_type"] in EVENTS:
            return idents, session.deserialize(frames, copy=False)
    except Exception as error:  # the kernel will say what is wrong with it
        log.debug("a message that cannot be read: %s", error)
    return None, None


def _handle(kernel: Any, stream: Any, idents: Any, event: Any) -> None:
    """As the kernel would; and then the cell goes on as if nothing had been."""
    event["header"].pop("subshell_id", None)  # else the widget's next event goes to another thread
    cell, cell_idents = kernel.get_parent("shell"), kernel._parent_ident["shell"]
    _begin(kernel, idents, event)
    try:
        kernel.shell_handlers[event["header"]["msg_type"]](stream, idents, event)
    except Exception:
        log.exception("an event of a widget could not be handled")
    finally:
        _say(kernel, "idle", event)  # the page sends the next one then
        _begin(kernel, cell_idents, cell)


def _begin(kernel: Any, idents: Any, parent: Any) -> None:
    """What is written from now on belongs to the message `parent`."""
    for output in filter(None, (sys.stdout, sys.stderr)):
        output.flush()
    kernel.set_parent(idents, parent)
    _say(kernel, "busy", parent)


def _say(kernel: Any, state: str, parent: Any) -> None:
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": state}, parent=parent)
