"""A real kernel of a notebook, for tests; it is told which cell runs, as JupyterLab and Colab tell it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client import BlockingKernelClient, KernelManager

ROOT = Path(__file__).parents[2]


class Kernel:
    """Runs cells, and says what they printed."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str, cell: str | None = None, *, metadata: dict[str, Any] | None = None) -> str:
        """Run `code` as the cell of that id; raises what it raises."""
        metadata = metadata or ({} if cell is None else {"cellId": cell})
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        message = self._client.session.msg("execute_request", content, metadata=metadata)
        self._client.shell_channel.send(message)
        printed = []
        while True:
            answer = self._client.get_iopub_msg(timeout=120)
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            kind, said = answer["msg_type"], answer["content"]
            if kind == "stream":
                printed.append(said["text"])
            elif kind == "error":
                raise RuntimeError("\n".join(said["traceback"]))
            elif kind == "status" and said["execution_state"] == "idle":
                break
        while True:  # its answer on the other channel
            try:
                reply = self._client.get_shell_msg(timeout=120)
            except Empty:
                raise RuntimeError(f"no answer to {code!r}") from None
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return "".join(printed)

    def ask(self, expression: str) -> Any:
        """The value of an expression, such as JSON can tell."""
        return json.loads(self.run(f"import json; print(json.dumps({expression}))"))


@contextmanager
def kernel() -> Iterator[Kernel]:
    """A kernel that lives as long as the `with`."""
    manager = KernelManager()
    manager.kernel_spec.argv[0] = sys.executable
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    manager.start_kernel(env=os.environ | {"PYTHONPATH": path})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
