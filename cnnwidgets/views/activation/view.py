"""ActivationView: what every channel of a layer makes of an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import torch
import traitlets as T
from numpy.typing import NDArray

from ...compute.core import get_layer, shortened
from ...compute.evidence import ORDERS
from ...compute.layers import describe_module, drawable, extra_tokens, map_size
from ...compute.overview import pictures
from ...compute.scan import Scan
from ...render.color import Shaded
from ...render.static import Panel
from ...widgets import controls
from ...widgets.base import ImageView, LayerView
from ...widgets.painter import Numbers, Painter, drawn_size, pages, possible
from ...widgets.panels import (
    GRID,
    Paint,
    PaintedBox,
    PaintedPanel,
    channel_panel,
    grid_panel,
    grid_sizes,
    image_panels,
    painted_grid,
)
from ...widgets.state import (
    ChannelsOff,
    Colormap,
    Given,
    Index,
    Integer,
    Place,
    Scale,
    Subject,
    call,
    channels_off,
    edits_code,
    edits_of,
    maps_of,
    switched,
)
from ...widgets.surface import markup
from .scanned import Scanned

SWITCH = "click one; Alt-click or key x: off"
"""What the mouse does in a grid that the page paints."""


def _planes(view: LayerView) -> tuple[int, str]:
    row = view.snapshot.find(view.layer)
    return row.planes, f"layer {row.name!r} has {row.planes}"


def _extent(view: ImageView) -> tuple[tuple[int, int], str]:
    row = view.snapshot.find(view.layer)
    return map_size(row, view.item.aspect), f"a map of layer {row.name!r}"


class ActivationView(ImageView):
    """Every feature map of a layer in one grid, the chosen one large, beside the image and the prediction.

    Parameters
    ----------
    model : torch.nn.Module
        Any network that takes (N, C, H, W) images. It is looked at, never changed.
    dataset : indexable
        Gives (image, label): a torch data set, `Subset`, list, `ImageFolder`, or a tensor of images (N, C, H, W).
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
        Initial `layer`, `main_layers`, `index`, `channel`, `plane`, `colormap`, `scale`, `columns`, `order`, `pixel`,
        `off`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer, channel or image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.

    Notes
    -----
    In a page that paints, the wheel looks closer at the large map, a drag moves it, a double click or key 0 shows all
    of it again; in the grid the wheel does so with Ctrl. Large pixels have their values written in them. The kernel is
    not asked. A click with Alt in the grid, or key x, switches a channel off, and on again: every layer behind it, the
    prediction and the title tell what follows. That is on a twin of the model: whoever runs the model sees nothing.

    Once it has a scan (`pick_by`), the patches of the data set that fire the channel most stand below the large map.
    """

    sliders: ClassVar[dict[str, str]] = {**ImageView.sliders, "channel": "Channel"}
    painted: ClassVar[tuple[str, ...]] = ("channel", "colormap", "scale", "columns")

    channel = Index(of=LayerView.of_layer, help="which map, unit or token feature is shown large, from 0").tag(
        display=True
    )
    plane = Index(of=_planes, help="which slice of a volume or stack, from 0").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    scale = Scale("layer", help="value range of the colours: map, layer, layer-full, or (vmin, vmax)").tag(display=True)
    columns = Integer(0, help="maps in a row; 0: as fits").tag(display=True)
    order = T.Enum(
        ORDERS,
        "number",
        help="in which order the maps stand: strongest here first; sparsity and class ask the scan of `pick_by`",
    ).tag(display=True)
    pixel = Place(of=_extent, help="(row, column) in the large map whose value is told, or None").tag(display=True)
    off = ChannelsOff(help="(layer, channel) of each channel that is switched off: set to 0").tag(source=True)

    @property
    def maps(self) -> torch.Tensor:
        """Output of the layer for the image, without the batch axis, unscaled: a copy of what is on the screen."""
        self.flush()
        return self._output.clone()

    def switch(self, channel: int, off: bool | None = None) -> None:
        """Switch a channel of the layer off or on again, by default the other way."""
        self.off = switched(self.off, self.layer, channel, off)

    def pick_by(self, scan: Scan) -> None:
        """Let the filters of the strip, the orders that ask a scan, and the patches go by this one; see `ImageView`."""
        super().pick_by(scan)
        self._scanned.take(scan)
        self.redraw()

    def prepare(self, traits: dict[str, Any]) -> None:
        """Keep the subject as it was given, without what the view itself switches off."""
        super().prepare(traits)
        self._given = self.subject
        self._scanned = Scanned(self, self.subject, self._patches_grew)

    @T.validate("columns")
    def _validate_columns(self, proposal: Any) -> int:
        if proposal["value"] < 0:
            raise ValueError(f"columns must be 0 (as fits) or more, not {proposal['value']}")
        return int(proposal["value"])

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:  # at once, not with the drawing: a channel of the new layer may be set right after
            row = self.snapshot.find(self.layer)
            with self.quiet():  # what no longer fits is moved before the new layer is drawn
                controls.fit(self, "channel", row.channels - 1, [self._channel_slider, self._channel_box])
                controls.fit(self, "plane", row.planes - 1, [self._plane_slider])
                self._channels.text = controls.channel_word(row)
                if not self.set_together("pixel"):
                    self.pixel = None

    def numbers_in_code(self, given: Given) -> list[str]:
        """The maps, by `activations`; under the edits of this layer and those before it."""
        lines, names = maps_of(given, self.item, self.index), self.table.names
        reached = tuple(pair for pair in self.off if pair[0] in names[: names.index(self.layer) + 1])
        if not reached:
            return lines
        block = call("cw.intervene", given["model"], edits_code(reached), **given.options("prepare"))
        return [f"with {block}:", *[f"    {line}" for text in lines for line in text.split("\n")]]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer, image, channel, slice, and how the maps are drawn."""
        most, slices = self.layer_row.channels - 1, self.layer_row.planes - 1
        self._channel_slider = controls.slider(
            self, "channel", maximum=most, tip="Channel shown large (arrow keys work)"
        )
        self._channel_box = controls.entry(self, "channel", maximum=most, width=60, tip="Type a channel number")
        word = controls.channel_word(self.layer_row)
        self._channels = controls.labelled(word, self._channel_slider, self._channel_box)
        self._plane_slider = controls.slider(self, "plane", maximum=slices, tip="Slice of the volume or stack")
        self._scale = controls.ScaleControl(self, "scale", tip=controls.SCALE_TIP)
        columns = controls.auto_entry(self, "columns", maximum=999, tip="Maps in a row; auto: as many as fit")
        colors = controls.colormap_menu(self)
        words = [("number", "number"), ("strongest here", "strongest"), ("sparsity", "sparsity"), ("class", "class")]
        tip = "Of the maps: strongest first; most often 0, or best for the class of the image, by a scan (view.pick_by)"
        order = controls.dropdown(self, "order", words, width=120, tip=tip)
        self._paints = possible()
        self._links = {  # the page reads them where they stand: what they change needs no kernel there
            "channel": [self._channel_slider],
            "colormap": colors.controls,
            "scale": self._scale.children,
            "columns": [columns],
        }
        layer, image = self.layer_control(), self.image_control()
        self._movers = {  # what they ask for is there at once where the page has shown it before
            "layer": layer.controls[0].pickers,
            "index": image.controls[:2],
            "slice": [self._plane_slider],
        }
        return [
            layer,
            image,
            self._channels,
            controls.labelled("Slice", self._plane_slider),
            colors,
            controls.labelled("Columns", columns),
            controls.labelled("Order", order),
            controls.labelled("Scale", self._scale),  # last: its boxes for a fixed range push nothing
        ]

    def then_in_code(self, given: Given, called: str) -> list[str]:
        """The scan that it has, as long as it is of these weights."""
        return self._scanned.in_code(given, called)

    def refresh(self) -> None:
        """Run the model again: for weights or data that changed where traits cannot see it."""
        self._given.refresh()
        self._scanned.forget()
        super().refresh()

    def look_and_compute(self) -> None:
        """Look at the network without the channels that are off; after an error at the one before."""
        before = self.subject
        if self.off or before is not self._given:
            self.subject = self.remember("subject", (self.off,), self._edited)
        try:
            super().look_and_compute()
        except BaseException:
            self.subject = before
            raise

    def compute(self) -> None:
        """Look up, or run the model for, the layer and the image."""
        self._output = self.snapshot.output(self.layer)

    def panels(self) -> list[Panel | list[Panel]]:
        """The image with its prediction, all maps, and the chosen one; with a scan, its patches below it."""
        row, plane = self.layer_row, min(self.plane, self.layer_row.planes - 1)
        item = self.item
        aspect = item.aspect
        key = (self._output, row, plane, self.colormap, self.scale)
        self._shaded, self._extra = self.remember("maps", key, lambda: self._drawable(plane, aspect))
        shaded = self._shaded
        self._scale.suggestion = shaded.ends()[::2]
        sizes = self.remember(
            "sizes", (self.known, self.columns), lambda: grid_sizes(self.known.showable, self.columns)
        )
        order = self._scanned.order(self._output)
        grid = self.remember("grid", (shaded, self.columns, order), lambda: self._grid(order))
        grid = replace(grid, sizes=sizes)
        cells = grid.cells
        assert cells is not None
        if self.off and (off := channels_off(self.off).get(row.name)):
            grid = replace(grid, heading=f"{grid.heading} · off: {shortened(off)}", flags=[*map(cells.box, off)])
        paint = self._paint(plane, aspect) if (self._paints or self.exporting) and row.kind != "vector" else None
        if paint is not None:
            if row.operation or row.module:
                grid = replace(grid, hint=SWITCH, on_switch=self.switch)
            grid = painted_grid(grid, paint)
        chosen = channel_panel(
            shaded,
            row,
            self.channel,
            pixel=self.pixel,
            names=self.unit_names,
            extra=self._tokens(),
            on_pixel=lambda pixel: self.set_trait("pixel", pixel),
            paint=paint,
        )
        patches = self._scanned.patches()
        return [
            self.remember("image", (item, self.snapshot.prediction), lambda: image_panels(self.snapshot)),
            replace(grid, marks=[cells.box(self.channel)]),
            [chosen, *patches] if patches else chosen,
        ]

    def render(self) -> None:
        """Draw what `compute` found; pages are told of which address that is, once all of it is on its way."""
        if not self._paints:
            super().render()
            return
        address, before = self._address(), self._grid_painter() if self.ready else None
        if before is not None and before.address != address:
            before.stand(None)
        super().render()
        if (painter := self._grid_painter()) is not None:
            painter.stand(address)

    def title(self) -> list[str]:
        """The layer, what it is, what it puts out, and of which image."""
        row = self.layer_row
        extent = " × ".join(map(str, row.size[-2:]))
        what = {"vector": "units", "tokens": f"features of {extent} tokens"}.get(row.kind, f"maps of {extent}")
        if extra := len(self._extra):
            grid = " × ".join(map(str, self._shaded.maps.shape[1:]))
            what = f"features of {grid} tokens, {'class token' if extra == 1 else f'{extra} tokens'} apart"
        module = self.remember("module", (row,), self._module)
        pictured = markup.pictured(self.snapshot.index, self.item.text)
        unsure = [] if row.axes_known else [row.note]
        if row.axes_known and row.name not in pictures(self.known):
            unsure = ["no picture of the image"]
        return [row.name, module, f"{row.channels:,} {what}", *unsure, pictured]

    def status(self) -> str:
        """What the colours mean, and where a channel that is off is not off."""
        warnings = self.subject.warnings if self.off else []
        return " · ".join([markup.scale_words(self._shaded, self.scale), *self._scanned.ordered_by, *warnings])

    def settle(self) -> None:
        """Draw the present state to the end, with all that is usually drawn later; raises what goes wrong."""
        super().settle()
        self._settle_patches()

    def about_to_show(self) -> None:
        """What is done before the view is put into a notebook, so that its picture is whole."""
        super().about_to_show()
        self._settle_patches()

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write a file as `ModelView.save` does; where there are patches, all of them are in it."""
        self.flush()
        self._settle_patches()
        return super().save(path, **options)

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if hasattr(self, "_scanned"):  # a call that lacks an argument comes before it
            self._scanned.stop()
        super().close()

    # ------------------------------------------------------------------ parts

    def _edited(self) -> Subject:
        return self._given.under(edits_of(self.off)) if self.off else self._given

    def _drawable(self, plane: int, aspect: float) -> tuple[Shaded, torch.Tensor]:
        maps = drawable(self._output, self.layer_row, aspect=aspect, plane=plane).numpy()
        extra = extra_tokens(self._output, self.layer_row, aspect=aspect, plane=plane)
        return Shaded.of(maps, colormap=self.colormap, scale=self.scale), extra

    def _module(self) -> str:
        """What the layer is: `Conv2d(1, 6, 5×5)`, or an operation of a module."""
        row = self.layer_row
        if row.operation:
            return f"{row.type} in {row.module}" if row.module else row.type
        return describe_module(get_layer(self.subject.module, row.module)) if row.module else row.type

    def _patches_grew(self) -> bool:
        return self.guarded(self.render)

    def _settle_patches(self) -> None:
        if self._scanned.settle():
            with self.quiet():
                self.render()

    def _grid(self, order: tuple[int, ...]) -> PaintedPanel:
        def choose(channel: int) -> None:
            self.channel = channel

        return grid_panel(
            self._shaded, self.layer_row, self.columns, each=self.scale == "map", order=order, on_choose=choose
        )

    def _paint(self, plane: int, aspect: float) -> Paint:
        """What a page needs to paint the maps itself."""
        row, maps = self.layer_row, self._shaded.maps
        size = drawn_size(*maps.shape, columns=self.columns or None, room=GRID, ratio=pages.ratio)
        key = (self._output, row, plane, aspect, size)
        numbers = self.remember("numbers", key, lambda: Numbers(maps, size, extra=self._named_tokens()))
        state = {name: getattr(self, name) for name in self._links}
        return Paint(numbers, state, self._links, markup.scale_words(self._shaded, self.scale), movers=self._movers)

    def _grid_painter(self) -> Painter | None:
        box = self.box("maps")
        return box.painter if isinstance(box, PaintedBox) else None

    def _address(self) -> dict[str, Any]:
        """All that is seen depends on, save what the page draws of every layer by itself: the channel, and a place."""
        scale = self.scale if isinstance(self.scale, str) else list(self.scale)
        drawn = {"colormap": self.colormap, "scale": scale, "columns": self.columns}
        plane, valid = min(self.plane, self.layer_row.planes - 1), "-".join(map(str, self.snapshot.weights))
        place = {"layer": self.layer_row.label, "index": self.index, "slice": plane, "valid": valid}
        return place | drawn | self._scanned.address

    def _tokens(self) -> list[tuple[str, float]]:
        """What the tokens that stand apart from the grid hold for the chosen channel."""
        return [(name, float(token[self.channel])) for name, token in self._named_tokens()] if len(self._extra) else []

    def _named_tokens(self) -> list[tuple[str, NDArray[Any]]]:
        names = ["class token"] if len(self._extra) == 1 else [f"token {at} apart" for at in range(len(self._extra))]
        return list(zip(names, self._extra.numpy(), strict=True))
