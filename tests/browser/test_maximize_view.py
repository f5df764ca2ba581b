"""MaximizeView as a person uses it: the picture grows by itself, is paused, begins anew, and leaves nothing behind."""

from __future__ import annotations

import pytest
from page_tools import comm_count, in_kernel, keep, press, shown, wait_until, widget_count
from playwright.sync_api import Page

VIEW = """
import cnnwidgets, torch
model, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
view = cnnwidgets.MaximizeView(model, dataset, layer="C3", channel=12, steps=4096)
view
"""

SEEN = """() => [...document.querySelectorAll('.cnnw img')].filter(image =>
    image.naturalWidth && image.getBoundingClientRect().width > 200).length"""
"""How many pictures are seen: one of the channel, one of the real images."""


def state(page: Page, what: str) -> str:
    return in_kernel(page, f"print({what}, end='')")


def wait_for(page: Page, what: str, value: object = True) -> None:
    wait_until(page, lambda: state(page, what) == str(value), f"{what} is {value}, not {state(page, what)}")


@pytest.mark.parametrize(("theme", "width"), [("light", None), ("dark", 700)])
def test_the_picture_grows_is_paused_and_begins_anew_and_a_training_ends_it(run_cells, theme, width):
    page = run_cells(VIEW)
    if width:
        page.set_viewport_size({"width": width, "height": 900})
    shown(page, "Optimised")
    wait_for(page, "view.growing.done > 20")  # by itself
    button = page.locator(".cnnw button").filter(has_text="Cancel")
    button.click()
    wait_for(page, "(view.running, view.growing.running)", (False, False))
    done = state(page, "view.growing.done")
    shown(page, "stopped")
    assert state(page, "view.growing.done") == done  # what is there stays
    shown(page, "not what it means")

    page.locator(".cnnw button").filter(has_text="Go on").focus()
    press(page, "Enter")
    wait_for(page, f"view.growing.done > {done} + 5")
    in_kernel(page, "view.channel = 3")  # in the middle of the run
    wait_for(page, "view.growing.running")
    shown(page, "Largest value of channel 3")
    with_end = "view.steps = 48"
    in_kernel(page, with_end)
    wait_for(page, "view.growing.complete")
    shown(page, "48 of 48")
    shown(page, "Real images")
    wait_until(page, lambda: page.evaluate(SEEN) == 2, "both pictures are seen")
    keep(page, f"maximize-{theme}-{width}", whole=True)

    page.locator(".cnnw button").filter(has_text="new").first.click()
    wait_for(page, "view.seed", 1)
    in_kernel(page, "view.steps = 4096")
    wait_for(page, "view.growing.done > 5")
    in_kernel(page, "with torch.no_grad(): _ = model.C1.weight.mul_(1.01)")
    shown(page, "was trained meanwhile")
    wait_for(page, "view.growing.running", False)
    page.locator(".cnnw button").filter(has_text="Go on").click()
    wait_for(page, "view.growing.done > 5")
    assert state(page, "view.error") == "" and page.errors == []

    in_kernel(page, "view.close()")  # in the middle of the run
    wait_until(page, lambda: widget_count(page) == 0, "closing leaves no model in the page")
    hooks = "sum(len(part._forward_hooks) for part in model.modules())"
    wait_for(page, hooks, 0)
    assert comm_count(page) == 0 and page.errors == []
