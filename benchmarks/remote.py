"""How much of a far-away kernel does a hand feel? An ActivationView of a ResNet-18, 64 maps of 112 x 112.

Run `python benchmarks/remote.py`. A proxy between the browser and JupyterLab holds back every byte by half the round
trip, and counts bytes. Each thing is done with a round trip of 0 and of 250 ms, in turns, on the same page:

- keys: a channel, a colour map, a scale, columns; a layer and an image that the page has shown before; a layer that the
  kernel has in its cache and the page has not; an image that nobody has seen;
- hovering over a map, until its value is told;
- two seconds of dragging the channel slider and the image slider by mouse;
- a bare `ipywidgets.Image` fed with the PNG files of the same grid, for comparison.

The clock runs from the key event to the frame in which the card's new picture is painted. A ratio compares rows of the
same run. What a new image costs is one round trip, the pass, and a paint: the sum of these is what it is compared with.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from _delay import Delay
from _lab import NOISE, drag_by_mouse, far_page, in_kernel, menu, press, slider_handle, timed
from _table import median, print_times, verdict, where
from playwright.sync_api import Locator, Page

TRIP = 0.25
IMAGES = 400
NEAR, FAR = "0 ms", "250 ms"

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
bare_slider = W.IntSlider(max=7)
bare_slider.add_class("bare-slider")
bare_slider.observe(lambda change: setattr(bare, "value", pngs[change["new"]]), "value")
box = W.VBox([bare_slider, bare])
box.add_class("bare")
display(box)
"""


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

    def key(self, name: str, at: Locator, key: str, root: str = ".cnnw") -> None:
        """Press a key; the time until the card is painted counts under `name`."""
        self._keep(name, press(at, key, root, "img"))

    def choose(self, name: str, at: Locator, option: int) -> None:
        """Take an option of a menu; the time until the card is painted counts under `name`."""
        self._keep(name, timed(self.page, ".cnnw", "img", lambda: at.select_option(index=option), kind="change"))

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

    def drag(self, handle: Locator, to: float) -> tuple[int, int, float]:
        """Drag a slider's handle to a share of its track: its values, pictures meanwhile, ms the last was late."""
        handle.evaluate("handle => watch.drag('.cnnw', 'img', handle)")
        drag_by_mouse(handle, to, 120, 2.0)
        self.rest()
        last, pictures, values = self.page.evaluate("[watch.lastMove, watch.pictures, watch.values]")
        return len(values), sum(picture <= last + 50 for picture in pictures), (pictures or [last])[-1] - last


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8, help="of all keys (default: 8)")
    parser.add_argument("--drags", type=int, default=3, help="of each kind at each distance (default: 3)")
    options = parser.parse_args()
    print(where("torch", "ipywidgets", "bqplot", "jupyterlab"))
    with far_page(VIEW, BARE) as (page, delay):
        print(f"Chromium {page.context.browser.version}")
        hand = Hand(page, delay)
        channel, layer, image = (slider_handle(page, name) for name in ("Channel", "Layer", "Image"))
        colours, scale = menu(page, "Colours"), menu(page, "Scale")
        bare = page.locator(".bare-slider .noUi-handle")
        new = iter(range(20, IMAGES))

        def keys() -> None:
            there, back = ("ArrowRight", "ArrowLeft")
            hand.key("channel", channel, there)
            hand.choose("colour map", colours, 2)
            hand.choose("colour map", colours, 0)
            hand.choose("scale", scale, 0)
            hand.choose("scale", scale, 1)
            hand.key("bare Image", bare, there, ".bare")
            in_kernel(page, f"view.index = {next(new)}; view.flush()")  # all its layers are in the kernel's cache
            hand.rest()
            sent = delay.down
            hand.key("layer, new to the page", layer, there)
            moved.append(delay.down - sent)
            hand.key("layer, back", layer, back)
            hand.key("image, new", image, there)
            hand.key("image, back", image, back)

        moved: list[int] = []
        for _ in range(options.rounds):
            hand.both(keys)
        drags: dict[str, list[tuple[int, int, float]]] = {}
        for _ in range(options.drags):
            for name, handle, low, high in (("channel", channel, 0.02, 0.98), ("image", image, 0.2, 0.9)):
                for delay.round_trip in (0.0, TRIP):
                    far = f"{name}, {NEAR if delay.round_trip == 0 else FAR}"
                    hand.rest()
                    now = float(handle.get_attribute("aria-valuenow") or 0)
                    share = now / float(handle.get_attribute("aria-valuemax") or 1)
                    drags.setdefault(far, []).append(hand.drag(handle, high if share < 0.5 else low))
        delay.round_trip = 0.0
        hand.rest()
        wanted = {
            name: float(slider_handle(page, name).get_attribute("aria-valuenow") or -1) for name in ("Channel", "Image")
        }
        if in_kernel(page, "print(view.channel, view.index)") != f"{wanted['Channel']:.0f} {wanted['Image']:.0f}":
            raise RuntimeError(f"the sliders say {wanted}, the view another")
    report(hand.times, moved, drags)


def report(
    times: dict[str, dict[str, list[float]]], moved: list[int], drags: dict[str, list[tuple[int, int, float]]]
) -> None:
    """Print rows and verdicts."""
    print_times([(f"{name}, {where}", values) for name, by in times.items() for where, values in by.items() if values])
    middle = {name: {where: median(values) for where, values in by.items()} for name, by in times.items()}
    floor = middle["bare Image"][NEAR]
    for name in ("channel", "colour map", "scale", "layer, back", "image, back"):
        verdict(f"{name}: far / near", middle[name][FAR] / middle[name][NEAR], 1.2)
        verdict(f"{name}: far / a bare Image near", middle[name][FAR] / floor, 1.0)
    for name in ("layer, new to the page", "image, new"):
        verdict(
            f"{name}: far / (near x 1.2 + a round trip)", middle[name][FAR] / (1.2 * middle[name][NEAR] + 1e3 * TRIP), 1
        )
    print(f"bytes that a move to a layer new to the page sends, with all around it: {median(moved):,.0f}")
    for name, runs in drags.items():
        values, pictures, late = (median([run[at] for run in runs]) for at in range(3))
        print(
            f"drag of the {name}: {values:.0f} values, {pictures:.0f} pictures, last {late:.0f} ms after the last move"
        )
        if name.startswith("channel"):
            verdict("  values with a picture, share", pictures / max(1.0, values), 0.9, at_least=True)
            verdict("  last picture after the last move", late, 50, unit=" ms")


if __name__ == "__main__":
    main()
