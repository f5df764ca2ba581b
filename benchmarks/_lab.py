"""A JupyterLab and a headless Chromium on this machine, with one notebook whose cells have run.

Needs `pip install cnnwidgets[test]` and a Chromium of the system (`apt-get install chromium`, or its path in CHROMIUM).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _delay import Delay, delayed
from _page import MARK_PICTURE, RUN_ALL_CELLS, RUN_IN_KERNEL, TOOLS
from playwright.sync_api import Locator, Page, sync_playwright

REPOSITORY = Path(__file__).parents[1]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# No sandbox: containers run as root. The rest keeps Chromium from talking to anyone but the server.
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--js-flags=--expose-gc",
    "--enable-precise-memory-info",
]
NOTEBOOK = "benchmark.ipynb"
PICTURES = "img, canvas.cnnw-pixels"
"""What a card shows: files of the kernel, and what the page paints."""
PICTURED = """
from cnnwidgets.views import activation
activation.possible = lambda: False
"""
"""Code of a cell: the kernel draws the views that are made after it, whatever the page can."""
NOISE = """
import torch
import torchvision

class Noise:
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(index))

torch.manual_seed(0)
model = torchvision.models.resnet18().eval()
"""
"""Code of a cell: a ResNet-18, and images that it has never seen, each the same whenever it is asked for."""


@contextlib.contextmanager
def lab_page(*cells: str, width: int = 1300, height: int = 1900) -> Iterator[Page]:
    """Page of a new notebook whose `cells` have run, in a JupyterLab and a Chromium of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _server(Path(folder), cells) as url,
        _opened(url, width, height) as page,
    ):
        yield page


@contextlib.contextmanager
def far_page(*cells: str, width: int = 1300, height: int = 1900) -> Iterator[tuple[Page, Delay]]:
    """As `lab_page`, with a proxy between the browser and the server that can hold back what passes."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _server(Path(folder), cells) as near,
        delayed(near) as (url, delay),
        _opened(url, width, height) as page,
    ):
        yield page, delay
        delay.round_trip = 0.0


@contextlib.contextmanager
def _opened(url: str, width: int, height: int) -> Iterator[Page]:
    """The notebook in a Chromium, all its cells run."""
    if not CHROMIUM:
        raise SystemExit("no Chromium: install one (Debian: apt-get install chromium) or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.add_init_script(TOOLS)
        page.goto(f"{url}/lab/tree/{NOTEBOOK}?reset")
        page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady", timeout=60_000)
        failure = page.evaluate(RUN_ALL_CELLS)
        if failure:
            raise RuntimeError(f"a cell of the notebook failed:\n{failure}")
        page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
        page.wait_for_timeout(1000)
        yield page
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        browser.close()


def in_kernel(page: Page, code: str) -> str:
    """Run code in the notebook's kernel, beside the cells, and return what it printed."""
    printed, failure = page.evaluate(RUN_IN_KERNEL, code)
    if failure:
        raise RuntimeError(f"the kernel could not run {code!r}:\n{failure}")
    return printed.strip()


def shown_sha256(page: Page, selector: str) -> str:
    """SHA-256 of the file behind the first picture on the screen that matches the CSS `selector`, in hexadecimal."""
    code = "s => watch.sha256([...document.querySelectorAll(s)].find(e => getComputedStyle(e).display !== 'none'))"
    return page.evaluate(code, selector)


def mark_grid(page: Page) -> str:
    """CSS selector of the picture on the page that shows the grid of `view`, an ActivationView drawn by the kernel."""
    code = "import hashlib; print(hashlib.sha256(view.box('maps').figure.png).hexdigest())"
    if not page.evaluate(MARK_PICTURE, in_kernel(page, code)):
        raise RuntimeError("the grid of the view is not on the page")
    return ".the-grid"


def slider_handle(page: Page | Locator, label: str) -> Locator:
    """The handle of the view's slider that stands behind `label`; of several views, within a part of the page."""
    return _behind(page, label, "*[contains(@class,'noUi-handle')]")


def menu(page: Page, label: str) -> Locator:
    """The view's menu that stands behind `label`."""
    return _behind(page, label, "select")


def entry(page: Page, label: str) -> Locator:
    """The view's box to type into that stands behind `label`."""
    return _behind(page, label, "input[@type='text']")


