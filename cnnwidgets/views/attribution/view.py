"""AttributionView: which pixels a class score hangs on, by several methods side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ...compute.attribution import GRAD_CAM, METHODS, default_layer, has_maps
from ...compute.core import ForwardError, unknown
from ...compute.dataset import predict
from ...compute.layers import Layer
from ...compute.scoring import Scorer
from ...live import Linked
from ...render.color import SIGNS, to_picture
from ...render.static import Panel
from ...widgets import controls
from ...widgets.base import ImageView
from ...widgets.controls import Choices, TargetMenu
from ...widgets.painter import Numbers, possible
from ...widgets.panels import image_panels, prediction_panel
from ...widgets.state import Colormap, Given, NotNone, ScoreOf, Target, call, image_of
from ...widgets.surface import markup
from .maps import Found, Maps, prepared
from .panels import Drawing, NotedPanel, Shared, correlations, method_panels, numbers_of

MOST_STEPS = 10_000
"""Of integrated gradients."""
LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the grey of an image."""
DRAWN = ("sign", "outliers", "opacity", "colormap")
"""The traits that a page which paints follows by itself."""
TIPS = {
    "saliency": "absolute gradient of the score: the pixels it is most sensitive to",
    "input_x_gradient": "gradient times pixel",
    "integrated_gradients": "mean gradient on the path from zeros to the image, times pixel; slow: many passes",
    "guided_backprop": "gradient, of which each ReLU passes back only the positive part",
    "deconvolution": "as guided backpropagation, also through inactive ReLUs",
    "grad_cam": "maps of a layer, weighted by their mean gradient",
    "guided_grad_cam": "guided backpropagation times Grad-CAM",
    "occlusion": "drop of the score as a patch covers each position; slow: a pass for each position",
}


def _classes(view: AttributionView) -> dict[int, str]:
    return view.classes


