"""SignatureView: the vectors that a layer makes of several images of several classes, as bar codes to compare."""

from __future__ import annotations

from typing import Any, ClassVar

import ipywidgets as W
import traitlets as T
from torch import nn

from ...compute.core import get_layer, weights_version
from ...compute.dataset import responses
from ...compute.layers import describe_module
from ...compute.signatures import METRICS, Signatures, class_numbers, first_classes, gathered, members
from ...render.color import COLORMAPS
from ...render.static import Card
from ...widgets import controls
from ...widgets.base import SubjectView
from ...widgets.panels import ImagePanel
from ...widgets.state import ByteCache, Colormap, Subject, Thumbnails, Whole
from ...widgets.surface import Text, markup
from .panels import DistancePanel, OutliersPanel, StripsPanel

KEPT = 64 * 2**20
"""Bytes of vectors that are remembered, so that going back to a layer runs nothing."""
MOST = 100
"""Images of each class, at most."""


class SignatureView(SubjectView):
    """Bar codes of a layer for several images of several classes, on one common scale, and how far they lie apart.

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

    targets = T.Any((), help="classes that are compared, by number or name").tag(source=True)
    count = Whole(5, help="images of each class, from the beginning of the data set").tag(source=True)
    pooling = T.Enum(("mean", "max"), "mean", help="how a map becomes one number").tag(source=True)
    metric = T.Enum(METRICS, METRICS[0], help="distance: cosine (of directions) or euclidean").tag(source=True)
    target = T.Any(None, help="class whose outliers are ranked, by number or name; at first the last").tag(display=True)
    colormap = Colormap("viridis", help="matplotlib name; auto: diverging for signed values").tag(display=True)
    scale = T.Enum(("shared", "strip"), "shared", help="value range: one for all strips, or each its own").tag(
        display=True
    )

    def __init__(
        self, model: nn.Module | Subject, dataset: Any = None, layer: str | None = None, **options: Any
    ) -> None:
        super().__init__(model, dataset, **(options if layer is None else options | {"layer": layer}))

    @property
    def signatures(self) -> Signatures:
        """The vectors that are on the screen, with their distances and outliers."""
        self._newest.flush()
        return self._found

    # ------------------------------------------------------------------ what traits may be

    def first_layer(self) -> str:
        """The first layer that gives a vector."""
        return next((row.name for row in self.layers if row.kind == "vector" and row.leaf), super().first_layer())

    def check_traits(self, traits: dict[str, Any]) -> None:
        """Choose classes where none are named."""
        self._vectors, self._thumbnails = ByteCache(KEPT), Thumbnails(self._subject.items)
        self._members: tuple[Any, list[list[int]]] = (None, [])
        if not len(traits.get("targets", ())):
            traits["targets"] = first_classes(self._subject.items, 3)
            if not traits["targets"]:
                raise ValueError("SignatureView compares classes, and the data set has no labels (whole numbers)")
        traits["targets"] = class_numbers(self._subject.items, traits["targets"])  # `target` is compared with numbers
        traits.setdefault("target", traits["targets"][-1])

    @T.validate("targets")
    def _validate_targets(self, proposal: Any) -> tuple[int, ...]:
        numbers = class_numbers(self._subject.items, proposal["value"])
        members(self._subject.items, numbers, 1)
        return numbers

    @T.validate("count")
    def _validate_count(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= MOST:
            raise ValueError(f"count must be 1 to {MOST}, not {proposal['value']}")
        return int(proposal["value"])

    @T.validate("target")
    def _validate_target(self, proposal: Any) -> int:
        (number,) = class_numbers(self._subject.items, [proposal["value"]])
        if number not in self.targets:
            raise LookupError(f"class {proposal['value']!r} is not compared; targets: {list(self.targets)}")
        return number

    @T.observe("targets")
    def _classes_changed(self, change: Any) -> None:
        if self._ready:
            with self.quiet():
                target = self.target if self.target in self.targets else self.targets[-1]
                self._target_menu.options = self._target_options()  # which chooses the first
                self.target = target
                self._classes.value = self._written()

    # ------------------------------------------------------------------ building

    def build(self) -> None:
        """Make the controls and the panels."""
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
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        colours = controls.dropdown(
            self, "colormap", colormaps, width=100, tip="hsv is cyclic: its lowest and highest both look red"
        )
        scales = [("one for all", "shared"), ("each strip its own", "strip")]
        scale = controls.dropdown(
            self, "scale", scales, width=165, tip="Value range of the colours; only strips on one scale can be compared"
        )
        self._target_menu = controls.dropdown(
            self, "target", self._target_options(), width=140, tip="Class whose outliers are ranked"
        )
        bar = [
            self.layer_control(),
            controls.labelled("Classes", self._classes),
            controls.labelled("Images of each", slider, box),
            controls.labelled("Distance", metric),
            self._pooling,
            controls.labelled("Colours", colours),
            controls.labelled("Scale", scale),
            self.image_control(),
        ]
        self._title = Text()
        self._input = ImagePanel()
        self._strips = StripsPanel(self._choose)
        self._distances = DistancePanel()
        self._outliers = OutliersPanel(controls.labelled("Class", self._target_menu), self._choose)
        right = W.VBox([self._distances, self._outliers], layout=W.Layout(flex="0 0 auto", grid_gap="14px"))
        self._drawn: tuple[Any, ...] = ()
        self._body.children = controls.card_body(self._title, bar, [self._input, self._strips, right])

    def _target_options(self) -> list[tuple[str, int]]:
        return [(self._subject.items.class_name(target), target) for target in self.targets]

    def _written(self) -> str:
        return ", ".join(self._subject.items.label_text(target) for target in self.targets)

    def _typed(self, change: Any) -> None:
        if not self._is_quiet and change["new"] != self._written():
            try:
                self.targets = [word.strip() for word in change["new"].split(",") if word.strip()]
            except (LookupError, ValueError) as error:
                self._say(" ".join(map(str, error.args)))

    def _choose(self, index: int) -> None:
        self.index = index

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Look up, or run the model for, the vectors of all images."""
        self.look()
        items = self._subject.items
        wanted = (self.targets, self.count)
        if self._members[0] != wanted:  # labels may have to be read from files
            self._members = (wanted, members(items, *wanted))
        found = self._members[1]
        indices = [index for group in found for index in group]
        key = (self.layer, self.pooling, tuple(indices), weights_version(self._subject.module))
        vectors = self._vectors.get(key)
        self._cached = vectors is not None
        if vectors is None:
            vectors = responses(
                self._subject.module,
                items,
                indices,
                self._row,
                pooling=self.pooling,
                progress=not self._ready,  # in the cell that makes the view, not below a slider
            ).flatten(1)
            self._vectors.put(key, vectors)
        self._found = gathered(self.layer, self.targets, found, vectors, self.metric)

    def refresh(self) -> None:
        """Run the model anew: for weights or data that changed where traits cannot see it."""
        self._vectors.clear()
        self._members = (None, [])
        self._thumbnails.clear()
        self._drawn = ()
        super().refresh()

    def render(self) -> None:
        """Draw the panels; what has not changed is not sent again."""
        items = self._subject.items
        drawn = (self._found.vectors, self.colormap, self.scale)
        if not self._drawn or drawn[0] is not self._drawn[0] or drawn[1:] != self._drawn[1:]:
            self._strips.draw(self._found, self._thumbnails, self.colormap, self.scale == "strip")
            self._drawn = drawn
        self._strips.select(self.index)
        self._distances.draw(self._found, [items.label_text(each) for each in self.targets])
        self._outliers.draw(self._found, self._thumbnails, self.target)
        self._outliers.select(self.index)
        if self._input.look is not self._look:
            self._input.draw(self.index, self._look, self._subject)
        self._pooling.layout.display = "none" if self._row.kind == "vector" else ""
        source = markup.source("cached" if self._cached else "computed", self.milliseconds)
        self._title.value = markup.title(self._row.name, *self._said(), status=self._status(), source=source)

    def static(self) -> Card:
        """What the view shows, without the controls."""
        right = [self._distances.static(), self._outliers.static()]
        panels = (self._input.static(), self._strips.static(), right)
        return Card(" · ".join([self._row.name, *self._said()]), panels, self._status())

    # ------------------------------------------------------------------ words

    def _said(self) -> list[str]:
        row, found = self._row, self._found
        numbers = found.vectors.shape[1]
        unit = (
            "numbers"
            if row.kind == "vector"
            else f"maps, the {'mean' if self.pooling == 'mean' else 'largest'} of each"
        )
        if row.operation:
            module = f"{row.type} in {row.module}" if row.module else row.type
        else:
            module = describe_module(get_layer(self._subject.module, row.module)) if row.module else row.type
        images = f"{len(found.indices)} images of {len(self.targets)} {'classes' if len(self.targets) > 1 else 'class'}"
        return [module, f"{numbers:,} {unit}", images]

    def _status(self) -> str:
        return (
            "scale: one for all strips" if self.scale == "shared" else "scale: each strip its own, not to be compared"
        )
