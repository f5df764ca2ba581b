"""CompareView as a person uses it: one set of controls moves both columns, the curtain, the ranking, the sample."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from page_tools import (
    OLD,
    comm_count,
    focus_slider,
    in_kernel,
    keep,
    next_frames,
    press,
    shown,
    state,
    steady,
    wait_for,
    wait_until,
    widget_count,
)
from painted_tools import canvases, opaque, painted
from playwright.sync_api import Page
from test_painter import SEND

VIEW = """
import copy, torch, cnnwidgets
before, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
after = copy.deepcopy(before)
with torch.no_grad():
    after.C3.weight += 0.1 * torch.randn(after.C3.weight.shape, generator=torch.Generator().manual_seed(0))
view = cnnwidgets.compare([before, after], dataset, layer="C3", index=3)
view
"""

# What the kernel would draw of all that the page paints, in the order in which it stands there.
EXPECTED = """
import base64
for key in ("mapsA", "channelA", "mapsB", "channelB", "mapsdifference", "channeldifference", "curtain"):
    panel = view.panel(key)
    pixels = panel.palette[panel.pixels]
    print(*pixels.shape[:2], base64.b64encode(pixels.tobytes()).decode())
"""
CURTAIN = 6
SAID = """() => [...document.querySelectorAll('.cnnw-title, .cnnw-painter .cnnw-heading')]
    .filter(part => part.getClientRects().length).map(part => part.innerText.trim())"""


def seen(page: Page) -> list[np.ndarray]:
    """The pixels of all that is painted."""
    return [painted(canvases(page).nth(at)) for at in range(canvases(page).count())]


def matches(page: Page) -> bool:
    """Whether the page has painted what the kernel would draw; of 16 bits a value, a level may be the next one."""
    lines, found = in_kernel(page, EXPECTED).splitlines(), seen(page)
    if len(lines) != len(found):
        return False
    for line, pixels in zip(lines, found, strict=True):
        height, width, data = line.split()
        wanted = np.frombuffer(base64.b64decode(data), np.uint8).reshape(int(height), int(width), 4)
        if wanted.shape != pixels.shape or np.mean((opaque(wanted) == pixels).all(-1)) < 0.99:
            return False
    return True


def focus_curtain(page: Page) -> None:
    """Give the keyboard to the last slider."""
    sliders = page.locator(".cnnw .noUi-handle, .cnnw .ui-slider-handle")
    curtain = sliders.nth(sliders.count() - 1)
    curtain.scroll_into_view_if_needed()
    curtain.focus()


def paints_while_the_kernel_hears_nothing(page: Page) -> None:
    """Channel, colours, scale, curtain, blinking and a layer that was seen before need no kernel."""
    wait_until(page, lambda: matches(page), "the first picture")
    page.evaluate(SEND)
    focus_slider(page, 2)
    press(page, "ArrowRight")
    next_frames(page)
    large = [text.split(" · channel 3")[0] for text in page.evaluate(SAID) if "channel 3" in text]
    assert large == ["A", "B", "A − B"]
    for label, value in (("Colours", "magma"), ("Scale", "each its own")):
        before = seen(page)
        page.get_by_label(label).and_(page.locator("select:visible")).first.select_option(value)
        next_frames(page)
        changed = [not np.array_equal(one, other) for one, other in zip(before, seen(page), strict=True)]
        assert changed == [True, True, True, True, False, False, True]  # the difference is centred on 0
    focus_curtain(page)
    press(page, "Home")
    next_frames(page)
    assert np.array_equal(seen(page)[CURTAIN], seen(page)[3])  # all of it the second
    blink, pause = (page.locator(".cnnw .widget-play:visible button").nth(1 if OLD and at else 0) for at in (0, 1))
    blink.click()
    wait_until(page, lambda: np.array_equal(seen(page)[CURTAIN], seen(page)[1]), "blinked to the first")
    wait_until(page, lambda: np.array_equal(seen(page)[CURTAIN], seen(page)[3]), "and back to the second")
    pause.click()
    page.evaluate("window.release()")
    for trait, value in (("channel", 3), ("colormap", "magma"), ("scale", "column")):
        wait_for(page, trait, value)
    wait_until(page, lambda: matches(page), "what the kernel would have drawn")
    page.wait_for_timeout(500)  # the page has kept it
    layer, pixels = page.evaluate(SAID), seen(page)
    focus_slider(page, 0)
    press(page, "ArrowRight")
    wait_for(page, "layer", "func2")
    wait_until(page, lambda: matches(page), "the layer behind")
    page.evaluate(SEND)
    press(page, "ArrowLeft")
    wait_until(page, lambda: page.evaluate(SAID) == layer, "the layer before")
    assert all(np.array_equal(one, other) for one, other in zip(seen(page), pixels, strict=True))
    page.evaluate("window.release()")
    wait_for(page, "layer", "C3")
    wait_until(page, lambda: matches(page), "the layer of the kernel")


def click_cell(page: Page, heading: str, column: float, row: float) -> None:
    """Click a picture under a heading, at shares of its width and height."""
    wait_until(page, lambda: page.locator(".cnnw-copy").count() == 0, "the picture of the kernel")
    panel = (
        page.locator(".cnnw .cnnw-heading")
        .filter(has_text=heading)
        .first.locator("xpath=ancestor::*[.//*[local-name()='image']][1]")
    )
    box = steady(panel.locator("image").first)
    page.mouse.click(box["x"] + column * box["width"], box["y"] + row * box["height"])


HEADINGS = """() => [...document.querySelectorAll('.cnnw .cnnw-heading b')]
    .filter(part => part.getClientRects().length).map(part => part.textContent)"""
FITS = "card => card.matches(':popover-open') && card.scrollHeight <= card.clientHeight"


def presents_what_explains_most(page: Page, theme: str) -> None:
    """On a projector the chosen maps, their difference and the scores stay, whatever else there is."""
    before = page.viewport_size
    page.set_viewport_size({"width": 1280, "height": 720})
    page.locator(".cnnw-present").click()
    wait_until(page, lambda: page.locator(".cnnw").evaluate(FITS), "nothing below the fold")
    stays = ["A · channel 2", "B · channel 2", "A − B · channel 2", "Scores"]
    wait_until(page, lambda: {*stays} <= {*page.evaluate(HEADINGS)}, "what explains most")
    wait_until(page, lambda: not {"A", "B", "A − B"} & {*page.evaluate(HEADINGS)}, "no grid")
    keep(page, f"compare-presented-{theme}")
    page.keyboard.press("Escape")
    wait_until(page, lambda: "Which layers changed most" in page.evaluate(HEADINGS), "all of it again")
    page.set_viewport_size(before)


@pytest.mark.parametrize(("theme", "width"), [("light", None), ("dark", 700)])
def test_one_set_of_controls_moves_both_columns(run_cells, theme, width):
    page = run_cells(VIEW)
    if width:
        page.set_viewport_size({"width": width, "height": 900})
    shown(page, "linear CKA, 32 images")  # the sample was compared by itself
    shown(page, "They disagree")
    focus_slider(page, 2)  # layer, image, channel
    press(page, "ArrowRight", 2)
    wait_for(page, "channel", 2)
    for letter in ("A", "B", "A − B"):
        shown(page, f"{letter} · channel 2")
    keep(page, f"compare-{theme}-{width}", whole=True)
    presents_what_explains_most(page, theme)
    if width is None:
        paints_while_the_kernel_hears_nothing(page)
        keep(page, "compare-moved", whole=True)

    focus_slider(page, 0)
    press(page, "ArrowRight")
    wait_for(page, "layer", "func2")
    wait_for(page, "columns[1].row.name", "func2")

    click_cell(page, "Are they alike", 0.01, 0.01)
    wait_for(page, "layer", state(page, "growing.comparer.similarity.rows[0]"))
    click_cell(page, "Which layers changed most", 0.3, 0.5)
    wait_for(page, "layer", "C3")
    click_cell(page, "They disagree", 0.1, 0.05)
    wait_for(page, "index", int(state(page, "growing.comparer.disagreements[0].index")))

    focus_curtain(page)
    press(page, "End")
    wait_for(page, "curtain", 100)
    assert state(page, "error") == "" and page.errors == []

    page.locator(".cnnw .widget-play:visible button").first.click()
    wait_for(page, "curtain", 0)  # it blinks
    in_kernel(page, "view.close()")
    wait_until(page, lambda: widget_count(page) == 0, "closing leaves no model in the page")
    page.wait_for_timeout(1500)  # nothing counts on
    assert comm_count(page) == 0 and page.errors == []
