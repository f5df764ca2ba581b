"""From a key on a slider to painted pixels: a CompareView of two networks, in turns with an ActivationView of one."""

from __future__ import annotations

import re
from collections import Counter

from _lab import NOISE, PICTURES, in_kernel, lab_page, press, slider_handle
from _table import median, print_times, verdict
from playwright.sync_api import Page

VIEWS = f"""{NOISE}
import cnnwidgets

other = torchvision.models.resnet18().eval()
one = cnnwidgets.ActivationView(model, Noise(2), layer="layer1")
both = cnnwidgets.compare([model, other], Noise(2), layer="layer1", survey=False)
one.add_class("one")
both.add_class("both")
display(one, both)
"""
VIEW = ("one", "both")
SLIDERS = ("channel", "layer")
ASKS = ("need", "want", "asks")
"""Kinds of messages by which a page asks for what it has not."""
SENT = """() => {
    const send = WebSocket.prototype.send;
    window.sent = [];
    WebSocket.prototype.send = function (data) {
        window.sent.push(typeof data === 'string' ? data : new TextDecoder().decode(data));
        return send.call(this, data);
    };
}"""
REST = 150
"""Milliseconds after the kernel has answered all until the next key."""


def paint(images: int, reps: int) -> None:
    """Key to paint of a move of the channel and of the layer, all of it in the page; and what the kernel is sent."""
    with lab_page(VIEWS, width=1700, height=3400) as page:
        print(f"Chromium {page.context.browser.version}")
        for name in VIEW:
            page.locator(f".{name} canvas.cnnw-pixels:visible").nth(1).wait_for()
        page.evaluate(SENT)
        times: dict[tuple[str, str], list[float]] = {}
        sent: dict[tuple[str, str], Counter[str]] = {}
        for at in range(-1, 6 * reps):  # what is seen for the first time has to come
            for slider in SLIDERS:
                for key in ("ArrowRight", "ArrowLeft"):
                    for view in VIEW:
                        taken, messages = moved(page, view, slider, key)
                        if at >= 0:
                            times.setdefault((slider, view), []).append(taken)
                            sent.setdefault((slider, view), Counter()).update(messages)
        if len(set(in_kernel(page, "print(one.layer, one.channel, both.layer, both.channel)").split())) != 2:
            raise RuntimeError("the views are not where the keys have led them")
    print_times([(f"{slider}, {view}", values) for (slider, view), values in times.items()])
    for slider in SLIDERS:
        counts = sent[slider, "both"]
        moves = len(times[slider, "both"])
        print(f"messages of a move of the {slider}: " + ", ".join(f"{n / moves:.1f} {k}" for k, n in counts.items()))
        verdict("  of which ask for something", sum(counts[kind] for kind in ASKS), 0)
        share = median(times[slider, "both"]) / median(times[slider, "one"])
        verdict(f"a move of the {slider}, until it is painted, of one ActivationView", share, 1.3)


def moved(page: Page, view: str, slider: str, key: str) -> tuple[float, Counter[str]]:
    """Milliseconds that a key takes to be seen, and the messages to the kernel by their kind."""
    page.evaluate("window.sent = []")
    taken = press(slider_handle(page.locator(f".{view}"), slider.capitalize()), key, f".{view}", PICTURES)["total"]
    page.wait_for_timeout(REST)
    kinds: Counter[str] = Counter()
    for message in page.evaluate("window.sent"):
        if '"comm_msg"' in message:
            kind = re.search(r'"kind": ?"(\w+)"', message)
            kinds[kind[1] if kind else "values of controls"] += 1
    in_kernel(page, "one.flush(); both.flush()")
    page.wait_for_timeout(REST)
    return taken, kinds
