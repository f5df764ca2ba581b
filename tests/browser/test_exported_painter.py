"""A page that to_html() wrote of maps, opened from disk: it paints them, without Python and without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from page_tools import keep, next_frames, wait_until
from painted_tools import canvases, opaque, painted
from playwright.sync_api import Page
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.layers import drawable
from cnnwidgets.render.color import COLORMAPS, Quantised, choose, is_diverging, palette, to_uint8, value_ranges
from cnnwidgets.render.mosaic import Grid, mosaic

EVIL = "<img src=x onerror=document.title='ran'>"


START = {"layer": "C3", "index": 3, "channel": 2, "colormap": "auto", "scale": "layer", "columns": 0, "order": "number"}


@pytest.fixture(scope="module")
def kept():
    view = cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits(), **START)
    yield view
    view.close()


@pytest.fixture(scope="module")
def path(kept, tmp_path_factory) -> Path:
    return kept.to_html(tmp_path_factory.mktemp("page") / "view.html", index=[3, 4]).path


@pytest.fixture
def view(kept, path) -> cw.ActivationView:
    """The view where the page begins."""
    for name, value in START.items():
        setattr(kept, name, value)
    return kept


@pytest.fixture
def opened(browser):
    """`opened(path)` is the page in a browser that has no network, and that has been told `before`."""
    contexts = []

    def open_(path: Path, *, before: str = "", **options: Any) -> Page:
        options = {"viewport": {"width": 1200, "height": 900}} | options
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page: Any = context.new_page()
        page.errors, page.asked = [], []
        page.on("request", lambda asked: page.asked.append(asked.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: page.errors.append(message.text))
        if before:
            page.add_init_script(before)
        page.goto(path.as_uri())
        canvases(page).nth(1).wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture
def page(opened, path) -> Page:
    return opened(path)


def drawn(view: cw.ActivationView, **state: Any) -> list[np.ndarray]:
    """What render makes of the grid and of the large map, where the view is in this state."""
    with view.hold_trait_notifications():
        for name, value in state.items():
            setattr(view, name, value)
    maps = drawable(view.maps, view.layer_row).numpy()
    name = choose(view.colormap, signed=bool((maps < 0).any()))
    tiles = to_uint8(Quantised.of(maps).values(), value_ranges(maps, view.scale, symmetric=is_diverging(name)))
    grid = Grid.fit(*maps.shape, columns=view.columns or None, room=480)
    placed = tiles[list(order_of(view))]
    return [opaque(palette(name)[levels]) for levels in (mosaic(placed, grid), tiles[view.channel])]


def order_of(view: cw.ActivationView) -> list[int]:
    """The number of the map at each place, the largest value first where the view says so."""
    largest = view.maps.flatten(1).amax(1)
    if view.order == "number":
        return list(range(len(largest)))
    return largest.argsort(descending=True, stable=True).tolist()


def shows(page: Page, view: cw.ActivationView, what: str, **state: Any) -> None:
    """Wait until both canvases have every pixel that render makes of this state of the view."""
    wanted = drawn(view, **state)

    def alike() -> bool:
        return all(np.array_equal(painted(canvases(page).nth(at)), pixels) for at, pixels in enumerate(wanted))

    wait_until(page, alike, f"the pixels of render after {what}")


def silent(page: Any, path: Path) -> bool:
    """Whether the page wrote nothing to its console, and asked nobody for anything."""
    assert page.errors == []
    assert [url for url in page.asked if not url.startswith("data:")] == [path.as_uri()]
    return True


def test_every_pixel_is_that_of_render_wherever_the_controls_stand(page, path, view):
    shows(page, view, "opening it")
    page.locator("input[name=channel]").press("ArrowRight")
    shows(page, view, "the channel", channel=3)
    for name in COLORMAPS[1:]:
        page.locator("select[name=colormap]").select_option(name)
        shows(page, view, f"the colour map {name}", colormap=name)
    for scale in ("map", "layer-full", "layer"):
        page.locator("select[name=scale]").select_option(scale)
        shows(page, view, f"the scale {scale}", scale=scale)
    page.locator("select[name=scale]").select_option("fixed")
    for name, value in (("lowest", -1.5), ("highest", 0.75)):
        page.locator(f"input[name={name}]").fill(str(value))
    shows(page, view, "a fixed scale", scale=(-1.5, 0.75))
    page.locator("input[name=columns]").fill("5")
    shows(page, view, "the columns", columns=5)
    page.locator("input[name=layer]").press("Home")
    shows(page, view, "the layer", layer="C1", channel=3)
    page.locator("input[name=index]").press("ArrowRight")
    shows(page, view, "the image", index=4)
    assert page.locator("h1").inner_text().endswith("image 4 · label: 4")
    assert silent(page, path)


def test_a_vector_is_a_picture_whose_controls_rest_and_the_maps_come_back(page, path, view):
    layers = page.locator("input[name=layer]")
    before = painted(canvases(page).nth(0))
    for _ in range(3):
        layers.press("ArrowRight")
    page.locator("h1", has_text="120 units").wait_for()
    assert canvases(page).count() == 0
    assert page.locator(".picture img").count() == 2
    assert page.locator("select[name=colormap]").is_disabled()
    for _ in range(3):
        layers.press("ArrowLeft")
    canvases(page).nth(1).wait_for()
    wait_until(page, lambda: np.array_equal(painted(canvases(page).nth(0)), before), "the maps again")
    assert page.locator("select[name=colormap]").is_enabled()
    assert silent(page, path)


def test_the_mouse_reads_values_and_chooses_maps_and_arrow_keys_move_the_choice(opened, page, path, view, tmp_path):
    box = canvases(page).nth(0).bounding_box()
    factor = box["width"] / 83  # 4 maps of 20 px, 1 px between them
    page.mouse.move(box["x"] + (21 + 2 * 7.5) * factor, box["y"] + (21 + 2 * 4.5) * factor)
    value = float(view.maps[5, 4, 7])
    lines = page.locator(".cnnw-says .cnnw-tip").all_inner_texts()
    assert lines[0].startswith("channel 5: ")
    assert lines[1].startswith("row 4, column 7: ")
    assert float(lines[1].split(": ")[1].replace("−", "-")) == pytest.approx(value, abs=1e-4)
    page.mouse.down()
    page.mouse.up()
    channel = page.locator("input[name=channel]")
    assert channel.input_value() == "5"
    for key, number in (("ArrowLeft", "4"), ("ArrowUp", "0"), ("End", "15"), ("Home", "0"), ("ArrowDown", "4")):
        page.keyboard.press(key)
        assert channel.input_value() == number
        assert page.locator(".cnnw-heading:visible", has_text=f"Channel {number} ").count() == 1
    shows(page, view, "the keys in the grid", channel=4)
    box = canvases(page).nth(1).bounding_box()
    page.mouse.click(box["x"] + 5.5 * box["width"] / 10, box["y"] + 3.5 * box["height"] / 10)
    assert page.locator(".cnnw-facts span", has_text="at row 3, column 5").count() == 1
    page.mouse.move(0, 0)
    assert page.locator(".cnnw-says").count() == 0
    assert silent(page, path)
    view.order = "strongest"
    ordered = view.to_html(tmp_path / "ordered.html", index=[3, 4]).path
    page = opened(ordered)
    shows(page, view, "opening it in another order", channel=4)
    page.locator("input[name=layer]").focus()
    canvases(page).nth(0).click(position={"x": 5, "y": 5})
    channel = page.locator("input[name=channel]")
    for key, place in (("ArrowRight", 1), ("End", 15), ("Home", 0)):
        page.keyboard.press(key)
        assert channel.input_value() == str(order_of(view)[place])
    keep(page, "in-order", whole=True)
    assert silent(page, ordered)


def test_the_words_below_follow_the_controls(page, view):
    footer = page.locator("footer div").first
    for scale in ("map", "layer-full", "layer"):
        page.locator("select[name=scale]").select_option(scale)
        drawn(view, scale=scale)
        assert footer.inner_text() == view.status()
    page.locator("select[name=colormap]").select_option("gray")
    drawn(view, colormap="gray")
    assert footer.inner_text() == view.status()
    page.locator("select[name=scale]").select_option("fixed")
    low, high = (page.locator(f"input[name={name}]") for name in ("lowest", "highest"))
    assert float(low.input_value()) == pytest.approx(float(view.maps.min()), rel=1e-3)
    low.fill("-1")
    high.fill("-2")
    assert high.evaluate("box => box.validationMessage") == "the lowest value must be below the highest"
    assert page.locator(".cnnw-scale:visible").first.inner_text().startswith("−1\n")  # the last range that was one
    high.fill("1")
    drawn(view, scale=(-1.0, 1.0))
    assert footer.inner_text() == view.status()


def test_every_control_has_a_name_and_is_reached_by_keyboard(page):
    names = []
    for _ in range(7):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.name ?? ''"))
    assert names == ["index", "layer", "channel", "colormap", "scale", "columns", ""]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("All 16 feature maps")
    for label in ("Image", "Layer", "Channel", "Colours", "Scale", "Columns"):
        assert page.get_by_label(label, exact=True).count() == 1
    page.get_by_label("Scale", exact=True).select_option("fixed")
    assert page.get_by_label("lowest value of the scale").is_visible()
    page.get_by_label("Columns").press("Enter")  # sends no form
    next_frames(page)
    assert "?" not in page.url and page.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_the_theme_and_fits_a_narrow_window(opened, path, scheme):
    page = opened(path, color_scheme=scheme, viewport={"width": 700, "height": 900})
    ground = "rgb(27, 30, 37)" if scheme == "dark" else "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor") == ground
    for width in (700, 420):
        page.set_viewport_size({"width": width, "height": 900})
        next_frames(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        right = max(canvases(page).nth(at).evaluate("e => e.getBoundingClientRect().right") for at in (0, 1))
        assert right <= width
    assert silent(page, path)


def test_a_browser_that_cannot_inflate_paints_the_same(opened, path, view):
    page = opened(path, before="delete globalThis.DecompressionStream")
    assert page.evaluate("typeof DecompressionStream") == "undefined"
    shows(page, view, "opening it")
    page.locator("input[name=layer]").press("Home")
    shows(page, view, "the layer", layer="C1")
    assert silent(page, path)


def test_two_pages_in_one_document_do_not_meet(opened, path, view, tmp_path):
    other = cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits(), layer="C1", index=0, channel=1)
    second = other.to_html(tmp_path / "other.html", index=[0], layer=["C1"], channel=range(6)).path
    both = tmp_path / "both.html"
    both.write_text(path.read_text() + second.read_text())
    page = opened(both)
    canvases(page).nth(3).wait_for()
    page.locator("main").nth(0).locator("input[name=channel]").press("ArrowRight")
    page.locator("main").nth(1).locator("select[name=colormap]").select_option("magma")
    wanted = drawn(view, channel=3)
    wanted += drawn(other, colormap="magma")

    def alike() -> bool:
        return all(np.array_equal(painted(canvases(page).nth(at)), pixels) for at, pixels in enumerate(wanted))

    wait_until(page, alike, "each page as it was moved")
    assert [page.locator("h1").nth(at).inner_text()[:2] for at in (0, 1)] == ["C3", "C1"]
    names = ["data", "draw", "painter", "exported", "store", "tree", "widget", "panel", "root", "controls", "shown"]
    assert page.evaluate("names => names.filter(name => name in window)", names) == []
    # the policy of the second one stands outside of a head
    page.errors = [line for line in page.errors if "been ignored" not in line]
    assert silent(page, both)
    other.close()


class Odd(nn.Module):
    """Values that are not finite, maps too large for the page, and names with markup."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.large = nn.Conv2d(3, 8, 1), nn.Upsample(size=(240, 240))
        self.add_module(EVIL.replace(".", "_"), nn.Identity())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        y[:, 0, 0, :3] = torch.tensor([float("nan"), float("inf"), -float("inf")])
        y = getattr(self, EVIL.replace(".", "_"))(y)
        return self.large(self.conv(x)) + y.mean()


