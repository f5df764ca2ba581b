"""InterventionView as a person uses it: click a map off, see the scores change, by hand and by keyboard."""

from __future__ import annotations

import pytest
from page_tools import comm_count, focus_slider, in_kernel, keep, press, shown, steady, wait_until, widget_count
from playwright.sync_api import Page

VIEW = """
import cnnwidgets
model, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
view = cnnwidgets.InterventionView(model, dataset, layer="C3", index=14)
view
"""


def state(page: Page, what: str) -> str:
    return in_kernel(page, f"print({what}, end='')")


def wait_for(page: Page, what: str, value: object) -> None:
    wait_until(page, lambda: state(page, what) == str(value), f"{what} is {value}, not {state(page, what)}")


def click_map(page: Page, channel: int) -> None:
    """Click the middle of a map of the grid, which has 4 x 4 of them."""
    box = steady(page.locator(".cnnw .bqplot image").first)
    row, column = divmod(channel, 4)
    page.mouse.click(box["x"] + (column + 0.5) * box["width"] / 4, box["y"] + (row + 0.5) * box["height"] / 4)


@pytest.mark.parametrize(("theme", "width"), [("light", None), ("dark", None), ("light", 700)])
def test_maps_are_clicked_off_and_on_and_the_keyboard_does_the_same(run_cells, theme, width):
    page = run_cells(VIEW)
    if width:
        page.set_viewport_size({"width": width, "height": 900})
    page.locator(".cnnw .bqplot image").first.wait_for()
    shown(page, "Logit without the top k")  # the ranking grew to its end by itself
    shown(page, "98.8 % before")

    click_map(page, 1)
    wait_for(page, "view.off", (1,))
    click_map(page, 13)
    wait_for(page, "view.off", (1, 13))
    shown(page, "channels 1, 13 set to 0")
    shown(page, "47.3 % (−51.5)")
    keep(page, f"intervention-{theme}-{width}", whole=True)
    click_map(page, 1)
    wait_for(page, "view.off", (13,))

    handle = page.get_by_label("off", exact=True).first
    handle.scroll_into_view_if_needed()
    handle.focus()
    in_kernel(page, "view.traffic.reset()")
    press(page, "Space")
    wait_for(page, "view.off", (1, 13))
    shown(page, "47.3 % (−51.5)")
    wait_for(page, "view._later.due", False)
    assert 2 <= int(state(page, "view.traffic.to_page.messages")) <= 3  # echo, scores, later layers
    names = page.locator(".cnnw button")
    names.filter(has_text="all on").focus()
    press(page, "Enter")
    wait_for(page, "view.off", ())
    shown(page, "nothing switched off")
    focus_slider(page, 2)  # layer, image, channel
    press(page, "ArrowRight", 2)
    wait_for(page, "view.channel", 3)
    names.filter(has_text="all off").click()
    wait_for(page, "len(view.off)", 16)

    page.locator(".cnnw select").filter(has_text="its mean").select_option("its mean")
    wait_for(page, "view.replace", "mean")
    shown(page, "set to the mean over 16 images")
    assert state(page, "view.error") == "" and page.errors == []

    in_kernel(page, "view.close()")
    wait_until(page, lambda: widget_count(page) == 0, "closing leaves no model in the page")
    assert comm_count(page) == 0 and page.errors == []


@pytest.mark.parametrize(("theme", "width"), [("light", None), ("dark", 700)])
def test_a_layer_is_carried_over_by_a_click_and_the_accuracy_is_measured(run_cells, theme, width):
    page = run_cells(VIEW)
    if width:
        page.set_viewport_size({"width": width, "height": 900})
    page.locator(".cnnw .bqplot image").first.wait_for()
    page.locator(".cnnw select").filter(has_text="its mean").select_option("another image's values")
    wait_for(page, "view.replace", "image")
    in_kernel(page, "view.other = 8")
    shown(page, "Restored by each layer")
    wait_for(page, "view._beside.carrying.growing.complete", True)
    shown(page, "0 %: as for this image, 100 %: as for the other")
    strip = page.locator(".cnnw .bqplot image").nth(1)
    wait_until(page, lambda: (strip.bounding_box() or {"width": 0})["width"] > 100, "the strip is there")
    box = steady(strip)
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    wait_for(page, "view.layer", "C1")
    wait_for(page, "view.off", tuple(range(6)))
    shown(page, "as for image 8")
    measure = page.locator(".cnnw button").filter(has_text="measure")
    measure.focus()
    press(page, "Enter")
    wait_for(page, "view._beside.measuring.growing.complete", True)
    shown(page, "all classes")
    keep(page, f"carried-{theme}-{width}", whole=True)
    assert state(page, "view.error") == "" and page.errors == []
