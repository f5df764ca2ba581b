"""FilmView as a person uses it: a network is trained in the notebook, then its film is scrubbed through and played."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from page_tools import (
    WATCH,
    becomes,
    focus_slider,
    in_kernel,
    keep,
    no_errors,
    press,
    shown,
    shown_pixels,
    state,
    steady_pixels,
    wait_for,
    wait_until,
    widget_count,
)
from painted_tools import canvases, opaque, painted
from playwright.sync_api import Locator, Page, expect
from test_painter_luck import HIDE, READY, SAVE

TRAIN = """
import torch
torch.manual_seed(0)
digits = cnnwidgets.data.digits()
images, targets = torch.stack([digits[i][0] for i in range(256)]), torch.tensor([digits[i][1] for i in range(256)])
model = cnnwidgets.models.lenet5()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
recorder = cnnwidgets.Recorder(model, ["C1", "C3", "OUTPUT"], [digits[i] for i in range(4)], every=2, gradients=True)
with recorder:
    for epoch in range(2):
        for batch in range(4):
            optimizer.zero_grad()
            chosen = slice(64 * batch, 64 * batch + 64)
            loss = torch.nn.functional.cross_entropy(model(images[chosen]), targets[chosen])
            loss.backward()
            optimizer.step()
            recorder.step(epoch, batch, of=4, loss=loss)
"""

SHOW = """
view = cnnwidgets.FilmView(recorder.recording, layer="C3", speed=10)
view
"""

# What render makes of the numbers that the page has of a frame: the grid, and the large map.
EXPECTED = """
import base64
from cnnwidgets.render.color import Quantised, palette, to_uint8
from cnnwidgets.render.mosaic import Grid, mosaic
shaded = view.scene({frame}).shaded
tiles = to_uint8(Quantised.of(shaded.maps).values(), shaded.ranges)
grid = Grid.fit(*shaded.maps.shape, columns=view.columns or None, room=480)
for levels in (mosaic(tiles, grid), tiles[view.channel]):
    print(*levels.shape, base64.b64encode(palette(shaded.colormap)[levels].tobytes()).decode())
"""
# Messages of the painters: their kinds, and the keys of what they hold.
COUNT = """
from cnnwidgets.widgets.painter import Painter
sent, send = [], Painter.send

def counted(self, content, buffers=None):
    sent.append([content["kind"], content.get("key")])
    send(self, content, buffers)

