"""The page that paints: what is on its canvases, and what of it needs the kernel."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from page_tools import (
    PICTURES,
    WATCH,
    at_rest,
    becomes,
    focus_slider,
    in_kernel,
    no_errors,
    press,
    soon,
    steady,
    wait_for,
    wait_until,
)
from painted_tools import LENET, canvases, lenet, opaque, painted
from playwright.sync_api import Page, expect

from cnnwidgets.render.color import COLORMAPS

BOTH = (
    PICTURES
    + """
other = cnnwidgets.ActivationView(model, dataset, layer="C1", index=3)
display(view, other)
"""
)
LAYER, INDEX, CHANNEL = 0, 1, 2

# What render makes of the numbers that the page has: the grid, and the large map.
EXPECTED = """
import base64
from cnnwidgets.render.color import Quantised, is_diverging, palette, to_uint8, value_ranges
from cnnwidgets.render.mosaic import Grid, mosaic
maps = view.maps.numpy()
name = view.panel("maps").colorbar[0]
ranges = value_ranges(maps, view.scale, symmetric=is_diverging(name))
tiles = to_uint8(Quantised.of(maps).values(), ranges)
grid = Grid.fit(*maps.shape, columns=view.columns or None, room=480)
for levels in (mosaic(tiles, grid), tiles[view.channel]):
    print(*levels.shape, base64.b64encode(palette(name)[levels].tobytes()).decode())
"""


@pytest.fixture
def page(run_cells) -> Page:
    return lenet(run_cells)


def matches(page: Page) -> bool:
    """Whether both canvases have every pixel that render makes."""
    for at, line in enumerate(in_kernel(page, EXPECTED).splitlines()):
        height, width, data = line.split()
        wanted = np.frombuffer(base64.b64decode(data), np.uint8).reshape(int(height), int(width), 4)
        if not np.array_equal(painted(canvases(page).nth(at)), opaque(wanted)):
            return False
    return True


def test_every_pixel_is_that_of_render_in_every_colour_map_and_scale(page):
    for name in COLORMAPS:
        in_kernel(page, f"view.colormap = {name!r}")
        wait_until(page, lambda: matches(page), f"the pixels of {name}")
    for scale in ("map", "layer-full", "layer", (-1.0, 2.0), (0.0, 0.5)):
        in_kernel(page, f"view.scale = {scale!r}")
        wait_until(page, lambda: matches(page), f"the pixels of the scale {scale}")
    in_kernel(
        page, "view.layer = 'C3'; view.channel = 7; view.columns = 5; view.colormap = 'auto'; view.scale = 'layer'"
    )
    wait_until(page, lambda: matches(page), "the pixels of another layer")
    assert no_errors(page)


TEXTS = """card => [...card.querySelectorAll('.cnnw-heading, .cnnw-scale, .cnnw-facts')]
    .filter(e => e.getClientRects().length).map(e => {
        const box = e.getBoundingClientRect(), ground = card.getBoundingClientRect();
        const text = e.innerText.trim().replace('; Alt-click or key x: off', ''); // where the page paints
        return [e.className, text, box.left - ground.left, box.top - ground.top];
    })"""
PLACES = """card => [...card.querySelectorAll('canvas.cnnw-pixels, img.cnnw-pixels')]
    .filter(e => e.getClientRects().length).map(e => {
        const box = e.getBoundingClientRect(), ground = card.getBoundingClientRect();
        return [box.left - ground.left, box.top - ground.top, box.width, box.height];
    })"""


def test_all_stands_where_it_stands_beside_pictures_and_says_the_same(run_cells):
    page = run_cells(WATCH, LENET + BOTH)
    page.set_viewport_size({"width": 1700, "height": 1800})
    cards = page.locator(".cnnw")
    canvases(page).nth(1).wait_for()
    for change in ("layer = 'C1'", "scale = 'map'", "layer = 'C3'", "pixel = (2, 3)", "layer = 'F6'"):
        in_kernel(page, f"view.{change}; other.{change}")

        def alike() -> None:
            ours, theirs = (sorted(cards.nth(n).evaluate(TEXTS)) for n in (0, 1))
            assert [each[:2] for each in ours] == [each[:2] for each in theirs]
            assert [each[2:] for each in ours] == [pytest.approx(each[2:], abs=1) for each in theirs]
            here, there = (cards.nth(n).evaluate(PLACES) for n in (0, 1))
            assert here == [pytest.approx(each, abs=1) for each in there]
            heights = [cards.nth(n).bounding_box()["height"] for n in (0, 1)]
            assert heights[0] == pytest.approx(heights[1], abs=1)

        soon(page, alike, f"the same after {change}")
    assert no_errors(page)


SEND = """() => {
    const send = WebSocket.prototype.send;
    window.held = [];
    window.hold = true;
    WebSocket.prototype.send = function (...args) {
        window.hold ? window.held.push([this, args]) : send.apply(this, args);
    };
    window.release = () => {
        window.hold = false;
        for (const [socket, args] of window.held.splice(0)) send.apply(socket, args);
    };
}"""


def test_channel_colours_scale_and_columns_are_painted_while_the_kernel_hears_nothing(page):
    large = page.locator(".cnnw-painter .cnnw-heading:visible", has_text="Channel")
    page.evaluate(SEND)
    focus_slider(page, CHANNEL)
    before = at_rest(page, lambda: painted(canvases(page).nth(1)), "the map is")
    press(page, "ArrowRight", times=4)
    expect(large).to_have_text("Channel 4 · 28 × 28", use_inner_text=True)
    wait_until(page, lambda: not np.array_equal(painted(canvases(page).nth(1)), before), "another map")
    frame = page.locator(".cnnw-painter .cnnw-frames rect:visible").first
    wait_until(page, lambda: float(frame.get_attribute("y")) > 100, "a frame in the second row")
    for label, value in (("Colours", "magma"), ("Scale", "map")):
        pixels = [at_rest(page, lambda at=at: painted(canvases(page).nth(at)), "it is") for at in (0, 1)]
        page.get_by_label(label).and_(page.locator("select:visible")).first.select_option(value)

        def both_change(pixels: list[np.ndarray] = pixels) -> bool:
            return not any(np.array_equal(painted(canvases(page).nth(at)), pixels[at]) for at in (0, 1))

        wait_until(page, both_change, f"grid and large map in other colours by {label}")
    scale = page.locator(".cnnw-scale:visible").first
    becomes(page, lambda: scale.inner_text().split("\n")[0], "each map's lowest", "what the colours mean")
    columns = page.get_by_label("Columns")
    columns.fill("2")
    columns.press("Enter")
    becomes(page, lambda: painted(canvases(page).nth(0)).shape[1], 2 * 28 + 2, "two columns")
    ours = [at_rest(page, lambda at=at: painted(canvases(page).nth(at)), "it is") for at in (0, 1)]
    page.evaluate("window.release()")
    for trait, value in (("channel", 4), ("colormap", "magma"), ("scale", "map"), ("columns", 2)):
        wait_for(page, trait, value)
    wait_until(page, lambda: matches(page), "what the kernel would have drawn")
    for at in (0, 1):
        assert np.array_equal(painted(canvases(page).nth(at)), ours[at])  # `matches` has waited
    assert no_errors(page)


COUNT = """
from cnnwidgets.widgets.painter import Painter
sent, send = [], Painter.send

