"""How much of a far-away kernel does a hand feel? An ActivationView of a ResNet-18, 64 maps of 112 x 112.

Run `python benchmarks/remote.py`. A proxy between the browser and JupyterLab holds back every byte by half the round
trip, and counts bytes. Each thing is done with a round trip of 0 and of 250 ms, in turns, on the same page:

- keys: a channel, a colour map, a scale, columns; a layer and an image that the page has shown before; a layer that the
  kernel has in its cache and the page has not; an image that nobody has seen;
- hovering over a map, until its value is told;
- two seconds of dragging the channel slider and the image slider by mouse;
- a bare `ipywidgets.Image` fed with the PNG files of the same grid, for comparison;
- and, with the kernel near, 2,000 moves, of which every tenth is to another image, and every tenth to another layer.

Then a page that is shown pictures does the moves to a new layer, whose bytes are compared; and the patch of an
OcclusionView is moved by keys.

The clock runs from the event to the frame in which the card's new picture is painted. A ratio compares rows of the same
run. What a new image costs is one round trip, the pass, and a paint: the sum of these is what it is compared with.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle

from _delay import Delay
from _lab import NOISE, PICTURED, PICTURES, drag_by_mouse, entry, far_page, in_kernel, menu, press, slider_handle, timed
from _table import median, print_times, verdict, where
from memory import count
from memory import report as report_memory
from playwright.sync_api import Locator, Page

TRIP = 0.25
IMAGES = 400
NEAR, FAR = "0 ms", "250 ms"
RATE = 25
"""Values a second that a dragged slider is to take, so that the drag is a test."""
IN_THE_PAGE = ("channel", "colour map", "scale", "columns", "hover", "layer, back", "image, back")
"""What needs no kernel."""
ONE_TRIP = ("layer, new to the page", "image, new")
WARM = 100

VIEW = f"""{NOISE}
import ipywidgets as W
from cnnwidgets import ActivationView

view = ActivationView(model, Noise({IMAGES}), layer="conv1")
display(view)
"""

BARE = """
pngs = []
for index in range(8):
    view.index = index
    view.flush()
    pngs.append(view.box("maps").figure.png)
view.index = 0
bare = W.Image(value=pngs[0], width=480, height=480)
bare_slider = W.IntSlider(max=999)
bare_slider.add_class("bare-slider")
bare_slider.observe(lambda change: setattr(bare, "value", pngs[change["new"] % 8]), "value")
box = W.VBox([bare_slider, bare])
box.add_class("bare")
display(box)
"""

OCCLUSION = f"""{NOISE}
from cnnwidgets import OcclusionView

