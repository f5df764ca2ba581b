"""ReceptiveFieldView: which part of the photo a unit sees, and which part of that it minds."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ..compute.cache import ByteCache
from ..compute.effective_field import unit_gradient
from ..compute.fields import ReceptiveField, ReceptiveFields, text
from ..compute.layers import Layer
from ..compute.model import weights_version
from ..compute.receptive_field import fields_of
from ..compute.table import drawable
from ..render import COLORMAPS, Panel, Shaded, card, to_picture
from . import controls, markup
from .field_panels import LayersPanel, PhotoPanel, resized
from .map_panel import MapPanel
from .panels import DETAIL
from .subject_view import SubjectView
from .traits import Colormap, Pixel

GRADIENTS_KEPT = 64 * 2**20
"""Bytes of gradients that are remembered, so that going back to a unit runs nothing."""


class ReceptiveFieldView(SubjectView):
    """Click a unit of a layer: its theoretical receptive field is framed on the photo, its gradient laid over it.

    The frame holds every pixel that can matter to the unit (`receptive_field`), the overlay shows how much each of them
    does (`effective_receptive_field`). A table tells size and stride for all layers.

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

    unit = Pixel(None, help="(row, column) of the unit in the layer's map, from 0; None: the middle").tag(source=True)
    channel = T.Int(0, help="which map of the layer is shown, from 0").tag(source=True)
    gradient = T.Enum(
        ("all", "channel"), "all", help="gradient of the unit summed over all channels, or of the chosen channel"
    ).tag(source=True)
    overlay = T.Bool(True, help="lay the gradient over the photo").tag(display=True)
    opacity = T.Float(0.9, min=0.0, max=1.0, help="of the overlay where it is strongest, 0 to 1").tag(display=True)
    colormap = Colormap("auto", help="of the map: matplotlib name; auto: diverging for signed values").tag(display=True)

    row = T.Int(0, help="row of `unit`")
    column = T.Int(0, help="column of `unit`")

    @property
    def field(self) -> ReceptiveField:
        """The theoretical receptive field of the layer."""
        self._newest.flush()
        return self._field

    @property
    def effective(self) -> torch.Tensor | None:
        """The gradient on the screen, (H, W), unscaled; None where the layer has none."""
        self._newest.flush()
        return None if self._heat is None else torch.from_numpy(self._heat.copy())

    # ------------------------------------------------------------------ what traits may be

    def choosable(self, row: Layer) -> bool:
        """Layers of real numbers; not stacks of image windows, which have no place on the photo."""
        return row.reason is None and row.ran and (row.batch_axis is not None or len(row.shape) < 2)

    def check_traits(self, traits: dict[str, Any]) -> None:
        """Raise for a unit or channel that the layer does not have."""
        self._fields: ReceptiveFields | None = None
        self._fields_of: tuple[Any, ...] = ()
        self._gradients = ByteCache(GRADIENTS_KEPT)
        self._checked_channel(traits.get("channel", 0), self._row)
        if traits.get("unit") is not None:
            self._checked_unit(Pixel().validate(self, traits["unit"]), self._row.name)

    def _checked_channel(self, channel: int, row: Layer) -> int:
        if not 0 <= channel < row.channels:
            last = row.channels - 1
            raise IndexError(f"channel {channel} is out of range: layer {row.name!r} has {row.channels}, 0 to {last}")
        return int(channel)

    def _checked_unit(self, unit: tuple[int, int], layer: str) -> tuple[int, int]:
        rows, columns = self._known_fields()[layer].grid
        if unit[0] >= rows or unit[1] >= columns:
            raise IndexError(f"unit {unit} is out of range: layer {layer!r} has {rows} rows and {columns} columns")
        return unit

    @T.validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return self._checked_channel(proposal["value"], self._look.table.find(self.layer))

    @T.validate("unit")
    def _validate_unit(self, proposal: Any) -> tuple[int, int] | None:
        unit = proposal["value"]
        return None if unit is None else self._checked_unit(unit, self.layer)

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self._ready:  # at once, not with the drawing: a unit of the new layer may be set right after
            row, alone = self._look.table.find(self.layer), not self._quiet
            with self.quiet():  # what no longer fits is moved before the new layer is drawn
                self._channel_slider.max = self._channel_box.max = row.channels - 1
                if self.unit is not None and alone:
                    self.unit = self._moved(self.unit, change["old"])
                self._fit()

    def _moved(self, unit: tuple[int, int], before: str) -> tuple[int, int]:
        """The unit at the same part of the new layer."""
        (rows, columns), (old_rows, old_columns) = (self._known_fields()[layer].grid for layer in (self.layer, before))
        return (2 * unit[0] + 1) * rows // (2 * old_rows), (2 * unit[1] + 1) * columns // (2 * old_columns)

    @T.observe("row", "column")
    def _slid(self, change: Any) -> None:
        if self._ready and not self._following:
            self.unit = (self.row, self.column)

    @T.observe("unit")
    def _placed(self, change: Any) -> None:
        if self._ready:
            self._fit()

    def _fit(self) -> None:
        """Make the sliders of the unit fit the layer, and show the unit."""
        rows, columns = self._known_fields()[self.layer].grid
        place = self._place()
        self._following = True
        for control, count in ((self._row_slider, rows), (self._column_slider, columns)):
            control.max = max(control.max, count - 1)
        self.row, self.column = place
        for control, count in ((self._row_slider, rows), (self._column_slider, columns)):
            control.max = count - 1
        self._following = False
        self._units.layout.display = "none" if rows * columns == 1 else ""

    def _place(self) -> tuple[int, int]:
        rows, columns = self._known_fields()[self.layer].grid
        row, column = self.unit or (rows // 2, columns // 2)
        return min(row, rows - 1), min(column, columns - 1)

    # ------------------------------------------------------------------ building

    def build(self) -> None:
        """Make the controls and the panels."""
        self._following = False
        last = self._row.channels - 1
        self._channel_slider = controls.slider(self, "channel", maximum=last, tip="Map that is shown")
        self._channel_box = controls.entry(self, "channel", maximum=last, width=60, tip="Type a channel number")
        self._row_slider = controls.slider(self, "row", maximum=1, width=110, tip="Row of the unit (arrow keys work)")
        self._column_slider = controls.slider(self, "column", maximum=1, width=110, tip="Column of the unit")
        self._units = controls.labelled("Unit", self._row_slider, self._column_slider)
        menu = [("all channels", "all"), ("this channel", "channel")]
        gradient = controls.dropdown(
            self, "gradient", menu, width=112, tip="Gradient of the unit summed over all channels, or of this one alone"
        )
        overlay = controls.checkbox(self, "overlay", "overlay", width=78, tip="Lay the gradient over the photo")
        opacity = controls.fraction(self, "opacity", width=110, tip="Opacity of the overlay where it is strongest")
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        colours = controls.dropdown(self, "colormap", colormaps, width=100, tip="Colours of the map on the right")
        bar = [
            self.layer_control(),
            self.image_control(),
            controls.labelled("Channel", self._channel_slider, self._channel_box),
            self._units,
            controls.labelled("Gradient", gradient, overlay, opacity),
            controls.labelled("Colours", colours),
        ]
        self._title, self._facts = W.HTML(), W.HTML()
        self._photo = PhotoPanel(lambda row, column: self.set_trait("unit", self._field.unit_at(row, column)))
        self._map = MapPanel(
            DETAIL, lambda unit: self.set_trait("unit", unit), lambda unit: self.set_trait("channel", unit)
        )
        self._layers = LayersPanel()
        self._shaded: Shaded | None = None
        self._shaded_of: tuple[Any, ...] = ()
        self._picture: tuple[Any, NDArray[np.uint8]] | None = None
        middle = W.VBox([self._map, self._facts], layout=W.Layout(flex="0 0 auto", overflow="hidden"))
        self._body.children = controls.card_body(self._title, bar, [self._photo, middle, self._layers], height=500)
        self._fit()

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Run the model for the layer and the image, and backwards for the unit, unless that is known."""
        passes = self._subject.passes
        output = self._subject.output(self.index, self.layer)
        self.look()
        fields = self._known_fields()
        place, channel = self._place(), self.channel if self.gradient == "channel" else None
        key = (weights_version(self._subject.module), self.index, self.layer, place, channel)
        heat, why = self._gradients.get(key), ""
        self._cached = self._subject.passes == passes and heat is not None
        if heat is None:
            try:
                heat = self._ask_gradient(place, channel)
                self._gradients.put(key, heat)
            except (RuntimeError, ValueError, TypeError) as error:
                why = f"no gradient: {' '.join(str(error).split())[:160]}"
        self._output, self._field, self._unit = output, fields[self.layer], place
        self._heat: NDArray[np.float32] | None = None if heat is None else heat.numpy()
        self._why = why

    def _ask_gradient(self, place: tuple[int, int], channel: int | None) -> torch.Tensor:
        return unit_gradient(
            self._subject.module,
            self._images(),
            self._row,
            unit=place,
            channel=channel,
            prepare=self._subject.prepare,
        )

    def _images(self) -> Any:
        item = self._look.item
        return item.raw if self._subject.prepare is not None or item.image is None else item.image[None]

    def _known_fields(self) -> ReceptiveFields:
        """The fields of all layers; one pass for each size of image."""
        image = self._look.item.image
        key = (None if image is None else image.shape, *self._look.table.names)
        if self._fields is None or key != self._fields_of:
            rows = [row for row in self._look.table if self.choosable(row)]
            self._fields = fields_of(self._subject.module, self._images(), rows, prepare=self._subject.prepare)
            self._fields_of = key
        return self._fields

    def refresh(self) -> None:
        """Run the model anew: for weights or data that changed where traits cannot see it."""
        self._gradients.clear()
        self._fields = None
        super().refresh()

    def render(self) -> None:
        """Draw the panels; what has not changed is not sent again."""
        if self.unit is not None:
            self.unit = self._unit  # the image may be smaller than the one before
        self._fit()
        row, field = self._row, self._field
        height, width = field.image
        if self._shaded is None or self._shaded_of != (id(self._output), self.colormap):
            maps = drawable(self._output.detach(), row, aspect=width / height)
            self._shaded = Shaded.of(maps.numpy(), colormap=self.colormap)
            self._shaded_of, self._kept = (id(self._output), self.colormap), self._output
        self._draw_photo()
        self._draw_map()
        self._facts.value = markup.facts(self._said_of_unit())
        self._layers.draw(self._known_fields(), self.layer)
        self._title.value = markup.title(row.name, *self._said(), status=self._status())

    def picture(self, *, dark: bool = False) -> NDArray[np.uint8]:
        """The view as one static picture, (H, W, 3) uint8."""
        unit = Panel("Unit", width=DETAIL, lines=self._said_of_unit())
        panels = [self._photo.static(), [self._map.static(), unit], self._layers.static()]
        return card(" · ".join([self._row.name, *self._said()]), panels, footer=self._status(), dark=dark)

    def _draw_photo(self) -> None:
        look, field = self._look, self._field
        if self._picture is None or self._picture[0] is not look:
            photo = np.full((*field.image, 3), 128, np.uint8)
            if look.item.image is not None:
                photo = resized(to_picture(self._subject.items.picture(look.item.image).numpy()).pixels, field.image)
            self._picture = look, photo
        label = f"label {look.item.text}" if look.item.text else ""
        heat = self._heat if self.overlay else None
        self._photo.draw(f"Image {self._shown}", label, self._picture[1], heat, self.opacity, self._box)

    def _draw_map(self) -> None:
        row, (y, x) = self._row, self._unit
        assert self._shaded is not None
        if row.kind == "vector":
            self._map.draw(
                "Units", f"{row.channels:,}, unit {self.channel} framed", self._shaded, None, hint="click a unit"
            )
            self._map.frame(self._map.unit_box(self.channel))
        else:
            size = " × ".join(map(str, self._field.grid))
            self._map.draw(f"Channel {self.channel}", size, self._shaded, self.channel, hint="click a unit")
            self._map.frame((x, y, x + 1, y + 1))

    # ------------------------------------------------------------------ words

    @property
    def _box(self) -> Any:
        return self._field.box(*self._unit, channel=self._chosen)

    @property
    def _chosen(self) -> int | None:
        """The channel whose field is shown, where it is that of one channel alone."""
        return self.channel if self.gradient == "channel" else None

    def _said(self) -> list[str]:
        field, label = self._field, self._look.item.text
        if field.everything and field.stride == 0:
            extent = "sees the whole image"
        else:
            extent = f"sees {text(field.size)} px, stride {text(field.stride)} px"
        return [self._row.type, extent, f'image {self._shown}, a "{label}"' if label else f"image {self._shown}"]

    def _said_of_unit(self) -> list[tuple[str, str]]:
        field, (row, column), box = self._field, self._unit, self._box
        facts = []
        if self._row.kind != "vector":
            facts.append(("unit", f"row {row}, column {column}"))
        if field.note == "does not depend on the image":
            return [*facts, ("field", field.note)]
        if field.everything:
            facts.append(("sees", "the whole image"))
            facts.append(("because", field.reason))
        if field.stride != 0:
            facts.append(("size", f"{text(field.size)} px{', the largest' if field.note else ''}"))
            facts.append(("stride", f"{text(field.stride)} px"))
            centre = " ".join(
                f"{what} {place:g}," for what, place in zip(("row", "column"), field.centre(row, column), strict=True)
            )
            facts.append(("centre", centre.rstrip(",")))
        facts.append(("rows", f"{box.top} to {box.bottom - 1}"))
        facts.append(("columns", f"{box.left} to {box.right - 1}"))
        cut = field.cut_off(row, column, channel=self._chosen)
        sides = [
            f"{count} at the {side}"
            for side, count in zip(("top", "left", "bottom", "right"), cut, strict=True)
            if count
        ]
        facts.append(("cut off", ", ".join(sides) + " px" if sides else "nothing"))
        return [*facts, *self._said_of_gradient()]

    def _said_of_gradient(self) -> list[tuple[str, str]]:
        if self._heat is None:
            return [("gradient", self._why)]
        total = float(self._heat.sum(dtype=np.float64))
        if total == 0:
            return [("gradient", "0 everywhere: the unit does not fire")]
        box = self._box
        inside = float(self._heat[box.top : box.bottom, box.left : box.right].sum(dtype=np.float64))
        largest = np.sort(self._heat.ravel())[::-1].cumsum(dtype=np.float64)
        half = int(np.searchsorted(largest, total / 2)) + 1
        area = (box.bottom - box.top) * (box.right - box.left)
        return [
            ("gradient", f"{100 * inside / total:.4g} % inside the frame"),
            ("half of it", f"in {half:,} of {area:,} pixels ({100 * half / max(area, 1):.2g} %)"),
        ]

    def _status(self) -> str:
        return f"{'cached' if self._cached else 'computed'} · drawn in {self.milliseconds:.1f} ms"
