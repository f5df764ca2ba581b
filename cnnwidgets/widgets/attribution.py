"""AttributionView: which pixels a class score hangs on, by several methods side by side."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ..compute.attribution import attributions
from ..compute.attribution_methods import GRAD_CAM, METHODS
from ..compute.cam import has_maps, last_maps
from ..compute.forward import ForwardError
from ..compute.layers import Layer
from ..compute.model import weights_version
from ..compute.names import nearest
from ..compute.randomized import randomized, rank_correlation
from ..render import COLORMAPS, SIGNS, Heat, card, overlay, to_picture
from . import controls, markup
from .choices import Choices
from .class_menu import ClassMenu
from .markup import number
from .method_panel import Drawn, MethodPanel
from .panels import ImagePanel
from .subject_view import SubjectView
from .traits import Colormap

REMEMBERED = 256
"""Maps that are kept, so that going back runs nothing."""
TIPS = {
    "saliency": "absolute gradient of the score: which pixels it would react to",
    "input_x_gradient": "gradient times pixel",
    "integrated_gradients": "mean gradient from a black image to this one, times pixel; slow: many passes",
    "guided_backprop": "gradient, of which each ReLU lets through only what is positive",
    "deconvolution": "as guided backpropagation, also where a ReLU did not fire",
    "grad_cam": "maps of a layer, weighted by their mean gradient",
    "guided_grad_cam": "guided backpropagation times Grad-CAM",
    "occlusion": "how far the score falls when a patch hides a place; slow: a pass for each place",
}


class AttributionView(SubjectView):
    """Maps of how much each pixel counts for a class, beside the image and the prediction.

    The sanity check draws the same maps for a copy of the network with random weights: a method whose map stays as it
    is does not look at what the network has learned (Adebayo et al., 2018).

    Parameters
    ----------
    model : torch.nn.Module
        Any network that takes (N, C, H, W) images and gives class scores. It is looked at, never changed.
    dataset : indexable
        Gives (image, label).
    classes, denormalize, cache_bytes
        As for `ActivationView`.
    **traits
        Initial `layer`, `index`, `methods`, `target`, `against`, `steps`, `sanity`, `sign`, `outliers`, `opacity`,
        `colormap`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; no such method or class; `prepare` is given
        (`attributions` takes one).
    LookupError, IndexError
        No such layer or image.
    ForwardError
        The model refused the image.
    """

    methods = T.Any(("saliency", "guided_backprop", "grad_cam"), help="names of the methods").tag(source=True)
    target = T.Int(None, allow_none=True, help="class number; None: the predicted class").tag(source=True)
    against = T.Int(None, allow_none=True, help="class whose score is taken off, or None").tag(source=True)
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
        if self._subject.prepare is not None or look.item.image is None:
            raise ValueError("AttributionView needs image tensors, without prepare=; attributions(...) takes one")
        rows = [row for row in look.table.showable if row.kind == "vector"]
        if look.prediction is None or not rows:
            raise ValueError("AttributionView needs a network that gives class scores; attributions(...) takes score=")
        self._names = [self._subject.items.class_name(number) for number in range(rows[-1].channels)]
        self._maps: OrderedDict[tuple[Any, ...], tuple[torch.Tensor | None, str]] = OrderedDict()
        self._random: tuple[int, torch.nn.Module] | None = None
        if traits.get("target") is not None and traits.get("target") == traits.get("against"):
            raise ValueError(f"target and against are the same class, {traits['target']}")

    @T.validate("methods")
    def _validate_methods(self, proposal: Any) -> tuple[str, ...]:
        given = proposal["value"]
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
        least, most = {"steps": (1, 10_000), "outliers": (0.0, 99.0), "opacity": (0.0, 1.0)}[name]
        if not least <= value <= most:
            raise ValueError(f"{name} must be {least} to {most}, not {value}")
        return value

    def refresh(self) -> None:
        """Compute anew: for weights or data that changed where traits cannot see it."""
        self._maps.clear()
        self._random = None
        super().refresh()

    # ------------------------------------------------------------------ building

    def build(self) -> None:
        """Make the controls and the panels."""
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        self._target = ClassMenu(self, "target", tip="The class whose score is explained")
        self._against = ClassMenu(self, "against", tip="Explain the target's score less that of this class")
        outliers = W.BoundedFloatText(value=self.outliers, min=0, max=99, step=1, layout=W.Layout(width="60px"))
        T.link((self, "outliers"), (outliers, "value"))
        controls.hint(outliers, "Per cent of the sum of all values that may lie beyond the end of the colours")
        sanity = W.ToggleButton(value=self.sanity, description="Sanity check", layout=W.Layout(width="120px"))
        T.link((self, "sanity"), (sanity, "value"))
        controls.hint(sanity, "The same maps with random weights: who looks at the model at all?")
        colours = controls.dropdown(self, "colormap", colormaps, width=100, tip="auto: diverging for signed values")
        bar = [
            controls.labelled("Methods", Choices(self, "methods", METHODS, TIPS)),
            self.image_control(),
            controls.labelled("Target", self._target),
            controls.labelled("against", self._against),
            self.layer_control(),
            controls.labelled(
                "Sign",
                controls.dropdown(
                    self, "sign", SIGNS, width=100, tip="Which values are drawn: magnitudes, or one sign"
                ),
            ),
            controls.labelled("Outliers %", outliers),
            controls.labelled(
                "Overlay", controls.fraction(self, "opacity", width=110, tip="Image alone, to map alone")
            ),
            controls.labelled("Colours", colours),
            sanity,
        ]
        self._title, self._input = W.HTML(), ImagePanel()
        self._panels: dict[str, MethodPanel] = {}
        self._body.children = controls.card_body(self._title, bar, [self._input], height=330)
        self._row_of_panels = self._body.children[-1]

    # ------------------------------------------------------------------ one way: compute, render, picture

    def compute(self) -> None:
        """Look up, or ask the methods for, the maps of the image."""
        self.look()
        prediction = self._look.prediction
        if prediction is None:
            raise ValueError(f"the network gives no finite class scores for image {self.index}")
        self._class = prediction.targets[0] if self.target is None else self.target
        if self._class == self.against:
            raise ValueError(f"target and against are the same class, {self._names[self._class]!r}: choose another")
        self._passes = 0
        self._found = {method: self._map(method, False) for method in self.methods}
        self._checks = {method: self._map(method, True) for method in self.methods if self.sanity}

    def _map(self, method: str, random: bool) -> tuple[torch.Tensor | None, str]:
        """The map (H, W) with its note, or None with the reason."""
        version = weights_version(self._subject.module)
        layer = self.layer if method in GRAD_CAM else None
        steps = self.steps if method == "integrated_gradients" else None
        key = (version, self.index, method, self._class, self.against, layer, steps, random)
        if key not in self._maps:
            image = self._look.item.image
            try:
                model = self._randomized(version) if random else self._subject.module
                options = {"layer": layer, "target": self._class, "against": self.against, "steps": self.steps}
                found = attributions(model, image[None], method=method, **options)  # type: ignore[index]
                self._passes += found.passes
                self._maps[key] = found.maps[0], found.note
            except ForwardError:
                raise
            except (ValueError, TypeError, LookupError) as error:
                self._maps[key] = None, str(error)
        self._maps.move_to_end(key)
        while len(self._maps) > REMEMBERED:
            self._maps.popitem(last=False)
        return self._maps[key]

    def _randomized(self, version: int) -> torch.nn.Module:
        if self._random is None or self._random[0] != version:
            self._random = version, randomized(self._subject.module)
        return self._random[1]

    def render(self) -> None:
        """Draw a panel for each method."""
        image = self._look.item.image
        picture = to_picture(self._subject.items.picture(image).numpy()).pixels  # type: ignore[arg-type]
        weights = np.array([0.299, 0.587, 0.114])
        grey = np.repeat(np.rint(picture @ weights).astype(np.uint8)[..., None], 3, 2)
        for method in self.methods:
            found = self._drawn(grey, *self._found[method])
            check = self._drawn(grey, *self._checks[method]) if self.sanity else None
            correlation = None
            if check is not None and found.heat is not None and check.heat is not None:
                correlation = rank_correlation(*(torch.from_numpy(heat.values) for heat in (found.heat, check.heat)))
            self._panels.setdefault(method, MethodPanel(METHODS[method])).draw(found, check, correlation)
        children = (self._input, *(self._panels[method] for method in self.methods))
        if self._row_of_panels.children != children:
            self._row_of_panels.children = children
        passes = f"{self._passes:,} pass{'es' if self._passes != 1 else ''}" if self._passes else "cached"
        status = f"{passes} · drawn in {self.milliseconds:.0f} ms · {self._status()}"
        self._passes = 0  # what only the display changes runs nothing
        self._title.value = markup.title(*self._said(), status=status)
        self.later(self._render_rest)

    def _render_rest(self) -> None:
        if self._input.look is not self._look:
            self._input.draw(self.index, self._look, self._subject.items)
        prediction = self._look.prediction
        best = "" if prediction is None else f" · {self._names[prediction.targets[0]]}"
        self._target.offer(f"predicted{best}", prediction, self._names)
        self._against.offer("nothing", prediction, self._names)

    def _drawn(self, grey: NDArray[np.uint8], values: torch.Tensor | None, note: str) -> Drawn:
        if values is None:
            return Drawn(None, None, "", note)
        if not values.isfinite().all():
            return Drawn(None, None, "", "the map holds values that are not finite")
        heat = Heat.of(values.numpy(), sign=self.sign, outliers=self.outliers, colormap=self.colormap)
        return Drawn(heat, overlay(grey, heat.pixels, self.opacity), note)

    def picture(self, *, dark: bool = False) -> NDArray[np.uint8]:
        """The view as one static picture, (H, W, 3) uint8."""
        columns = [self._input.static(), *(self._panels[method].static() for method in self.methods)]
        return card(" · ".join(self._said()), columns, footer=self._status(), dark=dark)

    # ------------------------------------------------------------------ words

    def _said(self) -> list[str]:
        text = self._look.item.text
        rather = "" if self.against is None else f', not "{self._names[self.against]}"'
        image = f'image {self._shown}, a "{text}"' if text else f"image {self._shown}"
        return ["Attribution", f'why "{self._names[self._class]}"{rather}', image]

    def _status(self) -> str:
        signs = {"absolute": "magnitudes", "positive": "positive values", "negative": "negative values"}
        drawn = signs.get(self.sign, "both signs, centred on 0")
        return f"{drawn}, each map its own scale, {number(self.outliers)} % outliers"
