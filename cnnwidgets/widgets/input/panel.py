"""The input panel: where an own image comes from, what the network gets of it, and how it is changed."""

from __future__ import annotations

from html import escape
from typing import Any, Protocol

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...compute.dataset import Item, canvas
from ...compute.pictures import OwnImage, pen_of, sized
from ...render import encode_png, png_address
from ...render.color import to_picture
from ..controls import Guard
from ..state import Subject
from ..surface import front_end, helped, layout, markup, number, plain
from .changes import Changes
from .pad import Pad

LOOKED_AT = 24
"""Images of the data set after which the pen is made."""
RECEIVED = 112
"""Width in px of the picture of what the network gets."""
STYLE = """<style>
.cnnw .cnnw { border: 0; padding: 4px 0 8px; }
.cnnw .cnnw-changes { display: grid; grid-template-columns: repeat(auto-fill, 212px); }
.cnnw-changes > .widget-hbox { margin: 0 !important; }
.cnnw-changes .cnnw-label { display: inline-block; width: 70px; }
.cnnw-changes .widget-readout { min-width: 40px; padding: 0 2px; margin-left: 0; }
.cnnw-right-of-pad { flex: 1 1 300px; margin-left: 20px; min-width: 0; }
.cnnw-received { display: flex; gap: 12px; align-items: flex-start; margin-bottom: 4px; }
.cnnw-received img { image-rendering: pixelated; outline: 1px solid var(--cnnw-line); display: block; margin: 4px 0; }
</style>"""
UPLOAD_ONLY = "Drawing, pasting and the camera need anywidget, also where the page comes from: pip install anywidget"


class Shows(Protocol):
    """A view that shows own images; `ShowsOwnImages` makes one of a view with a subject and an index."""

    subject: Subject
    index: Any

    def show_own(self, own: OwnImage) -> int:
        """Show an own image; its number."""

    def observe(self, handler: Any, names: Any) -> None:
        """Hear of a trait."""


