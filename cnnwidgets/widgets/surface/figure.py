"""Pixels on the screen. The only file that knows bqplot: a picture, and over it a figure that answers the mouse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import bqplot
import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from ...render import encode_png
from ...render.color import ACCENT, FLAG
from ...render.mosaic import Cells
from .picture import Picture
from .shared import layout, plain
from .swap import Swapped, Text
from .tree import close_tree

Box = tuple[float, float, float, float]
MOST_CELLS = 4096
"""Cells that answer hovering; more would make the page slow. Clicks work with any number."""
LEAST = 8
"""Sides of a frame, in px on the screen, so that it can be seen around a single pixel too."""
CLEAR = encode_png(np.zeros((1, 1, 4), np.uint8))
SMALLEST = 9.0
"""Size of the smallest type that is written into pixels, in px."""


class PixelFigure(W.Box):
    """A box of fixed width that shows a picture of pixels, crisp, and reports the mouse in its cells.

    The picture keeps its aspect ratio. It is shown at the largest whole multiple of its own size that fits the width of
    the box, or reduced where it is wider; one that is higher scrolls.

    Parameters
    ----------
    width : int
        Width of the box in px.
    height : int
        Height in px that the picture may take before the box scrolls.
    fit : bool
        Fit `height` too instead of scrolling.
    """

    def __init__(self, width: int, height: int, *, fit: bool = False) -> None:
        self._room = (width, height)
        self._fit = fit
        self._cells: Cells | None = None
        self._placed: tuple[Cells, float] | None = None
        self._factor = 1.0
        self._shape: tuple[int, ...] = ()
        self._on_click: list[Callable[[float, float], object]] = []
        self._on_cell: list[Callable[[int], object]] = []
        self._on_hover: list[Callable[[int], object]] = []
        self._describe: Callable[[int], str] | None = None
        self._handle: bqplot.Scatter | None = None
        self._label: bqplot.Label | None = None
        self._dragging = False
        self._kept = 0
        self._framed = (0.0, 0.0, 0.0, 0.0)
        # the pixels lie under the figure, in a widget of their own: one message a picture, a bqplot Image needs two
        self._picture = Swapped({"flex": "0 0 auto"}, "cnnw-pixels")
        self._image = self._picture.pictures[0]
        x = bqplot.LinearScale(min=0, max=width, allow_padding=False)
        y = bqplot.LinearScale(min=0, max=height, allow_padding=False, reverse=True)
        scales = {"x": x, "y": y}
        clear = plain(W.Image, value=CLEAR, format="png")
        self._mark = bqplot.Image(image=clear, scales=scales, x=(0, 1), y=(1, 0))  # nothing to see, only to click
        self._tip = plain(W.HTML)
        self._hover = bqplot.Scatter(
            x=np.array([0.0]),
            y=np.array([0.0]),
            scales=scales,
            marker="rectangle",
            colors=["transparent"],  # not opacity 0: bqplot draws that as 1
            interactions={"hover": "tooltip"},
            tooltip=self._tip,
            visible=False,
        )
        self._frame = Frames()
        self._flags = bqplot.Lines(
            x=np.zeros(2), y=np.zeros(2), scales=scales, colors=[FLAG], stroke_width=2, visible=False
        )
        without_toolbar = {"display_toolbar": False} if "display_toolbar" in bqplot.Figure.class_trait_names() else {}
        self._figure = bqplot.Figure(
            marks=[self._mark, self._flags, self._hover],
            padding_x=0,
            padding_y=0,
            fig_margin={"top": 0, "bottom": 0, "left": 0, "right": 0},
            min_aspect_ratio=0.001,
            max_aspect_ratio=1000,
            background_style={"fill": "transparent"},
            layout=W.Layout(width=f"{width}px", height=f"{height}px", flex="0 0 auto"),
            **without_toolbar,
        )
        super().__init__(
            [*self._picture.pictures, self._frame, self._figure],
            layout=W.Layout(width=f"{width + 16}px", max_height=f"{height + 4}px", overflow="hidden", flex="0 0 auto"),
        )
        if fit:
            self._keep(height)
        self.add_class("cnnw-figure")  # display: block, so that the figure lies over the picture
        self._mark.on_element_click(self._image_clicked)
        self._hover.on_element_click(self._cell_clicked)
        self._hover.on_hover(self._hovered)

    @property
    def png(self) -> bytes:
        """The PNG that is on the screen."""
        return bytes(self._picture.newest.value)

    def reserve(self, sizes: Iterable[tuple[int, int]]) -> None:
        """Keep the height of the highest of pictures of these (width, height), so that nothing below moves."""
        self._keep(reserved(sizes, *self._room, fit=self._fit))

    @property
    def room(self) -> int:
        """Height in px that it takes on the page, also once it is blank."""
        shown = min(self._room[1], round(self._shape[0] * self._factor)) if self._shape else 0
        return max(self._kept, shown) + 4

    def _keep(self, height: int) -> None:
        self._kept = height
        self.layout.min_height = f"{height + 4}px"

    def blank(self) -> None:
        """Show no picture, in the room of the one before."""
        image = self._picture.target
        image.value = CLEAR
        if self._shape:
            self._size(image, *self._shape[::-1])
        self._frame.draw([])
        self.cells(None)

    @property
    def shown_width(self) -> int:
        """Width of the picture on the screen, in px."""
        return round(self._shape[1] * self._factor)

    def show(self, pixels: NDArray[np.uint8], palette: NDArray[np.uint8] | None = None) -> None:
        """Put a picture on the screen; one message, or a few more when its shape is a new one.

        Parameters
        ----------
        pixels : ndarray of uint8
            (H, W) indices into `palette`, or (H, W, 3) RGB.
        palette : ndarray of uint8, optional
            (256, 4) RGBA.
        """
        image = self._picture.target
        image.value = encode_png(pixels, palette)
        height, width = shape = pixels.shape[:2]
        self._factor = _factor(width, height, *self._room, fit=self._fit)
        self._size(image, width, height)
        if shape == self._shape:
            return
        self._shape = shape
        shown_width, shown_height = round(width * self._factor), round(height * self._factor)
        x, y = self._mark.scales["x"], self._mark.scales["y"]
        x.max, y.max = shown_width, shown_height
        self._figure.layout.width, self._figure.layout.height = f"{shown_width}px", f"{shown_height}px"
        self.layout.overflow = "hidden" if shown_height <= self._room[1] else "auto"
        with self._mark.hold_sync():
            self._mark.x, self._mark.y = (0, shown_width), (shown_height, 0)
        self.cells(self._cells)

    def _size(self, image: Picture, width: int, height: int) -> None:
        """Give the picture its size on the screen; nothing is sent where it has it."""
        shown_width, shown_height = round(width * self._factor), round(height * self._factor)
        with image.layout.hold_sync():
            image.layout.width, image.layout.height = f"{shown_width}px", f"{shown_height}px"
            image.layout.margin = f"2px 2px -{shown_height + 2}px 2px"  # the figure lies over it
        crisp = "cnnw-crisp" in image._dom_classes
        if crisp != (self._factor >= 1):
            (image.remove_class if crisp else image.add_class)("cnnw-crisp")

    def cells(self, cells: Cells | None, describe: Callable[[int], str] | None = None) -> None:
        """Say which cells the picture has: hovering shows `describe(cell)` (plain HTML), clicking reports the cell."""
        self._cells, self._describe = cells, describe or self._describe
        if cells is None or cells.count > MOST_CELLS:
            self._hover.visible = False
            return
        if self._hover.visible and (cells, self._factor) == self._placed:
            return  # sent again, they would let go of the mouse that is over one
        self._placed = (cells, self._factor)
        x, y = cells.centers()
        height, width = (side * self._factor for side in cells.cell_size)
        with self._hover.hold_sync():
            self._hover.x, self._hover.y = x * self._factor, y * self._factor
            self._hover.default_size = max(1, int(width * height))
            self._hover.default_skew = _skew(width, height)
            self._hover.visible = True

    def select(self, cell: int | None) -> None:
        """Frame `cell`, or none."""
        cells = self._cells
        self.frame(None if cell is None or cells is None or not 0 <= cell < cells.count else cells.box(cell))

    def frame(self, box: Box | None, *more: Box) -> None:
        """Frame a box (left, top, right, bottom) in picture pixels, and `more` of them, or none."""
        if box is None:
            self._frame.draw([])
            return
        lines: list[Box] = []
        for each in (box, *more):
            left, right = self._edges(each[0], each[2], "x")
            top, bottom = self._edges(each[1], each[3], "y")
            lines += [(left, top, right, bottom), (left + 2, top + 2, right - 2, bottom - 2)]
        self._frame.draw(lines)
        self._framed = lines[0]
        self._grip()

    def _edges(self, low: float, high: float, axis: str) -> tuple[float, float]:
        """Two edges of a frame on the screen: not too near each other, and inside the picture."""
        low, high = low * self._factor, high * self._factor
        apart = max(0.0, LEAST - (high - low)) / 2
        return max(low - apart, 1.0), min(high + apart, float(self._mark.scales[axis].max) - 1)

    def on_drag(self, callback: Callable[[float, float], object]) -> None:
        """Call `callback(x, y)`, in picture pixels, while the framed box is dragged with the mouse."""

        def drag(_: Any, event: dict[str, Any]) -> None:
            self._dragging = event["event"] == "drag"
            point = event["point"]
            callback(float(point["x"]) / self._factor, float(point["y"]) / self._factor)
            self._grip()

        self._handle = bqplot.Scatter(
            x=np.array([0.0]),
            y=np.array([0.0]),
            scales={axis: self._mark.scales[axis] for axis in "xy"},
            marker="rectangle",
            colors=["transparent"],
            drag_size=1,
            enable_move=True,
            visible=False,
        )
        self._handle.on_element_click(self._handle_clicked)
        self._handle.on_drag(drag)
        self._handle.on_drag_end(drag)
        self._figure.marks = [*self._figure.marks, self._handle]

    def _grip(self) -> None:
        """Put what the mouse takes hold of over the frame, unless it is in the mouse's hand."""
        if self._handle is not None and not self._dragging:
            left, top, right, bottom = self._framed
            with self._handle.hold_sync():
                self._handle.x, self._handle.y = np.array([(left + right) / 2]), np.array([(top + bottom) / 2])
                self._handle.default_size = max(1, int((right - left) * (bottom - top)))
                self._handle.default_skew = _skew(right - left, bottom - top)
                self._handle.visible = True

    def write(self, texts: Sequence[Sequence[str]], inks: Sequence[Sequence[str]]) -> None:
        """Write into the pixels of a small picture, row by row, in these colours; nothing where it does not fit."""
        size = type_size(texts, self._factor)
        if not size:
            if self._label is not None:
                self._label.visible = False
            return
        if self._label is None:
            scales = {axis: self._mark.scales[axis] for axis in "xy"}
            self._label = bqplot.Label(x=[0.0], y=[0.0], text=[""], scales=scales, align="middle", font_weight="normal")
            self._figure.marks = [self._mark, self._label, *self._figure.marks[1:]]
        rows, columns = np.indices((len(texts), len(texts[0])))
        with self._label.hold_sync():
            self._label.x = (columns.ravel() + 0.5) * self._factor
            self._label.y = (rows.ravel() + 0.5) * self._factor
            self._label.text = np.array([text for row in texts for text in row])
            self._label.colors = [ink for row in inks for ink in row]
            self._label.default_size = size
            self._label.visible = True

    def flag(self, boxes: Sequence[Box]) -> None:
        """Cross out boxes (left, top, right, bottom) in picture pixels: something is wrong with what is in them."""
        crosses = [[np.nan, left, right, np.nan, left, right] for left, _, right, _ in boxes]
        heights = [[np.nan, top, bottom, np.nan, bottom, top] for _, top, _, bottom in boxes]
        with self._flags.hold_sync():
            if boxes:
                self._flags.x = self._factor * np.array(crosses).ravel()
                self._flags.y = self._factor * np.array(heights).ravel()
            self._flags.visible = bool(boxes)

    def on_cell(self, callback: Callable[[int], object]) -> None:
        """Call `callback(cell)` when a cell is clicked."""
        self._on_cell.append(callback)

    def on_hover(self, callback: Callable[[int], object]) -> None:
        """Call `callback(cell)` when the mouse comes over a cell."""
        self._on_hover.append(callback)

    def on_click(self, callback: Callable[[float, float], object]) -> None:
        """Call `callback(x, y)`, in picture pixels, when the picture is clicked."""
        self._on_click.append(callback)

    def close(self) -> None:
        """Close every widget of the figure, the hidden image and the tooltip among them."""
        for part in (*self._picture.pictures, self._frame, self._tip, self._figure, self.layout):
            close_tree(part)
        super().close()

    def _image_clicked(self, _: Any, event: dict[str, Any]) -> None:
        data = event["data"]
        self._clicked(float(data["click_x"]) / self._factor, float(data["click_y"]) / self._factor)

    def _clicked(self, x: float, y: float) -> None:
        for on_click in self._on_click:
            on_click(x, y)
        cell = None if self._cells is None else self._cells.cell_at(x, y)
        if cell is not None:
            for on_cell in self._on_cell:
                on_cell(cell)

    def _cell_clicked(self, _: Any, event: dict[str, Any]) -> None:
        if self._cells is not None and (index := int(event["data"]["index"])) < self._cells.count:
            left, top, right, bottom = self._cells.box(index)
            self._clicked((left + right) / 2, (top + bottom) / 2)

    def _handle_clicked(self, _: Any, event: dict[str, Any]) -> None:
        left, top, right, bottom = self._framed
        self._clicked((left + right) / 2 / self._factor, (top + bottom) / 2 / self._factor)

    def _hovered(self, _: Any, event: dict[str, Any]) -> None:
        index = int(event["data"]["index"])
        if self._cells is None or index >= self._cells.count:
            return
        if self._describe is not None:
            self._tip.value = f'<span class="cnnw-tip">{self._describe(index)}</span>'
        for on_hover in self._on_hover:
            on_hover(index)


