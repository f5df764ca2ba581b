"""AttributionView: which pixels a class score hangs on, by several methods side by side."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray

from ...compute.attribution import GRAD_CAM, METHODS, attributions, randomized, rank_correlation
from ...compute.core import ForwardError, weights_version
from ...render.color import COLORMAPS, SIGNS, Heat, overlay, to_picture
from ...render.static import Card
from ...widgets import controls
from ...widgets.controls import Choices, ClassMenu
from ...widgets.panels import ImagePanel
from ...widgets.surface import Text, close_tree, markup, number
from .panels import Drawn, MethodPanel
from .state import MOST_STEPS, AttributionState

REMEMBERED = 256
"""Maps that are kept, so that going back runs nothing."""
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


class AttributionView(AttributionState):
    """Maps of how much each pixel counts for a class, beside the image and the prediction.

    The sanity check draws the same maps for a copy of the network with random weights: a method whose map stays as it
    is does not look at what the network has learned (Adebayo et al., 2018).

    Parameters
    ----------
    model : torch.nn.Module
        Any network that takes (N, C, H, W) images and gives class scores, or what `score` makes class scores of. It is
        looked at, never changed.
    dataset : indexable
        Gives (image, label).
    classes, denormalize, prepare, cache_bytes
        As for `ActivationView`. `prepare(item)` is given items with other images in them, and must make batches of one.
    **traits
        Initial `layer`, `index`, `methods`, `target`, `against`, `score` as in `attributions`, `steps`, `sanity`,
        `sign`, `outliers`, `opacity`, `colormap`.

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

    # ------------------------------------------------------------------ building

    def build(self) -> None:
        """Make the controls and the panels."""
        self._maps: OrderedDict[tuple[Any, ...], tuple[torch.Tensor | None, str]] = OrderedDict()
        self._random: tuple[int, torch.nn.Module] | None = None
        colormaps = list(dict.fromkeys((*COLORMAPS, self.colormap)))
        self._target = ClassMenu(self, "target", tip="The class whose score is explained")
        self._against = ClassMenu(self, "against", tip="Explain the target's score less that of this class")
        outliers = W.BoundedFloatText(value=self.outliers, min=0, max=99, step=1, layout=W.Layout(width="60px"))
        T.link((self, "outliers"), (outliers, "value"))
        controls.hint(outliers, "Share of the sum of all values, in per cent, that the colour scale clips")
        steps = W.BoundedIntText(value=self.steps, min=1, max=MOST_STEPS, step=10, layout=W.Layout(width="70px"))
        T.link((self, "steps"), (steps, "value"))
        controls.hint(steps, "Integrated gradients: steps on the path from zeros to the image, a pass each")
        self._steps = controls.labelled("Steps", steps)
        sanity = W.ToggleButton(value=self.sanity, description="Sanity check", layout=W.Layout(width="120px"))
        T.link((self, "sanity"), (sanity, "value"))
        controls.hint(sanity, "The same maps with random weights: a method that depends on the model changes")
        colours = controls.dropdown(self, "colormap", colormaps, width=100, tip="auto: diverging for signed values")
        bar = [
            controls.labelled(
                "Methods", Choices(self, "methods", {**METHODS, "guided_backprop": "guided backprop"}, TIPS)
            ),
            self.image_control(),
            controls.labelled("Target", self._target),
            controls.labelled("against", self._against),
            self.layer_control(),
            self._steps,
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
        self._title, self._input = Text(), ImagePanel()
        self._panels: dict[str, MethodPanel] = {}
        self._body.children = controls.card_body(self._title, bar, [self._input], height=330)
        self._row_of_panels = self._body.children[-1]

    def close(self) -> None:
        """Close every widget, the panels of methods that are not shown now among them."""
        if not self._closed:
            for panel in self._panels.values():
                close_tree(panel)
        super().close()

    # ------------------------------------------------------------------ one way: compute, render, picture

    def refresh(self) -> None:
        """Compute anew: for weights or data that changed where traits cannot see it."""
        self._maps.clear()
        self._random = None
        super().refresh()

    def compute(self) -> None:
        """Look up, or ask the methods for, the maps of the image."""
        self.look()
        self._look, predicted = self._scored()
        if predicted is None:
            raise ValueError(f"the network gives no finite class scores for image {self.index}")
        self._predicted = predicted
        self._class = predicted if self.target is None else self.target
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
        key = (version, self.index, method, self._class, self.against, self.score, layer, steps, random)
        if key not in self._maps:
            image = self._look.item.image
            try:
                model = self._randomized(version) if random else self._subject.module
                options: dict[str, Any] = {
                    "layer": layer,
                    "target": self._class,
                    "against": self.against,
                    "score": self.score,
                    "steps": self.steps,
                    "prepare": self._prepare(self._look),
                }
                bar = not self._ready  # in the cell that makes the view, not below a slider
                found = attributions(model, image[None], method=method, progress=bar, **options)  # type: ignore[index]
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
            if method not in self._panels:
                self._panels[method] = MethodPanel(METHODS[method])
            self._panels[method].draw(found, check, correlation)
        children = (self._input, *(self._panels[method] for method in self.methods))
        if self._row_of_panels.children != children:
            self._row_of_panels.children = children
        passes = f"{self._passes:,} pass{'es' if self._passes != 1 else ''}" if self._passes else "cached"
        source = markup.source(passes, self.milliseconds)
        self._passes = 0  # what only the display changes runs nothing
        self._title.value = markup.title(*self._said(), status=self._status(), source=source)
        self.later(self._render_rest)

    def _render_rest(self) -> None:
        self._steps.layout.display = "" if "integrated_gradients" in self.methods else "none"
        if self._input.look is not self._look:
            self._input.draw(self.index, self._look, self._subject)
        prediction = self._look.prediction
        self._target.offer(f"predicted · {self._names[self._predicted]}", prediction, self._names)
        self._against.offer("nothing", prediction, self._names)

    def _drawn(self, grey: NDArray[np.uint8], values: torch.Tensor | None, note: str) -> Drawn:
        if values is None:
            return Drawn(None, None, "", note)
        if not values.isfinite().all():
            return Drawn(None, None, "", "the map holds values that are not finite")
        heat = Heat.of(values.numpy(), sign=self.sign, outliers=self.outliers, colormap=self.colormap)
        return Drawn(heat, overlay(grey, heat.pixels, heat.weight(self.opacity)), note)

    def static(self) -> Card:
        """What the view shows, without the controls."""
        columns = [self._input.static(), *(self._panels[method].static() for method in self.methods)]
        return Card(" · ".join(self._said()), columns, self._status())

    # ------------------------------------------------------------------ words

    def _said(self) -> list[str]:
        text = self._look.item.text
        rather = "" if self.against is None else f', not "{self._names[self.against]}"'
        image = markup.pictured(self._shown, text)
        return ["Attribution", f'why "{self._names[self._class]}"{rather}', image]

    def _status(self) -> str:
        signs = {"absolute": "magnitudes", "positive": "positive values", "negative": "negative values"}
        drawn = signs.get(self.sign, "both signs, centred on 0")
        return f"{drawn}, each map its own scale, {number(self.outliers)} % of the sum clipped"
