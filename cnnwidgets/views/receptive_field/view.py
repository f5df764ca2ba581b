"""ReceptiveFieldView: which part of the photo a unit sees, and which pixels of it influence it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import ipywidgets as W
import torch
import traitlets as T

from ...compute.layers import Layer, drawable
from ...compute.receptive_field import Box, ReceptiveField, ReceptiveFields, fields_of, unit_gradient
from ...render.color import Shaded
from ...render.static import Panel
from ...widgets import controls
from ...widgets.base import ImageView
from ...widgets.panels import DETAIL, MapPanel, map_panel
from ...widgets.passes import ByteCache
from ...widgets.state import Colormap, Given, Index, Number, Place, call, image_of
from ...widgets.surface import markup
from . import words
from .moving import UnitSheet, UnitSlot
from .panels import framed, layers_panel, photo_of, photo_panel

GRADIENTS_KEPT = 64 * 2**20
"""Bytes of gradients that are remembered, so that going back to a unit runs nothing."""


class ReceptiveFieldView(ImageView):
    """Click a unit of a layer: its theoretical receptive field is framed on the photo, its gradient laid over it.

    The frame holds every pixel that can matter to the unit (`receptive_field`), the overlay shows how much each of them
    does (`effective_receptive_field`). A click on the photo goes the other way, to the unit whose field has its centre
    there. A table gives size and stride of all layers.

    Parameters
    ----------
    model, dataset, classes, denormalize, prepare, cache_bytes
        As for `ActivationView`.
    **traits
        Initial `layer`, `main_layers`, `index`, `unit`, `channel`, `gradient`, `overlay`, `opacity`, `colormap`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer, unit, channel or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    panels_height: ClassVar[int] = 520

    unit = Place(
        of=lambda view: (view.grid(view.layer), f"layer {view.layer!r}"),
        help="(row, column) of the unit in the layer's map, from 0; None: the middle",
    ).tag(source=True)
    channel = Index(of=ImageView.of_layer, help="which map of the layer is shown, from 0").tag(source=True)
    row = Index(of=unit.rows, help="row of the unit, from 0").tag(internal=True)
    column = Index(of=unit.columns, help="column of the unit, from 0").tag(internal=True)
    gradient = T.Enum(
        ("all", "channel"), "all", help="gradient of the unit summed over all channels, or of the chosen channel"
    ).tag(source=True)
    overlay = T.Bool(True, help="lay the gradient over the photo").tag(display=True)
    opacity = Number(0.9, min=0.0, max=1.0, help="of the overlay where it is strongest, 0 to 1").tag(display=True)
    colormap = Colormap("auto", help="of the map: matplotlib name; auto: diverging for signed values").tag(display=True)

    @property
    def field(self) -> ReceptiveField:
        """The theoretical receptive field of the layer."""
        self.flush()
        return self._field

    @property
    def fields(self) -> ReceptiveFields:
        """The theoretical receptive fields of all layers."""
        self.flush()
        return self._all_fields()

    @property
    def effective(self) -> torch.Tensor | None:
        """The gradient of the unit, (H, W), unscaled: a copy; None where there is none."""
        self.flush()
        return None if self._found is None else self._found.clone()

    def choosable(self, row: Layer) -> bool:
        """Layers of real numbers; not stacks of image windows, which have no place on the photo."""
        followed = not isinstance(self.subject.module, torch.jit.ScriptModule)
        return followed and row.reason is None and row.ran and (row.batch_axis is not None or len(row.shape) < 2)

    def grid(self, layer: str) -> tuple[int, int]:
        """(rows, columns) of the units of `layer`; (1, 1) for a vector."""
        grid: tuple[int, int] = self._all_fields()[layer].grid
        return grid

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:  # at once, not with the drawing: a unit of the new layer may be set right after
            alone = not self.is_quiet  # what is set together with the layer stays as it was set
            with self.quiet():
                self._channels.fit(self.table.find(self.layer))
                self._place.fit(scaled=alone)

    def numbers_in_code(self, given: Given) -> list[str]:
        """The theoretical receptive field of the layer."""
        where = given["model"], image_of(given, self.item, self.index), given.trait("layer")
        return [f"field = {call('cw.receptive_field', *where, **given.options('prepare'))}"]

    # ------------------------------------------------------------------ what the base asks for

    def prepare(self, traits: dict[str, Any]) -> None:
        """Have a memory for gradients; the fields of operations are told too."""
        _ = self.table
        self._gradients = ByteCache(GRADIENTS_KEPT)

    def controls(self) -> list[W.Widget]:
        """Layer, image, channel, unit, which gradient, and how it is laid over the photo."""
        self._channels = controls.ChannelControl(self, self.layer_row, width=110, tip="Map that is shown")
        self._place = controls.PlaceControl(self, "unit", lambda: self.grid(self.layer), what="the unit")
        self._slot = UnitSlot.beside(self, self._place)
        choices = [("all channels", "all"), ("this channel", "channel")]
        tip = "Gradient of the unit summed over all channels, or of the chosen channel alone"
        self._choice = controls.labelled("Gradient", controls.dropdown(self, "gradient", choices, width=116, tip=tip))
        overlay = controls.checkbox(self, "overlay", "", width=20, tip="Lay the gradient over the photo")
        overlay.layout.margin = "2px 6px 2px 0"
        opacity = controls.fraction(self, "opacity", width=110, tip="Opacity of the overlay where it is strongest")
        return [
            self.layer_control(),
            self.image_control(),
            self._channels,
            self._place,
            self._choice,
            controls.labelled("Overlay", overlay, opacity),
            controls.colormap_menu(self, tip="Of the map; auto: diverging, centred on 0, for signed values"),
            *filter(None, [self._slot]),
        ]

    def compute(self) -> None:
        """Run the model for the layer and the image, and backwards for the unit, unless that is known."""
        key = (self.item, self.table, self.layer)  # another unit of it needs no other map
        self._output = self.remember("output", key, lambda: self.snapshot.output(self.layer))
        self._field = self._all_fields()[self.layer]
        self._place.fit()  # the image may be of another size
        vector = self.layer_row.kind == "vector"
        self._chosen = self.channel if vector or self.gradient == "channel" else None
        at = (self.subject.weights, self.index, self.layer, self._place.place, self._chosen)
        found, self._why = self._gradients.get(at), ""
        self.cached &= found is not None
        if found is None:
            try:
                found = self._unit_gradient()
                self._gradients.put(at, found)
            except (RuntimeError, ValueError, TypeError) as error:
                self._why = f"none: {' '.join(str(error).split())}"
        self._found = found

    def panels(self) -> list[Panel]:
        """The photo with frame and gradient, the map with the unit, and the table of all layers."""
        self._choice.layout.display = "none" if self.layer_row.kind == "vector" else ""
        fields = self._all_fields()
        layers = self.remember("layers", (fields,), lambda: layers_panel(fields))
        return [self._photo(), self._map(), layers.choose(self.layer_row.name)]

    def render(self) -> None:
        """Draw, and say to a page that moves the unit by itself where the fields lie."""
        super().render()
        self.box("photo").add_class("cnnw-magnified")
        if self._slot is not None:
            self._slot.show(self._sheet() if self._slot.live else None, "photo", "map")

    def title(self) -> list[str]:
        """The layer, what it sees, and of which image."""
        pictured = markup.pictured(self.snapshot.index, self.item.text)
        return [self.layer_row.name, self.layer_row.type, words.sentence(self._field), pictured]

    def status(self) -> str:
        """Whose gradient it is."""
        what = "unit" if self.layer_row.kind == "vector" else "channel"
        return f"gradient of {'all channels' if self._chosen is None else f'{what} {self._chosen}'}"

    def refresh(self) -> None:
        """Run the model again: for weights or data that changed where traits cannot see it."""
        self._gradients.clear()
        super().refresh()

    # ------------------------------------------------------------------ parts

    def _all_fields(self) -> ReceptiveFields:
        """The fields of all layers; one pass for each size of image."""
        image = self.item.image
        key = (None if image is None else tuple(image.shape), *self.table.names)
        return self.remember("fields", key, self._make_fields)

    def _make_fields(self) -> ReceptiveFields:
        rows = [row for row in self.table if self.choosable(row)]
        return fields_of(self.subject.module, self._images(), rows, prepare=self.subject.prepare)

    def _unit_gradient(self) -> torch.Tensor:
        options: dict[str, Any] = {"unit": self._place.place, "channel": self._chosen, "prepare": self.subject.prepare}
        return unit_gradient(self.subject.module, self._images(), self.layer_row, **options)

    def _images(self) -> Any:
        return self.subject.items.batch(self.item)

    @property
    def _box(self) -> Box:
        return self._field.box(*self._place.place, channel=self._chosen)

    def _photo(self) -> Panel:
        size, found = self._field.image, self._found if self.overlay else None
        photo, label = self.remember("photo", (self.item, size), lambda: photo_of(self.snapshot, size))
        heading = " · ".join(filter(None, [markup.image_name(self.snapshot.index), label]))
        heat, opacity = None if found is None else found.numpy(), None if found is None else self.opacity
        panel = self.remember(
            "overlay",
            (photo, found, opacity),
            lambda: photo_panel(heading, photo, heat, self.opacity, self._to_pixel),
        )
        return framed(panel, photo, self._box)

    def _map(self) -> Panel:
        row, channel = self.layer_row, self.channel
        shaded = self.remember("maps", (self._output, row, self.colormap), self._colored)
        shown = None if row.kind == "vector" else channel
        panel = self.remember("map", (shaded, shown), lambda: self._bare_map(shaded, shown))
        if shown is None:
            called = self.unit_names[channel] if self.unit_names else f"of {row.channels:,}"
            panel = panel.unit(channel, heading=f"Unit {channel} · {called}")
        else:
            y, x = self._place.place
            size = " × ".join(map(str, self._field.grid))
            panel = panel.framed((x, y, x + 1, y + 1), heading=f"Channel {channel} · {size}")
        return replace(panel, lines=self._facts())

    def _sheet(self) -> UnitSheet | None:
        pixels = self.box("photo").panel.pixels
        assert pixels is not None
        of = self._field, self._chosen, pixels.shape[:2]
        return self.remember("sheet", of, lambda: UnitSheet.of(*of))

    def _colored(self) -> Shaded:
        height, width = self._field.image
        maps = drawable(self._output.detach(), self.layer_row, aspect=width / height)
        scale = "layer" if self.layer_row.kind == "vector" else "map"
        return Shaded.of(maps.numpy(), colormap=self.colormap, scale=scale)

    def _bare_map(self, shaded: Shaded, channel: int | None) -> MapPanel:
        return map_panel(
            shaded,
            channel,
            hint="click a unit",
            width=DETAIL,
            on_place=lambda unit: self.set_trait("unit", unit),
            on_unit=lambda unit: self.set_trait("channel", unit),
        )

    def _to_pixel(self, row: float, column: float) -> None:
        self.flush()
        self.unit = self._field.unit_at(row, column)

    def _facts(self) -> Sequence[tuple[str, str]]:
        facts = words.of_unit(self._field, self._place.place, self._chosen)
        if self._found is None:
            return [*facts, ("gradient", self._why)]
        return [*facts, *words.of_gradient(self._found.numpy(), self._box)]