def type_size(texts: Sequence[Sequence[str]], side: float) -> float:
    """Size of the type, in px, in which all texts have room in pixels of this side; 0 where there is none."""
    longest = max((len(text) for row in texts for text in row), default=0)
    size = min(13.0, (side - 4) / (0.62 * longest) if longest else 0.0)
    return size if size >= SMALLEST else 0.0


def reserved(sizes: Iterable[tuple[int, int]], width: int, tall: int, *, fit: bool = False) -> int:
    """Height in px that pictures of these (width, height) take at most in a room of `width` and `tall`."""
    shown = (round(size[1] * _factor(*size, width, tall, fit=fit)) for size in sizes)
    return min(tall, max(shown, default=0))


def _factor(width: int, height: int, room: int, tall: int, *, fit: bool) -> float:
    share = min(room / width, tall / height) if fit else room / width
    return math.floor(share) if share >= 1 else share


class Frames(Text):
    """Frames over a picture, in the page beside it, so that they change in the same moment."""

    def __init__(self) -> None:
        self.lines: list[Box] = []
        super().__init__(layout=layout(height="0", margin="0", overflow="visible"))
        self.add_class("cnnw-frames")

    @property
    def visible(self) -> bool:
        """Whether there is one."""
        return bool(self.lines)

    @property
    def x(self) -> NDArray[np.float64]:
        """Left and right of each line, as corners all around, in px on the screen."""
        return np.array([[left, right, right, left, left] for left, _, right, _ in self.lines])

    @property
    def y(self) -> NDArray[np.float64]:
        """Top and bottom of each line, in the same way."""
        return np.array([[top, top, bottom, bottom, top] for _, top, _, bottom in self.lines])

    def draw(self, lines: Sequence[Box]) -> None:
        """Draw the accent and a light line within, in turns, so that a frame shows on every colour map."""
        self.lines = list(lines)
        rects = "".join(
            f'<rect x="{left:g}" y="{top:g}" width="{max(0.0, right - left):g}" height="{max(0.0, bottom - top):g}" '
            f'stroke="{"white" if at % 2 else ACCENT}"/>'
            for at, (left, top, right, bottom) in enumerate(self.lines)
        )
        self.value = f'<svg width="1" height="1">{rects}</svg>' if rects else ""


def _skew(width: float, height: float) -> float:
    """What makes bqplot draw a rectangle of this form: it is 9 ** skew times as high as wide."""
    return min(1.0, max(0.0, math.log(height / width, 9))) if width > 0 and height > 0 else 0.0
