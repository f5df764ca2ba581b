"""ChannelsView: every channel of a scan at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import ipywidgets as W
import numpy as np
import traitlets as T

from ...compute.core import whole
from ...compute.evidence import MEASURES, knowing
from ...compute.scan import LayerScan, Scan
from ...render.static import Panel
from ...widgets import controls
from ...widgets.base import ModelView
from ...widgets.state import Given, Index, NotNone, Target
from .tables import channels_table, classes_table, columns_of, knowing_table, layers_table

ORDERS = ("number", "mean", "maximum", "zeros", "fires", *MEASURES)
"""What the channels may be sorted by."""
TOGETHER = 4
"""Channels whose classes stand beside one another at most."""
BEST = 20
"""Channels of the ranking for a class."""


def _channels(view: ChannelsView) -> tuple[int, str]:
    count = view.scan[view.layer].channels
    return count, f"layer {view.layer!r} has {count}"


class ChannelsView(ModelView):
    """Every channel of a scan at a glance: how each is spread over the data set, which are dead, which know a class.

    One table has the layers with the shares of their channels that are dead or saturated; one the channels of a layer,
    sorted by a press on a head; one the channels of all layers that know a class; one the classes that some channels
    tell apart. A press on a row goes to that layer, channel or class. `traitlets.link` joins `layer` and `channel`
    with those of other views.

    Parameters
    ----------
    scan : Scan
        What `cw.scan` found, also in part; `view.scan = another` shows a later one.
    **traits
        Initial `layer`, `channel`, `order`, `descending`, `target`, `measure`, `chosen`.

    Raises
    ------
    TypeError
        `scan` is no scan; a keyword is misspelt.
    LookupError, IndexError, ValueError
        The layer was not scanned; there is no such channel or class.

    Notes
    -----
    Dead: every value of every image is 0. Saturated: of 95 % of the images the statistic comes within 1 % of the
    largest.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> model, data = cw.models.lenet5(pretrained=True), cw.data.digits()
    >>> view = cw.ChannelsView(cw.scan(model, data, ["C3", "F6"], progress=False), target="3")
    >>> view.panel("knowing").heading
    'Know 3 · of all layers'
    """

    sliders: ClassVar[dict[str, str]] = {"layer": "Layer", "target": "Class"}
    panels_height: ClassVar[int] = 480

    layer = T.Unicode(help="name of the layer whose channels are listed").tag(display=True)
    channel = Index(of=_channels, help="the chosen channel, from 0").tag(display=True)
    order = T.Enum(ORDERS, "number", help="what the channels are sorted by").tag(display=True)
    descending = T.Bool(False, help="whether the largest come first").tag(display=True)
    target = Target(of=lambda view: view.classes, help="class that channels are ranked for; None: no class").tag(
        display=True
    )
    measure = T.Enum(MEASURES, MEASURES[0], help="how well a channel tells a class from all others").tag(display=True)
    chosen = NotNone((), help="channels of the layer whose classes are compared with those of the channel").tag(
        display=True
    )

    def __init__(self, scan: Scan, **traits: Any) -> None:
        if not isinstance(scan, Scan):
            raise TypeError(f"ChannelsView shows what cw.scan(model, dataset) gives, not a {type(scan).__name__}")
        self._scan = scan
        super().__init__(**traits)

    # ------------------------------------------------------------------ what may be asked and done

    @property
    def scan(self) -> Scan:
        """What is shown. A later scan of the same layers may be put in its place."""
        return self._scan

    @scan.setter
    def scan(self, scan: Scan) -> None:
        if list(scan) != list(self._scan) or scan.key != self._scan.key:
            raise ValueError("only a scan of the same layers, images, weights and options can take its place")
        self._scan = scan
        self.redraw()

    @property
    def classes(self) -> dict[int, str]:
        """Number -> name of each class that an image of the scan has."""
        count = max((len(layer.class_images) for layer in self._scan.values()), default=0)
        return {number: self._called(number) for number in range(count)}

    def _has_images(self, target: int) -> bool:
        """Whether images of a class count in any layer."""
        counts = (layer.class_images for layer in self._scan.values())
        return any(bool(images[target].any()) for images in counts if target < len(images))

    @property
    def sorted(self) -> list[int]:
        """The channels of the layer in the order of the table."""
        return self._order().tolist()

    def keep(self) -> None:
        """Have the classes of the present channel stay beside those of others."""
        self.chosen = tuple(dict.fromkeys([*self.chosen, self.channel]))[-TOGETHER + 1 :]

    def clear(self) -> None:
        """Show the classes of the present channel alone."""
        self.chosen = ()

    # ------------------------------------------------------------------ what traits may be

    def prepare(self, traits: dict[str, Any]) -> None:
        """Begin with the first layer, and the first class that has images, where there are classes."""
        if not len(self._scan):
            raise ValueError("the scan has no layer")
        traits.setdefault("layer", next(iter(self._scan)))
        if self.classes:
            seen = [number for number in self.classes if self._has_images(number)]
            traits.setdefault("target", min(seen or self.classes))

    @T.validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return self._scan[proposal["value"]].name

    @T.validate("chosen")
    def _validate_chosen(self, proposal: Any) -> tuple[int, ...]:
        given, (count, words) = proposal["value"], _channels(self)
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise TypeError(f"chosen are numbers of channels, such as (3, 7), not {given!r}")
        found = []
        for each in given:
            at = whole(each)
            if at is None:
                raise TypeError(f"a channel is a number, not {each!r}")
            if not 0 <= at < count:
                raise IndexError(f"channel {at} is out of range: {words}, 0 to {count - 1}")
            found.append(at)
        return tuple(dict.fromkeys(found))

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:
            with self.quiet():  # the channels of one layer are none of another
                row: Any = self._layer
                self._channel.fit(row)
                if not self.set_together("chosen"):
                    self.chosen = ()

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` may be, as the view now stands."""
        if name == "layer":
            return list(self._scan)
        return list(self.classes) or [None] if name == "target" else super().choices(name)

    def numbers_in_code(self, given: Given) -> list[str]:
        """The numbers of the layer."""
        return [f"numbers = {given['scan']}[{given.trait('layer')}]"]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer, channel, how they are sorted, and for which class they are ranked."""
        layers = controls.dropdown(self, "layer", list(self._scan), width=150, tip="Layer whose channels are listed")
        row: Any = self._layer
        self._channel = controls.ChannelControl(self, row, tip="The chosen channel (arrow keys work)")
        words = [(each.replace("_", " "), each) for each in ORDERS]
        order = controls.dropdown(self, "order", words, width=110, tip="What the channels are sorted by")
        first = controls.checkbox(self, "descending", "largest first", width=110, tip="Whether the largest come first")
        self._menu = controls.TargetMenu(self, "target", tip="The class that channels are ranked for")
        self._menu.offer(self.classes, none="no class")
        measures = [("area under the ROC", "roc_area"), ("d'", "d_prime"), ("selectivity", "selectivity")]
        tip = "How well a channel tells a class from all others"
        measure = controls.dropdown(self, "measure", measures, width=160, tip=tip)
        keep = controls.button("keep", self.keep, width=56, tip="Keep the classes of this channel beside others")
        clear = controls.button("clear", self.clear, width=56, tip="Show the classes of this channel alone")
        return [
            controls.labelled("Layer", layers),
            self._channel,
            W.HBox([keep, clear], layout=W.Layout(overflow="hidden", margin="0 18px 0 0")),
            controls.labelled("Sort by", order),
            first,
            controls.labelled("Class", self._menu),
            controls.labelled("by", measure),
        ]

    def panels(self) -> list[Panel | list[Panel]]:
        """The layers above the channels that know the class, and the channels of the layer above their classes."""
        scan, layer = self._scan, self._layer
        names, target = list(scan), self.target
        layers = self.remember("layers", (scan,), lambda: layers_table(scan, lambda row: self._go(names[row], None)))
        found = self.remember(
            "found",
            (scan, target, self.measure),
            lambda: [] if target is None else knowing(scan, target, self.measure, BEST),
        )
        known = self.remember(
            "knowing",
            (found, target),
            lambda: knowing_table(
                found,
                "" if target is None else self._called(target),
                self.measure,
                lambda row: self._go(found[row].layer, found[row].channel),
                seen=target is not None and self._has_images(target),
            ),
        )
        columns = self.remember("columns", (layer, target), lambda: columns_of(layer, target))
        order = self.remember("order", (columns, self.order, self.descending), lambda: tuple(self.sorted))
        heads = list(columns)
        channels = self.remember(
            "channels",
            (columns, order),
            lambda: channels_table(
                layer, columns, order, lambda row: self.set_trait("channel", order[row]), lambda at: self._by(heads[at])
            ),
        )
        told = tuple(dict.fromkeys([self.channel, *self.chosen]))[:TOGETHER]
        classes, numbers = self.remember(
            "classes",
            (layer, told, self.measure),
            lambda: classes_table(layer, told, self._called, self.measure, lambda row: self._take(numbers[row])),
        )
        best = next((at for at, each in enumerate(found) if each[:2] == (layer.name, self.channel)), None)
        return [
            [layers.framed(names.index(layer.name)), known.framed(best)],
            [
                channels.framed(order.index(self.channel)),
                classes.framed(numbers.index(target) if target in numbers else None),
            ],
        ]

    def title(self) -> list[str]:
        """The network, the layer, and how much of the data set has been scanned."""
        scan, layer = self._scan, self._layer
        dead = int(layer.dead.sum())
        return [
            scan.model,
            layer.name,
            f"{dead:,} of {layer.channels:,} {'units' if layer.kind == 'vector' else 'channels'} dead",
            f"{scan.done:,} of {scan.total:,} images",
        ]

    def status(self) -> str:
        """What the images are ranked by."""
        what = {"maximum": "largest value", "mean": "mean", "norm": "norm"}[self._scan.statistic]
        return f"classes are told apart by the {what} of a channel in an image"

    # ------------------------------------------------------------------ parts

    @property
    def _layer(self) -> LayerScan:
        return self._scan[self.layer]

    def _called(self, number: int) -> str:
        names = self._scan.classes
        return names[number] if number < len(names) else str(number)

    def _order(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        columns = columns_of(self._layer, self.target)
        values = columns[self.order].values if self.order in columns else np.arange(self._layer.channels, dtype=float)
        keys = np.where(np.isfinite(values), -values if self.descending else values, np.inf)  # what is not known last
        return np.argsort(keys, kind="stable")

    def _go(self, layer: str, channel: int | None) -> None:
        with self.hold_trait_notifications():
            self.layer = layer
            count = self._scan[layer].channels
            self.channel = min(self.channel, count - 1) if channel is None else channel
            if self.chosen:
                self.chosen = ()

    def _by(self, order: str) -> None:
        """Sort by a column, the largest first; by the same again, the other way."""
        with self.hold_trait_notifications():
            self.descending = not self.descending if order == self.order else True
            self.order = order

    def _take(self, target: int) -> None:
        self.target = target
