"""ExamplesView: what of the images of a data set fires a channel most, and what least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import torch
import traitlets as T
from torch import nn

from ...compute.dataset import channels_first
from ...compute.layers import Layer
from ...compute.scan import LEVELS, LayerScan, Place, Scan, Scanner, checked_scan
from ...live import cell_thread
from ...render.static import Panel
from ...widgets import controls
from ...widgets.base import ImageView, LayerView
from ...widgets.patches import Cutter, Example
from ...widgets.state import Given, Index, Subject, call
from ...widgets.surface import markup
from .growing import GrowingScan
from .panels import chosen_panel, detail_panel, facts_of, patches_panel

K = 16
"""Places that a scan which the view makes keeps for each channel."""


def _kept(view: ExamplesView) -> tuple[int, str]:
    return view.most, f"a scan keeps {view.most} places of a channel at most"


class ExamplesView(ImageView):
    """The patches of a data set that fire a channel most, cut out by its exact receptive field; and weaker ones.

    Under each patch stand its value and its class. The mouse over a patch shows the whole image with the place framed
    and the rest dimmed; a click chooses that image. A slider goes from the strongest places to the weakest of those
    that the scan has kept: beyond the k strongest, one image of each sixth of the channel's range. Another channel can
    stand beside it.

    Parameters
    ----------
    model, dataset, classes, denormalize, prepare, cache_bytes
        As for `ActivationView`.
    scan : Scan, optional
        What `cw.scan` found for this model and data set, also in part; `view.scan = another` shows a later one. By
        default the view scans each layer when it is looked at, in portions between which the notebook answers.
    **traits
        Initial `layer`, `main_layers`, `index`, `channel`, `compare`, `other`, `first`, `example`, `of_other`,
        `scanning`.

    Attributes
    ----------
    growing : GrowingScan
        Scans the layer where no scan is given.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; the scan is of other weights or images,
        or of no layer of the model; a keyword is misspelt.
    LookupError, IndexError
        No such layer, channel or image; the layer was not scanned.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> model, data = cw.models.lenet5(pretrained=True), cw.data.digits()
    >>> scan = cw.scan(model, data, ["C3"], progress=False)
    >>> view = cw.ExamplesView(model, data, scan, channel=2)
    >>> view.examples[0].image
    314
    """

    sliders: ClassVar[dict[str, str]] = {"layer": "Layer", "channel": "Channel"}
    panels_height: ClassVar[int] = 520

    channel = Index(of=LayerView.of_layer, help="whose examples are shown, from 0").tag(display=True)
    compare = T.Bool(False, help="whether those of another channel stand beside them").tag(display=True)
    other = Index(of=LayerView.of_layer, what="channel", help="the other channel, from 0").tag(display=True)
    first = Index(
        0, of=_kept, help="which of the kept places is shown first: 0 is the strongest, the last the weakest"
    ).tag(display=True)
    example = Index(0, of=_kept, help="which of the kept places is shown in its whole image, from 0").tag(display=True)
    of_other = T.Bool(False, help="whether that is one of the other channel").tag(display=True)
    scanning = T.Bool(
        True, help="whether the layer is scanned, where no scan is given; False stops it, what is done stays"
    ).tag(display=True)

    def __init__(
        self, model: nn.Module | Subject, dataset: Any = None, scan: Scan | None = None, **options: Any
    ) -> None:
        self._scan = None if scan is None else checked_scan(scan)
        super().__init__(model, dataset, **options)

    # ------------------------------------------------------------------ what may be asked and done

    @property
    def scan(self) -> Scan | None:
        """What has been found so far; None before the first images. A later scan may be put in its place."""
        return self.growing.result if self._scan is None else self._scan

    @scan.setter
    def scan(self, scan: Scan) -> None:
        if self._scan is None or list(scan) != list(self._scan) or scan.key != self._scan.key:
            raise ValueError("only a scan of the same layers, images, weights and options can take its place")
        self._scan = scan
        self.redraw()

    @property
    def examples(self) -> list[Place]:
        """The places of the channel that are kept, the strongest first."""
        self.flush()
        return self._places(self.channel)

    @property
    def most(self) -> int:
        """How many places of a channel there may be."""
        return (K if self._scan is None else self._scan.k) + LEVELS

    def toggle_scanning(self) -> None:
        """Stop the scan, or go on with it."""
        if self.growing.running:
            self.scanning = False
        else:
            self.growing.error = None
            with self.quiet():
                self.scanning = True
            self.redraw()

    # ------------------------------------------------------------------ what traits may be

    def prepare(self, traits: dict[str, Any]) -> None:
        """Check the scan, and have what reads the images."""
        items, scan = self.subject.items, self._scan
        if scan is not None:
            scan.check(self.subject.module, items)
            self.remember("stale", (self.subject.weights,), lambda: False)
        self.growing = GrowingScan(self._grown, self.is_current)
        self._cutter = Cutter(self.subject, 0 if scan is None else scan.options["seed"] or 0)

    def choosable(self, row: Layer) -> bool:
        """Layers that were scanned; where no scan is given, those that can be."""
        if self._scan is not None:
            return super().choosable(row) and row.name in self._scan
        return super().choosable(row) and not row.operation and row.batch_axis is not None and row.channels > 0

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:
            row = self.snapshot.find(self.layer)
            with self.quiet():
                self._channel.fit(row)
                controls.fit(self, "other", row.channels - 1, self._other_controls)
                for name in ("first", "example"):
                    if not self.set_together(name):
                        setattr(self, name, 0)

    @T.observe("channel", "other")
    def _from_the_strongest(self, change: Any) -> None:
        if self.ready and not self.set_together("example"):
            with self.quiet():
                self.example = self.first

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` may be; for a page, of layers without a scan only those that have been scanned."""
        found = super().choices(name)
        if name != "layer" or self._scan is not None or not self.exporting:
            return found
        weights = self.subject.weights
        return [layer for layer in found if layer == self.layer or self.growing.knows((layer, weights))]

    def numbers_in_code(self, given: Given) -> list[str]:
        """The places, by `scan`."""
        layer = given.trait("layer")
        made = call("cw.scan", given["model"], given["dataset"], f"[{layer}]", **given.options("classes", "prepare"))
        lines = [] if given.has("scan") else [f"scan = {made}"]
        scan = given["scan"] if given.has("scan") else "scan"
        return [*lines, f"places = {scan}[{layer}].examples({given.trait('channel')})"]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer and channel, where the examples begin, another channel, and the image."""
        last = self.layer_row.channels - 1
        self._channel = controls.ChannelControl(self, self.layer_row, tip="Whose examples are shown (arrow keys work)")
        self._first = controls.slider(
            self, "first", maximum=self.most - 1, tip="From the strongest places to the weakest that are kept"
        )
        compare = controls.checkbox(self, "compare", "compare", width=90, tip="Another channel beside it")
        self._other_controls = [
            controls.slider(self, "other", maximum=last, width=110, tip="The channel beside it"),
            controls.entry(self, "other", maximum=last, width=60, tip="Type a channel number"),
        ]
        self._others = controls.labelled("with", *self._other_controls)
        self._progress = controls.ProgressRow("images", self.toggle_scanning)
        return [
            self.layer_control(),
            self._channel,
            controls.labelled("Strongest to weakest", self._first),
            compare,
            self._others,
            self.image_control(),
        ]

    def compute(self) -> None:
        """Have the receptive field of the layer for images of this size; what is scanned, is scanned beside."""
        self.growing.hold()
        self._scan_key = (self.layer, self.subject.weights)
        self._cutter.field(self.layer_row, self.item)
        output, row = self.snapshot.output(self.layer), self.layer_row
        self._answers = self.remember("answers", (output, row), lambda: self._answered(channels_first(output, row)))

    def panels(self) -> list[Panel | list[Panel]]:
        """The patches of the channel, those of the other one, and one of them in its whole image."""
        if self._scan is None:
            self.growing.follow(self._scan_key, self._scanner, self.scanning)
        self._others.layout.display = "" if self.compare else "none"
        shown = [self._patches(self.channel, other=False)]
        if self.compare:
            shown.append(self._patches(self.other, other=True))
        of_other = self.of_other and self.compare
        places = self._places(self.other if of_other else self.channel)
        at = min(self.example, len(places) - 1)
        example = None
        if at >= 0:
            channel = self.other if of_other else self.channel
            key = (places[at], channel, at, self.layer, self._cutter)
            example = self.remember("example", key, lambda: self._example(channel, places[at], at))
        detail = self.remember("detail", (example, self.index), lambda: detail_panel(example, self.index))
        chosen = self.remember("chosen", (self.snapshot.item, self._answers, self._layer, self.channel), self._chosen)
        return [*shown, [detail, chosen]]

    def title(self) -> list[str]:
        """The layer, the channel, and how much of the data set has been scanned."""
        scan, row = self.scan, self.layer_row
        word = "unit" if row.kind == "vector" else "channel"
        done = 0 if scan is None else scan.done
        channel = f"{word} {self.channel}" + (f" against {self.other}" if self.compare else "")
        pictured = markup.pictured(self.snapshot.index, self.item.text)
        return [row.name, channel, f"{done:,} of {len(self.subject.items):,} images", pictured]

    def status(self) -> str:
        """What the images are ranked by, what is kept, and whether it is of these weights."""
        what = {"maximum": "largest value", "mean": "mean", "norm": "norm"}[self._statistic]
        kept = f"the {self.most - LEVELS} strongest, and of each sixth of the range one image"
        if self._stale:
            return f"the weights have changed since the scan: these are examples of the network as it was; {kept}"
        return f"ranked by the {what} in an image; kept: {kept}"

    def refresh(self) -> None:
        """Scan and read again: for weights or data that changed where traits cannot see it."""
        self.growing.forget()
        self._cutter.clear()
        super().refresh()

    # ------------------------------------------------------------------ the scan, beside the drawing

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if not self.closed:
            self.growing.stop()
        super().close()

    def settle(self) -> None:
        """Draw the present state to the end, with the whole scan where it is wanted; raises what goes wrong."""
        super().settle()
        if self._scan is None and self.scanning and not self.growing.complete:
            self.growing.finish(bar=not self.exporting)
            with self.quiet():
                self.render()

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write a file as `ModelView.save` does; outside a notebook with the whole scan."""
        if cell_thread.loop() is None:
            self.settle()
        return super().save(path, **options)

    def _scanner(self) -> Scanner:
        subject, given = self.subject, self.subject.given
        options = {name: given[name] for name in ("classes", "prepare") if name in given}
        return Scanner(subject.model, subject.items.dataset, [self.layer], k=K, on_error="skip", **options)

    def _grown(self) -> bool:
        return self.draw_grown(self.growing)

    # ------------------------------------------------------------------ parts

    @property
    def _statistic(self) -> str:
        return "maximum" if self._scan is None else self._scan.statistic

    def _answered(self, values: torch.Tensor) -> torch.Tensor:
        """(C,): by what each channel would rank the chosen image, whose values are (C, positions)."""
        if self._statistic == "norm":
            return torch.linalg.vector_norm(values.float(), dim=1)
        return values.float().mean(1) if self._statistic == "mean" else values.float().amax(1)

    def _chosen(self) -> Panel:
        return chosen_panel(self.snapshot, self._layer, self.channel, float(self._answers[self.channel]))

    @property
    def _layer(self) -> LayerScan | None:
        scan = self.scan
        return None if scan is None or self.layer_row.name not in scan else scan[self.layer_row.name]

    @property
    def _stale(self) -> bool:
        """Whether the given scan is of another network, or of other weights or interventions than those of now."""
        return self._scan is not None and not self.subject.is_scanned_by(self._scan)

    def _places(self, channel: int) -> list[Place]:
        layer = self._layer
        if layer is None:
            return []
        return self.remember(f"places {channel}", (layer, channel), lambda: layer.examples(channel))

    def _patches(self, channel: int, *, other: bool) -> Panel:
        layer, places, key = self._layer, self._places(channel), "other" if other else "patches"
        strongest = self.most - LEVELS
        start = min(self.first, max(0, len(places) - 1))
        ranks = range(start, min(start + strongest, len(places)))
        controls_ = [] if other or self._scan is not None else [self._progress]
        if controls_:
            growing, total = self.growing, len(self.subject.items)
            self._progress.show(growing.done, total, growing.seconds_left, growing.running)
        word = "Unit" if self.layer_row.kind == "vector" else "Channel"
        name = self.unit_names[channel] if self.unit_names else ""
        if not places:
            lines = ["no image has been scanned yet" if layer is None else "no image has a finite value here"]
            return patches_panel(
                f"{word} {channel}", [], key, lines=lines, controls=controls_, on_choose=int, on_hover=int
            )
        span = f"{len(ranks)} strongest" if start == 0 else f"no. {start + 1} to {ranks[-1] + 1} of {len(places)}"
        heading = " · ".join(filter(None, [f"{word} {channel}", name, span]))
        made = self.remember(
            key,
            (tuple(places), channel, start, self.layer_row, layer, heading, self._cutter),
            lambda: self._patches_of(heading, places, ranks, channel, layer, key, controls_),
        )
        cells, at = made.cells, self.example - start
        if cells is None or self.of_other != other or not 0 <= at < len(ranks):
            return made
        return replace(made, marks=[cells.box(at)])

    def _patches_of(
        self,
        heading: str,
        places: list[Place],
        ranks: range,
        channel: int,
        layer: LayerScan | None,
        key: str,
        controls_: Sequence[W.Widget],
    ) -> Panel:
        assert layer is not None
        other = key == "other"
        return patches_panel(
            heading,
            [self._example(channel, places[rank], rank) for rank in ranks],
            key,
            lines=facts_of(layer, channel, self.subject.items.class_name),
            controls=controls_,
            on_choose=lambda cell: self._choose(ranks[cell], places[ranks[cell]].image, other),
            on_hover=lambda cell: self._point(ranks[cell], other),
        )

    def _example(self, channel: int, place: Place, rank: int) -> Example:
        return self._cutter.example(self.layer_row, channel, place, rank)

    def _choose(self, rank: int, image: int, other: bool) -> None:
        with self.hold_trait_notifications():
            self.index, self.example, self.of_other = image, rank, other

    def _point(self, rank: int, other: bool) -> None:
        with self.hold_trait_notifications():
            self.example, self.of_other = rank, other
