"""The page that paints, when something goes wrong, or is odd."""

from __future__ import annotations

import json

import pytest
import test_painter
from page_tools import (
    HANDLE,
    OLD,
    WATCH,
    becomes,
    focus_slider,
    in_kernel,
    next_frames,
    no_errors,
    press,
    soon,
    state,
    steady,
    wait_for,
    wait_until,
)
from painted_tools import LENET, canvases, lenet, painted
from playwright.sync_api import Page, expect
from test_painter import CHANNEL, LAYER, matches

from cnnwidgets.widgets.surface import markup

READY = "window.jupyterapp?.shell?.currentWidget?.context?.isReady"
SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
SAID = """() => Array.from(document.querySelectorAll('.cnnw.jupyter-widgets-disconnected'))
    .map(part => getComputedStyle(part, '::before').content)"""

# Messages of the painter are kept by kind, and so many of a kind get lost.
LOSE = """
from cnnwidgets.widgets.painter import Painter
sent, lose, send = [], {}, Painter.send

def lossy(self, content, buffers=None):
    kind = content["kind"]
    sent.append(kind)
    if lose.get(kind, 0):
        lose[kind] -= 1
    else:
        send(self, content, buffers)

Painter.send = lossy
"""
# The page as it is when its tab is not the one in front.
HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
    Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => hidden ? 'hidden' : 'visible'});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture
def page(run_cells) -> Page:
    page = lenet(run_cells)
    wait_until(page, lambda: matches(page), "the first picture")
    return page


def kinds(page: Page) -> list[str]:
    """The messages of the painters since the last call."""
    return json.loads(in_kernel(page, "import json; print(json.dumps(sent)); sent.clear()"))


def test_a_message_that_is_lost_is_asked_for_again(page):
    in_kernel(page, LOSE)
    in_kernel(page, "lose['layer'] = 1; view.layer = 'C3'")
    wait_until(page, lambda: matches(page), "a layer whose numbers were lost")
    in_kernel(page, "lose['layer'] = 2; view.layer = 'func1'")  # also those that were asked for
    wait_until(page, lambda: matches(page), "a layer whose numbers were lost twice")
    assert kinds(page) == ["layer"] * (2 + 3)
    assert no_errors(page)


def test_colours_that_are_lost_are_asked_for_again(run_cells):
    page = run_cells(WATCH, LENET + LOSE + "lose['palettes'] = 1\nview")
    canvases(page).nth(1).wait_for()
    wait_until(page, lambda: matches(page), "the first picture")
    assert kinds(page).count("palettes") == 2
    assert no_errors(page)


def test_what_the_page_says_may_be_lost_too(page):
    in_kernel(page, "heard, Painter = [], type(view.box('maps').painter)")
    in_kernel(page, "Painter._heard_painted = lambda self, content: heard.append(content)")
    for layer in ("C3", "func1", "C1", "S2"):
        in_kernel(page, f"view.layer = {layer!r}")
        wait_until(page, lambda: matches(page), layer)
    becomes(page, lambda: in_kernel(page, "print(len(heard) > 0)"), "True\n", "the page has said something")
    assert no_errors(page)


def test_a_page_that_is_loaded_again_in_the_middle_of_a_drag_goes_on_where_it_was(page):
    page.evaluate(SAVE)
    handle = page.locator(HANDLE).nth(CHANNEL)
    box = steady(handle)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(box["x"] + box["width"] / 2 + 6 * step, box["y"] + box["height"] / 2)
    wait_until(page, lambda: int(state(page, "channel")) > 0, "the kernel has heard of the drag")
    page.reload()
    page.mouse.up()
    page.wait_for_function(READY, timeout=60_000)
    canvases(page).nth(1).wait_for()
    wait_until(page, lambda: matches(page), "what the kernel has")
    channel = int(state(page, "channel"))
    assert channel > 0
    expect(page.locator(".cnnw-heading:visible", has_text=f"Channel {channel} ")).to_have_count(1)
    focus_slider(page, CHANNEL)
    press(page, "Home")
    wait_for(page, "channel", 0)
    wait_until(page, lambda: matches(page), "the first channel")
    assert state(page, "error") == ""


