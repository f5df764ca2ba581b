"""Widgets answer between two steps: against a kernel of two sockets, which never reads by itself."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import IPython
import pytest
import zmq
from jupyter_client.session import Session
from tornado.ioloop import IOLoop
from zmq.eventloop.zmqstream import ZMQStream

from cnnwidgets.live.kernel import answer, answering

CELL = {"header": {"msg_id": "the cell"}}


class Kernel:
    """The parts of a kernel that a message of the page goes through."""

    def __init__(self) -> None:
        context = zmq.Context()
        page, socket = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        page.bind("inproc://page")
        socket.connect("inproc://page")
        self.page, self.stream = page, ZMQStream(socket, IOLoop(make_current=False))
        self.queue: list[str] = []  # what waits for the end of the cell
        self.stream.on_recv(self.later, copy=False)
        self.session, self.iopub_socket = SimpleNamespace(send=self.say), None
        real = Session(key=b"key")
        self.session.feed_identities, self.session.deserialize = real.feed_identities, real.deserialize
        self.session.unpack = real.unpack
        self.shell_handlers = {"comm_msg": self.handle}
        self.set_parent([b"cell"], CELL)
        self.handled: list[Any] = []
        self.said: list[tuple[str, str]] = []
        self.during: list[Any] = []
        self.on_event = lambda: None

    def close(self) -> None:
        self.page.context.destroy(linger=0)
        self.stream.io_loop.close()

    def send(self, kind: str, content: Any = None) -> None:
        """What the page does, which asks for another thread."""
        sender = Session(key=b"key")
        sender.send(self.page, sender.msg(kind, content, header=sender.msg_header(kind) | {"subshell_id": "other"}))

    def later(self, message: list[Any]) -> None:
        self.queue.append(Session().unpack(message[2].bytes)["msg_type"])

    def handle(self, stream: Any, idents: Any, message: Any) -> None:
        self.handled.append(message["content"])
        self.during.append((self.parent["header"]["msg_type"], self.parent["header"].get("subshell_id"), answering()))
        self.on_event()

    def get_parent(self, channel: str) -> Any:
        return self.parent

    def set_parent(self, idents: Any, parent: Any) -> None:
        self._parent_ident, self.parent = {"shell": idents}, parent

    def say(self, socket: Any, kind: str, content: Any, parent: Any) -> None:
        of = "cell" if parent is CELL else parent["header"]["msg_type"]
        self.said.append((content["execution_state"], of))


class Kernel7(Kernel):
    """One that has a thread of its own to read the socket, and hands the messages on."""

    def __init__(self) -> None:
        super().__init__()
        pairs = {None: SimpleNamespace(to_stream=self.stream)}
        self.shell_channel_thread = SimpleNamespace(
            manager=SimpleNamespace(get_shell_channel_to_subshell_pair=pairs.__getitem__)
        )


class Kernel6(Kernel):
    """One that reads the socket in the thread of the cells."""

    def __init__(self) -> None:
        super().__init__()
        self.shell_stream = self.stream


@pytest.fixture(params=[Kernel6, Kernel7])
def kernel(request, monkeypatch):
    kernel = request.param()
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=kernel))
    yield kernel
    kernel.close()


def test_an_event_is_handled_in_its_own_name_and_the_cell_goes_on_in_its(kernel):
    kernel.send("comm_msg", {"data": "pressed"})
    answer()
    assert kernel.handled == [{"data": "pressed"}]
    assert kernel.during == [("comm_msg", None, True)]
    assert (kernel.parent, kernel._parent_ident) == (CELL, {"shell": [b"cell"]})
    assert kernel.said == [("busy", "comm_msg"), ("idle", "comm_msg"), ("busy", "cell")]
    answer()
    assert len(kernel.handled) == 1
    assert not answering()


def test_cells_that_wait_keep_their_turn(kernel):
    for kind in ("execute_request", "comm_msg", "complete_request", "execute_request", "comm_msg"):
        kernel.send(kind)
    answer()
    assert len(kernel.handled) == 2
    assert kernel.queue == ["execute_request", "complete_request", "execute_request"]


def test_the_kernel_takes_the_next_message_itself_again(kernel):
    kernel.send("comm_msg")
    answer()
    kernel.send("comm_msg")
    kernel.stream.flush(zmq.POLLIN)
    assert (len(kernel.handled), kernel.queue) == (1, ["comm_msg"])


def test_what_is_sent_while_an_event_is_handled_comes_after_it(kernel):
    def once():
        kernel.on_event = lambda: None
        kernel.send("comm_msg", {"data": 2})
        answer()  # as a training does that the event began
        assert kernel.handled == [{"data": 1}]

    kernel.on_event = once
    kernel.send("comm_msg", {"data": 1})
    answer()
    assert kernel.handled == [{"data": 1}, {"data": 2}]


def test_in_another_thread_nothing_is_handled(kernel):
    kernel.send("comm_msg")
    thread = threading.Thread(target=answer)
    thread.start()
    thread.join()
    assert kernel.handled == []


@pytest.mark.parametrize("shell", [None, SimpleNamespace(), SimpleNamespace(kernel=SimpleNamespace(shell_stream=None))])
def test_where_there_is_no_kernel_of_this_make_nothing_happens(monkeypatch, shell):
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    answer()
    monkeypatch.delitem(sys.modules, "IPython")
    answer()


def test_a_training_answers_after_every_step_and_while_it_is_held(kernel, trainer):
    def held(step):
        trainer.pause()
        kernel.send("comm_msg", {"data": step.step})

    trainer.listeners.append(held)
    kernel.on_event = trainer.resume
    trainer.train(2)
    assert [event["data"] for event in kernel.handled] == [0, 1, 2, 3]


def test_waiting_for_a_training_answers_too(kernel, trainer):
    trainer.listeners.append(lambda step: trainer.pause())
    kernel.on_event = trainer.stop
    trainer.start(2)
    kernel.send("comm_msg")
    assert trainer.wait(10)
    assert len(kernel.handled) == 1


def test_an_error_in_an_event_is_logged_and_the_cell_goes_on(kernel, caplog):
    def wrong():
        raise LookupError("no such map")

    kernel.on_event = wrong
    kernel.send("comm_msg")
    answer()
    assert "no such map" in caplog.text
    assert kernel.parent == CELL
    assert kernel.said[1:] == [("idle", "comm_msg"), ("busy", "cell")]


def test_what_cannot_be_read_is_left_to_the_kernel(kernel):
    sender = Session(key=b"another key")
    sender.send(kernel.page, "comm_msg", {})
    answer()
    assert (kernel.handled, kernel.queue) == ([], ["comm_msg"])
