"""OcclusionView as a person uses it: drag the patch, wait for the map, cancel it, change the target."""

from __future__ import annotations

import json

import numpy as np
import pytest
from page_tools import (
    at_rest,
    comm_count,
    focus_slider,
    in_kernel,
    keep,
    press,
    shown,
    shown_pixels,
    silent_kernel,
    steady,
    wait_until,
    widget_count,
)
from painted_tools import painted
from playwright.sync_api import Page

VIEW = """
import cnnwidgets
model, dataset = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.data.digits()
view = cnnwidgets.OcclusionView(model, dataset, index=7, window=8, stride=4, top=4, left=4)
view
"""
DRAWN = """
import numpy as np
print(view.panel("photo").pixels.tolist())
print(np.asarray(view.panel("map").drawn())[..., :3].tolist())
"""
PIXEL = 16
"""Side of a pixel of the 28 x 28 photo on the screen, in px."""


def state(page: Page, what: str) -> str:
    return in_kernel(page, f"print({what}, end='')")


def wait_for(page: Page, what: str, value: object) -> None:
    wait_until(page, lambda: state(page, what) == str(value), f"{what} is {value}, not {state(page, what)}")


def image_at(page: Page, n: int, row: float, column: float, side: float) -> tuple[float, float]:
    """Where a point of the n-th picture of pixels is in the window."""
    box = steady(page.locator(".cnnw .bqplot image").nth(n))
    return box["x"] + column * side, box["y"] + row * side


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_patch_is_dragged_and_the_map_waited_for_clicked_cancelled_and_aimed_elsewhere(run_cells, theme):
    page = run_cells(VIEW)
    page.locator(".cnnw .bqplot image").nth(1).wait_for()
    shown(page, "36 of 36 places")
    shown(page, "no change")

    page.mouse.move(*image_at(page, 0, 8, 8, PIXEL))  # the middle of the patch
    page.mouse.down()
    page.mouse.move(*image_at(page, 0, 16, 14, PIXEL), steps=12)
    wait_for(page, "(view.top, view.left)", (12, 10))
    page.mouse.up()
    shown(page, "12 to 19")
    photo = page.locator(".cnnw .bqplot").first
    wait_until(page, lambda: shown_pixels(photo)[16 * PIXEL, 14 * PIXEL].tolist() == [0, 0, 0], "the patch is black")

    page.mouse.click(*image_at(page, 1, 4.5, 1.5, 48))  # a cell of the 6 x 6 map
    wait_for(page, "(view.top, view.left)", (16, 4))

    for trait, slider in (("top", 3), ("left", 4)):
        before = int(state(page, f"view.{trait}"))
        focus_slider(page, slider)
        press(page, "ArrowRight", 2)
        wait_for(page, f"view.{trait}", before + 2)

    page.locator(".cnnw select").first.select_option("class 1")
    wait_for(page, "view.target", 1)
    shown(page, "class 1 · logit")
    page.locator(".cnnw select").filter(has_text="probability").select_option("probability")
    wait_for(page, "view.score", "probability")
    shown(page, "change in probability")

    # a long map: every pixel, and a network that takes its time
    in_kernel(page, "import time; model.register_forward_pre_hook(lambda *_: time.sleep(0.1)); view.stride = 1")
    wait_until(page, lambda: int(state(page, "view.partial_map.done.sum().item()")) > 0, "the map has begun")
    page.locator(".cnnw button", has_text="Cancel").click()
    page.locator(".cnnw button", has_text="Go on").wait_for()
    done = int(at_rest(page, lambda: state(page, "view.partial_map.done.sum().item()"), "the map is"))
    assert 0 < done < 21 * 21
    shown(page, f"{done} of 441 places · stopped")
    assert state(page, "view.error") == "" and page.errors == []

    in_kernel(page, "view.start_map(); view.close()")
    wait_until(page, lambda: widget_count(page) == 0, "closing leaves no model in the page")
    assert comm_count(page) == 0 and page.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_patch_follows_the_hand_and_the_map_tells_its_values_while_no_kernel_answers(run_cells, theme):
    page = run_cells(VIEW)
    shown(page, "36 of 36 places")
    photo, patched = page.locator(".cnnw-of-photo .cnnw-slides canvas"), (0, 0, 0)
    photo.wait_for()
    value = in_kernel(page, "print(f'{-float(view.map.change[0, 4, 1]):+.3g}', end='')").replace("-", "−")

    def pixel(row: int, column: int) -> tuple[int, ...]:
        return tuple(shown_pixels(page.locator(".cnnw .bqplot").first)[row * PIXEL + 8, column * PIXEL + 8].tolist())

    def frame() -> list[str | None]:
        rect = page.locator(".cnnw-of-map .cnnw-slides rect").first
        return [rect.get_attribute(name) for name in ("x", "y")]

    def as_drawn() -> bool:
        """Whether photo and map have the pixels that the kernel draws, to a level of the colours."""
        photo_, map_ = (np.array(json.loads(line)) for line in in_kernel(page, DRAWN).splitlines())
        seen = shown_pixels(page.locator(".cnnw .bqplot").first)[8::PIXEL, 8::PIXEL]
        cells = painted(page.locator(".cnnw-of-map .cnnw-slides canvas"))[..., :3]
        return bool((np.abs(seen[:28, :28].astype(int) - photo_) <= 4).all() and (cells == map_).all())

    wait_until(page, as_drawn, "the map as the kernel draws it, over the photo too", seconds=3)
    before, coloured = pixel(13, 13), pixel(8, 13)
    with silent_kernel(page):
        focus_slider(page, 2)
        press(page, "ArrowLeft", 4)
        wait_until(page, lambda: pixel(8, 13) != coloured, "less of the map over the photo")
        page.mouse.move(*image_at(page, 0, 8, 8, PIXEL))  # the middle of the patch
        page.mouse.down()
        page.mouse.move(*image_at(page, 0, 16, 14, PIXEL), steps=12)
        wait_until(page, lambda: pixel(13, 13) == patched != before, "the patch is where the hand is")
        wait_until(page, lambda: frame() == ["97", "145"] or frame() == ["96", "144"], f"its cell is framed: {frame()}")
        page.mouse.up()
        page.mouse.move(*image_at(page, 1, 4.5, 1.5, 48))  # a cell of the 6 x 6 map
        wait_until(page, lambda: value in said(page), f"the map says {value}: {said(page)}")
        keep(page, f"occlusion-hand-{theme}", whole=True)
        focus_slider(page, 3)
        press(page, "ArrowRight", 2)
        wait_until(page, lambda: pixel(21, 13) == patched, "the patch follows its slider")
        page.mouse.move(*image_at(page, 0, 20, 20, PIXEL))
        wait_until(page, lambda: "RGB" in said(page), "the photo is magnified")
        keep(page, f"occlusion-loupe-{theme}", whole=True)
    wait_for(page, "(view.top, view.left)", (14, 10))
    wait_for(page, "round(view.opacity, 3)", 0.4)
    shown(page, "14 to 21")
    page.mouse.move(0, 0)  # the magnifier lies over the photo
    wait_until(page, as_drawn, "another opacity as the kernel draws it", seconds=3)
    in_kernel(page, "view.overlay = False")
    wait_until(page, lambda: len(set(pixel(8, 13))) == 1, "the grey photo alone, as a cell has asked for")
    in_kernel(page, "view.top, view.left = 0, 20")
    wait_until(page, lambda: pixel(1, 27) == patched, "a cell moves it too")
    assert state(page, "view.error") == "" and page.errors == []


def said(page: Page) -> str:
    """What is told beside the mouse."""
    return " | ".join(page.locator(".cnnw-says .cnnw-tip").all_inner_texts())
