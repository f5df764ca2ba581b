"""The state of FilterView: its traits, what each of them may be, and what moves when the layer changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import traitlets as T
from torch import nn

from ...compute.core import listing
from ...compute.filters import ORDERS, find_convolution
from ...compute.layers import Layer, LayerTable
from ...render.mosaic import nearly_square
from ...widgets import controls
from ...widgets.base import ModelView
from ...widgets.state import Colormap, Subject, Whole
from .sheets import MODES, SCALES


class FilterState(ModelView):
    """The traits of a FilterView. Before `super().__init__()` it needs the attributes declared below."""

    _module: nn.Module
    _table: LayerTable
    _norms: dict[str, str]
    """Convolution -> the BatchNorm that can be folded into it."""
    _subject: Subject | None

    sliders: ClassVar[dict[str, str]] = {"layer": "Layer", "filter": "Filter"}

    layer = T.Unicode(help="name of a convolution").tag(source=True)
    folded = T.Bool(False, help="with the BatchNorm behind it folded in, as in evaluation mode").tag(source=True)
    index = Whole(0, help="which image of the data set, from 0").tag(source=True)
    filter = Whole(0, help="which filter is shown large: an output channel, from 0").tag(display=True)
    channel = Whole(0, help="which of its kernels: an input channel of its group, from 0").tag(display=True)
    plane = Whole(0, help="which slice of a kernel of three dimensions, from 0").tag(display=True)
    mode = T.Enum(MODES, "collated", help="rgb: in colour; single: page by page; collated: all").tag(display=True)
    scale = T.Enum(SCALES, "filter", help="value range of the colours: kernel, filter, layer").tag(display=True)
    order = T.Enum(ORDERS, "index", help="how filters are sorted").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging; not for rgb").tag(display=True)
    columns = Whole(0, help="pictures in a row; 0: as fits").tag(display=True)
    zoom = Whole(1, help="collated: 1 shows all, 2 half the rows and columns ...").tag(display=True)
    center = T.Tuple(T.Int(), T.Int(), help="collated: (filter, channel) in the middle").tag(display=True)

    def _row(self, layer: str | None = None) -> Layer:
        return self._table.find(layer or self.layer)

    def counts(self) -> dict[str, int]:
        """How many there are of what a trait is the number of."""
        row = self._row()
        return {"filter": row.shape[0], "channel": row.shape[1], "plane": row.planes}

    def modes(self, layer: str) -> list[str]:
        """The modes that fit a layer."""
        part: Any = self._module.get_submodule(layer)
        return list(MODES) if self._row(layer).shape[1] == 3 and part.groups == 1 else [*MODES[1:]]

    def deepest(self) -> int:
        """The zoom at which one kernel is seen."""
        filters, channels, *kernel = self._row().shape
        across = self.columns or nearly_square(filters, channels, *kernel[-2:])
        return 2 ** controls.top_power(max(across, -(-filters * channels // across)))

    def fit(self) -> None:
        """Fit the controls to the layer; called without drawing."""

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` of `sliders` may be, as the view now stands."""
        return [row.name for row in self._table] if name == "layer" else range(self.counts()[name])

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return find_convolution(self._module, proposal["value"])[0]

    @T.validate("index")
    def _validate_index(self, proposal: Any) -> int:
        if self._subject is not None:
            return self._subject.items.checked(proposal["value"])
        if proposal["value"] != 0:
            raise ValueError("index chooses an image, and there is no data set: FilterView(model, dataset)")
        return 0

    @T.validate("filter", "channel", "plane")
    def _validate_number(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        count = self.counts()[name]
        if not 0 <= value < count:
            raise IndexError(f"{name} {value} is out of range: layer {self.layer!r} has {count}, 0 to {count - 1}")
        return int(value)

    @T.validate("center")
    def _validate_center(self, proposal: Any) -> tuple[int, int]:
        filters, channels = self._row().shape[:2]
        filter, channel = proposal["value"]
        if not (0 <= filter < filters and 0 <= channel < channels):
            raise IndexError(
                f"center {filter, channel} is no kernel: there are {filters} filters × {channels} channels"
            )
        return filter, channel

    @T.validate("mode")
    def _validate_mode(self, proposal: Any) -> str:
        if proposal["value"] not in self.modes(self.layer):
            reads = self._module.get_submodule(self.layer).in_channels
            raise ValueError(
                f"mode 'rgb' needs filters that read 3 input channels, and those of layer {self.layer!r} read "
                f"{self._row().shape[1]} of {reads}; allowed: 'single', 'collated'"
            )
        return str(proposal["value"])

    @T.validate("folded")
    def _validate_folded(self, proposal: Any) -> bool:
        if proposal["value"] and self.layer not in self._norms:
            known = f"it can be with {listing(list(self._norms))}" if self._norms else "nor can any other layer"
            raise ValueError(f"layer {self.layer!r} cannot be folded: no BatchNorm gets its output alone; {known}")
        return bool(proposal["value"])

    @T.validate("zoom", "columns")
    def _validate_size(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        least, most = (1, self.deepest()) if name == "zoom" else (0, 9999)
        if not least <= value <= most:
            raise ValueError(f"{name} must be {least} to {most:,}, not {value}")
        return int(value)

    @T.observe("layer", "columns")
    def _bound(self, change: Any) -> None:
        """Move what no longer fits, at once: a filter of the new layer may be set right after."""
        if not self._ready:
            return
        filters, channels = self._row().shape[:2]
        with self.quiet():
            self.folded = self.folded and self.layer in self._norms
            for name, count in self.counts().items():
                setattr(self, name, min(getattr(self, name), count - 1))
            self.center = min(self.center[0], filters - 1), min(self.center[1], channels - 1)
            self.zoom = min(self.zoom, self.deepest())
            self.mode = self.mode if self.mode in self.modes(self.layer) else "collated"
            self.fit()