Painter.send = counted
"""

# A cell that runs until there is a file.
BUSY = """async path => {
    const {kernel} = window.jupyterapp.shell.currentWidget.sessionContext.session;
    window.busy = true;
    const future = kernel.requestExecute({code: `
import os, time
while not os.path.exists(${JSON.stringify(path)}):
    time.sleep(0.1)
`});
    future.done.then(() => { window.busy = false; });
}"""

FRAME, LAYER, PROBE, CHANNEL = 0, 1, 2, 3
"""Sliders in the order in which they stand on the card."""


@pytest.fixture
def page(run_cells) -> Page:
    page = run_cells(WATCH, TRAIN, SHOW)
    canvases(page).nth(1).wait_for()
    return page


def wanted(page: Page, frame: object = "view.frame") -> list[np.ndarray]:
    """The grid and the large map of a frame, as `render` makes them, (H, W, 4)."""
    found = []
    for line in in_kernel(page, EXPECTED.replace("{frame}", str(frame))).splitlines():
        height, width, data = line.split()
        pixels = np.frombuffer(base64.b64decode(data), np.uint8).reshape(int(height), int(width), 4)
        found.append(opaque(pixels))
    return found


def shows(page: Page, pictures: list[np.ndarray]) -> bool:
    """Whether both canvases have every pixel of these pictures."""
    return all(np.array_equal(painted(canvases(page).nth(at)), picture) for at, picture in enumerate(pictures))


def play(page: Page) -> Locator:
    """The buttons of the player: play or pause, and stop."""
    return page.locator(".cnnw .widget-play button, .cnnw .jupyter-widget-play button")


def menu(page: Page, tip: str, option: str) -> None:
    group = page.locator(".cnnw .widget-hbox", has=page.locator(f'.cnnw-label[title^="{tip}"]')).last
    group.locator("select").first.select_option(label=option)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_film_is_scrubbed_through_played_and_seen_from_all_sides(page):
    grid = canvases(page).first
    shown(page, "before training")
    before = steady_pixels(grid)
    focus_slider(page, FRAME)
    press(page, "ArrowRight", 2)
    wait_for(page, "frame", 2)
    shown(page, "end of epoch 0")
    wait_until(page, lambda: (shown_pixels(grid) != before).any(), "the maps of another frame")
    press(page, "Home")
    wait_for(page, "frame", 0)
    wait_until(page, lambda: (shown_pixels(grid) == before).all(), "the maps of the first frame again")

    play(page).first.click()
    wait_for(page, "frame", 4)
    shown(page, "end of epoch 1")

    for slider, trait, value in ((LAYER, "layer", "OUTPUT"), (PROBE, "probe", 1), (CHANNEL, "channel", 1)):
        focus_slider(page, slider)
        press(page, "ArrowRight")
        wait_for(page, trait, value)
    shown(page, "All 10 units")

    for tip, option, trait, value, said in (
        ("What is seen", "gradients, batch image", "what", "gradients", "All 10 gradients"),
        ("What is seen", "feature maps of a probe", "what", "maps", "All 10 units"),
        ("Show what changed", "first frame", "difference", "first", "minus those of the first frame"),
        ("Value range", "map", "scale", "map", "scale: this frame"),  # numbers alone have no scale each
        ("auto", "magma", "colormap", "magma", "scale: this frame"),
        ("What is seen", "filters", "what", "filters", "All 6 filters"),
    ):
        menu(page, tip, option)
        wait_for(page, trait, value)
        shown(page, said)
    wait_for(page, "layer", "C1")
    assert no_errors(page)
    in_kernel(page, "view.close()")
    wait_until(page, lambda: widget_count(page) == 0, "no widget left in the page")


def test_every_frame_is_painted_as_render_draws_it_in_every_scale_and_colour_map(page):
    for frame in range(5):
        in_kernel(page, f"view.frame = {frame}")
        wait_until(page, lambda: shows(page, wanted(page)), f"the pixels of frame {frame}")
    for scale in ("frame", "map", "film"):
        for colormap in ("viridis", "auto", "coolwarm"):
            in_kernel(page, f"view.scale, view.colormap = {scale!r}, {colormap!r}")
            wait_until(page, lambda: shows(page, wanted(page)), f"the pixels of {colormap} for the {scale}")
    for change in ("what = 'gradients'", "what = 'filters'", "difference = 'first'", "plane = 2"):
        in_kernel(page, f"view.{change}")
        wait_until(page, lambda: shows(page, wanted(page)), f"the pixels of {change}")
    assert no_errors(page)


def test_while_it_plays_the_frames_are_there_before_they_are_asked_for(page):
    in_kernel(page, COUNT)
    play(page).first.click()
    wait_for(page, "frame", 4)
    wait_until(page, lambda: shows(page, wanted(page)), "the pixels of the last frame")
    sent = json.loads(in_kernel(page, "import json; print(json.dumps(sent))"))
    assert {kind for kind, _ in sent} == {"layer"}
    assert len({key for _, key in sent}) == len(sent) <= 4  # frames 1 to 4, each once; a slow kernel passes some over
    in_kernel(page, "view.traffic.reset(); sent.clear()")
    focus_slider(page, FRAME)
    press(page, "Home")
    wait_for(page, "frame", 0)
    wait_until(page, lambda: shows(page, wanted(page)), "the pixels of the first frame")
    becomes(page, lambda: in_kernel(page, "print(sent, view.traffic.cached)"), "[] 1\n", "nothing was sent")
    assert no_errors(page)


def test_while_a_cell_runs_the_frames_that_the_page_has_are_shown(page, tmp_path):
    heading = page.locator(".cnnw-painter .cnnw-heading:visible").first
    pictures = [wanted(page, frame) for frame in range(5)]
    in_kernel(page, "view.frame = 1")
    expect(heading).to_contain_text("frame 1")
    in_kernel(page, COUNT + "view.frame = 0")  # and back: what the page has by now is what lies behind
    in_kernel(page, "view.frame = 1")
    reel = "[4] * (list(view.box('maps').painter.reel['keys']) == ['2', '3', '4'])"
    wait_until(page, lambda: in_kernel(page, f"print({reel})") == "[4]\n", "the frames that come next")
    wait_until(page, lambda: shows(page, pictures[1]), "frame 1")
    end = tmp_path / "end"
    page.evaluate(BUSY, str(end))
    focus_slider(page, FRAME)
    for frame in (2, 3):
        press(page, "ArrowRight")
        expect(heading).to_contain_text(f"frame {frame}")
        wait_until(page, lambda frame=frame: shows(page, pictures[frame]), f"the pixels of frame {frame}")
    keep(page, "film-ahead")
    menu(page, "Value range", "map")  # still of the page's own
    wait_until(page, lambda: not shows(page, pictures[3]), "another scale")
    menu(page, "Value range", "film")
    wait_until(page, lambda: shows(page, pictures[3]), "the scale of the film")
    card = page.locator(".cnnw .cnnw-title:visible, .cnnw").first
    wait_until(page, lambda: "frame 1 " in card.inner_text(), "the kernel is where it was")
    assert page.evaluate("window.busy") is True
    end.touch()
    wait_for(page, "frame", 3)
    wait_until(page, lambda: shows(page, pictures[3]), "the same when the kernel has followed")
    shown(page, "frame 3 (0 to 4)")
    assert no_errors(page)


def test_a_page_that_is_loaded_again_while_it_plays_goes_on_where_the_kernel_is(page):
    page.evaluate(SAVE)
    play(page).first.click()
    wait_until(page, lambda: int(state(page, "frame")) > 0, "a film that plays")
    page.reload()
    page.wait_for_function(READY, timeout=60_000)
    canvases(page).nth(1).wait_for()
    wait_until(page, lambda: shows(page, wanted(page)), "the frame of the kernel")
    focus_slider(page, FRAME)
    press(page, "Home")
    press(page, "ArrowRight")
    wait_for(page, "frame", 1)
    wait_until(page, lambda: shows(page, wanted(page)), "another frame")
    assert state(page, "error") == ""


def test_nothing_is_sent_to_a_tab_that_nobody_sees_and_then_the_newest_frame_is(page):
    in_kernel(page, COUNT)
    page.evaluate(HIDE, True)
    wait_until(
        page,
        lambda: in_kernel(page, "from cnnwidgets.widgets.painter import pages; print(pages.seen)") == "False\n",
        "a kernel that knows",
    )
    for frame in (1, 2):
        in_kernel(page, f"view.frame = {frame}")
    page.wait_for_timeout(300)
    assert in_kernel(page, "print(sent)") == "[]\n"
    page.evaluate(HIDE, False)
    wait_until(page, lambda: shows(page, wanted(page)), "frame 2")
    assert in_kernel(page, "print([kind for kind, _ in sent])") == "['layer']\n"
    in_kernel(page, "view.frame = 3")
    wait_until(page, lambda: shows(page, wanted(page)), "frame 3")
    assert no_errors(page)
