"""A panel that is a single widget on the page."""

from __future__ import annotations

import base64

import numpy as np

from cnnwidgets.render import encode_png
from cnnwidgets.render.color import palette
from cnnwidgets.render.static import Panel
from cnnwidgets.widgets.panels import WholeBox

COLORS = palette("viridis")


def panel(value: int) -> Panel:
    pixels = np.full((2, 4), value, np.uint8)
    bar = ("viridis", "0", None, "1")
    return Panel(f"pool <1> · {value}", pixels, 224, palette=COLORS, colorbar=bar, lines=["most in map 0"])


def test_heading_picture_scale_and_lines_stand_in_one_text():
    box = WholeBox(panel(3))
    html = box.below.value
    address = "data:image/png;base64," + base64.b64encode(encode_png(panel(3).pixels, COLORS)).decode()
    parts = [
        "<b>pool &lt;1&gt;</b>",
        f'src="{address}"',
        'width="224" height="112"',
        '<div class="cnnw-ramp"',
        "most in",
    ]
    assert [html.count(part) for part in parts] == [1] * 5
    assert sorted(parts, key=html.index) == parts
    assert box.heading.value == "" and box.picture is box.figure is None


def test_another_panel_is_one_message_and_the_same_none(messages):
    box, other = WholeBox(panel(3)), panel(4)
    messages.clear()
    box.show(other)
    box.show(other)
    assert [(message.widget, message.traits) for message in messages] == [(box.below, {"value"})]


def test_a_panel_without_a_picture_is_text_alone():
    box = WholeBox(Panel("Later layers · no change"))
    assert "<img" not in box.below.value and "Later layers" in box.below.value
