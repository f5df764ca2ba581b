"""ReceptiveFieldView: which part of the photo a unit sees, and which part of that it minds."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ...compute.core import weights_version
from ...compute.layers import Layer, drawable
from ...compute.receptive_field import Box, ReceptiveField, ReceptiveFields, fields_of, unit_gradient
from ...render.color import COLORMAPS, Shaded
from ...render.static import Card, Panel
from ...widgets import controls
from ...widgets.panels import DETAIL, MapPanel
from ...widgets.state import ByteCache, Colormap
from ...widgets.surface import Text, markup
from . import words as field_words
from .panels import LayersPanel, PhotoPanel, photo_of
from .unit import UnitState

GRADIENTS_KEPT = 64 * 2**20
"""Bytes of gradients that are remembered, so that going back to a unit runs nothing."""


class ReceptiveFieldView(UnitState):
    """Click a unit of a layer: its theoretical receptive field is framed on the photo, its gradient laid over it.

    The frame holds every pixel that can matter to the unit (`receptive_field`), the overlay shows how much each of them
    does (`effective_receptive_field`). A click on the photo goes the other way, to the unit whose field has its centre
    there. A table tells size and stride for all layers.

    Parameters
    ----------
    model, dataset, classes, denormalize, prepare, cache_bytes
        As for `ActivationView`.
    **traits
        Initial `layer`, `index`, `unit`, `channel`, `gradient`, `overlay`, `opacity`, `colormap`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer, unit, channel or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    gradient = T.Enum(
        ("all", "channel"), "all", help="gradient of the unit summed over all channels, or of the chosen channel"
    ).tag(source=True)
    overlay = T.Bool(True, help="lay the gradient over the photo").tag(display=True)
    opacity = T.Float(0.9, min=0.0, max=1.0, help="of the overlay where it is strongest, 0 to 1").tag(display=True)
    colormap = Colormap("auto", help="of the map: matplotlib name; auto: diverging for signed values").tag(display=True)

    @property
    def field(self) -> ReceptiveField:
        """The theoretical receptive field of the layer."""
        self._newest.flush()
        return self._field

    @property
    def fields(self) -> ReceptiveFields:
        """The theoretical receptive fields of all layers."""
        self._newest.flush()
        return self._all_fields()

    @property
    def effective(self) -> torch.Tensor | None:
        """The gradient of the unit, (H, W), unscaled: a copy; None where there is none."""
        self._newest.flush()
        return None if self._found is None else self._found.clone()

    # ------------------------------------------------------------------ what traits may be

    def choosable(self, row: Layer) -> bool:
        """Layers of real numbers; not stacks of image windows, which have no place on the photo."""
        return row.reason is None and row.ran and (row.batch_axis is not None or len(row.shape) < 2)

    def check_traits(self, traits: dict[str, Any]) -> None:
        """Raise for a unit or channel that the layer does not have."""
        self._fields: tuple[tuple[Any, ...], ReceptiveFields] | None = None
        super().check_traits(traits)

    def grid(self, layer: str) -> tuple[int, int]:
        """(rows, columns) of the units of `layer`."""
        grid: tuple[int, int] = self._all_fields()[layer].grid
        return grid

    # ------------------------------------------------------------------ building

    def build(self) -> None:
        """Make the controls and the panels."""
        self._gradients = ByteCache(GRADIENTS_KEPT)
        self._found: torch.Tensor | None = None
        self._heat: NDArray[np.float32] | None = None
        self._shaded: tuple[Any, Shaded] | None = None
        self._picture: tuple[Any, NDArray[np.uint8], str] | None = None
        choices = [("all channels", "all"), ("this channel", "channel")]
        tip = "Gradient of the unit summed over all channels, or of the chosen channel alone"
        choice = controls.dropdown(self, "gradient", choices, width=116, tip=tip)
        self._choice = controls.labelled("Gradient", choice)
        overlay = controls.checkbox(self, "overlay", "", width=20, tip="Lay the gradient over the photo")
        overlay.layout.margin = "2px 6px 2px 0"
        opacity = controls.fraction(self, "opacity", width=110, tip="Opacity of the overlay where it is strongest")
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        colours = controls.dropdown(
            self, "colormap", colormaps, width=100, tip="Of the map; auto: diverging, centred on 0, for signed values"
        )
        bar = [
            self.layer_control(),
            self.image_control(),
            self.channel_control(),
            self.unit_control(),
            self._choice,
            controls.labelled("Overlay", overlay, opacity),
            controls.labelled("Colours", colours),
        ]
        self._title, self._facts = Text(), Text()
        self._photo = PhotoPanel(self._to_pixel)
        self._map = MapPanel(
            DETAIL, lambda unit: self.set_trait("unit", unit), lambda unit: self.set_trait("channel", unit)
        )
        self._layers = LayersPanel()
        middle = W.VBox([self._map, self._facts], layout=W.Layout(flex="0 0 auto", overflow="hidden"))
        self._body.children = controls.card_body(self._title, bar, [self._photo, middle, self._layers], height=520)

    def _to_pixel(self, row: float, column: float) -> None:
        self._newest.flush()
        self.unit = self._field.unit_at(row, column)

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Run the model for the layer and the image, and backwards for the unit, unless that is known."""
        passes = self._subject.passes
        output = self._subject.output(self.index, self.layer)
        self.look()
        fields = self._all_fields()
        self._output, self._field, self._place = output, fields[self.layer], self.place
        vector = self._row.kind == "vector"
        self._chosen = self.channel if vector or self.gradient == "channel" else None
        key = (weights_version(self._subject.module), self.index, self.layer, self._place, self._chosen)
        self._drawing = key[:3]
        found, self._why = self._gradients.get(key), ""
        self._cached = self._subject.passes == passes and found is not None
        if found is None:
            try:
                found = self._unit_gradient()
                self._gradients.put(key, found)
            except (RuntimeError, ValueError, TypeError) as error:
                self._why = f"none: {' '.join(str(error).split())}"
        if found is not self._found or found is None:
            self._found, self._heat = found, None if found is None else found.numpy()

    def _unit_gradient(self) -> torch.Tensor:
        subject, images = self._subject, self._images()
        options: dict[str, Any] = {"unit": self._place, "channel": self._chosen, "prepare": subject.prepare}
        return unit_gradient(subject.module, images, self._row, **options)

    def _images(self) -> Any:
        item = self._look.item
        return item.raw if self._subject.prepare is not None or item.image is None else item.image[None]

    def _all_fields(self) -> ReceptiveFields:
        """The fields of all layers; one pass for each size of image."""
        image = self._look.item.image
        key = (None if image is None else image.shape, *self._look.table.names)
        if self._fields is None or self._fields[0] != key:
            rows = [row for row in self._look.table if self.choosable(row)]
            found = fields_of(self._subject.module, self._images(), rows, prepare=self._subject.prepare)
            self._fields = key, found
        return self._fields[1]

    def refresh(self) -> None:
        """Run the model anew: for weights or data that changed where traits cannot see it."""
        self._gradients.clear()
        self._fields = self._shaded = None
        super().refresh()

    def render(self) -> None:
        """Draw the panels; what has not changed is not sent again."""
        self.fit_unit()  # the image may be of another size
        self._draw_photo()
        self._draw_map()
        self._choice.layout.display = "none" if self._row.kind == "vector" else ""
        self._facts.value = markup.facts(self._said_of_unit())
        self._layers.draw(self._all_fields(), self._row.name)
        source = markup.source("cached" if self._cached else "computed", self.milliseconds)
        self._title.value = markup.title(self._row.name, *self._said(), status=self._status(), source=source)
        self._cached = True  # until the next pass: what only the display changes runs nothing

    def static(self) -> Card:
        """What the view shows, without the controls."""
        unit = Panel("Receptive field", width=DETAIL, lines=self._said_of_unit())
        panels: list[Panel | list[Panel]] = [self._photo.static(), [self._map.static(), unit], self._layers.static()]
        return Card(" · ".join([self._row.name, *self._said()]), panels, self._status())

    # ------------------------------------------------------------------ parts of a drawing

    def _draw_photo(self) -> None:
        look = self._look
        if self._picture is None or self._picture[0] is not look:
            self._picture = look, *photo_of(look, self._subject.items, self._field.image)
        _, photo, label = self._picture
        heat = self._heat if self.overlay else None
        self._photo.draw(f"Image {self._shown}", label, photo, heat, self.opacity, self._box)

    def _draw_map(self) -> None:
        row, (height, width), (y, x) = self._row, self._field.image, self._place
        known, drawing = self._shaded, (*self._drawing, self.colormap)
        if known is None or known[0] != drawing:
            maps = drawable(self._output.detach(), row, aspect=width / height)
            scale = "layer" if row.kind == "vector" else "map"
            shaded = Shaded.of(maps.numpy(), colormap=self.colormap, scale=scale)
            known = self._shaded = drawing, shaded
        if row.kind == "vector":
            self._map.draw(f"Unit {self.channel}", self._unit_name(), known[1], None, hint="click a unit")
            self._map.frame(self._map.unit_box(self.channel))
        else:
            size = " × ".join(map(str, self._field.grid))
            self._map.draw(f"Channel {self.channel}", size, known[1], self.channel, hint="click a unit")
            self._map.frame((x, y, x + 1, y + 1))

    @property
    def _box(self) -> Box:
        return self._field.box(*self._place, channel=self._chosen)

    # ------------------------------------------------------------------ words

    def _said(self) -> list[str]:
        image = markup.pictured(self._shown, self._look.item.text)
        return [self._row.type, field_words.sentence(self._field), image]

    def _said_of_unit(self) -> field_words.Facts:
        facts = field_words.of_unit(self._field, self._place, self._chosen)
        if self._heat is None:
            return [*facts, ("gradient", self._why)]
        return [*facts, *field_words.of_gradient(self._heat, self._box)]

    def _status(self) -> str:
        what = "unit" if self._row.kind == "vector" else "channel"
        return f"gradient of {'all channels' if self._chosen is None else f'{what} {self._chosen}'}"

    def _unit_name(self) -> str:
        """Class name of the unit, where the layer is the last and has as many units as there are classes."""
        count = self._row.channels
        names, last = self._subject.names.of(count), self._row.name == self._look.table.showable[-1].name
        return names[self.channel] if last and len(names) == count else f"of {count:,}"
