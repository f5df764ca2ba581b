"""The canvas in the page on which one draws, and through which pictures come: what it tells, and what it is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import traitlets as T
from numpy.typing import NDArray

from ...compute.pictures import Pen
from ..surface import Scripted, joined

log = logging.getLogger("cnnwidgets")


@cache
def code() -> str:
    """The JavaScript, as one module."""
    return joined(Path(__file__).parent, "../surface/newest", "strokes", "pad")


@cache
def _style() -> str:
    return (Path(__file__).parent / "pad.css").read_text(encoding="utf-8")


class Pad(Scripted):
    """A canvas of the size of a picture, with the ways by which a picture gets there.

    The page sends the newest state of the canvas, and the next one when the last was answered.

    Parameters
    ----------
    size : tuple of int
        Width, height and channels of the picture: 1 for grey, more for colour.
    pen : Pen
        What one draws with.
    on_drawn : callable
        Called with the pixels (H, W) or (H, W, 3), and with whether the hand has stopped.
    on_file : callable
        Called with what is in a file, its name, and what the page did to it, in words.
    on_start : callable
        Called when the present image of the data set is asked for.
    on_hello : callable
        Called when the code runs in a page.

    Attributes
    ----------
    live : bool
        Whether it does.
    """

    _anywidget_id = T.Unicode("cnnwidgets.Pad").tag(sync=True)
    _css = T.Unicode().tag(sync=True)

    size: Any = T.Tuple(help="width and height in px, and channels").tag(sync=True)
    brush = T.Float(help="width of the brush in px").tag(sync=True)
    ground = T.Unicode(help="colour of the empty canvas").tag(sync=True)
    ink = T.Unicode(help="colour of the brush at first").tag(sync=True)

    def __init__(
        self,
        size: tuple[int, int, int],
        pen: Pen,
        *,
        on_drawn: Callable[[NDArray[np.uint8], bool], object],
        on_file: Callable[[bytes, str, str], object],
        on_start: Callable[[], object],
        on_hello: Callable[[], object],
    ) -> None:
        self.live = False
        self._on_drawn, self._on_file, self._on_start, self._on_hello = on_drawn, on_file, on_start, on_hello
        super().__init__(
            code(),
            _css=_style(),
            size=size,
            brush=round(2 * pen.width) / 2,
            ground=_grey(pen.ground),
            ink=_grey(pen.ink),
        )
        self.on_msg(self._heard)

    def put(self, pixels: NDArray[np.uint8], words: str = "") -> None:
        """Have the canvas show these pixels, (H, W, 3) of its size."""
        kept = pixels if self.size[2] > 1 else pixels[..., 0]
        self.send({"kind": "image", "words": words}, [np.ascontiguousarray(kept).tobytes()])

    def say(self, words: str) -> None:
        """Say something below the canvas."""
        self.send({"kind": "words", "words": words})

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        """What the page says; what goes wrong is said there."""
        kind, words = content["kind"], ""
        try:
            if kind == "hello":
                self.live = True
                self._on_hello()
            elif kind == "drawn":
                self._on_drawn(self._pixels(buffers[0]), bool(content.get("final", True)))
            elif kind == "file":
                self._on_file(bytes(buffers[0]), str(content["name"]), str(content.get("words", "")))
            elif kind == "start":
                self._on_start()
        except Exception as error:
            log.exception("the picture cannot be shown")
            words = " ".join(str(error).split())
        if kind == "drawn":
            self.send({"kind": "seen", "number": content["number"], "words": words})
        elif words:
            self.say(words)

    def _pixels(self, data: Any) -> NDArray[np.uint8]:
        width, height, channels = self.size
        pixels = np.frombuffer(data, np.uint8)
        return pixels.reshape((height, width) if channels == 1 else (height, width, 3))


def _grey(shade: float) -> str:
    return "#" + 3 * f"{round(255 * min(max(shade, 0.0), 1.0)):02x}"
