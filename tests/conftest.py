"""What every test can count on: the same random numbers, one thread, no network, no widget of another test."""

from __future__ import annotations

import ipaddress
import os
import socket
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import ipywidgets as W
import pytest
import torch
from ipywidgets.widgets import widget as widget_module
from xdist.scheduler import LoadFileScheduling

HERE = Path(__file__).parent
FAST = [
    HERE / name
    for name in (
        "compute/core/test_forward.py", "compute/core/test_outputs.py", "compute/core/test_state.py", "live",
        "render/color", "render/static", "render/text", "render/test_png.py", "test_files.py",
        "training/loop/test_trainer.py", "widgets/controls/test_basic.py",
        "widgets/state/test_subject.py", "widgets/state/test_traits.py",
    )
]  # fmt: skip
"""Files and folders whose tests `pytest -m fast` runs, unless they are slow or take real data."""
LONG = {"running", "every_view"}
"""Fixtures that run cells in a kernel of their own: the tests that take them are slow, if only together."""


class ByFile(LoadFileScheduling):
    """With `-n 2` a file stays in one process, for what its tests share, but tests in a browser share little beyond the
    session, and those of the notebooks the notebook that has run: no process is left alone with a long file."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if file.startswith("tests/browser/"):
            return nodeid
        return f"{file}[{test.partition('[')[2]}" if file == "tests/notebooks/test_notebooks.py" else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Under `-m fast`, no other file is imported: that alone would take as long as the tests."""
    on_the_way = any(collection_path.is_relative_to(path) or path.is_relative_to(collection_path) for path in FAST)
    return True if config.option.markexpr == "fast" and not on_the_way else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if {"data_root", "data_folder"} & fixtures:
            item.add_marker(pytest.mark.data)
        if LONG & fixtures:
            item.add_marker(pytest.mark.slow)
        slow = item.get_closest_marker("slow") or item.get_closest_marker("data")
        if not slow and any(item.path.is_relative_to(path) for path in FAST):
            item.add_marker(pytest.mark.fast)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder with the real data sets and weights; skips the test where there is none."""
    root = os.environ.get("CNNWIDGETS_DATA")
    if not root:
        pytest.skip("CNNWIDGETS_DATA is not set: it names the folder with the real data sets and weights")
    if not Path(root).is_dir():
        pytest.fail(f"CNNWIDGETS_DATA is {root!r}, which is no folder")
    return Path(root)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address that is asked for, on a computer without a network."""
    addresses: list[str] = []

    def refuse(request: urllib.request.Request, *args: Any, **kwargs: Any) -> None:
        addresses.append(request.full_url)
        raise URLError("the network is unplugged")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(torch.hub, "urlopen", refuse)  # its own name for the same
    return addresses


def living() -> dict[str, W.Widget]:
    """The widgets that live in this process, under the names of ipywidgets 7 and 8."""
    if hasattr(widget_module, "_instances"):
        return widget_module._instances
    return W.Widget.widgets


@pytest.fixture(autouse=True)
def all_widgets_closed() -> Iterator[None]:
    """Tests need not close their views; the next one starts without any."""
    before = set(living())
    yield
    for name, widget in list(living().items()):
        if name not in before:
            widget.close()


@pytest.fixture
def widgets() -> Callable[[], int]:
    """How many widgets live."""
    return lambda: len(living())


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """Each test starts from the same seed, whichever tests ran before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """One thread of torch, here and in kernels that tests start: sums are split the same way on every machine, and
    tests that run side by side (`pytest -n 2`) do not take the cores from one another."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


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