def counted(self, content, buffers=None):
    sent.append((content["kind"], sum(map(len, buffers or []))))
    send(self, content, buffers)

Painter.send = counted
"""


def test_a_move_of_the_display_sends_no_numbers_and_a_layer_goes_once(page):
    in_kernel(page, COUNT)
    for change in (
        "channel = 3",
        "scale = 'map'",
        "colormap = 'magma'",
        "columns = 2",
        "pixel = (1, 2)",
        "layer = 'C3'",
        "layer = 'C1'",
        "layer = 'C3'",
        "index = 4",
        "index = 3",
    ):
        in_kernel(page, f"view.{change}")
        wait_until(page, lambda: matches(page), change)
    kinds = json.loads(in_kernel(page, "import json; print(json.dumps([kind for kind, _ in sent]))"))
    assert kinds == ["layer", "layer"]  # C3 of image 3 and of image 4
    painter = "view.box('maps').painter"
    wait_until(
        page, lambda: in_kernel(page, f"print({painter}.painted == {painter}.newest)") == "True\n", "acknowledged"
    )
    assert no_errors(page)


def test_the_mouse_reads_values_and_chooses_maps_and_arrow_keys_move_the_choice(page):
    grid, large = canvases(page).nth(0), canvases(page).nth(1)
    box = steady(grid)
    factor = box["width"] / 88
    page.mouse.move(box["x"] + (30 + 10.5) * factor, box["y"] + (30 + 7.5) * factor)  # second map of the second row
    value = float(in_kernel(page, "print(view.maps[4, 7, 10].item())"))

    def told() -> None:
        lines = page.locator(".cnnw-says .cnnw-tip").all_inner_texts()
        assert lines[0].startswith("channel 4: ")
        assert lines[1].startswith("row 7, column 10: ")
        assert float(lines[1].split(": ")[1].replace("−", "-")) == pytest.approx(value, abs=1e-4)

    soon(page, told, "the mouse is told of map and value")
    page.mouse.down()
    page.mouse.up()
    wait_for(page, "channel", 4)
    for key, channel in (("ArrowLeft", 3), ("ArrowUp", 0), ("End", 5), ("Home", 0), ("ArrowDown", 3)):
        press(page, key)
        expect(page.locator(".cnnw-heading:visible", has_text=f"Channel {channel} ")).to_have_count(1)
    wait_for(page, "channel", 3)
    box = steady(large)
    page.mouse.click(box["x"] + 5.5 * box["width"] / 28, box["y"] + 3.5 * box["height"] / 28)
    wait_for(page, "pixel", (3, 5))
    expect(page.locator(".cnnw-facts:visible span", has_text="at row 3, column 5")).to_have_count(1)
    in_kernel(page, "view.pixel = (8, 9)")
    page.locator(".cnnw-facts:visible span", has_text="at row 8, column 9").wait_for()
    page.mouse.move(0, 0)
    expect(page.locator(".cnnw-says")).to_have_count(0)
    assert no_errors(page)


def test_a_page_that_is_loaded_again_paints_again(page):
    in_kernel(page, "view.layer = 'C3'; view.channel = 7")
    wait_until(page, lambda: matches(page), "C3")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady", timeout=60_000)
    canvases(page).nth(1).wait_for()
    wait_until(page, lambda: matches(page), "C3 again")
    focus_slider(page, CHANNEL)
    press(page, "ArrowRight")
    wait_for(page, "channel", 8)
    wait_until(page, lambda: matches(page), "the next channel")


KINDS = """
import torch
from torch import nn

