"""OcclusionView: hide a part of the photo, and see what it does to the scores; here, or everywhere as a heat map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray
from torch import nn

from ...render.static import Card, Panel
from ...widgets import controls
from ...widgets.state import Subject
from ...widgets.surface import Text, markup, number
from .controls import OpenMenu, PixelsControl, TargetPicker, fillings, place_control, score_control
from .growing_map import OcclusionRun
from .heat import Heat, pictures, signed
from .panels import HeatPanel, PatchPanel, ScorePanel
from .state import TOP


class OcclusionView(OcclusionRun):
    """A patch that is dragged over the photo, with the scores it leaves, and the map of all its places.

    Dragging runs the network once for each drawing. The map grows from coarse to fine in portions of about 40 ms
    between which cells and widgets are answered; without a notebook it is made where it is asked for, by `map` and
    `save`. A changed setting begins it anew. After Zeiler and Fergus, ECCV 2014, section 4.2.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network that takes (N, C, H, W) images; or what another view already looks at.
    dataset : indexable
        Gives (image, label), as for `ActivationView`; None with a `Subject`.
    classes : sequence of str, optional
        Names of the network's outputs, and of labels where the data set names none; by default the data set's own, or
        ImageNet's for a network of torchvision or timm with 1,000 outputs.
    denormalize : callable or (mean, std), optional
        Turns a normalised image into one in [0, 1] for the picture; by default found in the data set's transform.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model, as for `ActivationView`, in batches of one; it is given items
        in whose image the patch is already.
    **traits
        Initial `index`, `target`, `score`, `window`, `stride`, `shape`, `baseline` as in `occlusion`; `top` and `left`
        of the patch in pixels, `mapping`, `overlay`, `opacity`.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a window larger than the image, a stride of 0,
        no such target; an output that is no class scores (choose them with `score=`), or is NaN where the highest is
        looked for; a keyword is misspelt.
    IndexError
        No such image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    overlay = T.Bool(True, help="lay the heat map over the photo").tag(display=True)
    opacity = T.Float(0.6, min=0.0, max=1.0, help="of the overlay where it is strongest, 0 to 1").tag(display=True)

    @T.validate("opacity")
    def _validate_opacity(self, proposal: Any) -> float:
        if math.isnan(proposal["value"]):
            raise ValueError("opacity must be 0 to 1, not nan")
        return float(proposal["value"])

    def __init__(
        self,
        model: nn.Module | Subject,
        dataset: Any = None,
        *,
        classes: Any = None,
        denormalize: Any = None,
        prepare: Any = None,
        **traits: Any,
    ) -> None:
        self.check_keywords(traits)
        subject = Subject.of(model, dataset, classes=classes, denormalize=denormalize, prepare=prepare)
        self.look_at(subject, traits)
        self._fitted: Any = None
        self._heat: tuple[Any, Heat] | None = None
        self._pictures: tuple[Any, Any] | None = None
        self._lit: tuple[Any, NDArray[np.uint8]] | None = None
        super().__init__(**traits)
        self._build()
        self.start()

    @property
    def scores(self) -> torch.Tensor:
        """What the network says with the patch where it is: (K,), the scores of every class."""
        self._newest.flush()
        return self._found.clone()

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        items = self._subject.items
        self._target_picker = TargetPicker(self)
        self._window = PixelsControl(self, "window", slide=True, tip="Side of the patch in pixels (arrow keys work)")
        self._stride = PixelsControl(self, "stride", slide=False, tip="Pixels from one place of the map to the next")
        shape = controls.dropdown(self, "shape", ["square", "disc"], width=84, tip="What of the window is hidden")
        filling = OpenMenu(self, "baseline", fillings(items), width=116, tip="What the patch is filled with")
        place, self._sliders = place_control(self, self._seen.occluder.patches.size)
        overlay = controls.checkbox(self, "overlay", "", width=20, tip="Lay the heat map over the photo")
        overlay.layout.margin = "2px 6px 2px 0"
        opacity = controls.fraction(self, "opacity", width=110, tip="Opacity of the overlay where it is strongest")
        bar = [
            controls.index_control(self, len(items)),
            controls.labelled("Target", self._target_picker),
            controls.labelled("Score", score_control(self)),
            controls.labelled("Window", self._window),
            controls.labelled("Stride", self._stride),
            controls.labelled("Shape", shape),
            controls.labelled("Filling", filling),
            controls.labelled("Overlay", overlay, opacity),
            place,
        ]
        self._title = Text()
        self._photo = PatchPanel(self.move_to)
        self._map = HeatPanel(self.move_to_cell, self._pressed)
        self._scores = ScorePanel()
        self._body.children = controls.card_body(self._title, bar, [self._photo, self._map, self._scores], height=490)

    def _pressed(self) -> None:
        (self.cancel if self._portions.running else self.start_map)()

    # ------------------------------------------------------------------ one way: compute, render, picture

    def render(self) -> None:
        """Draw the panels; what has not changed is not sent again."""
        self.follow_settings()
        if self._fitted is not self._seen:
            self._fitted = self._seen
            self._fit_controls()
        self.draw_map(anew=not self._portions.running)  # a growing map is drawn at its own pace, not at the hand's
        before, value = self._values()
        best, truth = self._bars(self._found)
        bars = [(self._class_name(n), share, change) for n, share, change in best]
        self._scores.draw(self._target_name, self._unit, before, value, self._where(), bars, truth)
        source = markup.source("", self.milliseconds)
        self._title.value = markup.title(self._target_name, *self._said(), source=source)

    def draw_map(self, *, anew: bool = True) -> None:
        """Draw the heat map, the photo with its overlay and the patch, and how far the map is."""
        seen, occluder = self._seen, self._seen.occluder
        key = (occluder, seen.target, occluder.done)
        same = 3 if anew else 2  # how much of the key must be that of the map that is there
        if self._heat is None or self._heat[0][:same] != key[:same]:
            self._heat = key, Heat.of(occluder.result, self._unit)
        heat = self._heat[1]
        if self._pictures is None or self._pictures[0] is not occluder:
            self._pictures = occluder, pictures(occluder, self._subject.items)
        photo, fill = self._pictures[1]
        opacity = self.opacity if self.overlay else 0.0
        if self._lit is None or self._lit[0] != (heat, opacity):
            self._lit = (heat, opacity), heat.over(photo, opacity) if opacity and heat.known.any() else photo
        heading = f"Image {seen.settings.index}", markup.labelled(seen.item.text)
        place = (self.top, self.left)
        self._photo.draw(heading, self._lit[1], fill, occluder.patches, place)
        self._map.draw(heat, place)
        done, total = max(0, occluder.done - 1), occluder.total - 1  # without the whole image
        self._map.progress(done, total, self.seconds_left, self._portions.running)

    def static(self) -> Card:
        """What the view shows, without the controls."""
        panels: list[Panel | list[Panel]] = [self._photo.static(), self._map.static(), self._scores.static()]
        return Card(" · ".join([self._target_name, *self._said()]), panels)

    # ------------------------------------------------------------------ controls and words

    def _fit_controls(self) -> None:
        """Make the controls fit the image and its classes."""
        whole, patches = self._seen.whole, self._seen.occluder.patches
        count, finite = len(whole), bool(whole.isfinite().all())
        best = whole.topk(min(TOP, count)).indices.tolist() if finite else list(range(min(TOP, count)))
        names = [self._class_name(n) for n in range(count)]
        self._target_picker.update(names, best, names[best[0]] if finite else "")
        self._window.show(patches.window[0], min(patches.size))
        self._stride.show(patches.stride[0], min(patches.size))
        for slider, length in zip(self._sliders, patches.size, strict=True):
            slider.max = length - 1

    def _values(self) -> tuple[float, float]:
        """The score of the target for the whole image, and with the patch."""
        target = self._seen.target
        return float(self._seen.whole[target]), float(self._found[target])

    def _where(self) -> list[tuple[str, str]]:
        (height, width), (high, wide) = self._seen.occluder.patches.size, self._seen.occluder.patches.window
        return [
            ("rows", f"{self.top} to {min(self.top + high, height) - 1}"),
            ("columns", f"{self.left} to {min(self.left + wide, width) - 1}"),
        ]

    def _said(self) -> list[str]:
        seen, patches, (before, value) = self._seen, self._seen.occluder.patches, self._values()
        text, size = seen.item.text, " × ".join(map(str, patches.window))
        return [
            f"{self._unit} {number(before)} → {number(value)} ({signed(value - before)})",
            f"{patches.shape} of {size} px",
            markup.pictured(seen.settings.index, text),
        ]
