"""Which channel of a layer, or unit of a vector."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as W
import traitlets as T

from ...compute.layers import Layer
from .basic import Group, channel_word, entry, fit, slider


class ChannelControl(Group):
    """Slider and box for the trait `channel` of a view.

    Parameters
    ----------
    view : HasTraits
        Has the trait.
    layer : Layer
        The layer as it is now.
    tip : str
        Tooltip of the slider.
    width : int
        Of the slider, in px.
    beside : sequence of Widget
        As of every `Group`.
    """

    def __init__(
        self, view: T.HasTraits, layer: Layer, *, tip: str, width: int = 150, beside: Sequence[W.Widget] = ()
    ) -> None:
        last = layer.channels - 1
        self._view = view
        self._slider = slider(view, "channel", maximum=last, width=width, tip=tip)
        self._box = entry(view, "channel", maximum=last, width=60, tip="Type a channel number")
        super().__init__(channel_word(layer), self._slider, self._box, beside=beside)

    def fit(self, layer: Layer) -> None:
        """Offer what another layer has; a channel that this one has not becomes its last."""
        fit(self._view, "channel", layer.channels - 1, [self._slider, self._box])
        self.text = channel_word(layer)
