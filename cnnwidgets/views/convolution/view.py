"""ConvolutionView: what a layer does at one place, as arithmetic that can be checked."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar

import ipywidgets as W
import torch
import traitlets as T
from torch.nn.modules.conv import _ConvNd

from ...compute.convolution import NAMES, Explanation, Taps, explainable_layers, whole_map
from ...compute.core import get_layer
from ...compute.layers import Layer, LayerTable, describe_module, map_size
from ...render.color import Shaded
from ...render.static import Moves, Panel
from ...widgets import controls
from ...widgets.base import ImageView
from ...widgets.panels import NOTHING, MapPanel, image_panels, map_panel, tables_panel
from ...widgets.state import Colormap, Given, Index, Place, call, image_of
from ...widgets.surface import markup
from .arithmetic import sum_panel
from .maps import PassMaps, unit_of
from .more import more
from .pointer import Pointer
from .sliding import InputMaps, Sheet, Slot, fits, moved
from .tables import tables_of

SCALES = ("layer", "layer-full", "map")
HINTS = "hover or drag; click to hold", "click a pixel, or drag the frame"
"""What the mouse does over the output: that of a map with few pixels, and with many."""


def _inputs(view: ConvolutionView) -> tuple[int, str]:
    row = view.snapshot.find(view.layer)
    module = None if row.operation else get_layer(view.subject.module, row.module)
    count = module.in_channels if isinstance(module, _ConvNd) else row.channels
    return count, f"layer {row.name!r} reads {count}"


class ConvolutionView(ImageView):
    """Explains one number of a layer: the window it came from, the kernel, their product, the sum and the bias.

    For a convolution (1d or 2d, also transposed); for pooling the pixel that won, or the mean; for Linear and BatchNorm
    the sums; for an activation its formula, for softmax the exponentials, for the addition of a skip and a
    concatenation what is joined. The network's own number stands beside ours. Move the mouse over the output or the
    input, drag the frame, or press play; a click on a pixel of the output holds the window there.

    Parameters
    ----------
    model, dataset, classes, denormalize, prepare, cache_bytes
        As for `ActivationView`.
    **traits
        Initial `layer`, `main_layers`, `index`, `channel`, `pixel`, `input_channel`, `strongest`, `colormap`, `scale`.

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

    sliders: ClassVar[dict[str, str]] = {**ImageView.sliders, "channel": "Channel"}
    channel = Index(of=ImageView.of_layer, help="which map or unit of the layer is explained, from 0").tag(display=True)
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
    input_channel = Index(of=_inputs, help="which input channel is shown, from 0; setting it ends `strongest`").tag(
        display=True, follows="strongest"
    )
    strongest = T.Bool(True, help="show the input channel that adds most at each place").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    scale = T.Enum(SCALES, "map", help="colours for the layer, or for each map").tag(display=True)

    _asked: tuple[LayerTable, frozenset[str]] | None = None

    @property
    def explanation(self) -> Explanation:
        """What is on the screen, as numbers."""
        self.flush()
        return self._explained

    @property
    def windows(self) -> list[list[Taps]]:
        """Along each axis of the output, what every row and column reads of the input."""
        if self._maps.alike:
            return [[Taps((at,), (at,), (0,)) for at in range(count)] for count in self.extent()]
        return self._passed.windows

    def extent(self) -> tuple[int, int]:
        """(rows, columns) of the layer's map; (1, 1) for a vector."""
        return map_size(self.snapshot.find(self.layer), self.item.aspect)

    def choosable(self, row: Layer) -> bool:
        """What `explain` knows, and operations that may be such, where they give maps, sequences or vectors."""
        real = row.dtype is not None and row.dtype.is_floating_point
        if row.reason is not None or row.batch_axis != 0 or row.kind == "volume" or not real:
            return False
        if row.operation:
            return row.depends and row.type in NAMES and not isinstance(self.subject.module, torch.jit.ScriptModule)
        return row.module in self._explainable

    @property
    def _explainable(self) -> frozenset[str]:
        """Names of the modules whose arithmetic is known, asked once for each layer table."""
        table = self.snapshot.modules
        if self._asked is None or self._asked[0] is not table:
            self._asked = table, frozenset(explainable_layers(self.subject.module))
        return self._asked[1]

    @T.default("pixel")
    def _middle(self) -> tuple[int, int]:
        rows, columns = self.extent()
        return rows // 2, columns // 2

    @T.validate("pixel")
    def _validate_pixel(self, proposal: Any) -> tuple[int, int]:
        return proposal["value"] or self._middle()

    @T.observe("input_channel")
    def _chosen(self, change: Any) -> None:
        together = self.set_together("input_channel") and not self.set_together("strongest")
        if self.ready and (together or not self.is_quiet):
            with self.quiet() if together else nullcontext():
                self.strongest = False

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:  # at once, not with the drawing: a channel of the new layer may be set right after
            alone = not self.is_quiet  # what is set together with the layer stays as it was set
            with self.quiet():
                self._channels.fit(self.snapshot.find(self.layer))
                self._player.fit(scaled=alone)
            self._pointer.let_go()

    def numbers_in_code(self, given: Given) -> list[str]:
        """The sum, by `explain`."""
        where = [given["model"], image_of(given, self.item, self.index), given.trait("layer"), given.trait("channel")]
        unit = [] if self.pixel is None else [given.trait("pixel")]
        return [f"explanation = {call('cw.explain', *where, *unit, **given.options('prepare'))}"]

    # ------------------------------------------------------------------ what the base asks for

    def prepare(self, traits: dict[str, Any]) -> None:
        """Whoever asks for an input channel does not want the strongest."""
        if "input_channel" in traits:
            traits.setdefault("strongest", False)

    def controls(self) -> list[W.Widget]:
        """Layer, channel, image and player; behind `more` place, input channel, and how the maps are drawn."""
        self._pointer = Pointer(self)
        peak = controls.button("largest", self._to_largest, width=70, tip="Go to the largest value of the map")
        self._channels = controls.ChannelControl(self, self.layer_row, tip="Channel that is explained", beside=[peak])
        what = "the output that is explained"
        self._player = controls.PlaceControl(self, "pixel", self.extent, what=what, play=True, apart=True)
        most, name = self.input_channel, "input_channel"
        self._input_ranges = (
            controls.slider(self, name, maximum=most, width=110, tip="Input channel that is shown"),
            controls.entry(self, name, maximum=most, width=60, tip="Type an input channel"),
        )
        tip = "At each position the input channel that contributes most"
        strongest = controls.checkbox(self, "strongest", "the strongest", width=120, tip=tip)
        self._inputs = controls.labelled("Input channel", *self._input_ranges, strongest)
        tip = controls.SCALE_TIP.partition("; or")[0]
        self._slot = Slot.beside(self, self._player)
        return [
            self.layer_control(),
            self._channels,
            self.image_control(),
            *filter(None, [self._player.player, self._slot]),
            *more(
                self._player,
                self._inputs,
                controls.colormap_menu(self),
                controls.labelled("Scale", controls.dropdown(self, "scale", SCALES, width=90, tip=tip)),
            ),
        ]

    def compute(self) -> None:
        """Look up, or run the model for, what the layer was given and what it put out."""
        self._passed = self.snapshot.passed(self.layer)
        self._player.fit()  # the image may be of another size

    def panels(self) -> list[Panel | list[Panel]]:
        """Input, formula and output of the layer in one row; below the maps the image and its prediction."""
        row, aspect = self.layer_row, self.item.aspect
        key = (self._passed, self.colormap, self.scale)
        self._maps = self.remember("maps", key, lambda: PassMaps(self._passed, row, *key[1:], aspect))
        e = self._explained = self._passed.explain(self.channel, unit_of(row, self.pixel, aspect))
        shown = self._choose_input(e)
        tables = tables_of(e, shown, self._maps.inputs, self._maps.bounds(e, shown))
        seen = (self.item, self.snapshot.prediction)
        image, prediction = self.remember("image", seen, lambda: image_panels(self.snapshot))
        formula = [tables_panel(tables)] if tables else []
        given = self._source_panels() if self._maps.alike else [self._input_panel(e, shown)]
        total, output = sum_panel(e, shown if self._maps.windowed else None), self._output_panel()
        self._slides: Sheet | None = None
        if self.exporting or (self._slot is not None and self._slot.live):
            of = (self._maps, self.channel, None if self.strongest else shown)
            self._slides = self.remember("sheet", of, lambda: self._sheet(e, *of[2:], given[0], output))
        if self._slot is not None:
            given, formula, [total, output] = self._slot.rested(self._slides, given, formula, [total, output])
        return [[*given, image], [*formula, total], [output, prediction]]

    def render(self) -> None:
        """Draw, and say to a page that slides the window by itself what it is of."""
        super().render()
        if self._slot is not None:
            self._slot.drawn()

    def page_moves(self) -> Moves | None:
        """An exported page slides the window by itself."""
        return moved(self._slides, self.pixel, self)

    def title(self) -> list[str]:
        """The layer, what it is, what it puts out, and of which image."""
        row = self.layer_row
        extent = " × ".join(map(str, row.size[-2:]))
        return [
            row.name,
            row.type if row.operation else describe_module(self._passed.module),
            f"{row.channels:,} units" if self._maps.vector else f"{row.channels:,} maps of {extent}",
            markup.pictured(self.snapshot.index, self.item.text),
        ]

    # ------------------------------------------------------------------ parts

    def _to_largest(self) -> None:
        self.flush()  # the map that the layer has by now
        place = self._maps.largest(self.channel)
        if self._maps.vector:
            self.channel = place[0]
        else:
            self.pixel = place

    def _choose_input(self, e: Explanation) -> int:
        """Make `input_channel` and its controls fit the inputs that the number depends on; the one that is shown."""
        first, last = e.inputs.start, e.inputs.stop - 1
        shown = self.input_channel if self.input_channel in e.inputs else first
        if self._maps.windowed:
            if self.strongest and len(e.sums):
                shown = e.contributions[0][0]
            for control in self._input_ranges:  # first wider, so that no link cuts off what is on its way
                control.max, control.min = max(last, control.max), min(first, control.min)
            self.input_channel = shown
            for control in self._input_ranges:
                control.min, control.max = first, last
        self._inputs.layout.display = "" if self._maps.windowed and len(e.inputs) > 1 else "none"
        return shown

    def _input_panel(self, e: Explanation, shown: int) -> MapPanel:
        maps = self._maps
        if not maps.windowed:
            heading = f"Input · {len(e.patch):,} features"
            return self.remember("input", (maps, self.pixel), lambda: self._vector(e, heading))
        size = " × ".join(map(str, maps.inputs.maps.shape[1:]))
        heading, note = f"Input {shown} · {size}", "grey: padding" if maps.around != NOTHING else ""
        options: dict[str, Any] = {"around": maps.around, "note": note, "key": "input"}
        options |= {"hint": ("hover to move", ""), "on_hover": self._pointer.over_input}
        panel = self.remember("input", (maps, shown), lambda: map_panel(maps.inputs, shown, heading, **options))
        return panel.framed(*maps.boxes(e))

    def _source_panels(self) -> list[MapPanel]:
        maps, (y, x) = self._maps, self.pixel
        panels: list[MapPanel] = []
        for number, (heading, shaded, channel) in enumerate(maps.sources(self.channel)):
            key, shown = f"input {number + 1}" if number else "input", None if maps.vector else channel
            options: dict[str, Any] = {"key": key, "on_hover": self._pointer.over_input}
            panel = self.remember(key, (maps, shown, heading), partial(map_panel, shaded, shown, heading, **options))
            panels.append(panel.unit(channel) if maps.vector else panel.framed((x, y, x + 1, y + 1)))
        return panels

    def _sheet(self, e: Explanation, chosen: int | None, given: MapPanel, output: MapPanel) -> Sheet | None:
        """What a page needs to slide the window by itself; None where the kernel has to draw."""
        maps = self._maps
        whole = whole_map(self._passed, self.channel) if self.layer_row.kind == "maps" and maps.windowed else None
        if not fits(whole):
            return None
        shown = self.remember("shown input", (maps,), lambda: InputMaps(maps.inputs))
        about: dict[str, Any] = {
            "subject": self.layer,
            "title": f"Output {self.channel}",
            "chosen": chosen,
            "marks": True,
        }
        return Sheet(whole, shown, maps.all_bounds(e), given, output, **about)

    def _vector(self, e: Explanation, heading: str) -> MapPanel:
        shaded = Shaded.of(e.patch.numpy().reshape(-1, 1, 1), colormap=self.colormap)
        return map_panel(shaded, None, heading, key="input")

    def _output_panel(self) -> MapPanel:
        maps, (y, x), name = self._maps, self.pixel, f"Output {self.channel}"
        shown = None if maps.vector else self.channel
        panel = self.remember(
            "output",
            (maps, shown),
            lambda: map_panel(
                maps.output,
                shown,
                hint="click a unit" if maps.vector else HINTS,
                drag=True,
                on_place=lambda pixel: self.set_trait("pixel", pixel),
                on_press=self._pointer.pressed,
                on_hover=self._pointer.over_output,
                on_unit=lambda unit: self.set_trait("channel", unit),
                key="output",
            ),
        )
        if maps.vector:
            names = self.unit_names
            called = names[self.channel] if names else f"{self.layer_row.channels:,} units"
            return panel.unit(self.channel, heading=f"{name} · {called}")
        return panel.framed((x, y, x + 1, y + 1), heading=f"{name} · row {y}, column {x}")
