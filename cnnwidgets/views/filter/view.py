"""FilterView: what the filters of a convolution look for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import ipywidgets as W
import traitlets as T
from torch import nn

from ...compute.core import listing, plain, weights_version
from ...compute.filters import ORDERS, Filters, filters, fold
from ...compute.layers import drawable
from ...render.color import Shaded, choose
from ...render.static import Panel
from ...widgets import controls
from ...widgets.base import ModelView
from ...widgets.input import ShowsOwnImages
from ...widgets.panels import channel_panel, image_panels
from ...widgets.picker import PicksImages
from ...widgets.state import Colormap, Given, Integer, Snapshot, Subject, call
from ...widgets.surface import markup
from .controls import FilterControls, ZoomControl
from .convolutions import Convolutions
from .navigation import Navigation
from .numbers import ImageIndex, LayerIndex
from .panels import WIDE, filter_panel, layer_counts, sheet_marks, sheet_panel, weights_panel
from .sheets import MODES, SCALES, Kernels, Sheet, lay_out


class FilterView(ShowsOwnImages, PicksImages, ModelView):
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

    Attributes
    ----------
    subject : Subject or None
        Model and data set, and what is known of them; None without a data set.
    snapshot : Snapshot or None
        The image that is shown, as the network sees it; None without a data set.

    Raises
    ------
    TypeError, ValueError
        The model is none, or has no convolution; `layer` is not one; a keyword is misspelt or does not fit the layer.
    LookupError, IndexError
        No such layer, filter, channel or image.
    """

    sliders: ClassVar[dict[str, str]] = {"layer": "Layer", "filter": "Filter"}

    layer = T.Unicode(help="name of a convolution").tag(source=True)
    folded = T.Bool(False, help="with the BatchNorm behind it folded in, as in evaluation mode").tag(source=True)
    index = ImageIndex(help="which image of the data set, from 0").tag(source=True)
    filter = LayerIndex(help="which filter is shown large: an output channel, from 0").tag(display=True)
    channel = LayerIndex(help="which of its kernels: an input channel of its group, from 0").tag(display=True)
    plane = LayerIndex(help="which slice of a kernel of three dimensions, from 0").tag(display=True)
    mode = T.Enum(MODES, "collated", help="rgb: in colour; single: page by page; collated: all").tag(display=True)
    scale = T.Enum(SCALES, "filter", help="value range of the colours: kernel, filter, layer").tag(display=True)
    order = T.Enum(ORDERS, "index", help="how filters are sorted").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging; not for rgb").tag(display=True)
    columns = Integer(0, help="pictures in a row; 0: as fits").tag(display=True)
    zoom = Integer(1, help="collated: 1 shows all, 2 half the rows and columns ...").tag(display=True)
    center = T.Tuple(T.Int(), T.Int(), help="collated: (filter, channel) in the middle").tag(display=True)

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
        # everything that can be wrong is looked at before a widget exists
        options = {"classes": classes, "denormalize": denormalize, "prepare": prepare}
        self.subject: Subject | None = None
        self.snapshot: Snapshot | None = None
        self._module = model.module if isinstance(model, Subject) else plain(model)
        self._known = Convolutions(self._module)
        if isinstance(model, Subject) or dataset is not None:
            self.subject = Subject.of(model, dataset, cache_bytes=cache_bytes, **options)
            self.snapshot = self.subject.at(traits.get("index", 0))
        elif given := [name for name, value in options.items() if value is not None]:
            raise TypeError(f"{given[0]} belongs to a data set, and there is none: FilterView(model, dataset)")
        traits["layer"] = self._known.find(traits.get("layer", self._known.names[0]))
        traits.setdefault("mode", "rgb" if "rgb" in self._known.modes(traits["layer"]) else "collated")
        self._navigation = Navigation(self)
        super().__init__(**traits)

    @property
    def filters(self) -> Filters:
        """The filters that are shown, with all their numbers."""
        self.flush()
        return self._filters

    def refresh(self) -> None:
        """Read the weights, and the image, again."""
        if self.subject is not None:
            self.subject.refresh()
        super().refresh()

    def counts(self) -> dict[str, int]:
        """Trait -> how many there are in the layer of what it is the number of."""
        return self._known.counts(self.layer)

    @property
    def deepest(self) -> int:
        """The zoom at which one kernel is seen."""
        return 2 ** controls.top_power(max(self._known.kernels_across(self.layer, self.columns)))

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` may be, as the view now stands."""
        return self._known.names if name == "layer" else super().choices(name)

    # ------------------------------------------------------------------ what the traits may be

    @T.default("center")
    def _centered(self) -> tuple[int, int]:
        return self.filter, self.channel

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return self._known.find(proposal["value"])

    @T.validate("center")
    def _validate_center(self, proposal: Any) -> tuple[int, int]:
        filters, channels = self._known.shape(self.layer)[:2]
        filter, channel = proposal["value"]
        if not (0 <= filter < filters and 0 <= channel < channels):
            raise IndexError(
                f"center {filter, channel} is no kernel: there are {filters} filters × {channels} channels"
            )
        return filter, channel

    @T.validate("mode")
    def _validate_mode(self, proposal: Any) -> str:
        self._known.check_mode(self.layer, proposal["value"])
        return str(proposal["value"])

    @T.validate("folded")
    def _validate_folded(self, proposal: Any) -> bool:
        if proposal["value"]:
            self._known.check_folded(self.layer)
        return bool(proposal["value"])

    @T.validate("zoom", "columns")
    def _validate_size(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        least, most = (1, self.deepest) if name == "zoom" else (0, 9999)
        if not least <= value <= most:
            raise ValueError(f"{name} must be {least} to {most:,}, not {value}")
        return int(value)

    @T.observe("layer", "columns")
    def _bound(self, change: Any) -> None:
        """Move what no longer fits, at once: a filter of the new layer may be set right after."""
        if not self.ready:
            return
        filters, channels = self._known.shape(self.layer)[:2]
        with self.quiet():
            self.folded = self.folded and self.layer in self._known.norms
            for name, count in self.counts().items():
                setattr(self, name, min(getattr(self, name), count - 1))
            self.center = min(self.center[0], filters - 1), min(self.center[1], channels - 1)
            self.zoom = min(self.zoom, self.deepest)
            self.mode = self.mode if self.mode in self._known.modes(self.layer) else "collated"
            self._controls.fit()
            self._zoom.fit()

    def numbers_in_code(self, given: Given) -> list[str]:
        """The filters, by `filters`."""
        options = {"folded": given.trait("folded")} if given.differs("folded") else {}
        return [f"filters = {call('cw.filters', given['model'], given.trait('layer'), **options)}"]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer, image, numbers of filter and kernel, and how they are drawn."""
        self._controls, self._zoom = FilterControls(self, self._known), ZoomControl(self, self._navigation.pan)
        layer, *others = self._controls.bar
        image = [] if self.subject is None else [controls.index_control(self, len(self.subject.items))]
        return [layer, *image, *others]

    def compute(self) -> None:
        """Read the filters; with a data set, look up, or run the model for, the image."""
        version = weights_version(self._module)
        snapshot = row = output = None
        if self.subject is not None:
            snapshot = self.subject.at(self.index)
            name = self._known.norms[self.layer] if self.folded else self._known.module_of(self.layer)
            row = next((row for row in snapshot.modules if row.module == name and row.reason is None), None)
            output = None if row is None else snapshot.output(row.name)  # None: the layer did not run
        key = (self.layer, self.folded, version)
        self._filters = self.remember("filters", key, self._read)
        self.snapshot, self._row, self._output, self._version = snapshot, row, output, version

    def panels(self) -> list[Panel | list[Panel]]:
        """The sheet of kernels; the chosen filter with its weights; its feature map and the image."""
        if weights_version(self._module) != self._version:
            self.compute()  # a picture of weights that are no longer there would be a wrong one
        self._navigation.follow()
        self._controls.show()
        self._zoom.layout.display = "" if self.mode == "collated" else "none"
        kernels = self.remember(
            "kernels",
            (self._filters, self.plane, self.scale),
            lambda: Kernels(self._filters, self.plane, self.scale),
        )
        found, filter, channel, mode = self._filters, self.filter, self.channel, self.mode
        colormap = "gray" if mode == "rgb" else choose(self.colormap, True)
        sheet, described = self._laid_out(kernels, colormap)
        self._navigation.sheet = sheet
        behind = self.remember("weights of the layer", (found,), lambda: layer_counts(found))
        shown: list[Panel | list[Panel]] = [
            replace(described, marks=sheet_marks(sheet, filter, channel)),
            [
                self.remember(
                    "filter",
                    (kernels, filter, channel, colormap, mode),
                    lambda: filter_panel(kernels, filter, channel, colormap, mode),
                ),
                self.remember("weights", (found, filter), lambda: weights_panel(found, filter, behind)),
            ],
        ]
        if self.snapshot is not None:
            shown.append([*self._feature_map(), *self._image(self.snapshot)])
        return shown

    def title(self) -> list[str]:
        """The layer, its filters, and which image its feature map is of."""
        found = self._filters
        kernel = " × ".join(map(str, found.weights.shape[2:]))
        said = [
            found.layer,
            found.description,
            f"{markup.counted(found.count, 'filter')} × {markup.counted(found.channels, 'channel')} of {kernel}",
        ]
        if found.groups > 1:
            said.append("depthwise" if found.channels == 1 else f"{found.groups} groups")
        if found.norm_layer:
            said.append(f"{found.norm_layer} folded in")
        if self.snapshot is not None:
            said.append(markup.pictured(self.snapshot.index, self.snapshot.item.text))
        return said

    def status(self) -> str:
        """What the colours mean, and which filters are near-dead."""
        own = "filter" if self.mode == "rgb" and self.scale == "kernel" else self.scale
        scale = "whole layer" if own == "layer" else f"each {own} its own"
        dead = [str(filter) for filter in self._filters.near_dead.nonzero().ravel().tolist()]
        return f"scale: {scale}, centred on 0" + (f" · {len(dead):,} near-dead: {listing(dead, 6)}" if dead else "")

    # ------------------------------------------------------------------ parts

    def _read(self) -> Filters:
        found = filters(self._module, self.layer)
        return fold(found, self._module, self._known.norms[self.layer]) if self.folded else found

    def _laid_out(self, kernels: Kernels, colormap: str) -> tuple[Sheet, Panel]:
        """The sheet, with its panel; the same ones where nothing on it has changed."""
        order = self.remember(
            f"order by {self.order}", (self._filters,), lambda: self._filters.order(self.order).numpy()
        )

        def make() -> tuple[Sheet, Panel]:
            sheet = lay_out(kernels, order, self.mode, self.columns, self.filter, self.zoom, self.center)
            return sheet, sheet_panel(sheet, kernels, colormap, self.mode, self._navigation.choose, [self._zoom])

        places: dict[str, tuple[int, ...]] = {
            "rgb": (),
            "single": (kernels.page(order, self.filter),),
            "collated": (self.zoom, *self.center),
        }
        return self.remember("sheet", (kernels, order, self.mode, self.columns, colormap, places[self.mode]), make)

    def _feature_map(self) -> list[Panel]:
        """The map that the filter makes of the image; none where the layer did not run."""
        row, output = self._row, self._output
        if row is None or output is None:
            return []
        scale = "layer" if self.scale == "layer" else "map"
        shaded = self.remember(
            "maps", (output, row, scale), lambda: Shaded.of(drawable(output, row).numpy(), scale=scale)
        )
        return [
            self.remember(
                "map",
                (shaded, self.filter),
                lambda: channel_panel(shaded, row, self.filter, width=WIDE, name="Feature map", key="map"),
            )
        ]

    def _image(self, snapshot: Snapshot) -> list[Panel]:
        return self.remember("image", (snapshot.item, snapshot.prediction), lambda: image_panels(snapshot))
