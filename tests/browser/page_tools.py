"""What a browser test does on a page: press keys, read painted pixels, count widgets, blobs and comms."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import ipywidgets
import numpy as np
from PIL import Image
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

T = TypeVar("T")
OLD = ipywidgets.__version__.startswith("7.")
"""Whether this is the front end of ipywidgets 7, in JupyterLab 3, and not that of ipywidgets 8."""

# What a slider is made of.
TRACK, HANDLE = (".ui-slider", ".ui-slider-handle") if OLD else (".noUi-base", ".noUi-handle")

# Runs before the page's own scripts: keeps a list of the blob URLs that were made and not yet revoked.
COUNT_BLOBS = """(() => {
    const create = URL.createObjectURL.bind(URL), revoke = URL.revokeObjectURL.bind(URL);
    window.blobUrls = {created: 0, alive: new Map()};
    URL.createObjectURL = blob => {
        const url = create(blob);
        window.blobUrls.created += 1;
        window.blobUrls.alive.set(url, blob.size ?? 0);
        return url;
    };
    URL.revokeObjectURL = url => { window.blobUrls.alive.delete(url); revoke(url); };
})()"""

# The widget manager is private to JupyterLab's widget renderer, so a renderer is asked for it.
COUNT_WIDGETS = """async () => {
    const rendermime = window.jupyterapp.shell.currentWidget.content.rendermime;
    const renderer = rendermime.createRenderer('application/vnd.jupyter.widget-view+json');
    const manager = await renderer._manager.promise;
    renderer.dispose();
    return Object.keys(manager._models ?? Object.fromEntries(manager._modelsSync)).length;
}"""

RUN_IN_KERNEL = """async (code) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({code, store_history: false, stop_on_error: false});
    const printed = [];
    future.onIOPub = message => {
        if (message.header.msg_type === 'stream' && message.content.name === 'stdout')
            printed.push(message.content.text);
    };
    const reply = await future.done;
    const {status, traceback} = reply.content;
    return [printed.join(''), status === 'ok' ? '' : (traceback ?? [status]).join('\\n')];
}"""


CELLS_TIMEOUT = 300  # seconds for all cells of a notebook together

# Waits for the kernel, runs every cell, and returns the traceback of the first one that failed, or "".
RUN_ALL_CELLS = """async (seconds) => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    while (panel.sessionContext.session?.kernel?.status !== 'idle') await new Promise(r => setTimeout(r, 50));
    const late = new Promise(r => setTimeout(() => r('late'), 1000 * seconds));
    const run = window.jupyterapp.commands.execute('notebook:run-all-cells');
    if (await Promise.race([run, late]) === 'late') return `the cells did not end within ${seconds} s`;
    for (const cell of panel.context.model.toJSON().cells)
        for (const output of cell.outputs ?? [])
            if (output.output_type === 'error') return output.traceback.join('\\n');
    return '';
}"""


WATCH = """
import logging, traceback
import cnnwidgets

faults = []

class Keep(logging.Handler):
    def emit(self, record):
        faults.append(self.format(record))

logging.getLogger().addHandler(Keep(logging.WARNING))
show = get_ipython().showtraceback

def keep(*args, **kwargs):
    faults.append(traceback.format_exc())
    show(*args, **kwargs)

get_ipython().showtraceback = keep
"""
"""The first cell: errors inside observers show nowhere by themselves, so they are collected in `faults`."""


PICTURES = """
from cnnwidgets.views.activation import view as activation
activation.possible = lambda: False
"""
"""A cell after which pages show pictures, as one does that cannot paint."""
GRIDS = ".cnnw canvas.cnnw-pixels:visible, .cnnw .cnnw-figure:visible .bqplot image"
"""The pictures that the mouse can point at, painted by the page or not."""


class Blobs(NamedTuple):
    """Blob URLs of a page: how many it ever made, how many it has not revoked, and the bytes of these."""

    created: int
    alive: int
    alive_bytes: int


def run_all_cells(page: Page) -> str:
    """Run the notebook that is open in JupyterLab or Notebook 7; the traceback of the cell that failed, or nothing."""
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady", timeout=60_000)
    return str(page.evaluate(RUN_ALL_CELLS, CELLS_TIMEOUT))


def focus_slider(page: Page, n: int = 0) -> Locator:
    """Give the keyboard to the n-th slider handle on the page, counted from 0."""
    handle = page.locator(HANDLE).nth(n)
    handle.scroll_into_view_if_needed()
    handle.focus()
    return handle


def drag_slider(page: Page, n: int, share: float, steps: int = 20) -> None:
    """Drag the n-th slider handle with the mouse to a place on its track: 0 is the left end, 1 the right."""
    box, track = steady(page.locator(HANDLE).nth(n)), page.locator(TRACK).nth(n).bounding_box()
    if track is None:
        raise AssertionError(f"slider {n} is not visible")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    beyond = 4  # px: a hand stops no nearer to an end
    page.mouse.move(
        track["x"] - beyond + share * (track["width"] + 2 * beyond), box["y"] + box["height"] / 2, steps=steps
    )
    page.mouse.up()


def press(page: Page, key: str, times: int = 1) -> None:
    """Press a key of the keyboard: "ArrowRight", "PageUp", "Home", "Tab", "Enter" ..."""
    for _ in range(times):
        page.keyboard.press(key)


def shown_pixels(locator: Locator) -> np.ndarray:
    """What is painted at the element's place, as a user sees it: (height, width, 3), uint8."""
    box = None
    for _ in range(10):  # what is seen may give its place to a copy with the newest state
        try:
            locator.scroll_into_view_if_needed(timeout=3000)
        except PlaywrightTimeout:
            continue
        next_frames(locator.page)
        if (box := locator.bounding_box()) is not None:
            break
    if box is None:
        raise AssertionError(f"{locator} is not visible")
    clip = {side: box[side] for side in ("x", "y", "width", "height")}
    return np.asarray(Image.open(io.BytesIO(locator.page.screenshot(clip=clip))).convert("RGB"))


