"""One JupyterLab and one Chromium a session; a fresh notebook with a fresh kernel a test."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from page_tools import COUNT_BLOBS, OLD, run_all_cells
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# No sandbox: containers run the tests as root. The rest keeps Chromium from talking to anyone but the server.
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


class Lab(NamedTuple):
    """A running JupyterLab."""

    url: str
    notebooks: Path
    settings: Path

    def write(self, *cells: str) -> str:
        """Name of a new notebook with these cells, which have not run."""
        name = f"{uuid.uuid4().hex}.ipynb"
        (self.notebooks / name).write_text(json.dumps(_notebook(cells)))
        return name


EVERY_DAY = ("test_activation_view", "test_controls", "test_harness", "test_page")
"""The files whose tests are not slow: one view in a notebook, and pages. All the others take a quarter of an hour."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    names = {item.nodeid for item in items}
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            twin = "dark" in item.nodeid and item.nodeid.replace("dark", "light") in names - {item.nodeid}
            if twin or item.path.stem not in EVERY_DAY:
                item.add_marker(pytest.mark.slow)
    # Last: Playwright keeps an event loop running in this thread, and views draw differently where there is one.
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab on a free port of this machine, whose only kernel is this very Python."""
    root = tmp_path_factory.mktemp("lab")
    notebooks, settings = root / "notebooks", root / "settings"
    kernel = root / "share" / "kernels" / "python3"
    for folder in (notebooks, settings, kernel):
        folder.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    environment = os.environ | {
        "IPYTHONDIR": str(root / "ipython"),
        "JUPYTER_CONFIG_DIR": str(root / "config"),
        "JUPYTER_DATA_DIR": str(root / "data"),
        "JUPYTER_PATH": str(root / "share"),
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(root / "workspaces"),
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
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]
    if not OLD:  # JupyterLab 3 takes none of its options where it does not know one
        arguments.append("--LabApp.extension_manager=readonly")
    news = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text(json.dumps({"fetchNews": "false"}))
    url, log = f"http://127.0.0.1:{port}", root / "lab.log"
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
                break
            time.sleep(0.1)
        else:
            pytest.fail(f"JupyterLab did not answer within a minute:\n{log.read_text()}")
        if server.poll() is not None:
            pytest.fail(f"JupyterLab ended at once:\n{log.read_text()}")
        yield Lab(url, notebooks, settings)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium of the system. Without one the browser tests fail; they are never skipped."""
    if not CHROMIUM:
        pytest.fail("no Chromium: install one (Debian: apt-get install chromium) or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def theme() -> str:
    """JupyterLab's theme. For both: `@pytest.mark.parametrize("theme", ["light", "dark"])`."""
    return "light"


@pytest.fixture
def run_cells(lab: Lab, browser: Browser, theme: str) -> Iterator[Callable[..., Page]]:
    """`run_cells(code, ...)` is the Playwright page of a new notebook whose cells have run.

    `page.errors` collects what the page wrote to its console as an error, and exceptions that nobody caught.
    """
    setting = lab.settings / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    setting.write_text(json.dumps({"theme": THEMES[theme]}))
    context = browser.new_context(viewport={"width": 1200, "height": 1400})
    context.add_init_script(COUNT_BLOBS)
    page: Any = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)

    def run(*cells: str) -> Page:
        page.goto(f"{lab.url}/lab/tree/{lab.write(*cells)}?reset")
        failure = run_all_cells(page)
        if failure:
            pytest.fail(f"a cell of the notebook failed:\n{failure}")
        return page

    yield run
    with contextlib.suppress(Exception):  # a test that never opened a notebook has no kernel to end
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    context.close()


def _notebook(cells: tuple[str, ...]) -> dict[str, Any]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
    }
