"""SignatureView: the vectors that a layer gives for several images of several classes, as bar codes to compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import ipywidgets as W
import torch
import traitlets as T
from torch import nn

from ...compute.core import get_layer
from ...compute.dataset import item_responses
from ...compute.layers import Layer, describe_module
from ...compute.overview import ordinary
from ...compute.signatures import METRICS, Signatures, class_numbers, first_classes, gathered, members
from ...render.static import Panel
from ...widgets import controls
from ...widgets.base import ImageView
from ...widgets.panels import image_panels
from ...widgets.passes import ByteCache
from ...widgets.state import Colormap, Given, Integer, NotNone, Subject, Thumbnails, call
from .panels import distance_panel, outliers_panel, strips_panel

KEPT = 64 * 2**20
"""Bytes of vectors that are remembered, so that going back to a layer runs nothing."""
MOST = 100
"""Images of each class, at most."""


class SignatureView(ImageView):
    """Bar codes of a layer for several images of several classes, on one common scale, and the distances between them.

    A layer of maps is pooled to a number a map. Beside the bar codes: mean distances within and between the classes,
    and the images of a class ranked by how far they lie from its centre (see `Signatures`).

    Parameters
    ----------
    model, dataset, classes, denormalize, prepare, cache_bytes
        As for `ActivationView`.
    layer : str, optional
        By default the first that gives a vector.
    **traits
        Initial `targets` (classes, by number or name), `count`, `metric`, `pooling`, `target`, `index`, `colormap`,
        `scale`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a keyword is misspelt.
    LookupError, IndexError
        No such layer or image; a class without images.
    ForwardError
        The model refused an image; says which layer, what it got and what it wants.
    """

    sliders: ClassVar[dict[str, str]] = {"layer": "Layer"}

    targets = NotNone((), help="classes that are compared, by number or name").tag(source=True)
    count = Integer(5, help="images of each class, from the beginning of the data set").tag(source=True)
    pooling = T.Enum(("mean", "max"), "mean", help="how a map becomes one number").tag(source=True)
    metric = T.Enum(METRICS, METRICS[0], help="distance: cosine (of directions) or euclidean").tag(source=True)
    target = NotNone((), help="class whose outliers are ranked, by number or name; at first the last").tag(display=True)
    colormap = Colormap("viridis", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    scale = T.Enum(("shared", "strip"), "shared", help="value range: one for all strips, or each its own").tag(
        display=True
    )

    def __init__(
        self, model: nn.Module | Subject, dataset: Any = None, layer: str | None = None, **options: Any
    ) -> None:
        self._vectors = ByteCache(KEPT)
        self._target_menu: W.Dropdown | None = None
        super().__init__(model, dataset, **(options if layer is None else options | {"layer": layer}))

    @property
    def signatures(self) -> Signatures:
        """The vectors that are on the screen, with their distances and outliers."""
        self.flush()
        return self._found

    # ------------------------------------------------------------------ what traits may be

    def choosable(self, row: Layer) -> bool:
        """Layers that depend on the image: of the others every image has the same vector."""
        return row.reason is None and self.table.find(row.name).depends  # which a trace tells

    def first_layer(self) -> str:
        """The first main layer that gives a vector."""
        rows = ordinary(self.table, self.layers)
        return next((row.name for row in rows if row.kind == "vector" and row.leaf), super().first_layer())

    def prepare(self, traits: dict[str, Any]) -> None:
        """Choose classes where none are named."""
        items = self.subject.items
        self._thumbnails = Thumbnails(items)
        try:
            targets = class_numbers(items, traits.get("targets", ()))
        except ValueError:  # none is named
            targets = tuple(first_classes(items, 3))
        if not targets:
            raise ValueError("SignatureView compares classes, and the data set has no labels (whole numbers)")
        traits["targets"] = targets  # `target` is compared with numbers
        traits.setdefault("target", traits["targets"][-1])

    @T.validate("targets")
    def _validate_targets(self, proposal: Any) -> tuple[int, ...]:
        numbers = class_numbers(self.subject.items, proposal["value"])
        members(self.subject.items, numbers, 1)
        return numbers

    @T.validate("count")
    def _validate_count(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= MOST:
            raise ValueError(f"count must be 1 to {MOST}, not {proposal['value']}")
        return int(proposal["value"])

    @T.validate("target")
    def _validate_target(self, proposal: Any) -> int:
        (number,) = class_numbers(self.subject.items, [proposal["value"]])
        if number not in self.targets:
            raise LookupError(f"class {proposal['value']!r} is not compared; targets: {list(self.targets)}")
        return number

    @T.observe("targets")
    def _classes_changed(self, change: Any) -> None:
        if self.ready:
            with self.quiet():
                target = self.target if self.target in self.targets else self.targets[-1]
                if self._target_menu is not None:
                    self._target_menu.options = self._target_options()  # which chooses the first
                self.target = target
                self._classes.value = self._written()

    def choices(self, name: str) -> Sequence[Any]:
        """What the trait `name` may be, as the view now stands."""
        if name == "target":
            return list(self.targets)
        return range(1, MOST + 1) if name == "count" else super().choices(name)

    def numbers_in_code(self, given: Given) -> list[str]:
        """The vectors with their distances, by `signatures`."""
        where = given["model"], given["dataset"], given.trait("layer"), given.trait("targets")
        options = {name: given.trait(name) for name in ("count", "pooling", "metric")}
        return [f"found = {call('cw.signatures', *where, **options, **given.options('classes', 'prepare'))}"]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer, classes, images of each, how they are compared and drawn, and the image shown large."""
        self._classes = W.Text(value=self._written(), continuous_update=False, layout=W.Layout(width="150px"))
        controls.hint(self._classes, "Classes to compare: numbers or names, with commas between")
        self._classes.observe(self._typed, "value")
        slider = controls.slider(self, "count", maximum=MOST, width=110, tip="Images of each class")
        box = controls.entry(self, "count", maximum=MOST, width=60, tip="Images of each class")
        slider.min = box.min = 1
        metric = controls.dropdown(
            self, "metric", METRICS, width=100, tip="cosine: of directions, 0 to 2; euclidean: of the vectors"
        )
        pooling = controls.dropdown(self, "pooling", ["mean", "max"], width=80, tip="How a map becomes one number")
        self._pooling = controls.labelled("Pool maps by", pooling)
        scales = [("one for all", "shared"), ("each strip its own", "strip")]
        scale = controls.dropdown(
            self, "scale", scales, width=165, tip="Value range of the colours; only strips on one scale can be compared"
        )
        return [
            self.layer_control(),
            controls.labelled("Classes", self._classes),
            controls.labelled("Images of each", slider, box),
            controls.labelled("Distance", metric),
            self._pooling,
            controls.colormap_menu(self, tip="hsv is cyclic: its lowest and highest both look red"),
            controls.labelled("Scale", scale),
            self.image_control(),
        ]

    def compute(self) -> None:
        """Look up, or run the model for, the vectors of all images."""
        items, targets, count = self.subject.items, self.targets, self.count
        # remembered, since labels may have to be read from files
        found = self.remember("members", (targets, count), lambda: members(items, targets, count))
        indices = [index for group in found for index in group]
        key = (self.layer, self.pooling, tuple(indices), self.subject.weights)
        vectors = self._vectors.get(key)
        self.cached = vectors is not None
        if vectors is None:
            vectors = item_responses(
                self.subject.module,
                items,
                indices,
                self.layer_row,
                pooling=self.pooling,
                progress=not self.ready,  # in the cell that makes the view, not below a slider
            ).flatten(1)
            self._vectors.put(key, vectors)
        self._found = self._compared(found, vectors)
        self._pooling.layout.display = "none" if self.layer_row.kind == "vector" else ""

    def panels(self) -> list[Panel | list[Panel]]:
        """The chosen image, the bar codes, and the distances above the outliers."""
        found, thumbnails, snapshot = self._found, self._thumbnails, self.snapshot
        each = self.scale == "strip"
        image = self.remember("image", (snapshot.item, snapshot.prediction), lambda: image_panels(snapshot))
        strips = self.remember(
            "strips",
            (found.vectors, found.targets, self.colormap, each),
            lambda: strips_panel(found, thumbnails, self.colormap, each=each, on_choose=self._choose),
        )
        outliers = self.remember(
            "outliers",
            (found, self.target),
            lambda: outliers_panel(found, thumbnails, self.target, on_choose=self._choose, menu=self._menu()),
        )
        names = [thumbnails.items.label_text(target) for target in self.targets]
        distances = self.remember("distances", (found,), lambda: distance_panel(found, names))
        return [image, strips.framed(self.index), [distances, outliers.framed(self.index)]]

    def title(self) -> list[str]:
        """The layer, what it is, the numbers of a vector, and of how many images there is one."""
        row, found = self.layer_row, self._found
        unit = "numbers"
        if row.kind != "vector":
            unit = f"maps, the {'mean' if self.pooling == 'mean' else 'largest'} of each"
        module = row.type
        if row.operation:
            module = f"{row.type} in {row.module}" if row.module else row.type
        elif row.module:
            module = describe_module(get_layer(self.subject.module, row.module))
        images = f"{len(found.indices)} images of {len(self.targets)} {'classes' if len(self.targets) > 1 else 'class'}"
        return [row.name, module, f"{found.vectors.shape[1]:,} {unit}", images]

    def status(self) -> str:
        """Which strips have colours that can be compared."""
        if self.scale == "shared":
            return "scale: one for all strips"
        return "scale: each strip its own, not to be compared"

    def refresh(self) -> None:
        """Run the model again: for weights or data that changed where traits cannot see it."""
        self._vectors.clear()
        self._thumbnails.clear()
        super().refresh()

    # ------------------------------------------------------------------ parts

    def _compared(self, found: list[list[int]], vectors: torch.Tensor) -> Signatures:
        key = (vectors, self.layer, self.targets, self.metric)
        return self.remember("found", key, lambda: gathered(self.layer, self.targets, found, vectors, self.metric))

    def _menu(self) -> W.Widget:
        """The menu of classes, made with the panel that it stands in, so that an error before leaves no widget."""
        if self._target_menu is None:
            self._target_menu = controls.dropdown(
                self, "target", self._target_options(), width=140, tip="Class whose outliers are ranked"
            )
            self._labelled_menu = controls.labelled("Class", self._target_menu)
        return self._labelled_menu

    def _target_options(self) -> list[tuple[str, int]]:
        return [(self.subject.items.class_name(target), target) for target in self.targets]

    def _written(self) -> str:
        return ", ".join(self.subject.items.label_text(target) for target in self.targets)

    def _typed(self, change: Any) -> None:
        if change["new"] != self._written():
            try:
                self.targets = [word.strip() for word in change["new"].split(",") if word.strip()]
            except (LookupError, ValueError) as error:
                self.say(" ".join(map(str, error.args)))

    def _choose(self, index: int) -> None:
        self.index = index
