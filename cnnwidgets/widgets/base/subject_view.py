"""SubjectView: what views of a model with a data set share: the layer, the image, and their controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import ipywidgets as W
import traitlets as T
from torch import nn

from ...compute.layers import Layer, LayerTable
from .. import controls
from ..controls import LayerPicker
from ..state import Look, Subject, Whole
from .view import ModelView


class SubjectView(ModelView):
    """A view whose state begins with a layer and the index of an image.

    A subclass says in `choosable` which layers it can show, checks its keywords in `check_traits`, makes its widgets
    in `build` (with `layer_control()` and `image_control()` among them), and calls `look()` in its `compute`.

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

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    sliders: ClassVar[dict[str, str]] = {"index": "Image", "layer": "Layer"}

    layer = T.Unicode(help="name of the layer, as in the layer table").tag(source=True)
    index = Whole(0, help="which image of the data set, from 0").tag(source=True)

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
        self._subject = Subject.of(model, dataset, **options)
        self._shown = traits.get("index", 0)  # behind `index` while that one cannot be shown
        self._look: Look = self._subject.look(self._shown)
        self._listed = self.layers.names
        traits["layer"] = self.checked_layer(traits.get("layer", self.first_layer())).name
        self._row = self._look.table.find(traits["layer"])
        self._picker: LayerPicker | None = None
        self.check_traits(traits)
        super().__init__(**traits)
        self.build()
        self.start()

    # ------------------------------------------------------------------ for subclasses

    def choosable(self, row: Layer) -> bool:
        """Whether the view can show this layer."""
        return row.reason is None

    def check_traits(self, traits: dict[str, Any]) -> None:
        """Raise for keywords that do not fit the model, before a widget exists."""

    def build(self) -> None:
        """Make the widgets and put them into `self._body.children`."""
        raise NotImplementedError

    def look(self) -> None:
        """Item, layer table and prediction of the present image, into `_look` and `_row`; runs the model if need be."""
        look = self._subject.look(self.index)
        row = look.table.find(self.layer)
        self._look, self._row, self._shown = look, row, self.index
        if self._picker is not None and (layers := self.layers).names != self._listed:
            self._listed = layers.names
            self._picker.update(layers)

    def layer_control(self) -> W.Widget:
        """Slider, menu and search for the layer."""
        self._picker = LayerPicker(self, "layer", self.layers)
        return controls.labelled("Layer", self._picker)

    def image_control(self) -> W.Widget:
        """Slider, box and buttons for the index of the image."""
        return controls.index_control(self, len(self._subject.items))

    # ------------------------------------------------------------------ state

    @property
    def subject(self) -> Subject:
        """Model, data set and what is known of them: another view that is given it as its model shares the memory."""
        return self._subject

    @property
    def table(self) -> LayerTable:
        """The layer table of the present image."""
        return self._look.table

    @property
    def layers(self) -> LayerTable:
        """The layers that can be chosen."""
        return LayerTable([row for row in self._look.table if self.choosable(row)], self._look.table.note)

    def refresh(self) -> None:
        """Run the model anew: for weights or data that changed where traits cannot see it."""
        self._subject.refresh()
        super().refresh()

    def first_layer(self) -> str:
        """The layer to begin with: the first that has maps, or else the first that can be shown."""
        rows = self.layers
        if not len(rows):
            raise ValueError(f"{type(self).__name__} can show no layer of {type(self._subject.module).__name__}")
        return next((row.name for row in rows if row.kind == "maps" and row.leaf), rows[0].name)

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` of `sliders` may be, as the view now stands."""
        if name == "layer":
            return self.layers.names
        if name == "channel":
            return range(self._subject.look(self.index).table.find(self.layer).channels)
        return range(len(self._subject.items))

    def checked_layer(self, layer: str) -> Layer:
        """The row of `layer`; raises LookupError where there is none, or where it cannot be shown."""
        row = self._look.table.find(layer)
        if row.reason is not None:
            raise LookupError(f"layer {layer!r} cannot be shown: it {row.reason}")
        if not self.choosable(row):
            known = ", ".join(self.layers.names[:20])
            raise LookupError(f"{type(self).__name__} cannot show layer {layer!r}, a {row.type}; it can show {known}")
        return row

    @T.validate("index")
    def _validate_index(self, proposal: Any) -> int:
        return self._subject.items.checked(proposal["value"])

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return self.checked_layer(proposal["value"]).name
