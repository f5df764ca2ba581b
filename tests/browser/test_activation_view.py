"""ActivationView as a person uses it: in JupyterLab, with keyboard and mouse, looking at what is painted."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from page_tools import (
    GRIDS,
    PICTURES,
    WATCH,
    at_rest,
    becomes,
    blobs,
    comm_count,
    drag_slider,
    focus_slider,
    in_kernel,
    keep,
    next_frames,
    no_errors,
    press,
    shown_pixels,
    soon,
    steady,
    wait_for,
    wait_until,
    widget_count,
)
from playwright.sync_api import Locator, Page, expect

LENET = """
import torch
model, dataset = cnnwidgets.models.lenet5(pretrained=True), torch.utils.data.Subset(cnnwidgets.data.digits(), range(50))
view = cnnwidgets.ActivationView(model, dataset, layer="C1", index=3)
view
"""

# What the grid should look like, from the model alone: prints its shape, its pixels and the box of the chosen map.
EXPECTED = """
import base64
from cnnwidgets import activations
from cnnwidgets.render import Grid, Shaded, mosaic, palette
from cnnwidgets.render.color import Quantised, to_uint8
maps = activations(model, dataset[{index}][0], "{layer}")[0].numpy()
shaded, grid = Shaded.of(maps), Grid.fit(*maps.shape, room=480)
tiles = to_uint8(Quantised.of(maps).values(), shaded.ranges) if {paints} else shaded.tiles()
rgba = palette(shaded.colormap)[mosaic(tiles, grid)]
print(*rgba.shape[:2], *grid.box(view.channel), base64.b64encode(rgba.tobytes()).decode())
"""

LAYER, INDEX, CHANNEL = 0, 1, 2
"""Sliders in the order in which they stand on the card."""


@pytest.fixture
def paints() -> bool:
    """Whether the page paints. For both: `@pytest.mark.parametrize("paints", [True, False])`."""
    return True


@pytest.fixture
def page(run_cells, paints) -> Page:
    page = run_cells(WATCH, *([] if paints else [PICTURES]), LENET)
    page.locator(".cnnw canvas.cnnw-pixels:visible" if paints else ".cnnw .bqplot image").nth(1).wait_for()
    return page


def grid_matches(page: Page, layer: str, index: int) -> bool:
    """Whether what is painted is the grid of that layer and image: every pixel of every map but the framed one."""
    paints = page.locator(".cnnw canvas.cnnw-pixels:visible").count() > 0
    expected = in_kernel(page, EXPECTED.format(layer=layer, index=index, paints=paints))
    height, width, left, top, right, bottom, pixels = expected.split()
    rgba = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(int(height), int(width), 4)
    painted = shown_pixels(page.locator(GRIDS).first)
    rows, columns = (
        ((np.arange(size) + 0.5) * extent / size).astype(int)
        for size, extent in zip(rgba.shape[:2], painted.shape[:2], strict=True)
    )
    compared = rgba[..., 3] == 255
    compared[int(top) : int(bottom), int(left) : int(right)] = False
    assert compared.sum() > 1000
    return bool((np.abs(painted[np.ix_(rows, columns)].astype(int) - rgba[..., :3])[compared] <= 1).all())


def wait_for_grid(page: Page, layer: str, index: int) -> None:
    wait_until(page, lambda: grid_matches(page, layer, index), f"the grid of {layer}, image {index}, is painted")


@pytest.mark.parametrize("paints", [True, False])
def test_the_layer_slider_by_keyboard_shows_each_layer(page):
    wait_for_grid(page, "C1", 3)
    focus_slider(page, LAYER)
    for layer in ("func1", "S2", "C3"):
        press(page, "ArrowRight")
        wait_for(page, "layer", layer)
        wait_for_grid(page, layer, 3)
    assert not grid_matches(page, "func2", 3)  # the comparison can tell layers apart
    expect(page.locator(".cnnw-title b:visible")).to_have_text("C3", use_inner_text=True)
    press(page, "End")
    wait_for(page, "layer", "OUTPUT")
    press(page, "ArrowLeft", times=6)  # flatten, which computes nothing, is not listed
    wait_for(page, "layer", "C3")
    wait_for_grid(page, "C3", 3)
    assert no_errors(page)


def test_dragging_the_sliders_ends_with_the_picture_where_they_stand(page):
    drag_slider(page, INDEX, 1.0)
    wait_for(page, "index", 49)
    wait_for_grid(page, "C1", 49)
    drag_slider(page, LAYER, 0.0)
    drag_slider(page, LAYER, 0.35)
    wait_for(page, "layer", "C3")
    wait_for_grid(page, "C3", 49)
    drag_slider(page, CHANNEL, 1.0)
    wait_for(page, "channel", 15)
    assert no_errors(page)


@pytest.mark.parametrize("paints", [False])
def test_the_mouse_hears_of_a_tile_chooses_it_and_reads_a_value_in_the_large_map(page):
    in_kernel(page, "view.layer = 'C3'")
    wait_for_grid(page, "C3", 3)
    grid, large = (page.locator(".cnnw .bqplot image").nth(n) for n in (0, 1))
    pictures = page.locator(".cnnw img.cnnw-pixels:visible")

    def over_each_other() -> None:  # what hears the mouse lies over what is seen
        for place, figure in enumerate((grid, large)):
            box = figure.bounding_box()
            assert box and box == pytest.approx(pictures.nth(place).bounding_box(), abs=1)

    soon(page, over_each_other, "figures lie over their pictures")
    factor = steady(grid)["width"] / 83  # four maps of 10 x 10, twice as large, with gaps of 1
    tip = page.locator(".cnnw-tip", has_text="channel 6:")

    def told() -> bool:
        for x in (51, 52):  # third in the second row
            grid.hover(position={"x": x * factor, "y": 31 * factor}, force=True)
        return tip.is_visible()

    wait_until(page, told, "the mouse is told of the map")
    around = "e => getComputedStyle(e.closest('.tooltip_div, .bqplot_tooltip_div')).pointerEvents"
    becomes(page, lambda: tip.evaluate(around), "none", "it catches no click")
    ends = [
        float(end) for end in in_kernel(page, "print(view.maps[6].min().item(), view.maps[6].max().item())").split()
    ]
    becomes(
        page,
        lambda: [number(text) for text in re.findall(r"[−\d.]+", tip.inner_text().split(":")[1])],
        pytest.approx([float(end) for end in ends], rel=0.01),
        "it tells the ends of the map",
    )

    assert not framed(page, grid, factor)
    grid.click(position={"x": 52 * factor, "y": 31 * factor}, force=True)
    wait_for(page, "channel", 6)
    page.locator(".cnnw-heading:visible", has_text="Channel 6").wait_for()
    page.mouse.move(0, 0)
    wait_until(page, lambda: framed(page, grid, factor), "a frame around the tile")

    side = steady(large)["width"]
    large.click(position={"x": 0.65 * side, "y": 0.45 * side}, force=True)
    wait_for(page, "pixel", (4, 6))
    value = page.locator(".cnnw-facts:visible span", has_text="at row 4, column 6").locator("+ span")
    computed = float(in_kernel(page, "print(view.maps[6, 4, 6].item())"))
    becomes(page, lambda: number(value.inner_text()), pytest.approx(computed, rel=1e-4), "the value of the pixel")
    assert no_errors(page)


def test_a_map_is_switched_off_with_alt_and_on_again_with_the_key_x(page):
    in_kernel(page, "view.layer = 'C3'")
    wait_for_grid(page, "C3", 3)
    grid = page.locator(GRIDS).first
    factor = steady(grid)["width"] / 83  # four maps of 10 x 10, twice as large, with gaps of 1
    cells = page.locator(".jp-Cell").count()
    grid.click(position={"x": 52 * factor, "y": 31 * factor}, modifiers=["Alt"])  # third in the second row
    wait_for(page, "off", (("C3", 6),))
    page.locator(".cnnw-title:visible", has_text="edited: channel 6 of C3 set to 0").wait_for()
    page.locator(".cnnw-heading:visible", has_text="off: 6").wait_for()
    wait_for(page, "channel", 6)
    keep(page, "activation-off", whole=True)
    press(page, "x")
    wait_for(page, "off", ())
    wait_for_grid(page, "C3", 3)
    wait_until(page, lambda: page.locator(".cnnw-title:visible", has_text="edited").count() == 0, "nothing is edited")
    expect(page.locator(".jp-Cell")).to_have_count(cells)  # key x cuts no cell
    assert no_errors(page)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def framed(page: Page, grid: Locator, factor: float) -> bool:
    """Whether the accent is painted on two edges of map 6 of C3, and not in its middle."""
    painted = shown_pixels(grid).astype(int)
    left, top, right, bottom = (round(edge * factor) for edge in (42, 21, 62, 41))
    accent = np.array([25, 118, 210])
    middle = painted[(top + bottom) // 2, (left + right) // 2]
    edges = painted[(top + bottom) // 2, left], painted[top, (left + right) // 2]
    near = [np.abs(colour - accent).max() < 60 for colour in (middle, *edges)]
    return near == [False, True, True]


@pytest.mark.slow
def test_500_moves_leave_as_many_widgets_comms_and_pictures_as_before(page):
    focus_slider(page, LAYER)
    press(page, "ArrowRight", times=10)
    press(page, "ArrowLeft", times=10)
    wait_for(page, "layer", "C1")

    def counts():
        next_frames(page)
        return widget_count(page), comm_count(page), blobs(page).alive

    before, made = at_rest(page, counts, "widgets, comms and blobs are"), blobs(page).created
    for slider, times in ((LAYER, 10), (INDEX, 49), (CHANNEL, 5)):
        focus_slider(page, slider)
        for _ in range(round(500 / 3 / (2 * times))):
            for key in ["ArrowRight"] * times + ["ArrowLeft"] * times:
                press(page, key)
                next_frames(page)  # a hand, not a burst: the front end merges what comes quicker than it draws
    wait_for(page, "index", 0)
    wait_for_grid(page, "C1", 0)
    assert blobs(page).created == made  # pictures come as addresses, which need none
    wait_until(page, lambda: counts() == before, f"{before} widgets, comms and blobs")
    assert no_errors(page)


CONTRAST = """() => {
    const linear = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ground = element => {
        for (let e = element; e; e = e.parentElement) {
            const colour = numbers(getComputedStyle(e).backgroundColor);
            if (colour.length < 4 || colour[3] > 0) return light(colour);
        }
        return 1;
    };
    return [...document.querySelectorAll('.cnnw *')]
        .filter(e => e.getClientRects().length && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
        .filter(e => !e.closest('svg, style, option'))
        .map(e => {
            const [a, b] = [light(numbers(getComputedStyle(e).color)), ground(e)];
            return [e.textContent.trim(), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
        });
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_card_follows_the_theme_and_all_of_its_text_can_be_read(page, theme, tmp_path):
    def in_the_theme() -> None:
        painted = shown_pixels(page.locator(".cnnw"))
        ground = painted[-6, painted.shape[1] // 2]
        assert (ground > 200).all() if theme == "light" else (ground < 70).all()
        assert len(np.unique(painted.reshape(-1, 3), axis=0)) > 200

    def readable() -> None:
        contrasts = page.evaluate(CONTRAST)
        assert len(contrasts) > 20
        assert [text for text, contrast in contrasts if contrast < 4.5] == []

    soon(page, in_the_theme, "the card has the theme")
    page.screenshot(path=tmp_path / f"{theme}.png")
    soon(page, readable, "every text can be read")
    assert no_errors(page)


OUTSIDE = """() => {
    const card = document.querySelector('.cnnw').getBoundingClientRect();
    const parts = ['select', 'input', 'button', '.noUi-target', '.ui-slider', 'svg image', 'canvas']
        .map(part => '.cnnw ' + part);
    return [...document.querySelectorAll(parts.join(', '))].filter(e => e.getClientRects().length)
        .map(e => [e.className.baseVal ?? e.className, e.getBoundingClientRect()])
        .filter(([name, box]) => box.left < card.left || box.right > card.right).map(([name]) => name || 'part');
}"""


def test_in_a_narrow_cell_everything_wraps_and_nothing_is_cut(page, tmp_path):
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    page.set_viewport_size({"width": 700, "height": 1600})
    card = page.locator(".cnnw")

    def fits() -> None:
        assert card.bounding_box()["width"] < 620
        assert card.evaluate("e => e.scrollWidth <= e.clientWidth")
        assert page.evaluate(OUTSIDE) == []

    soon(page, fits, "the card fits")
    page.screenshot(path=tmp_path / "narrow.png")
    in_kernel(page, "view.layer = 'OUTPUT'; view.scale = (-1, 1)")
    page.locator(".cnnw-title b:visible", has_text="OUTPUT").wait_for()
    soon(page, fits, "the card of a vector fits")
    assert no_errors(page)


def test_names_that_look_like_html_are_painted_as_text(run_cells):
    page = run_cells(
        WATCH,
        """
        import torch
        evil = "<img src=x onerror=alert(1)>"
        model = torch.nn.Sequential()
        model.add_module(evil, torch.nn.Conv2d(1, 2, 1))
        model.add_module("flatten", torch.nn.Flatten())
        view = cnnwidgets.ActivationView(model, [(torch.rand(1, 4, 4), 0)], classes=[evil] * 32)
        view
        """,
    )
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    evil = "<img src=x onerror=alert(1)>"
    page.locator(".cnnw-title b:visible", has_text=evil).wait_for()
    in_kernel(page, "view.layer = 'flatten'")
    page.locator(".cnnw-title:visible", has_text="32 units").wait_for()
    expect(page.locator(".cnnw-bars:visible").first).to_contain_text(evil, use_inner_text=True)
    expect(page.locator(".cnnw img[onerror]")).to_have_count(0)
    assert dialogs == []
    assert no_errors(page)


def test_in_a_narrow_window_the_large_map_stands_beside_the_image_and_nothing_is_cut_off(page):
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": 850, "height": 1200})
    panels = {
        text: page.locator(".cnnw .widget-vbox", has_text=text).last for text in ("Image 3", "All 6", "Channel 0")
    }

    def box(text: str) -> dict[str, float]:
        return panels[text].bounding_box() or {"x": 0.0, "y": 0.0, "width": 0.0, "height": 0.0}

    def in_order() -> None:
        image, all_maps, channel = (box(text) for text in panels)
        assert image["y"] == channel["y"] > 0  # image and large map in one row
        assert all_maps["y"] >= channel["y"] + channel["height"]
        card = page.locator(".cnnw").first.bounding_box()
        assert card is not None
        for each in (image, all_maps, channel):
            assert each["x"] + each["width"] <= card["x"] + card["width"]

    soon(page, in_order, "image and large map in one row, all maps below")
    assert no_errors(page)
