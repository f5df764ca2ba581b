"""What can be chosen in an AttributionView, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

import torch
import traitlets as T

from ...compute.attribution import METHODS, has_maps, last_maps
from ...compute.core import Prepare, nearest
from ...compute.dataset import of_images, predict
from ...compute.layers import Layer
from ...compute.scoring import Scorer
from ...render.color import SIGNS
from ...widgets.base import SubjectView
from ...widgets.state import Colormap, Given, Look, ScoreOf, Whole

MOST_STEPS = 10_000
"""Of integrated gradients."""


class AttributionState(SubjectView):
    """The traits of an AttributionView."""

    sliders: ClassVar[dict[str, str]] = {"index": "Image"}

    methods = Given(("saliency", "guided_backprop", "grad_cam"), help="names of the methods").tag(source=True)
    target = Whole(None, allow_none=True, help="class number; None: the predicted class").tag(source=True)
    score = ScoreOf("logit", help="'logit', 'probability', or a function of the model's output").tag(source=True)
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
        score = ScoreOf().validate(self, traits.get("score", "logit"))
        if callable(score):
            self._name_classes(len(self._scores(look, score)))
        else:
            rows = [row for row in look.table.showable if row.kind == "vector"]
            if look.prediction is None or not rows or not look.single:
                raise ValueError(
                    "AttributionView needs a network that gives class scores alone; choose them with score=, such as "
                    "score=lambda output: output['out'].mean((2, 3))"
                )
            self._name_classes(rows[-1].channels)
        if traits.get("target") is not None and traits.get("target") == traits.get("against"):
            raise ValueError(f"target and against are the same class, {traits['target']}")

    # ------------------------------------------------------------------ which class

    def _scored(self) -> tuple[Look, int | None]:
        """The look at the image, with the prediction of `score`; and the predicted class, if the scores are finite."""
        look = self._look
        if not callable(self.score):
            return look, look.prediction.targets[0] if look.prediction else None
        scores = self._scores(look, self.score)
        self._name_classes(len(scores))
        for name in ("target", "against"):
            if (getattr(self, name) or 0) >= len(scores):
                raise ValueError(f"no {name} {getattr(self, name)}; allowed: 0 to {len(scores) - 1}, or None")
        best = int(scores.argmax()) if scores.isfinite().all() else None
        return replace(look, prediction=predict(scores)), best

    def _name_classes(self, count: int) -> None:
        self._names = self._subject.names.all(count)

    def _scores(self, look: Look, score: Any) -> torch.Tensor:
        """What a function makes of the network's output for the image: (K,)."""
        assert look.item.image is not None
        scorer = Scorer(self._subject.model, layer=None, score=score, prepare=self._prepare(look))
        return scorer(look.item.image[None], torch.tensor([0]), lambda batch: None)[0].cpu()

    def _prepare(self, look: Look) -> Prepare | None:
        prepare = self._subject.prepare
        return None if prepare is None else of_images(prepare, look.item)

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