def test_a_kernel_that_restarts_leaves_the_picture_which_says_that_no_kernel_answers(page):
    before = [painted(canvases(page).nth(at)) for at in (0, 1)]  # it matches
    page.evaluate(RESTART)
    wait_until(page, lambda: page.evaluate(SAID) == [f'"{markup.KERNEL_GONE}"'], "what became of the kernel")
    next_frames(page)
    assert [(painted(canvases(page).nth(at)) == pixels).all() for at, pixels in enumerate(before)] == [True, True]
    stale = "e => [getComputedStyle(e).pointerEvents, getComputedStyle(e).opacity]"
    parts = page.locator(".cnnw.jupyter-widgets-disconnected > *:visible")

    def told() -> None:
        assert {tuple(each) for each in parts.evaluate_all(f"all => all.map({stale})")} == {("none", "0.45")}

    soon(page, told, "every part is pale and hears no mouse")


@pytest.mark.skipif(OLD, reason="ipywidgets 7 tells no page what was moved in another")
def test_two_pages_of_one_kernel_paint_the_same(page, browser):
    page.evaluate(SAVE)
    context = browser.new_context(viewport={"width": 1200, "height": 1400})
    other = context.new_page()
    errors: list[str] = []
    other.on("pageerror", lambda error: errors.append(str(error)))
    other.goto(f"{page.url.split('?')[0].replace('/lab/', '/lab/workspaces/other/')}?reset")
    other.wait_for_function(READY, timeout=60_000)
    canvases(other).nth(1).wait_for()

    def both() -> bool:
        return matches(page) and all(
            (painted(canvases(page).nth(at)) == painted(canvases(other).nth(at))).all() for at in (0, 1)
        )

    wait_until(page, both, "the same in both pages")
    focus_slider(page, CHANNEL)
    press(page, "ArrowRight", times=2)
    wait_for(page, "channel", 2)
    wait_until(page, both, "a channel that one of them chose")
    focus_slider(other, LAYER)
    press(other, "ArrowRight")
    wait_for(page, "layer", "func1")
    wait_until(page, both, "a layer that the other one chose")
    context.close()
    in_kernel(page, "view.layer = 'C3'")
    wait_until(page, lambda: matches(page), "the one that is left goes on")
    lab = "No such comm"  # one of JupyterLab's own, by which a page asks for all widgets and which it then closes
    faults = json.loads(in_kernel(page, "import json; print(json.dumps(faults))"))
    assert [fault for fault in faults if not fault.startswith(lab)] == errors == page.errors == []


def test_nothing_is_sent_for_a_tab_that_nobody_sees_and_it_shows_the_newest_when_somebody_does(page):
    in_kernel(page, LOSE)
    page.evaluate(HIDE, True)
    seen = "from cnnwidgets.widgets.painter import pages; print(pages.seen)"
    becomes(page, lambda: in_kernel(page, seen), "False\n", "the kernel knows that nobody sees it")
    for change in ("layer = 'C3'", "index = 4", "index = 5", "colormap = 'magma'"):
        in_kernel(page, f"view.{change}")
        next_frames(page)
    page.wait_for_timeout(500)
    assert kinds(page) == []
    page.evaluate(HIDE, False)
    wait_until(page, lambda: matches(page), "the newest state")
    assert kinds(page) == ["layer"]
    assert no_errors(page)


