"""Handles widget events while a cell trains: the only file that uses internals of the notebook kernel.

A kernel passes widget events to the thread that runs the cells, which handles them when the cell has ended. JupyterLab
requests another thread (subshell), but ipykernel (since 7.4) keeps to the cells' thread for each widget that a cell was
the last to write to. So a long-running loop in a cell polls the events itself, between steps.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

log = logging.getLogger("cnnwidgets")
EVENTS = ("comm_open", "comm_msg", "comm_close")
"""Message types of widgets."""
PARTS = ("session", "iopub_socket", "shell_handlers", "get_parent", "set_parent", "_parent_ident")
"""Attributes that a kernel must have for its events to be handled here."""

_answering = False


def answer() -> None:
    """Handle the widget events that are queued behind the cell that this thread runs.

    All other queued messages, such as further cells, keep their order. No effect in other threads, outside a notebook,
    in an unknown kernel, or within an event.
    """
    global _answering
    kernel, stream = _kernel_and_stream()
    if stream is None or _answering:
        return
    import zmq

    if not stream.socket.EVENTS & zmq.POLLIN:
        return
    queue = stream._recv_callback  # how the kernel receives a message

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


def in_cell() -> bool:
    """Whether a cell runs in this thread, not an event: what a page says meanwhile is heard when it has ended."""
    ipython: Any = sys.modules.get("IPython")
    parent: dict[str, Any] = getattr(ipython and ipython.get_ipython(), "get_parent", dict)() or {}
    return bool((parent.get("header") or {}).get("msg_type") == "execute_request")


def answering() -> bool:
    """Whether this thread is inside `answer`; its event loop does not run then."""
    return _answering and threading.current_thread() is threading.main_thread()


def _kernel_and_stream() -> tuple[Any, Any]:
    """The kernel whose cell this thread runs, and its message stream; None if unknown."""
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
    """Sender and content of the message; None if it is not an event, or cannot be read."""
    try:
        idents, frames = session.feed_identities(message, copy=False)
        if session.unpack(frames[1].bytes)["msg_type"] in EVENTS:
            return idents, session.deserialize(frames, copy=False)
    except Exception as error:  # the kernel will report the error
        log.debug("a message that cannot be read: %s", error)
    return None, None


def _handle(kernel: Any, stream: Any, idents: Any, event: Any) -> None:
    """Handle an event as the kernel does, then restore the context of the cell."""
    event["header"].pop("subshell_id", None)  # otherwise the widget's next event goes to another thread
    cell, cell_idents = kernel.get_parent("shell"), kernel._parent_ident["shell"]
    _begin(kernel, idents, event)
    try:
        kernel.shell_handlers[event["header"]["msg_type"]](stream, idents, event)
    except Exception:
        log.exception("an event of a widget could not be handled")
    finally:
        _say(kernel, "idle", event)  # the page then sends the next one
        _begin(kernel, cell_idents, cell)


def _begin(kernel: Any, idents: Any, parent: Any) -> None:
    """Attribute all further output to the message `parent`."""
    for output in filter(None, (sys.stdout, sys.stderr)):
        output.flush()
    kernel.set_parent(idents, parent)
    _say(kernel, "busy", parent)


def _say(kernel: Any, state: str, parent: Any) -> None:
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": state}, parent=parent)