class AttributionView(ImageView):
    """Maps of how much each pixel counts for a class, beside the image and the prediction.

    The sanity check draws the same maps for a copy of the network with random weights: a method whose map stays as it
    is does not look at what the network has learned (Adebayo et al., 2018).

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network that takes (N, C, H, W) images and gives class scores, or what `score` makes class scores of. It is
        looked at, never changed.
    dataset : indexable
        Gives (image, label); None with a `Subject`.
    classes, denormalize, prepare, cache_bytes
        As for `ActivationView`. `prepare(item)` is given items with other images in them, and must make batches of one.
    **traits
        Initial `layer`, `main_layers`, `index`, `methods`, `target`, `against`, `score` as in `attributions`, `steps`,
        `sanity`, `sign`, `outliers`, `opacity`, `colormap`.

    Attributes
    ----------
    classes : dict
        Number of each class that the network, or `score`, has a score for -> its name.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; no such method or class; with
        `prepare`, items without an image tensor.
    LookupError, IndexError
        No such layer or image.
    ForwardError
        The model refused the image.
    """

    sliders: ClassVar[dict[str, str]] = {"index": "Image"}
    shows_operations: ClassVar[bool] = False
    panels_height: ClassVar[int] = 330
    painted: ClassVar[tuple[str, ...]] = DRAWN

    methods = NotNone(("saliency", "guided_backprop", "grad_cam"), help="names of the methods").tag(source=True)
    target = Target(of=_classes, help="class number or name; None: the predicted class").tag(source=True)
    score = ScoreOf("logit", help="'logit', 'probability', or a function of the model's output").tag(source=True)
    against = Target(of=_classes, help="class whose score is subtracted, or None").tag(source=True)
    steps = T.Int(50, help="points on the path of integrated gradients").tag(source=True)
    sanity = T.Bool(False, help="show the maps of a network with random weights too").tag(source=True)
    sign = T.Enum(SIGNS, "absolute", help="what of signed values is drawn").tag(display=True)
    outliers = T.Float(2.0, help="per cent of the sum that may lie beyond the scale").tag(display=True)
    opacity = T.Float(0.8, help="of the colours over the image, 0 to 1").tag(display=True)
    colormap = Colormap("auto", help="matplotlib name; auto: diverging for signed values").tag(display=True)

    # ------------------------------------------------------------------ what traits may be

    def choosable(self, row: Layer) -> bool:
        """Whether Grad-CAM can look at the layer; any layer where it can look at none, and then says so."""
        image = self.item.image
        aspect = 1.0 if image is None or image.ndim != 3 else image.shape[2] / image.shape[1]
        return has_maps(row, aspect) or (
            row.reason is None and not any(has_maps(each, aspect) for each in self.snapshot.modules)
        )

    def first_layer(self) -> str:
        """The last whose maps lie over the image and count for the score; see `last_maps`."""
        image = self.item.image
        if image is None or image.ndim != 3:
            return super().first_layer()
        try:
            given = {"score": self.given.get("score", "logit"), "prepare": prepared(self.snapshot)}
            return default_layer(self.subject.module, image, self.snapshot.modules, **given) or super().first_layer()
        except (ForwardError, TypeError, ValueError):  # `prepare`, or the method itself, says what is wrong
            return super().first_layer()

    def prepare(self, traits: dict[str, Any]) -> None:
        """Refuse what is no class scores, and a target that they do not have."""
        self._maps = Maps(self.subject)
        if self.item.image is None or self.item.image.ndim != 3:
            raise TypeError("AttributionView asks for each pixel of an image: items must hold a tensor (C, H, W)")
        score = ScoreOf().validate(self, traits.get("score", "logit"))
        if callable(score):
            self._name_classes(len(self._scores(score)))
        else:
            rows = [row for row in self.snapshot.modules.showable if row.kind == "vector"]
            look = self.subject.look(self.snapshot.index)
            alone, returned = look.single, look.returned
            if returned is not None and not returned.isfinite().all():
                raise ValueError(
                    f"the scores of image {self.snapshot.index} are not finite, so that none can be explained: begin "
                    "with another image, index=, or look at the layers in ActivationView"
                )
            scores = self.snapshot.prediction is not None and rows and alone
            if not scores and self._only_score() is None:
                words = "AttributionView needs a network that gives class scores alone"
                try:
                    self._scores("logit")
                except ValueError as error:  # says what it gives
                    raise ValueError(f"{words}; {error}") from None
                raise ValueError(f"{words}; choose them with score=")
            self._name_classes(rows[-1].channels if scores else 1)
        for name in {"target", "against"} & set(traits):
            traits[name] = self.traits()[name].number(self, traits[name])
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
                raise ValueError(unknown(f"no method {name!r}", name, METHODS, f"there are {', '.join(METHODS)}"))
        return tuple(name for name in METHODS if name in given)

    @T.validate("steps", "outliers", "opacity")
    def _validate_number(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        least, most = {"steps": (1, MOST_STEPS), "outliers": (0.0, 99.0), "opacity": (0.0, 1.0)}[name]
        if not least <= value <= most:
            raise ValueError(f"{name} must be {least} to {most}, not {value}")
        return value

    def numbers_in_code(self, given: Given) -> list[str]:
        """The maps of each method, by `attributions`; not with `prepare`, which takes batches of images there."""
        if given.has("prepare"):
            return []
        moved = [name for name in ("target", "against", "score", "steps") if given.differs(name)]
        options = {name: given.trait(name) for name in moved}
        image = image_of(given, self.item, self.index)
        lines = ["maps = {}"]
        for method in self.methods:
            layer = {"layer": given.trait("layer")} if method in GRAD_CAM else {}
            function = call("cw.attributions", given["model"], image, method=f'"{method}"', **layer, **options)
            lines.append(f'maps["{method}"] = {function}')
        return lines

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Methods, image, classes, layer, and how the maps are drawn."""
        self._target = TargetMenu(self, "target", tip="The class whose score is explained")
        self._against = TargetMenu(self, "against", tip="Explain the target's score less that of this class")
        outliers = W.BoundedFloatText(value=self.outliers, min=0, max=99, step=1, layout=W.Layout(width="60px"))
        Linked((self, "outliers"), (outliers, "value"))
        controls.hint(outliers, "Share of the sum of all values, in per cent, that the colour scale clips")
        steps = W.BoundedIntText(value=self.steps, min=1, max=MOST_STEPS, step=10, layout=W.Layout(width="70px"))
        Linked((self, "steps"), (steps, "value"))
        controls.hint(steps, "Integrated gradients: steps on the path from zeros to the image, a pass each")
        self._steps = controls.labelled("Steps", steps)
        sanity = W.ToggleButton(value=self.sanity, description="Sanity check", layout=W.Layout(width="120px"))
        Linked((self, "sanity"), (sanity, "value"))
        controls.hint(sanity, "The same maps with random weights: a method that depends on the model changes")
        methods = Choices(self, "methods", {**METHODS, "guided_backprop": "guided backprop"}, TIPS)
        sign = controls.dropdown(self, "sign", SIGNS, width=100, tip="Which values are drawn: magnitudes, or one sign")
        opacity = controls.fraction(self, "opacity", width=110, tip="Image alone, to map alone")
        colors = controls.colormap_menu(self, tip="auto: diverging for signed values")
        self._paints = possible()
        self._links = dict(zip(DRAWN, ([sign], [outliers], [opacity], colors.controls), strict=True))
        return [
            controls.labelled("Methods", methods),
            self.image_control(),
            controls.labelled("Target", self._target),
            controls.labelled("against", self._against),
            self.layer_control(),
            self._steps,
            controls.labelled("Sign", sign),
            controls.labelled("Outliers %", outliers),
            controls.labelled("Overlay", opacity),
            colors,
            sanity,
        ]

    def compute(self) -> None:
        """Look up, or ask the methods for, the maps of the image."""
        predicted = self._predict()
        if predicted is None:
            raise ValueError(f"the network gives no finite class scores for {markup.image_name(self.index).lower()}")
        target = predicted if self.target is None else self.target
        if target == self.against:
            raise ValueError(f"target and against are the same class, {self.classes[target]!r}: choose another")
        self._explained, before = target, self._maps.passes
        self._found = {method: self._find(method) for method in self.methods}
        self._checks = {method: self._find(method, random=True) for method in self.methods if self.sanity}
        self._passes = self._maps.passes - before
        self.cached = not self._passes
        self._fit_controls(predicted)

    def panels(self) -> list[Panel | list[Panel]]:
        """The image with its prediction, and a column for each method."""
        image = self.remember("image", (self.item, self._prediction), self._image)
        grey = self.remember("grey", (self.item,), self._grey)
        drawing = Drawing(grey, self.sign, self.outliers, self.colormap, self.opacity)
        key = tuple(vars(drawing).values())
        shared = self._shared(grey) if self._paints or self.exporting else None
        columns: list[Panel | list[Panel]] = []
        for method, found in self._found.items():
            check = self._checks.get(method)
            make = partial(method_panels, method, found, check, drawing)
            column = self.remember(method, (found, check, *key), make)
            columns.append([*column] if shared is None else self._painted(column, shared, method))
        return [image, *columns]

    def title(self) -> list[str]:
        """Which class is explained, of which image."""
        against = "" if self.against is None else f', not "{self.classes[self.against]}"'
        image = markup.pictured(self.snapshot.index, self.item.text)
        return ["Attribution", f'why "{self.classes[self._explained]}"{against}', image]

    def status(self) -> str:
        """What the colours mean."""
        return markup.heat_words(self.sign, self.outliers)

    def source(self) -> str:
        """How many passes the picture took, for the tooltip of the title line."""
        passes = f"{self._passes:,} pass{'es' if self._passes != 1 else ''}"
        return markup.source("cached" if self.cached else passes, self.milliseconds)

    def refresh(self) -> None:
        """Compute again: for weights or data that changed where traits cannot see it."""
        self._maps.clear()
        super().refresh()

    # ------------------------------------------------------------------ parts

    def _predict(self) -> int | None:
        """Find the prediction of `score`; the predicted class, if the scores are finite."""
        self._prediction = self.snapshot.prediction
        if not callable(self.score):
            if self._prediction is None:
                only = self._only_score()
                return 0 if only is not None and math.isfinite(only) else None
            return self._prediction.targets[0]
        scores = self._scores(self.score)
        self._name_classes(len(scores))
        for name in ("target", "against"):  # the function may give other classes than the one before
            self.traits()[name].number(self, getattr(self, name))
        self._prediction = predict(scores)
        return int(scores.argmax()) if scores.isfinite().all() else None

    def _scores(self, score: Any) -> torch.Tensor:
        """What a function makes of the network's output for the image: (K,)."""
        assert self.item.image is not None
        scorer = Scorer(self.subject.model, layer=None, score=score, prepare=prepared(self.snapshot))
        return scorer(self.item.image[None], torch.tensor([0]), lambda batch: None)[0].cpu()

    def _only_score(self) -> float | None:
        """What a network gives that gives one number, (1, 1): a regression, or a probability."""
        output = self.subject.look(self.snapshot.index).returned
        only = output is not None and output.ndim > 1 and output.numel() == 1 and output.isreal().all()
        return float(output.real) if output is not None and only else None

    def _name_classes(self, count: int) -> None:
        names = ["the output"] if count == 1 else self.subject.names.all(count)
        self.classes = dict(enumerate(names))

    def _find(self, method: str, *, random: bool = False) -> Found:
        return self._maps.find(
            self.snapshot,
            method,
            layer=self.layer,
            target=self._explained,
            against=self.against,
            score=self.score,
            steps=self.steps,
            random=random,
            progress=not self.ready,  # in the cell that makes the view, not below a slider
        )

    def _fit_controls(self, predicted: int) -> None:
        self._steps.layout.display = "" if "integrated_gradients" in self.methods else "none"
        said = self._prediction
        best = {} if said is None else dict(zip(said.targets, said.probabilities, strict=True))
        shares = {target: f"{100 * share:.1f} %" for target, share in best.items()}
        self._target.offer(self.classes, shares, none=f"predicted · {self.classes[predicted]}")
        self._against.offer(self.classes, shares, none="nothing")

    def _image(self) -> list[Panel]:
        picture, prediction = image_panels(self.snapshot)
        if callable(self.score):
            room, names = prediction.room, self.subject.names
            prediction = prediction_panel(self._prediction, self.item, names, room=room)
        return [picture, prediction]

    def _shared(self, grey: NDArray[np.uint8]) -> Shared:
        below = self.remember("below", (grey,), lambda: Numbers(grey[None, ..., 0]))
        state = {"channel": 0, **{name: getattr(self, name) for name in DRAWN}}
        return Shared(below, state, self._links, self.status())

    def _painted(self, column: list[NotedPanel], shared: Shared, method: str) -> list[Panel]:
        """The panels of a method with what a page needs to paint them."""
        found, check = self._found[method], self._checks.get(method)
        said = self.remember(f"{method} said", (found, check), lambda: correlations(found, check))
        notes: list[Any] = [found.note, said]
        painted: list[Panel] = []
        for panel, each, note in zip(column, (found, check), notes, strict=False):
            numbers = self.remember(f"{panel.key} numbers", (each,), partial(numbers_of, each))
            painted.append(panel if numbers is None else shared.over(panel, numbers, note))
        return painted

    def _grey(self) -> NDArray[np.uint8]:
        picture = to_picture(self.subject.items.picture(self.item.image).numpy()).pixels
        return np.repeat(np.rint(picture @ np.array(LUMA)).astype(np.uint8)[..., None], 3, 2)
