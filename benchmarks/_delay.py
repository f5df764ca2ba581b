"""A kernel that is far away: a proxy on this machine that holds back every byte, both ways.

It stands between the browser and JupyterLab, keeps the order, and counts what passes. `round_trip` may be changed while
it runs: half of it is what a byte waits, whichever way it goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

CHUNK = 1 << 16


class Delay:
    """The proxy.

    Attributes
    ----------
    port : int
        Where it listens.
    round_trip : float
        Seconds that a question and its answer wait together.
    down, up : int
        Bytes that went to the browser, and to JupyterLab.
    """

    def __init__(self, target: int, round_trip: float = 0.0) -> None:
        self.round_trip, self.port, self.down, self.up = round_trip, 0, 0, 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delay", daemon=True)
        self._thread.start()
        self._listening.wait()

    def close(self) -> None:
        """End it, and every connection."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        for source, sink, name in ((reader, back, "up"), (there, writer, "down")):
            task = self._loop.create_task(self._carry(source, sink, name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, name: str) -> None:
        """Hand on what comes, each piece when its time has come."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sender = self._loop.create_task(self._send(waiting, sink))
        data = b"first"
        with contextlib.suppress(OSError):
            while data:
                data = await source.read(CHUNK)
                setattr(self, name, getattr(self, name) + len(data))
                waiting.put_nowait((self._loop.time() + self.round_trip / 2, data))
        if data:  # broken off: the other side is told too
            waiting.put_nowait((self._loop.time(), b""))
        await sender

    async def _send(self, waiting: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(due - self._loop.time())
                if not data:
                    break
                sink.write(data)
                await sink.drain()
        sink.close()


@contextlib.contextmanager
def delayed(url: str) -> Iterator[tuple[str, Delay]]:
    """The address of `url` behind a proxy that holds nothing back yet, and the proxy."""
    start, port = url.rsplit(":", 1)
    proxy = Delay(int(port))
    try:
        yield f"{start}:{proxy.port}", proxy
    finally:
        proxy.close()
