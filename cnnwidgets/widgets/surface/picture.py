"""An image in the page that leaves nothing behind when it is replaced."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import traitlets as T

from ...render import png_address


class Picture(W.Image):
    """A PNG.

    It goes to the page as a `data:` address, which is there at once, where a blob is loaded first; and the page of
    ipywidgets 7 never frees a blob. `value` is the PNG all the same.
    """

    value = type(W.Image.class_traits()["value"])(help="the PNG").tag(sync=True, to_json=lambda png, _: _address(png))
    format = T.Unicode("png").tag(sync=True, to_json=lambda *_: "url")


def _address(png: Any) -> bytes:
    return png_address(png).encode() if png else b""
