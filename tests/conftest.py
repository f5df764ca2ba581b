"""What every test can count on: the same random numbers, few threads, no network."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder with the real data sets and weights; skips the test where there is none."""
    root = os.environ.get("CNNWIDGETS_DATA")
    if not root:
        pytest.skip("CNNWIDGETS_DATA is not set: it names the folder with the real data sets and weights")
    if not Path(root).is_dir():
        pytest.fail(f"CNNWIDGETS_DATA is {root!r}, which is no folder")
    return Path(root)


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """Each test starts from the same seed, whichever tests ran before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def few_threads() -> None:
    """Two threads: sums are split the same way on every machine, and the browser keeps its turn."""
    torch.set_num_threads(2)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """A connection to another machine is an error that names it; this machine's servers can be reached."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(str(address[0])):
            raise RuntimeError(f"a test wants to reach {address[0]}, but tests use no network")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