class InputPanel(W.VBox):
    """Draw, upload, paste, drop or take a picture, and change it, for a view that shows it at once.

    Where the page has not the code for the canvas, which anywidget brings there, a button for uploading stands in its
    place.

    Parameters
    ----------
    view : ActivationView or another view of images
        Shows what is drawn.

    Attributes
    ----------
    pad : Pad or None
        The canvas; None without anywidget.
    changes : Changes
        Sliders and curve.

    Raises
    ------
    TypeError
        The data set has no pictures that could be drawn; says what it has.
    """

    def __init__(self, view: Shows) -> None:
        self.view, self._items = view, view.subject.items
        size = canvas(self._items)
        self._setting = Guard()  # while the panel itself has the view show another image
        self._item = self._items[view.index]
        self._start = max(view.index, 0)  # the image of the data set that one may begin with
        self._size = size
        self._upload = W.FileUpload(accept="image/*", multiple=False, description="Upload")
        self._upload.observe(self._uploaded, "value")
        self._upload_words = plain(W.HTML, f'<div class="cnnw-quiet">{UPLOAD_ONLY}</div>')
        self.pad = None if front_end() is None else self._pad()
        self._received = plain(W.HTML)
        self.changes = Changes(view.subject, self._apply)
        stand_in = plain(W.VBox, [self._upload, self._upload_words])
        sources = [stand_in] if self.pad is None else [self.pad, stand_in]
        style = plain(W.HTML, helped(markup.STYLE).replace("</style>", "", 1) + STYLE[len("<style>") :])
        style.layout = W.Layout(display="none")
        self._sources = plain(W.VBox, sources)
        look = layout(flex_flow="row wrap", align_items="flex-start")
        beside = plain(W.VBox, [self._received, self.changes])
        beside.add_class("cnnw-right-of-pad")
        super().__init__([style, plain(W.HBox, [self._sources, beside], layout=look)])
        self.add_class("cnnw")
        self.add_class("cnnw-input-panel")
        view.observe(self._moved, "index")
        self.changes.follow(self._item)
        self._tell()

    # ------------------------------------------------------------------ where images come from

    def drawn(self, pixels: NDArray[np.uint8], final: bool = True) -> None:
        """Show what was drawn, (H, W) or (H, W, 3) of the size of the canvas; `final` where the hand has stopped."""
        self._begin(OwnImage(picture=Image.fromarray(pixels)), curve=final)

    def file(self, data: bytes, name: str, words: str = "") -> None:
        """Show the picture in a file, and have it on the canvas."""
        try:
            own = OwnImage.of(data, [words] if words else [])
        except ValueError as error:
            raise ValueError(str(error).replace("this file", name, 1)) from None
        self._begin(own)
        if self.pad is not None:
            width, height, channels = self._size
            picture = own.picture.convert("RGB" if channels > 1 else "L").convert("RGB")
            self.pad.put(np.asarray(sized(picture, width, height)), ", ".join(own.notes))

    def start(self) -> None:
        """Have the present image of the data set on the canvas, and in the view."""
        item = self._items[self._start]
        if self.pad is not None and item.image is not None:
            width, height, _ = self._size
            pixels = to_picture(self._items.picture(item.image).numpy()).pixels
            self.pad.put(np.asarray(sized(Image.fromarray(pixels), width, height)))
        self.view.index = self._start

    # ------------------------------------------------------------------ how it becomes what is seen

    def _begin(self, own: OwnImage, *, curve: bool = True) -> None:
        """Show a new own image, with the changes that are set."""
        with self._setting:
            self._item = self._items[self.view.show_own(own)]
            if self.changes.values:
                self.view.show_own(self.changes.made(self._item))
        if curve:
            self.changes.follow(self._item)
        self._tell()

    def _apply(self) -> None:
        """Show the present image with the changes as the sliders are now."""
        with self._setting:
            if self.changes.values:
                self.view.show_own(self.changes.made(self._item))
            elif self._item.own is not None:
                self.view.show_own(self._item.own)
            else:
                self.view.index = self._start
        self._tell()

    def _moved(self, change: Any) -> None:
        """Another image, by somebody else: changes are undone."""
        if change["new"] >= 0:
            self._start = change["new"]
        if not self._setting:
            self._item = self._items[change["new"]]
            self.changes.follow(self._item, reset=True)
            self._tell()

    def _tell(self) -> None:
        """Show what the network gets."""
        self._received.value = f'<div class="cnnw-received">{received(self.view, self._items[self.view.index])}</div>'

    # ------------------------------------------------------------------ parts

    def _pad(self) -> Pad:
        pictures = []
        for at in range(min(LOOKED_AT, len(self._items))):
            image = self._items[at].image
            if image is not None:
                pictures.append(to_picture(self._items.picture(image).numpy()).pixels.mean(-1) / 255)
        return Pad(
            self._size,
            pen_of(pictures),
            on_drawn=self.drawn,
            on_file=self.file,
            on_start=self.start,
            on_hello=self._lives,
        )

    def _lives(self) -> None:
        """The code of the canvas runs in a page: no other upload is needed."""
        if self.pad is not None:
            self._sources.children = [self.pad]

    def _uploaded(self, change: Any) -> None:
        files = change["new"]
        if isinstance(files, dict):  # ipywidgets 7
            files = [{"name": name, "content": each["content"]} for name, each in files.items()]
        for each in files:
            try:
                self.file(bytes(each["content"]), str(each["name"]))
                words = f'<div class="cnnw-quiet">{escape(str(each["name"]))}</div>'
            except Exception as error:
                words = markup.error(" ".join(str(error).split()))
            self._upload_words.value = words


def received(view: Shows, item: Item) -> str:
    """What the network gets, as HTML: its pixels, enlarged, its size, and the range of its values."""
    if item.image is None:
        return ""
    image, pixels = item.image, to_picture(view.subject.items.picture(item.image).numpy()).pixels
    height, width = pixels.shape[:2]
    factor = RECEIVED / max(width, height)
    factor = max(1, int(factor)) if factor >= 1 else factor
    address = png_address(encode_png(pixels))
    values = image.float()
    facts = [
        " × ".join(map(str, image.shape)),
        f"values {number(float(values.min()))} to {number(float(values.max()))}",
        *item.notes,
    ]
    return (
        f'<img alt="The image that the network gets" width="{round(width * factor)}" height="{round(height * factor)}" '
        f'src="{address}"><div><b>What the network gets</b>'
        + "".join(f'<div class="cnnw-quiet">{escape(fact)}</div>' for fact in facts)
        + "</div>"
    )
