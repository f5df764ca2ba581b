"""What the page has shown before is there at once, whole, and never by other weights than the kernel said last."""

from __future__ import annotations

import pytest
from page_tools import at_rest, becomes, focus_slider, in_kernel, keep, no_errors, press, wait_for, wait_until
from painted_tools import canvases, lenet, painted
from playwright.sync_api import Page
from test_painter import INDEX, LAYER, SEND, matches

SAID = """() => [...document.querySelectorAll('.cnnw-title, .cnnw-heading, .cnnw-bars')]
    .filter(part => part.getClientRects().length).map(part => part.innerText.trim())"""
SOURCES = "() => [...document.querySelectorAll('.cnnw img')].filter(e => e.getClientRects().length).map(e => e.src)"
COPIES = "() => document.querySelectorAll('.cnnw-copy').length"


@pytest.fixture
def page(run_cells) -> Page:
    page = lenet(run_cells)
    wait_until(page, lambda: matches(page), "the first picture")
    return page


def seen(page: Page) -> list[object]:
    """All that is seen of the card: pixels, texts, the photo."""
    return [*[painted(canvases(page).nth(at)).tolist() for at in (0, 1)], page.evaluate(SAID), page.evaluate(SOURCES)]


def still(page: Page) -> list[object]:
    """What is seen, once it no longer changes."""
    wait_until(page, lambda: matches(page) and page.evaluate(COPIES) == 0, "the picture of the kernel")
    return at_rest(page, lambda: seen(page), "what is seen is")


def move(page: Page, slider: int, key: str, value: object) -> list[object]:
    """What is seen after a key, once the kernel has that value and has answered."""
    focus_slider(page, slider)
    press(page, key)
    wait_for(page, ("layer", "index")[slider], value)
    return still(page)


def test_a_layer_or_an_image_seen_before_is_shown_as_it_was_while_the_kernel_hears_nothing(page):
    first = still(page)
    other_layer = move(page, LAYER, "ArrowRight", "func1")
    other_image = move(page, INDEX, "ArrowRight", 4)
    assert first != other_layer != other_image
    page.evaluate(SEND)
    focus_slider(page, INDEX)
    press(page, "ArrowLeft")
    wait_until(page, lambda: seen(page) == other_layer, "the image before")
    focus_slider(page, LAYER)
    press(page, "ArrowLeft")
    wait_until(page, lambda: seen(page) == first, "the layer before")
    wait_until(page, lambda: page.evaluate(COPIES) > 0, "copies are seen")
    page.locator(".cnnw-unsaid").wait_for()
    keep(page, "book")
    page.evaluate("release()")
    wait_for(page, "layer", "C1")
    wait_for(page, "index", 3)
    becomes(page, lambda: still(page), first, "the picture of the kernel")
    assert no_errors(page)


def test_what_other_weights_made_is_corrected_by_the_answer_and_never_shown_after_it(page):
    first = still(page)
    other = move(page, LAYER, "ArrowRight", "func1")
    in_kernel(page, "with torch.no_grad():\n    model.C1.weight.mul_(-1)")
    changed = move(page, LAYER, "ArrowLeft", "C1")
    assert changed != first
    wait_for(page, "box('maps').painter.address['index']", 3)
    page.evaluate(SEND)
    focus_slider(page, LAYER)
    press(page, "ArrowRight")
    page.wait_for_timeout(300)
    assert page.evaluate(COPIES) == 0  # the other layer was seen, by weights that are gone
    assert seen(page)[:2] == changed[:2]
    page.evaluate("release()")
    wait_for(page, "layer", "func1")
    wait_until(page, lambda: matches(page), "the picture of the kernel")
    wait_until(page, lambda: seen(page)[:2] != other[:2], "the maps of the new weights")
    assert no_errors(page)