class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.broken, self.large, self.one = nn.Identity(), nn.Upsample(size=(700, 700)), nn.AdaptiveAvgPool2d(1)
        self.conv = nn.Conv2d(3, 4, 1)
    def forward(self, x):
        x = self.conv(x)
        y = x.clone()
        y[:, 0, 0, :3] = torch.tensor([float("nan"), float("inf"), -float("inf")])
        return self.broken(y), self.large(x), self.one(x)

torch.manual_seed(0)
model, dataset = Odd(), [(torch.rand(3, 8, 8), 0)]
view = cnnwidgets.ActivationView(model, dataset, layer="broken", scale="map")
view
"""


def test_what_is_not_finite_and_maps_of_any_size_are_painted(run_cells):
    page = run_cells(WATCH, KINDS)
    canvases(page).nth(1).wait_for()
    wait_until(page, lambda: matches(page), "NaN and infinities in a colour of their own")
    assert (painted(canvases(page).nth(1))[0, :3] == (255, 0, 255, 255)).all()
    box = steady(canvases(page).nth(1))
    tips = page.locator(".cnnw-says .cnnw-tip")
    for column, word in enumerate(("NaN", "∞", "−∞")):
        page.mouse.move(box["x"] + (column + 0.5) * box["width"] / 8, box["y"] + 5)
        becomes(page, tips.all_inner_texts, [f"row 0, column {column}: {word}"], "the mouse is told")
    in_kernel(page, "view.layer = 'large'")
    page.locator(".cnnw-heading:visible", has_text="Channel 0 · 700 × 700").wait_for()
    wait_until(
        page, lambda: painted(canvases(page).nth(0)).shape[1] <= 480, "the grid at the size at which it is drawn"
    )
    becomes(page, lambda: painted(canvases(page).nth(1)).shape[:2], (700, 700), "the map in full")
    focus_slider(page, CHANNEL)  # beside that of the image, which is hidden: there is one
    press(page, "ArrowRight")
    page.locator(".cnnw-heading:visible", has_text="Channel 1 · 700 × 700").wait_for()
    wait_until(page, lambda: painted(canvases(page).nth(1)).shape[:2] == (700, 700), "the map in full follows")
    in_kernel(page, "view.layer = 'one'; view.scale = 'layer'")
    page.locator(".cnnw-title b:visible", has_text="one").wait_for()
    assert no_errors(page)