KINDS = """
import torch
from torch import nn

class Cast(nn.Module):
    def __init__(self, change):
        super().__init__()
        self.change = change
    def forward(self, x):
        return self.change(x)

class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_float16, self.to_bfloat16 = Cast(lambda x: x.half()), Cast(lambda x: x.bfloat16())
        self.to_float64 = Cast(lambda x: x.double() / 3)
        self.to_bool, self.to_int64 = Cast(lambda x: x > 0), Cast(lambda x: (1000 * x).long())
        self.to_uint8 = Cast(lambda x: (255 * x.clamp(0, 1)).byte())
        self.one = nn.AdaptiveAvgPool2d(1)
        self.large = nn.Upsample(size=(4096, 4096))
    def forward(self, x):
        kinds = [self.to_float16, self.to_bfloat16, self.to_float64, self.to_bool, self.to_int64, self.to_uint8]
        return [kind(x) for kind in kinds] + [self.one(x), self.large(x[:, :1])]

torch.manual_seed(0)
view = cnnwidgets.ActivationView(Odd(), [(torch.randn(3, 8, 8), 0)], layer="to_float16", scale="map")
view
"""
FLOATS = "view.maps.float() if view.maps.dtype == torch.bfloat16 else view.maps"


def test_maps_of_any_type_and_size_are_painted(run_cells, monkeypatch):

    monkeypatch.setattr(
        test_painter, "EXPECTED", test_painter.EXPECTED.replace("view.maps.numpy()", f"({FLOATS}).numpy()")
    )
    page = run_cells(WATCH, KINDS)
    canvases(page).nth(1).wait_for()
    tips = page.locator(".cnnw-says .cnnw-tip")
    for kind in ("float16", "bfloat16", "float64", "bool", "int64", "uint8"):
        layer = f"to_{kind}"
        in_kernel(page, f"view.layer = {layer!r}")
        wait_until(page, lambda: matches(page), layer)
        value = float(in_kernel(page, f"print(float(({FLOATS})[view.channel, 5, 2]))"))
        box = steady(canvases(page).nth(1))
        page.mouse.move(box["x"] + 2.5 * box["width"] / 8, box["y"] + 5.5 * box["height"] / 8)

        def told(value: float = value) -> None:
            said = tips.all_inner_texts()[-1]
            assert said.startswith("row 5, column 2: ")
            assert float(said.split(": ")[1].replace("−", "-")) == pytest.approx(value, rel=1e-3, abs=1e-3)

        soon(page, told, f"the mouse is told of a value of {layer}")
        page.mouse.move(0, 0)
    in_kernel(page, "view.layer = 'one'; view.scale = 'layer'")
    wait_until(
        page, lambda: page.locator(".cnnw-title b:visible, .cnnw-head b:visible", has_text="one").count() > 0, "1 × 1"
    )
    in_kernel(page, "view.layer = 'large'")
    page.locator(".cnnw-heading:visible", has_text="4096 × 4096").first.wait_for()
    wait_until(page, lambda: painted(canvases(page).nth(1)).shape[:2] == (1024, 1024), "a map of 16 million values")
    box = steady(canvases(page).nth(1))
    page.mouse.move(box["x"] + 0.999 * box["width"], box["y"] + 0.999 * box["height"])

    def about() -> None:
        said = tips.all_inner_texts()[-1]
        assert said.startswith("row 409") and ": about " in said

    soon(page, about, "the mouse is told of a value near the last")
    assert no_errors(page)


EVIL = """
import torch
from torch import nn
from collections import OrderedDict

evil = "<img src=x onerror=alert(1)>"
model = nn.Sequential(OrderedDict([(evil, nn.Conv2d(1, 2, 3)), ("flat", nn.Flatten()), ("fc", nn.Linear(72, 2))]))
view = cnnwidgets.ActivationView(model, [(torch.rand(1, 8, 8), 0)], classes=[evil, "<b>bold</b>"])
view
"""


def test_names_with_markup_are_text_wherever_the_page_writes_them(run_cells):
    page = run_cells(WATCH, EVIL)
    canvases(page).nth(1).wait_for()
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    for at in (0, 1):
        box = steady(canvases(page).nth(at))
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
        page.locator(".cnnw-says .cnnw-tip").first.wait_for()
        next_frames(page)
    expect(page.locator(".cnnw", has_text="<img src=x onerror=alert(1)>")).to_have_count(1)
    assert page.evaluate("document.querySelectorAll('img[src=\"x\"], .cnnw-says img, .cnnw-says b').length") == 0
    assert alerts == []
    assert no_errors(page)
