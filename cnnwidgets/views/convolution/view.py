"""ConvolutionView: what a layer does at one place, as arithmetic that can be checked."""

from __future__ import annotations

from typing import Any

import ipywidgets as W

from ...compute.convolution import Explanation
from ...compute.layers import describe_module
from ...render.color import COLORMAPS, Shaded
from ...render.static import Card
from ...widgets import controls
from ...widgets.panels import NOTHING, STYLE, ImagePanel, MapPanel, tables_html
from ...widgets.surface import Text, markup
from . import arithmetic
from .maps import PassMaps, unit_of
from .state import ConvolutionState

MAP, WORDS = 240, 300
"""Widths in px of the two maps, and of the words beside the tables."""


class ConvolutionView(ConvolutionState):
    """Explains one number of a layer: the window it came from, the kernel, their product, the sum and the bias.

    For a convolution (1d or 2d, also transposed); for pooling the pixel that won, or the mean; for Linear and BatchNorm
    the sums. The network's own number stands beside ours. Click a pixel of the map, drag its frame, or press play.

    Parameters
    ----------
    model, dataset, classes, denormalize, prepare, cache_bytes
        As for `ActivationView`.
    **traits
        Initial `layer`, `index`, `channel`, `pixel`, `input_channel`, `strongest`, `colormap`, `scale`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer, or one whose arithmetic is not known: names its type and those that can be shown. No such
        channel, pixel or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.

    See Also
    --------
    KernelPlayground : the same without a model, for an image and a kernel of the reader's own.
    """

    @property
    def explanation(self) -> Explanation:
        """What is on the screen, as numbers."""
        self._newest.flush()
        return self._explained

    # ------------------------------------------------------------------ building

    def build(self) -> None:
        """Make the controls and the panels."""
        most = self._row.channels - 1
        self._channel_slider = controls.slider(self, "channel", maximum=most, tip="Channel that is explained")
        self._channel_box = controls.entry(self, "channel", maximum=most, width=60, tip="Type a channel number")
        most, name = self.input_channel, "input_channel"
        self._input_slider = controls.slider(self, name, maximum=most, width=110, tip="Input channel that is shown")
        self._input_box = controls.entry(self, name, maximum=most, width=60, tip="Type an input channel")
        strongest = controls.checkbox(
            self,
            "strongest",
            "the strongest",
            width=120,
            tip="At each position the input channel that contributes most",
        )
        self._inputs_control = controls.labelled("Input channel", self._input_slider, self._input_box, strongest)
        peak = controls.button("largest", self._to_largest, width=70, tip="Go to the largest value of the map")
        word = controls.channel_word(self._row)
        self._channels = controls.labelled(word, self._channel_slider, self._channel_box, beside=[peak])
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        colours = controls.dropdown(
            self, "colormap", colormaps, width=100, tip="auto: a diverging map centred on 0 for signed values"
        )
        scale = controls.dropdown(
            self, "scale", ["layer", "layer-full", "map"], width=90, tip=controls.SCALE_TIP.partition("; or")[0]
        )
        bar = [
            self.layer_control(),
            self.image_control(),
            self._channels,
            self.player_control(),
            self._inputs_control,
            controls.labelled("Colours", colours),
            controls.labelled("Scale", scale),
        ]
        self._title = Text()
        self._tables = W.HTML(layout=W.Layout(flex="0 1 auto", min_width="0", margin="0 24px 0 0"))
        self._sum = W.HTML(layout=W.Layout(width=f"{WORDS}px", flex="0 0 auto", margin="0 24px 0 0"))
        self._style_of_cells = W.HTML(STYLE, layout=W.Layout(display="none"))
        self._image = ImagePanel()
        self._given = MapPanel(MAP)
        self._map = MapPanel(MAP, lambda pixel: self.set_trait("pixel", pixel), self._to_unit, drag=True)
        self._maps: Any = None
        panels = [self._image, self._given, self._map, self._sum, self._tables]
        self._body.children = [self._style_of_cells, *controls.card_body(self._title, bar, panels)]

    def _to_unit(self, unit: int) -> None:
        self.channel = unit

    def _to_largest(self) -> None:
        self._newest.flush()  # the map that the layer has by now
        place = self._maps.largest(self.channel)
        if self._maps.vector:
            self.channel = place[0]
        else:
            self.pixel = place

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Look up, or run the model for, what the layer was given and what it put out."""
        passes = self._subject.passes
        passed = self._subject.passed(self.index, self.layer)
        self.look()
        self._passed, self._cached = passed, self._subject.passes == passes

    def render(self) -> None:
        """Explain the number at the pixel, and draw; what has not changed is not sent again."""
        self.fit_pixel(scaled=False)  # the image may be of another size
        e = self._explained = self._passed.explain(self.channel, unit_of(self._row, self.pixel, self._aspect()))
        self._maps = self._shaded()
        self._choose_input(e)
        if self._image.look is not self._look:
            self._image.draw(self._shown, self._look, self._subject)
        self._draw_map()
        self._draw_given(e)
        shown = self._shown_input(e)
        self._drawn = tables = arithmetic.tables_of(e, shown, self._maps.inputs, self._maps.bounds(e, shown))
        self._tables.value = tables_html(tables) if tables else ""
        self._tables.layout.display = "" if tables else "none"
        title = markup.title(self._row.name, *self._said(), source=self._source())
        self.later(lambda: self._tell(title))

    def _tell(self, title: str) -> None:
        """The words; while the player runs, those of the newest step alone: nobody reads thirty in a second."""
        self._title.value = title
        self._sum.value = arithmetic.words_html(self._explained, self._marked())

    def static(self) -> Card:
        """What the view shows, without the controls."""
        columns = [self._image.static(), [self._given.static(), self._map.static()]]
        if self._drawn:
            columns.append([table.static() for table in self._drawn])
        columns.append(arithmetic.static_words(self._explained, self._marked()))
        return Card(" · ".join([self._row.name, *self._said()]), columns)

    # ------------------------------------------------------------------ parts of a drawing

    def _shaded(self) -> PassMaps:
        """The maps in their colours, made once for each pass."""
        known, colours = self._maps, (self.colormap, self.scale)
        if known is not None and known.passed is self._passed and (known.colormap, known.scale) == colours:
            return known
        return PassMaps(self._passed, self._row, *colours, self._aspect())

    def _shown_input(self, e: Explanation) -> int:
        return self.input_channel if self.input_channel in e.inputs else e.inputs.start

    def _marked(self) -> int | None:
        """The input channel that is marked among the contributions."""
        return self.input_channel if self._maps.windowed else None

    def _choose_input(self, e: Explanation) -> None:
        """Make `input_channel` and its slider fit the inputs that the number depends on."""
        if not self._maps.windowed:
            self._inputs_control.layout.display = "none"
            return
        chosen = e.contributions[0][0] if self.strongest and len(e.sums) else self._shown_input(e)
        for control in (self._input_slider, self._input_box):
            control.max = max(e.inputs.stop - 1, control.max)
            control.min = min(e.inputs.start, control.min)
        self.input_channel = chosen
        for control in (self._input_slider, self._input_box):
            control.min, control.max = e.inputs.start, e.inputs.stop - 1
        self._inputs_control.layout.display = "" if len(e.inputs) > 1 else "none"

    def _draw_map(self) -> None:
        row, (y, x) = self._row, self.pixel
        name = f"Output {self.channel}"
        if self._maps.vector:
            quiet = self._unit_name() or f"{row.channels:,} units"
            self._map.draw(name, quiet, self._maps.output, None, hint="click a unit")
            self._map.frame(self._map.unit_box(self.channel))
        else:
            place, hint = f"row {y}, column {x}", "click a pixel, or drag the frame"
            self._map.draw(name, place, self._maps.output, self.channel, hint=hint)
            self._map.frame((x, y, x + 1, y + 1))

    def _draw_given(self, e: Explanation) -> None:
        maps, channel = self._maps, self._shown_input(e)
        if maps.windowed:
            size = " × ".join(map(str, maps.inputs.maps.shape[1:]))
            note = "grey: padding" if maps.around != NOTHING else ""
            self._given.draw(f"Input {channel}", size, maps.inputs, channel, around=maps.around, note=note)
        else:
            vector = Shaded.of(e.patch.numpy().reshape(-1, 1, 1), colormap=self.colormap)
            self._given.draw("Input", f"{len(e.patch):,} features", vector, None)
        self._given.frame(*maps.boxes(e))

    # ------------------------------------------------------------------ words

    def _said(self) -> list[str]:
        row, text = self._row, self._look.item.text
        extent = " × ".join(map(str, row.size[-2:]))
        return [
            describe_module(self._passed.module),
            f"{row.channels:,} units" if self._maps.vector else f"{row.channels:,} maps of {extent}",
            markup.pictured(self._shown, text),
        ]

    def _unit_name(self) -> str:
        """Class name of the unit, where the layer is the last and has as many units as there are classes."""
        names = self._subject.names.of(self._row.channels)
        last = self._row.name == self._look.table.showable[-1].name
        return names[self.channel] if last and len(names) == self._row.channels else ""

    def _source(self) -> str:
        return markup.source("cached" if self._cached else "computed", self.milliseconds)
