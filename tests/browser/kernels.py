"""Kernels without the seconds that it takes to import torch: forks of one process that has imported it.

`python kernels.py NAME` serves them under that name, on Linux, and prints it when it does. JupyterLab starts
`python kernels.py NAME CONNECTION_FILE` in place of a kernel: it asks the server for one, lives as long as that one,
and hands signals on. A kernel is a process of its own, with nothing in it but imported modules, and none of Jupyter's
among them: these look around when they are imported.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from importlib import import_module
from select import select

LARGE = ("torch", "torchvision", "pandas", "skimage.transform", "sklearn.datasets", "sklearn.decomposition")


def serve(name: str) -> None:
    """Fork a kernel for each caller until the standard input is closed; the kernels that are left end with this."""
    del sys.path[0]  # the folder of this file
    for package in LARGE:
        import_module(package)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        print(name, flush=True)
        while sys.stdin not in select([listener, sys.stdin], [], [])[0]:
            caller, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                become_kernel(caller)
                return
            caller.close()


def become_kernel(caller: socket.socket) -> None:
    """Run a kernel in this process as if the caller had started it."""
    message, outputs, *_ = socket.recv_fds(caller, 1 << 20, 2)
    asked = json.loads(message)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for output, number in zip(outputs, (1, 2), strict=True):
        os.dup2(output, number)
        os.close(output)
    os.environ.clear()
    os.environ.update(asked["environment"], JPY_PARENT_PID=str(os.getppid()))
    os.chdir(asked["folder"])
    sys.argv[1:] = ["-f", asked["connection_file"]]
    caller.sendall(str(os.getpid()).encode())
    import zmq
    from ipykernel.kernelapp import IPKernelApp

    class Kernel(IPKernelApp):
        """Drops nothing that it publishes: by default a cell that makes thousands of widgets at once, as those with
        every view do, loses what a busy server has not taken in, and so the news that it has ended."""

        def init_iopub(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
            context.setsockopt(zmq.SNDHWM, 0)  # for the sockets that are made from here on
            super().init_iopub(context)

    Kernel.launch_instance()


def ask(name: str, connection_file: str) -> None:
    """Have a kernel started, and stay until it has ended."""
    asked = {"connection_file": connection_file, "environment": dict(os.environ), "folder": os.getcwd()}
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(f"\0{name}")
        socket.send_fds(server, [json.dumps(asked).encode()], [1, 2])
        kernel = int(server.recv(100))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os.kill(kernel, number))
        server.recv(1)  # nothing, once the kernel has ended


if __name__ == "__main__":
    serve(*sys.argv[1:]) if len(sys.argv) == 2 else ask(*sys.argv[1:])
