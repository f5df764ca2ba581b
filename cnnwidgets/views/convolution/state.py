"""The state of ConvolutionView: its traits, what each of them may be, and what moves when the layer changes."""

from __future__ import annotations

from typing import Any, ClassVar

import traitlets as T
from torch.nn.modules.conv import _ConvNd

from ...compute.convolution import explainable
from ...compute.core import get_layer
from ...compute.layers import Layer
from ...widgets import controls
from ...widgets.base import SubjectView
from ...widgets.controls import IntBox, IntRange, Sliding
from ...widgets.state import Colormap
from .maps import extent_of


class ConvolutionState(Sliding, SubjectView):
    """The traits of a ConvolutionView, beside those of its bases."""

    _channel_slider: IntRange
    _channel_box: IntBox
    _channels: controls.Group

    sliders: ClassVar[dict[str, str]] = {**SubjectView.sliders, "channel": "Channel"}

    channel = T.Int(0, help="which map or unit of the layer is explained, from 0").tag(display=True)
    input_channel = T.Int(0, help="which input channel is shown, from 0; setting it ends `strongest`").tag(display=True)
    strongest = T.Bool(True, help="show the input channel that adds most at each place").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    scale = T.Enum(("layer", "layer-full", "map"), "map", help="colours for the layer, or for each map").tag(
        display=True
    )

    def choosable(self, row: Layer) -> bool:
        """Convolutions, pooling, Linear and BatchNorm that give maps, sequences or vectors."""
        if row.reason is not None or row.operation or not row.module or row.batch_axis != 0 or row.kind == "volume":
            return False
        real = row.dtype is not None and row.dtype.is_floating_point
        return real and explainable(get_layer(self._subject.module, row.module))

    def check_traits(self, traits: dict[str, Any]) -> None:
        """Raise for a channel that the layer does not have."""
        self._checked(traits.get("channel", 0), self._row)
        if "input_channel" in traits:
            traits.setdefault("strongest", False)

    def extent(self) -> tuple[int, int]:
        """(rows, columns) of the layer's map; (1, 1) for a vector."""
        return extent_of(self._look.table.find(self.layer), self._aspect())

    def _checked(self, channel: int, row: Layer) -> int:
        if not 0 <= channel < row.channels:
            last = row.channels - 1
            raise IndexError(f"channel {channel} is out of range: layer {row.name!r} has {row.channels}, 0 to {last}")
        return int(channel)

    @T.validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return self._checked(proposal["value"], self._look.table.find(self.layer))

    @T.validate("input_channel")
    def _validate_input_channel(self, proposal: Any) -> int:
        row = self._look.table.find(self.layer)
        module = get_layer(self._subject.module, row.module)
        count = module.in_channels if isinstance(module, _ConvNd) else row.channels
        if not 0 <= proposal["value"] < count:
            raise IndexError(
                f"input_channel {proposal['value']} is out of range: layer {row.name!r} reads {count}, 0 to {count - 1}"
            )
        return int(proposal["value"])

    @T.observe("input_channel")
    def _chose(self, change: Any) -> None:
        if self._ready and not self._is_quiet:
            self.strongest = False

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self._ready:  # at once, not with the drawing: a channel of the new layer may be set right after
            alone = not self._is_quiet  # what is set together with the layer stays as it was set
            with self.quiet():
                row = self._look.table.find(self.layer)
                self.channel = min(self.channel, row.channels - 1)
                self._channel_slider.max = self._channel_box.max = row.channels - 1
                self._channels.text = controls.channel_word(row)
                self.fit_pixel(scaled=alone)

    def _aspect(self) -> float:
        image = self._look.item.image
        return 1.0 if image is None else image.shape[-1] / image.shape[-2]
