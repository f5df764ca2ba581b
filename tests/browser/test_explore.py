"""The overview in the page: what is drawn, how a hand and the keyboard go down and up, light, dark and narrow."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from page_tools import WATCH, at_rest, becomes, in_kernel, keep, no_errors, press, state, wait_for, wait_until
from painted_tools import painted
from playwright.sync_api import Locator, Page, expect

LENET = """
import torch
model, dataset = cnnwidgets.models.lenet5(pretrained=True), torch.utils.data.Subset(cnnwidgets.data.digits(), range(50))
view = cnnwidgets.explore(model, dataset, index=3)
"""
SCORES = ".cnnw b:text-is('Scores'):visible"
BLOCKS = """
import torch
from torch import nn

class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = (nn.Conv2d(8, 8, 3, padding=1) for _ in range(2))

    def forward(self, x):
        return torch.relu(x + self.two(torch.relu(self.one(x))))

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *(Skip() for _ in range(3)), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                      nn.Linear(8, 4))
dataset = [(torch.rand(3, 32, 32), at) for at in range(4)]
view = cnnwidgets.explore(model, dataset, opened=())
"""


def stages(page: Page) -> Locator:
    return page.locator(".cnnw-stage:visible")


def stage(page: Page, name: str) -> Locator:
    return stages(page).filter(has=page.locator(f"b:text-is('{name}')")).first


def maps(page: Page, name: str) -> Locator:
    return stage(page, name).locator("canvas")


ROWS = """rows => rows.map(row => {
    const {x, y, width, height} = row.getBoundingClientRect();
    return [row.id, row.innerText, x, y, width, height];
})"""


def opened(run_cells: Callable[..., Page], code: str) -> Page:
    """A notebook with the overview, once what feeds what is known: that draws it anew."""
    page = run_cells(WATCH, code + "view")
    stages(page).first.wait_for()
    wait_for(page, "snapshot.traced", True)
    at_rest(page, lambda: stages(page).evaluate_all(ROWS) or None, "the stages are")
    return page


def colors(page: Page, canvas: Locator) -> set[tuple[int, ...]]:
    return {tuple(color) for color in painted(canvas).reshape(-1, 4).tolist()}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_stage_is_painted_and_follows_the_image(run_cells, theme):
    page = opened(run_cells, LENET)
    expect(stages(page)).to_have_count(10)
    keep(page, f"lenet-{theme}", whole=True)
    wait_until(page, lambda: len(colors(page, maps(page, "C1").first)) > 10, "the map is painted")
    before = at_rest(page, lambda: painted(maps(page, "C1").first), "the map is")
    in_kernel(page, "view.index = 4")
    wait_until(page, lambda: not np.array_equal(painted(maps(page, "C1").first), before), "another picture")
    expect(page.locator(".cnnw-overview")).to_have_count(1)
    assert no_errors(page)


def test_a_press_on_a_thumbnail_opens_its_maps_and_escape_leads_up_again(run_cells):
    page = opened(run_cells, LENET)
    channel = maps(page, "C3").nth(2).get_attribute("data-channel")
    maps(page, "C3").nth(2).click()
    wait_for(page, "tab", "maps")
    page.locator(".cnnw-below .cnnw").wait_for()
    wait_for(page, "layer", "C3")
    wait_for(page, "channel", channel)
    keep(page, "lenet-maps", whole=True)
    page.get_by_role("button", name="Convolution").click()
    wait_for(page, "tab", "convolution")
    wait_for(page, "tabs.made.get('convolution') is not None", True)
    page.locator(".cnnw-below", has_text="C3").wait_for()
    keep(page, "lenet-convolution", whole=True)
    in_kernel(page, "view.tabs.made['convolution'].channel = 7")
    wait_for(page, "channel", 7)
    page.keyboard.press("Escape")
    wait_for(page, "tab", "")
    wait_until(page, lambda: page.locator(".cnnw-below .cnnw").count() == 0, "the tab is closed")
    focused = "() => document.activeElement.className == 'cnnw-overview-room'"
    wait_until(page, lambda: page.evaluate(focused), "the overview has the keyboard again")
    assert no_errors(page)


def test_the_keyboard_alone_opens_a_stage_goes_through_its_maps_and_back(run_cells):
    page = opened(run_cells, BLOCKS)
    page.locator(".cnnw-overview-room").focus()
    press(page, "Home")
    press(page, "ArrowDown")
    press(page, "ArrowRight")
    wait_for(page, "opened", "('1',)")
    stage(page, "one").wait_for()
    press(page, "ArrowDown")
    press(page, "ArrowRight")
    press(page, "ArrowRight")
    press(page, "Enter")
    wait_for(page, "layer", "1.one")
    wait_for(page, "tab", "maps")
    chosen = stage(page, "one").locator("canvas.cnnw-chosen")
    chosen.wait_for()
    expect(chosen).to_have_attribute("data-channel", state(page, "channel"))
    press(page, "Alt+ArrowLeft")
    wait_for(page, "layer", "0")
    press(page, "Alt+ArrowRight")
    wait_for(page, "layer", "1.one")
    press(page, "Escape")
    wait_for(page, "tab", "")
    assert no_errors(page)


def test_a_stage_opens_at_a_press_and_its_skip_is_drawn(run_cells):
    page = opened(run_cells, BLOCKS)
    count = stages(page).count()  # at rest
    page.locator(".cnnw-fold:visible").nth(1).click()
    wait_until(page, lambda: stages(page).count() > count, "the stage is open")
    page.locator(".cnnw-thread path.cnnw-edge").first.wait_for(state="attached")
    keep(page, "skip", whole=True)
    page.locator(".cnnw-open:visible .cnnw-fold").first.click()
    wait_until(page, lambda: stages(page).count() == count, "the stage is closed")
    box = page.locator(".cnnw input[placeholder='name, kind or shape']")
    box.fill("linear")
    wait_until(page, lambda: stages(page).count() == 1, "what was searched for")
    assert no_errors(page)


def test_the_mouse_over_a_map_frames_what_its_strongest_place_sees(run_cells):
    page = opened(run_cells, LENET)
    maps(page, "C3").first.hover()
    frame = page.locator(".cnnw-sees")
    frame.wait_for()
    keep(page, "frame", whole=True)

    def in_the_photo() -> bool:
        inside, photo = frame.bounding_box(), page.locator(".cnnw-input:visible").first.bounding_box()
        if not inside or not photo:
            return False
        share = inside["width"] / photo["width"]  # 14 to 16 of 28 pixels, or fewer at the border
        return photo["x"] - 3 < inside["x"] < photo["x"] + photo["width"] and 0.3 < share < 0.6

    wait_until(page, in_the_photo, "a part of the photo is framed")
    page.mouse.move(0, 0)
    wait_until(page, lambda: frame.count() == 0, "the frame goes with the mouse")
    assert no_errors(page)


FRAMED = """() => {
    const seen = part => part.getClientRects().length > 0;
    const fed = [...document.querySelectorAll('.cnnw-stage.cnnw-feeds')].filter(seen);
    const places = fed.flatMap(row => [...row.querySelectorAll('.cnnw-place')]);
    const maps = fed.flatMap(row => [...row.querySelectorAll('canvas')]);
    if (fed.length !== 1 || places.length !== 6 || maps.length !== 6) return false;
    const place = places[0].getBoundingClientRect(), map = maps[0].getBoundingClientRect();
    const share = place.width / map.width, most = fed[0].querySelectorAll('canvas.cnnw-most').length;
    return 0.3 < share && share < 0.4 && map.x - 1 < place.x && place.x < map.right && 1 <= most && most <= 3;
}"""
"""Whether a place of 5 of 14 pixels is framed in each map of S2; read at once: another drawing lights it anew."""


DARK = """() => {
    const seen = part => part.getClientRects().length > 0;
    let before = false;
    window.darkFrames = 0;
    const read = () => {
        const dark = [...document.querySelectorAll('.cnnw-feeds .cnnw-place')].filter(seen).length !== 6;
        window.darkFrames += dark && before;
        before = dark;
        requestAnimationFrame(read);
    };
    requestAnimationFrame(read);
}"""
"""Counts frames that show no place framed in each map of S2: dark before one and still before the next."""


def framed(page: Page) -> bool:
    return bool(page.evaluate(FRAMED))


def test_the_mouse_over_a_map_lights_the_stage_that_fed_it_and_frames_the_place_in_its_maps(run_cells):
    page = opened(run_cells, LENET)
    fed = page.locator(".cnnw-stage.cnnw-feeds:visible")
    maps(page, "C3").first.hover()
    expect(fed.locator("b")).to_have_text(["S2"])
    expect(fed.locator(".cnnw-gave")).to_contain_text("5 × 5 places")
    expect(maps(page, "S2")).to_have_count(6)
    wait_until(page, lambda: framed(page), "a place of 5 × 5 is framed in each map, and up to three gave most")
    keep(page, "fed", whole=True)
    page.evaluate(DARK)
    weakest = maps(page, "C3").last
    for scale in ("map", "network"):
        before = at_rest(page, lambda: painted(weakest), "the map is")
        in_kernel(page, f"view.scale = {scale!r}")
        wait_until(page, lambda old=before: not np.array_equal(painted(weakest), old), f"painted anew by {scale}")
    becomes(page, lambda: page.evaluate("window.darkFrames"), 0, "other colours of the same image leave the light on")
    in_kernel(page, "view.index = 5")
    wait_until(page, lambda: fed.count() == 1 and fed.locator(".cnnw-place").count() == 6, "lit for the other image")
    page.mouse.move(0, 0)
    expect(fed).to_have_count(0)
    expect(page.locator(".cnnw-place")).to_have_count(0)
    assert no_errors(page)


def test_the_scores_stand_right_of_the_stages_and_in_a_narrow_page_nothing_stands_over_the_edge(run_cells):
    page = opened(run_cells, LENET)
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    parts = [page.locator(part) for part in (".cnnw-input:visible", ".cnnw-overview-room", SCORES)]

    def in_a_row() -> bool:
        boxes = [part.bounding_box() for part in parts]
        return all(left and right and left["x"] + left["width"] < right["x"] for left, right in pairwise(boxes))

    wait_until(page, in_a_row, "the image, the stages and the scores stand side by side")
    page.set_viewport_size({"width": 700, "height": 1100})
    page.locator(".cnnw-overview-room").scroll_into_view_if_needed()
    keep(page, "lenet-700", whole=True)
    over = """() => {
        const right = document.querySelector('.cnnw').getBoundingClientRect().right;
        const stages = [...document.querySelectorAll('.cnnw-stage')];
        return stages.filter(stage => stage.getBoundingClientRect().right > right).length;
    }"""
    becomes(page, lambda: page.evaluate(over), 0, "no stage stands over the edge")

    def above() -> bool:  # below all stages nobody would see them
        _, overview, scores = (part.bounding_box() for part in parts)
        return bool(overview and scores and scores["y"] < overview["y"])

    wait_until(page, above, "the scores stand above the stages")
    expect(maps(page, "C1")).to_have_count(6)
    assert no_errors(page)
