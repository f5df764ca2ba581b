"""FilterView: what the filters of a convolution look for."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray
from torch import nn

from ...compute.core import listing, plain, weights_version
from ...compute.filters import Filters, batch_norms, convolutions, filters, find_convolution, fold
from ...compute.layers import drawable
from ...render.color import Shaded, choose
from ...render.mosaic import Window
from ...render.static import Card, Panel
from ...widgets import controls
from ...widgets.panels import ChannelPanel, ImagePanel
from ...widgets.state import Subject
from ...widgets.surface import Text, markup
from .controls import FilterControls, ZoomControl
from .panels import WIDE, FilterPanel, SheetPanel
from .sheets import Kernels, Sheet, lay_out
from .state import FilterState

CLOSER = 4
"""How much a click zooms in where kernels are too small to be hit."""


class FilterView(FilterState):
    """The filters of a convolution in one picture, the chosen one large, with its numbers.

    The model alone is enough, and then nothing is run. With a data set, the feature map that the chosen filter makes of
    an image stands beside it.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network with convolutions, looked at and never changed; or what another view already looks at.
    dataset : indexable, optional
        Gives (image, label), for the feature map.
    classes, denormalize, prepare, cache_bytes
        As `ActivationView` takes them; only with a data set.
    **traits
        Initial `layer`, `filter`, `channel`, `plane`, `folded`, `mode`, `scale`, `order`, `colormap`, `columns`,
        `zoom`, `center` and `index`.

    Raises
    ------
    TypeError, ValueError
        The model is none, or has no convolution; `layer` is not one; a keyword is misspelt or does not fit the layer.
    LookupError, IndexError
        No such layer, filter, channel or image.
    """

    def __init__(
        self,
        model: nn.Module | Subject,
        dataset: Any = None,
        *,
        classes: Any = None,
        denormalize: Any = None,
        prepare: Any = None,
        cache_bytes: int = 512 * 2**20,
        **traits: Any,
    ) -> None:
        self.check_keywords(traits)
        options = {"classes": classes, "denormalize": denormalize, "prepare": prepare}
        self._subject: Subject | None = None
        self._module = model.module if isinstance(model, Subject) else plain(model)
        self._table = convolutions(self._module)
        if not len(self._table):
            raise ValueError(f"FilterView needs a convolution, and {type(self._module).__name__} has none")
        if isinstance(model, Subject) or dataset is not None:
            self._subject = Subject.of(model, dataset, cache_bytes=cache_bytes, **options)
            self._subject.look(traits.get("index", 0))  # refuses what it cannot run, before a widget exists
        elif given := [name for name, value in options.items() if value is not None]:
            raise TypeError(f"{given[0]} belongs to a data set, and there is none: FilterView(model, dataset)")
        self._norms = batch_norms(self._module)
        traits["layer"] = find_convolution(self._module, traits.get("layer", self._table[0].name))[0]
        traits.setdefault("mode", "rgb" if "rgb" in self.modes(traits["layer"]) else "collated")
        self._read: tuple[Any, ...] | None = None
        self._kernels: Kernels | None = None
        self._sheet: Sheet | None = None
        self._drawn: tuple[Any, ...] | None = None
        self._followed: tuple[Any, ...] | None = None
        self._made: tuple[Any, str, Shaded] | None = None
        super().__init__(**traits)
        if "center" not in traits:
            self.center = self.filter, self.channel
        self._build()
        self.start()

    @property
    def filters(self) -> Filters:
        """The filters that are shown, with all their numbers."""
        self._newest.flush()
        return self._filters

    def refresh(self) -> None:
        """Read the weights, and the image, anew."""
        self._read = None
        if self._subject is not None:
            self._subject.refresh()
        super().refresh()

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        self._controls = FilterControls(self, self._table)
        self._zoom = ZoomControl(self, self._pan)
        self._title = Text()
        self._many, self._one = SheetPanel(self._choose, self._zoom), FilterPanel()
        bar, panels = self._controls.bar, [self._many, self._one]
        if self._subject is not None:
            self._map, self._input = ChannelPanel(lambda pixel: None, WIDE, name="Feature map"), ImagePanel()
            bar = [bar[0], controls.index_control(self, len(self._subject.items)), *bar[1:]]
            # one above the other beside the filter; side by side below it, where the cell is narrow
            layout = W.Layout(flex_flow="row wrap", align_items="flex-start", flex=f"1 1 {WIDE + 24}px")
            panels.append(W.HBox([self._map, self._input], layout=layout))
        self._body.children = controls.card_body(self._title, bar, panels)

    def fit(self) -> None:
        """Fit the controls to the layer."""
        self._controls.fit()
        self._zoom.fit()

    def _choose(self, filter: int, channel: int) -> None:
        if self.mode == "rgb":
            self.filter = filter
            return
        with self.hold_trait_notifications():
            self.filter, self.channel = filter, channel
            if self._sheet is not None and self._sheet.grid is None:  # too small to be hit
                self.center, self.zoom = (filter, channel), min(self.deepest(), CLOSER * self.zoom)

    def _pan(self, down: int, right: int) -> None:
        if self._sheet is not None and isinstance(self._sheet.cells, Window):
            self.center = self._sheet.kernel(self._sheet.cells.panned(down, right))

    def _follow(self) -> None:
        """Zoom around the chosen kernel; and go to where it is, when another one is chosen out of sight."""
        now = self.zoom, (self.filter, self.channel), self.center
        before = self._followed or now
        if self._sheet is not None and self.mode == "collated" and self.center == before[2]:
            seen = self._sheet.box(self.filter, self.channel) is not None
            if (seen and now[0] != before[0]) or (not seen and now[1] != before[1]):
                self.center = now[1]
        self._followed = *now[:2], self.center

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Read the filters; with a data set, look up, or run the model for, the image."""
        key = (self.layer, self.folded, weights_version(self._module))
        if self._subject is not None:
            look = self._subject.look(self.index)
            name = self._norms[self.layer] if self.folded else self.layer
            row = next((row for row in look.table if row.module == name and row.reason is None), None)
            made = None  # by a layer that did not run
            if row is not None:
                made = drawable(self._subject.output(self.index, row.name), row).numpy()
            self._look, self._shown, self._made_row, self._output = look, self.index, row, made
        if self._read != key:
            found = filters(self._module, self.layer)
            self._filters = fold(found, self._module, self._norms[self.layer]) if self.folded else found
            self._orders: dict[str, NDArray[np.int64]] = {}
            self._read = key

    def render(self) -> None:
        """Draw the panels; a sheet that has not changed is not sent again."""
        self._follow()
        if self.order not in self._orders:
            self._orders[self.order] = self._filters.order(self.order).numpy()
        order = self._orders[self.order]
        if self._kernels is None or self._kernels.key != (self._filters, self.plane, self.scale):
            self._kernels = Kernels(self._filters, self.plane, self.scale)
        kernels, colormap = self._kernels, "gray" if self.mode == "rgb" else choose(self.colormap, True)
        place = {"rgb": 0, "single": kernels.page(order, self.filter), "collated": (self.zoom, self.center)}[self.mode]
        drawn = (kernels, self.order, self.mode, self.columns, colormap, place)
        if self._drawn != drawn:
            self._sheet = lay_out(kernels, order, self.mode, self.columns, self.filter, self.zoom, self.center)
            self._many.draw(self._sheet, kernels, colormap, self.mode)
            self._drawn = drawn
        self._many.select(self.filter, self.channel)
        self._controls.show(foldable=self.layer in self._norms)
        self._one.draw(kernels, self.filter, self.channel, colormap, self.mode)
        if self._subject is not None:
            self._map.layout.display = "none" if self._output is None else ""
            if self._output is not None and self._made_row is not None:
                scale = "layer" if self.scale == "layer" else "map"
                if self._made is None or self._made[0] is not self._output or self._made[1] != scale:
                    self._made = self._output, scale, Shaded.of(self._output, scale=scale)
                self._map.draw(self._made[2], self._made_row, self.filter, None, [])
            if self._input.look is not self._look:
                self._input.draw(self._shown, self._look, self._subject)
        source = markup.source("", self.milliseconds)
        self._title.value = markup.title(self.layer, *self._said(), status=self._status(), source=source)

    def static(self) -> Card:
        """What the view shows, without the controls."""
        panels: list[Panel | list[Panel]] = [self._many.static(), self._one.static()]
        if self._subject is not None:
            panels.append([*([] if self._output is None else [self._map.static()]), *self._input.static()])
        return Card(" · ".join([self.layer, *self._said()]), panels, self._status())

    # ------------------------------------------------------------------ words

    def _said(self) -> list[str]:
        found = self._filters
        kernel = " × ".join(map(str, found.weights.shape[2:]))
        said = [
            found.description,
            f"{markup.counted(found.count, 'filter')} × {markup.counted(found.channels, 'channel')} of {kernel}",
        ]
        if found.groups > 1:
            said.append("depthwise" if found.channels == 1 else f"{found.groups} groups")
        if found.norm_layer:
            said.append(f"{found.norm_layer} folded in")
        if self._subject is not None:
            said.append(markup.pictured(self._shown, self._look.item.text))
        return said

    def _status(self) -> str:
        own = "filter" if self.mode == "rgb" and self.scale == "kernel" else self.scale
        scale = "whole layer" if own == "layer" else f"each {own} its own"
        dead = [str(filter) for filter in self._filters.near_dead.nonzero().ravel().tolist()]
        return f"scale: {scale}, centred on 0" + (f" · {len(dead):,} near-dead: {listing(dead, 6)}" if dead else "")
