"""What can be chosen in an AttributionView, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import traitlets as T

from ..compute.attribution_methods import METHODS
from ..compute.cam import has_maps, last_maps
from ..compute.layers import Layer
from ..compute.names import nearest
from ..render import SIGNS
from .subject_view import SubjectView
from .traits import Colormap, Given, Whole

MOST_STEPS = 10_000
"""Of integrated gradients."""


class AttributionState(SubjectView):
    """The traits of an AttributionView."""

    sliders: ClassVar[dict[str, str]] = {"index": "Image"}

    methods = Given(("saliency", "guided_backprop", "grad_cam"), help="names of the methods").tag(source=True)
    target = Whole(None, allow_none=True, help="class number; None: the predicted class").tag(source=True)
    against = Whole(None, allow_none=True, help="class whose score is taken off, or None").tag(source=True)
    steps = T.Int(50, help="points on the way of integrated gradients").tag(source=True)
    sanity = T.Bool(False, help="show the maps of a network with random weights too").tag(source=True)
    sign = T.Enum(SIGNS, "absolute", help="what of signed values is drawn").tag(display=True)
    outliers = T.Float(2.0, help="per cent of the sum that may lie beyond the scale").tag(display=True)
    opacity = T.Float(0.8, help="of the colours over the image, 0 to 1").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)

    # ------------------------------------------------------------------ what traits may be

    def choosable(self, row: Layer) -> bool:
        """Whether Grad-CAM can look at the layer; any layer where it can look at none, and then says so."""
        table = self._look.table
        return has_maps(row) or (row.reason is None and not any(map(has_maps, table)))

    def first_layer(self) -> str:
        """The last with maps before pooling."""
        return last_maps(self._look.table) or super().first_layer()

    def check_traits(self, traits: dict[str, Any]) -> None:
        """Raise for what is no class scores, and for a target that they do not have."""
        look = self._look
        if look.item.image is None or look.item.image.ndim != 3:
            raise TypeError("AttributionView asks for each pixel of an image: items must hold a tensor (C, H, W)")
        rows = [row for row in look.table.showable if row.kind == "vector"]
        if look.prediction is None or not rows or not look.single:
            raise ValueError(
                "AttributionView needs a network that gives class scores alone; attributions(...) takes score="
            )
        self._names = [self._subject.items.class_name(number) for number in range(rows[-1].channels)]
        if traits.get("target") is not None and traits.get("target") == traits.get("against"):
            raise ValueError(f"target and against are the same class, {traits['target']}")

    @T.validate("methods")
    def _validate_methods(self, proposal: Any) -> tuple[str, ...]:
        given = proposal["value"]
        if not isinstance(given, Iterable):
            raise TypeError(f"methods are names, {', '.join(METHODS)}, not {given!r}")
        given = (given,) if isinstance(given, str) else tuple(given)
        for name in given:
            if name not in METHODS:
                near = nearest(str(name), METHODS)
                hint = f"; did you mean {near!r}?" if near else ";"
                raise ValueError(f"no method {name!r}{hint} there are {', '.join(METHODS)}")
        return tuple(name for name in METHODS if name in given)

    @T.validate("target", "against")
    def _validate_class(self, proposal: Any) -> int | None:
        value = proposal["value"]
        if value is not None and not 0 <= value < len(self._names):
            raise ValueError(f"no {proposal['trait'].name} {value}; allowed: 0 to {len(self._names) - 1}, or None")
        return value

    @T.validate("steps", "outliers", "opacity")
    def _validate_number(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        least, most = {"steps": (1, MOST_STEPS), "outliers": (0.0, 99.0), "opacity": (0.0, 1.0)}[name]
        if not least <= value <= most:
            raise ValueError(f"{name} must be {least} to {most}, not {value}")
        return value
