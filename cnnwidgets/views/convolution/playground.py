"""KernelPlayground: slide a kernel of one's own over an image of one's own, without a model."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ...compute.convolution import Explanation, slide, whole_slide
from ...live import Linked
from ...render.color import Shaded
from ...render.static import Moves, Panel
from ...widgets import controls
from ...widgets.base import ModelView
from ...widgets.panels import NOTHING, Around, MapPanel, map_panel, tables_panel
from ...widgets.state import Colormap, Given, Index, Number, Place, call
from ...widgets.surface import number
from .arithmetic import sum_panel
from .numbers import Numbers, NumbersControl, Rows
from .playing import COLORS, DRAG, LINES, PADDING, SWITCH, played
from .sliding import InputMaps, Sheet, Slot
from .tables import tables_of

MAP, EDITOR = 220, 176
"""Widths in px of the two maps, and of the boxes to type into."""

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


class KernelPlayground(ModelView):
    """A small image, a kernel, and what convolving the two gives, place by place. Every number can be changed.

    Type into the boxes, click a pixel of the image to switch it on or off, choose stride, padding and dilation; click
    the output, drag its frame, or press play to slide the kernel. As in every deep learning library, the kernel is not
    flipped first (cross-correlation).

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
    bias = Number(0.0, help="added to every sum").tag(source=True)
    pixel = Place(
        of=lambda view: (view.extent(), "the map"),
        help="(row, column) of the output that is explained; None: the middle",
    ).tag(display=True)
    row = Index(of=pixel.rows, help="row of `pixel`, from 0").tag(internal=True)
    column = Index(of=pixel.columns, help="column of `pixel`, from 0").tag(internal=True)
    position = Index(of=pixel.places, help="number of `pixel` in reading order, from 0; what the player counts").tag(
        internal=True
    )
    speed = T.Enum(controls.SPEEDS, 5, help="steps of the player a second").tag(internal=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)

    @property
    def output(self) -> NDArray[np.float64]:
        """What the convolution gives, (H', W')."""
        self.flush()
        return self._slide.output.numpy().copy()

    @property
    def explanation(self) -> Explanation:
        """What is on the screen, as numbers."""
        self.flush()
        return self._explained

    def extent(self) -> tuple[int, int]:
        """(rows, columns) of the output."""
        sizes = ((len(self.image), len(self.kernel)), (len(self.image[0]), len(self.kernel[0])))
        counts = [(n + 2 * self.padding - self.dilation * (k - 1) - 1) // self.stride + 1 for n, k in sizes]
        return max(1, counts[0]), max(1, counts[1])

    @T.default("pixel")
    def _middle(self) -> tuple[int, int]:
        rows, columns = self.extent()
        return rows // 2, columns // 2

    @T.validate("pixel")
    def _validate_pixel(self, proposal: Any) -> tuple[int, int]:
        return proposal["value"] or self._middle()

    def numbers_in_code(self, given: Given) -> list[str]:
        """The sums of all windows, by `slide`."""
        options = {name: given.trait(name) for name in ("stride", "padding", "dilation", "bias")}
        return [f"output = {call('cw.slide', given.trait('image'), given.trait('kernel'), **options)}.output"]

    # ------------------------------------------------------------------ what the base asks for

    def prepare(self, traits: dict[str, Any]) -> None:
        """The boxes to type into come with the panels: what does not compute leaves none behind."""
        self._boxes: list[NumbersControl] = []

    def controls(self) -> list[W.Widget]:
        """The settings of the convolution, the place with the player, and the colours."""
        bias = W.FloatText(value=self.bias, layout=W.Layout(width="80px"))
        Linked((self, "bias"), (bias, "value"))
        controls.hint(bias, "Added to every sum")
        self._player = controls.PlaceControl(self, "pixel", self.extent, what="the output that is explained", play=True)
        self._slot = Slot.beside(self, self._player)
        return [
            *(controls.labelled(name.capitalize(), self._number(name)) for name in ("stride", "padding", "dilation")),
            controls.labelled("Bias", bias),
            self._player,
            *filter(None, [self._slot]),
            controls.colormap_menu(self, tip=COLORS),
        ]

    def compute(self) -> None:
        """Slide the kernel over the image."""
        steps = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        self._slide = slide(self.image, self.kernel, bias=self.bias, **steps)
        self._player.fit()

    def panels(self) -> list[Panel]:
        """The boxes to type into, image and output with their frames, the sum, and the tables."""
        e = self._explained = self._slide.at(self.pixel)
        around = ((self.padding, self.padding),) * 2
        given = self.remember("image", (self.image, self.colormap, around), lambda: self._image_panel(around))
        output = self.remember("output", (self._slide, self.colormap), self._output_panel)
        (rows, columns), (y, x) = e.positions, self.pixel
        weight = float(self._slide.kernel.abs().max())
        bounds = (weight, weight * float(self._slide.image.abs().max()))
        shaded = self.remember("shaded", (self.image, self.colormap), lambda: self._colored(self._slide.image))
        moving: list[Panel] = [
            given.framed((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)),
            output.framed((x, y, x + 1, y + 1), heading=f"Output · row {y}, column {x}"),
            sum_panel(e),
            tables_panel(tables_of(e, 0, shaded, bounds)),
        ]
        self._slides: Sheet | None = None
        if self.exporting or (self._slot is not None and self._slot.live):
            of = (self._slide, shaded, given)
            self._slides = self.remember("sheet", of, lambda: self._sheet(shaded, bounds, given, output))
        if self._slot is not None:
            [moving] = self._slot.rested(self._slides, moving)
        return [self._editor(), *moving]

    def render(self) -> None:
        """Draw, and say to a page that slides the window by itself what it is of."""
        super().render()
        if self._slot is not None:
            self._slot.drawn()

    def page_moves(self) -> Moves | None:
        """An exported page computes by itself, whatever is typed there."""
        return played(self._slides, self)

    def title(self) -> list[str]:
        """The sizes of output, image and kernel, and the settings."""
        rows, columns = self._slide.output.shape
        settings = f"stride {self.stride}, padding {self.padding}, dilation {self.dilation}, bias {number(self.bias)}"
        return [f"{rows} × {columns} output", f"{_size(self.image)} image", f"{_size(self.kernel)} kernel", settings]

    def source(self) -> str:
        """Nothing: no model ran."""
        return ""

    # ------------------------------------------------------------------ parts

    def _editor(self) -> Panel:
        self._boxes = self._boxes or [
            NumbersControl(self, name, name.capitalize(), rows=lines) for name, lines in LINES.items()
        ]
        return Panel("", width=EDITOR, controls=self._boxes, key="editor")

    def _number(self, name: str) -> W.BoundedIntText:
        trait: Any = self.traits()[name]
        control = W.BoundedIntText(
            value=getattr(self, name), min=trait.min, max=trait.max, layout=W.Layout(width="56px")
        )
        Linked((self, name), (control, "value"))
        controls.hint(control, trait.help.capitalize())
        return control

    def _colored(self, map_: torch.Tensor) -> Shaded:
        # of so few numbers, which can be read, none lies beyond the colours
        return Shaded.of(map_.numpy()[None], colormap=self.colormap, scale="layer-full")

    def _image_panel(self, around: Around) -> MapPanel:
        return map_panel(
            self._colored(self._slide.image),
            0,
            f"Image · {_size(self.image)}",
            around=around,
            note=PADDING if around != NOTHING else "",
            hint=SWITCH,
            width=MAP,
            numbers=True,
            on_place=self._switch,
            key="image",
        )

    def _output_panel(self) -> MapPanel:
        return map_panel(
            self._colored(self._slide.output),
            0,
            hint=DRAG,
            width=MAP,
            numbers=True,
            drag=True,
            on_place=lambda pixel: self.set_trait("pixel", pixel),
            key="output",
        )

    def _sheet(self, shaded: Shaded, bounds: tuple[float, float], given: MapPanel, output: MapPanel) -> Sheet | None:
        """What a page needs to slide the window by itself."""
        whole = whole_slide(self._slide)
        if whole is None:
            return None
        return Sheet(whole, InputMaps(shaded), np.array([bounds]), given, output, subject="", title="Output")

    def _switch(self, place: tuple[int, int]) -> None:
        """Set a pixel of the image to 0, or to the largest number where it is 0."""
        rows = [list(row) for row in self.image]
        row, column = place
        largest = max(abs(value) for line in rows for value in line) or 1.0
        rows[row][column] = 0.0 if rows[row][column] else largest
        self.image = rows


def _size(rows: Rows) -> str:
    return f"{len(rows)} × {len(rows[0])}"
