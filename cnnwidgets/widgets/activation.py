"""ActivationView: what every channel of a layer makes of an image."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ..compute.layers import Layer, LayerTable, drawable, signature
from ..compute.names import get_layer
from ..render import COLORMAPS, Shaded, card, table, value_ranges
from . import controls, markup
from .markup import number
from .panels import ChannelPanel, GridPanel, ImagePanel
from .subject import Look, Subject
from .view import ModelView


class ActivationView(ModelView):
    """Every feature map of a layer in one grid, the chosen one large, beside the image and the prediction.

    Parameters
    ----------
    model : torch.nn.Module
        Any network that takes (N, C, H, W) images. It is looked at, never changed.
    dataset : indexable
        Gives (image, label): a torch data set, `Subset`, list, `ImageFolder`, or a tensor of images (N, C, H, W).
    classes : sequence of str, optional
        Class names; by default the data set's own.
    denormalize : callable or (mean, std), optional
        Turns a normalised image into one in [0, 1] for the picture; by default found in the data set's transform.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model, for networks that take more than one image tensor.
    cache_bytes : int
        Bytes of layer outputs to keep, so that going back runs nothing.
    **traits
        Initial `layer`, `index`, `channel`, `plane`, `colormap`, `scale`, `columns`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer, channel or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    layer = T.Unicode(help="name of the layer, as in the layer table").tag(source=True)
    index = T.Int(0, help="which image of the data set, from 0").tag(source=True)
    channel = T.Int(0, help="which map, unit or token feature is shown large, from 0").tag(display=True)
    plane = T.Int(0, help="which slice of a volume or stack, from 0").tag(display=True)
    colormap = T.Unicode("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    scale = T.Any("layer", help="value range of the colours: map, layer, or (vmin, vmax)").tag(display=True)
    columns = T.Int(0, help="maps in a row; 0: as fits").tag(display=True)
    pixel = T.Any(None, help="(row, column) in the large map whose value is told, or None").tag(display=True)

    def __init__(
        self,
        model: torch.nn.Module,
        dataset: Any,
        *,
        classes: Any = None,
        denormalize: Any = None,
        prepare: Any = None,
        cache_bytes: int = 512 * 2**20,
        **traits: Any,
    ) -> None:
        self.check_keywords(traits)
        self._subject = Subject(
            model, dataset, classes=classes, denormalize=denormalize, prepare=prepare, cache_bytes=cache_bytes
        )
        # everything that can be wrong is looked at before a widget exists
        self._look: Look = self._subject.look(traits.get("index", 0))
        traits["layer"] = self._checked_layer(traits.get("layer", _first(self._look.table))).name
        self._row = self._look.table.find(traits["layer"])
        self._checked_channel(traits.get("channel", 0), self._row)
        self._output = torch.empty(0)
        self._cached = False
        self._drawn: tuple[Any, ...] | None = None
        self._shaded: Shaded
        super().__init__(**traits)
        self._build()
        self.start()

    @property
    def maps(self) -> torch.Tensor:
        """Output of the layer for the image, without the batch axis, unscaled: a copy of what is on the screen."""
        self._newest.flush()
        return self._output.clone()

    @property
    def table(self) -> LayerTable:
        """The layer table of the present image."""
        return self._look.table

    def refresh(self) -> None:
        """Run the model anew: for weights or data that changed where traits cannot see it."""
        self._subject.refresh()
        super().refresh()

    # ------------------------------------------------------------------ what traits may be

    def _checked_layer(self, layer: str) -> Layer:
        row = self._look.table.find(layer)
        if row.reason is not None:
            raise LookupError(f"layer {layer!r} cannot be shown: it {row.reason}")
        return row

    @staticmethod
    def _checked_channel(channel: int, row: Layer) -> int:
        if not 0 <= channel < row.channels:
            raise IndexError(
                f"channel {channel} is out of range: layer {row.name!r} has {row.channels}, 0 to {row.channels - 1}"
            )
        return channel

    @T.validate("index")
    def _validate_index(self, proposal: Any) -> int:
        return self._subject.items.checked(proposal["value"])

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return self._checked_layer(proposal["value"]).name

    @T.validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return self._checked_channel(proposal["value"], self._look.table.find(self.layer))

    @T.validate("plane")
    def _validate_plane(self, proposal: Any) -> int:
        plane, row = int(proposal["value"]), self._look.table.find(self.layer)
        if not 0 <= plane < row.planes:
            raise IndexError(f"plane {plane} is out of range: layer {row.name!r} has {row.planes}, from 0")
        return plane

    @T.validate("colormap")
    def _validate_colormap(self, proposal: Any) -> str:
        name = str(proposal["value"])
        if name != "auto":
            table(name)
        return name

    @T.validate("scale")
    def _validate_scale(self, proposal: Any) -> Any:
        scale = proposal["value"]
        value_ranges(np.zeros((1, 1, 1)), scale)
        return scale if isinstance(scale, str) else (float(scale[0]), float(scale[1]))

    @T.validate("columns")
    def _validate_columns(self, proposal: Any) -> int:
        if proposal["value"] < 0:
            raise ValueError(f"columns must be 0 (as fits) or more, not {proposal['value']}")
        return int(proposal["value"])

    @T.validate("pixel")
    def _validate_pixel(self, proposal: Any) -> Any:
        pixel = proposal["value"]
        if pixel is None:
            return None
        if not (isinstance(pixel, (tuple, list)) and len(pixel) == 2 and min(pixel) >= 0):
            raise ValueError(f"pixel must be (row, column), both 0 or more, or None; not {pixel!r}")
        return int(pixel[0]), int(pixel[1])

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self._ready:  # at once, not with the drawing: a channel of the new layer may be set right after
            row = self._look.table.find(self.layer)
            self._channel_slider.max = self._channel_box.max = row.channels - 1
            self._plane_slider.max = row.planes - 1
            self.pixel = None

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        layers = [(layer.label, layer.name) for layer in self._look.table.showable]
        last, most = len(self._subject.items) - 1, self._row.channels - 1
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        self._generator = torch.Generator()  # our own: the global one stays as it is
        self._generator.seed()
        self._channel_slider = controls.slider(
            self, "channel", maximum=most, tip="Channel shown large (arrow keys work)"
        )
        self._channel_box = controls.entry(self, "channel", maximum=most, width=60, tip="Type a channel number")
        self._plane_slider = controls.slider(
            self, "plane", maximum=self._row.planes - 1, tip="Slice of the volume or stack"
        )
        self._planes = controls.labelled("Slice", self._plane_slider)
        self._scale = controls.ScaleControl(
            self, "scale", tip="Value range of the colours: each map its own, the whole layer, or two numbers"
        )
        bar = [
            controls.labelled(
                "Layer",
                controls.stepper(self, "layer", layers, tip="Layer, in the order they run (arrow keys work)"),
                controls.dropdown(self, "layer", layers, width=236, tip="Choose a layer by name"),
            ),
            controls.labelled(
                "Image",
                controls.slider(self, "index", maximum=last, tip="Index of the image in the data set"),
                controls.entry(self, "index", maximum=last, width=74, tip="Type an index"),
                controls.button("<", lambda: self._step(-1), tip="Previous image"),
                controls.button(">", lambda: self._step(1), tip="Next image"),
                controls.button("random", self._jump, width=70, tip="Any image"),
            ),
            controls.labelled("Channel", self._channel_slider, self._channel_box),
            self._planes,
            controls.labelled(
                "Colours",
                controls.dropdown(
                    self,
                    "colormap",
                    colormaps,
                    width=100,
                    tip="auto: a diverging map centred on 0 for signed values",
                ),
            ),
            controls.labelled("Scale", self._scale),
            controls.labelled(
                "Columns",
                controls.entry(self, "columns", maximum=999, width=56, tip="Maps in a row; 0: as many as fit"),
            ),
        ]
        self._title = W.HTML()
        self._input = ImagePanel()
        self._grid = GridPanel(lambda channel: self.set_trait("channel", channel))
        self._detail = ChannelPanel(lambda pixel: self.set_trait("pixel", pixel))
        wrap = W.Layout(flex_flow="row wrap", align_items="center")
        panels = W.Layout(flex_flow="row wrap", align_items="flex-start", min_height="440px")
        self._body.children = [
            self._title,
            W.HBox(bar, layout=wrap),
            W.HTML('<div class="cnnw-rule"></div>'),
            W.HBox([self._input, self._grid, self._detail], layout=panels),
        ]

    def _step(self, by: int) -> None:
        self.index = (self.index + by) % len(self._subject.items)

    def _jump(self) -> None:
        self.index = int(torch.randint(len(self._subject.items), (1,), generator=self._generator))

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Look up, or run the model for, the layer and the image."""
        cached = self._subject.known(self.index, self.layer)
        look = self._subject.look(self.index)
        output = self._subject.output(self.index, self.layer)
        self._look, self._row = look, look.table.find(self.layer)
        self._output, self._cached = output, cached

    def render(self) -> None:
        """Draw the panels; what has not changed is not sent again."""
        row, plane = self._row, min(self.plane, self._row.planes - 1)
        drawn = (self._output, plane, self.colormap, self.scale, self.columns)
        if self._drawn is None or drawn[0] is not self._drawn[0] or drawn[1:] != self._drawn[1:]:
            image = self._look.item.image
            aspect = 1.0 if image is None else image.shape[-1] / image.shape[-2]
            maps = drawable(self._output, row, aspect=aspect, plane=plane).numpy()
            self._shaded = Shaded.of(maps, colormap=self.colormap, scale=self.scale)
            self._grid.draw(self._shaded, row, self.columns, self.scale == "map")
            self._drawn = drawn
        self._grid.select(self.channel)
        self._detail.draw(self._shaded, row, self.channel, self.pixel, self._unit_names())
        if self._input.look is not self._look:
            self._input.draw(self.index, self._look, self._subject.items)
        self._planes.layout.display = "" if row.planes > 1 else "none"
        self._scale.suggestion = self._shaded.ends()[::2]
        self._title.value = markup.title(row.name, *self._said(), status=self._status())

    def picture(self, *, dark: bool = False) -> NDArray[np.uint8]:
        """The view as one static picture, (H, W, 3) uint8."""
        panels = [self._input.static(), self._grid.static(), self._detail.static()]
        return card(" · ".join([self._row.name, *self._said()]), panels, footer=self._status(), dark=dark)

    # ------------------------------------------------------------------ words

    def _said(self) -> list[str]:
        row, text = self._row, self._look.item.text
        extent = " × ".join(map(str, row.size[-2:]))
        what = {"vector": "units", "tokens": f"features of {extent} tokens"}.get(row.kind, f"maps of {extent}")
        module = signature(get_layer(self._subject.module, row.module)) if row.module else row.type
        return [
            module,
            f"{row.channels:,} {what}",
            f'image {self.index}, a "{text}"' if text else f"image {self.index}",
        ]

    def _status(self) -> str:
        if isinstance(self.scale, str):
            words = "each map its own" if self.scale == "map" else "whole layer"
        else:
            words = " to ".join(map(number, self.scale))
        centred = ", centred on 0" if self._shaded.centred else ""
        known = "cached" if self._cached else "computed"
        return f"{known} · drawn in {self.milliseconds:.1f} ms · scale: {words}{centred}"

    def _unit_names(self) -> list[str]:
        """Class names, where the layer is the last and has as many units."""
        classes = self._subject.items.classes
        last = self._row.name == self._look.table.showable[-1].name
        return classes if last and len(classes) == self._row.channels else []


def _first(table: LayerTable) -> str:
    """The layer to begin with: the first that has maps, or else the first that can be shown."""
    showable = table.showable
    if not len(showable):
        raise ValueError("no layer of the model put out anything that can be shown")
    return next((layer.name for layer in showable if layer.kind == "maps" and layer.leaf), showable[0].name)
