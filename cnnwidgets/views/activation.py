"""ActivationView: what every channel of a layer makes of an image."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import traitlets as T

from ..compute.core import get_layer
from ..compute.layers import describe_module, drawable, extra_tokens
from ..render.color import COLORMAPS, Shaded
from ..render.static import Card
from ..widgets import controls
from ..widgets.base import SubjectView
from ..widgets.panels import ChannelPanel, GridPanel, ImagePanel
from ..widgets.state import Colormap, Pixel, Scale, Whole
from ..widgets.surface import Text, markup


class ActivationView(SubjectView):
    """Every feature map of a layer in one grid, the chosen one large, beside the image and the prediction.

    Parameters
    ----------
    model : torch.nn.Module
        Any network that takes (N, C, H, W) images. It is looked at, never changed.
    dataset : indexable
        Gives (image, label): a torch data set, `Subset`, list, `ImageFolder`, or a tensor of images (N, C, H, W).
    classes : sequence of str, optional
        Names of the network's outputs, and of labels where the data set names none; by default the data set's own, or
        ImageNet's for a network of torchvision or timm with 1,000 outputs.
    denormalize : callable or (mean, std), optional
        Turns a normalised image into one in [0, 1] for the picture; by default found in the data set's transform.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model, for networks that take more than one image tensor.
    cache_bytes : int
        Bytes of layer outputs to keep at most, of those that all views of the process share: going back runs nothing.
    **traits
        Initial `layer`, `index`, `channel`, `plane`, `colormap`, `scale`, `columns`, `pixel`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer, channel or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    sliders: ClassVar[dict[str, str]] = {**SubjectView.sliders, "channel": "Channel"}

    channel = Whole(0, help="which map, unit or token feature is shown large, from 0").tag(display=True)
    plane = Whole(0, help="which slice of a volume or stack, from 0").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    scale = Scale("layer", help="value range of the colours: map, layer, layer-full, or (vmin, vmax)").tag(display=True)
    columns = Whole(0, help="maps in a row; 0: as fits").tag(display=True)
    pixel = Pixel(None, help="(row, column) in the large map whose value is told, or None").tag(display=True)

    @property
    def maps(self) -> torch.Tensor:
        """Output of the layer for the image, without the batch axis, unscaled: a copy of what is on the screen."""
        self._newest.flush()
        return self._output.clone()

    # ------------------------------------------------------------------ what traits may be

    def check_traits(self, traits: dict[str, Any]) -> None:
        """Raise for a channel or plane that the layer does not have."""
        self._checked("channel", traits.get("channel", 0), self._row.channels)
        self._checked("plane", traits.get("plane", 0), self._row.planes)

    def _checked(self, what: str, number: int, count: int, layer: str | None = None) -> int:
        if not 0 <= number < count:
            name = layer or self._row.name
            raise IndexError(f"{what} {number} is out of range: layer {name!r} has {count}, 0 to {count - 1}")
        return int(number)

    @T.validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return self._checked("channel", proposal["value"], self._look.table.find(self.layer).channels, self.layer)

    @T.validate("plane")
    def _validate_plane(self, proposal: Any) -> int:
        return self._checked("plane", proposal["value"], self._look.table.find(self.layer).planes, self.layer)

    @T.validate("columns")
    def _validate_columns(self, proposal: Any) -> int:
        if proposal["value"] < 0:
            raise ValueError(f"columns must be 0 (as fits) or more, not {proposal['value']}")
        return int(proposal["value"])

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self._ready:  # at once, not with the drawing: a channel of the new layer may be set right after
            row = self._look.table.find(self.layer)
            with self.quiet():  # what no longer fits is moved before the new layer is drawn
                self._channel_slider.max = self._channel_box.max = row.channels - 1
                self._channels.text = controls.channel_word(row)
                self._plane_slider.max = row.planes - 1
                self.pixel = None

    # ------------------------------------------------------------------ building

    def build(self) -> None:
        """Make the controls and the three panels."""
        most, slices = self._row.channels - 1, self._row.planes - 1
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        self._channel_slider = controls.slider(
            self, "channel", maximum=most, tip="Channel shown large (arrow keys work)"
        )
        self._channel_box = controls.entry(self, "channel", maximum=most, width=60, tip="Type a channel number")
        word = controls.channel_word(self._row)
        self._channels = controls.labelled(word, self._channel_slider, self._channel_box)
        self._plane_slider = controls.slider(self, "plane", maximum=slices, tip="Slice of the volume or stack")
        self._planes = controls.labelled("Slice", self._plane_slider)
        self._scale = controls.ScaleControl(self, "scale", tip=controls.SCALE_TIP)
        colours = controls.dropdown(
            self, "colormap", colormaps, width=100, tip="auto: a diverging map centred on 0 for signed values"
        )
        columns = controls.auto_entry(self, "columns", maximum=999, tip="Maps in a row; auto: as many as fit")
        bar = [
            self.layer_control(),
            self.image_control(),
            self._channels,
            self._planes,
            controls.labelled("Colours", colours),
            controls.labelled("Columns", columns),
            controls.labelled("Scale", self._scale),  # last: its boxes for a fixed range push nothing
        ]
        self._title = Text()
        self._input = ImagePanel()
        self._grid = GridPanel(lambda channel: self.set_trait("channel", channel))
        self._detail = ChannelPanel(lambda pixel: self.set_trait("pixel", pixel))
        self._drawn: tuple[Any, ...] | None = None
        panels = [self._input, self._grid, self._detail]
        self._body.children = controls.card_body(self._title, bar, panels)

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Look up, or run the model for, the layer and the image."""
        cached = self._subject.known(self.index, self.layer)
        output = self._subject.output(self.index, self.layer)
        self.look()
        self._output, self._cached = output, cached and self._ready

    def render(self) -> None:
        """Draw the panels; what has not changed is not sent again."""
        row, plane = self._row, min(self.plane, self._row.planes - 1)
        drawn = (self._output, plane, self.colormap, self.scale, self.columns)
        same = self._drawn is not None and drawn[0] is self._drawn[0] and drawn[1:] == self._drawn[1:]
        if not same:
            image = self._look.item.image
            aspect = 1.0 if image is None else image.shape[-1] / image.shape[-2]
            maps = drawable(self._output, row, aspect=aspect, plane=plane).numpy()
            self._apart = extra_tokens(self._output, row, aspect=aspect, plane=plane)
            self._shaded = Shaded.of(maps, colormap=self.colormap, scale=self.scale)
            self._grid.draw(self._shaded, row, self.columns, self.scale == "map")
            self._drawn = drawn
        self._grid.reserve(self._look.table.showable, self.columns)
        self._grid.select(self.channel)
        self._source = markup.source("cached" if self._cached else "computed", self.milliseconds)
        self._cached = True  # until the next pass: what only the display changes runs nothing
        if same:
            self._render_rest()
        else:
            self.later(self._render_rest)

    def _render_rest(self) -> None:
        row = self._row
        self._detail.draw(self._shaded, row, self.channel, self.pixel, self._unit_names(), self._tokens())
        if self._input.look is not self._look:
            self._input.draw(self.index, self._look, self._subject)
        self._planes.layout.display = "" if row.planes > 1 else "none"
        self._scale.suggestion = self._shaded.ends()[::2]
        self._title.value = markup.title(row.name, *self._said(), status=self._status(), source=self._source)

    def static(self) -> Card:
        """What the view shows, without the controls."""
        title = " · ".join([self._row.name, *self._said()])
        panels = (self._input.static(), self._grid.static(), self._detail.static())
        return Card(title, panels, self._status())

    # ------------------------------------------------------------------ words

    def _said(self) -> list[str]:
        row, text = self._row, self._look.item.text
        extent = " × ".join(map(str, row.size[-2:]))
        what = {"vector": "units", "tokens": f"features of {extent} tokens"}.get(row.kind, f"maps of {extent}")
        if extra := len(self._apart):
            grid = " × ".join(map(str, self._shaded.maps.shape[1:]))
            what = f"features of {grid} tokens, {'class token' if extra == 1 else f'{extra} tokens'} apart"
        module = row.type
        if row.operation:
            module = f"{row.type} in {row.module}" if row.module else row.type
        elif row.module:
            module = describe_module(get_layer(self._subject.module, row.module))
        return [
            module,
            f"{row.channels:,} {what}",
            markup.pictured(self._shown, text),
        ]

    def _status(self) -> str:
        return markup.scale_words(self._shaded, self.scale)

    def _tokens(self) -> list[tuple[str, float]]:
        """What the tokens that stand apart from the grid hold for the chosen channel."""
        names = ["class token"] if len(self._apart) == 1 else [f"token {at} apart" for at in range(len(self._apart))]
        return [(name, float(token[self.channel])) for name, token in zip(names, self._apart, strict=True)]

    def _unit_names(self) -> list[str]:
        """Class names, where the layer is the last and has as many units."""
        names = self._subject.names.of(self._row.channels)
        last = self._row.name == self._look.table.showable[-1].name
        return names if last and len(names) == self._row.channels else []