def _behind(page: Page | Locator, label: str, what: str) -> Locator:
    group = f"//*[contains(@class,'cnnw-label')][.='{label}']/ancestor::*[contains(@class,'widget-hbox')][1]"
    return page.locator(f"xpath={group}//{what}").first


def press(handle: Locator, key: str, root: str, selector: str) -> dict[str, float]:
    """Press a key on a slider; times as of `timed`."""
    handle.focus()
    return timed(handle.page, root, selector, lambda: handle.page.keyboard.press(key))


def timed(
    page: Page, root: str, selector: str, act: Callable[[], object], *, kind: str = "keydown"
) -> dict[str, float]:
    """Milliseconds from an event of `kind`, as `act()` makes one, until the picture was `changed`, `decoded`, painted.

    The last is `total`. The picture is what matches the CSS `selector` inside `root`.
    """
    page.evaluate("([root, selector, kind]) => { watch.key(root, selector, kind); }", [root, selector, kind])
    act()
    times = page.evaluate("() => Promise.race([watch.result, new Promise(r => setTimeout(() => r(null), 30000))])")
    if times is None:
        raise RuntimeError(f"no new picture in {root} within 30 s of a {kind}")
    return times


def drag_by_mouse(handle: Locator, to: float, moves: int, seconds: float) -> None:
    """Drag a slider's handle to the share `to` of its track, in so many moves."""
    page, track = handle.page, handle.locator("xpath=ancestor::*[contains(@class,'noUi-target')]")
    at, room = handle.bounding_box(), track.bounding_box()
    assert at and room
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    end = room["x"] + room["width"] * to
    page.mouse.move(x, y)
    page.mouse.down()
    start = time.perf_counter()
    for i in range(1, moves + 1):
        page.mouse.move(x + (end - x) * i / moves, y)
        time.sleep(max(0, start + seconds * i / moves - time.perf_counter()))
    page.mouse.up()


class Rounds:
    """Moves a slider with the keyboard: a step up a press, and from the upper end back to 0.

    Not down again: a picture that was shown two moves ago is still in the page, and a view need not send it.

    Parameters
    ----------
    handle : Locator
        The slider's handle; the slider stands at 0.
    last : int
        Its highest value.
    root, selector : str
        CSS: the picture that a move redraws is what matches `selector` inside `root`.
    """

    def __init__(self, handle: Locator, last: int, root: str, selector: str) -> None:
        self.handle, self.last, self.root, self.selector = handle, last, root, selector
        self.value = 0

    def move(self) -> dict[str, float]:
        """One step, timed as in `press`."""
        key = "ArrowRight" if self.value < self.last else "Home"
        self.value = self.value + 1 if self.value < self.last else 0
        times = press(self.handle, key, self.root, self.selector)
        self.handle.page.wait_for_timeout(10 + 7 * self.value % 23)  # not in step with the screen's frames
        return times


@contextlib.contextmanager
def _server(folder: Path, cells: tuple[str, ...]) -> Iterator[str]:
    notebooks, kernel = folder / "notebooks", folder / "share" / "kernels" / "python3"
    for path in (notebooks, kernel):
        path.mkdir(parents=True)
    notification = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notification.parent.mkdir(parents=True)
    notification.write_text('{"fetchNews": "false"}')
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    (notebooks / NOTEBOOK).write_text(json.dumps(_notebook(cells)))
    environment = os.environ | {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_PATH": str(folder / "share"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])),
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={notebooks}",
        "--ServerApp.disable_check_xsrf=True",
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=None",
    ]
    url, log = f"http://127.0.0.1:{port}", folder / "lab.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *arguments],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(url + "/api/status", timeout=1).close()
                break
            if server.poll() is not None:
                raise RuntimeError(f"JupyterLab ended at once:\n{log.read_text()}")
            time.sleep(0.1)
        else:
            raise RuntimeError(f"JupyterLab did not answer within a minute:\n{log.read_text()}")
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def _notebook(cells: tuple[str, ...]) -> dict[str, Any]:
    hidden = {"jupyter": {"source_hidden": True}}  # so that all outputs are on the screen together
    empty: dict[str, Any] = {"cell_type": "code", "metadata": hidden, "outputs": [], "execution_count": None}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [{"id": f"cell-{number}", "source": source, **empty} for number, source in enumerate(cells)],
    }
