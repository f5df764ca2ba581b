"""One JupyterLab and one Chromium a session, and a page a theme; a fresh notebook with a fresh kernel a test."""

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
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

expect.set_options(timeout=30_000)  # a page and its kernel are two clocks, and the machine may be busy
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
SIZE = {"width": 1200, "height": 1400}
OPEN = "path => window.jupyterapp.commands.execute('docmanager:open', {path}).then(() => {})"
# Ends the kernel, closes the notebook, lets go of the numbers that the page keeps, and says whether the page around the
# notebook is still as it was loaded. (Not closed but disposed of: nobody is asked whether to save.)
PUT_AWAY = """async light => {
    const {shell} = window.jupyterapp, panel = shell.currentWidget;
    if (panel?.sessionContext) {
        await panel.sessionContext.shutdown();
        panel.dispose();
    }
    for (const ours of Object.getOwnPropertySymbols(globalThis))
        if (/^cnnwidgets\\.(store|code)\\./.test(Symbol.keyFor(ours) ?? '')) delete globalThis[ours];
    return document.body.dataset.jpThemeLight === String(light) && !shell.leftCollapsed
        && !document.documentElement.hasAttribute('theme');
}"""


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
def kernel_command() -> Iterator[list[str]]:
    """How JupyterLab starts a kernel. On Linux as a fork of a process that has imported torch: it takes as long to
    import as many a test."""
    if sys.platform != "linux":
        yield [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return
    command = [sys.executable, str(HERE / "kernels.py"), f"cnnwidgets-{uuid.uuid4().hex}"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}  # it ends when the first is closed
    with subprocess.Popen(command, env=_environment(), **pipes) as server:
        assert server.stdout is not None
        if not server.stdout.readline():
            pytest.fail("the process that kernels are forks of has ended")
        yield [*command, "{connection_file}"]
        server.communicate()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, kernel_command: list[str]) -> Iterator[Lab]:
    """A JupyterLab on a free port of this machine, whose only kernel is this very Python."""
    root = tmp_path_factory.mktemp("lab")
    notebooks, settings = root / "notebooks", root / "settings"
    kernel = root / "share" / "kernels" / "python3"
    for folder in (notebooks, settings, kernel):
        folder.mkdir(parents=True)
    spec = {"argv": kernel_command, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    environment = _environment() | {
        "IPYTHONDIR": str(root / "ipython"),
        "JUPYTER_CONFIG_DIR": str(root / "config"),
        "JUPYTER_DATA_DIR": str(root / "data"),
        "JUPYTER_PATH": str(root / "share"),
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(root / "workspaces"),
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
def flags() -> tuple[str, ...]:
    """What Chromium is told besides; a file whose tests need that has a fixture of its own of this name."""
    return ()


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[dict[tuple[str, ...], BrowserContext]]:
    """What pages of JupyterLab share, by theme and flags: code that one of them has loaded is at hand for the next."""
    found: dict[tuple[str, ...], BrowserContext] = {}
    yield found
    for context in found.values():
        own = context.browser
        context.close()
        if own is not None and own != browser:
            own.close()


@pytest.fixture(scope="session")
def pages(contexts: dict[tuple[str, ...], BrowserContext]) -> dict[str, Page]:
    """JupyterLab's pages that are open and have no notebook, by theme. To load one takes longer than many a test."""
    return {}


@pytest.fixture
def run_cells(
    request: pytest.FixtureRequest,
    lab: Lab,
    browser: Browser,
    contexts: dict[tuple[str, ...], BrowserContext],
    pages: dict[str, Page],
    theme: str,
    flags: tuple[str, ...],
) -> Iterator[Callable[..., Page]]:
    """`run_cells(code, ...)` is the Playwright page of a new notebook whose cells have run.

    `page.errors` collects what the page wrote to its console as an error, and exceptions that nobody caught. A page is
    used again, with another notebook and another kernel, unless its test failed, or changed more than its notebook; and
    not in JupyterLab 3, which complains later that a notebook put away has no kernel.
    """
    context = contexts.get(shared := (theme, *flags))
    if context is None:
        told = browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags]) if flags else browser
        context = contexts[shared] = told.new_context(viewport=SIZE)
        context.add_init_script(COUNT_BLOBS)
    page, failed = None if flags else pages.pop(theme, None), request.session.testsfailed

    def run(*cells: str) -> Page:
        nonlocal page
        name = lab.write(*cells)
        if page is None:
            page = _new_page(context, lab, theme)
            page.goto(f"{lab.url}/lab/tree/{name}?reset")
        else:
            page.evaluate(PUT_AWAY, True)
            page.errors.clear()
            page.evaluate(OPEN, name)
        if failure := run_all_cells(page):
            pytest.fail(f"a cell of the notebook failed:\n{failure}")
        return page

    yield run
    if page is None:  # the test opened no notebook
        return
    with contextlib.suppress(PlaywrightError):  # it may have gone elsewhere
        page.mouse.move(0, 0)
        kept = page.evaluate(PUT_AWAY, theme == "light") and page.viewport_size == SIZE and not (OLD or flags)
        if kept and request.session.testsfailed == failed:
            pages[theme] = page
            return
    page.close()


def _new_page(context: BrowserContext, lab: Lab, theme: str) -> Any:
    setting = lab.settings / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    setting.write_text(json.dumps({"theme": THEMES[theme]}))
    page: Any = context.new_page()
    page.errors = []
    inside = context.new_cdp_session(page)  # it tells where a string was thrown, too; the page's own event does not
    inside.on("Runtime.exceptionThrown", lambda event: page.errors.append(_thrown(event["exceptionDetails"])))
    inside.send("Runtime.enable")
    inside.send("Runtime.setAsyncCallStackDepth", {"maxDepth": 8})
    page.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)
    return page


def _thrown(details: dict[str, Any]) -> str:
    """What was thrown and not caught, and where."""
    thrown, stack = details.get("exception", {}), details.get("stackTrace")
    lines = [str(thrown.get("description", thrown.get("value", details["text"])))]
    while stack:
        lines += [
            f"    at {frame['functionName']} ({frame['url']}:{frame['lineNumber'] + 1}:{frame['columnNumber'] + 1})"
            for frame in stack["callFrames"]
        ]
        stack = stack.get("parent")
    return "\n".join(lines)


def _environment() -> dict[str, str]:
    """That of the tests, in which this repository is found first."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))}


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
