"""KernelPlayground: slide a kernel of one's own over an image of one's own, without a model."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T
from numpy.typing import NDArray

from ...compute.convolution import Explanation, slide
from ...render.color import COLORMAPS, Shaded
from ...render.static import Card
from ...widgets import controls
from ...widgets.base import ModelView
from ...widgets.controls import Sliding
from ...widgets.panels import NOTHING, STYLE, MapPanel, tables_html
from ...widgets.state import Colormap
from ...widgets.surface import Text, markup, number
from . import arithmetic
from .numbers import Numbers, NumbersControl, Rows

MAP, WORDS = 220, 300
"""Widths in px of the two maps, and of the words beside the tables."""

IMAGES = {
    "4 × 4 diagonal": np.eye(4),
    "4 × 4 edge": [[0, 0, 1, 1]] * 4,
    "8 × 8 square": np.pad(np.ones((4, 4)), 2),
    "8 × 8 cross": np.maximum(np.eye(8), np.eye(8)[::-1]),
    "8 × 8 stripes": [[0, 0, 1, 1, 0, 0, 1, 1]] * 8,
    "8 × 8 ramp": np.tile(np.arange(8), (8, 1)),
    "8 × 8 dot": np.pad([[1]], ((3, 4), (3, 4))),
}
KERNELS = {
    "2 × 2 diagonal": np.eye(2),
    "2 × 2 edge": [[-1, 1], [-1, 1]],
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "vertical edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "horizontal edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "outline": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "box blur": np.full((3, 3), 1 / 9),
    "Gaussian blur": np.outer([1, 2, 1], [1, 2, 1]) / 16,
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
}


class KernelPlayground(Sliding, ModelView):
    """A small image, a kernel, and what convolving the two gives, place by place. Every number can be changed.

    Type into the boxes, click a pixel of the image to switch it on or off, choose stride, padding and dilation; click
    the output, drag its frame, or press play to slide the kernel. As in every deep learning library, the kernel is not
    turned round first.

    Parameters
    ----------
    **traits
        Initial `image` and `kernel`, each a name of the menu or rows of numbers; `stride`, `padding`, `dilation`,
        `bias`, `pixel`, `colormap`.

    Raises
    ------
    ValueError
        An unknown name, no table of numbers, or a kernel that does not fit into the image.
    TypeError
        A keyword is misspelt.
    """

    image = Numbers(IMAGES, "4 × 4 diagonal", help="rows of numbers, or a name").tag(source=True)
    kernel = Numbers(KERNELS, "2 × 2 diagonal", help="rows of numbers, or a name").tag(source=True)
    stride = T.Int(1, min=1, max=8, help="pixels from one window to the next").tag(source=True)
    padding = T.Int(0, min=0, max=8, help="rows and columns of zeros around the image").tag(source=True)
    dilation = T.Int(1, min=1, max=8, help="pixels from one weight to the next").tag(source=True)
    bias = T.Float(0.0, help="added to every sum").tag(source=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)

    def __init__(self, **traits: Any) -> None:
        self.check_keywords(traits)
        super().__init__(**traits)
        self._build()
        self.start()

    @property
    def output(self) -> NDArray[np.float64]:
        """What the convolution gives, (H', W')."""
        self._newest.flush()
        return self._slide.output.numpy().copy()

    @property
    def explanation(self) -> Explanation:
        """What is on the screen, as numbers."""
        self._newest.flush()
        return self._explained

    def extent(self) -> tuple[int, int]:
        """(rows, columns) of the output."""
        sizes = ((len(self.image), len(self.kernel)), (len(self.image[0]), len(self.kernel[0])))
        counts = [(n + 2 * self.padding - self.dilation * (k - 1) - 1) // self.stride + 1 for n, k in sizes]
        return max(1, counts[0]), max(1, counts[1])

    def _build(self) -> None:
        self._title = Text()
        self._tables = W.HTML(layout=W.Layout(flex="0 1 auto", min_width="0", margin="0 24px 0 0"))
        self._sum = W.HTML(layout=W.Layout(width=f"{WORDS}px", flex="0 0 auto", margin="0 24px 0 0"))
        style = W.HTML(STYLE, layout=W.Layout(display="none"))
        tip = "A row a line, numbers apart by spaces; 1/9 is a number"
        boxes = [
            NumbersControl(self, "image", "Image", rows=8, tip=tip),
            NumbersControl(self, "kernel", "Kernel", rows=5, tip=tip),
        ]
        bias = W.FloatText(value=self.bias, layout=W.Layout(width="80px"))
        T.link((self, "bias"), (bias, "value"))
        controls.hint(bias, "Added to every sum")
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        bar = [
            *(controls.labelled(name.capitalize(), self._number(name)) for name in ("stride", "padding", "dilation")),
            controls.labelled("Bias", bias),
            self.player_control(),
            controls.labelled(
                "Colours", controls.dropdown(self, "colormap", colormaps, width=100, tip="auto: diverging if signed")
            ),
        ]
        editor = W.VBox(boxes, layout=W.Layout(width="200px", flex="0 0 auto"))
        self._given = MapPanel(MAP, self._switch, numbers=True)
        self._map = MapPanel(MAP, lambda pixel: self.set_trait("pixel", pixel), drag=True, numbers=True)
        panels = [editor, self._given, self._map, self._sum, self._tables]
        self._body.children = [style, *controls.card_body(self._title, bar, panels)]

    def _number(self, name: str) -> W.BoundedIntText:
        trait: Any = self.traits()[name]
        control = W.BoundedIntText(
            value=getattr(self, name), min=trait.min, max=trait.max, layout=W.Layout(width="56px")
        )
        T.link((self, name), (control, "value"))
        controls.hint(control, trait.help.capitalize())
        return control

    def _switch(self, place: tuple[int, int]) -> None:
        """Set a pixel of the image to 0, or to the largest number where it is 0."""
        rows = [list(row) for row in self.image]
        row, column = place
        largest = max(abs(value) for line in rows for value in line) or 1.0
        rows[row][column] = 0.0 if rows[row][column] else largest
        self.image = rows

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Slide the kernel over the image."""
        steps = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        self._slide = slide(self.image, self.kernel, bias=self.bias, **steps)
        self._shades: tuple[str, Shaded, Shaded] | None = None

    def render(self) -> None:
        """Draw image and output with their frames, the tables and the sum."""
        self.fit_pixel(scaled=False)
        if self._shades is None or self._shades[0] != self.colormap:
            maps = (values.numpy()[None] for values in (self._slide.image, self._slide.output))
            given, output = (Shaded.of(map_, colormap=self.colormap) for map_ in maps)
            self._shades = (self.colormap, given, output)
        _, given, output = self._shades
        row, column = self.pixel
        e = self._explained = self._slide.at((row, column))
        rows, columns = e.positions
        around = self._padding()
        note, hint = "grey: padding" if around != NOTHING else "", "click a pixel to switch it"
        self._given.draw("Image", _size(self.image), given, 0, around=around, note=note, hint=hint)
        self._given.frame((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
        where = f"row {row}, column {column}"
        self._map.draw("Output", where, output, 0, hint="click a pixel, or drag the frame")
        self._map.frame((column, row, column + 1, row + 1))
        weight = float(self._slide.kernel.abs().max())
        bounds = (weight, weight * float(self._slide.image.abs().max()))
        self._drawn_tables = arithmetic.tables_of(e, 0, given, bounds)
        self._tables.value = tables_html(self._drawn_tables)
        self._sum.value = arithmetic.words_html(e)
        self._title.value = markup.title(self._name(), *self._said())

    def static(self) -> Card:
        """What the view shows, without the controls."""
        columns = [
            [self._given.static(), self._map.static()],
            [table.static() for table in self._drawn_tables],
            arithmetic.static_words(self._explained),
        ]
        return Card(" · ".join([self._name(), *self._said()]), columns)

    def _padding(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return ((self.padding, self.padding),) * 2

    def _name(self) -> str:
        rows, columns = self._slide.output.shape
        return f"{rows} × {columns} output"

    def _said(self) -> list[str]:
        settings = f"stride {self.stride}, padding {self.padding}, dilation {self.dilation}, bias {number(self.bias)}"
        return [f"{_size(self.image)} image", f"{_size(self.kernel)} kernel", settings]


def _size(rows: Rows) -> str:
    return f"{len(rows)} × {len(rows[0])}"