def test_names_are_text_and_what_is_not_finite_has_its_colour_and_word(opened, tmp_path):
    data = [(torch.rand(3, 8, 8), 0)]
    view = cw.ActivationView(Odd(), data, classes=[EVIL] * 8, layer=EVIL.replace(".", "_"), scale="map")
    path = view.to_html(tmp_path / "view.html").path
    page = opened(path)
    assert EVIL.replace(".", "_") in page.locator("h1").inner_text()
    assert page.title() == "ActivationView · cnnwidgets"
    pixels = painted(canvases(page).nth(1))
    assert (pixels[0, :3] == (255, 0, 255, 255)).all()
    box = canvases(page).nth(1).bounding_box()
    for column, word in enumerate(("NaN", "∞", "−∞")):
        page.mouse.move(box["x"] + (column + 0.5) * box["width"] / 8, box["y"] + 5)
        assert page.locator(".cnnw-says .cnnw-tip").all_inner_texts() == [f"row 0, column {column}: {word}"]
    assert page.locator(".cnnw-facts:visible span", has_text="3 of 64 pixels").count() == 1
    assert silent(page, path)
    view.close()


def test_maps_that_are_not_held_in_full_say_so(opened, tmp_path):
    view = cw.ActivationView(Odd(), [(torch.rand(3, 8, 8), 0)], layer="large")
    path = view.to_html(tmp_path / "view.html").path
    page = opened(path)
    wait_until(page, lambda: painted(canvases(page).nth(1)).shape[0] > 100, "the maps")
    height, width = painted(canvases(page).nth(1)).shape[:2]
    assert height == width < 240
    assert page.locator(".cnnw-heading:visible").last.inner_text() == "Channel 0 · 240 × 240"
    held = f"the page holds these maps at {height} × {width}: values are approximate"
    assert page.locator("footer").inner_text().strip().endswith(held)
    for at, line in ((0, 1), (1, 0)):
        box = canvases(page).nth(at).bounding_box()
        page.mouse.move(box["x"] + 30, box["y"] + 30)
        assert ": about " in page.locator(".cnnw-says .cnnw-tip").nth(line).inner_text()
    page.mouse.move(0, 0)
    assert silent(page, path)
    view.close()
