"""A page that to_html() wrote of maps, opened from disk: it paints them, without Python and without a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from page_tools import at_rest, becomes, keep, next_frames, soon, steady, wait_until
from painted_tools import canvases, opaque, painted
from playwright.sync_api import Page, expect
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
    order = largest.argsort(descending=True, stable=True) if view.order == "strongest" else torch.arange(len(largest))
    return order.tolist()


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
    expect(page.locator("h1")).to_have_text(re.compile("image 4 · label: 4$"), use_inner_text=True)
    assert silent(page, path)


def test_a_vector_is_a_picture_whose_controls_rest_and_the_maps_come_back(page, path, view):
    layers = page.locator("input[name=layer]")
    before = at_rest(page, lambda: painted(canvases(page).nth(0)), "the maps are")
    for _ in range(3):
        layers.press("ArrowRight")
    page.locator("h1", has_text="120 units").wait_for()
    expect(canvases(page)).to_have_count(0)
    expect(page.locator(".picture img")).to_have_count(2)
    expect(page.locator("select[name=colormap]")).to_be_disabled()
    for _ in range(3):
        layers.press("ArrowLeft")
    canvases(page).nth(1).wait_for()
    wait_until(page, lambda: np.array_equal(painted(canvases(page).nth(0)), before), "the maps again")
    expect(page.locator("select[name=colormap]")).to_be_enabled()
    assert silent(page, path)


def test_the_mouse_reads_values_and_chooses_maps_and_arrow_keys_move_the_choice(opened, page, path, view, tmp_path):
    box = steady(canvases(page).nth(0))
    factor = box["width"] / 83  # 4 maps of 20 px, 1 px between them
    page.mouse.move(box["x"] + (21 + 2 * 7.5) * factor, box["y"] + (21 + 2 * 4.5) * factor)
    value = float(view.maps[5, 4, 7])

    def told() -> None:
        lines = page.locator(".cnnw-says .cnnw-tip").all_inner_texts()
        assert lines[0].startswith("channel 5: ")
        assert lines[1].startswith("row 4, column 7: ")
        assert float(lines[1].split(": ")[1].replace("−", "-")) == pytest.approx(value, abs=1e-4)

    soon(page, told, "the mouse is told of map and value")
    page.mouse.down()
    page.mouse.up()
    channel = page.locator("input[name=channel]")
    expect(channel).to_have_value("5")
    for key, number in (("ArrowLeft", "4"), ("ArrowUp", "0"), ("End", "15"), ("Home", "0"), ("ArrowDown", "4")):
        page.keyboard.press(key)
        expect(channel).to_have_value(number)
        expect(page.locator(".cnnw-heading:visible", has_text=f"Channel {number} ")).to_have_count(1)
    shows(page, view, "the keys in the grid", channel=4)
    box = steady(canvases(page).nth(1))
    page.mouse.click(box["x"] + 5.5 * box["width"] / 10, box["y"] + 3.5 * box["height"] / 10)
    expect(page.locator(".cnnw-facts span", has_text="at row 3, column 5")).to_have_count(1)
    page.mouse.move(0, 0)
    expect(page.locator(".cnnw-says")).to_have_count(0)
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
        expect(channel).to_have_value(str(order_of(view)[place]))
    keep(page, "in-order", whole=True)
    assert silent(page, ordered)


def test_the_words_below_follow_the_controls(page, view):
    footer = page.locator("footer div").first
    for scale in ("map", "layer-full", "layer"):
        page.locator("select[name=scale]").select_option(scale)
        drawn(view, scale=scale)
        becomes(page, footer.inner_text, view.status(), f"the words on the scale {scale}")
    page.locator("select[name=colormap]").select_option("gray")
    drawn(view, colormap="gray")
    becomes(page, footer.inner_text, view.status(), "the words on the colours")
    page.locator("select[name=scale]").select_option("fixed")
    low, high = (page.locator(f"input[name={name}]") for name in ("lowest", "highest"))
    lowest = pytest.approx(float(view.maps.min()), rel=1e-3)
    becomes(page, lambda: float(low.input_value()), lowest, "the scale begins where it was")
    low.fill("-1")
    high.fill("-2")
    why = "the lowest value must be below the highest"
    becomes(page, lambda: high.evaluate("box => box.validationMessage"), why, "what is wrong")
    scale = page.locator(".cnnw-scale:visible").first
    wait_until(page, lambda: scale.inner_text().startswith("−1\n"), "the last range that was one")
    high.fill("1")
    drawn(view, scale=(-1.0, 1.0))
    becomes(page, footer.inner_text, view.status(), "the words on a fixed scale")


def test_every_control_has_a_name_and_is_reached_by_keyboard(page):
    names = []
    for _ in range(7):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.name ?? ''"))
    assert names == ["index", "layer", "channel", "colormap", "scale", "columns", ""]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("All 16 feature maps")
    for label in ("Image", "Layer", "Channel", "Colours", "Scale", "Columns"):
        expect(page.get_by_label(label, exact=True)).to_have_count(1)
    page.get_by_label("Scale", exact=True).select_option("fixed")
    expect(page.get_by_label("lowest value of the scale")).to_be_visible()
    page.get_by_label("Columns").press("Enter")  # sends no form
    next_frames(page)
    assert "?" not in page.url and page.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_the_theme_and_fits_a_narrow_window(opened, path, scheme):
    page = opened(path, color_scheme=scheme, viewport={"width": 700, "height": 900})
    ground = "rgb(27, 30, 37)" if scheme == "dark" else "rgb(255, 255, 255)"
    painted_on = "getComputedStyle(document.querySelector('main')).backgroundColor"
    becomes(page, lambda: page.evaluate(painted_on), ground, "the ground of the theme")
    for width in (700, 420):
        page.set_viewport_size({"width": width, "height": 900})

        def fits(width: int = width) -> None:
            assert page.evaluate("[innerWidth, document.documentElement.scrollWidth <= innerWidth]") == [width, True]
            right = max(canvases(page).nth(at).evaluate("e => e.getBoundingClientRect().right") for at in (0, 1))
            assert right <= width

        soon(page, fits, f"the page fits into {width} px")
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
    becomes(page, lambda: [page.locator("h1").nth(at).inner_text()[:2] for at in (0, 1)], ["C3", "C1"], "two titles")
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
    expect(page.locator("h1")).to_contain_text(EVIL.replace(".", "_"), use_inner_text=True)
    assert page.title() == "ActivationView · cnnwidgets"

    def coloured() -> bool:
        return bool((painted(canvases(page).nth(1))[0, :3] == (255, 0, 255, 255)).all())

    wait_until(page, coloured, "what is not finite has a colour of its own")
    box = steady(canvases(page).nth(1))
    tips = page.locator(".cnnw-says .cnnw-tip")
    for column, word in enumerate(("NaN", "∞", "−∞")):
        page.mouse.move(box["x"] + (column + 0.5) * box["width"] / 8, box["y"] + 5)
        becomes(page, tips.all_inner_texts, [f"row 0, column {column}: {word}"], "the mouse is told")
    expect(page.locator(".cnnw-facts:visible span", has_text="3 of 64 pixels")).to_have_count(1)
    assert silent(page, path)
    view.close()


def test_maps_that_are_not_held_in_full_say_so(opened, tmp_path):
    view = cw.ActivationView(Odd(), [(torch.rand(3, 8, 8), 0)], layer="large")
    path = view.to_html(tmp_path / "view.html").path
    page = opened(path)
    wait_until(page, lambda: painted(canvases(page).nth(1)).shape[0] > 100, "the maps")
    height, width = at_rest(page, lambda: painted(canvases(page).nth(1)), "the map is").shape[:2]
    assert height == width < 240
    expect(page.locator(".cnnw-heading:visible").last).to_have_text("Channel 0 · 240 × 240", use_inner_text=True)
    held = f"the page holds these maps at {height} × {width}: values are approximate"
    wait_until(page, lambda: page.locator("footer").inner_text().strip().endswith(held), "the page says so")
    for at, line in ((0, 1), (1, 0)):
        box = steady(canvases(page).nth(at))
        page.mouse.move(box["x"] + 30, box["y"] + 30)
        expect(page.locator(".cnnw-says .cnnw-tip").nth(line)).to_contain_text(": about ")
    page.mouse.move(0, 0)
    assert silent(page, path)
    view.close()