view = OcclusionView(model, Noise(1), top=0, mapping=False)
display(view)
"""
PATCH = ".cnnw-of-photo .cnnw-slides canvas"


class Hand:
    """What is done to the page, at one distance of the kernel or the other."""

    def __init__(self, page: Page, delay: Delay) -> None:
        self.page, self.delay = page, delay
        self.times: dict[str, dict[str, list[float]]] = {}

    def rest(self) -> None:
        """Wait until the kernel has answered all and nothing has come for a while."""
        in_kernel(self.page, "")
        before = -1
        while before != (before := self.delay.down):
            self.page.wait_for_timeout(400)

    def key(self, name: str, at: Locator, key: str, root: str = ".cnnw", shown: str = PICTURES) -> None:
        """Press a key; the time until the card is painted counts under `name`."""
        self._keep(name, press(at, key, root, shown))

    def choose(self, name: str, at: Locator, option: int) -> None:
        """Take an option of a menu; the time until the card is painted counts under `name`."""
        self._keep(name, timed(self.page, ".cnnw", PICTURES, lambda: at.select_option(index=option), kind="change"))

    def type(self, name: str, at: Locator, text: str) -> None:
        """Type into a box; the time from the last key until the card is painted counts under `name`."""
        at.fill(text)
        self._keep(name, timed(self.page, ".cnnw", PICTURES, lambda: at.press("Enter")))

    def hover(self, name: str, at: Locator) -> None:
        """Move the mouse over a picture; the time until a value is told counts under `name`."""
        at.scroll_into_view_if_needed()
        box = at.bounding_box()
        assert box
        self.page.mouse.move(0, 0)
        x, y = box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6
        act = partial(self.page.mouse.move, x, y)
        self._keep(name, timed(self.page, "body", ".cnnw-says, .cnnw-tip", act, kind="pointermove"))

    def _keep(self, name: str, taken: dict[str, float]) -> None:
        where = NEAR if self.delay.round_trip == 0 else FAR
        self.times.setdefault(name, {NEAR: [], FAR: []})[where].append(taken["total"])
        self.rest()

    def both(self, part: Callable[[], None]) -> None:
        """Do it with the kernel near, then far."""
        for self.delay.round_trip in (0.0, TRIP):
            self.rest()
            part()
        self.delay.round_trip = 0.0

    def drag(self, name: str, handle: Locator, to: float) -> tuple[int, int, float]:
        """Drag a slider's handle to a share of its track: its values, pictures meanwhile, ms the last was late.

        What the page itself paints of a channel counts by channel: it is painted again when it has come in full.
        """
        handle.evaluate(f"handle => watch.drag('.cnnw', {PICTURES!r}, handle)")
        drag_by_mouse(handle, to, 120, 2.0)
        self.rest()
        last, pictures, channels, said = self.page.evaluate(
            "[watch.lastMove, watch.pictures, watch.channels, watch.values]"
        )
        values = [float(value) for value in said]
        if name == "channel" and values and values[-1] in channels:
            late = pictures[channels.index(values[-1])] - last  # the first that shows it
            return len(set(values)), len(set(channels) & set(values)), late
        return len(values), sum(picture <= last + 50 for picture in pictures), (pictures or [last])[-1] - last


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8, help="of all keys (default: 8)")
    parser.add_argument("--drags", type=int, default=3, help="of each kind at each distance (default: 3)")
    parser.add_argument("--moves", type=int, default=2000, help="of which the memory is measured (default: 2000)")
    options = parser.parse_args()
    print(where("torch", "ipywidgets", "bqplot", "jupyterlab"))
    with far_page(VIEW, BARE) as (page, delay):
        print(f"Chromium {page.context.browser.version}")
        hand = Hand(page, delay)
        page.locator(".cnnw canvas.cnnw-pixels:visible").nth(1).wait_for()
        moved: list[int] = []
        new = iter(range(20, IMAGES))
        for _ in range(options.rounds):
            hand.both(lambda: keys(hand, new, moved))
        drags = dragged(hand, options.drags)
        report(hand.times, drags)
        print(in_kernel(page, "print(view.traffic)"))
        if options.moves:
            report_memory(*remembered(hand, options.moves), options.moves)
    pictured: list[int] = []
    with far_page(PICTURED + VIEW) as (page, delay):
        hand, new = Hand(page, delay), iter(range(20, IMAGES))
        for _ in range(options.rounds):
            new_layer(hand, next(new), pictured)
    print(f"bytes of a move to a layer new to the page, with all around it: {median(moved):,.0f} painted by the page")
    print(f"  and {median(pictured):,.0f} as pictures")
    verdict("  painted / pictures", median(moved) / median(pictured), 0.5)
    with far_page(OCCLUSION) as (page, delay):
        patched(Hand(page, delay), options.rounds)


def patched(hand: Hand, rounds: int) -> None:
    """Move the patch of an OcclusionView by keys, near and far, and print how long it takes until it is drawn."""
    hand.page.locator(PATCH).wait_for()
    row = slider_handle(hand.page, "Row")
    for _ in range(rounds):
        hand.both(lambda: hand.key("patch", row, "ArrowRight", shown=PATCH))
    times = hand.times["patch"]
    print_times([(f"patch, {where}", values) for where, values in times.items()])
    verdict("patch: far / near", median(times[FAR]) / median(times[NEAR]), 1.2)


def keys(hand: Hand, new: Iterator[int], moved: list[int]) -> None:
    """Each thing once; `new` gives images that nobody has seen, and `moved` takes the bytes of the move to a layer."""
    page, (there, back) = hand.page, ("ArrowRight", "ArrowLeft")
    channel, layer, image = (slider_handle(page, name) for name in ("Channel", "Layer", "Image"))
    colours, scale, columns = menu(page, "Colours"), menu(page, "Scale"), entry(page, "Columns")
    hand.key("channel", channel, there)
    hand.choose("colour map", colours, 2)
    hand.choose("colour map", colours, 0)
    hand.choose("scale", scale, 0)
    hand.choose("scale", scale, 1)
    hand.type("columns", columns, "7")
    hand.type("columns", columns, "auto")
    hand.hover("hover", page.locator(".cnnw canvas.cnnw-pixels:visible").nth(1))
    hand.key("bare Image", page.locator(".bare-slider .noUi-handle"), there, ".bare")
    new_layer(hand, next(new), moved)
    hand.key("layer, back", layer, back)
    hand.key("image, new", image, there)
    hand.key("image, back", image, back)


def new_layer(hand: Hand, image: int, moved: list[int]) -> None:
    """Move to a layer that the kernel has in its cache, and the page has not."""
    in_kernel(hand.page, f"view.layer = 'conv1'; view.index = {image}; view.flush()")
    hand.rest()
    sent = hand.delay.down
    hand.key("layer, new to the page", slider_handle(hand.page, "Layer"), "ArrowRight")
    moved.append(hand.delay.down - sent)


def dragged(hand: Hand, times: int) -> dict[str, list[tuple[int, int, float]]]:
    """Drags of the sliders of channel and image, near and far."""
    page, delay = hand.page, hand.delay
    in_kernel(page, "view.layer = 'conv1'; view.flush()")
    channel, image = (slider_handle(page, name) for name in ("Channel", "Image"))
    found: dict[str, list[tuple[int, int, float]]] = {}
    for _ in range(times):
        for name, handle, low, high in (("channel", channel, 0.02, 0.98), ("image", image, 0.2, 0.9)):
            for delay.round_trip in (0.0, TRIP):
                far = f"{name}, {NEAR if delay.round_trip == 0 else FAR}"
                hand.rest()
                now = float(handle.get_attribute("aria-valuenow") or 0)
                share = now / float(handle.get_attribute("aria-valuemax") or 1)
                found.setdefault(far, []).append(hand.drag(name, handle, high if share < 0.5 else low))
    delay.round_trip = 0.0
    hand.rest()
    said = [float(handle.get_attribute("aria-valuenow") or -1) for handle in (channel, image)]
    if in_kernel(page, "print(view.channel, view.index)") != f"{said[0]:.0f} {said[1]:.0f}":
        raise RuntimeError(f"the sliders say {said}, the view another")
    return found


def remembered(hand: Hand, moves: int) -> list[tuple[float, ...]]:
    """What kernel and page hold before, half way, and after."""
    page, counts = hand.page, []
    in_kernel(page, "view.layer = 'conv1'; view.index = 24; view.channel = 20; view.flush()")
    hand.rest()
    channel, layer, image = (slider_handle(page, name) for name in ("Channel", "Layer", "Image"))
    up, ways = "ArrowRight", cycle(("ArrowRight", "ArrowLeft"))
    for part in (WARM, moves // 2, moves - moves // 2):
        for at in range(part):
            if at % 10 == 0:  # up to 24 images, over and over
                press(image, up if at % 240 else "Home", ".cnnw", PICTURES)
            elif at % 10 == 5:
                press(layer, next(ways), ".cnnw", PICTURES)
            else:
                press(channel, up if at % 2 else "ArrowLeft", ".cnnw", PICTURES)
        hand.rest()
        counts.append(count(page))
    return counts


def report(times: dict[str, dict[str, list[float]]], drags: dict[str, list[tuple[int, int, float]]]) -> None:
    """Print rows and verdicts."""
    print_times([(f"{name}, {where}", values) for name, by in times.items() for where, values in by.items() if values])
    middle = {name: {where: median(values) for where, values in by.items()} for name, by in times.items()}
    floor = middle["bare Image"][NEAR]
    for name in IN_THE_PAGE:
        verdict(f"{name}: far / near", middle[name][FAR] / middle[name][NEAR], 1.2)
        verdict(f"{name}: far / a bare Image near", middle[name][FAR] / floor, 1.0)
    for name in ONE_TRIP:
        bound = 1.2 * middle[name][NEAR] + 1e3 * TRIP
        verdict(f"{name}: far / (near x 1.2 + a round trip)", middle[name][FAR] / bound, 1)
    for name, runs in drags.items():
        values, pictures, late = (median([run[at] for run in runs]) for at in range(3))
        print(f"drag of the {name}: {values:.0f} values, {pictures:.0f} pictures")
        if name.startswith("channel"):
            verdict("  values a second", values / 2, RATE, at_least=True)
            verdict("  values with a picture, share", pictures / max(1.0, values), 0.9, at_least=True)
            verdict("  last picture after the last move", late, 50, unit=" ms")
        else:
            trip = 0.0 if NEAR in name.split(", ") else 1e3 * TRIP
            verdict("  last picture after the last move", late, trip + 2 * middle["image, new"][NEAR] + 60, unit=" ms")


if __name__ == "__main__":
    main()