def next_frames(page: Page, count: int = 2) -> None:
    """Let the browser paint: after two frames all that was set before is on the screen."""
    page.evaluate(
        "async n => { for (let i = 0; i < n; i++) await new Promise(r => requestAnimationFrame(r)); }",
        count,
    )


NOT_YET = (PlaywrightError, LookupError, TypeError, ValueError)
"""What a look at a page raises while things come and go: two elements for one, no box, no number, another shape."""


def wait_until(page: Page, condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Look again and again until the condition holds; `what` says in the error what was waited for.

    A look that fails because what it looks for is not there yet, or twice, is one at which it does not hold.
    """
    failure: Exception | None = None
    for _ in range(round(seconds / 0.05)):
        try:
            if condition():
                return
            failure = None
        except PlaywrightTimeout as error:  # it has waited by itself
            raise AssertionError(f"not there: {what}") from error
        except NOT_YET as error:
            failure = error
        page.wait_for_timeout(50)
    raise AssertionError(f"not so after {seconds} s: {what}") from failure


def becomes(page: Page, read: Callable[[], object], value: object, what: str) -> None:
    """Wait until `read()` equals a value; the error says what it gave last. For what is read in one look."""
    last: object = None

    def equal() -> bool:
        nonlocal last
        last = read()
        return bool(last == value)

    try:
        wait_until(page, equal, what)
    except AssertionError as error:
        raise AssertionError(f"{error}: {last!r}, not {value!r}") from error


def soon(page: Page, check: Callable[[], None], what: str) -> None:
    """Have a check that asserts tried again and again until it holds; its last failure stands behind the error."""
    failure: AssertionError | None = None

    def holds() -> bool:
        nonlocal failure
        try:
            check()
        except AssertionError as error:
            failure = error
            return False
        return True

    try:
        wait_until(page, holds, what)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{failure or ''}") from (failure or error)


def at_rest(page: Page, read: Callable[[], T], what: str, looks: int = 3) -> T:
    """What `read()` gives when it has given the same, and not None, so many times one after the other."""
    seen: list[T] = []

    def same() -> bool:
        seen.append(read())
        del seen[:-looks]
        if len(seen) < looks or seen[0] is None:
            return False
        pixels = isinstance(seen[0], np.ndarray)
        return all(np.array_equal(seen[0], each) if pixels else seen[0] == each for each in seen)

    wait_until(page, same, f"{what} at rest")
    return seen[-1]


def steady(locator: Locator) -> Any:
    """The box of an element that is scrolled to, once it stands still: what stands above it may still grow."""

    def look() -> dict[str, float] | None:
        locator.scroll_into_view_if_needed()
        return dict(locator.bounding_box() or {}) or None

    return at_rest(locator.page, look, f"{locator} is")


def steady_pixels(locator: Locator) -> np.ndarray:
    """What is painted at the element's place, as `shown_pixels`, once that no longer changes."""
    return at_rest(locator.page, lambda: shown_pixels(locator), f"the pixels of {locator} are")


def in_kernel(page: Page, code: str) -> str:
    """Run code in the notebook's kernel, beside the cells, and return what it printed."""
    printed, failure = page.evaluate(RUN_IN_KERNEL, code)
    if failure:
        raise AssertionError(f"the kernel could not run {code!r}:\n{failure}")
    return printed


def comm_count(page: Page) -> int:
    """How many comms are open in the kernel: one for each widget that lives there."""
    return int(in_kernel(page, "print(len(get_ipython().kernel.comm_manager.comms))"))


def widget_count(page: Page) -> int:
    """How many widget models the page holds."""
    return page.evaluate(COUNT_WIDGETS)


def blobs(page: Page) -> Blobs:
    """Count the page's blob URLs; a picture that was replaced and not freed shows here."""
    return Blobs(
        *page.evaluate(
            "() => { const {created, alive} = window.blobUrls;"
            " return [created, alive.size, [...alive.values()].reduce((a, b) => a + b, 0)]; }"
        )
    )


def state(page: Page, what: str) -> str:
    """`view.<what>` in the notebook's kernel, as it prints."""
    return in_kernel(page, f"print(view.{what}, end='')")


def wait_for(page: Page, what: str, value: object) -> None:
    """Wait until `view.<what>` prints as `value` does."""
    wait_until(page, lambda: state(page, what) == str(value), f"view.{what} is {value}")


def shown(page: Page, text: str) -> None:
    """Wait until a view says `text`."""
    page.locator(".cnnw", has_text=text).first.wait_for()


def no_errors(page: Page) -> bool:
    """Whether neither the page, nor the kernel (into `faults`), nor the view's error line had anything to say."""
    faults = in_kernel(page, "print(faults, repr(view.error))").strip()
    assert (page.errors, faults) == ([], "[] ''"), "\n".join([*page.errors, faults])
    return True


def keep(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of the card, or of the whole page, where `SCREENSHOTS` names a folder: for a person to look at."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.wait_for_timeout(400)
        (page if whole else page.locator(".cnnw").first).screenshot(path=Path(folder) / f"{name}.png")


@contextmanager
def silent_kernel(page: Page) -> Iterator[None]:
    """A kernel that does not answer: its process stands still. (In a long cell, a new kernel still hears widgets.)"""
    process = int(in_kernel(page, "import os; print(os.getpid())"))
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)
