"""LayerView and ImageView: views of a model with a data set, whose state begins with a layer, and with an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import ipywidgets as W
import torch
import traitlets as T
from torch import nn

from ...compute.core import check_numbers
from ...compute.dataset import Item
from ...compute.layers import Layer, LayerTable
from ...compute.overview import ordinary, worth_choosing
from .. import controls
from ..controls import LayerPicker
from ..input import ShowsOwnImages
from ..picker import PicksImages
from ..state import Index, Operations, Snapshot, Subject
from ..surface import markup
from .view import ModelView


class LayerView(ModelView):
    """A view whose state begins with a layer of a network.

    A subclass says in `choosable` which layers it can show; puts `layer_control()` among its `controls`; and finds, in
    `compute` and after, the layer in `layer_row`, the data set in `subject`, and what a pass told in `snapshot`.

    The menu lists the main layers, which have something of their own to see, or all, as `main_layers` says; any layer
    can be named, and is listed as long as it is looked at.

    The view opens with the layers that hooks see. Operations between them (`add`, a functional `relu`) are known once
    somebody has asked for them: who names one, searches the menu, or reads `table`, `layers` or `choices("layer")`. In
    a notebook they come into the menu a moment after the first picture; `settle` waits for them.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network that takes (N, C, H, W) images; or what another view already looks at, to share its memory.
    dataset : indexable
        Gives (image, label); None with a `Subject`.
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
        Initial values of the view's traits.

    Attributes
    ----------
    subject : Subject
        Model, data set and what is known of them: another view that is given it as its model shares the memory.
    snapshot : Snapshot
        The image that the table is of, as the network sees it: of a view without `index`, the first.
    layer_row : Layer
        The layer, as the layer table describes it.
    known : LayerTable
        The layer table as far as it is known; what the menu of layers is made of.
    cached : bool
        Whether the present drawing needed no pass.
    given : dict
        The traits that the view was made with, as they were given: for `first_layer`, which is asked before they are
        set.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    sliders: ClassVar[dict[str, str]] = {"layer": "Layer"}
    shows_operations: ClassVar[bool] = True
    """Whether operations without a module can be shown: only for these the network is traced."""

    _operations: Operations | None = None  # until the constructor gets there: it may raise before

    layer = T.Unicode(help="name of the layer, as in the layer table").tag(source=True)
    main_layers = T.Bool(
        True, help="list only layers with something of their own to see; False: all that can be chosen"
    ).tag(display=True)

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
        options = {"classes": classes, "denormalize": denormalize, "prepare": prepare, "cache_bytes": cache_bytes}
        self.subject = Subject.of(model, dataset, **options)
        check_numbers(self.subject.module)
        self.snapshot: Snapshot = self.subject.at(traits.get("index", 0))
        self.given = dict(traits)
        self.layer_row = self.checked_layer(traits["layer"] if "layer" in traits else self.first_layer())
        traits["layer"] = self.layer_row.name
        self.cached = False
        self._picker: LayerPicker | None = None
        self.known = self._known()
        self._operations = Operations(self)
        super().__init__(**traits)
        self.list_later()

    # ------------------------------------------------------------------ for subclasses

    def choosable(self, row: Layer) -> bool:
        """Whether the view can show this layer."""
        return row.reason is None

    def first_layer(self) -> str:
        """The layer to begin with: of the main ones the first that has maps, or else the first; modules first."""
        first = self._first_of(self.snapshot.modules) or self._first_of(self._every)
        if not first:
            module = self.subject.module
            scripted = isinstance(module, torch.jit.ScriptModule)
            why = ": it is TorchScript, whose layers cannot be followed one by one" if scripted else ""
            raise ValueError(f"{type(self).__name__} can show no layer of {type(module).__name__}{why}")
        return first

    def layer_control(self) -> W.Widget:
        """Slider, menu and search for the layer."""
        self.known = self._known()
        self._listed = self._of(self.known)
        self._worth = worth_choosing(self.known)
        self._picker = LayerPicker(self, "layer", self._listed, main=self._worth, wanted=self._operations_wanted)
        return controls.labelled("Layer", self._picker)

    @property
    def item(self) -> Item:
        """The image that is shown, with its label."""
        return self.snapshot.item

    @property
    def unit_names(self) -> list[str]:
        """Names of the units of the layer: of the classes, where it is the last layer and has as many; else none."""
        names = self.subject.names.of(self.layer_row.channels)
        last = self.layer_row.name == self.snapshot.modules.showable[-1].name
        return names if last and len(names) == self.layer_row.channels else []

    # ------------------------------------------------------------------ state

    @property
    def table(self) -> LayerTable:
        """The layer table of the present image."""
        return self.snapshot.table

    @property
    def layers(self) -> LayerTable:
        """The layers that can be chosen."""
        return self._of(self._every)

    @property
    def offered(self) -> LayerTable:
        """The layers that the menu lists where nobody narrows it: as `main_layers` says, and the present one."""
        layers = self.layers
        if not self.main_layers:
            return layers
        main = {*ordinary(self._every, layers).names, self.layer}
        return LayerTable([row for row in layers if row.name in main], layers.note)

    def of_layer(self) -> tuple[int, str]:
        """Channels of the layer that `layer` names now, and words for it: what an `Index` of them counts."""
        row = self.snapshot.find(self.layer)
        return row.channels, f"layer {row.name!r} has {row.channels}"

    def outdated(self) -> bool:
        """Whether the weights have changed since the snapshot: maps of old ones are a wrong picture."""
        return self.snapshot.outdated()

    def look_and_compute(self) -> None:
        """Take a snapshot, and `compute` from it; after an error the one before is back."""
        before, passes = (self.snapshot, self.layer_row), self.subject.passes
        self.snapshot = self.take_snapshot()
        try:
            if self.known is not before[0].modules and self.shows_operations:
                _ = self.snapshot.table  # a menu that has operations keeps them
            self.layer_row = self.snapshot.find(self.layer)
            self.cached = self.ready
            self.compute()
            self.cached &= self.subject.passes == passes
        except BaseException:
            self.snapshot, self.layer_row = before
            raise
        known = self.snapshot.known if self.shows_operations else self.snapshot.modules
        if known is not self.known:
            self.list_layers()

    def _known(self) -> LayerTable:
        """The table as far as it is known, for a view that shows operations."""
        return self.snapshot.known if self.shows_operations else self.snapshot.modules

    @property
    def _every(self) -> LayerTable:
        """The table to the end, for a view that shows operations."""
        return self.table if self.shows_operations else self.snapshot.modules

    def _of(self, table: LayerTable) -> LayerTable:
        """The layers of a table that can be chosen."""
        return LayerTable([row for row in table if self.choosable(row)], table.note)

    def _first_of(self, table: LayerTable) -> str:
        """The first main layer of a table with maps, or else the first, or of the others; empty where there is none."""
        worth = worth_choosing(table)
        rows = sorted(table, key=lambda row: (row.name not in worth, row.kind != "maps" or not row.leaf))
        return next((row.name for row in rows if self.choosable(row)), "")

    def list_layers(self) -> None:
        """Have the menu list what is known of the present image; what is chosen stays."""
        known, self.known = self.known, self._known()
        if self.known is not known and self._picker is not None:
            before = self._listed.names, self._listed.note, self._worth
            self._listed, self._worth = self._of(self.known), worth_choosing(self.known)
            if (self._listed.names, self._listed.note, self._worth) != before:
                self._picker.update(self._listed, self._worth)
                if self.ready:
                    self._loosen_new()

    def list_later(self) -> None:
        """Have the operations come into the menu in a moment, where the thread that runs the cells has one."""
        waits = self.shows_operations and self._picker is not None and not self.snapshot.traced
        if waits and self._operations is not None:
            self._operations.start()

    def _operations_wanted(self) -> None:
        if self.shows_operations and self._operations is not None:
            self._operations.wanted()

    def take_snapshot(self) -> Snapshot:
        """The image as the network sees it now, for the drawing that begins."""
        return self.subject.at(0)

    def render(self) -> None:
        """Draw what `compute` found as the display traits say."""
        super().render()
        self.cached = True  # until the next pass: what only the display changes runs nothing

    def source(self) -> str:
        """How the picture came about, for the tooltip of the title line."""
        return markup.source("cached" if self.cached else "computed", self.milliseconds)

    def settle(self) -> None:
        """Draw the present state to the end, with all that is usually drawn later, and list all layers."""
        super().settle()
        if self.shows_operations and self._operations is not None:
            self._operations.find()

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if self._operations is not None:
            self._operations.stop()
        super().close()

    def refresh(self) -> None:
        """Run the model again: for weights or data that changed where traits cannot see it."""
        self.subject.refresh()
        super().refresh()

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` may be, as the view now stands; of `layer` what the menu lists, others may be named."""
        return self.offered.names if name == "layer" else super().choices(name)

    def checked_layer(self, layer: str) -> Layer:
        """The row of `layer`; raises LookupError where there is none, or where it cannot be shown."""
        row = self.snapshot.find(layer)
        if row.reason is not None:
            raise LookupError(f"layer {layer!r} cannot be shown: it {row.reason}")
        if not self.choosable(row):
            known = ", ".join(self.layers.names[:20])
            what = f"the operation {row.type}" if row.operation else f"a {row.type}"
            raise LookupError(f"{type(self).__name__} cannot show layer {layer!r}, {what}; it can show {known}")
        return row

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return self.checked_layer(proposal["value"]).name


class ImageView(ShowsOwnImages, PicksImages, LayerView):
    """A view whose state begins with a layer and the index of an image.

    Parameters, attributes and errors are those of `LayerView`; a subclass also has `image_control()`, and `snapshot`
    and `item` are of image `index`, or of the last one that could be shown.
    """

    sliders: ClassVar[dict[str, str]] = {"index": "Image", "layer": "Layer"}

    index = Index(
        0,
        of=lambda view: (len(view.subject.items), f"the data set has {len(view.subject.items)} images"),
        help="which image of the data set, from 0",
    ).tag(source=True)

    def image_control(self) -> W.Widget:
        """Slider, box and buttons for the index of the image."""
        return controls.index_control(self, len(self.subject.items))

    def take_snapshot(self) -> Snapshot:
        """Image `index` as the network sees it now, for the drawing that begins."""
        return self.subject.at(self.index)
